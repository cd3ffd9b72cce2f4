"""Momentum: how far an asset has trended against its own noise, and against the others.

Moskowitz, Ooi and Pedersen (2012), "Time series momentum"; Baz et al. (2015), "Dissecting investment
strategies in the cross section and time series", for the saturating response.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from poise.moments.robust import MIN_CROSS_SECTION
from poise.optimization.scores import (
    LOOKBACKS,
    SKIPPED_BARS,
    TREND_ROWS,
    recent_volatility,
    trend_response,
)
from poise.strategy.closes import CloseWindow
from poise.typing import Vector

RANK_LOOKBACK = 30
RANK_WEIGHT = 1.0 / 3.0

WINDOW_ROWS = TREND_ROWS + 1
"""Rows that decide a value; earlier ones change nothing."""


@dataclass(frozen=True)
class Momentum:
    """Momentum of the assets of a window and of the market.

    Attributes
    ----------
    trend : ndarray of shape (n_assets,)
        Mean of ``clip(z_L, -2, 2) / 2`` over the lookbacks there are; -1 to 1, NaN where there is none.
    coverage : ndarray of shape (n_assets,)
        Part of the lookbacks that had enough history.
    rank : ndarray of shape (n_assets,)
        Rank of the 30-bar return among the assets, -1 (last) to 1; NaN without it or among fewer than 4.
    volatility : ndarray of shape (n_assets,)
        Of one bar, log returns, half-life 21; NaN below 20 own returns.
    market_trend : float
        Trend of the equal-weighted market; NaN while unknown.
    """

    trend: Vector
    coverage: Vector
    rank: Vector
    volatility: Vector
    market_trend: float

    @property
    def raw(self) -> Vector:
        """Trend with a third of its weight in rank added, -1 to 1; the trend alone where there is no rank."""
        blended = (self.trend + RANK_WEIGHT * self.rank) / (1.0 + RANK_WEIGHT)
        raw: Vector = np.where(np.isfinite(self.rank), blended, self.trend)
        return raw


def measure_momentum(window: CloseWindow) -> Momentum:
    """Measure momentum at the window's last row; its last column is the market.

    A lookback L counts when the asset had a price L + 1 bars ago and returns on half of the bars since.
    A constant price has trend 0.
    """
    recent = window.log_returns[-(WINDOW_ROWS - 1) :]
    seen = np.isfinite(recent)
    volatility = recent_volatility(recent, seen)
    counts = np.cumsum(seen[::-1], axis=0)
    responses = np.full((len(LOOKBACKS), recent.shape[1]), np.nan)
    for k, lookback in enumerate(LOOKBACKS):
        if window.n_rows <= lookback + SKIPPED_BARS:
            break
        gain = window.as_of(SKIPPED_BARS) - window.as_of(SKIPPED_BARS + lookback)
        # An exchange's calendar has fewer returns than bars: noise grows with the returns.
        observed = counts[lookback + SKIPPED_BARS - 1] - counts[SKIPPED_BARS - 1]
        noise = volatility * np.sqrt(observed)
        usable = np.isfinite(gain) & np.isfinite(volatility) & (observed >= lookback / 2.0)
        responses[k] = np.where(usable, trend_response(gain, noise), np.nan)
    there = np.isfinite(responses)
    n_there = there.sum(axis=0)
    total = np.where(there, responses, 0.0).sum(axis=0)
    trend = np.where(n_there > 0, total / np.maximum(n_there, 1), np.nan)
    rank = centred_rank((window.as_of(0) - window.as_of(RANK_LOOKBACK))[:-1])
    coverage = n_there[:-1] / len(LOOKBACKS)
    return Momentum(trend[:-1], coverage, rank, volatility[:-1], float(trend[-1]))


def centred_rank(values: Vector) -> Vector:
    """Return mid-ranks scaled to -1 ... 1; NaN stays NaN, and all is NaN among fewer than four values."""
    there = np.isfinite(values)
    known = values[there]
    ranks = np.full(len(values), np.nan)
    if len(known) >= MIN_CROSS_SECTION:
        below = (known[:, None] > known[None, :]).sum(axis=1)
        above = (known[:, None] < known[None, :]).sum(axis=1)
        ranks[there] = (below - above) / (len(known) - 1)
    return ranks
