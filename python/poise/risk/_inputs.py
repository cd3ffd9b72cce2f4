"""Reading the arguments that the functions of this room share."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np

from poise.domain.arrays import float_array
from poise.domain.labels import BARE, Labels, unwrap_matrix, unwrap_vector
from poise.domain.weights import CASH
from poise.errors import (
    EmptyInputError,
    InputError,
    NonFiniteError,
    NotEnoughDataError,
    ParameterError,
    ShapeError,
    UnknownSymbolError,
    did_you_mean,
)
from poise.typing import ArrayLike, Vector

LARGEST = 1e150
"""Squares of this add up without overflow, however many there are."""

MOST_COUNTED = 10**12
"""More observations than there are milliseconds in thirty years."""


def unwrap_returns(returns: ArrayLike, name: str = "returns") -> tuple[Vector, Labels]:
    """Return one series (one axis) or several (two axes, one per column) with their labels."""
    if type(returns) is np.ndarray or isinstance(returns, (list, tuple)):
        array = float_array(returns, name)
        # Most calls end here: a plain series in a loop.
        return (array, BARE) if array.ndim == 1 else unwrap_matrix(array, name)
    two_axes = len(getattr(returns, "shape", ())) == 2
    return unwrap_matrix(returns, name) if two_axes else unwrap_vector(returns, name)


def unwrap_weights(weights: ArrayLike, labels: Labels) -> tuple[Vector, Labels]:
    """Return one risky weight per asset of `labels`; a mapping is read by symbol, without its cash.

    Symbols that a mapping leaves out weigh nothing.
    """
    if not isinstance(weights, Mapping):
        return unwrap_vector(weights, "weights", labels)
    names = labels.names
    if names is None:
        raise InputError(
            "weights come by symbol but the other argument has no labels; pass it as a DataFrame, or the "
            "weights as an array in its order"
        )
    risky = {str(symbol): value for symbol, value in weights.items() if symbol != CASH}
    for symbol in risky:
        if symbol not in names:
            raise UnknownSymbolError(
                f"weights name {symbol!r}, which is not among the {len(names)} assets given"
                f"{did_you_mean(symbol, names)}"
            )
    return float_array([risky.get(name, 0.0) for name in names], "weights"), labels


def as_level(confidence_level: float) -> float:
    """Return the level as a float; its range is the kernel's to check."""
    return (
        confidence_level
        if type(confidence_level) is float
        else as_number(confidence_level, "confidence_level")
    )


def as_number(value: Any, name: str) -> float:
    """Return a real number as a float."""
    # The common case first: a live loop asks with every bar.
    if type(value) is float:
        return value
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Real):
        raise ParameterError(f"{name} is {value!r} ({type(value).__name__}), expected a number")
    return float(value)


def as_window(window: int, n_observations: int) -> int:
    """Return a window of at least one observation; one longer than the data is as good as one row longer."""
    return min(as_length(window), n_observations + 1)


def as_length(window: int, name: str = "window") -> int:
    """Return a window of at least one observation."""
    if isinstance(window, (bool, np.bool_)) or not isinstance(window, (int, np.integer)):
        raise ParameterError(
            f"{name} is {window!r} ({type(window).__name__}), expected a whole number of observations"
        )
    if window < 1:
        raise ParameterError(f"{name} is {window}, expected at least 1 observation")
    return int(window)


def as_bounded_length(window: int, name: str = "window") -> int:
    """Return a window of at least one observation that a state could hold."""
    length = as_length(window, name)
    if length > MOST_COUNTED:
        raise ParameterError(f"{name} is {window}, expected at most {MOST_COUNTED:.0e} observations")
    return length


def as_count(value: int, name: str) -> int:
    """Return a whole number of observations, zero or more."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        raise ParameterError(f"{name} is {value!r} ({type(value).__name__}), expected a whole number")
    if not 0 <= value <= MOST_COUNTED:
        raise ParameterError(f"{name} is {value}, expected a whole number between 0 and {MOST_COUNTED:.0e}")
    return int(value)


def require_same_rows(
    n_first: int, first: Labels, n_second: int, second: Labels, *, names: tuple[str, str]
) -> None:
    """Refuse two series whose lengths or time labels differ."""
    if n_first != n_second:
        raise ShapeError(
            f"{names[0]} has {n_first} observations and {names[1]} {n_second}; cut both to the same rows"
        )
    both = first.times is not None and second.times is not None
    if both and first.kind == second.kind and not first.times.equals(second.times):
        raise ShapeError(
            f"{names[0]} and {names[1]} have different time labels; align them on one index first"
        )


def require_finite(values: Vector, name: str) -> None:
    """Refuse the first NaN or infinity, in the words of the kernels."""
    finite = np.isfinite(values)
    if finite.all():
        return
    position = tuple(int(i) for i in np.argwhere(~finite)[0])
    where = f"index {position[0]}" if len(position) == 1 else f"row {position[0]}, column {position[1]}"
    raise NonFiniteError(f"{name} holds {values[position]} at {where}; remove or fill it first")


def require_squares(values: Vector, name: str) -> None:
    """Refuse the first number so large that sums of its squares would be infinite."""
    giant = np.abs(values) > LARGEST
    if giant.any():
        position = tuple(int(i) for i in np.argwhere(giant)[0])
        where = f"index {position[0]}" if len(position) == 1 else f"row {position[0]}, column {position[1]}"
        raise ParameterError(f"{name} holds {values[position]} at {where}, expected at most {LARGEST:g}")


def require_observations(values: Vector, needed: int, statistic: str) -> None:
    """Refuse a series that is empty or too short for the statistic."""
    found = values.shape[0]
    if found == 0:
        raise EmptyInputError("returns is empty; pass at least one observation")
    if found < needed:
        raise NotEnoughDataError(f"{statistic} needs at least {needed} observations, got {found}")
