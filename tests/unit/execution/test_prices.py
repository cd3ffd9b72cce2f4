"""Last prices from every source, each with the time it became known."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np
import pytest

from poise.domain.prices import PricePanel
from poise.errors import InputError
from poise.execution import PriceBook
from poise.execution.prices import read_prices
from tests.execution_makers import NOON


def make_panel() -> PricePanel:
    return PricePanel(
        opened=np.array(["2021-05-30", "2021-05-31", "2021-06-01"], dtype="datetime64[ns]"),
        symbols=("A", "B", "C"),
        closes=np.array([[1.0, 5.0, np.nan], [2.0, 6.0, np.nan], [3.0, np.nan, np.nan]]),
        bar_seconds=86_400.0,
        periods_per_year=365.0,
    )


def test_a_panel_dates_each_symbol_by_its_own_last_close() -> None:
    book = read_prices(make_panel())
    assert dict(book) == {"A": 3.0, "B": 6.0}
    assert book.known_at("A") == datetime(2021, 6, 2, tzinfo=UTC)
    assert book.known_at("B") == datetime(2021, 6, 1, tzinfo=UTC)
    assert book.newest == datetime(2021, 6, 2, tzinfo=UTC)


def test_a_bar_is_known_at_its_close() -> None:
    book = read_prices(make_panel().bar(1))
    assert dict(book) == {"A": 2.0, "B": 6.0}
    assert book.known_at("A") == datetime(2021, 6, 1, tzinfo=UTC)


def test_a_mapping_is_known_now() -> None:
    book = read_prices({"A": 1.0, "B": math.nan, "C": 0.0})
    assert dict(book) == {"A": 1.0}
    assert book.known_at("A") is None
    assert book.newest is None


def test_an_object_and_a_function_are_asked() -> None:
    class Source:
        as_of = NOON

        def last_prices(self) -> dict[str, float]:
            return {"A": 2.0}

    assert dict(read_prices(Source())) == {"A": 2.0}
    assert read_prices(Source()).known_at("A") == NOON
    assert dict(read_prices(lambda: {"A": 4.0})) == {"A": 4.0}


def test_a_book_is_itself() -> None:
    book = PriceBook({"A": 1.0})
    assert read_prices(book) is book


def test_anything_else_is_refused() -> None:
    with pytest.raises(InputError, match="prices are a int"):
        read_prices(3)
