"""Intraday bars summed up to days, using nothing of later days."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poise.domain.assets import AssetProfile, AssetTable
from poise.domain.prices import PricePanel
from poise.errors import InputError, NotEnoughDataError
from poise.market import to_daily

HOUR = np.timedelta64(3_600, "s")


def hourly(days: int = 4, *, assets: int = 2, start: str = "2024-01-01") -> PricePanel:
    """Continuous hourly closes 1, 2, 3, ... in every column, volume 2, cap ten times the close."""
    rows = 24 * days
    closes = np.repeat(np.arange(1.0, rows + 1)[:, None], assets, axis=1)
    return PricePanel(
        opened=np.datetime64(start, "ns") + HOUR * np.arange(rows),
        symbols=tuple(f"S{i}" for i in range(assets)),
        closes=closes,
        bar_seconds=3_600.0,
        periods_per_year=8_760.0,
        dollar_volumes=np.full(closes.shape, 2.0),
        market_caps=10.0 * closes,
    )


def without(panel: PricePanel, rows: list[int], column: int = 0) -> PricePanel:
    """Return the panel with some closes missing."""
    closes = panel.closes.copy()
    closes[rows, column] = np.nan
    return replace(panel, closes=closes)


def sessions(days: int = 5, bars: int = 7) -> PricePanel:
    """Hourly closes of an exchange from 14:00 UTC, Monday to Friday."""
    start = np.datetime64("2024-01-01T14:00", "ns")
    opened = np.array([start + 24 * HOUR * d + HOUR * b for d in range(days) for b in range(bars)])
    closes = np.arange(1.0, days * bars + 1)[:, None]
    return PricePanel(opened, ("SPY",), closes, 3_600.0, 252.0 * bars)


def test_values_of_full_days() -> None:
    daily = to_daily(hourly())
    assert daily.closes[:, 0].tolist() == [24.0, 48.0, 72.0, 96.0]
    assert daily.opened[0] == np.datetime64("2024-01-01")
    assert (daily.bar_seconds, daily.periods_per_year) == (86_400.0, 365.0)
    assert daily.dollar_volumes is not None
    assert daily.market_caps is not None
    assert (daily.dollar_volumes == 48.0).all()
    np.testing.assert_array_equal(daily.market_caps, 10.0 * daily.closes)
    assert daily.as_of == hourly().as_of


def test_daily_bars_come_back_as_they_are() -> None:
    daily = to_daily(hourly())
    assert to_daily(daily) is daily


@pytest.mark.parametrize("rows", range(72, 96))
def test_last_day_is_left_out_until_it_is_over(rows: int) -> None:
    assert to_daily(hourly().rows(0, rows)).closes[:, 0].tolist() == [24.0, 48.0, 72.0]


def test_first_day_may_begin_late() -> None:
    assert to_daily(hourly().rows(4)).n_observations == 4
    assert to_daily(hourly().rows(5)).n_observations == 3


def test_last_bar_of_a_day_must_exist() -> None:
    daily = to_daily(without(hourly(), [47]))
    assert np.isnan(daily.closes[1, 0])
    assert daily.closes[1, 1] == 48.0
    assert daily.dollar_volumes is not None
    assert np.isnan(daily.dollar_volumes[1, 0])


def test_four_fifths_of_the_bars_must_exist() -> None:
    assert to_daily(without(hourly(), list(range(24, 28)))).closes[1, 0] == 48.0
    assert np.isnan(to_daily(without(hourly(), list(range(24, 29)))).closes[1, 0])


def test_day_without_any_close_is_no_row() -> None:
    panel = hourly()
    keep = np.delete(np.arange(96), np.arange(40, 50))
    cut = replace(
        panel,
        opened=panel.opened[keep],
        closes=panel.closes[keep],
        dollar_volumes=None,
        market_caps=None,
    )
    daily = to_daily(cut)
    assert daily.closes[:, 0].tolist() == [24.0, 72.0, 96.0]
    assert daily.dollar_volumes is None


def test_volume_of_bars_without_volume() -> None:
    panel = hourly()
    volumes = np.full(panel.closes.shape, 2.0)
    volumes[:5, 0] = np.nan
    volumes[:24, 1] = np.nan
    daily = to_daily(replace(panel, dollar_volumes=volumes))
    assert daily.dollar_volumes is not None
    assert daily.dollar_volumes[0, 0] == 38.0
    assert np.isnan(daily.dollar_volumes[0, 1])


class TestExchange:
    def test_session_counts(self) -> None:
        daily = to_daily(sessions())
        assert daily.closes[:, 0].tolist() == [7.0, 14.0, 21.0, 28.0, 35.0]
        assert daily.periods_per_year == 252.0

    @pytest.mark.parametrize("rows", range(29, 35))
    def test_unfinished_session_is_left_out(self, rows: int) -> None:
        assert to_daily(sessions().rows(0, rows)).n_observations == 4

    def test_short_session_is_a_day_once_the_next_has_begun(self) -> None:
        keep = np.delete(np.arange(35), [13])
        panel = sessions()
        daily = to_daily(replace(panel, opened=panel.opened[keep], closes=panel.closes[keep]))
        assert daily.closes[:, 0].tolist() == [7.0, 13.0, 21.0, 28.0, 35.0]

    def test_shares_on_a_seven_day_axis(self) -> None:
        panel = hourly(days=7)
        closes = panel.closes.copy()
        hour = np.arange(24 * 7) % 24
        closes[(hour < 14) | (hour > 20), 1] = np.nan
        table = AssetTable([AssetProfile("S0", kind="crypto"), AssetProfile("S1", kind="stock")])
        daily = to_daily(replace(panel, closes=closes, assets=table))
        assert daily.closes[:, 1].tolist() == [21.0 + 24 * day for day in range(7)]
        assert daily.closes[:, 0].tolist() == [24.0 * (day + 1) for day in range(7)]


class TestRefused:
    @pytest.mark.parametrize("seconds", [7 * 86_400.0, 25_000.0])
    def test_bars_that_do_not_divide_a_day(self, seconds: float) -> None:
        with pytest.raises(InputError, match="divide"):
            to_daily(replace(hourly(), bar_seconds=seconds))

    def test_no_complete_day(self) -> None:
        with pytest.raises(NotEnoughDataError, match="20 bars"):
            to_daily(hourly().rows(0, 20))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), cut=st.integers(30, 24 * 6), share=st.floats(0.0, 0.4))
def test_no_look_ahead(seed: int, cut: int, share: float) -> None:
    """A panel cut anywhere gives the first days of the whole one, whatever comes later."""
    rng = np.random.default_rng(seed)
    panel = hourly(days=6)
    closes = np.where(rng.random(panel.closes.shape) < share * rng.random(), np.nan, panel.closes)
    panel = replace(panel, closes=closes)
    later = closes.copy()
    later[cut:] *= 7.0
    try:
        short = to_daily(panel.rows(0, cut))
    except NotEnoughDataError:
        return
    for whole in (to_daily(panel), to_daily(replace(panel, closes=later))):
        known = whole.opened < np.datetime64(short.opened[-1]) + 24 * HOUR
        np.testing.assert_array_equal(short.opened, whole.opened[known])
        np.testing.assert_array_equal(short.closes, whole.closes[known])
        assert short.dollar_volumes is not None
        assert whole.dollar_volumes is not None
        np.testing.assert_array_equal(short.dollar_volumes, whole.dollar_volumes[known])
