"""Judge rows: refuse or drop what cannot be believed, settle and count what can.

Refused are rows whose time, symbol or close cannot be used and bars that contradict each other; with
``on_bad_bar="drop"`` they are left out instead. Everything else is settled without touching a close.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from poise.errors import DataError, ParameterError
from poise.market.columns import Mask, RawBars
from poise.market.data import DROP_HINT, OnBadBar
from poise.market.times import NOT_A_TIME, READABLE_TIMES
from poise.typing import Vector

_RESERVED_SYMBOL = "cash"

# Sources round open, high and low on their own; a contradiction is more than rounding.
_ENVELOPE_TOLERANCE = 1e-6


@dataclass(frozen=True)
class CleanBars:
    """Believable bars in order of symbol and time, one a pair.

    Attributes
    ----------
    bars : RawBars
        Sorted by code, then time; a missing close stays as NaN.
    rows_read : int
    dropped : mapping of str to int
        Rows left out by problem word.
    identical_duplicates, unsorted_rows, missing_closes, broken_ohlc, broken_volumes, broken_market_caps : int
    """

    bars: RawBars
    rows_read: int
    dropped: dict[str, int] = field(default_factory=dict)
    identical_duplicates: int = 0
    unsorted_rows: int = 0
    missing_closes: int = 0
    broken_ohlc: int = 0
    broken_volumes: int = 0
    broken_market_caps: int = 0


def clean_bars(bars: RawBars, *, on_bad_bar: OnBadBar = "refuse", already_dropped: int = 0) -> CleanBars:
    """Return the believable bars, sorted, with what was done to get there.

    Parameters
    ----------
    bars : RawBars
    on_bad_bar : {"refuse", "drop"}
    already_dropped : int
        Ragged rows that the file reader left out.

    Raises
    ------
    DataError
        ``unreadable_time``, ``missing_symbol``, ``reserved_symbol``, ``bad_close`` or
        ``conflicting_bars``; the message names source, symbol, column, first row and remedy.
    ParameterError
        If `on_bad_bar` is another word.
    """
    if on_bad_bar not in ("refuse", "drop"):
        raise ParameterError(f"on_bad_bar is {on_bad_bar!r}, expected 'refuse' or 'drop'")
    rows_read = len(bars.rows) + already_dropped
    sieve = _Sieve(bars, drop=on_bad_bar == "drop")
    _judge_rows(sieve)
    kept = _take(bars, np.flatnonzero(sieve.keep))
    unsorted_rows = _count_unsorted(kept)
    kept = _take(kept, np.lexsort((kept.rows, kept.times, kept.codes)))
    single, repeats, conflicting = _separate_duplicates(kept)
    sieve.settle_conflicts(kept, conflicting)
    kept = _take(kept, np.flatnonzero(single & ~conflicting))
    settled, broken = _settle_side_values(kept)
    dropped = {"ragged_row": already_dropped} if already_dropped else {}
    return CleanBars(
        bars=settled,
        rows_read=rows_read,
        dropped={**dropped, **sieve.dropped},
        identical_duplicates=repeats,
        unsorted_rows=unsorted_rows,
        missing_closes=int(np.isnan(settled.numbers["close"]).sum()),
        **broken,
    )


class _Sieve:
    """Refuses the first bad row, or notes the bad rows and goes on."""

    def __init__(self, bars: RawBars, *, drop: bool) -> None:
        self.bars = bars
        self.drop = drop
        self.keep = np.ones(len(bars.rows), dtype=bool)
        self.dropped: dict[str, int] = {}

    def reject(self, bad: Mask, problem: str, says: Callable[[int], str]) -> None:
        """Refuse or drop the rows in `bad` that still stand; `says` tells what is wrong with one."""
        bad = bad & self.keep
        if not bad.any():
            return
        if not self.drop:
            self.refuse(self.bars, np.flatnonzero(bad), problem, says)
        self.dropped[problem] = int(bad.sum())
        self.keep &= ~bad

    def refuse(
        self, bars: RawBars, bad: npt.NDArray[np.intp], problem: str, says: Callable[[int], str]
    ) -> None:
        """Raise for the first of the rows `bad` as they stand in the source."""
        first = int(bad[np.argmin(bars.rows[bad])])
        more = f" ({len(bad) - 1} more such rows)" if len(bad) > 1 else ""
        raise DataError(f"{bars.source}: {says(first)}{more}", source=bars.source, problem=problem)

    def settle_conflicts(self, kept: RawBars, conflicting: Mask) -> None:
        """Refuse or count the rows of bars that contradict each other."""
        if not conflicting.any():
            return
        if not self.drop:
            _refuse_conflict(kept, conflicting)
        self.dropped["conflicting_bars"] = int(conflicting.sum())


def _judge_rows(sieve: _Sieve) -> None:
    bars = sieve.bars
    close = bars.numbers["close"]
    strange = bars.unreadable.get("close", np.zeros(len(close), dtype=bool))
    reference = np.append(bars.references, False)[bars.codes]
    reserved = np.append([name == _RESERVED_SYMBOL for name in bars.names], False).astype(bool)[bars.codes]

    def place(i: int, name: str) -> str:
        title = bars.titles.get(name, name)
        return f"row {bars.rows[i]} (data row), symbol {_symbol(bars, i)}, column {title!r}"

    def time_trouble(i: int) -> str:
        found = _raw(bars, "time", i)
        return f"{place(i, 'time')}: {found} is not a readable time; write {READABLE_TIMES}, {DROP_HINT}"

    def symbol_trouble(i: int) -> str:
        return f"{place(i, 'symbol')}: no symbol; name it, {DROP_HINT}"

    def reserved_trouble(i: int) -> str:
        return f"{place(i, 'symbol')}: 'cash' stands for what is not invested; rename it, {DROP_HINT}"

    def close_trouble(i: int) -> str:
        wanted = "a finite number" if reference[i] else "a finite positive number"
        return (
            f"{place(i, 'close')}, at {_label(bars, i)}: {_raw(bars, 'close', i)} is not {wanted}; "
            f"correct it (leave it empty where there is no value) {DROP_HINT}"
        )

    sieve.reject(bars.times == NOT_A_TIME, "unreadable_time", time_trouble)
    sieve.reject(bars.codes < 0, "missing_symbol", symbol_trouble)
    sieve.reject(reserved, "reserved_symbol", reserved_trouble)
    with np.errstate(invalid="ignore"):
        bad_close = strange | np.isinf(close) | (~reference & (close <= 0.0))
    sieve.reject(bad_close, "bad_close", close_trouble)


def _raw(bars: RawBars, name: str, i: int) -> str:
    """Quote a value as it was found."""
    if name not in bars.raw:
        return repr(float(bars.numbers[name][i]))
    value = bars.raw[name][i]
    return repr(value.item() if isinstance(value, np.generic) else value)


def _symbol(bars: RawBars, i: int) -> str:
    return bars.names[bars.codes[i]] if bars.codes[i] >= 0 else "(none)"


def _label(bars: RawBars, i: int) -> str:
    moment = np.datetime64(int(bars.times[i]), "ns")
    unit = "D" if bars.times[i] % 86_400_000_000_000 == 0 else "s"
    return str(moment.astype(f"datetime64[{unit}]"))


def _take(bars: RawBars, places: npt.NDArray[np.intp]) -> RawBars:
    """Return the rows at `places`; the raw values are no longer needed."""
    return replace(
        bars,
        rows=bars.rows[places],
        times=bars.times[places],
        codes=bars.codes[places],
        numbers={name: values[places] for name, values in bars.numbers.items()},
        unreadable={name: mask[places] for name, mask in bars.unreadable.items()},
        raw={},
    )


def _count_unsorted(bars: RawBars) -> int:
    by_symbol = np.argsort(bars.codes, kind="stable")
    same = np.diff(bars.codes[by_symbol]) == 0
    return int(np.sum(same & (np.diff(bars.times[by_symbol]) < 0)))


def _separate_duplicates(bars: RawBars) -> tuple[Mask, int, Mask]:
    """Return the first row of each symbol and time, the count of exact repeats, and contradicting rows."""
    size = len(bars.rows)
    repeats = np.zeros(size, dtype=bool)
    repeats[1:] = (np.diff(bars.codes) == 0) & (np.diff(bars.times) == 0)
    if not repeats.any():
        return ~repeats, 0, repeats
    differs = np.zeros(size, dtype=bool)
    for values in bars.numbers.values():
        equal = (values[1:] == values[:-1]) | (np.isnan(values[1:]) & np.isnan(values[:-1]))
        differs[1:] |= ~equal
    group = np.cumsum(~repeats) - 1
    conflicting = np.isin(group, group[repeats & differs])
    return ~repeats, int(np.sum(repeats & ~conflicting)), conflicting


def _refuse_conflict(bars: RawBars, conflicting: Mask) -> None:
    places = np.flatnonzero(conflicting)
    new = np.append(True, (np.diff(bars.codes[places]) != 0) | (np.diff(bars.times[places]) != 0))
    second = places[~new]
    at = int(second[np.argmin(bars.rows[second])])
    same = (bars.codes == bars.codes[at]) & (bars.times == bars.times[at])
    rows = " and ".join(str(row) for row in bars.rows[same])
    column = next(name for name, v in bars.numbers.items() if len(np.unique(v[same])) > 1)
    found = ", ".join(f"{value:g}" for value in bars.numbers[column][same])
    count = int(new.sum())
    more = f" ({count - 1} more such pairs)" if count > 1 else ""
    raise DataError(
        f"{bars.source}: rows {rows} (data rows), symbol {_symbol(bars, at)}, at {_label(bars, at)}: "
        f"two different bars for one time, column {bars.titles.get(column, column)!r} is {found}{more}; "
        "keep the right one, "
        "or drop all of them with on_bad_bar='drop' (--on-bad-bar drop)",
        source=bars.source,
        problem="conflicting_bars",
    )


def _settle_side_values(bars: RawBars) -> tuple[RawBars, dict[str, int]]:
    """Set impossible volumes, sizes, opens, highs and lows missing; the closes stand."""
    numbers = dict(bars.numbers)
    broken_volumes = np.zeros(len(bars.rows), dtype=bool)
    for name in ("volume", "volume_usd", "quote_volume"):
        if name in numbers:
            numbers[name], broken = _blank(numbers[name], numbers[name] < 0.0, bars.unreadable.get(name))
            broken_volumes |= broken
    broken_caps = np.zeros(len(bars.rows), dtype=bool)
    if "market_cap" in numbers:
        # Some sources write 0 where a size is unknown.
        caps = numbers["market_cap"]
        numbers["market_cap"], broken_caps = _blank(caps, caps <= 0.0, bars.unreadable.get("market_cap"))
    broken_ohlc = _settle_ohlc(bars, numbers)
    counts = {
        "broken_ohlc": int(broken_ohlc.sum()),
        "broken_volumes": int(broken_volumes.sum()),
        "broken_market_caps": int(broken_caps.sum()),
    }
    return replace(bars, numbers=numbers), counts


def _blank(values: Vector, impossible: Mask, unreadable: Mask | None) -> tuple[Vector, Mask]:
    broken = impossible | np.isinf(values)
    if unreadable is not None:
        broken = broken | unreadable
    return np.where(broken, np.nan, values), broken


def _settle_ohlc(bars: RawBars, numbers: dict[str, Vector]) -> Mask:
    """Blank a value that is no price alone, and all three where they contradict each other or the close."""
    tradable = ~np.append(bars.references, False)[bars.codes]
    broken = np.zeros(len(bars.rows), dtype=bool)
    present = [name for name in ("open", "high", "low") if name in numbers]
    for name in present:
        values = numbers[name]
        numbers[name], bad = _blank(values, tradable & (values <= 0.0), bars.unreadable.get(name))
        broken |= bad
    close = numbers["close"]
    slack = _ENVELOPE_TOLERANCE * np.abs(close)
    inside = [close, *(numbers[name] for name in present)]
    contradiction = np.zeros(len(bars.rows), dtype=bool)
    for name in present:
        for other in inside:
            if name == "high":
                contradiction |= other > numbers[name] + slack
            elif name == "low":
                contradiction |= other < numbers[name] - slack
    for name in present:
        numbers[name] = np.where(contradiction, np.nan, numbers[name])
    return np.asarray((broken | contradiction) & tradable, dtype=bool)
