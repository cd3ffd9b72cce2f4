"""Reading the arguments that the functions of this room share."""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Real
from typing import Any

import numpy as np

from poise.domain.arrays import float_array
from poise.domain.labels import Labels, unwrap_matrix, unwrap_vector
from poise.errors import EmptyInputError, NonFiniteError, ParameterError, ShapeError
from poise.typing import ArrayLike, Vector


def for_each_series(returns: ArrayLike, statistic: Callable[[Vector], float]) -> Any:
    """Return a float for one series (one axis), one labelled value per column for several (two axes)."""
    if isinstance(returns, (list, tuple)):
        returns = float_array(returns, "returns")
    if len(getattr(returns, "shape", ())) != 2:
        return statistic(one_series(returns)[0])
    array, labels = unwrap_matrix(returns, "returns")
    _require_finite(array, "returns")
    return labels.vector(np.array([statistic(column) for column in array.T]))


def unwrap_series(returns: ArrayLike, name: str = "returns") -> tuple[Vector, Labels]:
    """Return one series with its labels; whether it is finite is the kernel's to say."""
    return unwrap_vector(returns, name)


def one_series(returns: ArrayLike, name: str = "returns") -> tuple[Vector, Labels]:
    """Return one finite series, not empty, with its labels."""
    array, labels = unwrap_series(returns, name)
    _require_finite(array, name)
    return array, labels


def matched_series(returns: ArrayLike, benchmark: ArrayLike) -> tuple[Vector, Vector]:
    """Return two finite series over the same rows."""
    left, left_labels = one_series(returns)
    right, right_labels = one_series(benchmark, "benchmark")
    if len(left) != len(right):
        raise ShapeError(
            f"returns has {len(left)} observations and benchmark {len(right)}; cut both to the same rows"
        )
    times, other_times = left_labels.times, right_labels.times
    if times is not None and left_labels.kind == right_labels.kind and not times.equals(other_times):
        raise ShapeError("returns and benchmark have different time labels; align them on one index first")
    return left, right


def as_periods(periods_per_year: float) -> float:
    """Return a positive number of periods."""
    return as_number(periods_per_year, "periods_per_year", above=0.0)


def as_number(value: Any, name: str, *, above: float = -math.inf) -> float:
    """Return a finite real number above a bound."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Real):
        raise ParameterError(f"{name} is {value!r} ({type(value).__name__}), expected a number")
    number = float(value)
    if not math.isfinite(number) or number <= above:
        bound = "" if above == -math.inf else f" above {above:g}"
        raise ParameterError(f"{name} is {number}, expected a finite number{bound}")
    return number


def _require_finite(values: Vector, name: str) -> None:
    if values.shape[0] == 0:
        raise EmptyInputError(f"{name} is empty; pass at least one observation")
    finite = np.isfinite(values)
    if finite.all():
        return
    position = tuple(int(i) for i in np.argwhere(~finite)[0])
    where = f"index {position[0]}" if len(position) == 1 else f"row {position[0]}, column {position[1]}"
    raise NonFiniteError(f"{name} holds {values[position]} at {where}; remove or fill it first")
