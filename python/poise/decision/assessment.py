"""The risk of one bar in full: every method beside the others, who contributes, what the score is made of."""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from poise import risk
from poise.decision.metrics import MIN_PRO_FORMA_BARS
from poise.domain.risk import RiskAssessment, RiskComponent, TailEstimate
from poise.risk.parametric import cornish_fisher_holds
from poise.risk.tail import TailMethod
from poise.typing import Vector

if TYPE_CHECKING:
    from poise.decision.metrics import Measurement

LEVELS = (0.95, 0.99)
FEWEST_IN_TAIL = 10

_PLAIN = ("historical", "gaussian", "student_t", "cornish_fisher")


def assess(measured: Measurement) -> RiskAssessment:
    """Return the risk assessment of a measurement; see :class:`poise.domain.risk.RiskAssessment`."""
    history, inflation = measured.history, measured.inflation
    method, outcomes = measured.outcomes
    (var_95, cvar_95), (var_99, cvar_99) = (
        (inflation * var, inflation * cvar) for var, cvar in map(measured.tail, LEVELS)
    )
    score = measured.score_arguments(cvar_95)
    volatility, parts = _volatility(measured)
    held = measured.estimated
    return RiskAssessment(
        method=method,
        var_95=var_95,
        cvar_95=cvar_95,
        var_99=var_99,
        cvar_99=cvar_99,
        inflation=inflation,
        tails=tuple(tail for level in LEVELS for tail in _tails(measured, level)),
        components=MappingProxyType(_components(measured, parts)),
        volatility=volatility,
        beta=measured.beta,
        concentration_ratio=score["concentration_ratio"],
        effective_assets=risk.effective_number_of_assets(measured.risky),
        diversification_ratio=measured.diversification_ratio,
        effective_bets=(
            risk.effective_bets(measured.risky[held], measured.covariance[np.ix_(held, held)])
            if len(held)
            else 0.0
        ),
        average_correlation=measured.average_correlation,
        drawdown=float(risk.drawdowns(history.returns)[-1]) if len(history.returns) else math.nan,
        max_drawdown=measured.max_drawdown,
        account_drawdown=measured.account_drawdown,
        account_max_drawdown=measured.account_max_drawdown,
        risk_score=risk.risk_score(**score),
        score_parts=MappingProxyType(risk.risk_score_parts(**score)),
        n_observations=len(history.returns),
        low_confidence=tuple(
            f"{level:.0%}"
            for level in LEVELS
            if history.columns and len(outcomes) < FEWEST_IN_TAIL / (1.0 - level) - 1e-9
        ),
        backtest=measured.trial,
    )


def _tails(measured: Measurement, level: float) -> list[TailEstimate]:
    """Return every method at one level; the drift of the sample is no protection and is left out."""
    returns = measured.history.returns
    method, outcomes = measured.outcomes
    found = []
    if method == "filtered_historical" or not len(outcomes):
        found.append(TailEstimate("filtered_historical", level, *measured.tail(level)))
    if not measured.history.columns:
        return [*found, *(TailEstimate(m, level, 0.0, 0.0) for m in _PLAIN)]
    if len(returns) < MIN_PRO_FORMA_BARS:
        return [*found, *(TailEstimate(m, level, math.nan, math.nan) for m in _PLAIN)]
    centred = returns - returns.mean()
    expansion_holds = cornish_fisher_holds(centred)
    return [
        *found,
        _estimate("historical", returns, level),
        _estimate("gaussian", centred, level),
        student := _estimate("student_t", centred, level),
        _estimate("cornish_fisher", centred, level)
        if expansion_holds
        else TailEstimate(
            "cornish_fisher",
            level,
            student.value_at_risk,
            student.conditional_value_at_risk,
            valid=False,
        ),
    ]


def _estimate(method: TailMethod, returns: Vector, level: float) -> TailEstimate:
    tail = risk.tail_risk(returns, confidence_level=level, method=method)
    return TailEstimate(method, level, tail.value_at_risk, tail.conditional_value_at_risk)


def _components(measured: Measurement, volatility: dict[int, float]) -> dict[str, RiskComponent]:
    """Return what each asset held adds to the four tail figures and to volatility."""
    history = measured.history
    _, outcomes = measured.outcomes
    if not len(outcomes) or not history.columns:
        return {}
    losses = [
        measured.inflation * split(history.weights, outcomes, confidence_level=level)
        for level in LEVELS
        for split in (risk.component_value_at_risk, risk.component_conditional_value_at_risk)
    ]
    return {
        measured.symbols[place]: RiskComponent(
            weight=float(history.weights[k]),
            value_at_risk_95=float(losses[0][k]),
            conditional_value_at_risk_95=float(losses[1][k]),
            value_at_risk_99=float(losses[2][k]),
            conditional_value_at_risk_99=float(losses[3][k]),
            volatility=volatility.get(place, math.nan),
        )
        for k, place in enumerate(history.columns)
    }


def _volatility(measured: Measurement) -> tuple[float, dict[int, float]]:
    """Return the portfolio's volatility of one bar and what each place adds to it.

    The whole is unknown while any asset held is; the parts of the others are told.
    """
    held = measured.estimated
    if not np.any(measured.risky):
        return 0.0, {}
    if not len(held):
        return math.nan, {}
    parts = risk.risk_contributions(measured.risky[held], measured.covariance[np.ix_(held, held)])
    complete = len(held) == np.count_nonzero(measured.risky)
    return (
        math.fsum(parts) if complete else math.nan,
        dict(zip(held.tolist(), parts.tolist(), strict=True)),
    )
