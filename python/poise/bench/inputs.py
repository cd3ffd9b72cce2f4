"""What the benches compute with: simulated returns and covariances, the same in every run."""

from __future__ import annotations

import numpy as np

from poise.typing import Matrix, Vector

SEED = 7


def simulated_returns(n_observations: int, n_assets: int) -> Matrix:
    """Return fat-tailed daily returns with one market factor, of shape ``(n_observations, n_assets)``."""
    rng = np.random.default_rng(SEED)
    market = rng.standard_t(4, size=(n_observations, 1))
    return 0.01 * (0.6 * market + rng.standard_t(4, size=(n_observations, n_assets)))


def simulated_series(n_observations: int, scale: float = 0.02) -> Vector:
    """Return one series of fat-tailed returns.

    A million of them compound to zero at daily scale: take a small `scale` where values are compounded.
    """
    return scale * np.random.default_rng(SEED).standard_t(4, size=n_observations)


def simulated_covariance(n_assets: int) -> Matrix:
    """Return the sample covariance of a one-factor market, off-diagonals shrunk by a tenth."""
    rng = np.random.default_rng(SEED)
    loading = rng.uniform(0.2, 1.0, size=n_assets)
    volatility = rng.uniform(0.005, 0.03, size=n_assets)
    n_observations = 2 * n_assets + 20
    market = rng.standard_normal((n_observations, 1))
    returns = volatility * (loading * market + rng.standard_normal((n_observations, n_assets)))
    sample = returns.T @ returns / n_observations
    return np.asarray(0.9 * sample + 0.1 * np.diag(np.diag(sample)))


def simulated_features(n_observations: int, n_features: int) -> Matrix:
    """Return features of three regimes of 100 rows each in turn: calm, falling, wild."""
    rng = np.random.default_rng(SEED)
    state = np.arange(n_observations) // 100 % 3
    scale, drift = np.array([0.007, 0.012, 0.03])[state], np.array([0.001, -0.002, 0.0])[state]
    common = rng.standard_t(5, (n_observations, 1))
    own = rng.standard_t(5, (n_observations, n_features))
    return np.asarray(drift[:, None] + scale[:, None] * (0.6 * common + own))
