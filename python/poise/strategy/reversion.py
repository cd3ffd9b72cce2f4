"""Mean reversion: how far an asset's residual against the market has strayed, where it does come back.

Avellaneda and Lee (2010), "Statistical arbitrage in the US equities market"; the variance ratio of Lo and
MacKinlay (1988) as a second opinion. Names: `X` the cumulated residual, ``X' = a + b X`` its autoregression.
"""

from __future__ import annotations

import numpy as np

from poise.optimization.scores import REVERSION_WINDOW, reversion_scores
from poise.strategy.closes import CloseWindow
from poise.typing import Vector

MIN_RETURNS = 48


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
    assets = window.log_returns[-REVERSION_WINDOW:, :-1]
    market = window.log_returns[-REVERSION_WINDOW:, -1]
    n_assets = assets.shape[1]
    scores = np.full(n_assets, np.nan)
    if len(assets) < REVERSION_WINDOW or not np.isfinite(market).all():
        return scores
    seen = np.isfinite(assets)
    complete = seen.all(axis=0)
    if complete.any():
        scores[complete] = reversion_scores(assets[:, complete], market)
    for i in np.flatnonzero(~complete & (seen.sum(axis=0) >= MIN_RETURNS)):
        scores[i] = reversion_scores(assets[seen[:, i], i : i + 1], market[seen[:, i]])[0]
    return scores
