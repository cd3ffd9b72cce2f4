"""Bar length, trading days and bars a year, read off the bars."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from poise.errors import DataError
from poise.market import read_bars
from poise.market.calendar import bars_per_year
from tests.unit.market.conftest import long_bars


def long_on(times: pd.DatetimeIndex, *symbols: str) -> pd.DataFrame:
    """Return rising closes of each symbol at the times given."""
    parts = [pd.DataFrame({"ts": times, "symbol": s, "close": 10.0 + np.arange(len(times))}) for s in symbols]
    return pd.concat(parts, ignore_index=True)


def stored(tmp_path: Path, *frames: pd.DataFrame) -> Path:
    """Write frames below each other."""
    path = tmp_path / "bars.parquet"
    pd.concat(frames, ignore_index=True).to_parquet(path)
    return path


def session(hours: int) -> pd.DatetimeIndex:
    """Return hourly bars from 14:00 UTC on business days of three weeks."""
    days = pd.bdate_range("2024-01-01", periods=15)
    return pd.DatetimeIndex([day + pd.Timedelta(hours=14 + hour) for day in days for hour in range(hours)])


@pytest.mark.parametrize(
    ("times", "bar_seconds", "periods_per_year", "calendar"),
    [
        (pd.date_range("2024-01-01", periods=30, freq="D"), 86_400, 365, "continuous"),
        (pd.date_range("2024-01-01", periods=300, freq="h"), 3_600, 8_760, "continuous"),
        (pd.date_range("2024-01-01", periods=900, freq="15min"), 900, 35_040, "continuous"),
        (pd.bdate_range("2024-01-01", periods=30), 86_400, 252, "exchange"),
        (session(7), 3_600, 252 * 7, "exchange"),
        (pd.date_range("2024-01-01", periods=30, freq="W"), 7 * 86_400, 365 / 7, "continuous"),
        (pd.date_range("2024-01-01", periods=30, freq="MS"), 31 * 86_400, 12, "continuous"),
    ],
)
def test_rhythm(
    tmp_path: Path, times: pd.DatetimeIndex, bar_seconds: float, periods_per_year: float, calendar: str
) -> None:
    data = read_bars(stored(tmp_path, long_on(times, "AAA", "BBB")))
    assert data.panel.bar_seconds == bar_seconds
    assert data.panel.periods_per_year == pytest.approx(periods_per_year)
    assert data.report.calendar == calendar


def test_holidays_and_holes_do_not_hide_the_bar(tmp_path: Path) -> None:
    times = pd.date_range("2024-01-01", periods=60, freq="D").delete([3, 4, 9, 20, 21, 22])
    assert read_bars(stored(tmp_path, long_on(times, "BTC"))).panel.bar_seconds == 86_400


def test_currencies_with_a_sunday_session_are_on_an_exchange(tmp_path: Path) -> None:
    times = pd.date_range("2024-01-01", "2024-02-01", freq="h")
    weekday, hour = times.day_of_week, times.hour
    open_hours = (weekday < 4) | ((weekday == 4) & (hour < 22)) | ((weekday == 6) & (hour >= 22))
    data = read_bars(stored(tmp_path, long_on(times[open_hours], "EURUSD")))
    assert data.report.calendar == "exchange"
    assert data.panel.periods_per_year == 252 * 24


@pytest.mark.parametrize(
    ("symbol", "kind", "expected", "assumed"),
    [
        ("BTC/USDT", None, 365, False),
        ("BTC", "crypto", 365, False),
        ("SPY", "etf", 252, False),
        ("SPY", "stock", 252, False),
        ("BTC", None, 365, True),
    ],
)
def test_days_without_a_weekend_follow_the_kind(
    tmp_path: Path, symbol: str, kind: str | None, expected: float, assumed: bool
) -> None:
    frame = long_on(pd.date_range("2024-01-01", periods=4, freq="D"), symbol)
    data = read_bars(stored(tmp_path, frame if kind is None else frame.assign(kind=kind)))
    assert data.panel.periods_per_year == expected
    assert any(w.startswith("calendar_assumed") for w in data.warnings) == assumed


def test_young_asset_follows_the_others(tmp_path: Path) -> None:
    old = long_on(pd.bdate_range("2024-01-01", periods=30), "AAA")
    young = long_on(pd.date_range("2024-01-29", periods=4, freq="D"), "NEW")
    data = read_bars(stored(tmp_path, old, young))
    assert data.report.calendar == "exchange"
    assert not any(w.startswith("calendar_assumed") for w in data.warnings)


class TestMixed:
    def path(self, tmp_path: Path) -> Path:
        crypto = long_on(pd.date_range("2024-01-01", "2024-02-29", freq="D"), "BTC")
        shares = long_on(pd.bdate_range("2024-01-01", "2024-02-29"), "SPY", "TLT")
        return stored(tmp_path, crypto, shares)

    def test_union_leaves_weekends_missing(self, tmp_path: Path) -> None:
        data = read_bars(self.path(tmp_path))
        weekend = pd.DatetimeIndex(data.panel.opened).day_of_week >= 5
        assert data.report.calendar == "mixed"
        assert data.panel.periods_per_year == 365
        assert np.isfinite(data.panel.closes[:, 0]).all()
        assert np.isnan(data.panel.closes[weekend, 1:]).all()
        assert np.isfinite(data.panel.closes[~weekend]).all()
        assert data.report.gaps == 0
        (warning,) = [w for w in data.warnings if w.startswith("mixed_calendars")]
        assert "SPY, TLT" in warning

    def test_intersection_keeps_common_days(self, tmp_path: Path) -> None:
        data = read_bars(self.path(tmp_path), on_mixed_calendars="intersection")
        assert np.isfinite(data.panel.closes).all()
        assert data.panel.n_observations == len(pd.bdate_range("2024-01-01", "2024-02-29"))
        assert data.panel.periods_per_year == 252
        assert any("intersection" in w for w in data.warnings)

    def test_refuse(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="union") as caught:
            read_bars(self.path(tmp_path), on_mixed_calendars="refuse")
        assert caught.value.problem == "mixed_calendars"

    def test_long_weekend_is_no_delisting(self, tmp_path: Path) -> None:
        crypto = long_on(pd.date_range("2024-01-01", "2024-03-03", freq="D"), "BTC")
        shares = long_on(pd.bdate_range("2024-01-01", "2024-02-29"), "SPY")
        assert read_bars(stored(tmp_path, crypto, shares)).report.delisted == ()


@pytest.mark.parametrize(("last", "ended"), [("2024-02-22", False), ("2024-02-20", True)])
def test_shares_may_pause_over_a_long_weekend(tmp_path: Path, last: str, ended: bool) -> None:
    going = long_on(pd.bdate_range("2024-01-01", "2024-02-27"), "SPY")
    pausing = long_on(pd.bdate_range("2024-01-01", last), "TLT")
    delisted = read_bars(stored(tmp_path, going, pausing)).report.delisted
    assert [end.symbol for end in delisted] == (["TLT"] if ended else [])


def test_assets_of_another_bar_length_are_told(tmp_path: Path) -> None:
    hourly = long_bars(("BTC",), periods=200, freq="h")
    daily = long_bars(("ETH",), periods=8)
    data = read_bars(stored(tmp_path, hourly, daily))
    assert data.panel.bar_seconds == 3_600
    (warning,) = [w for w in data.warnings if w.startswith("mixed_intervals")]
    assert "ETH" in warning
    assert "BTC" not in warning


@pytest.mark.parametrize(
    ("days", "exchange", "expected"),
    [(1, True, 252), (1, False, 365), (7, True, 365 / 7), (30, True, 12), (91, False, 4), (365, True, 1)],
)
def test_bars_per_year(days: float, exchange: bool, expected: float) -> None:
    assert bars_per_year(days * 86_400.0, exchange=exchange) == pytest.approx(expected)
