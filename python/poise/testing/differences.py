"""Where two answers differ first, whatever they are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, NamedTuple

import numpy as np

from poise.errors import InputError


class Difference(NamedTuple):
    """The first place in which two answers are not the same, and what each has there."""

    place: str
    one: Any
    other: Any


def first_difference(one: Any, other: Any, place: str = "") -> Difference | None:
    """Compare two answers bit for bit; NaN is NaN.

    Parameters
    ----------
    one, other : object
        Numbers, text, arrays, frames, dataclasses, and mappings and sequences of these.
    place : str
        Where they stand in something larger, for :attr:`Difference.place`.

    Returns
    -------
    Difference or None
        None if they are the same.

    Raises
    ------
    InputError
        If they hold an object without values to compare.
    """
    if hasattr(one, "to_numpy"):
        one, other = one.to_numpy(), other.to_numpy() if hasattr(other, "to_numpy") else other
    if isinstance(one, np.ndarray):
        return _of_arrays(one, other, place)
    if type(one) is not type(other):
        return None if _equal(one, other, place) else Difference(place, one, other)
    if is_dataclass(one) and not isinstance(one, type):
        named = {field.name: getattr(one, field.name) for field in fields(one)}
        return _of_parts(named, {name: getattr(other, name) for name in named}, place, ".{}")
    if isinstance(one, Mapping):
        return _of_parts(one, other, place, "[{!r}]")
    if isinstance(one, Sequence) and not isinstance(one, str | bytes):
        return _of_parts(dict(enumerate(one)), dict(enumerate(other)), place, "[{}]")
    return None if _equal(one, other, place) else Difference(place, one, other)


def _of_parts(one: Mapping[Any, Any], other: Mapping[Any, Any], place: str, form: str) -> Difference | None:
    if list(one) != list(other):
        return Difference(place, f"{len(one)} parts {list(one)[:4]}", f"{len(other)} parts {list(other)[:4]}")
    found = (first_difference(one[name], other[name], place + form.format(name)) for name in one)
    return next((difference for difference in found if difference is not None), None)


def _of_arrays(one: np.ndarray[Any, Any], other: Any, place: str) -> Difference | None:
    if not isinstance(other, np.ndarray) or one.shape != other.shape or one.dtype != other.dtype:
        return Difference(place, _outline(one), _outline(other))
    if one.dtype.kind == "O":
        return first_difference(one.tolist(), other.tolist(), place)
    same = np.asarray((one == other) | ((one != one) & (other != other)))  # noqa: PLR0124 - NaN, NaT
    if same.all():
        return None
    index = tuple(int(i) for i in np.argwhere(~same)[0])
    return Difference(place + (f"[{', '.join(map(str, index))}]" if index else ""), one[index], other[index])


def _outline(values: Any) -> str:
    return f"{values.dtype} of shape {values.shape}" if isinstance(values, np.ndarray) else repr(values)


def _equal(one: Any, other: Any, place: str) -> bool:
    if one is other:
        return True
    if type(one) is type(other) and not any("__eq__" in vars(kind) for kind in type(one).__mro__[:-1]):
        raise InputError(
            f"a {type(one).__name__}{f' at {place}' if place else ''} has no values to compare; "
            "return numbers, arrays, frames, dataclasses or mappings and sequences of them"
        )
    return bool(one == other) or bool(one != one and other != other)  # noqa: PLR0124 - NaN
