"""The one adapter between labelled frames and the arrays that rooms compute with.

Rooms unwrap what they are given, compute on float64 arrays and put the labels back; numpy, pandas and
polars come out as they went in. Frames are recognised without importing their library, which is loaded
only when a frame has to be built.

================================================  ====================================================
call                                              what it gives
================================================  ====================================================
``unwrap_matrix(R, name="R")``                    array ``(n_observations, n_assets)`` and `Labels`
``unwrap_square(covariance, name="covariance")``  array ``(n_assets, n_assets)`` and `Labels`; the rows of
                                                  a pandas frame are put into the order of its columns
``unwrap_vector(x, name)``                        array of a series standing alone and its `Labels`
``unwrap_vector(x, name, labels)``                array with one value per asset of `labels`, put into
                                                  their order where `x` has names of its own; the `Labels`
                                                  given, or those of `x` where the given ones are bare
``labels.matrix(a)``                              ``(n_assets, n_assets)`` -> index and columns the assets
``labels.vector(a)``                              ``(n_assets,)`` -> one value per asset
``labels.frame(a)``                               ``(n_observations, n_assets)`` -> like the input
``labels.series(a)``                              ``(n_observations,)`` -> one value per row of the input
``labels.panel(a)``                               ``(n_observations, n_assets, n_assets)`` -> a path
``labels.names``                                  the assets as text, or None where they are bare
================================================  ====================================================

What comes out, by what came in:

========  ==================  =====================  =============================  =========================
in        matrix              vector                 frame, series                  panel
========  ==================  =====================  =============================  =========================
numpy     array               array                  array                          array
pandas    DataFrame           Series                 DataFrame, Series with the     DataFrame indexed by
                                                     input's index                  (time, asset) as
                                                                                    ``DataFrame.ewm().cov()``
polars    DataFrame, rows in  DataFrame of one row   DataFrame, Series; a leading   DataFrame with the columns
          the columns' order                         column of times is put back    time (or ``row``), asset
========  ==================  =====================  =============================  =========================

Arrays come back as views where their values are native float64, of any stride, read-only ones too; other
numbers are copied once (:func:`poise.domain.arrays.float_array`). Missing entries (``None``, ``pandas.NA``,
polars nulls, masked) become NaN. Checks for NaN belong to the kernels.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal, TypeAlias

import numpy as np

from poise.domain.arrays import float_array
from poise.errors import InputError, ShapeError
from poise.typing import ArrayLike, Matrix, Vector

Kind: TypeAlias = Literal["numpy", "pandas", "polars"]


@dataclass(frozen=True, eq=False)
class Labels:
    """What to write back on an answer.

    Attributes
    ----------
    kind : {"numpy", "pandas", "polars"}
        The library of the input.
    assets : sequence or None
        One label per asset; None where the input had none.
    times : index, series or None
        One label per observation.
    name : str or None
        The name of a series.
    """

    kind: Kind = "numpy"
    assets: Sequence[Any] | None = None
    times: Any = None
    name: Any = None

    @property
    def names(self) -> tuple[str, ...] | None:
        """The assets as text; None where they have no labels."""
        return None if self.assets is None else tuple(str(asset) for asset in self.assets)

    def matrix(self, values: Matrix) -> Any:
        """Label an array of shape ``(n_assets, n_assets)``."""
        if self.kind == "pandas":
            return _pandas().DataFrame(values, index=self._index(), columns=self._index(), copy=False)
        if self.kind == "polars":
            return _polars().DataFrame(values, schema=self._columns(values.shape[1]))
        return values

    def vector(self, values: Vector) -> Any:
        """Label an array of shape ``(n_assets,)``."""
        if self.kind == "pandas":
            return _pandas().Series(values, index=self._index(), name=self.name, copy=False)
        if self.kind == "polars":
            if self.assets is None:
                return self.series(values)
            return _polars().DataFrame(values[np.newaxis], schema=self._columns(len(values)))
        return values

    def frame(self, values: Matrix) -> Any:
        """Label an array of shape ``(n_observations, n_assets)``."""
        if self.kind == "pandas":
            return _pandas().DataFrame(values, index=self.times, columns=self._index(), copy=False)
        if self.kind == "polars":
            frame = _polars().DataFrame(values, schema=self._columns(values.shape[1]))
            return frame if self.times is None else frame.insert_column(0, self.times)
        return values

    def series(self, values: Vector) -> Any:
        """Label an array of shape ``(n_observations,)``."""
        if self.kind == "pandas":
            return _pandas().Series(values, index=self.times, name=self.name, copy=False)
        if self.kind == "polars":
            return _polars().Series(self.name or "", values)
        return values

    def panel(self, values: Matrix) -> Any:
        """Label an array of shape ``(n_observations, n_assets, n_assets)``."""
        if self.kind == "numpy":
            return values
        n_observations, n_assets, _ = values.shape
        stacked = values.reshape(n_observations * n_assets, n_assets)
        if self.kind == "pandas":
            pandas = _pandas()
            rows = pandas.MultiIndex.from_product([self.times, self._index()])
            return pandas.DataFrame(stacked, index=rows, columns=self._index(), copy=False)
        polars = _polars()
        columns = self._columns(n_assets)
        times = polars.Series("row", np.arange(n_observations)) if self.times is None else self.times
        times = times.gather(np.repeat(np.arange(n_observations), n_assets))
        asset = polars.Series("asset", columns * n_observations)
        return polars.DataFrame(stacked, schema=columns).insert_column(0, times).insert_column(1, asset)

    def _index(self) -> Any:
        # Restored labels are a tuple, which pandas would read as one key.
        return list(self.assets) if isinstance(self.assets, tuple) else self.assets

    def _columns(self, n_assets: int) -> list[str]:
        names = self.names
        return [f"column_{i}" for i in range(n_assets)] if names is None else list(names)


BARE = Labels()
"""The labels of a plain array."""


def unwrap_matrix(values: ArrayLike, name: str = "R") -> tuple[Matrix, Labels]:
    """Return returns or prices as an array of shape ``(n_observations, n_assets)`` with their labels.

    A leading column of times in a polars frame becomes its time axis.

    Raises
    ------
    ShapeError
        If there are not two axes.
    InputError
        If a value is no real number; the message names the column or position.
    """
    if type(values) is np.ndarray:
        array, labels = float_array(values, name), BARE
    elif _is_pandas(values, "DataFrame"):
        array = _numbers_of_pandas(values, name)
        labels = Labels("pandas", assets=values.columns, times=values.index)
    elif _is_polars(values, "DataFrame"):
        array, labels = _unwrap_polars_frame(values, name)
    else:
        _refuse_lazy(values, name)
        array, labels = float_array(values, name), BARE
    if array.ndim != 2:
        raise ShapeError(
            f"{name} has shape {array.shape}, expected two axes (n_observations, n_assets); "
            "give a single asset as one column"
        )
    return array, labels


def unwrap_square(values: ArrayLike, name: str = "covariance") -> tuple[Matrix, Labels]:
    """Return a covariance or correlation as an array of shape ``(n_assets, n_assets)`` with its labels.

    Raises
    ------
    ShapeError
        If it is not square, or the rows of a frame are other assets than its columns.
    InputError
        If a value is no real number.
    """
    array, labels = unwrap_matrix(values, name)
    if array.shape[0] != array.shape[1]:
        raise ShapeError(f"{name} has shape {array.shape}, expected a square matrix")
    if labels.kind != "pandas":
        return array, labels
    rows, assets = labels.times, values.columns
    square = Labels("pandas", assets=assets)
    if _same(rows, assets) or _only_numbered(rows, assets):
        return array, square
    return array[_positions(rows, assets, f"the rows of {name}")], square


def unwrap_vector(values: ArrayLike, name: str, labels: Labels | None = None) -> tuple[Vector, Labels]:
    """Return a vector with its labels, in the order of `labels` where those are given.

    Parameters
    ----------
    values : array_like, Series, or with `labels` also a frame of one row
    name : str
        The argument's name, for messages.
    labels : Labels, optional
        The assets that the vector has one value for. Named values are matched by name, others by
        position (their number is left to the kernel).

    Raises
    ------
    ShapeError
        If there is not one axis, or the names are not those of `labels`; the message names the missing.
    InputError
        If a value is no real number.
    """
    if type(values) is np.ndarray:
        array, own = float_array(values, name), BARE
    else:
        array, own = _read_vector(values, name, row_frames=labels is not None)
    if array.ndim != 1:
        raise ShapeError(f"{name} has shape {array.shape}, expected one axis; pass a single column or row")
    if labels is None:
        return array, own
    if own.assets is None or (labels.assets is not None and _same(own.assets, labels.assets)):
        return array, labels
    if labels.assets is None:
        return array, own
    return array[_positions(own.assets, labels.assets, name)], labels


def _read_vector(values: Any, name: str, *, row_frames: bool) -> tuple[Vector, Labels]:
    if _is_pandas(values, "Series"):
        index = values.index
        return _numbers_of_pandas(values, name), Labels("pandas", index, index, values.name)
    if _is_polars(values, "Series"):
        return _numbers_of_polars(values, name), Labels("polars", name=values.name)
    _refuse_lazy(values, name)
    if row_frames and (_is_pandas(values, "DataFrame") or _is_polars(values, "DataFrame")):
        array, labels = unwrap_matrix(values, name)
        if array.shape[0] != 1:
            raise ShapeError(f"{name} has shape {array.shape}, expected one row")
        return array[0], Labels(labels.kind, assets=labels.assets)
    return float_array(values, name), BARE


def _same(left: Sequence[Any], right: Sequence[Any]) -> bool:
    return left is right or (len(left) == len(right) and list(left) == list(right))


def _only_numbered(rows: Any, assets: Sequence[Any]) -> bool:
    """Whether a frame was built from an array with columns only: its rows are in the columns' order."""
    return type(rows).__name__ == "RangeIndex" and rows[0] == 0 and set(rows) != set(assets)


def _positions(own: Sequence[Any], wanted: Sequence[Any], name: str) -> list[int]:
    """Where each wanted label stands in `own`; both must name the same assets once."""
    place = {label: i for i, label in enumerate(own)}
    if len(place) < len(own) or len(set(wanted)) < len(wanted):
        raise ShapeError(f"{name}: an asset stands twice, so names cannot be matched; keep one of each")
    missing = [label for label in wanted if label not in place]
    extra = [label for label in own if label not in set(wanted)]
    if missing or extra:
        raise ShapeError(
            f"{name}: the assets do not match (missing {_few(missing)}, not asked for {_few(extra)}); "
            "select the same assets on both sides"
        )
    return [place[label] for label in wanted]


def _few(labels: list[Any], most: int = 5) -> str:
    shown = ", ".join(str(label) for label in labels[:most])
    return f"{shown or 'none'}{f' and {len(labels) - most} more' if len(labels) > most else ''}"


def _numbers_of_pandas(values: Any, name: str) -> Vector:
    dtypes = values.dtypes if values.ndim == 2 else [values.dtype]
    if all(getattr(dtype, "kind", "O") in "fiub" for dtype in dtypes):
        return float_array(values.to_numpy(dtype=np.float64, na_value=np.nan), name)
    return float_array(values.to_numpy(), name)


def _unwrap_polars_frame(values: Any, name: str) -> tuple[Matrix, Labels]:
    columns = values.get_columns()
    times = columns[0] if columns and columns[0].dtype.is_temporal() else None
    numbers = columns if times is None else columns[1:]
    labels = Labels("polars", assets=tuple(column.name for column in numbers), times=times)
    if not numbers:
        return np.empty((values.height, 0)), labels
    return np.column_stack([_numbers_of_polars(column, name) for column in numbers]), labels


def _numbers_of_polars(column: Any, name: str) -> Vector:
    dtype = column.dtype
    if not (dtype.is_numeric() or str(dtype) in {"Boolean", "Null"}):
        raise InputError(
            f"column {column.name!r} of {name} holds {dtype} values, expected real numbers; drop or cast it"
        )
    return float_array(column.cast(_polars().Float64).to_numpy(), name)


def _refuse_lazy(values: Any, name: str) -> None:
    if _is_polars(values, "LazyFrame"):
        raise InputError(f"{name} is a polars LazyFrame; call .collect() on it first")


def _is_pandas(values: Any, kind: str) -> bool:
    return _is_instance(values, sys.modules.get("pandas"), kind)


def _is_polars(values: Any, kind: str) -> bool:
    return _is_instance(values, sys.modules.get("polars"), kind)


def _is_instance(values: Any, library: ModuleType | None, kind: str) -> bool:
    expected = getattr(library, kind, None)
    return expected is not None and isinstance(values, expected)


def _pandas() -> Any:
    import pandas as pd

    return pd


def _polars() -> Any:
    import polars as pl

    return pl
