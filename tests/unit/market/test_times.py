"""Bar times in every form that the time column may have."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from poise.market import read_bars
from poise.market.times import NOT_A_TIME, read_times
from tests.unit.market.conftest import long_bars

MOMENT = "2021-03-04T05:06:07"
NANOSECONDS = int(np.datetime64(MOMENT, "ns").astype(np.int64))


@pytest.mark.parametrize("divisor", [10**9, 10**6, 10**3, 1])
@pytest.mark.parametrize("dtype", ["int64", "object", "str"])
def test_epoch_by_magnitude(divisor: int, dtype: str) -> None:
    column = pd.Series([NANOSECONDS // divisor] * 3).astype(dtype)
    assert read_times(column).tolist() == [NANOSECONDS] * 3


@pytest.mark.parametrize("moment", ["1985-05-05", "1999-12-31", "2021-12-31", "2060-01-01"])
@pytest.mark.parametrize("divisor", [10**9, 10**6, 10**3, 1])
def test_epoch_of_every_decade(moment: str, divisor: int) -> None:
    nanoseconds = int(np.datetime64(moment, "ns").astype(np.int64))
    assert read_times(pd.Series([nanoseconds // divisor])).tolist() == [nanoseconds]


def test_epoch_as_floats_with_a_hole() -> None:
    times = read_times(pd.Series([NANOSECONDS / 1e9, np.nan, NANOSECONDS / 1e9 + 0.5]))
    assert times.tolist() == [NANOSECONDS, NOT_A_TIME, NANOSECONDS + 500_000_000]


def test_nanoseconds_keep_their_last_digit() -> None:
    column = pd.Series([NANOSECONDS + 1, NANOSECONDS + 2])
    assert np.diff(read_times(column)).tolist() == [1]
    assert np.diff(read_times(column.astype(str))).tolist() == [1]


@pytest.mark.parametrize(
    "text",
    [
        "2021-03-04T05:06:07",
        "2021-03-04 05:06:07",
        "2021-03-04T05:06:07Z",
        "2021-03-04T05:06:07.000+00:00",
        "2021-03-04 00:06:07-05:00",
        "20210304T050607Z",
    ],
)
def test_iso_text(text: str) -> None:
    assert read_times(pd.Series([text], dtype=object)).tolist() == [NANOSECONDS]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_timestamps_of_every_unit(unit: str) -> None:
    naive = pd.Series(pd.to_datetime([MOMENT]).astype(f"datetime64[{unit}]"))
    assert read_times(naive).tolist() == [NANOSECONDS]
    zoned = naive.dt.tz_localize("UTC").dt.tz_convert("America/New_York")
    assert read_times(zoned).tolist() == [NANOSECONDS]


def test_dates_and_mixed_objects() -> None:
    day = int(np.datetime64("2021-03-04", "ns").astype(np.int64))
    column = pd.Series([dt.date(2021, 3, 4), dt.datetime(2021, 3, 4), "2021-03-04"], dtype=object)  # noqa: DTZ001
    assert read_times(column).tolist() == [day] * 3


def test_eight_digits_are_a_date() -> None:
    day = int(np.datetime64("2021-03-04", "ns").astype(np.int64))
    assert read_times(pd.Series([20210304])).tolist() == [day]
    assert read_times(pd.Series(["20210304"])).tolist() == [day]
    # One that is no date makes all of them seconds.
    assert read_times(pd.Series([20210304, 20211304])).tolist() == [20210304 * 10**9, 20211304 * 10**9]


@pytest.mark.parametrize(
    "value", ["2021-02-30", "04.03.2021", "3/4/2021", "1500-01-01", "9999-01-01", "noon", True, None]
)
def test_what_cannot_be_read(value: object) -> None:
    assert read_times(pd.Series([value])).tolist() == [NOT_A_TIME]


def test_unreadable_among_readable() -> None:
    assert (read_times(pd.Series(["2021-03-04", "x", None])) == NOT_A_TIME).tolist() == [False, True, True]
    assert (read_times(pd.Series(["1614834367", "x", ""])) == NOT_A_TIME).tolist() == [False, True, True]


@pytest.mark.parametrize("name", ["ts", "date", "timestamp", "Timestamp", "Date"])
def test_column_names(tmp_path: Path, name: str) -> None:
    path = tmp_path / "bars.csv"
    long_bars().rename(columns={"ts": name}).to_csv(path, index=False)
    assert read_bars(path).panel.opened[0] == np.datetime64("2024-01-01")


def test_ts_comes_first(tmp_path: Path) -> None:
    path = tmp_path / "bars.csv"
    long_bars().assign(date="2000-01-01", timestamp=5).to_csv(path, index=False)
    assert read_bars(path).panel.opened[0] == np.datetime64("2024-01-01")


def test_parquet_dates_and_zones(tmp_path: Path) -> None:
    path = tmp_path / "bars.parquet"
    frame = long_bars()
    for times in (frame["ts"].dt.date, frame["ts"].dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo")):
        frame.assign(ts=times).to_parquet(path)
        np.testing.assert_array_equal(read_bars(path).panel.opened, frame["ts"].unique())
