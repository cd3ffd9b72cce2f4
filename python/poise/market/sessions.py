"""When an exchange's sessions close, in UTC: the time of day is local and moves with daylight saving."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from types import MappingProxyType
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from poise.errors import InputError, NonFiniteError, ParameterError, ShapeError, did_you_mean
from poise.typing import ArrayLike, Times

_SATURDAY = 5
_CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")


class Hours(NamedTuple):
    """Where an exchange is and when its regular sessions close there."""

    time_zone: str
    close: time
    earlier: tuple[date, time] | None = None
    """The first day of these hours, and the close before it."""


EXCHANGES: Mapping[str, Hours] = MappingProxyType(
    {
        "NYSE": Hours("America/New_York", time(16)),
        "NASDAQ": Hours("America/New_York", time(16)),
        "TSX": Hours("America/Toronto", time(16)),
        "LSE": Hours("Europe/London", time(16, 30)),
        "EURONEXT": Hours("Europe/Paris", time(17, 30)),
        "XETRA": Hours("Europe/Berlin", time(17, 30)),
        "SIX": Hours("Europe/Zurich", time(17, 30)),
        "HKEX": Hours("Asia/Hong_Kong", time(16)),
        "SSE": Hours("Asia/Shanghai", time(15)),
        "TSE": Hours("Asia/Tokyo", time(15, 30), (date(2024, 11, 5), time(15))),
        "ASX": Hours("Australia/Sydney", time(16)),
    }
)
"""Close of regular trading, without what a closing auction adds."""


def session_closes(
    days: ArrayLike,
    exchange: str | None = None,
    *,
    time_zone: str | None = None,
    close: str | time | None = None,
    early_closes: Mapping[Any, str | time] | None = None,
) -> Any:
    """Return the instants at which the sessions of an exchange close, in UTC.

    Daily bars of an exchange carry dates. Beside a market that never closes they need times, and one time of
    day in UTC is wrong for half the year: New York closes at 21:00 UTC in winter and at 20:00 in summer.

    Parameters
    ----------
    days : array_like of shape (n,)
        The dates of the sessions that took place, at the exchange: datetimes at midnight, dates or ISO text.
        Holidays are the days that are not among them.
    exchange : str, optional
        ``NYSE``, ``NASDAQ``, ``TSX``, ``LSE``, ``EURONEXT``, ``XETRA``, ``SIX``, ``HKEX``, ``SSE``, ``TSE``
        (Tokyo) or ``ASX``: their regular close. For another one give `time_zone` and `close`.
    time_zone : str, optional
        A name of the IANA database, such as ``America/New_York``.
    close : str or datetime.time, optional
        Local time of day such as ``16:00``; of a known exchange only where it is another one.
    early_closes : mapping of date to time of day, optional
        The local close of sessions that ended early, such as ``{"2020-11-27": "13:00"}``. A regular time in
        its place is some hours late on those days.

    Returns
    -------
    ndarray of shape (n,) or pandas.DatetimeIndex
        ``datetime64[ns]``, UTC, in the order of `days`; an index with zone UTC for a pandas index or series.

    Raises
    ------
    InputError
        If a day is no date, has a time of day, or falls on a weekend at a known exchange: prices filled
        forward there are no sessions.
    NonFiniteError
        If a day is missing; the message names its index.
    ParameterError
        If the exchange or the time zone is unknown, neither is given or both, or a time of day is none.
    ShapeError
        If there is not one axis.

    Notes
    -----
    Hours are those of recent decades; Tokyo closes half an hour later since 5 November 2024. Time zones come
    from the operating system, or the package ``tzdata`` where that has none.

    Examples
    --------
    Clocks went forward in New York on 8 March 2020:

    >>> session_closes(["2020-03-06", "2020-03-09"], "NYSE").astype("datetime64[m]").astype(str).tolist()
    ['2020-03-06T21:00', '2020-03-09T20:00']

    As times of the exchange beside a coin:

    >>> from poise.moments import CrossMarketCorrelation
    >>> hours = np.datetime64("2020-03-02T00", "ns") + np.arange(24 * 21) * np.timedelta64(1, "h")
    >>> coin = 100.0 + np.sin(np.arange(len(hours)))[:, None]
    >>> days = np.array(["2020-03-02", "2020-03-03", "2020-03-04"], dtype="datetime64[D]")
    >>> share = np.array([[10.0], [11.0], [10.5]])
    >>> found = CrossMarketCorrelation(bar="1h").fit(coin, share, hours, session_closes(days, "NYSE"))
    >>> int(found.n_intervals_[0, 0])
    2
    """
    hours = _hours(exchange, time_zone, close)
    early = {
        _day(day, "early_closes"): _clock(at, "early_closes") for day, at in (early_closes or {}).items()
    }
    sessions = _days(days)
    if exchange is not None:
        _refuse_weekends(sessions, exchange)
    zone = _zone(hours.time_zone)

    def instant(day: date) -> datetime:
        regular = hours.close if hours.earlier is None or day >= hours.earlier[0] else hours.earlier[1]
        local = datetime.combine(day, early.get(day, regular), tzinfo=zone)
        return local.astimezone(UTC).replace(tzinfo=None)

    closes = np.array([instant(day) for day in sessions], dtype="datetime64[ns]")
    return _like(days, closes)


def _hours(exchange: str | None, time_zone: str | None, close: str | time | None) -> Hours:
    if exchange is not None:
        if exchange not in EXCHANGES:
            raise ParameterError(
                f"exchange is {exchange!r}{did_you_mean(str(exchange), EXCHANGES)}; known are "
                f"{', '.join(EXCHANGES)}; for another one pass time_zone and close"
            )
        if time_zone is not None:
            raise ParameterError(
                f"both exchange {exchange!r} and time_zone {time_zone!r} are given; pass one"
            )
        known = EXCHANGES[exchange]
        return known if close is None else Hours(known.time_zone, _clock(close, "close"))
    if time_zone is None or close is None:
        raise ParameterError(
            "nothing says when the sessions close; pass exchange, such as 'NYSE', or time_zone and close"
        )
    return Hours(time_zone, _clock(close, "close"))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError, TypeError) as error:
        raise ParameterError(
            f"time zone {name!r} is unknown here; pass a name such as America/New_York, "
            "and install the package tzdata if the system has no time zones"
        ) from error


def _clock(given: Any, name: str) -> time:
    if isinstance(given, time):
        if given.tzinfo is not None:
            raise ParameterError(f"{name} is {given}, expected a local time of day without a zone")
        return given
    match = _CLOCK.fullmatch(given) if isinstance(given, str) else None
    if match is None:
        raise ParameterError(f"{name} is {given!r}, expected a local time of day such as 16:00")
    return time(int(match[1]), int(match[2]))


def _day(given: Any, name: str) -> date:
    (day,) = _days([given], name)
    return day


def _days(given: Any, name: str = "days") -> list[date]:
    """Return dates, those of the wall clock where there is a zone."""
    if getattr(getattr(given, "dtype", None), "tz", None) is not None:
        given = (given.dt if hasattr(given, "dt") else given).tz_localize(None)
    items = np.asarray(given) if hasattr(given, "dtype") else np.array(list(given), dtype=object)
    if items.dtype.kind != "M":
        items = np.array([_wall_clock(item, i, name) for i, item in enumerate(items)], "datetime64[ns]")
    return _checked_dates(items.astype("datetime64[ns]"), name)


def _wall_clock(item: Any, i: int, name: str) -> Any:
    if isinstance(item, datetime):
        return item.replace(tzinfo=None)
    if isinstance(item, date | np.datetime64):
        return item
    try:
        return np.datetime64(date.fromisoformat(item), "ns")
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} holds {item!r} at index {i}, expected a date such as 2020-03-06") from error


def _checked_dates(moments: Times, name: str) -> list[date]:
    if moments.ndim != 1:
        raise ShapeError(f"{name} has shape {moments.shape}, expected one axis")
    if np.isnat(moments).any():
        i = int(np.argmax(np.isnat(moments)))
        raise NonFiniteError(f"{name} holds a missing date at index {i}; leave it out")
    dates = moments.astype("datetime64[D]")
    if (dates != moments).any():
        i = int(np.argmax(dates != moments))
        raise InputError(
            f"{name} holds {moments[i]} at index {i}, which has a time of day already; pass the dates of the "
            "sessions"
        )
    sessions: list[date] = dates.tolist()
    return sessions


def _refuse_weekends(sessions: list[date], exchange: str) -> None:
    for i, day in enumerate(sessions):
        if day.weekday() >= _SATURDAY:
            raise InputError(
                f"{day} at index {i} is a {day:%A}, on which {exchange} has no session; "
                "leave out rows that were filled forward"
            )


def _like(days: Any, closes: Times) -> Any:
    """Return an index for what pandas gave."""
    if type(days).__module__.split(".")[0] != "pandas":
        return closes
    import pandas as pd

    return pd.DatetimeIndex(closes, tz="UTC")
