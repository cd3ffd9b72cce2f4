"""Times and lengths of time as the kernels want them: whole nanoseconds, times in UTC."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from poise.domain.arrays import float_array
from poise.errors import InputError, NonFiniteError, ParameterError, ShapeError
from poise.typing import ArrayLike

_NANOSECONDS = {"m": 60 * 10**9, "h": 3600 * 10**9, "d": 86_400 * 10**9, "w": 7 * 86_400 * 10**9}
_LENGTH = re.compile(r"([1-9][0-9]{0,5})([mhdw])")


def read_length(length: Any, name: str) -> int:
    """Return a length of time such as ``15m``, ``1h``, ``1d`` or ``1w`` in nanoseconds.

    Raises
    ------
    ParameterError
        If it is none.
    """
    match = _LENGTH.fullmatch(length) if isinstance(length, str) else None
    if match is None:
        raise ParameterError(f"{name} is {length!r}, expected a length of time such as 15m, 1h, 1d or 1w")
    return int(match[1]) * _NANOSECONDS[match[2]]


def read_instants(times: ArrayLike, name: str) -> npt.NDArray[Any]:
    """Return times as nanoseconds (datetime64), or numbers as float64 or int64.

    Parameters
    ----------
    times : array_like of shape (n,)
        Times, without a zone those of UTC, or numbers.
    name : str
        The argument's name, for messages.

    Raises
    ------
    InputError
        If they are neither times nor numbers, or lie outside 1678 to 2262.
    NonFiniteError
        If one is missing or infinite; the message names its index.
    ShapeError
        If there is not one axis.
    """
    if getattr(getattr(times, "dtype", None), "tz", None) is not None:
        times = np.asarray(times, dtype="datetime64[ns]")  # pandas converts to UTC
    try:
        array = np.asarray(times)
    except ValueError as error:
        raise ShapeError(f"{name} is ragged: its rows differ in length; pass one axis") from error
    if array.ndim != 1:
        raise ShapeError(f"{name} has shape {array.shape}, expected one axis")
    if array.dtype.kind == "O":
        dated = any(isinstance(item, date) for item in array)
        array = _from_dates(array, name) if dated else float_array(array, name)
    if array.dtype.kind == "M":
        missing = np.isnat(array)
    elif array.dtype.kind in "iuf":
        missing = ~np.isfinite(array)
    else:
        raise InputError(f"{name} holds {array.dtype} values, expected times or numbers; convert them first")
    if missing.any():
        i = int(np.argmax(missing))
        raise NonFiniteError(f"{name} holds {array[i]} at index {i}; remove or fill it first")
    return _nanoseconds(array, name) if array.dtype.kind == "M" else _signed(array)


def _signed(numbers: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return numbers.astype(np.int64 if numbers.dtype.kind in "iu" else np.float64)


def _nanoseconds(times: npt.NDArray[Any], name: str) -> npt.NDArray[Any]:
    exact = times.astype("datetime64[ns]")
    outside = exact.astype(times.dtype) != times
    if outside.any():
        i = int(np.argmax(outside))
        raise InputError(f"{name} is {times[i]} at index {i}, expected a time between 1678 and 2262")
    return exact


def _from_dates(items: npt.NDArray[Any], name: str) -> npt.NDArray[Any]:
    instants = np.empty(len(items), dtype="datetime64[us]")
    for i, given in enumerate(items):
        item: Any = given
        if item is not None and not isinstance(item, date):
            raise InputError(
                f"{name} holds {item!r} ({type(item).__name__}) at index {i} among times, expected a time"
            )
        if isinstance(item, datetime) and item.tzinfo is not None:
            item = item.astimezone(UTC).replace(tzinfo=None)
        instants[i] = item
    return instants
