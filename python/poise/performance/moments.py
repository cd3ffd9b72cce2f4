"""Figures of one series that neither overflow nor mistake rounding for variation."""

from __future__ import annotations

import math
import sys

from poise import _native
from poise.typing import Vector

_LARGEST_LOG = math.log(sys.float_info.max)


def mean_and_deviation(values: Vector) -> tuple[float, float]:
    """Return mean and standard deviation (``ddof=1``); the latter NaN below two values, 0 where all agree."""
    found = _native.return_statistics(values, 0.0)
    return found.mean, found.deviation


def skewness(values: Vector) -> float:
    """Return the third standardised moment of the sample; NaN where nothing varies."""
    return _native.return_statistics(values, 0.0).skewness


def kurtosis(values: Vector) -> float:
    """Return the fourth standardised moment of the sample (3 for a normal); NaN where nothing varies."""
    return _native.return_statistics(values, 0.0).kurtosis


def ratio(numerator: float, denominator: float) -> float:
    """Return the quotient; NaN where the denominator is zero, there is none, or it is beyond a float."""
    return within_floats(numerator / denominator) if denominator > 0.0 else math.nan


def within_floats(value: float) -> float:
    """Return the value; NaN beyond the range of a float."""
    return value if math.isfinite(value) else math.nan


def compounded(log_growth: float, power: float) -> float:
    """Return the final value per unit invested, to a power, less one; NaN beyond the range of a float."""
    growth = power * log_growth
    return math.expm1(growth) if growth < _LARGEST_LOG else math.nan
