"""Covariances and numbers as the solvers take them."""

from __future__ import annotations

from typing import Any

import numpy as np

from poise.domain.labels import BARE, Labels, unwrap_square, unwrap_vector
from poise.errors import EmptyUniverseError, ParameterError
from poise.typing import ArrayLike, Matrix, Vector

_FLOAT64 = np.dtype(np.float64)


def read_covariance(covariance: ArrayLike) -> tuple[Matrix, Labels]:
    """Return a square matrix and its labels.

    Raises
    ------
    EmptyUniverseError
        If it has no assets.
    ShapeError
        If it is not square.
    """
    # The common case first: the labels' way takes as long as ten assets' solution.
    if type(covariance) is np.ndarray and covariance.dtype is _FLOAT64 and covariance.flags.aligned:
        shape = covariance.shape
        if len(shape) == 2 and shape[0] == shape[1] > 0:
            return covariance, BARE
    matrix, labels = unwrap_square(covariance)
    if not len(matrix):
        raise EmptyUniverseError("covariance has no assets; widen the universe")
    return matrix, labels


def read_real(value: Any, name: str) -> float:
    """Return `value` as a float.

    Raises
    ------
    ParameterError
        If it is no number.
    """
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ParameterError(f"{name} is {value!r}, expected a number") from None


def read_start(initial_weights: ArrayLike | None, labels: Labels) -> Vector | None:
    """Return initial weights in the order of the assets, if there are any.

    Raises
    ------
    ShapeError
        If they name other assets.
    """
    return None if initial_weights is None else unwrap_vector(initial_weights, "initial_weights", labels)[0]
