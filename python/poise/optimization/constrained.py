"""The solvers of covariances beyond bounds: with constraints and with costs of trading."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from poise import _native
from poise.domain.labels import Labels
from poise.optimization.answer import remarks, to_result
from poise.optimization.constraints import compile_constraints
from poise.optimization.constraints.parts import ConstraintSet
from poise.optimization.goals import Frictions, Quadratic, Ratio
from poise.optimization.limits import leaves_cash, read_bounds
from poise.optimization.programs import solve_program
from poise.optimization.readings import all_kept, read_constraints
from poise.optimization.result import OptimizationResult, OptimizationStatus
from poise.optimization.trading_costs import TradingCosts
from poise.typing import Bounds, Matrix, Vector

if TYPE_CHECKING:
    from poise._native import Solution

BoxSolver = Callable[[Vector, Vector], "Solution"]


def read_limits(
    constraints: Any, groups: Any, bounds: Bounds | None, n_assets: int, labels: Labels
) -> ConstraintSet:
    """Return bounds and constraints in numbers; bounds alone that exclude any investment are refused.

    Raises
    ------
    InfeasibleError
        If a lower bound exceeds its upper bound, or without a budget of their own they sum to more than 1.
    """
    within = read_bounds(bounds, n_assets, labels, total=np.inf)
    limits = compile_constraints(constraints, within, labels, groups)
    if not limits.total_name:
        read_bounds(bounds, n_assets, labels)
    return limits


def minimum_variance_within(
    covariance: Matrix, limits: ConstraintSet, costs: TradingCosts | None, labels: Labels
) -> OptimizationResult:
    """Return the minimum variance, plus what trading costs, within limits.

    Assets without variance stay where the answer within the bounds alone has them, if any weights can.
    """
    began = perf_counter()
    box = box_answer(lambda low, high: _native.minimum_variance(covariance, low, high), limits)
    goal = Quadratic(covariance, 2.0, np.zeros(len(covariance)))
    frictions = None if costs is None else costs.frictions(labels, len(covariance))
    plain = plain_answer(box, goal, limits, frictions, labels, "minimum variance", began)
    if plain is not None:
        return plain
    notes = tuple(remarks(box, labels))
    still = list(box.riskless)
    if still and frictions is None:
        lower, upper = limits.lower.copy(), limits.upper.copy()
        lower[still] = upper[still] = np.clip(box.weights[still], lower[still], upper[still])
        held = replace(limits, lower=lower, upper=upper)
        result = solve_program(goal, held, None, labels, degenerate=True, messages=notes, began=began)
        if not result.relaxations:
            return result
    return solve_program(
        goal, limits, frictions, labels, degenerate=box.status != "optimal", messages=notes, began=began
    )


def mean_variance_within(
    means: Vector,
    covariance: Matrix,
    risk_aversion: float,
    limits: ConstraintSet,
    costs: TradingCosts | None,
    labels: Labels,
) -> OptimizationResult:
    """Return the best trade of mean against variance and trading costs within limits."""
    began = perf_counter()
    box = box_answer(
        lambda low, high: _native.mean_variance(means, covariance, risk_aversion, low, high), limits
    )
    goal = Quadratic(covariance, risk_aversion, means, sign=-1.0)
    frictions = None if costs is None else costs.frictions(labels, len(covariance))
    plain = plain_answer(box, goal, limits, frictions, labels, "mean-variance", began)
    if plain is not None:
        return plain
    return solve_program(
        goal,
        limits,
        frictions,
        labels,
        degenerate=box.status != "optimal",
        messages=tuple(remarks(box, labels)),
        began=began,
    )


def box_answer(solve: BoxSolver, limits: ConstraintSet) -> Solution:
    """Return the answer within the bounds alone; it proves that the input can be used."""
    lower, upper = limits.lower, limits.upper
    if leaves_cash(upper) or float(lower.sum()) > 1.0:
        lower, upper = np.zeros(limits.n_assets), np.ones(limits.n_assets)
    return solve(lower, upper)


def plain_answer(
    box: Solution,
    goal: Quadratic | Ratio,
    limits: ConstraintSet,
    frictions: Frictions | None,
    labels: Labels,
    method: str,
    began: float,
) -> OptimizationResult | None:
    """Return the answer within the bounds alone, if it keeps every constraint: then none of them matters."""
    weights = box.weights
    if frictions is not None or limits.total != (1.0, 1.0) or limits.relaxations:
        return None
    if box.status == OptimizationStatus.INACCURATE or not all_kept(limits, weights, goal.covariance):
        return None
    readings = read_constraints(limits, weights, goal.covariance, {"": 0.0})
    return replace(
        to_result(box, labels, method),
        constraints=tuple(each._replace(price=0.0) for each in readings),
        objective=goal.sign * goal.loss(weights),
        seconds=perf_counter() - began,
    )
