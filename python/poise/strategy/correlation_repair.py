"""Making a pairwise estimated correlation matrix fit for a solver.

Pairs of assets with different histories are estimated on different bars, so the matrix may have negative
directions. Each pair is pulled towards the mean correlation, the more the fewer bars it has seen; what is
still negative is lifted to a small floor.
"""

from __future__ import annotations

import numpy as np

from poise.typing import Matrix

EIGENVALUE_FLOOR = 1e-8
MIN_JOINT_OBSERVATIONS = 20


def repaired_correlation(
    correlation: Matrix, joint_observations: Matrix, *, effective_observations: float
) -> Matrix:
    """Shrink towards constant correlation and lift eigenvalues to at least about 1e-8.

    A pair seen together on ``n_ij`` bars keeps ``1 - delta`` of its own correlation,
    ``delta = N / (N + min(effective_observations, n_ij))``: N assets against the observations behind one
    number. A pair with fewer than 20 joint bars is given the mean correlation.

    Parameters
    ----------
    correlation : ndarray of shape (n_assets, n_assets)
        Pairwise; NaN where a pair has no estimate.
    joint_observations : ndarray of shape (n_assets, n_assets)
        Bars on which both assets had a return.
    effective_observations : float
        ``(1 + b) / (1 - b)`` of the exponential weights.

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
    pairs = ~np.eye(n_assets, dtype=bool)
    known = pairs & np.isfinite(correlation) & (joint_observations >= MIN_JOINT_OBSERVATIONS)
    mean = float(correlation[known].mean()) if known.any() else 0.0
    # Below -1/(N-1) a constant-correlation matrix is itself indefinite.
    mean = min(max(mean, -1.0 / (n_assets - 1)), 1.0)
    delta = n_assets / (n_assets + np.minimum(effective_observations, joint_observations))
    shrunk = np.where(known, (1.0 - delta) * np.where(known, correlation, 0.0) + delta * mean, mean)
    shrunk = np.clip(0.5 * (shrunk + shrunk.T), -1.0, 1.0)
    np.fill_diagonal(shrunk, 1.0)
    return _floored(shrunk)


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
