"""Two sets of prices on one time axis; the first one's columns win."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any, Literal, TypeAlias, overload

import numpy as np

from poise.domain.assets import AssetTable
from poise.domain.prices import PricePanel
from poise.errors import DataError
from poise.market.calendar import DAY_SECONDS
from poise.market.daily import to_daily
from poise.market.data import Calendar, CalendarPolicy, DataReport, MarketData
from poise.typing import Matrix, Times

_SUMMED = (
    "rows_read",
    "rows_used",
    "identical_duplicates",
    "unsorted_rows",
    "missing_closes",
    "gaps",
    "missing_times",
    "broken_ohlc",
    "broken_volumes",
    "broken_market_caps",
    "zero_volume",
    "stale_closes",
    "large_moves",
)


def joined(
    first: MarketData, second: MarketData, *, on_mixed_calendars: CalendarPolicy = "union"
) -> MarketData:
    """Return both on one time axis; a symbol that stands in both is taken from the first.

    Where one is daily and the other intraday, the latter is aggregated to completed days.

    Raises
    ------
    DataError
        ``different_intervals`` if the bars cannot be brought to one length, ``mixed_calendars`` if the
        calendars differ and the policy refuses that, ``too_few_bars`` if the common axis is too short.
    """
    first, second, notes = _same_length(first, second)
    added = tuple(symbol for symbol in second.panel.symbols if symbol not in first.panel.symbols)
    references = {**second.references, **first.references}
    if not added:
        report = _report(first.report, second.report, first.panel, calendar=first.report.calendar)
        return replace(first, report=report.warned(*notes), references=references)
    one, two = first.panel, second.panel.select(added)
    mixed = first.report.calendar != second.report.calendar
    opened = _axis(one, two, on_mixed_calendars if mixed else "union", first.source)
    if mixed:
        told = f"{first.source} and {second.source} trade on different days (policy {on_mixed_calendars})"
        notes = (*notes, f"mixed_calendars: {told}")
    narrow = mixed and on_mixed_calendars == "intersection"

    def block(of_one: Matrix | None, of_two: Matrix | None) -> Matrix | None:
        return _side_by_side(((one, of_one), (two, of_two)), opened)

    def side(name: str) -> Matrix | None:
        values = getattr(second, name)
        columns = [second.panel.column(symbol) for symbol in added]
        return block(getattr(first, name), None if values is None else values[:, columns])

    panel = PricePanel(
        opened=opened,
        symbols=(*one.symbols, *added),
        closes=_side_by_side(((one, one.closes), (two, two.closes)), opened, required=True),
        bar_seconds=one.bar_seconds,
        periods_per_year=(min if narrow else max)(one.periods_per_year, two.periods_per_year),
        dollar_volumes=block(one.dollar_volumes, two.dollar_volumes),
        market_caps=block(one.market_caps, two.market_caps),
        assets=AssetTable(
            [one.assets.profile(s) for s in one.symbols] + [two.assets.profile(s) for s in added]
        ),
        source=" and ".join(dict.fromkeys((one.source, two.source))),
    )
    calendar: Calendar = "exchange" if narrow else "mixed" if mixed else first.report.calendar
    return MarketData(
        panel=panel,
        report=_report(first.report, second.report, panel, calendar=calendar).warned(*notes),
        references=references,
        last_closes={
            **{s: second.last_closes[s] for s in added if s in second.last_closes},
            **first.last_closes,
        },
        opens=side("opens"),
        highs=side("highs"),
        lows=side("lows"),
    )


def _same_length(first: MarketData, second: MarketData) -> tuple[MarketData, MarketData, tuple[str, ...]]:
    one, two = first.panel.bar_seconds, second.panel.bar_seconds
    if one == two:
        return first, second, ()
    if max(one, two) != DAY_SECONDS:
        raise DataError(
            f"{first.source} has bars of {one:g} s, {second.source} of {two:g} s; pass bars of one length",
            source=first.source,
            problem="different_intervals",
        )
    note = (
        f"aggregated: bars of {min(one, two):g} seconds were aggregated to completed days; "
        "pass bars of one length to keep them"
    )
    return _daily(first), _daily(second), (note,)


def _daily(data: MarketData) -> MarketData:
    if data.panel.bar_seconds == DAY_SECONDS:
        return data
    panel = to_daily(data.panel)
    return replace(data, panel=panel, opens=None, highs=None, lows=None)


def _axis(one: PricePanel, two: PricePanel, policy: CalendarPolicy, source: str) -> Times:
    if policy == "refuse":
        raise DataError(
            f"{source}: assets of different calendars; choose on_mixed_calendars='union' or 'intersection'",
            source=source,
            problem="mixed_calendars",
        )
    opened = (
        np.intersect1d(one.opened, two.opened)
        if policy == "intersection"
        else np.union1d(one.opened, two.opened)
    )
    if len(opened) < 2:
        raise DataError(
            f"{source}: {len(opened)} common bars; pass prices of one period",
            source=source,
            problem="too_few_bars",
        )
    return opened


Part: TypeAlias = tuple[PricePanel, Matrix | None]


@overload
def _side_by_side(parts: tuple[Part, Part], opened: Times, *, required: Literal[True]) -> Matrix: ...
@overload
def _side_by_side(parts: tuple[Part, Part], opened: Times) -> Matrix | None: ...
def _side_by_side(parts: tuple[Part, Part], opened: Times, *, required: bool = False) -> Matrix | None:
    """Lay blocks side by side on `opened`, missing where a part has no row or no block."""
    if not required and all(values is None for _, values in parts):
        return None
    result = np.full((len(opened), sum(panel.n_assets for panel, _ in parts)), np.nan)
    column = 0
    for panel, values in parts:
        if values is not None:
            _, here, there = np.intersect1d(opened, panel.opened, assume_unique=True, return_indices=True)
            result[here, column : column + panel.n_assets] = values[there]
        column += panel.n_assets
    return result


def _report(one: DataReport, two: DataReport, panel: PricePanel, *, calendar: Calendar) -> DataReport:
    sums: dict[str, Any] = {name: getattr(one, name) + getattr(two, name) for name in _SUMMED}
    held = set(panel.symbols)
    return replace(
        one,
        source=panel.source,
        n_assets=panel.n_assets,
        n_bars=panel.n_observations,
        start=panel.opened[0],
        end=panel.opened[-1],
        bar_seconds=panel.bar_seconds,
        periods_per_year=panel.periods_per_year,
        calendar=calendar,
        dropped=dict(Counter(one.dropped) + Counter(two.dropped)),
        adjusted=tuple(dict.fromkeys((*one.adjusted, *two.adjusted))),
        references=tuple(dict.fromkeys((*one.references, *two.references))),
        without_values=tuple(dict.fromkeys((*one.without_values, *two.without_values))),
        delisted=tuple({d.symbol: d for d in (*two.delisted, *one.delisted) if d.symbol in held}.values()),
        warnings=tuple(dict.fromkeys((*one.warnings, *two.warnings))),
        **sums,
    )
