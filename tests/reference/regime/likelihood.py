"""What one bar says about the regime: how likely its return is in each of them."""

from __future__ import annotations

import math

from tests.reference.regime.features import Reading
from tests.reference.regime.rules import Probabilities

DRIFTS: Probabilities = (1.0 / 3.0, -1.0 / 3.0, 0.0, 0.0)
"""Centres of bull, bear, sideways and high volatility, in units of the market's normal volatility."""

SCALES: Probabilities = (0.85, 0.85, 0.85, 1.9)
DEGREES_OF_FREEDOM = 4.0

_CORRELATION_WEIGHT = 1.0 / 58.0
_LARGEST_CORRELATION_SCORE = 3.0
_LARGEST_MOVE = 100.0


def likelihood(index_return: float, reading: Reading) -> Probabilities:
    """Return the likelihood of a bar in each regime, scaled to sum 1.

    Returns in units of normal volatility follow a Student t with four degrees of freedom. The score of the
    average correlation is one standard deviation higher in high volatility and counts for one bar of its
    window of some 58.
    """
    if reading.volatility == 0.0:
        return at_rest()
    moved = _in_units(index_return, reading.median_volatility)
    bull, bear, sideways, wild = (
        _density((moved - drift) / scale) / scale for drift, scale in zip(DRIFTS, SCALES, strict=True)
    )
    score = min(_LARGEST_CORRELATION_SCORE, max(-_LARGEST_CORRELATION_SCORE, reading.correlation_score))
    wild *= math.exp(_CORRELATION_WEIGHT * score)
    total = bull + bear + sideways + wild
    return bull / total, bear / total, sideways / total, wild / total


def at_rest() -> Probabilities:
    """Return the likelihood of an index at rest: sideways, and volatile it cannot be."""
    return 1e-3, 1e-3, 1.0 - 2e-3, 0.0


def _in_units(index_return: float, normal_volatility: float) -> float:
    if index_return == 0.0:
        return 0.0
    if normal_volatility == 0.0:
        return math.copysign(_LARGEST_MOVE, index_return)
    return min(_LARGEST_MOVE, max(-_LARGEST_MOVE, index_return / normal_volatility))


def _density(z: float) -> float:
    return (1.0 + z * z / DEGREES_OF_FREEDOM) ** (-0.5 * (DEGREES_OF_FREEDOM + 1.0))
