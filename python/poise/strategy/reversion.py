"""Mean reversion: how far an asset's residual against the market has strayed, where it does come back.

Avellaneda and Lee (2010), "Statistical arbitrage in the US equities market"; the variance ratio of Lo and
MacKinlay (1988) as a second opinion. Names: `X` the cumulated residual, ``X' = a + b X`` its autoregression.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from poise.strategy.closes import CloseWindow
from poise.typing import Matrix, Vector

Mask = np.ndarray[Any, np.dtype[np.bool_]]

WINDOW = 60
MIN_RETURNS = 48
MAX_HALF_LIFE = 15.0
VARIANCE_RATIO_LAG = 5
VARIANCE_RATIO_Z = -1.0
CLIP = 3.0


def measure_reversion(window: CloseWindow) -> Vector:
    """Return ``-s`` clipped to +-3: positive below its equilibrium, 0 where reversion is not established.

    The last column of the window is the equal-weighted market. Returns of the last 60 bars are regressed
    on the market's; s is the distance of the cumulated residual from its mean in equilibrium standard
    deviations. It counts when ``0 < b < 1``, the half-life is at most 15 bars and the variance ratio
    over 5 bars is below 1 with z < -1.

    Returns
    -------
    ndarray of shape (n_assets,)
        Without the market; NaN for an asset with fewer than 48 returns among the last 60 bars.
    """
    assets = window.log_returns[-WINDOW:, :-1]
    market = window.log_returns[-WINDOW:, -1]
    n_assets = assets.shape[1]
    scores = np.full(n_assets, np.nan)
    if len(assets) < WINDOW or not np.isfinite(market).all():
        return scores
    seen = np.isfinite(assets)
    complete = seen.all(axis=0)
    if complete.any():
        scores[complete] = _scores(assets[:, complete], market)
    for i in np.flatnonzero(~complete & (seen.sum(axis=0) >= MIN_RETURNS)):
        scores[i] = _scores(assets[seen[:, i], i : i + 1], market[seen[:, i]])[0]
    return scores


def _scores(returns: Matrix, market: Vector) -> Vector:
    """Return the scores of columns without gaps."""
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
        scores[alive] = np.where(valid, -np.clip(distance, -CLIP, CLIP), 0.0)
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
