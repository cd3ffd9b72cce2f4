"""The simulated account never goes below zero and pays what the fill engine says."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poise.backtest.account import Account, Leg
from poise.costs import CostModel, FillEngine
from poise.domain.conditions import MarketConditions


def conditions(*prices: float, volume: float = 1e9) -> MarketConditions:
    n = len(prices)
    return MarketConditions(
        as_of=datetime(2020, 1, 1, tzinfo=UTC),
        symbols=tuple("ABCD"[:n]),
        prices=np.array(prices),
        volatility=np.full(n, 0.02),
        covariance=np.eye(n) * 4e-4,
        spread_bps=np.full(n, 10.0),
        dollar_volume=np.full(n, volume),
    )


def account(cash: float, n: int = 2) -> Account:
    return Account(tuple("ABCD"[:n]), cash, FillEngine(CostModel()))


def test_a_buy_pays_price_half_spread_and_fee() -> None:
    made = Account(("A",), 1000.0, FillEngine(CostModel(impact_coefficient=0.0)))
    fill = made.execute([Leg("A", "buy", 5.0)], conditions(100.0), "p")[0]
    assert fill.price == pytest.approx(100.05)
    assert fill.fee == pytest.approx(0.50025)
    assert made.cash == pytest.approx(1000.0 - 500.25 - 0.50025)
    assert made.quantities[0] == 5.0


def test_what_cannot_be_filled_says_why() -> None:
    made = account(100.0)
    short, poor, dark = made.execute(
        [Leg("A", "sell", 1.0), Leg("A", "buy", 5.0), Leg("B", "buy", 1.0)], conditions(100.0, np.nan), "p"
    )
    assert (short.quantity, short.note) == (0.0, "cut to what is held")
    assert poor.note == "cut to the cash at hand"
    assert 0.99 < poor.quantity < 1.0
    assert (dark.quantity, dark.note) == (0.0, "no price at this bar")
    assert made.cash == pytest.approx(0.0, abs=0.01)


def test_participation_caps_a_large_order() -> None:
    fill = account(1e9).execute([Leg("A", "buy", 1e6)], conditions(100.0, 1.0, volume=1e6), "p")[0]
    assert fill.quantity == pytest.approx(1000.0)
    assert fill.note == "cut to the participation cap"


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from("AB"), st.sampled_from(["buy", "sell"]), st.floats(0.0, 1e5)), max_size=12
    ),
    st.floats(0.0, 1e5),
)
def test_cash_and_quantities_never_fall_below_zero(legs: list[tuple[str, str, float]], cash: float) -> None:
    made = account(cash)
    market = conditions(3.0, 70.0)
    fills = made.execute([Leg(*leg) for leg in legs], market, "p")
    assert made.cash >= 0.0
    assert (made.quantities >= 0.0).all()
    spent = sum((1 if f.side == "buy" else -1) * f.notional + f.fee for f in fills)
    assert made.cash == pytest.approx(cash - spent, abs=1e-6 * max(cash, 1.0))
