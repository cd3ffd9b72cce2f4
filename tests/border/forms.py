"""The same numbers in other forms, and things that are no numbers.

A form yields what is handed in beside the clean array that says the same: a call must answer both alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import polars as pl

from poise.typing import REGIME_LABELS

Form: TypeAlias = tuple[str, Any, np.ndarray]


class Wrapped:
    """An object of another library, which only knows how to become an array."""

    def __init__(self, array: np.ndarray) -> None:
        self._array = array
        self.shape = array.shape

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self._array, dtype=dtype)


class Tagged(np.ndarray):
    """A subclass that adds nothing."""


def layouts(clean: np.ndarray) -> Iterator[Form]:
    """Yield the same float64 (or int64) numbers elsewhere in memory."""
    for name, make in _LAYOUTS.items():
        yield name, make(clean), clean


def strided(clean: np.ndarray) -> np.ndarray:
    """Return a view of every second element of every axis, others in between."""
    # Ones, not NaN: what is read by mistake has to look like a number.
    roomy = np.ones(tuple(2 * size for size in clean.shape), clean.dtype)
    view = roomy[tuple(slice(None, None, 2) for _ in clean.shape)]
    view[...] = clean
    return view


def backwards(clean: np.ndarray) -> np.ndarray:
    """Return a view with negative strides on every axis."""
    flipped = tuple(slice(None, None, -1) for _ in clean.shape)
    return np.ascontiguousarray(clean[flipped])[flipped]


def misaligned(clean: np.ndarray) -> np.ndarray:
    """Return a view that starts one byte into its memory."""
    view = np.zeros(clean.nbytes + 1, np.uint8)[1:].view(clean.dtype).reshape(clean.shape)
    view[...] = clean
    assert not view.flags.aligned
    return view


def read_only(clean: np.ndarray) -> np.ndarray:
    """Return a copy that cannot be written to."""
    frozen = clean.copy()
    frozen.flags.writeable = False
    return frozen


_LAYOUTS: dict[str, Callable[[np.ndarray], Any]] = {
    "strided": strided,
    "backwards": backwards,
    "misaligned": misaligned,
    "read only": read_only,
    "read only strided": lambda clean: read_only(strided(clean)),
    "Fortran": lambda clean: np.array(clean, order="F"),
    "big-endian": lambda clean: clean.astype(clean.dtype.newbyteorder(">")),
    "subclass": lambda clean: clean.copy().view(Tagged),
    "wrapped": Wrapped,
    "list": np.ndarray.tolist,
    "list of rows": list,
    "masked nowhere": np.ma.masked_array,
}


def numbers(clean: np.ndarray) -> Iterator[Form]:
    """Yield numbers of other types; where they are coarser, so is their clean array."""
    for code in ("f2", "f4", "g", "i8", "i2", "u1", "?"):
        scaled = (
            np.round(200.0 * np.abs(clean) / max(np.abs(clean).max(), 1e-9))
            if code in {"i8", "i2", "u1"}
            else clean
        )
        with np.errstate(over="ignore"):
            coarse = (scaled > np.median(scaled)) if code == "?" else scaled.astype(code)
        yield np.dtype(code).name, coarse, coarse.astype(np.float64)
    for name, convert in (("floats", float), ("Decimals", Decimal), ("Fractions", Fraction)):
        objects = np.array([convert(float(x)) for x in clean.flat] + [None], dtype=object)[:-1]
        yield f"object {name}", objects.reshape(clean.shape), clean
    place = middle(clean)
    gappy = clean.copy()
    gappy[place] = np.nan
    nothing = clean.astype(object)
    nothing[place] = None
    yield "object None", nothing, gappy
    missing = clean.astype(object)
    missing[place] = pd.NA
    yield "object NA", missing, gappy
    masked = np.ma.masked_array(clean.copy(), mask=np.isnan(gappy))
    yield "masked", masked, gappy
    yield "masked float32", masked.astype("f4"), gappy.astype("f4").astype(float)


def frames(clean: np.ndarray, name: str) -> Iterator[Form]:
    """Yield the numbers as pandas and polars hold them, gaps included; none for three axes."""
    if clean.ndim > 2:
        return
    columns = _names(name, clean.shape[-1]) if clean.ndim == 2 or len(clean) <= 4 else None
    gappy = clean.copy()
    gappy[middle(clean)] = np.nan
    coarse = clean.astype("f4")
    index = _names(name, len(clean)) if clean.ndim == 1 and columns else None
    if clean.ndim == 2:
        square = columns if clean.shape[0] == clean.shape[1] else None
        frame = pd.DataFrame(clean, columns=columns, index=square)
        holes = pd.DataFrame(gappy, columns=columns, index=square)
        schema = {"schema": columns}
        polars, polars_holes = pl.DataFrame(clean, **schema), pl.DataFrame(gappy, **schema).fill_nan(None)
        yield "pandas with a constant column of its own", _beside(frame), clean
        yield "pandas of mixed types", frame.astype({columns[0]: "f4"}), _with_first(clean, coarse)
        yield "polars float32", pl.DataFrame(coarse, **schema), coarse.astype(float)
    else:
        frame, holes = pd.Series(clean, index=index), pd.Series(gappy, index=index)
        polars, polars_holes = pl.Series(clean), pl.Series(gappy).fill_nan(None)
        yield "polars float32", pl.Series(coarse), coarse.astype(float)
    yield "pandas", frame, clean
    yield "pandas Float64", frame.astype("Float64"), clean
    yield "pandas objects", frame.astype(object), clean
    yield "pandas with NA", holes.astype("Float64"), gappy
    yield "pandas with NaN", holes, gappy
    yield "pandas float32", frame.astype("f4"), coarse.astype(float)
    yield "polars", polars, clean
    yield "polars with nulls", polars_holes, gappy


def no_numbers(clean: np.ndarray) -> Iterator[tuple[str, Any]]:
    """Yield what has the right shape and cannot be read as real numbers."""
    place = middle(clean)
    words = clean.astype(object)
    words[place] = "ten"
    holders = clean.astype(object)
    holders[place] = {}
    many = clean.astype(object)
    many[place] = 10**400
    yield "complex", clean * 1j
    yield "complex64", clean.astype("c8")
    yield "text", clean.astype("U8")
    yield "bytes", clean.astype("S8")
    yield "a word among objects", words
    yield "a dict among objects", holders
    yield "an integer beyond float64", many
    yield "durations", np.round(clean).astype("m8[ns]")
    yield "fields", np.zeros(clean.shape, dtype=[("a", "f8"), ("b", "f8")])
    yield "masked complex", np.ma.masked_array(clean * 1j, mask=clean > 0)
    yield "a function", len
    yield "a set", set(clean.ravel().tolist())
    yield "a generator", (x for x in clean.ravel().tolist())
    yield "a class", float
    if clean.ndim == 2:
        columns = _names("", clean.shape[1])
        yield "pandas words", pd.DataFrame(clean.astype("U8"), columns=columns)
        yield "pandas categories", pd.DataFrame(clean.astype("U8"), columns=columns).astype("category")
        yield "pandas durations", pd.DataFrame(np.zeros(clean.shape, "m8[ns]"), columns=columns)
        yield "polars words", pl.DataFrame(clean.astype("U8"), schema=columns)
        yield "polars lazy", pl.DataFrame(clean, schema=columns).lazy()
    if clean.ndim == 1:
        yield "pandas words", pd.Series(clean.astype("U8"))
        yield "pandas moments", pd.Series(np.zeros(len(clean), "M8[ns]"))
        yield "polars words", pl.Series(clean.astype("U8"))
        yield "polars lists", pl.Series([[1.0]] * len(clean))


def no_arrays(clean: np.ndarray) -> Iterator[tuple[str, Any]]:
    """Yield what has another shape altogether."""
    yield "a number", 0.5
    yield "no axis", np.array(0.5)
    yield "nothing", None
    yield "an axis too many", clean[None] if clean.ndim > 1 else clean[None, None]
    yield "four axes", np.zeros((1, 1, 1, 1))
    yield "ragged", [[0.1, 0.2], [0.3]]
    yield "an empty list", []
    yield "an empty list in a list", [[]]
    yield "an empty frame", pd.DataFrame()
    yield "an empty frame with columns", pd.DataFrame({"A": [], "B": []}, dtype=float)
    yield "an empty frame with an index", pd.DataFrame(index=range(3))
    yield "an empty series", pd.Series([], dtype=float)
    yield "an empty polars frame", pl.DataFrame()
    yield (
        "an empty polars frame with columns",
        pl.DataFrame({"A": [], "B": []}, schema={"A": float, "B": float}),
    )
    yield "an empty polars series", pl.Series([], dtype=pl.Float64)
    for axis in range(clean.ndim):
        empty = [slice(None)] * clean.ndim
        empty[axis] = slice(0)
        yield f"axis {axis} empty", clean[tuple(empty)]


def middle(clean: np.ndarray) -> tuple[int, ...]:
    """Return a place that is not the first, on the diagonal of what is square."""
    if clean.ndim == 1:
        return (len(clean) // 2,)
    if clean.shape[-1] == clean.shape[-2]:
        return (*(0,) * (clean.ndim - 2), 1, 1)
    return (clean.shape[0] // 2, clean.shape[1] // 2)


def _names(name: str, number: int) -> list[str]:
    return list(REGIME_LABELS) if name == "probabilities" else [f"N{i}" for i in range(number)]


def _beside(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a view of some columns of a wider frame."""
    wide = frame.copy()
    wide["constant"] = 1.0
    return wide[list(frame.columns)]


def _with_first(clean: np.ndarray, coarse: np.ndarray) -> np.ndarray:
    mixed = clean.copy()
    mixed[:, 0] = coarse[:, 0]
    return mixed
