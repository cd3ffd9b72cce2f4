"""Programs over scenarios beyond bounds: tails and growth with constraints and costs of trading."""

from __future__ import annotations

import math
from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np

from poise.domain.labels import Labels, unwrap_vector
from poise.errors import NotConvergedError
from poise.optimization.constrained import read_limits
from poise.optimization.constraints.parts import ConstraintSet, Row, limit_words
from poise.optimization.goals import Frictions
from poise.optimization.programs import solve_program
from poise.optimization.readings import all_kept, read_constraints
from poise.optimization.result import OptimizationResult, OptimizationStatus
from poise.optimization.scenario_goals import (
    ConditionalDrawdownAtRisk,
    ConditionalValueAtRisk,
    Growth,
)
from poise.optimization.tail_programs import read_floor, read_scenarios
from poise.optimization.trading_costs import TradingCosts
from poise.typing import ArrayLike, Bounds, Vector

Demands = tuple[Any, Any, TradingCosts | None]
"""Constraints, groups and costs as the caller gave them."""


def minimum_cvar_within(
    plain: OptimizationResult,
    returns: ArrayLike,
    demands: Demands,
    *,
    confidence_level: float,
    probabilities: ArrayLike | None,
    expected_returns: ArrayLike | None,
    minimum_return: float | None,
    bounds: Bounds | None,
) -> OptimizationResult:
    """Return the weights of least conditional value at risk, after costs, within limits.

    `plain` is the answer without the demands, whose solver has checked the other arguments.
    """
    return _tail_within(
        ConditionalValueAtRisk,
        plain,
        returns,
        demands,
        confidence_level,
        probabilities,
        (expected_returns, minimum_return),
        bounds,
    )


def minimum_cdar_within(
    plain: OptimizationResult,
    returns: ArrayLike,
    demands: Demands,
    *,
    confidence_level: float,
    expected_returns: ArrayLike | None,
    minimum_return: float | None,
    bounds: Bounds | None,
) -> OptimizationResult:
    """Return the weights of least conditional drawdown at risk, after costs, within limits."""
    return _tail_within(
        ConditionalDrawdownAtRisk,
        plain,
        returns,
        demands,
        confidence_level,
        None,
        (expected_returns, minimum_return),
        bounds,
    )


def kelly_within(
    plain: OptimizationResult,
    returns: ArrayLike,
    demands: Demands,
    *,
    fraction: float,
    power: float,
    probabilities: ArrayLike | None,
    risk_free_rate: float,
    bounds: Bounds | None,
) -> OptimizationResult:
    """Return the fraction of the weights of largest growth whose scaled weights keep the limits.

    The growth that is largest is that of the full weights, ``1 / fraction`` times those returned; limits,
    budget and costs are those of the weights returned.
    """
    began = perf_counter()
    matrix, labels = read_scenarios(returns)
    constraints, groups, costs = demands
    limits = read_limits(constraints, groups, bounds, matrix.shape[1], labels)
    if not limits.total_name:
        limits = replace(limits, total=(0.0, fraction))
    rate = float(risk_free_rate)
    shares = _shares(probabilities, len(matrix))
    goal = Growth(matrix - rate, shares, 1.0 + rate, fraction, power)
    frictions = None if costs is None else costs.frictions(labels, limits.n_assets)
    kept = _kept(plain, limits, goal, frictions)
    if kept is not None:
        return replace(kept, seconds=perf_counter() - began)
    result = solve_program(goal, limits, frictions, Labels(labels.kind, labels.assets), began=began)
    weights = np.ravel(np.asarray(result.weights, dtype=np.float64))
    spent = 0.0 if frictions is None else frictions.cost(weights)
    growth = -replace(goal, fraction=1.0).loss_after(weights, spent)
    if not math.isfinite(growth):
        raise NotConvergedError(
            "the weights ruin the portfolio in a scenario; lower the bounds or the limits"
        )
    return replace(result, objective=growth)


def _tail_within(
    make: type[ConditionalValueAtRisk],
    plain: OptimizationResult,
    returns: ArrayLike,
    demands: Demands,
    confidence_level: float,
    probabilities: ArrayLike | None,
    wanted: tuple[ArrayLike | None, float | None],
    bounds: Bounds | None,
) -> OptimizationResult:
    began = perf_counter()
    matrix, labels = read_scenarios(returns)
    constraints, groups, costs = demands
    limits = read_limits(constraints, groups, bounds, matrix.shape[1], labels)
    shares = _shares(probabilities, len(matrix))
    floor = read_floor(matrix, shares, *wanted, labels)
    if floor is not None:
        name = limit_words("expected return", floor[1], np.inf)
        row = Row(name, np.asarray(floor[0]), floor[1], np.inf, "expected return")
        limits = replace(limits, rows=(*limits.rows, row))
    goal = make(matrix, shares, float(confidence_level))
    frictions = None if costs is None else costs.frictions(labels, limits.n_assets)
    kept = _kept(plain, limits, goal, frictions)
    if kept is not None:
        return replace(kept, seconds=perf_counter() - began)
    return solve_program(goal, limits, frictions, Labels(labels.kind, labels.assets), began=began)


def _shares(probabilities: ArrayLike | None, n_observations: int) -> Vector:
    """Return probabilities that sum to 1; those of the caller were checked by the answer without demands."""
    if probabilities is None:
        return np.full(n_observations, 1.0 / n_observations)
    given, _ = unwrap_vector(probabilities, "probabilities")
    scaled = given / given.max()
    shares: Vector = scaled / scaled.sum()
    return shares


def _kept(
    plain: OptimizationResult,
    limits: ConstraintSet,
    goal: ConditionalValueAtRisk | Growth,
    costs: Frictions | None,
) -> OptimizationResult | None:
    """Return the answer within the bounds alone, if it keeps every constraint: then none of them matters."""
    solved = plain.status in {OptimizationStatus.OPTIMAL, OptimizationStatus.DEGENERATE}
    usual = (0.0, goal.fraction) if isinstance(goal, Growth) else (1.0, 1.0)
    if costs is not None or not solved or limits.total != usual or limits.relaxations:
        return None
    weights = np.ravel(np.asarray(plain.weights, dtype=np.float64))
    if not all_kept(limits, weights, goal.covariance):
        return None
    readings = read_constraints(limits, weights, goal.covariance, {"": 0.0})
    known = {each.name: each.price for each in plain.constraints}
    return replace(
        plain, constraints=tuple(each._replace(price=known.get(each.name, 0.0)) for each in readings)
    )
