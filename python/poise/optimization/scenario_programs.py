"""Programs over scenarios beyond bounds: tails and growth with constraints and costs of trading."""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter

import numpy as np

from poise.domain.labels import Labels
from poise.errors import NotConvergedError
from poise.optimization.constraints.parts import ConstraintSet, Row, limit_words
from poise.optimization.programs import solve_program
from poise.optimization.result import OptimizationResult
from poise.optimization.scenario_goals import (
    ConditionalDrawdownAtRisk,
    ConditionalValueAtRisk,
    Growth,
)
from poise.optimization.trading_costs import TradingCosts
from poise.typing import Matrix, Vector


def minimum_cvar_within(
    returns: Matrix,
    probabilities: Vector,
    confidence_level: float,
    limits: ConstraintSet,
    costs: TradingCosts | None,
    labels: Labels,
) -> OptimizationResult:
    """Return the weights of least conditional value at risk, after costs, within limits.

    Costs count as a loss in every scenario.
    """
    goal = ConditionalValueAtRisk(returns, probabilities, confidence_level)
    frictions = None if costs is None else costs.frictions(labels, limits.n_assets)
    return solve_program(goal, limits, frictions, _of_assets(labels))


def minimum_cdar_within(
    returns: Matrix,
    probabilities: Vector,
    confidence_level: float,
    limits: ConstraintSet,
    costs: TradingCosts | None,
    labels: Labels,
) -> OptimizationResult:
    """Return the weights of least conditional drawdown at risk, after costs, within limits."""
    goal = ConditionalDrawdownAtRisk(returns, probabilities, confidence_level)
    frictions = None if costs is None else costs.frictions(labels, limits.n_assets)
    return solve_program(goal, limits, frictions, _of_assets(labels))


def kelly_within(
    returns: Matrix,
    probabilities: Vector,
    risk_free_rate: float,
    fraction: float,
    drawdown_power: float,
    limits: ConstraintSet,
    costs: TradingCosts | None,
    labels: Labels,
) -> OptimizationResult:
    """Return the fraction of the weights of largest growth whose scaled weights keep the limits.

    The growth is that of the full weights, ``1 / fraction`` times those returned; limits, budget and costs
    are those of the weights returned. Without a budget of their own these sum to at most `fraction`, the rest
    is cash.
    """
    began = perf_counter()
    if not limits.total_name:
        limits = replace(limits, total=(0.0, fraction))
    goal = Growth(returns - risk_free_rate, probabilities, 1.0 + risk_free_rate, fraction, drawdown_power)
    frictions = None if costs is None else costs.frictions(labels, limits.n_assets)
    result = solve_program(goal, limits, frictions, _of_assets(labels), began=began)
    if not np.isfinite(result.objective):
        raise NotConvergedError(
            "the weights ruin the portfolio in a scenario; lower the bounds or the limits"
        )
    return result


def with_minimum_return(limits: ConstraintSet, means: Vector, minimum_return: float) -> ConstraintSet:
    """Return the limits with a least expected return among them."""
    name = limit_words("expected return", minimum_return, np.inf)
    row = Row(name, means, minimum_return, np.inf, "expected return")
    return replace(limits, rows=(*limits.rows, row))


def _of_assets(labels: Labels) -> Labels:
    return Labels(labels.kind, labels.assets)
