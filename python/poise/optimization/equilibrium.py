"""What a market's weights say about expected returns."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from poise.domain.labels import Labels, unwrap_square, unwrap_vector
from poise.errors import (
    EmptyUniverseError,
    NonFiniteError,
    NotPositiveSemidefiniteError,
    ParameterError,
    ShapeError,
)
from poise.optimization.limits import asset_name
from poise.typing import ArrayLike, Matrix, Vector

RISK_AVERSION = 2.5
"""He and Litterman (1999), with annual figures of shares."""


def equilibrium_returns(
    market_weights: ArrayLike, covariance: ArrayLike, *, risk_aversion: float = RISK_AVERSION
) -> Any:
    """Return the excess returns at which an investor wants to hold the market, ``risk_aversion * S w``.

    Parameters
    ----------
    market_weights : array_like of shape (n_assets,)
        Fractions; of any sum, as given.
    covariance : array_like of shape (n_assets, n_assets)
        Per period.
    risk_aversion : float, default=2.5
        Positive; :func:`implied_risk_aversion` fits it to a Sharpe ratio.

    Returns
    -------
    ndarray, Series or frame of shape (n_assets,)
        Per period of the covariance, as fractions.

    Raises
    ------
    EmptyUniverseError
        If there are no assets.
    ShapeError
        If the shapes or the assets' names disagree.
    NonFiniteError
        If a value is NaN or infinite.
    NotPositiveSemidefiniteError
        If a variance is negative.
    ParameterError
        If `risk_aversion` is not positive.

    Examples
    --------
    >>> equilibrium_returns([0.6, 0.4], [[0.04, 0.01], [0.01, 0.09]]).round(3)
    array([0.07 , 0.105])
    """
    matrix, labels = read_moments(covariance)
    weights, labels = read_figures(market_weights, "market_weights", len(matrix), labels)
    with np.errstate(over="ignore", invalid="ignore"):
        implied = read_positive(risk_aversion, "risk_aversion") * (matrix @ weights)
    return labels.vector(require_finite(implied, "the implied returns"))


def implied_risk_aversion(market_weights: ArrayLike, covariance: ArrayLike, *, sharpe_ratio: float) -> float:
    """Return the risk aversion at which the market has this Sharpe ratio: ``sharpe_ratio / volatility``.

    Parameters
    ----------
    market_weights : array_like of shape (n_assets,)
        Fractions.
    covariance : array_like of shape (n_assets, n_assets)
        Per period.
    sharpe_ratio : float
        Of the market, for the same period as the covariance; positive.

    Returns
    -------
    float

    Raises
    ------
    PoiseError
        As :func:`equilibrium_returns`.
    ParameterError
        If `sharpe_ratio` is not positive, or the market has no variance.

    Examples
    --------
    A market of 20 % volatility and a Sharpe ratio of one half:

    >>> implied_risk_aversion([1.0], [[0.04]], sharpe_ratio=0.5)
    2.5
    """
    matrix, labels = read_moments(covariance)
    weights, labels = read_figures(market_weights, "market_weights", len(matrix), labels)
    with np.errstate(over="ignore", invalid="ignore"):
        variance = float(weights @ matrix @ weights)
    if not variance > 0.0:
        raise ParameterError(
            "the market weights have no variance; no risk aversion gives them a Sharpe ratio"
        )
    require_finite(np.array([variance]), "the market's variance")
    return read_positive(sharpe_ratio, "sharpe_ratio") / math.sqrt(variance)


def read_moments(covariance: ArrayLike) -> tuple[Matrix, Labels]:
    """Return a covariance with its labels; singular ones are fine, NaN and negative variances are not."""
    matrix, labels = unwrap_square(covariance)
    # Sums go in one order whatever the layout.
    matrix = np.ascontiguousarray(matrix)
    if not len(matrix):
        raise EmptyUniverseError("the covariance has no assets; widen the universe")
    if not np.isfinite(matrix).all():
        i = int(np.argmin(np.isfinite(matrix).all(axis=1)))
        raise NonFiniteError(
            f"covariance of asset {asset_name(labels, i)} is not finite; fill it or drop the asset"
        )
    negative = np.flatnonzero(matrix.diagonal() < 0.0)
    if negative.size:
        i = int(negative[0])
        raise NotPositiveSemidefiniteError(
            f"variance of asset {asset_name(labels, i)} is {matrix[i, i]:g}, negative"
        )
    return matrix, labels


def read_figures(values: ArrayLike, name: str, n_assets: int, labels: Labels) -> tuple[Vector, Labels]:
    """Return one finite number per asset, in the order of the labels."""
    vector, labels = unwrap_vector(values, name, labels)
    if vector.shape != (n_assets,):
        raise ShapeError(f"there are {vector.size} {name} for {n_assets} assets; pass one per asset")
    wrong = np.flatnonzero(~np.isfinite(vector))
    if wrong.size:
        i = int(wrong[0])
        raise NonFiniteError(f"{name} of asset {asset_name(labels, i)} is {vector[i]}; pass a finite number")
    return np.ascontiguousarray(vector), labels


def read_positive(value: float, name: str) -> float:
    """Return a positive finite number."""
    if not (math.isfinite(value) and value > 0.0):
        raise ParameterError(f"{name} is {value}, expected a positive finite number")
    return value


def require_finite(values: Vector, name: str) -> Vector:
    """Refuse what has overflowed."""
    if not np.isfinite(values).all():
        raise NonFiniteError(f"{name} overflowed; state covariances, weights and returns in smaller units")
    return values
