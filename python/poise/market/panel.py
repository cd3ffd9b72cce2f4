"""From clean bars to a panel, with everything that is worth telling about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from poise.domain.assets import AssetProfile, AssetTable
from poise.domain.prices import PricePanel
from poise.errors import DataError, ParameterError
from poise.market.calendar import Rhythm, observe_rhythm
from poise.market.clean import CleanBars
from poise.market.columns import RawBars
from poise.market.data import CalendarPolicy, DataReport, MarketData, ReferenceSeries, listed
from poise.market.quality import examine
from poise.market.times import Nanoseconds
from poise.typing import Matrix, Vector

Integers = npt.NDArray[np.int64]

_POLICIES = ("union", "intersection", "refuse")


@dataclass(frozen=True)
class Grid:
    """Where each tradable bar with a close lies in the panel.

    Attributes
    ----------
    times : ndarray of shape (n_observations,)
    names : tuple of str
    rows, columns : ndarray of shape (n_bars,)
        Position of each bar.
    places : ndarray of shape (n_bars,)
        Position of each bar in the clean bars.
    """

    times: Nanoseconds
    names: tuple[str, ...]
    rows: Integers
    columns: Integers
    places: npt.NDArray[np.intp]

    def spread(self, values: Vector | None) -> Matrix | None:
        """Return values per clean bar as ``(n_observations, n_assets)``; None if there are none at all."""
        if values is None:
            return None
        block = np.full((len(self.times), len(self.names)), np.nan)
        block[self.rows, self.columns] = values[self.places]
        return block if np.isfinite(block).any() else None


def build_market_data(clean: CleanBars, *, on_mixed_calendars: CalendarPolicy = "union") -> MarketData:
    """Lay clean bars on one time axis and report on them.

    Parameters
    ----------
    clean : CleanBars
    on_mixed_calendars : {"union", "intersection", "refuse"}
        Axis for assets of different calendars: every bar of any asset (the others are missing there),
        only bars on which both calendars trade, or an error.

    Raises
    ------
    DataError
        ``no_tradable_asset``, ``too_few_bars`` or ``mixed_calendars``.
    """
    if on_mixed_calendars not in _POLICIES:
        raise ParameterError(
            f"on_mixed_calendars is {on_mixed_calendars!r}, expected one of {', '.join(_POLICIES)}"
        )
    bars = clean.bars
    _require_tradable(bars)
    price, adjusted, warnings = _prices(bars)
    reference = bars.references[bars.codes]
    places = np.flatnonzero(~reference & np.isfinite(price))
    rhythm = observe_rhythm(bars.times[places], bars.codes[places], bars.names, bars.kinds, bars.source)
    places, rhythm, more = _apply_policy(bars, places, rhythm, on_mixed_calendars)
    grid = _grid(bars, places)
    panel = PricePanel(
        opened=grid.times.astype("datetime64[ns]"),
        symbols=grid.names,
        closes=_block(grid, price),
        bar_seconds=rhythm.bar_seconds,
        periods_per_year=rhythm.periods_per_year,
        dollar_volumes=grid.spread(_dollar_volumes(bars)),
        market_caps=grid.spread(bars.numbers.get("market_cap")),
        assets=_profiles(bars),
        source=bars.source,
    )
    findings = examine(bars, grid.names, panel, rhythm)
    report = DataReport(
        source=bars.source,
        rows_read=clean.rows_read,
        rows_used=len(places) + int((reference & np.isfinite(price)).sum()),
        n_assets=panel.n_assets,
        n_bars=panel.n_observations,
        start=panel.opened[0],
        end=panel.opened[-1],
        bar_seconds=panel.bar_seconds,
        periods_per_year=panel.periods_per_year,
        calendar=rhythm.calendar,
        dropped=clean.dropped,
        identical_duplicates=clean.identical_duplicates,
        unsorted_rows=clean.unsorted_rows,
        missing_closes=clean.missing_closes,
        broken_ohlc=clean.broken_ohlc,
        broken_volumes=clean.broken_volumes,
        broken_market_caps=clean.broken_market_caps,
        adjusted=adjusted,
        references=tuple(
            n for n, is_reference in zip(bars.names, bars.references, strict=True) if is_reference
        ),
        warnings=(
            *bars.warnings,
            *_dropped_warning(clean),
            *warnings,
            *rhythm.warnings,
            *more,
            *findings.warnings,
        ),
        **findings.counts(),
    )
    scale = np.where(reference, 1.0, price) / np.where(reference, 1.0, bars.numbers["close"])
    return MarketData(
        panel=panel,
        report=report,
        references=_references(bars, price),
        opens=_scaled(grid, bars, "open", scale),
        highs=_scaled(grid, bars, "high", scale),
        lows=_scaled(grid, bars, "low", scale),
        last_closes=findings.last_closes,
    )


def _require_tradable(bars: RawBars) -> None:
    if bars.references.all():
        what = f"only references ({listed(bars.names)})" if bars.names else "no rows that could be used"
        raise DataError(
            f"{bars.source}: {what}; add at least one asset that is traded",
            source=bars.source,
            problem="no_tradable_asset" if bars.names else "no_rows",
        )


def _prices(bars: RawBars) -> tuple[Vector, tuple[str, ...], tuple[str, ...]]:
    """Return the close to use: ``adj_close`` where a symbol has it beside every close, else ``close``."""
    close = bars.numbers["close"]
    adjusted = bars.numbers.get("adj_close")
    if adjusted is None:
        return close, (), ()
    size = len(bars.names)
    present = np.isfinite(close)
    usable = np.isfinite(adjusted) & ((adjusted > 0.0) | bars.references[bars.codes])
    needed = np.bincount(bars.codes, weights=present, minlength=size)
    had = np.bincount(bars.codes, weights=present & usable, minlength=size)
    whole = (needed > 0) & (had == needed)
    partly = [name for name, n, k in zip(bars.names, needed, had, strict=True) if 0 < k < n]
    used = tuple(name for name, use in zip(bars.names, whole, strict=True) if use)
    warnings = []
    if partly:
        warnings.append(
            f"adjusted_partly: {listed(partly)} has adj_close on some bars only; its close is used"
        )
    level = _level(bars, adjusted, whole & ~bars.references)
    price = np.where(whole[bars.codes] & present, adjusted * level[bars.codes], close)
    return price, used, tuple(warnings)


def _level(bars: RawBars, adjusted: Vector, used: npt.NDArray[np.bool_]) -> Vector:
    """Return the factor per symbol that makes its last adjusted close the last traded one.

    Only ratios of adjusted closes mean anything; anchored at the end, the last is also what a unit is worth.
    """
    close = bars.numbers["close"]
    rows = np.flatnonzero(np.isfinite(close) & used[bars.codes])
    rows = rows[np.argsort(bars.times[rows], kind="stable")]
    last = np.full(len(bars.names), -1, dtype=np.intp)
    last[bars.codes[rows]] = rows
    level = np.ones(len(bars.names))
    found = last >= 0
    level[found] = close[last[found]] / adjusted[last[found]]
    return level


def _apply_policy(
    bars: RawBars, places: npt.NDArray[np.intp], rhythm: Rhythm, policy: CalendarPolicy
) -> tuple[npt.NDArray[np.intp], Rhythm, tuple[str, ...]]:
    if rhythm.calendar != "mixed":
        return places, rhythm, ()
    names = [
        name
        for code, name in enumerate(bars.names)
        if not rhythm.continuous[code] and not bars.references[code]
    ]
    told = f"{listed(names)} trade on exchange days beside assets that trade every day"
    if policy == "refuse":
        raise DataError(
            f"{bars.source}: {told}; choose on_mixed_calendars='union' or 'intersection'",
            source=bars.source,
            problem="mixed_calendars",
        )
    if policy == "union":
        return (
            places,
            rhythm,
            (
                (
                    f"mixed_calendars: {told}; they are missing on the other days (policy union); "
                    "on_mixed_calendars='intersection' keeps common days only"
                ),
            ),
        )
    every_day = rhythm.continuous[bars.codes[places]]
    times = bars.times[places]
    common = np.intersect1d(times[every_day], times[~every_day])
    kept = places[np.isin(times, common)]
    rhythm_kept = observe_rhythm(bars.times[kept], bars.codes[kept], bars.names, bars.kinds, bars.source)
    return (
        kept,
        rhythm_kept,
        (
            (
                f"mixed_calendars: {told}; bars that both have are kept (policy intersection); "
                "on_mixed_calendars='union' keeps all"
            ),
        ),
    )


def _grid(bars: RawBars, places: npt.NDArray[np.intp]) -> Grid:
    """Columns keep the order of the names; a bar label without any value is no row."""
    columns = np.flatnonzero(~bars.references)
    column_of = np.full(len(bars.names), -1, dtype=np.int64)
    column_of[columns] = np.arange(len(columns))
    times, rows = np.unique(bars.times[places], return_inverse=True)
    if len(times) < 2:
        raise DataError(
            f"{bars.source}: {len(times)} bar, a return needs two; add rows",
            source=bars.source,
            problem="too_few_bars",
        )
    names = tuple(bars.names[int(code)] for code in columns)
    return Grid(times, names, rows.astype(np.int64), column_of[bars.codes[places]], places)


def _block(grid: Grid, price: Vector) -> Matrix:
    block = np.full((len(grid.times), len(grid.names)), np.nan)
    block[grid.rows, grid.columns] = price[grid.places]
    return block


def _scaled(grid: Grid, bars: RawBars, name: str, scale: Vector) -> Matrix | None:
    values = bars.numbers.get(name)
    return None if values is None else grid.spread(values * scale)


def _dollar_volumes(bars: RawBars) -> Vector | None:
    """Return money traded: ``volume_usd`` or ``quote_volume``, else ``volume`` at the unadjusted close."""
    result: Vector | None = None
    for name in ("volume_usd", "quote_volume", "volume"):
        values = bars.numbers.get(name)
        if values is None:
            continue
        money: Vector = values * bars.numbers["close"] if name == "volume" else values
        result = money if result is None else np.where(np.isnan(result), money, result)
    return result


def _profiles(bars: RawBars) -> AssetTable:
    return AssetTable(
        AssetProfile(symbol=name, kind=kind)  # type: ignore[arg-type]
        for name, kind, is_reference in zip(bars.names, bars.kinds, bars.references, strict=True)
        if not is_reference
    )


def _references(bars: RawBars, price: Vector) -> dict[str, ReferenceSeries]:
    result = {}
    for code in np.flatnonzero(bars.references).tolist():
        places = np.flatnonzero((bars.codes == code) & np.isfinite(price))
        result[bars.names[code]] = ReferenceSeries(
            symbol=bars.names[code],
            kind=bars.kinds[code],
            opened=bars.times[places].astype("datetime64[ns]"),
            values=price[places],
        )
    return result


def _dropped_warning(clean: CleanBars) -> Sequence[str]:
    if not clean.dropped:
        return ()
    told = ", ".join(f"{count} {problem}" for problem, count in clean.dropped.items())
    return (
        f"dropped_rows: {sum(clean.dropped.values())} rows left out as asked ({told}); mend to keep them",
    )
