"""Expected returns pulled towards one common mean, by as much as their noise deserves."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from poise.domain.labels import unwrap_matrix, unwrap_square
from poise.errors import (
    EmptyInputError,
    NonFiniteError,
    NotEnoughDataError,
    ShapeError,
)
from poise.moments.shrinkage import constant_correlation_shrinkage
from poise.typing import ArrayLike, Matrix, Vector

RIDGE = 1e-10
"""A part of the mean variance added where the covariance is singular."""


class ShrunkMeans(NamedTuple):
    """Shrunk expected returns.

    Attributes
    ----------
    expected_returns : ndarray of shape (n_assets,)
        ``intensity * target + (1 - intensity) * mean``, with the labels of the returns.
    intensity : float
        Between 0 (the sample means) and 1 (one mean for all).
    target : float
        The mean return of the minimum-variance portfolio.
    """

    expected_returns: Any
    intensity: float
    target: float


def james_stein_means(R: ArrayLike, *, covariance: ArrayLike | None = None) -> ShrunkMeans:
    """Shrink mean returns towards that of the minimum-variance portfolio (Bayes-Stein).

    Sample means are so noisy that books built on them lose to books that ignore them; what differs little
    from the common mean, measured by its own noise, is taken for noise.

    Parameters
    ----------
    R : array_like of shape (n_observations, n_assets)
        Simple returns, as fractions. Finite.
    covariance : array_like of shape (n_assets, n_assets), optional
        Per period, positive semidefinite; :func:`constant_correlation_shrinkage` of the returns if left out.

    Returns
    -------
    ShrunkMeans
        Per period. A single asset keeps its mean, with intensity 1; so do assets none of which has variance.

    Raises
    ------
    EmptyInputError
        If there is no observation or no asset.
    NotEnoughDataError
        If there is only one observation and no covariance is given.
    NonFiniteError
        If a return or a covariance is NaN or infinite; the message names the place.
    ShapeError
        If `R` has not two axes or the covariance other assets.

    Notes
    -----
    The intensity is ``(n + 2) / (n + 2 + T * d'S^-1 d)``, `d` the differences of the means from the target.

    References
    ----------
    .. [1] Jorion (1986). Bayes-Stein Estimation for Portfolio Analysis. Journal of Financial and Quantitative
       Analysis 21 (3).

    Examples
    --------
    >>> shrunk = james_stein_means([[0.01, 0.03], [0.02, -0.02], [-0.01, 0.02], [0.0, 0.03]])
    >>> shrunk.expected_returns.round(4), round(shrunk.intensity, 2)
    (array([0.0079, 0.0089]), 0.89)
    """
    returns, labels = unwrap_matrix(R)
    n_observations, n_assets = returns.shape
    if not returns.size:
        raise EmptyInputError(f"R has shape {returns.shape}; pass at least one observation and one asset")
    wrong = np.argwhere(~np.isfinite(returns))
    if len(wrong):
        row, column = (int(each) for each in wrong[0])
        raise NonFiniteError(f"R at row {row}, column {column} is {returns[row, column]}; fill it or drop it")
    if covariance is None:
        if n_observations < 2:
            raise NotEnoughDataError("one observation has no covariance; pass more rows")
        matrix = constant_correlation_shrinkage(returns).covariance
    else:
        matrix, _ = unwrap_square(covariance)
    if matrix.shape != (n_assets, n_assets):
        raise ShapeError(f"the covariance has shape {matrix.shape} for {n_assets} assets in R")
    if not np.isfinite(matrix).all():
        row, column = (int(each) for each in np.argwhere(~np.isfinite(matrix))[0])
        raise NonFiniteError(f"the covariance at row {row}, column {column} is not finite; fill it")
    # In one order of summation, whatever the layout of the returns.
    means: Vector = np.ascontiguousarray(returns).mean(axis=0)
    target, distance = _target(means, matrix)
    intensity = (n_assets + 2) / (n_assets + 2 + n_observations * distance)
    shrunk = means + intensity * (target - means)
    return ShrunkMeans(labels.vector(shrunk), float(intensity), target)


def _target(means: Vector, covariance: Matrix) -> tuple[float, float]:
    """Return the minimum-variance portfolio's mean, and how far the means are from it in their noise."""
    variance = np.diag(covariance)
    risky = variance > RIDGE * variance.max()
    if not risky.any():
        return float(means.mean()), 0.0
    inner = covariance[np.ix_(risky, risky)]
    # In units of the volatilities, in which the ridge means the same for every asset.
    deviations = np.sqrt(variance[risky])
    correlation = inner / np.outer(deviations, deviations)
    ridged = 0.5 * (correlation + correlation.T) + RIDGE * np.eye(len(correlation))
    solved = np.linalg.solve(ridged, np.column_stack([1.0 / deviations, means[risky] / deviations]))
    weights = solved[:, 0] / deviations
    target = float(weights @ means[risky] / weights.sum())
    away = (means[risky] - target) / deviations
    return target, max(float(away @ np.linalg.solve(ridged, away)), 0.0)
