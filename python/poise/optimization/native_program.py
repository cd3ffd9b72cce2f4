"""Programs with rows, a budget, turnover and costs by the solvers of the core."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from poise import _native
from poise.optimization.constraints.parts import ConstraintSet
from poise.optimization.goals import Frictions, Goal, Quadratic
from poise.optimization.guarantees import settled
from poise.optimization.programs import Found
from poise.typing import Vector


def takes(goal: Goal, limits: ConstraintSet, costs: Frictions | None) -> bool:
    """Whether the core has a solver for this structure: one book from which trades are counted."""
    if not isinstance(goal, Quadratic) or not limits.is_linear:
        return False
    if costs is None or not limits.turnover:
        return True
    return bool(np.array_equal(costs.current, limits.turnover[0].weights))


def by_core(goal: Quadratic, limits: ConstraintSet, costs: Frictions | None) -> Found | str:
    """Return the core's weights, or why there are none.

    Where no weights exist the core would relax by measures of its own; ours are those of `relaxing`, the same
    for every route.
    """
    current, linear_cost, impact_cost, turnover = None, None, None, math.inf
    if limits.turnover:
        current, turnover = limits.turnover[0].weights, limits.turnover[0].limit
    if costs is not None:
        current, linear_cost, impact_cost = costs.current, costs.linear, costs.impact
    scale = goal.scale
    solution: Any = _native.quadratic_program(
        goal.aversion / scale * goal.covariance,
        goal.linear / scale,
        limits.lower,
        limits.upper,
        limits.total,
        limits.matrix,
        *limits.row_limits,
        current,
        None if linear_cost is None else linear_cost / scale,
        None if impact_cost is None else impact_cost / scale,
        turnover,
        None,
    )
    return found_by_core(solution, limits, current, scale)


def found_by_core(solution: Any, limits: ConstraintSet, current: Vector | None, scale: float) -> Found | str:
    """Return a solution of the core in the caller's units, or why there are no weights."""
    if solution.status == "infeasible":
        return "no weights meet the constraints within the bounds"
    if not np.isfinite(solution.weights).all():
        return "the weights overflow; rescale the inputs"
    still = np.zeros(limits.n_assets, dtype=bool)
    if current is not None:
        still = solution.weights == current
    weights = settled(solution.weights, limits.lower, limits.upper, limits.total, still)
    prices = dict(zip((row.name for row in limits.rows), np.abs(solution.row_prices) * scale, strict=True))
    prices[limits.total_name] = abs(solution.budget_price) * scale
    for each in limits.turnover:
        prices[each.name] = abs(solution.turnover_price) * scale
    return Found(
        weights,
        max(float(solution.duality_gap), 0.0) * scale,
        float(solution.certificate),
        int(solution.iterations),
        solution.bound_prices * scale,
        {name: float(price) for name, price in prices.items()},
        degenerate=solution.status == "degenerate",
    )
