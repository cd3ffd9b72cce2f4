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
from poise.optimization.programs import Found, best_route, solve_program
from poise.optimization.readings import all_kept, read_constraints
from poise.optimization.result import OptimizationResult, OptimizationStatus
from poise.optimization.trading_costs import TradingCosts
from poise.typing import Bounds, Matrix, Vector

if TYPE_CHECKING:
    from poise._native import Solution

BoxSolver = Callable[[Vector, Vector], "Solution"]

RATIO_STEPS = 30
"""Steps of Dinkelbach's method, which doubles its digits with each."""

RATIO_SETTLED = 1e-10
"""Relative growth of a ratio below which it stands."""


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
    box = _box_answer(lambda low, high: _native.minimum_variance(covariance, low, high), limits)
    goal = Quadratic(covariance, 2.0, np.zeros(len(covariance)))
    frictions = None if costs is None else costs.frictions(labels, len(covariance))
    plain = _plain(box, goal, limits, frictions, labels, "minimum variance", began)
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
    box = _box_answer(
        lambda low, high: _native.mean_variance(means, covariance, risk_aversion, low, high), limits
    )
    goal = Quadratic(covariance, risk_aversion, means, sign=-1.0)
    frictions = None if costs is None else costs.frictions(labels, len(covariance))
    plain = _plain(box, goal, limits, frictions, labels, "mean-variance", began)
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


def maximum_ratio_within(
    excess: Vector,
    covariance: Matrix,
    limits: ConstraintSet,
    costs: TradingCosts | None,
    labels: Labels,
    *,
    what: str,
    notes: tuple[str, ...] = (),
) -> OptimizationResult:
    """Return the weights with the largest ratio of excess to volatility within limits.

    Where no weights within the limits have a positive excess there is no such ratio: the answer is the
    minimum variance with status ``degenerate``.
    """
    began = perf_counter()
    frictions = None if costs is None else costs.frictions(labels, len(covariance))
    box = _box_answer(lambda low, high: _native.minimum_variance(covariance, low, high), limits)
    matrix = covariance + box.ridge * np.diag(np.diag(covariance))
    calm = Quadratic(matrix, 2.0, np.zeros(len(matrix)))
    found, kept = _first_positive(excess, calm, limits, frictions)
    if found is None:
        message = f"no weights within the limits have a positive {what}: minimum variance instead"
        return solve_program(
            calm, limits, None, labels, degenerate=True, messages=(message, *notes), began=began
        )
    ratio, steps = Ratio(matrix, excess), 0
    for _ in range(RATIO_STEPS):
        best = _ratio_of(excess, matrix, found.weights, frictions)
        ratio = replace(ratio, tilt=best)
        better = best_route(ratio, kept, frictions)
        steps += found.iterations
        if not _ratio_of(excess, matrix, better.weights, frictions) > best * (1.0 + RATIO_SETTLED):
            break
        found = replace(better, relaxations=found.relaxations, fallbacks=found.fallbacks, limits=found.limits)
    # What a ratio can still gain is what its last step gained over the volatility.
    volatility = float(np.sqrt(found.weights @ matrix @ found.weights))
    ratio = replace(ratio, tilt=_ratio_of(excess, matrix, found.weights, frictions))
    last = best_route(ratio, kept, frictions)
    gain = max(-_gain(ratio, last, frictions), 0.0) + last.gap
    answer = replace(
        found,
        gap=gain / volatility,
        certificate=gain / (ratio.tilt * volatility),
        iterations=steps,
        prices={name: price / volatility for name, price in found.prices.items()},
        bound_prices=None if found.bound_prices is None else found.bound_prices / volatility,
    )
    result = solve_program(
        ratio,
        limits,
        frictions,
        labels,
        route=lambda *_: answer,
        messages=notes,
        began=began,
        degenerate=bool(box.riskless) or box.ridge > 0.0,
    )
    return replace(result, objective=ratio.tilt)


def maximum_diversification_within(
    covariance: Matrix, limits: ConstraintSet, labels: Labels
) -> OptimizationResult:
    """Return the largest ratio of mean volatility to portfolio volatility within limits, long only."""
    began = perf_counter()
    limits = replace(limits, lower=np.maximum(limits.lower, 0.0))
    box = _box_answer(lambda low, high: _native.maximum_diversification(covariance, low, high), limits)
    volatility = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    plain = _plain(box, Ratio(covariance, volatility), limits, None, labels, "maximum diversification", began)
    if plain is not None:
        return replace(plain, objective=_ratio_of(volatility, covariance, box.weights, None))
    notes = tuple(remarks(box, labels))
    if box.riskless:
        lower, upper, still = limits.lower.copy(), limits.upper.copy(), list(box.riskless)
        lower[still] = upper[still] = np.clip(box.weights[still], lower[still], upper[still])
        held = replace(limits, lower=lower, upper=upper)
        result = maximum_ratio_within(
            volatility, covariance, held, None, labels, what="volatility", notes=notes
        )
        if not result.relaxations:
            return result
    return maximum_ratio_within(volatility, covariance, limits, None, labels, what="volatility", notes=notes)


def _gain(ratio: Ratio, found: Found, frictions: Frictions | None) -> float:
    return ratio.loss(found.weights) + (0.0 if frictions is None else frictions.cost(found.weights))


def _ratio_of(excess: Vector, covariance: Matrix, weights: Vector, frictions: Frictions | None) -> float:
    earned = float(excess @ weights) - (0.0 if frictions is None else frictions.cost(weights))
    volatility = float(np.sqrt(np.maximum(weights @ covariance @ weights, 0.0)))
    return earned / volatility if volatility > 0.0 else float(np.copysign(np.inf, earned))


def _first_positive(
    excess: Vector, calm: Quadratic, limits: ConstraintSet, frictions: Frictions | None
) -> tuple[Found | None, ConstraintSet]:
    """Return weights that earn something, and the limits they keep; from the calmest on, ever bolder."""
    found = best_route(calm, limits, None)
    kept = found.limits or limits
    size = calm.scale / max(float(np.abs(excess).max(initial=0.0)), 1e-300)
    boldness = 0.0
    for _ in range(6):
        earned = _ratio_of(excess, calm.covariance, found.weights, frictions)
        if earned > 0.0 and np.isfinite(earned):
            return found, kept
        boldness = max(1.0, 30.0 * boldness)
        bolder = best_route(replace(calm, linear=boldness * size * excess), kept, None)
        found = replace(bolder, relaxations=found.relaxations, fallbacks=found.fallbacks, limits=found.limits)
    return None, kept


def _box_answer(solve: BoxSolver, limits: ConstraintSet) -> Solution:
    """Return the answer within the bounds alone; it proves that the input can be used."""
    lower, upper = limits.lower, limits.upper
    if leaves_cash(upper) or float(lower.sum()) > 1.0:
        lower, upper = np.zeros(limits.n_assets), np.ones(limits.n_assets)
    return solve(lower, upper)


def _plain(
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
