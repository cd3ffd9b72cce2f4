"""The rings of closes and returns."""

import dataclasses

import numpy as np
import pytest

from poise.decision.history import BarHistory
from poise.domain.prices import Bar, PricePanel
from poise.errors import InputError, NonFiniteError, ShapeError

DAY = np.timedelta64(86_400, "s")
START = np.datetime64("2020-01-01", "ns")


def bar(day: int, *closes: float) -> Bar:
    symbols = tuple("ABCDEFG"[: len(closes)])
    return Bar(START + day * DAY, START + (day + 1) * DAY, symbols, np.array(closes))


def history(*bars: Bar, capacity: int = 5) -> BarHistory:
    ring = BarHistory(bars[0].symbols, capacity)
    for item in bars:
        ring.append(item)
    return ring


def test_returns_compare_with_the_last_close_across_a_week_end() -> None:
    ring = history(bar(0, 100.0, 10.0), bar(1, 101.0, np.nan), bar(2, np.nan, np.nan))
    np.testing.assert_allclose(ring.append(bar(3, 103.02, 11.0)), [0.02, 0.1])


def test_a_hole_of_more_than_four_days_is_no_return() -> None:
    ring = history(bar(0, 100.0))
    assert ring.append(bar(4, 110.0))[0] == pytest.approx(0.1)
    assert np.isnan(ring.append(bar(9, 50.0))[0])


def test_the_window_is_the_last_rows_however_long_the_run() -> None:
    closes = 100.0 + np.arange(23.0)
    ring = history(*(bar(t, close) for t, close in enumerate(closes)), capacity=5)
    np.testing.assert_array_equal(ring.closes()[:, 0], closes[-5:])
    np.testing.assert_array_equal(ring.closes(2)[:, 0], closes[-2:])
    np.testing.assert_allclose(ring.returns()[:, 0], np.diff(closes)[-5:] / closes[-6:-1])
    assert ring.n_observations == 23
    assert not ring.closes().flags.writeable


def test_alive_means_a_close_within_four_days() -> None:
    ring = history(bar(0, 1.0, 2.0), bar(1, 1.0, np.nan), bar(4, 1.0, np.nan))
    assert ring.alive().tolist() == [True, True]
    ring.append(bar(5, 1.0, np.nan))
    assert ring.alive().tolist() == [True, False]
    assert not ring.all_alive
    ring.append(bar(6, 1.0, 2.0))
    assert ring.all_alive
    assert ring.alive().all()
    assert ring.last_prices() == {"A": 1.0, "B": 2.0}


def test_whole_bars_after_a_hole_compare_with_what_is_recent() -> None:
    ring = history(bar(0, 1.0, 2.0), bar(1, 1.0, np.nan), bar(3, 1.1, np.nan), bar(5, 1.1, np.nan))
    np.testing.assert_allclose(ring.append(bar(6, 2.2, 4.0)), [1.0, np.nan])
    np.testing.assert_allclose(ring.append(bar(7, 2.2, 5.0)), [0.0, 0.25])
    assert np.isnan(ring.append(bar(12, 2.2, 5.0))).all()
    seconds = history(bar(0, 1.0), bar(4, 2.0))
    assert seconds.append(bar(8, 4.0))[0] == 1.0


@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        (bar(1, 1.0), ShapeError, "symbols"),
        (bar(0, 1.0, 2.0), InputError, "not later"),
        (bar(1, 1.0, -2.0), NonFiniteError, "close of B"),
        (bar(1, np.inf, 2.0), NonFiniteError, "close of A"),
    ],
)
def test_a_bad_bar_is_refused_and_changes_nothing(bad: Bar, error: type[Exception], message: str) -> None:
    ring = history(bar(0, 1.0, 2.0))
    with pytest.raises(error, match=message):
        ring.append(bad)
    assert ring.n_observations == 1
    assert ring.append(bar(1, 2.0, 2.0)).tolist() == [1.0, 0.0]


def test_the_fingerprint_is_that_of_the_panel_however_often_it_is_read() -> None:
    closes = np.random.default_rng(1).uniform(1.0, 2.0, (30, 2))
    closes[7, 1] = closes[20, 0] = np.nan
    panel = PricePanel(START + np.arange(30) * DAY, ("A", "B"), closes, 86_400.0, 365.0)
    often, seldom = BarHistory(panel.symbols, 4), BarHistory(panel.symbols, 4)
    for rows, item in enumerate(panel.bars(), 1):
        often.append(item)
        seldom.append(item)
        assert often.fingerprint == BarHistory.fingerprint_of(panel, rows)
    assert seldom.fingerprint == often.fingerprint
    assert seldom.fingerprint != BarHistory.fingerprint_of(panel, 29)


def test_whatever_a_bar_brings_its_closes_in_it_is_taken() -> None:
    plain, wide, whole = (history(bar(0, 10.0, 20.0)) for _ in range(3))
    closes = np.array([11.0, 19.0])
    expected = plain.append(dataclasses.replace(bar(1, 1.0, 1.0), closes=closes))
    given = np.array([[11.0, 0.0], [19.0, 0.0]])[:, 0]
    np.testing.assert_array_equal(wide.append(dataclasses.replace(bar(1, 1.0, 1.0), closes=given)), expected)
    given = np.array([11, 19])
    np.testing.assert_array_equal(whole.append(dataclasses.replace(bar(1, 1.0, 1.0), closes=given)), expected)


def test_a_bar_without_a_time_is_refused() -> None:
    ring = BarHistory(("A",), 4)
    with pytest.raises(InputError, match="not later"):
        ring.append(dataclasses.replace(bar(0, 1.0), opened=np.datetime64("NaT", "ns")))


def test_symbols_in_another_order_are_other_symbols() -> None:
    ring = history(bar(0, 1.0, 2.0))
    with pytest.raises(ShapeError):
        ring.append(dataclasses.replace(bar(1, 1.0, 2.0), symbols=("B", "A")))
