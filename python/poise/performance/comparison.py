"""A portfolio beside its benchmark, per year."""

from __future__ import annotations

import math

from poise.performance._inputs import as_number, as_periods, matched_series
from poise.performance.moments import mean_and_deviation, ratio, within_floats
from poise.risk import beta
from poise.typing import ArrayLike


def active_return(returns: ArrayLike, benchmark: ArrayLike, *, periods_per_year: float) -> float:
    """Mean difference of returns, times the periods in a year.

    Parameters
    ----------
    returns, benchmark : array_like of shape (n_observations,)
        Simple returns over the same periods, as fractions. Finite.
    periods_per_year : float
        365 for daily crypto, 8760 for hourly, 252 for an exchange's days.

    Returns
    -------
    float
        A fraction per year, positive where the portfolio earned more.

    Raises
    ------
    NonFiniteError
        If a return is NaN or infinite; the message names the first position.
    ShapeError
        If lengths or time labels differ.
    EmptyInputError
        If there is no observation.
    ParameterError
        If `periods_per_year` is not a positive number.
    """
    own, other = matched_series(returns, benchmark)
    return within_floats(as_periods(periods_per_year) * mean_and_deviation(own - other)[0])


def tracking_error(returns: ArrayLike, benchmark: ArrayLike, *, periods_per_year: float) -> float:
    """Annualised standard deviation of the difference of returns.

    Parameters and errors are those of :func:`active_return`.

    Returns
    -------
    float
        ``sqrt(periods_per_year) * std``, a fraction; NaN below two observations.
    """
    own, other = matched_series(returns, benchmark)
    return within_floats(math.sqrt(as_periods(periods_per_year)) * mean_and_deviation(own - other)[1])


def information_ratio(returns: ArrayLike, benchmark: ArrayLike, *, periods_per_year: float) -> float:
    """Active return over tracking error.

    Parameters and errors are those of :func:`active_return`.

    Returns
    -------
    float
        NaN where the difference never varies, and below two observations.

    References
    ----------
    .. [1] Goodwin (1998). The Information Ratio. Financial Analysts Journal 54.
    """
    own, other = matched_series(returns, benchmark)
    mean, deviation = mean_and_deviation(own - other)
    return within_floats(math.sqrt(as_periods(periods_per_year)) * ratio(mean, deviation))


def jensen_alpha(
    returns: ArrayLike, benchmark: ArrayLike, *, periods_per_year: float, risk_free_rate: float = 0.0
) -> float:
    """Annual return that the exposure to the benchmark does not explain.

    ``periods_per_year`` times the intercept of excess returns regressed on the benchmark's.

    Parameters
    ----------
    returns, benchmark, periods_per_year
        As for :func:`active_return`.
    risk_free_rate : float, default=0.0
        Annual fraction; each period earns ``risk_free_rate / periods_per_year``.

    Returns
    -------
    float
        A fraction per year; NaN where the benchmark never moves, and below two observations.

    Raises
    ------
    NonFiniteError, ShapeError, EmptyInputError, ParameterError
        As :func:`active_return`.

    References
    ----------
    .. [1] Jensen (1968). The Performance of Mutual Funds in the Period 1945-1964. Journal of Finance 23.
    """
    own, other = matched_series(returns, benchmark)
    periods = as_periods(periods_per_year)
    riskless = as_number(risk_free_rate, "risk_free_rate") / periods
    if len(own) < 2:
        return math.nan
    excess, market = (mean_and_deviation(series)[0] - riskless for series in (own, other))
    return within_floats(periods * (excess - float(beta(own, other)) * market))
