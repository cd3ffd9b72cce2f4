"""Intraday bars summed up to completed UTC days."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from poise.domain.prices import PricePanel
from poise.errors import InputError, NotEnoughDataError
from poise.market.calendar import DAY, DAY_SECONDS, EXCHANGE_DAYS, NANOSECONDS, YEAR_DAYS
from poise.typing import Matrix

_COMPLETE_SHARE = 0.8
_EXCHANGE_KINDS = frozenset({"etf", "stock"})

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Days:
    """Rows of the panel by day: label, first row and one past the last row."""

    labels: Integers
    starts: Integers
    stops: Integers


def to_daily(panel: PricePanel) -> PricePanel:
    """Aggregate an intraday panel to completed UTC days, using no bar of a later day.

    An asset has a close on a day if at least 80 % of the day's bars exist for it and, where it trades
    around the clock, the last one too; otherwise the close is missing, never carried. Assets on an
    exchange's hours (the panel's calendar, or kind ``etf`` or ``stock`` on a seven-day axis) are counted
    against an ordinary session, whose last bar moves with daylight saving. The last day is left out
    unless it is over. Days on which no asset has a close are left out.

    Parameters
    ----------
    panel : PricePanel
        Bars of an even part of a day, or daily bars, which are returned as they are.

    Returns
    -------
    PricePanel
        Close the last of the day, dollar volume the sum of the day's bars that have one, market cap the
        day's last. ``bar_seconds`` is 86400, ``periods_per_year`` 365 or 252.

    Raises
    ------
    InputError
        If a bar is longer than a day or does not divide it.
    NotEnoughDataError
        If no day is complete.
    """
    bar = round(panel.bar_seconds * NANOSECONDS)
    if bar == DAY:
        return panel
    if bar > DAY or DAY % bar:
        raise InputError(
            f"bars of {panel.bar_seconds:g} seconds do not divide a day; pass bars of 1 day or a part of it"
        )
    opened = panel.opened.astype(np.int64)
    days = _split(opened)
    bars_a_day = DAY // bar
    exchange_axis = not np.isclose(panel.periods_per_year, YEAR_DAYS * bars_a_day)
    present = np.isfinite(panel.closes)
    counts = np.add.reduceat(present, days.starts, axis=0, dtype=np.int64)
    around_the_clock, expected = _expectations(panel, counts, bars_a_day, exchange_axis=exchange_axis)
    # The day's last bar is the one whose close is midnight.
    last = days.stops - 1
    has_last = (opened[last] >= (days.labels + 1) * DAY - bar)[:, None] & present[last]
    complete = (counts >= np.ceil(_COMPLETE_SHARE * expected - 1e-9)) & (has_last | ~around_the_clock)
    complete[-1] &= _over(opened[-1] + bar, days.labels[-1], counts[-1], expected, around_the_clock)
    closes = np.where(complete, _last_present(panel.closes, present, days), np.nan)
    used = np.flatnonzero(complete.any(axis=1))
    if used.size == 0:
        raise NotEnoughDataError(
            f"no complete day in {panel.n_observations} bars of {panel.bar_seconds:g} seconds; pass more bars"
        )
    return replace(
        panel,
        opened=(days.labels[used] * DAY).astype("datetime64[ns]"),
        closes=closes[used],
        bar_seconds=float(DAY_SECONDS),
        periods_per_year=float(EXCHANGE_DAYS if exchange_axis else YEAR_DAYS),
        dollar_volumes=_day_sums(panel.dollar_volumes, complete, days, used),
        market_caps=_day_lasts(panel.market_caps, complete, days, used),
    )


def _split(opened: Integers) -> _Days:
    day = opened // DAY
    starts = np.flatnonzero(np.append(True, np.diff(day) != 0))
    return _Days(labels=day[starts], starts=starts, stops=np.append(starts[1:], len(day)))


def _expectations(
    panel: PricePanel, counts: Integers, bars_a_day: int, *, exchange_axis: bool
) -> tuple[npt.NDArray[np.bool_], Integers]:
    """Return which assets trade around the clock and the bars each should have on a day."""
    expected = np.full(panel.n_assets, bars_a_day, dtype=np.int64)
    if exchange_axis:
        expected[:] = max(1, round(panel.periods_per_year / EXCHANGE_DAYS))
        return np.zeros(panel.n_assets, dtype=bool), expected
    around_the_clock = np.array([panel.assets.profile(s).kind not in _EXCHANGE_KINDS for s in panel.symbols])
    for column in np.flatnonzero(~around_the_clock):
        traded = counts[counts[:, column] > 0, column]
        if traded.size:
            expected[column] = round(float(np.median(traded)))
    return around_the_clock, expected


def _over(
    known_until: int, day: int, counts: Integers, expected: Integers, around_the_clock: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    """Tell per asset whether the last day is over: at midnight, or after a full session."""
    midnight = known_until >= (day + 1) * DAY
    return np.asarray(midnight | (~around_the_clock & (counts >= expected)), dtype=bool)


def _last_present(values: Matrix, present: npt.NDArray[np.bool_], days: _Days) -> Matrix:
    """Return each day's last present value; NaN on a day without one."""
    places = np.where(present, np.arange(len(values))[:, None], -1)
    last = np.maximum.reduceat(places, days.starts, axis=0)
    found = last >= 0
    return np.where(found, np.take_along_axis(values, np.where(found, last, 0), axis=0), np.nan)


def _day_sums(
    volumes: Matrix | None, complete: npt.NDArray[np.bool_], days: _Days, used: Integers
) -> Matrix | None:
    if volumes is None:
        return None
    present = np.isfinite(volumes)
    sums = np.add.reduceat(np.where(present, volumes, 0.0), days.starts, axis=0)
    known = complete & np.logical_or.reduceat(present, days.starts, axis=0)
    return np.asarray(np.where(known, sums, np.nan)[used])


def _day_lasts(
    caps: Matrix | None, complete: npt.NDArray[np.bool_], days: _Days, used: Integers
) -> Matrix | None:
    if caps is None:
        return None
    lasts = _last_present(caps, np.isfinite(caps), days)
    return np.asarray(np.where(complete, lasts, np.nan)[used])
