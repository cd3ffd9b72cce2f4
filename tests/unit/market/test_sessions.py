"""Closes of an exchange in UTC, through the changes of the clocks."""

from datetime import UTC, date, datetime, time

import numpy as np
import pandas as pd
import pytest

from poise.errors import InputError, NonFiniteError, ParameterError, ShapeError
from poise.market import session_closes
from poise.market.sessions import EXCHANGES
from poise.moments import CrossMarketCorrelation


def minutes(closes):
    return np.asarray(closes).astype("datetime64[m]").astype(str).tolist()


# 2020: America changed on 8 March and 1 November, Europe on 29 March and 25 October, Australia the other way
# on 5 April and 4 October; Asia not at all.
@pytest.mark.parametrize(
    ("exchange", "days", "expected"),
    [
        ("NYSE", ["2020-03-06", "2020-03-09"], ["21:00", "20:00"]),
        ("NYSE", ["2020-10-30", "2020-11-02"], ["20:00", "21:00"]),
        ("NASDAQ", ["2020-01-02", "2020-07-01"], ["21:00", "20:00"]),
        ("LSE", ["2020-03-27", "2020-03-30"], ["16:30", "15:30"]),
        ("LSE", ["2020-10-23", "2020-10-26"], ["15:30", "16:30"]),
        ("XETRA", ["2020-03-27", "2020-03-30"], ["16:30", "15:30"]),
        ("ASX", ["2020-04-03", "2020-04-06"], ["05:00", "06:00"]),
        ("ASX", ["2020-10-02", "2020-10-05"], ["06:00", "05:00"]),
        ("TSE", ["2020-03-27", "2020-11-02"], ["06:00", "06:00"]),
        ("TSE", ["2024-11-01", "2024-11-05"], ["06:00", "06:30"]),
        ("HKEX", ["2020-03-27", "2020-11-02"], ["08:00", "08:00"]),
    ],
)
def test_the_close_follows_the_local_clock(exchange, days, expected):
    assert minutes(session_closes(days, exchange)) == [
        f"{day}T{at}" for day, at in zip(days, expected, strict=True)
    ]


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_every_exchange_closes_when_its_own_clock_says(exchange):
    """By pandas, over forty years of weekdays."""
    days = pd.bdate_range("1985-01-01", "2025-12-31")
    local = session_closes(days, exchange).tz_convert(EXCHANGES[exchange].time_zone)
    assert (local.normalize().tz_localize(None) == days).all()
    regular = EXCHANGES[exchange].close
    recent = local[local >= "2024-11-05"]
    assert {moment.time() for moment in recent} == {regular}


def test_new_york_changes_on_the_second_sunday_of_march_and_the_first_of_november():
    days = pd.bdate_range("2007-01-01", "2021-12-31")
    hours = pd.Series(session_closes(days, "NYSE").hour, index=days)
    changes = hours.index[hours.diff().fillna(0) != 0]
    assert len(changes) == 30
    for spring, autumn in zip(changes[::2], changes[1::2], strict=True):
        sundays = pd.date_range(f"{spring.year}-01-01", f"{spring.year}-12-31", freq="W")
        assert spring - pd.Timedelta(days=1) == sundays[sundays.month == 3][1]
        assert autumn - pd.Timedelta(days=1) == sundays[sundays.month == 11][0]


def test_what_comes_in_goes_out():
    expected = ["2020-07-01T20:00", "2020-07-02T20:00"]
    text = ["2020-07-01", "2020-07-02"]
    index = pd.DatetimeIndex(text)
    for days in (text, np.array(text), np.array(text, "datetime64[D]"), [date(2020, 7, 1), date(2020, 7, 2)]):
        found = session_closes(days, "NYSE")
        assert type(found) is np.ndarray
        assert found.dtype == "datetime64[ns]"
        assert minutes(found) == expected
    for days in (index, pd.Series(index), index.tz_localize("UTC"), index.tz_localize("America/New_York")):
        found = session_closes(days, "NYSE")
        assert isinstance(found, pd.DatetimeIndex)
        assert str(found.tz) == "UTC"
        assert minutes(found.tz_localize(None)) == expected
    assert (
        minutes(session_closes([datetime(2020, 7, 1, tzinfo=UTC), pd.Timestamp("2020-07-02")], "NYSE"))
        == expected
    )
    assert session_closes([], "NYSE").shape == (0,)


def test_the_order_is_that_of_the_days():
    assert minutes(session_closes(["2020-07-02", "2020-07-01", "2020-07-02"], "SIX")) == [
        "2020-07-02T15:30",
        "2020-07-01T15:30",
        "2020-07-02T15:30",
    ]


def test_another_exchange_and_other_hours():
    saturday = ["2021-11-04", "2020-11-14"]
    found = session_closes(saturday, time_zone="Asia/Kolkata", close="15:30")
    assert minutes(found) == ["2021-11-04T10:00", "2020-11-14T10:00"]
    assert minutes(session_closes(["2020-07-01"], "NYSE", close=time(9, 30))) == ["2020-07-01T13:30"]
    early = session_closes(["2020-11-25", "2020-11-27"], "NYSE", early_closes={"2020-11-27": "13:00"})
    assert minutes(early) == ["2020-11-25T21:00", "2020-11-27T18:00"]
    by_date = session_closes(["2020-11-27"], "NYSE", early_closes={date(2020, 11, 27): time(13)})
    assert minutes(by_date) == ["2020-11-27T18:00"]


@pytest.mark.parametrize(
    ("days", "chosen", "error", "match"),
    [
        (["2020-07-04"], {"exchange": "NYSE"}, InputError, "2020-07-04 at index 0 is a Saturday"),
        (["2020-07-01T16:00"], {"exchange": "NYSE"}, InputError, "'2020-07-01T16:00' at index 0"),
        (
            np.array(["2020-07-01T16"], "datetime64[h]"),
            {"exchange": "NYSE"},
            InputError,
            "a time of day already",
        ),
        ([5], {"exchange": "NYSE"}, InputError, "expected a date"),
        ([None], {"exchange": "NYSE"}, InputError, "expected a date"),
        (pd.DatetimeIndex(["2020-07-01", None]), {"exchange": "NYSE"}, NonFiniteError, "index 1"),
        (np.zeros((2, 2), "datetime64[D]"), {"exchange": "NYSE"}, ShapeError, "one axis"),
        (["2020-07-01"], {"exchange": "NISE"}, ParameterError, "did you mean 'NYSE'"),
        (["2020-07-01"], {}, ParameterError, "nothing says when"),
        (["2020-07-01"], {"time_zone": "Asia/Tokyo"}, ParameterError, "nothing says when"),
        (["2020-07-01"], {"exchange": "TSE", "time_zone": "Asia/Tokyo"}, ParameterError, "pass one"),
        (
            ["2020-07-01"],
            {"time_zone": "Asia/Edo", "close": "15:00"},
            ParameterError,
            "'Asia/Edo' is unknown",
        ),
        (["2020-07-01"], {"exchange": "TSE", "close": "25:00"}, ParameterError, "such as 16:00"),
        (
            ["2020-07-01"],
            {"exchange": "TSE", "close": time(15, tzinfo=UTC)},
            ParameterError,
            "without a zone",
        ),
        (
            ["2020-07-01"],
            {"exchange": "TSE", "early_closes": {"x": "1:00"}},
            InputError,
            "early_closes holds 'x'",
        ),
    ],
)
def test_what_cannot_be_right_is_refused(days, chosen, error, match):
    with pytest.raises(error, match=match):
        session_closes(days, **chosen)


def test_one_time_of_day_in_utc_costs_correlation_in_summer():
    """A share that follows the coin exactly, both seen at 16:00 in New York."""
    rng = np.random.default_rng(5)
    hours = np.datetime64("2020-01-06T00", "ns") + np.arange(24 * 300) * np.timedelta64(1, "h")
    # What moves the coin comes in the hour after New York has closed, when a wrong time looks too late.
    coin = np.exp(np.cumsum(0.001 * rng.normal(size=len(hours))))
    days = np.array(
        [day for day in np.arange("2020-01-06", "2020-10-30", dtype="datetime64[D]") if np.is_busday(day)]
    )
    closes = session_closes(days, "NYSE")
    jump = np.isin(hours, closes + np.timedelta64(1, "h"))
    coin *= np.exp(np.cumsum(np.where(jump, 0.02 * rng.normal(size=len(hours)), 0.0)))
    share = coin[np.searchsorted(hours, closes)]
    fixed = days.astype("datetime64[ns]") + np.timedelta64(21, "h")

    def correlation(times):
        return CrossMarketCorrelation().fit(coin[:, None], share[:, None], hours, times).correlation_[0, 0]

    assert correlation(closes) == pytest.approx(1.0, abs=1e-12)
    assert correlation(fixed) < 0.5
