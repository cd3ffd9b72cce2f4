"""Return, volatility and their ratios, per year; how many periods a year has is the caller's to say."""

from __future__ import annotations

import math
from typing import Any

from poise import _native
from poise.performance._inputs import as_number, as_periods, for_each_series
from poise.performance.moments import compounded, mean_and_deviation, ratio, within_floats
from poise.typing import ArrayLike, Vector


def total_return(returns: ArrayLike) -> Any:
    """Compounded return over the whole sample.

    Parameters
    ----------
    returns : array_like of shape (n_observations,) or (n_observations, n_assets)
        Simple returns per period, as fractions. Finite.

    Returns
    -------
    float or vector of shape (n_assets,)
        A fraction; -1 where the value ever reached zero or less; NaN beyond the range of a float.

    Raises
    ------
    NonFiniteError
        If a return is NaN or infinite; the message names the first position.
    EmptyInputError
        If there is no observation.
    """
    return for_each_series(returns, lambda r: compounded(_figures(r).log_growth, 1.0))


def annualized_return(returns: ArrayLike, *, periods_per_year: float) -> Any:
    """Compound annual growth rate: the constant yearly return with the same final value.

    Parameters
    ----------
    returns : array_like of shape (n_observations,) or (n_observations, n_assets)
        Simple returns per period, as fractions. Finite.
    periods_per_year : float
        365 for daily crypto, 8760 for hourly, 252 for an exchange's days.

    Returns
    -------
    float or vector of shape (n_assets,)
        A fraction per year; -1 where the value ever reached zero or less; NaN beyond the range of a float.

    Raises
    ------
    NonFiniteError
        If a return is NaN or infinite; the message names the first position.
    EmptyInputError
        If there is no observation.
    ParameterError
        If `periods_per_year` is not a positive number.

    Examples
    --------
    >>> round(annualized_return([0.10, 0.10], periods_per_year=1), 12)
    0.1
    """
    periods = as_periods(periods_per_year)
    return for_each_series(returns, lambda r: _annualized(_figures(r), periods))


def annualized_volatility(returns: ArrayLike, *, periods_per_year: float) -> Any:
    """Annualised standard deviation of returns (``ddof=1``).

    Parameters
    ----------
    returns, periods_per_year
        As for :func:`annualized_return`.

    Returns
    -------
    float or vector of shape (n_assets,)
        ``sqrt(periods_per_year) * std``, a fraction; NaN below two observations.

    Raises
    ------
    NonFiniteError, EmptyInputError, ParameterError
        As :func:`annualized_return`.
    """
    periods = as_periods(periods_per_year)
    return for_each_series(returns, lambda r: within_floats(math.sqrt(periods) * mean_and_deviation(r)[1]))


def sharpe_ratio(returns: ArrayLike, *, periods_per_year: float, risk_free_rate: float = 0.0) -> Any:
    """Annualised Sharpe ratio: mean excess return over its standard deviation.

    Parameters
    ----------
    returns : array_like of shape (n_observations,) or (n_observations, n_assets)
        Simple returns per period, as fractions. Finite.
    periods_per_year : float
        As for :func:`annualized_return`.
    risk_free_rate : float, default=0.0
        Annual fraction; each period earns ``risk_free_rate / periods_per_year``.

    Returns
    -------
    float or vector of shape (n_assets,)
        ``sqrt(periods_per_year) * mean / std`` with ``ddof=1``; NaN where all returns agree, whatever the
        mean, and below two observations.

    Raises
    ------
    NonFiniteError, EmptyInputError, ParameterError
        As :func:`annualized_return`; also if `risk_free_rate` is no finite number.

    References
    ----------
    .. [1] Sharpe (1994). The Sharpe Ratio. Journal of Portfolio Management 21.
    """
    periods, riskless = _per_period(periods_per_year, risk_free_rate, "risk_free_rate")

    def statistic(r: Vector) -> float:
        mean, deviation = mean_and_deviation(r)
        return within_floats(math.sqrt(periods) * ratio(mean - riskless, deviation))

    return for_each_series(returns, statistic)


def sortino_ratio(
    returns: ArrayLike, *, periods_per_year: float, minimum_acceptable_return: float = 0.0
) -> Any:
    """Annualised Sortino ratio: mean return above a target over the downside deviation from it.

    Parameters
    ----------
    returns, periods_per_year
        As for :func:`sharpe_ratio`.
    minimum_acceptable_return : float, default=0.0
        Annual fraction, divided by `periods_per_year` for each period.

    Returns
    -------
    float or vector of shape (n_assets,)
        The downside deviation is the root of the mean, over all observations, of squared shortfalls; NaN
        where there is no shortfall.

    Raises
    ------
    NonFiniteError, EmptyInputError, ParameterError
        As :func:`sharpe_ratio`.

    References
    ----------
    .. [1] Sortino and Price (1994). Performance Measurement in a Downside Risk Framework. Journal of
       Investing 3.
    """
    periods, target = _per_period(periods_per_year, minimum_acceptable_return, "minimum_acceptable_return")

    def statistic(r: Vector) -> float:
        found = _native.return_statistics(r, target)
        return within_floats(math.sqrt(periods) * ratio(found.mean - target, found.downside_deviation))

    return for_each_series(returns, statistic)


def calmar_ratio(returns: ArrayLike, *, periods_per_year: float) -> Any:
    """Compound annual growth rate over the largest drawdown, both of the whole sample.

    Parameters
    ----------
    returns, periods_per_year
        As for :func:`annualized_return`.

    Returns
    -------
    float or vector of shape (n_assets,)
        NaN where there was no drawdown.

    Raises
    ------
    NonFiniteError, EmptyInputError, ParameterError
        As :func:`annualized_return`.

    References
    ----------
    .. [1] Young (1991). Calmar Ratio: A Smoother Tool. Futures 20.
    """
    periods = as_periods(periods_per_year)

    def statistic(r: Vector) -> float:
        found = _figures(r)
        return ratio(_annualized(found, periods), found.max_drawdown)

    return for_each_series(returns, statistic)


def _figures(returns: Vector) -> _native.ReturnStatistics:
    return _native.return_statistics(returns, 0.0)


def _annualized(found: _native.ReturnStatistics, periods: float) -> float:
    return compounded(found.log_growth, periods / found.n_observations)


def _per_period(periods_per_year: float, annual_rate: float, name: str) -> tuple[float, float]:
    periods = as_periods(periods_per_year)
    return periods, as_number(annual_rate, name) / periods
