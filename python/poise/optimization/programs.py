"""Solve programs beyond boxes: choose a route, relax what cannot be kept, read the answer off the weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from poise.domain.labels import Labels
from poise.errors import NotConvergedError
from poise.optimization.constraints.parts import ConstraintSet
from poise.optimization.convex_route import by_cvxpy
from poise.optimization.found import Found
from poise.optimization.goals import Frictions, Goal, Quadratic, Ratio, loss_after_costs
from poise.optimization.guarantees import require_promises, settled
from poise.optimization.limits import asset_name
from poise.optimization.native_program import by_core, takes
from poise.optimization.readings import all_kept, read_constraints
from poise.optimization.result import (
    BindingBound,
    OptimizationResult,
    OptimizationStatus,
    Relaxation,
)

if TYPE_CHECKING:
    from poise.optimization.relaxing import Relaxed

OPTIMAL_BELOW = 1e-8
"""The largest certificate of an optimal answer."""

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
    if relaxed is not None:
        return _relaxed_answer(goal, costs, relaxed, found)
    if not limits.own:
        raise NotConvergedError(
            f"no route has an answer: {found}; nor has the relaxation. Rescale the inputs"
        )
    rest = best_route(goal, replace(limits, own=()), costs)
    words = "constraints of cvxpy must be left out: nothing within the bounds keeps them"
    why = (f"constraints: {found}; those of cvxpy were left out",)
    return replace(
        rest,
        limits=rest.limits or replace(limits, own=()),
        relaxations=(Relaxation("constraints", math.nan, words), *rest.relaxations),
        fallbacks=why + rest.fallbacks,
    )


def _relaxed_answer(goal: Goal, costs: Frictions | None, relaxed: Relaxed, why: str) -> Found:
    """Return the best weights within relaxed limits; where no solver has any, those nearest to them."""
    done = "the least was relaxed" if relaxed.relaxations else "there are some with room for rounding"
    fallbacks = (f"constraints: {why}; {done}",)
    for limits, own_slack in relaxed.rooms:
        # Limits without a margin are hard on an interior point; the two routes fail on different ones.
        for solve in (attempt, by_cvxpy):
            found = solve(goal, limits, costs, own_slack)
            if isinstance(found, Found):
                return replace(found, limits=limits, relaxations=relaxed.relaxations, fallbacks=fallbacks)
    limits = relaxed.rooms[-1][0]
    weights = settled(relaxed.weights, limits.lower, limits.upper, limits.total)
    nearest = "no solver ended within the relaxed limits; the weights nearest to them"
    return Found(
        weights,
        math.nan,
        math.nan,
        0,
        None,
        {},
        limits=limits,
        relaxations=relaxed.relaxations,
        fallbacks=(*fallbacks, nearest),
    )


def attempt(
    goal: Goal, limits: ConstraintSet, costs: Frictions | None, own_slack: Sequence[float] = ()
) -> Found | str:
    """Return the best weights by the route made for the structure, or why there are none."""
    if costs is not None and isinstance(goal, Quadratic) and stays_put(goal, limits, costs):
        return Found(costs.current.copy(), 0.0, 0.0, 0, None, {})
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
