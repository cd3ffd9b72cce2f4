"""Two axes, volatility and trend, cut by thresholds that follow the market's own past."""

from __future__ import annotations

import math
from typing import NamedTuple, TypeAlias

from tests.reference.regime.features import MIN_HISTORY, WINDOW
from tests.reference.regime.rolling import RollingQuantile

Probabilities: TypeAlias = tuple[float, float, float, float]
"""Bull, bear, sideways, high volatility: the order of :data:`poise.typing.REGIME_LABELS`."""

BULL, BEAR, SIDEWAYS, HIGH_VOLATILITY = range(4)

_VOLATILITY_WIDTH = 0.15
_TREND_WIDTH = 0.35
_FLOOR = 1e-3


class Thresholds(NamedTuple):
    """Where the regimes part.

    Attributes
    ----------
    volatility : float
        Volatility score above which the market is volatile.
    trend : float
        Trend score beyond which, either way, it trends.
    """

    volatility: float
    trend: float


FIXED = Thresholds(math.log(1.6), 0.8)
"""In force before there are 120 readings."""


class AdaptiveThresholds:
    """Thresholds from the quantiles of the last 504 readings, the present one not included."""

    def __init__(self) -> None:
        self._volatility_scores = RollingQuantile(WINDOW)
        self._trend_scores = RollingQuantile(WINDOW)

    def current(self) -> Thresholds:
        """Return the thresholds that the readings so far imply."""
        if len(self._trend_scores) < MIN_HISTORY:
            return FIXED
        return Thresholds(
            max(math.log(1.5), self._volatility_scores.quantile(0.85)),
            min(1.2, max(0.6, self._trend_scores.quantile(0.60))),
        )

    def push(self, volatility_score: float, trend_score: float) -> None:
        """Remember a reading for the next bars."""
        self._volatility_scores.push(volatility_score)
        self._trend_scores.push(abs(trend_score))


def soft_membership(volatility_score: float, trend_score: float, thresholds: Thresholds) -> Probabilities:
    """Return how far a reading belongs to each regime; at least 0.001 each, sum 1."""
    volatile = _normal_cdf((volatility_score - thresholds.volatility) / _VOLATILITY_WIDTH)
    up = _normal_cdf((trend_score - thresholds.trend) / _TREND_WIDTH)
    down = _normal_cdf((-trend_score - thresholds.trend) / _TREND_WIDTH)
    calm = 1.0 - volatile
    floored = [max(_FLOOR, p) for p in (calm * up, calm * down, calm * (1.0 - up - down), volatile)]
    total = sum(floored)
    return floored[0] / total, floored[1] / total, floored[2] / total, floored[3] / total


def hard_label(volatility_score: float, trend_score: float, thresholds: Thresholds) -> int:
    """Return the regime whose side of the thresholds a reading lies on."""
    if volatility_score > thresholds.volatility:
        return HIGH_VOLATILITY
    if trend_score > thresholds.trend:
        return BULL
    if trend_score < -thresholds.trend:
        return BEAR
    return SIDEWAYS


def at_rest() -> Probabilities:
    """Return the membership of an index at rest: sideways, and volatile it cannot be."""
    return _FLOOR, _FLOOR, 1.0 - 2.0 * _FLOOR, 0.0


def _normal_cdf(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2.0))
