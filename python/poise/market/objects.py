"""Frames of pandas and polars, recognised without importing them, and where their times stand."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np

from poise.errors import DataError
from poise.market.columns import canonical, time_column

if TYPE_CHECKING:
    import pandas as pd

FORMS = (
    "a PricePanel, a frame of one symbol's bars (time index, open/high/low/close/volume), wide closes "
    "(time index, one column a symbol), long bars (ts, symbol, close), ccxt rows "
    "[[ms, open, high, low, close, volume], ...] or the path of a file"
)

# Positions 0, 1, 2, ... would pass for seconds of January 1970; nobody has bars from then on a second grid.
SMALLEST_EPOCH = 10_000_000


def is_polars(data: Any) -> bool:
    """Whether `data` comes from polars, without importing it."""
    return type(data).__module__.partition(".")[0] == "polars"


def is_pandas(data: Any) -> TypeGuard[pd.DataFrame | pd.Series[Any]]:
    """Whether `data` is a pandas frame or series, without importing pandas for it."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(data, pandas.DataFrame | pandas.Series)


def as_frame(data: Any, source: str, name: str = "close") -> pd.DataFrame:
    """Return a pandas or polars object as a pandas frame; a series becomes one column called `name`."""
    import pandas as pd

    if is_polars(data):
        if hasattr(data, "collect"):
            raise unknown_form(source, "a polars LazyFrame; collect() it first")
        if not hasattr(data, "columns"):
            raise no_time(source, "a polars Series")
        return pd.DataFrame({title: _polars_values(data[title]) for title in data.columns})
    if isinstance(data, pd.Series):
        return data.to_frame(name=name)
    if isinstance(data, pd.DataFrame):
        return data
    raise unknown_form(source, f"a {type(data).__name__}")


def _polars_values(series: Any) -> Any:
    values = series.to_numpy()
    return np.asarray(values) if values.dtype.kind in "iufMb" else np.asarray(series.to_list(), dtype=object)


def unknown_form(source: str, what: str) -> DataError:
    """Return the error for an object that holds no prices we know how to read."""
    return DataError(f"{source} is {what}; pass {FORMS}", source=source, problem="unknown_form")


def no_time(source: str, what: str) -> DataError:
    """Return the error for prices that do not say when."""
    return DataError(
        f"{source} is {what} without times; pass a frame or series with a time index, for example "
        "pandas.Series(closes, index=pandas.date_range('2024-01-01', periods=len(closes)))",
        source=source,
        problem="no_time",
    )


def with_time(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    """Return the frame with its times in a column; they may stand in the index.

    Raises
    ------
    DataError
        ``no_time`` if neither a column nor the index tells time.
    """
    import pandas as pd

    if time_column(canonical(title) for title in frame.columns) is not None:
        return frame
    index = frame.index
    if isinstance(index, pd.MultiIndex):
        flat = frame.reset_index()
        if time_column(canonical(title) for title in flat.columns) is None:
            raise no_time(source, f"a frame with the index levels {list(index.names)}")
        return flat
    # Plain row numbers are no times.
    counts = index.dtype.kind in "iuf" and (
        len(index) == 0 or float(np.nanmax(np.abs(index.to_numpy()))) < SMALLEST_EPOCH
    )
    if counts:
        raise no_time(source, "a frame")
    return frame.reset_index(drop=True).assign(ts=pd.Series(index.array))
