"""Turning what a caller hands in into float64 arrays, copying only where the values must change."""

from __future__ import annotations

from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np

from poise.errors import InputError, ShapeError
from poise.typing import Vector

_NUMBER_KINDS = "fiub"
_FLOAT64 = np.dtype(np.float64)


def float_array(values: Any, name: str) -> Vector:
    """Return `values` as a float64 array of the same shape.

    Native, aligned float64 arrays of any stride, read-only ones too, come back as they are. Other
    numbers are copied once. ``None``, ``pandas.NA`` and masked entries become NaN.

    Raises
    ------
    ShapeError
        If the values are a ragged sequence.
    InputError
        If they are complex, text, times or other objects that are no numbers; the message names the
        first position.
    """
    # The common case first: every tick of a live loop passes here.
    if type(values) is np.ndarray and values.dtype is _FLOAT64 and values.flags.aligned:
        return values
    if isinstance(values, np.ma.MaskedArray):
        return float_array(values.data, name) if not values.mask.any() else _without_mask(values, name)
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise ShapeError(f"{name} is ragged: its rows differ in length; pad or slice them") from error
    if array.dtype == _FLOAT64 and array.flags.aligned:
        return array
    if array.dtype.kind in _NUMBER_KINDS:
        return array.astype(np.float64)
    if array.dtype.kind == "O":
        return _from_objects(array, name)
    raise InputError(f"{name} holds {array.dtype} values, expected real numbers; convert them to float64")


def _without_mask(values: np.ma.MaskedArray[Any, Any], name: str) -> Vector:
    numbers = float_array(values.data, name)
    return np.where(np.ma.getmaskarray(values), np.nan, numbers)


def _from_objects(array: np.ndarray[Any, np.dtype[np.object_]], name: str) -> Vector:
    numbers = np.empty(array.shape)
    for position, item in np.ndenumerate(array):
        numbers[position] = _number(item, name, position)
    return numbers


def _number(item: object, name: str, position: tuple[int, ...]) -> float:
    if item is None or type(item).__name__ == "NAType":
        return float("nan")
    if not isinstance(item, (Real, Decimal, np.bool_)):
        where = ", ".join(str(i) for i in position)
        raise InputError(
            f"{name} holds {item!r} ({type(item).__name__}) at position ({where}), expected a real number; "
            "drop or convert it"
        )
    try:
        return float(item)
    except OverflowError:
        raise InputError(f"{name} holds {item!r}, too large for a float64; rescale it") from None
