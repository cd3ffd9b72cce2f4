"""Making an estimated correlation matrix fit for a solver."""

from __future__ import annotations

import numpy as np

from poise.typing import Matrix

EIGENVALUE_FLOOR = 1e-8

SAFE_MIXTURE = 1e-5
"""A least eigenvalue that rounding of a large matrix cannot bring down to the floor."""


def shrunk_correlation(correlation: Matrix, mean: float, intensity: float) -> Matrix:
    """Shrink towards one correlation for all pairs and lift eigenvalues to at least about 1e-8.

    Parameters
    ----------
    correlation : ndarray of shape (n_assets, n_assets)
        Positive semidefinite.
    mean : float
        The correlation of the target.
    intensity : float
        Between 0 (the estimate) and 1 (the target).

    Returns
    -------
    ndarray of shape (n_assets, n_assets)
        Symmetric, unit diagonal, positive definite.

    References
    ----------
    .. [1] Ledoit and Wolf (2004). Honey, I shrunk the sample covariance matrix: the target.
    """
    n_assets = len(correlation)
    if n_assets < 2:
        return np.ones((n_assets, n_assets))
    target = shrinkage_target(mean, n_assets)
    shrunk = (1.0 - intensity) * correlation + intensity * target
    shrunk = np.minimum(np.maximum(0.5 * (shrunk + shrunk.T), -1.0), 1.0)
    np.fill_diagonal(shrunk, 1.0)
    return shrunk if needs_no_floor(target, intensity) else _floored(shrunk)


def shrinkage_target(mean: float, n_assets: int) -> float:
    """Return the one correlation for all pairs that comes nearest to `mean`."""
    # Below -1/(N-1) a constant-correlation matrix is itself indefinite.
    return min(max(mean, -1.0 / (n_assets - 1)), 1.0)


def needs_no_floor(target: float, intensity: float) -> bool:
    """Return whether a matrix shrunk towards `target` has no eigenvalue near the floor.

    None of a mixture is below the mixture of the least ones: 0 of the estimate, 1 - target of the target.
    """
    return target >= 0.0 and intensity * (1.0 - target) > SAFE_MIXTURE


def _floored(correlation: Matrix) -> Matrix:
    if _above_floor(correlation):
        return correlation
    values, vectors = np.linalg.eigh(correlation)
    lifted = (vectors * np.maximum(values, EIGENVALUE_FLOOR)) @ vectors.T
    scale = np.sqrt(np.diag(lifted))
    unit: Matrix = lifted / np.outer(scale, scale)
    unit = 0.5 * (unit + unit.T)
    np.fill_diagonal(unit, 1.0)
    return unit


def _above_floor(correlation: Matrix) -> bool:
    """Return whether every eigenvalue exceeds the floor; a Cholesky factor tells at a tenth of the work."""
    try:
        np.linalg.cholesky(correlation - EIGENVALUE_FLOOR * np.eye(len(correlation)))
    except np.linalg.LinAlgError:
        return False
    return True
