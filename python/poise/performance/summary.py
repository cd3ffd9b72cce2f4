"""One table of figures for one series of returns."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from poise import _native
from poise.performance._inputs import as_number, as_periods, matched_series, unwrap_series
from poise.performance.comparison import active_return, information_ratio, jensen_alpha, tracking_error
from poise.performance.moments import compounded, ratio, within_floats
from poise.risk import beta, tail_risk
from poise.typing import ArrayLike, Vector


@dataclass(frozen=True, kw_only=True)
class PerformanceSummary:
    """What a series of returns did. Fractions; losses positive; NaN where a figure has no meaning.

    Attributes
    ----------
    total_return : float
        Compounded over the sample; -1 after ruin.
    annualized_return : float
        Compound annual growth rate.
    annualized_volatility, sharpe_ratio, sortino_ratio, calmar_ratio : float
        Per year; the risk-free rate is also the target of the Sortino ratio.
    max_drawdown : float
        Largest fall from a peak, the initial value included.
    max_drawdown_duration : int
        Longest run of bars below an earlier peak, recovered or not.
    value_at_risk_95, conditional_value_at_risk_95 : float
        Historical, over one bar.
    skewness, excess_kurtosis : float
        Standardised moments of the sample; 0 for a normal.
    best_return, worst_return : float
        Of one bar.
    hit_rate : float
        Share of bars with a gain.
    n_observations : int
    active_return, tracking_error, information_ratio, beta, alpha : float or None
        Against the benchmark (Jensen's alpha), per year; None without one.
    """

    total_return: float
    annualized_return: float
    annualized_volatility: float
    sharpe_ratio: float
    sortino_ratio: float
    calmar_ratio: float
    max_drawdown: float
    max_drawdown_duration: int
    value_at_risk_95: float
    conditional_value_at_risk_95: float
    skewness: float
    excess_kurtosis: float
    best_return: float
    worst_return: float
    hit_rate: float
    n_observations: int
    active_return: float | None = None
    tracking_error: float | None = None
    information_ratio: float | None = None
    beta: float | None = None
    alpha: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain values."""
        return asdict(self)


def summarize(
    returns: ArrayLike,
    *,
    periods_per_year: float,
    risk_free_rate: float = 0.0,
    benchmark: ArrayLike | None = None,
) -> PerformanceSummary:
    """Summarise one series of returns, beside a benchmark if there is one.

    Parameters
    ----------
    returns : array_like of shape (n_observations,)
        Simple returns per period, as fractions. Finite.
    periods_per_year : float
        365 for daily crypto, 8760 for hourly, 252 for an exchange's days.
    risk_free_rate : float, default=0.0
        Annual fraction; each period earns ``risk_free_rate / periods_per_year``.
    benchmark : array_like of shape (n_observations,), optional
        Returns over the same periods.

    Returns
    -------
    PerformanceSummary

    Raises
    ------
    NonFiniteError
        If a return is NaN or infinite; the message names the first position.
    ShapeError
        If there is more than one series, or the benchmark has other rows.
    EmptyInputError
        If there is no observation.
    ParameterError
        If `periods_per_year` is not a positive number, or `risk_free_rate` not a finite one.

    Examples
    --------
    >>> summary = summarize([0.10, -0.10, 0.05], periods_per_year=252)
    >>> round(summary.total_return, 6), round(summary.max_drawdown, 6), summary.max_drawdown_duration
    (0.0395, 0.1, 2)
    """
    comparison: dict[str, float] = {}
    if benchmark is not None:
        own, market = matched_series(returns, benchmark)
        comparison = _compare(own, market, periods_per_year, risk_free_rate)
    r, _ = unwrap_series(returns)
    periods = as_periods(periods_per_year)
    riskless = as_number(risk_free_rate, "risk_free_rate") / periods
    found = _native.return_statistics(r, riskless)
    tail = tail_risk(r)
    year = math.sqrt(periods)
    growth = compounded(found.log_growth, periods / found.n_observations)
    return PerformanceSummary(
        total_return=compounded(found.log_growth, 1.0),
        annualized_return=growth,
        annualized_volatility=within_floats(year * found.deviation),
        sharpe_ratio=within_floats(year * ratio(found.mean - riskless, found.deviation)),
        sortino_ratio=within_floats(year * ratio(found.mean - riskless, found.downside_deviation)),
        calmar_ratio=ratio(growth, found.max_drawdown),
        max_drawdown=found.max_drawdown,
        max_drawdown_duration=found.longest_duration,
        value_at_risk_95=tail.value_at_risk,
        conditional_value_at_risk_95=tail.conditional_value_at_risk,
        skewness=found.skewness,
        excess_kurtosis=found.kurtosis - 3.0,
        best_return=found.highest,
        worst_return=found.lowest,
        hit_rate=found.n_gains / found.n_observations,
        n_observations=found.n_observations,
        **comparison,
    )


def _compare(own: Vector, market: Vector, periods: float, risk_free_rate: float) -> dict[str, float]:
    return {
        "active_return": active_return(own, market, periods_per_year=periods),
        "tracking_error": tracking_error(own, market, periods_per_year=periods),
        "information_ratio": information_ratio(own, market, periods_per_year=periods),
        "beta": float(beta(own, market)) if len(own) > 1 else math.nan,
        "alpha": jensen_alpha(own, market, periods_per_year=periods, risk_free_rate=risk_free_rate),
    }
