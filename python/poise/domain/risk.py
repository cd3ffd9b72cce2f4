"""How risky a portfolio is, and whether the model that says so holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class CoverageReport:
    """Exceptions to a value at risk, counted and looked at for clusters.

    Attributes
    ----------
    confidence_level : float
    n_exceptions : int
        Bars that lost more than was forecast.
    n_expected : float
        How many a true model has on average.
    exception_rate : float
    kupiec_p_value : float
        Of their frequency.
    conditional_coverage_p_value, independence_p_value : float
        Christoffersen: of frequency and independence at once, and of independence alone.
    """

    confidence_level: float
    n_exceptions: int
    n_expected: float
    exception_rate: float
    kupiec_p_value: float
    conditional_coverage_p_value: float
    independence_p_value: float


@dataclass(frozen=True)
class VarBacktestReport:
    """How the forecasts of a risk model stood up to what happened.

    Attributes
    ----------
    n_observations : int
        Forecasts on trial, 250 or more.
    coverage : tuple of CoverageReport
        At 95 and 99 %.
    traffic_light : {"green", "yellow", "red"}
        The Basel Committee's zone of the last 250 bars at 99 %.
    shortfall_level, shortfall_statistic, shortfall_critical_value, shortfall_p_value : float
        Z2 of Acerbi and Szekely at that level: 0 expected, negative where losses exceed the forecasts;
        rejected at or below the critical value.
    rejected : tuple of str
        The tests that a true model would pass with 95 % and this one did not.
    inflation : float
        What risk numbers are multiplied by while a test rejects: empirical over nominal, 1 to 1.5.
    """

    n_observations: int
    coverage: tuple[CoverageReport, ...]
    traffic_light: Literal["green", "yellow", "red"]
    shortfall_level: float
    shortfall_statistic: float
    shortfall_critical_value: float
    shortfall_p_value: float
    rejected: tuple[str, ...]
    inflation: float


@dataclass(frozen=True)
class TailEstimate:
    """Value at risk and conditional value at risk by one method.

    Attributes
    ----------
    method : str
        ``filtered_historical``, ``historical``, ``gaussian``, ``student_t`` or ``cornish_fisher``.
    confidence_level : float
    value_at_risk, conditional_value_at_risk : float
        Losses over one bar, positive fractions of total value; NaN with too little history.
    valid : bool
        False where skewness and kurtosis are outside the range of the Cornish-Fisher expansion; the numbers
        are then those of ``student_t``.
    """

    method: str
    confidence_level: float
    value_at_risk: float
    conditional_value_at_risk: float
    valid: bool = True


@dataclass(frozen=True)
class RiskComponent:
    """What one asset adds to the risk of the portfolio; negative for a hedge.

    Attributes
    ----------
    weight : float
        Fraction of total value.
    value_at_risk_95, conditional_value_at_risk_95 : float
    value_at_risk_99, conditional_value_at_risk_99 : float
        Over the assets each sums to the portfolio's figure of that name.
    volatility : float
        Of one bar, from the covariance; sums to the portfolio's volatility.
    """

    weight: float
    value_at_risk_95: float
    conditional_value_at_risk_95: float
    value_at_risk_99: float
    conditional_value_at_risk_99: float
    volatility: float


@dataclass(frozen=True)
class RiskAssessment:
    """The risk of a portfolio after one bar; everything in it was known then.

    *Pro forma* means today's weights, cash included, applied to the bars of the last two years or so; see
    :class:`poise.EnhancedPortfolioMetrics`. Losses are positive fractions of total value, over one bar. A
    number without a meaning is NaN.

    Attributes
    ----------
    method : str
        What the four figures below were made by: ``filtered_historical``, or ``historical`` while warming.
    var_95, cvar_95, var_99, cvar_99 : float
        Value at risk and conditional value at risk. Multiplied by `inflation`.
    inflation : float
        1, or up to 1.5 while the backtest rejects the model; the other estimates are without it.
    tails : tuple of TailEstimate
        Every method at 95 and 99 %.
    components : mapping of str to RiskComponent
        Of the assets held with enough history.
    volatility : float
        Of one bar, from the covariance; NaN while an asset held is warming.
    beta : float
        Pro forma, to the market.
    concentration_ratio, effective_assets : float
        Sum of squared weights normalised to 1, and its inverse; 0 when all cash.
    diversification_ratio, effective_bets : float
        From the covariance; at least 1, and 0 bets where there is no risk.
    average_correlation : float
        Of the assets held; NaN for fewer than two.
    drawdown, max_drawdown : float
        Pro forma: below the highest value now, and at worst.
    account_drawdown, account_max_drawdown : float
        Of the account since it is followed, costs included.
    risk_score : float
        0 (cash) to 1; see :func:`poise.risk.risk_score`.
    score_parts : mapping of str to float
        What ``tail``, ``drawdown``, ``concentration``, ``correlation`` and ``regime`` add to it; NaN where
        unknown.
    n_observations : int
        Bars behind the pro forma figures.
    low_confidence : tuple of str
        Which figures rest on fewer than ten observations in the tail: of ``"95%"`` and ``"99%"``.
    backtest : VarBacktestReport or None
        How earlier forecasts of the model stood up: for the weights that were held, for inverse-volatility
        weights while nothing was. None below 250 of them.
    """

    method: str
    var_95: float
    cvar_95: float
    var_99: float
    cvar_99: float
    inflation: float
    tails: tuple[TailEstimate, ...]
    components: Mapping[str, RiskComponent]
    volatility: float
    beta: float
    concentration_ratio: float
    effective_assets: float
    diversification_ratio: float
    effective_bets: float
    average_correlation: float
    drawdown: float
    max_drawdown: float
    account_drawdown: float
    account_max_drawdown: float
    risk_score: float
    score_parts: Mapping[str, float]
    n_observations: int
    low_confidence: tuple[str, ...]
    backtest: VarBacktestReport | None

    def to_dict(self) -> dict[str, Any]:
        """Return the assessment as plain values."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}
