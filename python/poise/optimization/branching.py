"""Few assets, or none too small: branch and bound over which assets are held.

Each node is a convex program over the assets still open, in which a count of assets becomes a sum of
shares of their upper bounds (the perspective relaxation); its dual objective bounds what the node can hold.
"""

from __future__ import annotations

import heapq
import itertools
import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from poise.optimization.constraints.parts import ConstraintSet, Count, Row
from poise.optimization.goals import Frictions, Goal, loss_after_costs
from poise.optimization.programs import Found, attempt, best_route
from poise.optimization.result import Relaxation
from poise.typing import Vector

NODES = 2000
"""Problems solved before the search ends with what it has proven."""

PROVEN = 1e-9
"""A relative gap between the best found and the best possible at which the search ends."""

HELD = 1e-7
"""A weight below is none."""


Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class _Node:
    """Which assets are in, which are out; the others are open."""

    inside: Mask
    outside: Mask


def search_assets(goal: Goal, limits: ConstraintSet, costs: Frictions | None) -> Found:
    """Return the best weights with a count of assets, with the proven gap.

    Where no weights keep it, the count grows by the least that lets them; where none does, it is left out.
    """
    count = limits.count
    if count is None:
        return best_route(goal, limits, costs)
    free = best_route(goal, replace(limits, count=None), costs)
    if _keeps(free.weights, count):
        return free
    kept = free.limits or limits
    found, gap, solved = _search(goal, kept, count, costs)
    relaxations: tuple[Relaxation, ...] = ()
    if found is None:
        found, gap, solved, relaxations = _grown(goal, kept, count, costs)
    if found is None:
        words = f"{count.name} cannot be kept with the other limits, whatever the count; it was left out"
        return replace(free, relaxations=(*free.relaxations, Relaxation(count.name, math.nan, words)))
    size = max(goal.scale, abs(loss_after_costs(goal, found.weights, costs)))
    said: tuple[str, ...] = ()
    if gap > PROVEN * size:
        incomplete = (
            f"{count.name}: after {solved} problems the proof is incomplete; another choice of assets"
        )
        said = (f"{incomplete} could be better by {gap:.3g}, {gap / size:.2g} of the objective",)
    return replace(
        found,
        gap=max(gap, found.gap),
        certificate=max(gap / size if said else 0.0, found.certificate),
        iterations=solved,
        limits=free.limits,
        relaxations=free.relaxations + relaxations,
        fallbacks=free.fallbacks,
        messages=found.messages + said,
    )


def _grown(
    goal: Goal, limits: ConstraintSet, count: Count, costs: Frictions | None
) -> tuple[Found | None, float, int, tuple[Relaxation, ...]]:
    """Raise the count until weights exist; each step asks only whether there are any."""
    solved = 0
    for at_most in range(count.at_most + 1, limits.n_assets + 1):
        more = count._replace(at_most=at_most)
        found, gap, steps = _search(goal, limits, more, costs)
        solved += steps
        if found is not None:
            words = f"{count.name} <= {count.at_most} must become at least {at_most}"
            relaxation = Relaxation(count.name, float(at_most - count.at_most), words)
            return found, gap, solved, (relaxation,)
    return None, math.nan, solved, ()


def _search(
    goal: Goal, limits: ConstraintSet, count: Count, costs: Frictions | None
) -> tuple[Found | None, float, int]:
    """Return the best weights found, what another choice could gain at most, and the problems solved."""
    n_assets = limits.n_assets
    must = limits.lower > 0.0
    root = _Node(must, limits.upper < max(count.minimum_weight, HELD))
    best: Found | None = None
    best_loss, solved, closed = math.inf, 0, -math.inf
    order = itertools.count()
    queue: list[tuple[float, int, _Node, Found]] = []

    def consider(node: _Node) -> None:
        """Solve a node; keep it for later, or as the best, or drop it."""
        nonlocal best, best_loss, solved
        open_assets = n_assets - int(node.inside.sum()) - int(node.outside.sum())
        if int(node.inside.sum()) > count.at_most or (node.inside & node.outside).any():
            return
        leaf = open_assets == 0
        found = attempt(goal, _narrowed(limits, node, count, leaf=leaf), costs)
        solved += 1
        if isinstance(found, str):
            return
        bound = loss_after_costs(goal, found.weights, costs) - found.gap
        if bound >= best_loss - PROVEN * max(goal.scale, abs(best_loss)):
            return
        if _keeps(found.weights, count):
            if loss_after_costs(goal, found.weights, costs) < best_loss:
                best, best_loss = found, loss_after_costs(goal, found.weights, costs)
            return
        heapq.heappush(queue, (bound, next(order), node, found))

    consider(root)
    if queue:
        consider(_largest(queue[0][3].weights, root, count, n_assets))
    while queue and solved < NODES:
        bound, _, node, found = heapq.heappop(queue)
        closed = bound
        if bound >= best_loss - PROVEN * max(goal.scale, abs(best_loss)):
            queue.clear()
            break
        asset = _undecided(found.weights, node, count)
        flag = np.zeros(n_assets, dtype=bool)
        flag[asset] = True
        taken = _Node(node.inside | flag, node.outside)
        if taken.inside.sum() == count.at_most:
            taken = _Node(taken.inside, ~taken.inside)
        consider(taken)
        consider(_Node(node.inside, node.outside | flag))
    left = min((each[0] for each in queue), default=math.inf)
    gap = max(best_loss - left, 0.0) if math.isfinite(left) and math.isfinite(closed) else 0.0
    return best, gap, solved


def _narrowed(limits: ConstraintSet, node: _Node, count: Count, *, leaf: bool) -> ConstraintSet:
    """Return the node's program: bounds by the decisions, the count as a sum of shares of upper bounds."""
    lower = np.where(node.inside, np.maximum(limits.lower, count.minimum_weight), limits.lower)
    upper = np.where(node.outside, 0.0, limits.upper)
    lower = np.where(node.outside, 0.0, np.minimum(lower, np.maximum(upper, 0.0)))
    narrow = limits.within(lower, upper)
    reachable = np.minimum(upper, max(limits.total[1] - float(lower.sum()), 0.0) + lower)
    open_assets = ~node.inside & ~node.outside & np.isfinite(reachable) & (reachable > 0.0)
    if leaf or not open_assets.any() or not np.isfinite(reachable[~node.inside & ~node.outside]).all():
        return narrow
    shares = np.where(open_assets, 1.0 / np.where(open_assets, reachable, 1.0), 0.0)
    room = float(count.at_most - node.inside.sum())
    return replace(
        narrow, rows=(*narrow.rows, Row(f"{count.name} shares", shares, -np.inf, room, count.name))
    )


def _keeps(weights: Vector, count: Count) -> bool:
    held = weights > 0.0
    return bool(held.sum() <= count.at_most and (weights[held] >= count.minimum_weight).all())


def _largest(weights: Vector, node: _Node, count: Count, n_assets: int) -> _Node:
    """Return the leaf that holds the largest weights: a first answer to beat."""
    ranked = np.argsort(-(weights + 10.0 * node.inside), kind="stable")
    inside = np.zeros(n_assets, dtype=bool)
    for asset in ranked[: count.at_most]:
        small = weights[asset] < max(0.5 * count.minimum_weight, HELD)
        inside[asset] = node.inside[asset] or not (node.outside[asset] or small)
    return _Node(inside, ~inside)


def _undecided(weights: Vector, node: _Node, count: Count) -> int:
    """Return the open asset whose share of its upper bound, or of the minimum weight, is least decided."""
    open_assets = ~node.inside & ~node.outside
    least = count.minimum_weight
    too_small = open_assets & (weights > HELD) & (weights < least)
    if too_small.any():
        return int(np.argmax(np.where(too_small, np.minimum(weights, least - weights), -1.0)))
    return int(np.argmax(np.where(open_assets, weights, -1.0)))
