"""Recognise the objects that people hand in as prices, and read each as bars."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from poise.domain.prices import PricePanel
from poise.errors import DataError
from poise.market.bars import read_bars
from poise.market.calendar import DAY_SECONDS, YEAR_DAYS
from poise.market.clean import clean_bars
from poise.market.columns import (
    KNOWN_COLUMNS,
    NUMBER_COLUMNS,
    RawBars,
    canonical,
    raw_bars,
    read_numbers,
    time_column,
    titles_of,
    wide_bars,
)
from poise.market.data import CalendarPolicy, DataReport, MarketData, OnBadBar
from poise.market.objects import (
    SMALLEST_EPOCH,
    as_frame,
    is_pandas,
    is_polars,
    no_time,
    unknown_form,
    with_time,
)
from poise.market.panel import build_market_data
from poise.market.quality import unknown_sizes
from poise.market.times import read_times

if TYPE_CHECKING:
    import pandas as pd


_CCXT_COLUMNS = ("ts", "open", "high", "low", "close", "volume")
_SINGLE_HINTS = frozenset(NUMBER_COLUMNS)


def read_prices(
    data: Any,
    *,
    symbol: str | None = None,
    source: str = "price_data",
    on_bad_bar: OnBadBar = "refuse",
    on_mixed_calendars: CalendarPolicy = "union",
) -> MarketData:
    """Return any accepted form of prices as market data.

    Parameters
    ----------
    data : object
        One of :data:`poise.market.objects.FORMS`, a mapping from symbol to any single-symbol form, or
        columns by name.
    symbol : str, optional
        Whose bars a single-symbol form holds.
    source : str
        What the data was handed in as, for messages.
    on_bad_bar, on_mixed_calendars
        As in :func:`poise.market.read_bars`.

    Raises
    ------
    DataError
        As :func:`poise.market.read_bars`, and ``unknown_form``, ``no_time`` and ``missing_symbol`` of
        objects that cannot be understood.
    """
    if isinstance(data, MarketData):
        return data
    if isinstance(data, PricePanel):
        return of_panel(data, source)
    if isinstance(data, str | os.PathLike):
        return read_bars(data, on_bad_bar=on_bad_bar, on_mixed_calendars=on_mixed_calendars)
    bars = _read_object(data, symbol, source)
    return build_market_data(clean_bars(bars, on_bad_bar=on_bad_bar), on_mixed_calendars=on_mixed_calendars)


def of_panel(panel: PricePanel, source: str = "price_data") -> MarketData:
    """Wrap a panel, which is taken as it is."""
    bars_a_year = YEAR_DAYS * DAY_SECONDS / panel.bar_seconds
    finite = np.isfinite(panel.closes)
    report = DataReport(
        source=panel.source or source,
        rows_read=int(finite.sum()),
        rows_used=int(finite.sum()),
        n_assets=panel.n_assets,
        n_bars=panel.n_observations,
        start=panel.opened[0],
        end=panel.opened[-1],
        bar_seconds=panel.bar_seconds,
        periods_per_year=panel.periods_per_year,
        calendar="exchange" if panel.periods_per_year < 0.9 * bars_a_year else "continuous",
        without_values=tuple(
            s for s, some in zip(panel.symbols, np.any(finite, axis=0), strict=True) if not some
        ),
        warnings=unknown_sizes(panel.assets, panel),
    )
    return MarketData(panel=panel, report=report, last_closes=panel.last_prices())


def _read_object(data: Any, symbol: str | None, source: str) -> RawBars:
    if is_polars(data) or is_pandas(data):
        return _read_frame(data, _symbol_of(data, symbol), source)
    if isinstance(data, Mapping):
        return _read_mapping(data, symbol, source)
    if isinstance(data, np.ndarray) and (data.ndim != 2 or data.shape[1] not in (5, 6)):
        raise no_time(source, f"an array of shape {data.shape}")
    if isinstance(data, Sequence | np.ndarray) and not isinstance(data, bytes | bytearray):
        return _read_frame(_rows_frame(data, source), symbol, source)
    raise unknown_form(source, f"a {type(data).__name__}")


def _symbol_of(data: Any, symbol: str | None) -> str | None:
    """Return the symbol asked for, else the name of a series."""
    if symbol is None and getattr(data, "ndim", 2) == 1 and getattr(data, "name", None) is not None:
        return str(data.name)
    return symbol


def _rows_frame(data: Any, source: str) -> pd.DataFrame:
    """Read ccxt rows or a list of records."""
    import pandas as pd

    if len(data) == 0:
        raise DataError(f"{source} is empty; pass at least two bars", source=source, problem="no_rows")
    first = data[0]
    if isinstance(first, Mapping):
        return pd.DataFrame(list(data))
    if not isinstance(first, Sequence | np.ndarray) or isinstance(first, str):
        raise no_time(source, f"a list of {type(first).__name__}")
    width = len(first)
    for row, bar in enumerate(data, start=1):
        if len(bar) != width or width not in (5, 6):
            raise DataError(
                f"{source}: row {row} (data row) has {len(bar)} values, expected "
                f"[ms, open, high, low, close{', volume' if width != 5 else ''}] in every row",
                source=source,
                problem="ragged_row",
            )
    frame = pd.DataFrame([list(bar) for bar in data], columns=list(_CCXT_COLUMNS[:width]))
    if pd.to_numeric(frame["ts"], errors="coerce").abs().max() < SMALLEST_EPOCH:
        raise no_time(source, "rows")
    return frame


def _read_mapping(data: Mapping[Any, Any], symbol: str | None, source: str) -> RawBars:
    """Read columns by name, or one form per symbol."""
    import pandas as pd

    if not data:
        raise DataError(f"{source} is empty; pass at least two bars", source=source, problem="no_rows")
    names = {canonical(key) for key in data}
    if "close" in names or time_column(names) is not None:
        try:
            frame = pd.DataFrame(dict(data))
        except ValueError as error:
            raise unknown_form(source, f"a mapping whose columns do not fit together ({error})") from error
        return _read_frame(frame, symbol, source)
    parts = [_single_symbol(value, str(name), f"{source}[{name!r}]") for name, value in data.items()]
    long = pd.concat(parts, ignore_index=True)
    rows = np.concatenate([np.arange(1, len(part) + 1) for part in parts])
    return raw_bars(long, titles_of(long.columns, source), source, rows)


def _single_symbol(data: Any, symbol: str, source: str) -> pd.DataFrame:
    """Return one symbol's bars as a long frame with canonical column names."""
    if is_polars(data) or is_pandas(data):
        frame = as_frame(data, source)
    elif isinstance(data, Sequence | np.ndarray) and not isinstance(data, str):
        if isinstance(data, np.ndarray) and data.ndim != 2:
            raise no_time(source, f"an array of shape {data.shape}")
        frame = _rows_frame(data, source)
    else:
        raise unknown_form(source, f"a {type(data).__name__}")
    frame = with_time(frame, source)
    return frame.rename(columns=canonical).assign(symbol=symbol)


def _read_frame(data: Any, symbol: str | None, source: str) -> RawBars:
    frame = as_frame(data, source)
    if len(frame) == 0:
        raise DataError(f"{source}: no rows; pass at least two bars", source=source, problem="no_rows")
    if frame.columns.nlevels > 1:
        raise unknown_form(
            source, "a frame with several levels of columns; pass one of them, such as frame['Close']"
        )
    frame = with_time(frame, source)
    names = {canonical(title) for title in frame.columns}
    if "symbol" in names:
        return raw_bars(frame, titles_of(frame.columns, source), source)
    if "close" not in names and not _looks_single(names):
        return _read_wide(frame, source)
    if symbol is None:
        raise DataError(
            f"{source} holds one symbol's bars but no name; pass symbol='BTC/USDT' or add a column 'symbol'",
            source=source,
            problem="missing_symbol",
        )
    named = frame.assign(symbol=symbol)
    return raw_bars(named, titles_of(named.columns, source), source)


def _looks_single(names: set[str]) -> bool:
    """Whether every column is one of a single symbol's bars, so that only its close is missing."""
    values = names - {"ts", "timestamp", "date"}
    return bool(values) and values <= frozenset(KNOWN_COLUMNS) and bool(values & _SINGLE_HINTS)


def _read_wide(frame: pd.DataFrame, source: str) -> RawBars:
    time = next(
        title for title in frame.columns if canonical(title) == time_column(map(canonical, frame.columns))
    )
    titles = [title for title in frame.columns if title is not time and title != time]
    names = tuple(str(title).strip() for title in titles)
    if not names:
        raise DataError(
            f"{source} has times and no column of closes; add one a symbol",
            source=source,
            problem="missing_column",
        )
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(
            f"{source}: symbol {twice} stands twice among the columns; keep one",
            source=source,
            problem="duplicate_column",
        )
    closes = np.empty((len(frame), len(names)))
    strange = np.zeros(closes.shape, dtype=bool)
    for place, title in enumerate(titles):
        closes[:, place], strange[:, place] = read_numbers(frame[title])
    found = frame[titles].to_numpy(dtype=object) if strange.any() else None
    return wide_bars(
        read_times(frame[time]),
        names,
        closes,
        source,
        strange=strange,
        found=found,
        found_times=frame[time].to_numpy(dtype=object),
    )
