"""How much of a Sharpe ratio is luck: of one sample, and of the best of many trials."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any

from poise.errors import ParameterError
from poise.performance._inputs import as_number, as_periods, for_each_series
from poise.performance.moments import kurtosis, mean_and_deviation, ratio, skewness
from poise.typing import ArrayLike, Vector

_EULER_GAMMA = 0.57721566490153286
_NORMAL = NormalDist()


def probabilistic_sharpe_ratio(
    returns: ArrayLike,
    *,
    periods_per_year: float,
    benchmark_sharpe_ratio: float = 0.0,
    risk_free_rate: float = 0.0,
) -> Any:
    """Probability that the true Sharpe ratio exceeds a benchmark, given length and shape of the sample.

    Parameters
    ----------
    returns : array_like of shape (n_observations,) or (n_observations, n_assets)
        Simple returns per period, as fractions. Finite.
    periods_per_year : float
        The year to which the Sharpe ratio given and the rate refer.
    benchmark_sharpe_ratio : float, default=0.0
        Annualised.
    risk_free_rate : float, default=0.0
        Annual fraction; each period earns ``risk_free_rate / periods_per_year``.

    Returns
    -------
    float or vector of shape (n_assets,)
        Between 0 and 1; NaN where all returns agree and below two observations.

    Raises
    ------
    NonFiniteError
        If a return is NaN or infinite; the message names the first position.
    EmptyInputError
        If there is no observation.
    ParameterError
        If a parameter is no finite number, or `periods_per_year` not positive.

    References
    ----------
    .. [1] Bailey and López de Prado (2012). The Sharpe Ratio Efficient Frontier. Journal of Risk 15.
    """
    periods = as_periods(periods_per_year)
    threshold = as_number(benchmark_sharpe_ratio, "benchmark_sharpe_ratio") / math.sqrt(periods)
    riskless = as_number(risk_free_rate, "risk_free_rate") / periods

    def statistic(r: Vector) -> float:
        mean, deviation = mean_and_deviation(r)
        return probability_above(
            threshold,
            sharpe=ratio(mean - riskless, deviation),
            n_observations=len(r),
            skewness=skewness(r),
            kurtosis=kurtosis(r),
        )

    return for_each_series(returns, statistic)


def deflated_sharpe_ratio(
    returns: ArrayLike,
    *,
    periods_per_year: float,
    n_trials: float,
    sharpe_variance: float,
    risk_free_rate: float = 0.0,
) -> Any:
    """Probability that the true Sharpe ratio exceeds what the best of so many worthless trials would show.

    Parameters
    ----------
    returns : array_like of shape (n_observations,) or (n_observations, n_assets)
        Simple returns per period of the trial that was chosen, as fractions. Finite.
    periods_per_year : float
        As for :func:`probabilistic_sharpe_ratio`.
    n_trials : float
        All configurations ever run, or their effective number; at least 1.
    sharpe_variance : float
        Variance of the annualised Sharpe ratios over the trials, not negative.
    risk_free_rate : float, default=0.0
        Annual fraction.

    Returns
    -------
    float or vector of shape (n_assets,)
        Between 0 and 1; NaN where all returns agree and below two observations.

    Raises
    ------
    NonFiniteError, EmptyInputError
        As :func:`probabilistic_sharpe_ratio`.
    ParameterError
        If a parameter is outside its range.

    References
    ----------
    .. [1] Bailey and López de Prado (2014). The Deflated Sharpe Ratio. Journal of Portfolio Management 40.
    """
    return probabilistic_sharpe_ratio(
        returns,
        periods_per_year=periods_per_year,
        benchmark_sharpe_ratio=expected_maximum_sharpe_ratio(n_trials, sharpe_variance),
        risk_free_rate=risk_free_rate,
    )


def expected_maximum_sharpe_ratio(n_trials: float, sharpe_variance: float) -> float:
    """Largest Sharpe ratio to expect among trials whose true one is zero.

    Parameters
    ----------
    n_trials : float
        At least 1; independent trials, or their effective number.
    sharpe_variance : float
        Variance of the Sharpe ratios over the trials, not negative.

    Returns
    -------
    float
        In the unit of the Sharpe ratios; 0 for a single trial.

    Raises
    ------
    ParameterError
        If a parameter is outside its range.

    References
    ----------
    .. [1] Bailey and López de Prado (2014), equation 1.
    """
    trials = as_number(n_trials, "n_trials")
    variance = as_number(sharpe_variance, "sharpe_variance")
    if trials < 1.0:
        raise ParameterError(f"n_trials is {trials:g}, expected at least 1; count the chosen trial too")
    if variance < 0.0:
        raise ParameterError(f"sharpe_variance is {variance:g}, expected 0 or more")
    if trials == 1.0:
        return 0.0
    quantiles = (1.0 - _EULER_GAMMA) * _NORMAL.inv_cdf(1.0 - 1.0 / trials)
    quantiles += _EULER_GAMMA * _NORMAL.inv_cdf(1.0 - 1.0 / (math.e * trials))
    # Meant for many trials, the approximation falls below zero just above one.
    return math.sqrt(variance) * max(0.0, quantiles)


def minimum_track_record_length(
    sharpe_ratio: float,
    *,
    benchmark_sharpe_ratio: float = 0.0,
    skewness: float = 0.0,
    kurtosis: float = 3.0,
    periods_per_year: float,
    confidence_level: float = 0.95,
) -> float:
    """Years of returns after which an observed Sharpe ratio is believed to beat a benchmark.

    Parameters
    ----------
    sharpe_ratio : float
        Observed, annualised.
    benchmark_sharpe_ratio : float, default=0.0
        Annualised.
    skewness, kurtosis : float
        Of the returns per period; 0 and 3 for normal ones.
    periods_per_year : float
        Returns in a year.
    confidence_level : float, default=0.95
        Probability that the probabilistic Sharpe ratio must reach, between one half and 1.

    Returns
    -------
    float
        Years; infinite where the observed ratio does not exceed the benchmark.

    Raises
    ------
    ParameterError
        If a parameter is outside its range.

    References
    ----------
    .. [1] Bailey and López de Prado (2012). The Sharpe Ratio Efficient Frontier. Journal of Risk 15.

    Examples
    --------
    >>> round(minimum_track_record_length(2.0, benchmark_sharpe_ratio=1.0, periods_per_year=252), 2)
    2.73
    """
    periods = as_periods(periods_per_year)
    confidence = as_number(confidence_level, "confidence_level")
    if not 0.5 <= confidence < 1.0:
        raise ParameterError(f"confidence_level is {confidence:g}, expected at least 0.5 and below 1")
    observed = as_number(sharpe_ratio, "sharpe_ratio") / math.sqrt(periods)
    excess = observed - as_number(benchmark_sharpe_ratio, "benchmark_sharpe_ratio") / math.sqrt(periods)
    if excess <= 0.0:
        return math.inf
    variance = variance_of_sharpe(observed, as_number(skewness, "skewness"), as_number(kurtosis, "kurtosis"))
    return (1.0 + variance * (_NORMAL.inv_cdf(confidence) / excess) ** 2) / periods


def probability_above(
    threshold: float, *, sharpe: float, n_observations: int, skewness: float, kurtosis: float
) -> float:
    """Return the probability that a true Sharpe ratio exceeds `threshold`, all per period.

    `kurtosis` is 3 for a normal. NaN where `sharpe` is, or where its error has no size.
    """
    variance = variance_of_sharpe(sharpe, skewness, kurtosis)
    if not variance > 0.0:
        return math.nan
    return _NORMAL.cdf((sharpe - threshold) * math.sqrt((n_observations - 1) / variance))


def variance_of_sharpe(sharpe: float, skewness: float, kurtosis: float) -> float:
    """Return the variance of an estimated Sharpe ratio per period, times the observations less one."""
    return 1.0 - skewness * sharpe + (kurtosis - 1.0) / 4.0 * sharpe**2
