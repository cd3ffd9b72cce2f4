"""The distribution of Acerbi and Szekely's Z2 under a true model.

``Z2 = 1 - S / (T a)`` where S sums the losses over ES of a binomial number of exceptions, T days with chance
a each. The loss over ES of one exception has the tail of a Student t distribution, divided by that tail's
mean. With its characteristic function ``f`` that of S is ``(1 - a + a f)^T``: one Fourier transform there and
one back.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from poise.risk.parametric import standard_tail
from poise.typing import Vector

FEWEST_DEGREES, MOST_DEGREES = 2.5, 100.0

_POINTS = 2**16
_SPREADS = 60.0
"""So many deviations above its mean the sum is cut off; less than 1e-4 of the probability lies beyond."""


class ShortfallNull:
    """Probabilities of Z2 for `n_observations` forecasts at one level with one tail."""

    def __init__(self, n_observations: int, confidence_level: float, degrees: float) -> None:
        self._expected = n_observations * (1 - confidence_level)
        self._edges, self._cumulative = _sum_of_losses(n_observations, confidence_level, degrees)
        self._critical: dict[float, float] = {}

    def probability_below(self, statistic: float) -> float:
        """Return the chance of a statistic at or below this one."""
        losses = self._expected * (1 - statistic)
        if losses <= 0:
            return 1.0
        return min(max(1.0 - float(np.interp(losses, self._edges, self._cumulative)), 0.0), 1.0)

    def critical_value(self, significance: float) -> float:
        """Return the statistic below which a true model falls with this chance."""
        if significance not in self._critical:
            losses = float(np.interp(1 - significance, self._cumulative, self._edges))
            self._critical[significance] = 1 - losses / self._expected
        return self._critical[significance]


@lru_cache(maxsize=16)
def shortfall_null(n_observations: int, confidence_level: float, degrees: float) -> ShortfallNull:
    """Return the distribution; a live loop asks for the same one with every bar."""
    return ShortfallNull(n_observations, confidence_level, degrees)


def implied_degrees(ratio: float, confidence_level: float) -> float:
    """Return the degrees of freedom of the t tail whose ES is `ratio` times its VaR, within their range."""
    from scipy.optimize import brentq

    def too_fat(inverse: float) -> float:
        quantile, shortfall = standard_tail(1 / inverse, confidence_level)
        return shortfall - ratio * quantile

    thinnest, fattest = 1 / MOST_DEGREES, 1 / FEWEST_DEGREES
    if too_fat(thinnest) >= 0:
        return MOST_DEGREES
    if too_fat(fattest) <= 0:
        return FEWEST_DEGREES
    return float(1 / brentq(too_fat, thinnest, fattest))


def _sum_of_losses(n_observations: int, confidence_level: float, degrees: float) -> tuple[Vector, Vector]:
    """Return points and the chance that the sum of losses over ES stays below each."""
    tail = 1 - confidence_level
    mean = n_observations * tail
    span = mean + _SPREADS * max(1.0, 1.5 * np.sqrt(mean))
    step = span / _POINTS
    edges = (np.arange(_POINTS) + 0.5) * step
    # Probability of each cell; what lies beyond the last one is left out, and so are the sums it leads to.
    survival = _survival(edges, confidence_level, degrees)
    cells = -np.diff(survival, prepend=1.0)
    transform = (1 - tail + tail * np.fft.rfft(cells)) ** n_observations
    cumulative = np.cumsum(np.fft.irfft(transform, _POINTS))
    return edges, np.maximum.accumulate(cumulative)


def _survival(losses_over_shortfall: Vector, confidence_level: float, degrees: float) -> Vector:
    """Return the chance that the loss of an exception, over ES, is larger."""
    from scipy.special import ndtr, stdtr

    _, shortfall = standard_tail(degrees, confidence_level)
    returns = -shortfall * losses_over_shortfall
    below: Vector = ndtr(returns) if degrees >= MOST_DEGREES else stdtr(degrees, returns)
    return np.minimum(below / (1 - confidence_level), 1.0)
