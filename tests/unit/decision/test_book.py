"""The book through prices, fills and flows."""

import math

import numpy as np
import pytest

from poise.decision.book import Book
from poise.domain.portfolio import Portfolio
from poise.errors import UnknownSymbolError

NO_PRICES = np.full(2, np.nan)


def book(cash: float = 0.0, **positions: float) -> Book:
    return Book(("A", "B"), Portfolio(cash=cash, positions=positions))


def test_index_and_drawdown_follow_the_prices() -> None:
    made = book(cash=100.0, A=1.0)
    made.mark(np.array([100.0, np.nan]))
    assert math.isnan(made.bar_return)
    made.mark(np.array([200.0, np.nan]))
    made.mark(np.array([50.0, np.nan]))
    assert made.index == pytest.approx(0.75)
    assert made.drawdown == pytest.approx(0.5)
    assert made.bar_return == pytest.approx(-0.5)
    made.mark(np.array([200.0, np.nan]))
    assert made.drawdown == pytest.approx(0.0)
    assert made.max_drawdown == pytest.approx(0.5)


def test_a_deposit_is_no_performance_and_a_cost_is() -> None:
    made = book(cash=1000.0)
    made.mark(NO_PRICES)
    made.hold(Portfolio(cash=5000.0), NO_PRICES)
    assert made.index == 1.0
    made.hold(Portfolio(cash=4950.0), NO_PRICES, cash_flow=0.0)
    assert made.index == pytest.approx(0.99)
    made.hold(Portfolio(cash=9950.0), NO_PRICES, cash_flow=5000.0)
    assert made.index == pytest.approx(0.99)
    assert made.value == 9950.0


def test_stablecoins_count_as_dollars_and_strangers_are_refused() -> None:
    assert book(cash=1.0, USDT=99.0).portfolio.cash == 100.0
    with pytest.raises(UnknownSymbolError, match="holds AA"):
        book(AA=1.0)


def test_an_empty_book_is_all_cash() -> None:
    made = book()
    made.mark(NO_PRICES)
    assert not made.has_value
    assert dict(made.weights(NO_PRICES)) == {"cash": 1.0}


def test_a_position_without_a_price_is_refused_and_changes_nothing() -> None:
    made = book(cash=10.0, A=1.0)
    made.mark(np.array([100.0, np.nan]))
    with pytest.raises(UnknownSymbolError, match="no price for the held symbol B"):
        made.hold(Portfolio(positions={"B": 1.0}), np.array([100.0, np.nan]))
    assert made.value == 110.0
    assert made.fractions(np.array([100.0, np.nan])) == pytest.approx([100.0 / 110.0, 0.0])
