"""Two axes, volatility and trend, cut by thresholds that follow the market's own past."""

from __future__ import annotations

import math
from typing import NamedTuple, TypeAlias

from tests.reference.regime.features import MIN_HISTORY, WINDOW
from tests.reference.regime.rolling import RollingQuantile

Probabilities: TypeAlias = tuple[float, float, float, float]
"""Bull, bear, sideways, high volatility: the order of :data:`poise.typing.REGIME_LABELS`."""

BULL, BEAR, SIDEWAYS, HIGH_VOLATILITY = range(4)


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


def hard_label(volatility_score: float, trend_score: float, thresholds: Thresholds) -> int:
    """Return the regime whose side of the thresholds a reading lies on."""
    if volatility_score > thresholds.volatility:
        return HIGH_VOLATILITY
    if trend_score > thresholds.trend:
        return BULL
    if trend_score < -thresholds.trend:
        return BEAR
    return SIDEWAYS
