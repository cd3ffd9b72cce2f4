"""Value at risk and conditional value at risk under an assumed distribution, for one series.

Losses positive; the sample mean counts, so a positive drift lowers the loss. Each function returns the pair
(value at risk, conditional value at risk).
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

from poise.errors import ParameterError
from poise.risk._inputs import require_finite, require_observations, require_squares
from poise.typing import Vector

_STANDARD = NormalDist()
_FEWEST_DEGREES, _MOST_DEGREES = 2.5, 100.0


def gaussian_tail(returns: Vector, confidence_level: float) -> tuple[float, float]:
    """Return the losses of a normal distribution with the sample's mean and standard deviation."""
    mean, deviation = _mean_and_deviation(returns, confidence_level, needed=2, method="gaussian")
    z = _STANDARD.inv_cdf(confidence_level)
    return deviation * z - mean, deviation * _STANDARD.pdf(z) / (1 - confidence_level) - mean


def student_t_tail(returns: Vector, confidence_level: float) -> tuple[float, float]:
    """Return the losses of a Student t distribution, degrees of freedom by maximum likelihood.

    At 100 degrees, the most that is tried, the normal distribution takes over.
    """
    mean, deviation = _mean_and_deviation(returns, confidence_level, needed=4, method="student_t")
    if deviation == 0:
        return -mean, -mean
    degrees = _fit_degrees((returns - mean) / deviation)
    if degrees >= _MOST_DEGREES * (1 - 1e-3):
        return gaussian_tail(returns, confidence_level)
    quantile, shortfall = standard_tail(degrees, confidence_level)
    scale = deviation * math.sqrt((degrees - 2) / degrees)
    return scale * quantile - mean, scale * shortfall - mean


def standard_tail(degrees: float, confidence_level: float) -> tuple[float, float]:
    """Return quantile and tail mean of the t distribution, from 100 degrees on of the normal one."""
    if degrees >= _MOST_DEGREES:
        z = _STANDARD.inv_cdf(confidence_level)
        return z, _STANDARD.pdf(z) / (1 - confidence_level)
    from scipy.special import stdtrit

    t = float(stdtrit(degrees, confidence_level))
    density = math.exp(_log_density_constant(degrees)) * (1 + t * t / degrees) ** (-(degrees + 1) / 2)
    return t, density / (1 - confidence_level) * (degrees + t * t) / (degrees - 1)


def cornish_fisher_tail(returns: Vector, confidence_level: float) -> tuple[float, float]:
    """Return the losses of the Cornish-Fisher expansion in skewness and excess kurtosis."""
    mean, deviation = _mean_and_deviation(returns, confidence_level, needed=4, method="cornish_fisher")
    if deviation == 0:
        return -mean, -mean
    skewness, excess = _shape(returns, mean, deviation)
    _require_rising_quantiles(skewness, excess)
    tail = 1 - confidence_level
    z = _STANDARD.inv_cdf(tail)
    quantile = (
        z + (z**2 - 1) * skewness / 6 + (z**3 - 3 * z) * excess / 24 - (2 * z**3 - 5 * z) * skewness**2 / 36
    )
    correction = 1 + z * skewness / 6 + (z**2 - 1) * excess / 24 - (2 * z**2 - 1) * skewness**2 / 36
    return -mean - deviation * quantile, deviation * _STANDARD.pdf(z) / tail * correction - mean


def cornish_fisher_holds(returns: Vector) -> bool:
    """Return whether the expansion is one for these returns: its quantiles rise with the level.

    Raises
    ------
    NonFiniteError, EmptyInputError, NotEnoughDataError
        As :func:`cornish_fisher_tail`.
    """
    mean, deviation = _mean_and_deviation(returns, 0.5, needed=4, method="cornish_fisher")
    return deviation == 0 or _quantiles_rise(*_shape(returns, mean, deviation))


def _shape(returns: Vector, mean: float, deviation: float) -> tuple[float, float]:
    """Return skewness and excess kurtosis."""
    centred = (returns - mean) / deviation
    second = float(np.mean(centred**2))
    return float(np.mean(centred**3)) / second**1.5, float(np.mean(centred**4)) / second**2 - 3


def _quantiles_rise(skewness: float, excess: float) -> bool:
    """Return whether a higher level never gives a lower quantile (Maillard, 2012).

    The expansion's derivative in z is a parabola; it must open upwards and have no two real roots.
    """
    curvature = excess / 8 - skewness**2 / 6
    constant = 1 - excess / 8 + 5 * skewness**2 / 36
    return curvature >= 0 and skewness**2 / 9 - 4 * curvature * constant <= 0


def _require_rising_quantiles(skewness: float, excess: float) -> None:
    if not _quantiles_rise(skewness, excess):
        raise ParameterError(
            f"cornish_fisher does not hold for skewness {skewness:.3g} and excess kurtosis {excess:.3g}: its "
            "quantiles would not rise with the level; use method 'student_t' or 'historical'"
        )


def _mean_and_deviation(
    returns: Vector, confidence_level: float, *, needed: int, method: str
) -> tuple[float, float]:
    if not 0 < confidence_level < 1:
        raise ParameterError(
            f"confidence_level is {confidence_level}, expected a number strictly between 0 and 1"
        )
    require_observations(returns, needed, f"method '{method}'")
    require_finite(returns, "returns")
    require_squares(returns, "returns")
    if np.ptp(returns) == 0:
        # The mean of equal numbers may be an ulp away from them.
        return float(returns[0]), 0.0
    return float(np.mean(returns)), float(np.std(returns, ddof=1))


def _fit_degrees(standardised: Vector) -> float:
    """Return the likeliest degrees of freedom of a t distribution scaled to unit variance."""
    from scipy.optimize import minimize_scalar

    squares = standardised**2

    def cost(inverse: float) -> float:
        degrees = 1 / inverse
        constant = _log_density_constant(degrees) + 0.5 * math.log(degrees / (degrees - 2))
        return float((degrees + 1) / 2 * np.mean(np.log1p(squares / (degrees - 2))) - constant)

    # In 1/degrees the likelihood is close to a parabola; in degrees it is flat for hundreds.
    found = minimize_scalar(cost, bounds=(1 / _MOST_DEGREES, 1 / _FEWEST_DEGREES), method="bounded")
    return float(1 / found.x)


def _log_density_constant(degrees: float) -> float:
    return math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2) - 0.5 * math.log(degrees * math.pi)
