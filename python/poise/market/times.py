"""Bar times in the forms people store them, read as nanoseconds since 1970 UTC."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd

NOT_A_TIME = int(np.iinfo(np.int64).min)
"""Marks a time that could not be read (``NaT`` as an integer)."""

READABLE_TIMES = "ISO dates such as 2020-01-31 or 2020-01-31T12:00Z, or epoch seconds, ms, us or ns"

Nanoseconds = npt.NDArray[np.int64]

# datetime64[ns] reaches from 1677 to 2262; anything outside would wrap around silently.
_LIMIT_SECONDS = 9_223_372_036


def read_times(column: pd.Series[Any]) -> Nanoseconds:
    """Return the times of a column as nanoseconds since 1970 UTC.

    A time without a zone is UTC, one with a zone is converted. Integers are seconds, milliseconds,
    microseconds or nanoseconds since 1970 by their magnitude, eight digits that all make a date
    (20200131) are dates. Day-first and month-first dates cannot be told apart and are not read.

    Parameters
    ----------
    column : pandas.Series
        Timestamps, dates, ISO strings or epoch numbers.

    Returns
    -------
    ndarray of shape (n_rows,)
        :data:`NOT_A_TIME` where a value cannot be read.
    """
    import pandas as pd

    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return _from_datetime64(column.dt.tz_convert(None).to_numpy())
    if column.dtype.kind == "M":
        return _from_datetime64(column.to_numpy())
    if isinstance(column.dtype, pd.PeriodDtype):
        return _from_datetime64(column.dt.to_timestamp().to_numpy())
    if column.dtype.kind in "iuf" and not pd.api.types.is_extension_array_dtype(column.dtype):
        return _from_numbers(column.to_numpy())
    if column.dtype.kind == "b":
        return np.full(len(column), NOT_A_TIME)
    return _from_objects(column)


def _from_objects(column: pd.Series[Any]) -> Nanoseconds:
    import pandas as pd

    present = column.dropna()
    if present.empty:
        return np.full(len(column), NOT_A_TIME)
    if _is_number(present.iloc[0]):
        numbers = pd.to_numeric(column, errors="coerce")
        # Through float64 epoch nanoseconds would lose their last digits.
        exact = numbers.astype("int64") if numbers.notna().all() and (numbers % 1 == 0).all() else numbers
        return _from_numbers(exact.to_numpy())
    parsed = pd.to_datetime(column, format="ISO8601", utc=True, errors="coerce")
    return _from_datetime64(parsed.dt.tz_convert(None).to_numpy())


def _is_number(value: Any) -> bool:
    if isinstance(value, str):
        return value.strip().lstrip("+-").replace(".", "", 1).isdecimal()
    return isinstance(value, int | float | np.number)


def _from_datetime64(values: npt.NDArray[Any]) -> Nanoseconds:
    seconds = values.astype("datetime64[s]").astype(np.int64)
    outside = np.abs(seconds.astype(np.float64)) >= _LIMIT_SECONDS
    safe = np.where(outside, np.datetime64("NaT"), values).astype("datetime64[ns]")
    return safe.astype(np.int64)


def _from_numbers(values: npt.NDArray[Any]) -> Nanoseconds:
    known = np.isfinite(values)
    if not known.any():
        return np.full(len(values), NOT_A_TIME)
    dates = _compact_dates(values[known])
    if dates is not None:
        result = np.full(len(values), NOT_A_TIME)
        result[known] = dates
        return result
    scale = _nanoseconds_per_unit(float(np.median(np.abs(values[known]))))
    outside = ~known | (np.abs(np.where(known, values, 0)) >= _LIMIT_SECONDS * (1_000_000_000 / scale))
    usable = np.where(outside, 0, values)
    exact = usable.astype(np.int64) if values.dtype.kind in "iu" else np.rint(usable * scale).astype(np.int64)
    nanoseconds = exact * scale if values.dtype.kind in "iu" else exact
    return np.where(outside, NOT_A_TIME, nanoseconds)


def _nanoseconds_per_unit(magnitude: float) -> int:
    """Seconds stay below 1e11 until the year 5138, so three digits more mean the next finer unit."""
    for limit, scale in ((1e11, 1_000_000_000), (1e14, 1_000_000), (1e17, 1_000)):
        if magnitude < limit:
            return scale
    return 1


def _compact_dates(values: npt.NDArray[Any]) -> Nanoseconds | None:
    """Read 20200131 as a date when every value is one; as seconds they would all lie in August 1970."""
    if values.min() < 19_000_101 or values.max() > 21_001_231 or not np.all(values % 1 == 0):
        return None
    import pandas as pd

    parsed = pd.to_datetime(pd.Series(values.astype(np.int64).astype(str)), format="%Y%m%d", errors="coerce")
    return None if parsed.isna().any() else _from_datetime64(parsed.to_numpy())
