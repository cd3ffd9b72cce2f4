"""Solve programs beyond boxes: choose a route, relax what cannot be kept, read the answer off the weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np

from poise.domain.labels import Labels
from poise.errors import NotConvergedError
from poise.optimization.constraints.parts import ConstraintSet
from poise.optimization.goals import Frictions, Goal, Quadratic, Ratio, loss_after_costs
from poise.optimization.guarantees import require_promises, settled
from poise.optimization.limits import asset_name
from poise.optimization.readings import all_kept, read_constraints
from poise.optimization.result import (
    BindingBound,
    OptimizationResult,
    OptimizationStatus,
    Relaxation,
)
from poise.typing import Vector

OPTIMAL_BELOW = 1e-8
"""The largest certificate of an optimal answer."""

SNAP = 1e-6
"""How near to a limit, in weight, an interior point ends that is pressed against it."""


@dataclass(frozen=True, eq=False)
class Found:
    """Weights of a program with what their solver knows of them.

    Attributes
    ----------
    weights : ndarray of shape (n_assets,)
    gap : float
        Duality gap in the unit of the objective.
    certificate : float
        Relative, as in `OptimizationResult`.
    iterations : int
    bound_prices : ndarray of shape (n_assets,) or None
        Positive at an upper bound, negative at a lower one.
    prices : dict of str to float
        Of the other limits, by name.
    limits : ConstraintSet or None
        What was kept, where that is not what was asked.
    relaxations, fallbacks, messages : tuple
    degenerate : bool
        Whether a convention chose the answer.
    """

    weights: Vector
    gap: float
    certificate: float
    iterations: int
    bound_prices: Vector | None
    prices: dict[str, float]
    limits: ConstraintSet | None = None
    relaxations: tuple[Relaxation, ...] = ()
    fallbacks: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    degenerate: bool = False


Route = Callable[[Goal, ConstraintSet, "Frictions | None"], Found]


def solve_program(
    goal: Goal,
    limits: ConstraintSet,
    costs: Frictions | None,
    labels: Labels,
    *,
    route: Route | None = None,
    degenerate: bool = False,
    messages: tuple[str, ...] = (),
    fallbacks: tuple[str, ...] = (),
    began: float | None = None,
) -> OptimizationResult:
    """Return the best weights, whatever it takes, with everything read off them.

    Parameters
    ----------
    goal : Quadratic or another of its kind
    limits : ConstraintSet
    costs : Frictions, optional
    labels : Labels
        Of the assets.
    route : callable, optional
        Solves; the best for the problem's structure unless given.
    degenerate, messages, fallbacks
        What is known of the problem already.
    began : float, optional
        When the clock of ``seconds`` started.

    Raises
    ------
    ParameterError
        If a constraint of the caller's is not convex.
    NotConvergedError
        If no route has an answer; the message lists what was tried.
    """
    began = perf_counter() if began is None else began
    found = (route or best_route)(goal, limits, costs)
    kept = found.limits or limits
    require_promises(found.weights, kept.lower, kept.upper, kept.total)
    relaxations = limits.relaxations + found.relaxations
    if relaxations:
        status = OptimizationStatus.INFEASIBLE
    elif found.certificate > OPTIMAL_BELOW or math.isnan(found.certificate):
        status = OptimizationStatus.INACCURATE
    elif degenerate or found.degenerate:
        status = OptimizationStatus.DEGENERATE
    else:
        status = OptimizationStatus.OPTIMAL
    objective = loss_after_costs(goal, found.weights, costs)
    return OptimizationResult(
        weights=labels.vector(found.weights),
        status=status,
        certificate=found.certificate,
        iterations=found.iterations,
        binding=_binding(found, limits, labels),
        fallbacks=fallbacks + found.fallbacks,
        messages=tuple(each.words for each in relaxations) + found.messages + messages,
        constraints=read_constraints(limits, found.weights, goal.covariance, found.prices),
        relaxations=relaxations,
        objective=goal.sign * objective,
        duality_gap=found.gap,
        seconds=perf_counter() - began,
    )


def best_route(goal: Goal, limits: ConstraintSet, costs: Frictions | None) -> Found:
    """Return the best weights; where none exist, those within limits moved by the least that lets them.

    Raises
    ------
    NotConvergedError
        If no route has an answer.
    """
    if limits.count is not None:
        from poise.optimization.branching import search_assets

        return search_assets(goal, limits, costs)
    found = attempt(goal, limits, costs)
    if isinstance(found, Found):
        return found
    from poise.optimization.relaxing import relax

    relaxed = relax(goal, limits)
    again: Found | str = found
    if relaxed is not None:
        again = attempt(goal, relaxed.limits, costs, relaxed.own_slack)
        if isinstance(again, str):
            # Limits without a margin left: the interior point of Clarabel asks for less room.
            again = by_cvxpy(goal, relaxed.limits, costs, relaxed.own_slack)
        if isinstance(again, Found):
            done = "the least was relaxed" if relaxed.relaxations else "Clarabel had an answer"
            why = (f"constraints: {found}; {done}",)
            return replace(again, limits=relaxed.limits, relaxations=relaxed.relaxations, fallbacks=why)
    if not limits.own:
        raise NotConvergedError(f"no route has an answer: {found}; {again}. Rescale the inputs")
    rest = best_route(goal, replace(limits, own=()), costs)
    words = "constraints of cvxpy must be left out: nothing within the bounds keeps them"
    why = (f"constraints: {found}; those of cvxpy were left out",)
    return replace(
        rest,
        limits=rest.limits or replace(limits, own=()),
        relaxations=(Relaxation("constraints", math.nan, words), *rest.relaxations),
        fallbacks=why + rest.fallbacks,
    )


def attempt(
    goal: Goal, limits: ConstraintSet, costs: Frictions | None, own_slack: Sequence[float] = ()
) -> Found | str:
    """Return the best weights by the route made for the structure, or why there are none."""
    if costs is not None and isinstance(goal, Quadratic) and stays_put(goal, limits, costs):
        return Found(costs.current.copy(), 0.0, 0.0, 0, None, {})
    from poise.optimization.native_program import by_core, takes

    if takes(goal, limits, costs):
        found = by_core(goal, limits, costs)
        if isinstance(found, Found) and found.certificate <= OPTIMAL_BELOW:
            return found
        if isinstance(found, str):
            return found if found.startswith("no weights") else by_cvxpy(goal, limits, costs, own_slack)
        second = by_cvxpy(goal, limits, costs, own_slack)
        if isinstance(second, str) or second.certificate >= found.certificate:
            return found
        why = f"native program: certificate {found.certificate:.2g}; Clarabel instead"
        return replace(second, fallbacks=(why,))
    return by_cvxpy(goal, limits, costs, own_slack)


def stays_put(goal: Quadratic | Ratio, limits: ConstraintSet, costs: Frictions) -> bool:
    """Whether the current weights are the answer: no exchange, however small, pays its costs.

    Along every direction within the bounds and the budget the slope at the current weights is then not
    negative, which for a convex objective is optimality; other limits only take directions away.
    """
    held = costs.current
    if not all_kept(limits, held, goal.covariance):
        return False
    if abs(min(max(held.sum(), limits.total[0]), limits.total[1]) - held.sum()) > 1e-12:
        return False
    slope = goal.gradient(held)
    buy = (slope + costs.linear)[held < limits.upper].min(initial=np.inf)
    sell = (costs.linear - slope)[held > limits.lower].min(initial=np.inf)
    may_buy_only = held.sum() < limits.total[1]
    may_sell_only = held.sum() > limits.total[0]
    return bool(buy + sell >= 0.0 and (buy >= 0.0 or not may_buy_only) and (sell >= 0.0 or not may_sell_only))


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


def _binding(found: Found, limits: ConstraintSet, labels: Labels) -> tuple[BindingBound, ...]:
    binding = []
    for i, weight in enumerate(found.weights):
        at_lower, at_upper = weight <= limits.lower[i], weight >= limits.upper[i]
        if not (at_lower or at_upper):
            continue
        signed = math.nan if found.bound_prices is None else float(found.bound_prices[i])
        upper = bool(at_upper and not (at_lower and signed < 0.0))
        price = abs(signed) if math.isnan(signed) or (signed >= 0.0) == upper or signed == 0.0 else 0.0
        binding.append(BindingBound(asset_name(labels, i), "upper" if upper else "lower", price))
    return tuple(binding)
