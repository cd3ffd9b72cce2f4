"""Sample moments that neither overflow nor mistake rounding for variation."""

from __future__ import annotations

import math

import numpy as np

from poise.typing import Vector

ROUNDING = 1e-14
"""Returns are read off prices, ratios near 1: what they differ by below this is rounding."""


def mean_and_deviation(values: Vector) -> tuple[float, float]:
    """Return mean and standard deviation (``ddof=1``); the latter NaN below two values, 0 where all agree."""
    if _agree(values):
        return float(np.mean(values)), 0.0 if len(values) > 1 else math.nan
    # In units of the largest value no square overflows.
    unit = float(np.max(np.abs(values)))
    scaled = values / unit
    return float(np.mean(scaled)) * unit, float(np.std(scaled, ddof=1)) * unit


def skewness(values: Vector) -> float:
    """Return the third standardised moment of the sample; NaN where nothing varies."""
    return _standardised_moment(values, 3)


def kurtosis(values: Vector) -> float:
    """Return the fourth standardised moment of the sample (3 for a normal); NaN where nothing varies."""
    return _standardised_moment(values, 4)


def ratio(numerator: float, denominator: float) -> float:
    """Return the quotient; NaN where the denominator is zero or there is none."""
    return numerator / denominator if denominator > 0.0 else math.nan


def _standardised_moment(values: Vector, order: int) -> float:
    if _agree(values):
        return math.nan
    scaled = values / np.max(np.abs(values))
    centred = scaled - np.mean(scaled)
    return float(np.mean(centred**order) / np.mean(centred**2) ** (order / 2))


def _agree(values: Vector) -> bool:
    low, high = float(np.min(values)), float(np.max(values))
    return high - low <= ROUNDING * max(1.0, abs(low), abs(high))
