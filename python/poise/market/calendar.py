"""How long a bar is, which days an asset trades, and how many bars make a year.

Bars a year: seven days a week ``365 * 86400 / bar_seconds`` (daily 365, hourly 8760); on an exchange's
days 252 a year, intraday 252 times the bars of an ordinary session; monthly, quarterly and yearly bars
12, 4 and 1. Where both stand on one axis (``mixed``) its rows come seven days a week and are counted so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from poise.errors import DataError
from poise.market.data import Calendar, listed
from poise.market.times import Nanoseconds

NANOSECONDS = 1_000_000_000
DAY_SECONDS = 86_400
DAY = DAY_SECONDS * NANOSECONDS
EXCHANGE_DAYS = 252
YEAR_DAYS = 365

_CONTINUOUS_KINDS = frozenset({"crypto", "stablecoin"})
_EXCHANGE_KINDS = frozenset({"etf", "stock"})

# Currencies open on Sunday evening: half of the weekend days, and still an exchange's week.
_WEEKEND_SHARE = 0.75

Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Rhythm:
    """Bar length and calendar of a set of assets.

    Attributes
    ----------
    bar_seconds : float
    calendar : {"continuous", "exchange", "mixed"}
    continuous : ndarray of shape (n_names,)
        Which assets trade seven days a week.
    session_bars : int
        Bars of an ordinary exchange session; of a whole day where nothing trades on an exchange.
    warnings : tuple of str
    """

    bar_seconds: float
    calendar: Calendar
    continuous: Mask
    session_bars: int
    warnings: tuple[str, ...] = ()

    @property
    def periods_per_year(self) -> float:
        """Bars a year of the common axis."""
        return bars_per_year(
            self.bar_seconds, exchange=self.calendar == "exchange", session_bars=self.session_bars
        )


def bars_per_year(bar_seconds: float, *, exchange: bool, session_bars: int = 1) -> float:
    """Return the bars a year of a calendar; see the module's first lines."""
    days = bar_seconds / DAY_SECONDS
    for shortest, longest, count in ((28, 31, 12.0), (89, 92, 4.0), (365, 366, 1.0)):
        if shortest <= days <= longest:
            return count
    if exchange and days <= 1:
        return float(EXCHANGE_DAYS * session_bars)
    return YEAR_DAYS / days


def observe_rhythm(
    times: Nanoseconds, codes: Integers, names: Sequence[str], kinds: Sequence[str], source: str
) -> Rhythm:
    """Read bar length and calendar off the bars themselves.

    Parameters
    ----------
    times, codes : ndarray of shape (n_rows,)
        Sorted by code, then time; `codes` are positions in `names`.
    names, kinds : sequence of str
    source : str
        For messages.

    Raises
    ------
    DataError
        If no asset has two bars (``too_few_bars``).
    """
    steps, owners = _steps(times, codes)
    if steps.size == 0:
        raise DataError(
            f"{source}: no asset has two bars, a return needs two; add rows",
            source=source,
            problem="too_few_bars",
        )
    bar = _most_common(steps)
    warnings = _other_lengths(steps, owners, names, bar)
    if bar > DAY:
        everyday = np.ones(len(names), dtype=bool)
        return Rhythm(bar / NANOSECONDS, "continuous", everyday, 1, warnings)
    owners, days, _ = _asset_days(times, codes)
    continuous, more = _continuous(owners, days, names, kinds)
    present = np.bincount(codes, minlength=len(names)) > 0
    on_exchange = present & ~continuous
    calendar: Calendar = "continuous" if not on_exchange.any() else "exchange"
    if on_exchange.any() and (present & continuous).any():
        calendar = "mixed"
    session = _session_bars(times, codes, on_exchange) if calendar == "exchange" else max(1, round(DAY / bar))
    return Rhythm(bar / NANOSECONDS, calendar, continuous, session, (*warnings, *more))


def _steps(times: Nanoseconds, codes: Integers) -> tuple[Integers, Integers]:
    same = np.diff(codes) == 0
    return np.diff(times)[same], codes[1:][same]


def _asset_days(times: Nanoseconds, codes: Integers) -> tuple[Integers, Integers, Integers]:
    """Return code, day and number of bars of every pair of asset and day, sorted."""
    day = times // DAY
    new = np.append(True, (np.diff(codes) != 0) | (np.diff(day) != 0))
    places = np.flatnonzero(new)
    return codes[places], day[places], np.diff(np.append(places, len(day)))


def _most_common(steps: Integers) -> int:
    values, counts = np.unique(steps, return_counts=True)
    return int(values[np.argmax(counts)])


def _other_lengths(steps: Integers, owners: Integers, names: Sequence[str], bar: int) -> tuple[str, ...]:
    """Warn of assets that hardly ever step by the common bar length (months differ in length)."""
    alike = (steps == bar) | ((bar >= 28 * DAY) & (np.abs(steps - bar) <= 4 * DAY))
    total = np.bincount(owners, minlength=len(names))
    fits = np.bincount(owners, weights=alike, minlength=len(names))
    odd = [name for name, n, k in zip(names, total, fits, strict=True) if n >= 3 and k < 0.25 * n]
    if not odd:
        return ()
    return (
        (
            f"mixed_intervals: {listed(odd)} rarely step by the common bar of {bar / NANOSECONDS:g} seconds; "
            "pass bars of one length"
        ),
    )


def _weekend_days_before(day: Integers) -> Integers:
    """Count Saturdays and Sundays among days 0..day-1; day 0 is Thursday, 1970-01-01."""
    shifted = day + 3  # Monday, 1969-12-29, becomes day 0 of its week.
    weeks, weekday = np.divmod(shifted, 7)
    return np.asarray(2 * weeks + np.maximum(weekday - 5, 0), dtype=np.int64)


def _continuous(
    codes: Integers, days: Integers, names: Sequence[str], kinds: Sequence[str]
) -> tuple[Mask, tuple[str, ...]]:
    """Tell per asset from the weekend days inside its life; short lives follow kind, then the others.

    `codes` and `days` are the distinct pairs, sorted.
    """
    size = len(names)
    seen = np.bincount(codes, minlength=size) > 0
    first, past = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
    first[codes[::-1]], past[codes] = days[::-1], days + 1
    possible = _weekend_days_before(past) - _weekend_days_before(first)
    weekend = np.bincount(codes, weights=(days + 3) % 7 >= 5, minlength=size)
    weekday = np.bincount(codes, minlength=size) - weekend
    weekday_share = weekday / np.maximum(past - first - possible, 1)
    by_days = weekend / np.maximum(possible, 1) > _WEEKEND_SHARE * np.minimum(weekday_share, 1.0)
    told = seen & (possible > 0)
    by_kind = np.array([kind in _CONTINUOUS_KINDS for kind in kinds], dtype=bool)
    told_by_kind = by_kind | np.array([kind in _EXCHANGE_KINDS for kind in kinds], dtype=bool)
    known = told | told_by_kind
    continuous = np.where(told, by_days, by_kind)
    if known.all() or not (seen & ~known).any():
        return np.where(known, continuous, True), ()
    majority = bool(np.mean(continuous[known]) >= 0.5) if known.any() else True
    if known.any():
        return np.where(known, continuous, majority), ()
    warning = (
        "calendar_assumed: too few bars to see a weekend, taken as trading seven days a week; "
        "pass more of them"
    )
    return np.full(size, True), (warning,)


def _session_bars(times: Nanoseconds, codes: Integers, on_exchange: Mask) -> int:
    ours = on_exchange[codes]
    _, _, counts = _asset_days(times[ours], codes[ours])
    return max(1, round(float(np.median(counts))))
