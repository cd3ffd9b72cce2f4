"""Where no weights keep every limit: the least that the limits have to give way, in words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from poise.optimization.constraints.parts import (
    ConstraintSet,
    Row,
    gave_way,
    limit_words,
)
from poise.optimization.convex import figures_of, run
from poise.optimization.expressing import checked, cp, exceeded, own_constraints, turnover_expression
from poise.optimization.goals import Goal
from poise.optimization.result import Relaxation
from poise.typing import Vector

NOTHING = 1e-7
"""A limit that gave way by less did not."""

STIFFNESS = 10.0
"""How much dearer a unit of the budget is than one of any other limit."""

MARGINS = (1e-8, 1e-6, 1e-4)
"""How much further than the least a limit is moved, so that a solver has room; the first that works."""


class Relaxed(NamedTuple):
    """What gave way, the limits with ever more room, and weights that keep them.

    Attributes
    ----------
    relaxations : tuple of Relaxation
    rooms : tuple of (ConstraintSet, tuple of float)
        Limits that weights can keep, and by how much each of the caller's own may be exceeded.
    weights : ndarray of shape (n_assets,)
        Within the bounds; they keep the limits as nearly as any can.
    """

    relaxations: tuple[Relaxation, ...]
    rooms: tuple[tuple[ConstraintSet, tuple[float, ...]], ...]
    weights: Vector


def relax(goal: Goal, limits: ConstraintSet) -> Relaxed | None:
    """Return the limits with the smallest sum of relative violations taken out; the bounds are hard.

    None where even that has no answer, as with cones of the caller's own that contradict the bounds.
    """
    weights = cp.Variable(limits.n_assets)
    slack = cp.Variable(2 + 2 * len(limits.rows) + len(limits.turnover) + len(limits.tracking), nonneg=True)
    kept, costs = _softened(goal, limits, weights, slack)
    own = own_constraints(limits, weights)
    own_slack = cp.Variable(max(len(own), 1), nonneg=True)
    for i, constraint in enumerate(own):
        softer = exceeded(constraint, own_slack[i])
        kept.append(constraint if softer is None else softer)
    problem = checked(cp.Problem(cp.Minimize(costs @ slack + cp.sum(own_slack)), kept))
    _, failure = run(problem)
    if failure:
        return None
    given = np.maximum(np.asarray(slack.value, dtype=np.float64), 0.0)
    by_own = np.maximum(np.asarray(own_slack.value, dtype=np.float64), 0.0)[: len(own)]
    _, relaxations = _moved(limits, given, 1.0 / costs, MARGINS[0])
    for i, by in enumerate(by_own):
        if by > NOTHING:
            name = f"constraint {i} ({own[i]})"
            relaxations.append(Relaxation(name, float(by), f"{name} must become at least {by:.6g} looser"))
    rooms = []
    for margin in MARGINS:
        widened, _ = _moved(limits, given, 1.0 / costs, margin)
        rooms.append((widened, tuple(float(by + margin) if by > NOTHING else 0.0 for by in by_own)))
    nearest = np.asarray(weights.value, dtype=np.float64).ravel()
    return Relaxed(tuple(relaxations), tuple(rooms), nearest)


def _softened(goal: Goal, limits: ConstraintSet, weights: Any, slack: Any) -> tuple[list[Any], Vector]:
    """Return every limit with its slack, and what a unit of each slack costs: one over its natural size."""
    n_rows = len(limits.rows)
    has_lower, has_upper = np.isfinite(limits.lower), np.isfinite(limits.upper)
    kept = []
    if has_lower.any():
        kept.append(weights[np.flatnonzero(has_lower)] >= limits.lower[has_lower])
    if has_upper.any():
        kept.append(weights[np.flatnonzero(has_upper)] <= limits.upper[has_upper])
    low, high = _sides(limits)
    sums = cp.hstack([cp.sum(weights), *((row.coefficients @ weights) for row in limits.rows)])
    for side, sign in ((low, 1.0), (high, -1.0)):
        there = np.flatnonzero(np.isfinite(side))
        offset = 0 if sign > 0 else 1 + n_rows
        if there.size:
            kept.append(sign * (sums[there] - side[there]) + slack[there + offset] >= 0.0)
    sizes = np.ones(slack.size)
    # A full investment is the last to give way: what a reader can change is a limit of their own.
    sizes[[0, 1 + n_rows]] = 1.0 / STIFFNESS
    row_sizes = np.array([np.abs(row.coefficients).max() for row in limits.rows])
    sizes[1 : 1 + n_rows] = sizes[2 + n_rows : 2 + 2 * n_rows] = row_sizes
    at = 2 + 2 * n_rows
    for each in limits.turnover:
        kept.append(turnover_expression(each.of(weights), each.weights) <= each.limit + slack[at])
        at += 1
    figures = figures_of(goal, limits, None)
    volatility = float(np.sqrt(np.trace(goal.covariance) / len(goal.covariance))) or 1.0
    for i, _ in enumerate(limits.tracking):
        difference = figures[f"root {i}"] @ weights - figures[f"benchmark {i}"]
        kept.append(cp.norm(difference, 2) <= figures[f"tracking {i}"] + slack[at] / volatility)
        sizes[at] = volatility
        at += 1
    return kept, 1.0 / sizes


def _sides(limits: ConstraintSet) -> tuple[Vector, Vector]:
    """Return lower and upper limits of the budget and the rows."""
    row_lower, row_upper = limits.row_limits
    return np.concatenate([[limits.total[0]], row_lower]), np.concatenate([[limits.total[1]], row_upper])


def _moved(
    limits: ConstraintSet, given: Vector, sizes: Vector, margin: float
) -> tuple[ConstraintSet, list[Relaxation]]:
    """Return the limits moved by what was given, and the words for it."""
    n_rows = len(limits.rows)
    relaxations: list[Relaxation] = []

    def way(at: int, name: str, limit: float, side: str) -> float:
        by = float(given[at])
        if not by > NOTHING * sizes[at]:
            return limit
        relaxations.append(gave_way(name, limit, side, by))
        by += margin * max(1.0, float(sizes[at]))
        return limit + by if side == "upper" else limit - by

    name = limit_words(limits.total_name or "sum of weights", *limits.total)
    total = (
        way(0, name, limits.total[0], "lower"),
        way(1 + n_rows, name, limits.total[1], "upper"),
    )
    rows = tuple(
        Row(
            row.name,
            row.coefficients,
            way(1 + i, row.name, row.lower, "lower"),
            way(2 + n_rows + i, row.name, row.upper, "upper"),
            row.subject,
        )
        for i, row in enumerate(limits.rows)
    )
    at = 2 + 2 * n_rows
    distances = [
        each._replace(limit=way(at + i, each.name, each.limit, "upper"))
        for i, each in enumerate((*limits.turnover, *limits.tracking))
    ]
    split = len(limits.turnover)
    widened = replace(
        limits, total=total, rows=rows, turnover=tuple(distances[:split]), tracking=tuple(distances[split:])
    )
    return widened, relaxations
