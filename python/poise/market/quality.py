"""What is odd about bars that are kept as they are: gaps, standstills, ends, jumps, missing sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from poise.domain.assets import AssetTable
from poise.domain.prices import PricePanel
from poise.market.calendar import DAY, DAY_SECONDS, NANOSECONDS, Rhythm
from poise.market.columns import RawBars
from poise.market.data import Delisting, listed

SIZE_WARNINGS = ("liquidity_unknown:", "untiered:")
"""How the warnings of :func:`unknown_sizes` begin."""

_STALE_DAYS = 3
_LARGE_LOG_RETURN = 1.0

# The longest closure of an exchange in ordinary years: a long weekend and a holiday beside it.
_EXCHANGE_PAUSE = 5 * DAY
_PAUSE_BARS = 3


@dataclass(frozen=True)
class Findings:
    """Counts and warnings of a finished panel; the fields are those of ``DataReport``."""

    gaps: int
    missing_times: int
    zero_volume: int
    stale_closes: int
    large_moves: int
    without_values: tuple[str, ...]
    delisted: tuple[Delisting, ...]
    last_closes: Mapping[str, float]
    warnings: tuple[str, ...]

    def counts(self) -> dict[str, Any]:
        """Return the fields that go into the report."""
        return {
            name: getattr(self, name)
            for name in (
                "gaps",
                "missing_times",
                "zero_volume",
                "stale_closes",
                "large_moves",
                "without_values",
                "delisted",
            )
        }


def examine(bars: RawBars, names: Sequence[str], panel: PricePanel, rhythm: Rhythm) -> Findings:
    """Count what is odd and put it into words; nothing is changed.

    Parameters
    ----------
    bars : RawBars
        Clean, sorted by code and time.
    names : sequence of str
        Columns of the panel.
    panel : PricePanel
    rhythm : Rhythm
    """
    continuous = np.array([bool(rhythm.continuous[bars.names.index(name)]) for name in names])
    last_closes = _last_closes(bars)
    present = np.isfinite(panel.closes)
    without = tuple(
        name for name, any_value in zip(names, np.any(present, axis=0), strict=True) if not any_value
    )
    delisted = _delistings(panel, present, continuous, last_closes)
    large, largest = _large_moves(panel)
    warnings = [
        *_without_values(without),
        *_delisted(delisted),
        *_large_move(large, largest),
        *unknown_sizes(panel.assets, panel),
    ]
    return Findings(
        gaps=_gaps(panel, present, continuous),
        missing_times=_missing_times(panel, rhythm),
        zero_volume=_zero_volume(bars),
        stale_closes=_stale_closes(bars, rhythm),
        large_moves=large,
        without_values=without,
        delisted=delisted,
        last_closes=last_closes,
        warnings=tuple(warnings),
    )


def unknown_sizes(assets: AssetTable, panel: PricePanel) -> tuple[str, ...]:
    """Warn where nothing is known of liquidity or size, so tiers and costs must do without."""
    warnings = []
    profiles = [assets.profile(symbol) for symbol in panel.symbols]
    if panel.dollar_volumes is None:
        silent = [p.symbol for p in profiles if p.dollar_volume_usd is None]
        if silent:
            warnings.append(
                f"liquidity_unknown: no volume for {listed(silent)}; impact is taken as 0, participation "
                "unchecked; pass volumes"
            )
    if panel.market_caps is None:
        silent = [p.symbol for p in profiles if p.market_cap_usd is None]
        if silent:
            warnings.append(
                f"untiered: no market cap for {listed(silent)}; they follow tier 1's rules; pass market_caps"
            )
    return tuple(warnings)


def _large_move(count: int, largest: str) -> list[str]:
    if not count:
        return []
    return [
        (
            f"large_move: {count} bars move by more than a factor e, the largest is {largest}; "
            "check for a split or a wrong price"
        )
    ]


def _without_values(names: tuple[str, ...]) -> list[str]:
    return [f"no_values: {listed(names)} has no value on any bar; mend it or leave it out"] if names else []


def _delisted(ends: tuple[Delisting, ...]) -> list[str]:
    if not ends:
        return []
    told = (f"{e.symbol} ends {e.last_bar.astype('datetime64[D]')} at {e.last_price:g}" for e in ends)
    return [f"delisted: {listed(told)}; the last tradable price is kept; close what you still hold of it"]


def _last_closes(bars: RawBars) -> dict[str, float]:
    """Return the last close as traded of each tradable asset."""
    close = bars.numbers["close"]
    known = np.flatnonzero(np.isfinite(close) & ~bars.references[bars.codes])
    ends = known[np.append(np.diff(bars.codes[known]) != 0, True)] if known.size else known
    return {bars.names[bars.codes[i]]: float(close[i]) for i in ends.tolist()}


def _delistings(
    panel: PricePanel, present: Any, continuous: Any, last_closes: Mapping[str, float]
) -> tuple[Delisting, ...]:
    opened = panel.opened.astype(np.int64)
    last_row = panel.n_observations - 1 - np.argmax(present[::-1], axis=0)
    pause = _PAUSE_BARS * round(panel.bar_seconds * NANOSECONDS)
    allowed = np.where(continuous, pause, max(pause, _EXCHANGE_PAUSE))
    ended = present.any(axis=0) & (opened[-1] - opened[last_row] > allowed)
    return tuple(
        Delisting(panel.symbols[i], panel.opened[last_row[i]], last_closes[panel.symbols[i]])
        for i in np.flatnonzero(ended).tolist()
    )


def _gaps(panel: PricePanel, present: Any, continuous: Any) -> int:
    """Count missing bars between an asset's first and last one, on days its calendar trades."""
    started = np.logical_or.accumulate(present, axis=0)
    not_ended = np.logical_or.accumulate(present[::-1], axis=0)[::-1]
    weekend = ((panel.opened.astype(np.int64) // DAY + 3) % 7 >= 5)[:, None]
    same_axis = continuous.all() or not continuous.any()
    trades = True if same_axis else continuous[None, :] | ~weekend
    return int(np.sum(started & not_ended & ~present & trades))


def _missing_times(panel: PricePanel, rhythm: Rhythm) -> int:
    if rhythm.calendar == "exchange" or rhythm.bar_seconds > 7 * DAY_SECONDS:
        return 0  # Holidays and the length of months are not known here.
    bar = round(rhythm.bar_seconds * NANOSECONDS)
    steps = np.diff(panel.opened.astype(np.int64))
    return int(np.sum(np.maximum(np.rint(steps / bar).astype(np.int64) - 1, 0)))


def _zero_volume(bars: RawBars) -> int:
    zero = np.zeros(len(bars.rows), dtype=bool)
    for name in ("volume", "volume_usd", "quote_volume"):
        if name in bars.numbers:
            zero |= bars.numbers[name] == 0.0
    return int(np.sum(zero & ~bars.references[bars.codes] & np.isfinite(bars.numbers["close"])))


def _stale_closes(bars: RawBars, rhythm: Rhythm) -> int:
    """Count bars whose close has not changed for three days."""
    known = np.flatnonzero(np.isfinite(bars.numbers["close"]) & ~bars.references[bars.codes])
    close, codes = bars.numbers["close"][known], bars.codes[known]
    still = np.append(False, (np.diff(codes) == 0) & (np.diff(close) == 0.0))
    place = np.arange(len(still))
    run = place - np.maximum.accumulate(np.where(still, 0, place))
    need = _STALE_DAYS * rhythm.session_bars
    return int(np.sum(run >= need))


def _large_moves(panel: PricePanel) -> tuple[int, str]:
    """Count absolute log returns above 1 against each asset's bar before, gaps skipped."""
    count, largest, told = 0, _LARGE_LOG_RETURN, ""
    logs = np.log(panel.closes)
    for column, symbol in enumerate(panel.symbols):
        rows = np.flatnonzero(np.isfinite(logs[:, column]))
        moves = np.abs(np.diff(logs[rows, column]))
        count += int(np.sum(moves > _LARGE_LOG_RETURN))
        if moves.size and moves.max() > largest:
            largest = float(moves.max())
            at = panel.opened[rows[int(np.argmax(moves)) + 1]].astype("datetime64[s]")
            told = f"{symbol} at {at}, a factor {np.exp(min(largest, 700.0)):.3g}"
    return count, told
