"""What the detector measures on the market index, one bar at a time, from the past only."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from poise.typing import Vector
from tests.reference.regime.rolling import RollingMoments, RollingQuantile

WARMING = 20
"""Index observations before the first reading."""

WINDOW = 504
"""Bars of history that a reading is compared with."""

MIN_HISTORY = 120
"""Readings before a comparison with the own past is trusted."""

_VOLATILITY_HALF_LIFE = 10
_TREND_HALF_LIFE = 20
_TREND_SCALE_HALF_LIFE = 60
_CORRELATION_HALF_LIFE = 20
_CORRELATION_WEIGHT = 0.1
_LOG_RATIO_CAP = 3.0


class Reading(NamedTuple):
    """The market after one bar.

    Attributes
    ----------
    volatility : float
        Root mean square of the index return, half-life 10 bars.
    median_volatility : float
        Median of `volatility` over the last 504 bars (all there are, before).
    volatility_score : float
        ``ln(volatility / median_volatility)``, plus a tenth of `correlation_score` where positive.
    trend_score : float
        Mean return (half-life 20) over root mean square (half-life 60), times the root of the mean's
        effective number of observations: about standard normal without drift.
    average_correlation : float
        Weighted mean of the pairwise correlations, half-life 20; NaN below two varying assets.
    correlation_score : float
        `average_correlation` standardised by its own last 504 values; 0 before there are 120.
    drawdown : float
        Fall of the index from its peak, a positive fraction.
    """

    volatility: float
    median_volatility: float
    volatility_score: float
    trend_score: float
    average_correlation: float
    correlation_score: float
    drawdown: float


class ExponentialMean:
    """Exponentially weighted mean with weights that sum to one from the first number on."""

    def __init__(self, half_life: float) -> None:
        self._decay = 0.5 ** (1.0 / half_life)
        self._sum = 0.0
        self._weight = 0.0
        self._weight_of_squares = 0.0

    def push(self, value: float) -> float:
        """Add a finite number and return the mean."""
        self._sum = self._decay * self._sum + value
        self._weight = self._decay * self._weight + 1.0
        self._weight_of_squares = self._decay * self._decay * self._weight_of_squares + 1.0
        return self._sum / self._weight

    @property
    def effective_observations(self) -> float:
        """``1 / sum(p ** 2)`` for the normalised weights ``p``."""
        return self._weight * self._weight / self._weight_of_squares


class AverageCorrelation:
    r"""Average pairwise correlation implied by the volatility of a sum, in O(n_assets) per bar.

    With weights ``w``, volatilities ``s`` and the mean square ``v`` of ``sum(w * r)``, all about zero,

    .. math:: \rho = \frac{v - \sum w_i^2 s_i^2}{(\sum w_i s_i)^2 - \sum w_i^2 s_i^2}

    is the mean of the pairwise correlations weighted by ``w_i s_i w_j s_j``. Numerator and denominator
    count pairs of different assets; where returns are missing, the denominator is scaled by the
    (exponentially weighted) share of it that could be observed, so a weekend without half of the market
    does not look like a loss of correlation.

    Parameters
    ----------
    weights : ndarray of shape (n_assets,)
        Not negative; their scale cancels.
    half_life : float
        In bars.
    """

    def __init__(self, weights: Vector, half_life: float) -> None:
        self._w = weights
        self._decay = 0.5 ** (1.0 / half_life)
        self._squares = np.zeros_like(weights)
        self._counts = np.zeros_like(weights)
        self._products = 0.0
        self._coverage = 0.0

    def push(self, returns: Vector, present: Vector) -> float:
        """Add one row (0 where missing, `present` 1 or 0) and return the correlation or NaN."""
        decay = np.where(present > 0.0, self._decay, 1.0)
        before = (self._counts > 0.0) * 1.0
        self._squares = decay * self._squares + returns * returns
        self._counts = decay * self._counts + present
        exposure = self._w * np.sqrt(self._squares / np.maximum(self._counts, 1.0))
        every_pair = _pairs(exposure)
        if not every_pair > 0.0:
            return math.nan
        # The history knows nothing of a newcomer's pairs: until now it covered this share of them.
        if (before < present).any():
            self._coverage *= _pairs(exposure * before) / every_pair
        self._coverage = self._decay * self._coverage + _pairs(exposure * present) / every_pair
        self._products = self._decay * self._products + _pairs(self._w * returns)
        if not self._coverage > 0.0:
            return math.nan
        return min(1.0, max(-1.0, self._products / (self._coverage * every_pair)))


def _pairs(x: Vector) -> float:
    """Sum of ``x_i * x_j`` over pairs of different assets; rounding noise is zero."""
    total = float(x.sum()) ** 2
    squares = float(x @ x)
    return total - squares if abs(total - squares) > 1e-14 * squares else 0.0


def log_ratio(volatility: float, normal: float) -> float:
    """Return ``ln(volatility / normal)`` within ±3, also where one of them is zero."""
    if volatility <= 0.0:
        return -_LOG_RATIO_CAP
    if normal <= 0.0:
        return _LOG_RATIO_CAP
    return min(_LOG_RATIO_CAP, max(-_LOG_RATIO_CAP, math.log(volatility / normal)))


class FeatureTracker:
    """Turns rows of asset returns into readings of the market index.

    Parameters
    ----------
    weights : ndarray of shape (n_assets,)
        Index weights, not negative, not all zero.
    """

    def __init__(self, weights: Vector) -> None:
        self._w = weights
        self._mean_square = ExponentialMean(_VOLATILITY_HALF_LIFE)
        self._mean = ExponentialMean(_TREND_HALF_LIFE)
        self._scale = ExponentialMean(_TREND_SCALE_HALF_LIFE)
        self._correlation = AverageCorrelation(weights, _CORRELATION_HALF_LIFE)
        self._past_volatility = RollingQuantile(WINDOW)
        self._past_correlation = RollingMoments(WINDOW)
        self._share_of_peak = 1.0
        self.n_observations = 0
        self.index_return = math.nan

    def push(self, row: Vector) -> Reading | None:
        """Add one row; None while warming, or when no weighted asset has a return.

        `index_return` is then the index return of the row, NaN when it has none.
        """
        present = (row == row) * 1.0  # noqa: PLR0124 - NaN is the only value unequal to itself
        available = float(self._w @ present)
        if available == 0.0:
            self.index_return = math.nan
            return None
        returns = np.where(present > 0.0, row, 0.0)
        self.index_return = r = float(self._w @ returns) / available
        self.n_observations += 1

        volatility = math.sqrt(self._mean_square.push(r * r))
        mean = self._mean.push(r)
        scale = math.sqrt(self._scale.push(r * r))
        correlation = self._correlation.push(returns, present)
        self._share_of_peak = min(1.0, max(0.0, self._share_of_peak * (1.0 + r)))
        if self.n_observations < WARMING:
            return None

        self._past_volatility.push(volatility)
        normal = self._past_volatility.quantile(0.5)
        correlation_score = self._correlation_score(correlation)
        score = log_ratio(volatility, normal) + _CORRELATION_WEIGHT * max(0.0, correlation_score)
        trend = mean / scale * math.sqrt(self._mean.effective_observations) if scale > 0.0 else 0.0
        return Reading(
            volatility, normal, score, trend, correlation, correlation_score, 1.0 - self._share_of_peak
        )

    def _correlation_score(self, correlation: float) -> float:
        if math.isnan(correlation):
            return 0.0
        past = self._past_correlation
        score = past.standardise(correlation) if len(past) >= MIN_HISTORY else 0.0
        past.push(correlation)
        return score
