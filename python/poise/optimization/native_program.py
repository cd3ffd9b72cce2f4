"""Quadratic programs with rows, a budget, turnover and costs by the solver of the core."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from poise import _native
from poise.optimization.constraints.parts import ConstraintSet, turnover_of
from poise.optimization.goals import Frictions, Goal, Quadratic
from poise.optimization.guarantees import settled
from poise.optimization.programs import Found


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
    if solution.status == "infeasible":
        return "no weights meet the constraints within the bounds"
    still = np.zeros(limits.n_assets, dtype=bool)
    if current is not None:
        still = solution.weights == current
    weights = settled(solution.weights, limits.lower, limits.upper, limits.total, still)
    prices = dict(zip((row.name for row in limits.rows), np.abs(solution.row_prices) * scale, strict=True))
    prices[limits.total_name] = abs(solution.budget_price) * scale
    if limits.turnover:
        prices[limits.turnover[0].name] = abs(solution.turnover_price) * scale
        if turnover_of(weights, limits.turnover[0].weights) > turnover + 1e-8:
            return "no weights meet the turnover within the bounds"
    return Found(
        weights,
        max(float(solution.duality_gap), 0.0) * scale,
        float(solution.certificate),
        int(solution.iterations),
        solution.bound_prices * scale,
        {name: float(price) for name, price in prices.items()},
        degenerate=solution.status == "degenerate",
    )
