"""What momentum and mean reversion say about each asset, out of returns alone."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from poise.moments.robust import has_cross_section, robust_z
from poise.typing import Matrix, Vector

Mask = np.ndarray[Any, np.dtype[np.bool_]]

LOOKBACKS = (20, 60, 120, 250)
SKIPPED_BARS = 1
"""The last bar is left out: over one bar prices rather revert."""

VOLATILITY_HALF_LIFE = 21.0
MIN_RETURNS = 20
TREND_CLIP = 2.0
TREND_ROWS = max(LOOKBACKS) + SKIPPED_BARS
"""Returns that decide a trend; earlier ones change nothing."""

REVERSION_WINDOW = 60
MAX_HALF_LIFE = 15.0
VARIANCE_RATIO_LAG = 5
VARIANCE_RATIO_Z = -1.0
REVERSION_CLIP = 3.0


def momentum_scores(returns: Matrix) -> Vector:
    """Return how far each asset has trended, in standard deviations across the assets.

    The trend is the mean of ``clip(z_L, -2, 2) / 2`` over lookbacks L of 20, 60, 120 and 250 bars, ``z_L``
    the log return over L bars, the last one skipped, over ``volatility * sqrt(L)``.

    Parameters
    ----------
    returns : ndarray of shape (n_observations, n_assets)
        Log returns without gaps.

    Returns
    -------
    ndarray of shape (n_assets,)
        Robust z over the assets; twice the trend itself among fewer than 4. NaN below 22 returns.

    References
    ----------
    .. [1] Moskowitz, Ooi and Pedersen (2012). Time Series Momentum.
    .. [2] Baz et al. (2015). Dissecting Investment Strategies in the Cross Section and Time Series.
    """
    recent = returns[-TREND_ROWS:]
    volatility = recent_volatility(recent, np.ones(recent.shape, dtype=bool))
    path = np.vstack([np.zeros(recent.shape[1]), np.cumsum(recent, axis=0)])
    last = len(path) - 1 - SKIPPED_BARS
    responses = [
        trend_response(path[last] - path[last - lookback], volatility * math.sqrt(lookback))
        for lookback in LOOKBACKS
        if lookback <= last
    ]
    if not responses:
        return np.full(recent.shape[1], np.nan)
    trend: Vector = np.mean(responses, axis=0)
    return robust_z(trend) if has_cross_section(trend) else 2.0 * trend


def trend_response(gain: Vector, noise: Vector) -> Vector:
    """Return ``clip(gain / noise, -2, 2) / 2``, the saturating response to a trend; 0 without noise."""
    z = np.divide(gain, noise, out=np.zeros_like(gain), where=noise > 0.0)
    response: Vector = np.clip(z, -TREND_CLIP, TREND_CLIP) / TREND_CLIP
    return response


def recent_volatility(returns: Matrix, seen: Mask) -> Vector:
    """Return the zero-mean volatility per column with a half-life of 21 bars; NaN below 20 own returns."""
    weights = 2.0 ** (-np.arange(len(returns))[::-1] / VOLATILITY_HALF_LIFE)
    squares = np.where(seen, returns, 0.0) ** 2
    mass = weights @ seen
    volatility = np.sqrt(weights @ squares / np.where(mass > 0.0, mass, 1.0))
    return np.where(seen.sum(axis=0) >= MIN_RETURNS, volatility, np.nan)


def reversion_scores(returns: Matrix, market: Vector) -> Vector:
    """Return how far below its equilibrium each asset's residual stands, 0 where it does not come back.

    Returns are regressed on the market's; s is the distance of the cumulated residual X from its mean in
    equilibrium standard deviations, out of the autoregression ``X' = a + b X``. It counts when ``0 < b < 1``,
    the half-life is at most 15 bars and the variance ratio over 5 bars is below 1 with z < -1.

    Parameters
    ----------
    returns : ndarray of shape (n_observations, n_assets)
        Log returns without gaps.
    market : ndarray of shape (n_observations,)

    Returns
    -------
    ndarray of shape (n_assets,)
        ``-s`` clipped to +-3.

    References
    ----------
    .. [1] Avellaneda and Lee (2010). Statistical Arbitrage in the U.S. Equities Market.
    .. [2] Lo and MacKinlay (1988). Stock Market Prices Do Not Follow Random Walks.
    """
    centred = market - market.mean()
    variance = float(centred @ centred)
    beta = centred @ returns / variance if variance > 0.0 else np.zeros(returns.shape[1])
    residual = returns - returns.mean(axis=0) - np.outer(centred, beta)
    # Against itself a lone asset leaves rounding only.
    scale = np.sqrt(np.mean(returns**2, axis=0))
    alive = np.sqrt(np.mean(residual**2, axis=0)) > 1e-9 * scale
    scores = np.zeros(returns.shape[1])
    if alive.any():
        residual = residual[:, alive]
        distance, reverting = _distance(np.cumsum(residual, axis=0))
        valid = reverting & _variance_ratio_below_one(residual)
        scores[alive] = np.where(valid, -np.clip(distance, -REVERSION_CLIP, REVERSION_CLIP), 0.0)
    return scores


def _distance(X: Matrix) -> tuple[Vector, Mask]:
    """Fit ``X' = a + b X``; return the distance s of the last value and whether it reverts in time."""
    before, after = X[:-1], X[1:]
    mean_before, mean_after = before.mean(axis=0), after.mean(axis=0)
    spread = ((before - mean_before) ** 2).sum(axis=0)
    b = ((before - mean_before) * (after - mean_after)).sum(axis=0) / np.where(spread > 0.0, spread, 1.0)
    a = mean_after - b * mean_before
    noise = np.mean((after - a - b * before) ** 2, axis=0)
    slowest = 2.0 ** (-1.0 / MAX_HALF_LIFE)
    reverting = (spread > 0.0) & (b > 0.0) & (b <= slowest) & (noise > 0.0)
    safe_b = np.where(reverting, b, 0.5)
    equilibrium = np.sqrt(np.where(reverting, noise, 1.0) / (1.0 - safe_b**2))
    return (X[-1] - a / (1.0 - safe_b)) / equilibrium, reverting


def _variance_ratio_below_one(residual: Matrix) -> Mask:
    """Whether the variance over 5 bars is significantly less than 5 times that of one bar."""
    n, q = len(residual), VARIANCE_RATIO_LAG
    one = (residual**2).sum(axis=0) / (n - 1)
    path = np.vstack([np.zeros(residual.shape[1]), np.cumsum(residual, axis=0)])
    overlapping = path[q:] - path[:-q]
    many = (overlapping**2).sum(axis=0) / (q * (n - q + 1) * (1.0 - q / n))
    error = math.sqrt(2.0 * (2 * q - 1) * (q - 1) / (3.0 * q * n))
    below: Mask = (many / one - 1.0) / error < VARIANCE_RATIO_Z
    return below
