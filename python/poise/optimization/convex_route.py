"""From what Clarabel found to weights that stand on the limits which press them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from poise.optimization.constraints.parts import ConstraintSet
from poise.optimization.found import Found
from poise.optimization.goals import Frictions, Goal, loss_after_costs
from poise.optimization.guarantees import settled
from poise.optimization.readings import read_constraints
from poise.typing import Vector

SNAP = 1e-6
"""How near to a limit, in weight, an interior point ends that is pressed against it."""


def by_cvxpy(
    goal: Goal, limits: ConstraintSet, costs: Frictions | None, own_slack: Sequence[float] = ()
) -> Found | str:
    """Return Clarabel's weights, put on the limits that press them, or why there are none."""
    from poise.optimization.convex import GAP_INACCURATE, solve_convex

    answer = solve_convex(goal, limits, costs, own_slack)
    if answer.weights is None or answer.prices is None:
        return answer.failure
    weights, bound_prices = _snapped(answer.weights, answer.prices, limits)
    still = np.zeros(len(weights), dtype=bool)
    if costs is not None:
        still = (np.abs(weights - costs.current) < SNAP) & (costs.linear > 0.0)
        still &= (costs.current >= limits.lower) & (costs.current <= limits.upper)
        weights = np.where(still, costs.current, weights)
    weights = settled(weights, limits.lower, limits.upper, limits.total, still)
    # What limits single weights is among the bounds by now.
    readings = read_constraints(replace(limits, boxes=()), weights, goal.covariance)
    worst = max((each.violation for each in readings), default=0.0)
    loss = loss_after_costs(goal, weights, costs)
    gap = max(loss - answer.bound, 0.0)
    reached = gap / max(goal.scale, abs(loss))
    allowed = max(own_slack, default=0.0)
    said = (f"a constraint is violated by {worst:.3g}",) if worst > 2.0 * allowed else ()
    return Found(
        weights,
        gap,
        max(reached, 0.0 if answer.exact else GAP_INACCURATE, worst if said else 0.0),
        answer.iterations,
        bound_prices,
        _named_prices(answer.prices, limits),
        messages=said,
    )


def _snapped(weights: Vector, prices: dict[str, Vector], limits: ConstraintSet) -> tuple[Vector, Vector]:
    """Put weights on the bounds that press them, and return the bounds' prices with their side."""
    snapped, signed = weights.copy(), np.zeros(len(weights))
    for name, bound, side in (("lower", limits.lower, -1.0), ("upper", limits.upper, 1.0)):
        there = np.flatnonzero(np.isfinite(bound))
        if not there.size:
            continue
        price = prices.get(name, np.zeros(there.size))
        distance = np.abs(weights[there] - bound[there])
        # A limit that presses has a price far above its distance; one that does not, the other way round.
        scale = max(float(price.max(initial=0.0)), 1e-300)
        pressed = (distance < SNAP) & ((price / scale > distance) | (distance < 1e-9))
        snapped[there[pressed]] = bound[there[pressed]]
        signed[there[pressed]] += side * price[pressed]
    return snapped, signed


def _named_prices(prices: dict[str, Vector], limits: ConstraintSet) -> dict[str, float]:
    """Return the prices of all limits but the bounds by their names."""
    named: dict[str, float] = {}
    total = [prices[key] for key in ("total", "total lower", "total upper") if key in prices]
    named[limits.total_name] = max((float(each.max()) for each in total), default=0.0)
    row_lower, row_upper = limits.row_limits
    for key, side in (("row lower", row_lower), ("row upper", row_upper)):
        for place, price in zip(np.flatnonzero(np.isfinite(side)), prices.get(key, ()), strict=False):
            name = limits.rows[int(place)].name
            named[name] = max(named.get(name, 0.0), float(price))
    for i, each in enumerate(limits.turnover):
        named[each.name] = float(prices[f"turnover {i}"].max())
    for i, each in enumerate(limits.tracking):
        named[each.name] = float(prices[f"tracking {i}"].max(initial=0.0))
    return named
