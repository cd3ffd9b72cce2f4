"""Tilting weights towards what a score speaks for, inside the bounds.

A tilt multiplies: it enters no asset that the book does not hold, and a score of 0 leaves an asset alone.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from poise import _native
from poise.domain.labels import Labels, unwrap_vector
from poise.errors import EmptyUniverseError, NonFiniteError, ParameterError, ShapeError
from poise.optimization.limits import asset_name, read_bounds
from poise.typing import ArrayLike, Bounds, Vector

MOMENTUM_STRENGTH = 0.5
REVERSION_STRENGTH = 0.25
"""Half of momentum's: reversion is the weaker effect after costs."""

CLIP = 2.0
"""Scores beyond are taken as this: one runaway asset must not take the book."""


def momentum_tilt(
    weights: ArrayLike,
    scores: ArrayLike,
    *,
    strength: float = MOMENTUM_STRENGTH,
    bounds: Bounds | None = None,
) -> Any:
    """Return weights times ``exp(strength * clip(score, -2, 2))``, with the sum they had.

    Parameters
    ----------
    weights : array_like of shape (n_assets,)
        Not negative. A weight of 0 stays 0 unless its lower bound asks for more.
    scores : array_like of shape (n_assets,)
        Momentum in standard deviations, high for what rises. NaN: unknown, and left alone.
    strength : float, default=0.5
        Not negative; 0 changes nothing within the bounds.
    bounds : tuple, default=(0, 1)
        Lower and upper bound, each a scalar or one per asset; none negative.

    Returns
    -------
    ndarray, Series or frame of shape (n_assets,)
        Within the bounds; the sum of the given weights, or what the bounds allow.

    Raises
    ------
    EmptyUniverseError
        If there are no assets.
    ShapeError
        If there are not as many scores as weights.
    NonFiniteError
        If a weight is NaN or infinite, or a score infinite.
    ParameterError
        If a weight, or `strength`, is negative.
    InfeasibleError
        If the lower bounds sum to more than 1 or one exceeds its upper bound.

    Examples
    --------
    >>> momentum_tilt([0.5, 0.5], [1.0, -1.0]).round(4)
    array([0.7311, 0.2689])
    """
    return _tilt(weights, scores, strength, bounds, sign=1.0)


def mean_reversion_tilt(
    weights: ArrayLike,
    distances: ArrayLike,
    *,
    strength: float = REVERSION_STRENGTH,
    bounds: Bounds | None = None,
) -> Any:
    """Return weights times ``exp(-strength * clip(distance, -2, 2))``, with the sum they had.

    Parameters
    ----------
    weights : array_like of shape (n_assets,)
        Not negative. A weight of 0 stays 0 unless its lower bound asks for more.
    distances : array_like of shape (n_assets,)
        How far each asset stands *above* its equilibrium, in standard deviations; what has fallen below gains
        weight. NaN: unknown, and left alone.
    strength : float, default=0.25
        Not negative.
    bounds : tuple, default=(0, 1)
        Lower and upper bound, each a scalar or one per asset; none negative.

    Returns
    -------
    ndarray, Series or frame of shape (n_assets,)
        As :func:`momentum_tilt`.

    Raises
    ------
    PoiseError
        As :func:`momentum_tilt`.

    Examples
    --------
    >>> mean_reversion_tilt([0.5, 0.5], [2.0, -2.0]).round(4)
    array([0.2689, 0.7311])
    """
    return _tilt(weights, distances, strength, bounds, sign=-1.0)


def _tilt(
    weights: ArrayLike, scores: ArrayLike, strength: float, bounds: Bounds | None, *, sign: float
) -> Any:
    book, labels = _read_book(weights)
    towards, labels = unwrap_vector(scores, "scores", labels)
    if towards.shape != book.shape:
        raise ShapeError(f"there are {towards.size} scores for {book.size} weights; pass one per asset")
    if np.isinf(towards).any():
        i = int(np.argmax(np.isinf(towards)))
        raise NonFiniteError(f"the score of asset {asset_name(labels, i)} is infinite; pass NaN for unknown")
    if not (math.isfinite(strength) and strength >= 0.0):
        raise ParameterError(f"strength is {strength}, expected a finite number that is not negative")
    lower, upper = read_bounds(bounds, book.size, labels)
    pull = book * tilt_factors(sign * towards, strength)
    return labels.vector(_native.fill(pull, lower, upper, math.fsum(book)))


def tilt_factors(scores: Vector, strength: float) -> Vector:
    """Return ``exp(strength * clip(score, -2, 2))``, 1 for an unknown score."""
    factors: Vector = np.exp(strength * np.clip(np.nan_to_num(scores, nan=0.0), -CLIP, CLIP))
    return factors


def _read_book(weights: ArrayLike) -> tuple[Vector, Labels]:
    book, labels = unwrap_vector(weights, "weights")
    if not book.size:
        raise EmptyUniverseError("there are no weights to tilt; widen the universe")
    wrong = np.flatnonzero(~np.isfinite(book))
    if wrong.size:
        i = int(wrong[0])
        raise NonFiniteError(
            f"the weight of asset {asset_name(labels, i)} is {book[i]}; pass a finite number"
        )
    if (book < 0.0).any():
        i = int(np.argmin(book))
        raise ParameterError(
            f"the weight of asset {asset_name(labels, i)} is {book[i]:g}; a tilt takes long-only weights"
        )
    return np.ascontiguousarray(book), labels
