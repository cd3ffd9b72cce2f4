"""What a caller knows besides prices: volumes, sizes, sectors, spreads, a benchmark."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from poise.domain.assets import AssetProfile, AssetTable
from poise.domain.prices import PricePanel
from poise.errors import DataError, InputError, ShapeError, UnknownSymbolError, did_you_mean
from poise.market.columns import canonical, read_numbers, time_column
from poise.market.data import Benchmark, MarketData, listed
from poise.market.forms import read_prices
from poise.market.objects import as_frame, is_pandas, is_polars, with_time
from poise.market.quality import SIZE_WARNINGS, unknown_sizes
from poise.market.times import read_times
from poise.typing import Matrix

CONTEXT_KEYS = ("prices", "bars", "volumes", "market_caps", "sectors", "benchmark", "spreads", "views")
"""What a ``market_data`` mapping may hold."""


def require_known_keys(context: Mapping[Any, Any]) -> None:
    """Refuse keys that mean nothing.

    Raises
    ------
    InputError
        With the nearest known key.
    """
    for key in context:
        if key not in CONTEXT_KEYS:
            raise InputError(
                f"market_data has the unknown key {key!r}{did_you_mean(str(key), CONTEXT_KEYS)} "
                f"(known: {', '.join(CONTEXT_KEYS)})"
            )


def enriched(data: MarketData, context: Mapping[str, Any]) -> MarketData:
    """Return market data with what `context` knows of its assets; what is missing becomes a warning.

    Parameters
    ----------
    data : MarketData
    context : mapping
        Keys of :data:`CONTEXT_KEYS`; ``prices`` and ``bars`` are not looked at here. ``volumes`` in units
        and ``market_caps`` in dollars: wide, or one number a symbol; ``sectors`` and ``spreads`` (full
        bid-ask spread in basis points): one value a symbol; ``benchmark``: a symbol or closes with times.

    Raises
    ------
    InputError
        If a figure is negative, infinite or no number.
    DataError
        ``not_aligned`` if nothing lies on the time axis of the prices.
    """
    warnings: list[str] = []
    panel = _with_sectors(data.panel, context.get("sectors"), warnings)
    panel = _with_spreads(panel, context.get("spreads"), warnings)
    panel = _with_caps(panel, context.get("market_caps"), warnings)
    panel = _with_volumes(panel, context.get("volumes"), data.last_closes, warnings)
    data = replace(data, panel=panel, views=context.get("views", data.views))
    benchmark = data.benchmark
    if context.get("benchmark") is not None:
        benchmark = _benchmark(context["benchmark"], data, warnings)
    kept = tuple(w for w in data.report.warnings if not w.startswith(SIZE_WARNINGS))
    report = replace(data.report, warnings=kept).warned(*warnings, *unknown_sizes(panel.assets, panel))
    return replace(data, benchmark=benchmark, report=report)


def _with_sectors(panel: PricePanel, sectors: Any, warnings: list[str]) -> PricePanel:
    if sectors is None:
        return panel
    given = _by_symbol("sectors", sectors)
    for symbol, sector in given.items():
        if not isinstance(sector, str) or not sector.strip():
            raise InputError(f"sector of {symbol} is {sector!r}, expected a name such as 'layer1'")
    return _profiled(panel, "sectors", given, warnings, lambda p, v: replace(p, sector=v.strip()))


def _with_spreads(panel: PricePanel, spreads: Any, warnings: list[str]) -> PricePanel:
    if spreads is None:
        return panel
    given = _figures("spreads", _by_symbol("spreads", spreads), "basis points")
    return _profiled(panel, "spreads", given, warnings, lambda p, v: replace(p, spread_bps=v))


def _with_caps(panel: PricePanel, caps: Any, warnings: list[str]) -> PricePanel:
    if caps is None:
        return panel
    if _is_wide(caps):
        block = _wide_block(caps, "market_caps", panel, warnings)
        caps_so_far = panel.market_caps
        block[block == 0.0] = np.nan
        merged = block if caps_so_far is None else np.where(np.isnan(block), caps_so_far, block)
        return replace(panel, market_caps=merged if np.isfinite(merged).any() else None)
    given = _figures("market_caps", _by_symbol("market_caps", caps), "dollars")
    return _profiled(panel, "market_caps", given, warnings, lambda p, v: replace(p, market_cap_usd=v or None))


def _with_volumes(
    panel: PricePanel, volumes: Any, last_closes: Mapping[str, float], warnings: list[str]
) -> PricePanel:
    if volumes is None:
        return panel
    if _is_wide(volumes):
        money = _wide_block(volumes, "volumes", panel, warnings) * panel.closes
        so_far = panel.dollar_volumes
        merged = money if so_far is None else np.where(np.isnan(money), so_far, money)
        return replace(panel, dollar_volumes=merged if np.isfinite(merged).any() else None)
    given = _figures("volumes", _by_symbol("volumes", volumes), "units a bar")
    bars_a_day = 86_400.0 / min(panel.bar_seconds, 86_400.0)
    daily = {s: v * last_closes[s] * bars_a_day if s in last_closes else v for s, v in given.items()}
    return _profiled(panel, "volumes", daily, warnings, lambda p, v: replace(p, dollar_volume_usd=v))


def _by_symbol(name: str, values: Any) -> dict[str, Any]:
    if is_pandas(values) and values.ndim == 1:
        return {str(symbol): value for symbol, value in values.items()}
    if not isinstance(values, Mapping):
        raise InputError(
            f"market_data['{name}'] is a {type(values).__name__}, expected a mapping from symbol to value"
        )
    return {str(symbol): value for symbol, value in values.items()}


def _figures(name: str, given: Mapping[str, Any], unit: str) -> dict[str, float]:
    """Return the numbers given; None and NaN mean nobody knows."""
    figures = {}
    for symbol, value in given.items():
        if value is None:
            continue
        try:
            number = float(value)
        except (TypeError, ValueError) as error:
            raise InputError(f"market_data['{name}'] of {symbol} is {value!r}, expected {unit}") from error
        if math.isnan(number):
            continue
        if number < 0.0 or math.isinf(number):
            raise InputError(
                f"market_data['{name}'] of {symbol} is {number}; pass {unit}, finite and not negative"
            )
        figures[symbol] = number
    return figures


def _profiled(
    panel: PricePanel,
    name: str,
    given: Mapping[str, Any],
    warnings: list[str],
    change: Callable[[AssetProfile, Any], AssetProfile],
) -> PricePanel:
    _warn_unknown(name, given, panel, warnings)
    profiles = (panel.assets.profile(symbol) for symbol in panel.symbols)
    table = AssetTable(change(p, given[p.symbol]) if p.symbol in given else p for p in profiles)
    return replace(panel, assets=table)


def _warn_unknown(name: str, given: Mapping[str, Any], panel: PricePanel, warnings: list[str]) -> None:
    strangers = [symbol for symbol in given if symbol not in panel.symbols]
    if strangers:
        near = did_you_mean(strangers[0], panel.symbols)
        warnings.append(
            f"unknown_symbols: {name} name {listed(strangers)}, not in the prices{near}; "
            "add their prices or leave them out"
        )


def _is_wide(values: Any) -> bool:
    """Whether values run over time: a frame, an array of two axes, or a mapping to series."""
    if is_polars(values) or isinstance(values, np.ndarray):
        return True
    if is_pandas(values):
        return values.ndim == 2
    if isinstance(values, Mapping):
        return any(is_pandas(v) or (canonical(k) in ("ts", "timestamp", "date")) for k, v in values.items())
    return False


def _wide_block(values: Any, name: str, panel: PricePanel, warnings: list[str]) -> Matrix:
    """Return wide figures on the rows and columns of the panel, NaN where it has none."""
    label = f"market_data['{name}']"
    if isinstance(values, np.ndarray):
        if values.shape != panel.closes.shape:
            raise ShapeError(
                f"{label} has shape {values.shape}, the prices {panel.closes.shape}; pass a frame or align it"
            )
        block = np.array(values, dtype=np.float64)
        _require_figures(block, label, panel)
        return block
    import pandas as pd

    frame = pd.DataFrame(dict(values)) if isinstance(values, Mapping) else as_frame(values, label)
    frame = with_time(frame, label)
    time = next(t for t in frame.columns if canonical(t) == time_column(map(canonical, frame.columns)))
    here, there = _match(panel.opened.astype(np.int64), read_times(frame[time]), label)
    block = np.full(panel.closes.shape, np.nan)
    columns = {str(title).strip(): title for title in frame.columns if title != time}
    _warn_unknown(name, columns, panel, warnings)
    for place, symbol in enumerate(panel.symbols):
        if symbol in columns:
            numbers, strange = read_numbers(frame[columns[symbol]])
            numbers[strange] = np.inf
            block[here, place] = numbers[there]
    _require_figures(block, label, panel)
    return block


def _match(
    opened: npt.NDArray[np.int64], times: npt.NDArray[np.int64], label: str
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    values, first = np.unique(times, return_index=True)
    _, here, there = np.intersect1d(opened, values, assume_unique=True, return_indices=True)
    if here.size == 0:
        raise DataError(
            f"{label}: no time of it is a bar of the prices; use the same bar labels (open times, UTC)",
            source=label,
            problem="not_aligned",
        )
    return here, first[there]


def _require_figures(block: Matrix, label: str, panel: PricePanel) -> None:
    bad = np.isinf(block) | (block < 0.0)
    if bad.any():
        row, column = (int(i) for i in np.argwhere(bad)[0])
        raise InputError(
            f"{label} of {panel.symbols[column]} at {panel.opened[row]} is not a finite number from 0 up; "
            "mend it or leave it blank"
        )


def _benchmark(benchmark: Any, data: MarketData, warnings: list[str]) -> Benchmark:
    panel = data.panel
    if isinstance(benchmark, str):
        if benchmark in panel.symbols:
            return Benchmark(benchmark, panel.opened, panel.closes[:, panel.column(benchmark)])
        if benchmark in data.references:
            reference = data.references[benchmark]
            return _aligned(benchmark, reference.opened.astype(np.int64), reference.values, panel, warnings)
        known = (*panel.symbols, *data.references)
        raise UnknownSymbolError(
            f"benchmark {benchmark} is not in the prices{did_you_mean(benchmark, known)}"
        )
    if isinstance(benchmark, np.ndarray | list | tuple) and np.shape(benchmark) == (panel.n_observations,):
        closes = np.array(benchmark, dtype=np.float64)
        if np.isinf(closes).any() or (closes <= 0.0).any():
            raise InputError("benchmark closes are positive numbers, NaN where missing")
        return _aligned("benchmark", panel.opened.astype(np.int64), closes, panel, warnings)
    series = read_prices(
        benchmark, symbol=_benchmark_name(benchmark), source="market_data['benchmark']"
    ).panel
    if series.n_assets != 1:
        raise DataError(
            f"market_data['benchmark'] holds {series.n_assets} series ({listed(series.symbols)}); pass one",
            source="market_data['benchmark']",
            problem="several_benchmarks",
        )
    return _aligned(series.symbols[0], series.opened.astype(np.int64), series.closes[:, 0], panel, warnings)


def _benchmark_name(benchmark: Any) -> str:
    name = getattr(benchmark, "name", None)
    return str(name) if isinstance(name, str) and name else "benchmark"


def _aligned(
    name: str,
    times: npt.NDArray[np.int64],
    values: npt.NDArray[np.float64],
    panel: PricePanel,
    warnings: list[str],
) -> Benchmark:
    here, there = _match(panel.opened.astype(np.int64), times, f"benchmark {name}")
    closes = np.full(panel.n_observations, np.nan)
    closes[here] = values[there]
    missing = int(np.isnan(closes).sum())
    if missing:
        warnings.append(
            f"benchmark_gaps: {name} has no value on {missing} of {panel.n_observations} bars; "
            "beta leaves them out"
        )
    return Benchmark(name, panel.opened, closes)
