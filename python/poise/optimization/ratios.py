"""The largest ratio of excess to volatility beyond bounds: diversification, Sharpe."""

from __future__ import annotations

import math
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from poise import _native
from poise.domain.labels import Labels
from poise.optimization.answer import remarks
from poise.optimization.constrained import box_answer, plain_answer
from poise.optimization.constraints.parts import ConstraintSet
from poise.optimization.goals import Frictions, Quadratic, Ratio, loss_after_costs
from poise.optimization.native_program import found_by_core
from poise.optimization.programs import OPTIMAL_BELOW, Found, best_route, solve_program, stays_put
from poise.optimization.relaxing import relax
from poise.optimization.result import OptimizationResult, OptimizationStatus
from poise.optimization.trading_costs import TradingCosts
from poise.typing import Matrix, Vector

if TYPE_CHECKING:
    from poise._native import Solution

STEPS = 30
"""Steps of Dinkelbach's method, which doubles its digits with each."""

NOTHING_EARNED = "no weights within the limits earn anything: least variance instead"

SETTLED = 1e-10
"""Relative growth of a ratio below which it stands."""


def maximum_diversification_within(
    covariance: Matrix, limits: ConstraintSet, labels: Labels
) -> OptimizationResult:
    """Return the largest ratio of mean volatility to portfolio volatility within limits, long only."""
    limits = replace(limits, lower=np.maximum(limits.lower, 0.0))
    box = box_answer(lambda low, high: _native.maximum_diversification(covariance, low, high), limits)
    volatility = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    return _within(volatility, covariance, limits, None, labels, box, "maximum diversification")


def maximum_sharpe_within(
    means: Vector,
    covariance: Matrix,
    rate: float,
    limits: ConstraintSet,
    costs: TradingCosts | None,
    labels: Labels,
) -> OptimizationResult:
    """Return the largest ratio of excess return, less what trading costs, to volatility within limits."""
    box = box_answer(lambda low, high: _native.maximum_sharpe(means, covariance, rate, low, high), limits)
    frictions = None if costs is None else costs.frictions(labels, len(covariance))
    return _within(means - rate, covariance, limits, frictions, labels, box, "maximum Sharpe")


def _within(
    excess: Vector,
    covariance: Matrix,
    limits: ConstraintSet,
    costs: Frictions | None,
    labels: Labels,
    box: Solution,
    method: str,
) -> OptimizationResult:
    """Return the answer; assets without variance stay where the bounds alone put them, if any weights can."""
    began = perf_counter()
    if box.status in {OptimizationStatus.OPTIMAL, OptimizationStatus.DEGENERATE}:
        plain = plain_answer(box, Ratio(covariance, excess), limits, costs, labels, method, began)
        if plain is not None:
            ratio = _ratio(excess, covariance, box.weights, None)
            said = plain.messages if ratio > 0.0 else (NOTHING_EARNED, *plain.messages)
            return replace(plain, objective=ratio, messages=said)
    notes = tuple(remarks(box, labels))
    if box.riskless:
        lower, upper, still = limits.lower.copy(), limits.upper.copy(), list(box.riskless)
        lower[still] = upper[still] = np.clip(box.weights[still], lower[still], upper[still])
        held = replace(limits, lower=lower, upper=upper)
        result = _solved(excess, covariance, held, costs, labels, notes, began, degenerate=True)
        if not result.relaxations:
            return result
    degenerate = bool(box.riskless) or box.ridge > 0.0
    return _solved(excess, covariance, limits, costs, labels, notes, began, degenerate=degenerate)


def _solved(
    excess: Vector,
    covariance: Matrix,
    limits: ConstraintSet,
    costs: Frictions | None,
    labels: Labels,
    notes: tuple[str, ...],
    began: float,
    *,
    degenerate: bool,
) -> OptimizationResult:
    found = _by_core(excess, covariance, limits) if costs is None else None
    found = _by_dinkelbach(excess, covariance, limits, costs) if found is None else found
    ratio = _ratio(excess, covariance, found.weights, costs)
    if not ratio > 0.0:
        notes = (NOTHING_EARNED, *notes)
        degenerate = True
    goal = Ratio(covariance, excess, max(ratio, 0.0) if math.isfinite(ratio) else 0.0)
    result = solve_program(
        goal,
        limits,
        costs,
        labels,
        route=lambda *_: found,
        messages=notes,
        began=began,
        degenerate=degenerate,
    )
    return replace(result, objective=ratio)


def _by_core(excess: Vector, covariance: Matrix, limits: ConstraintSet) -> Found | None:
    """Return the core's answer; None where the limits are beyond it, or its proof short of the goal."""
    if not limits.is_linear:
        return None
    size = float(np.abs(excess).max()) or 1.0
    scale = float(np.trace(covariance)) / len(covariance) or 1.0

    def solve(within: ConstraintSet) -> Found | str:
        current, turnover = None, math.inf
        if within.turnover:
            current, turnover = within.turnover[0].weights, within.turnover[0].limit
        solution: Any = _native.maximum_ratio_program(
            excess / size,
            covariance / scale,
            within.lower,
            within.upper,
            within.total,
            within.matrix,
            *within.row_limits,
            current,
            turnover,
        )
        return found_by_core(solution, within, current, size / math.sqrt(scale))

    found = solve(limits)
    if isinstance(found, str):
        relaxed = relax(Quadratic(covariance, 2.0, np.zeros(len(excess))), limits)
        again = found if relaxed is None else solve(relaxed.limits)
        if relaxed is None or isinstance(again, str):
            return None
        why = (f"constraints: {found}; the least was relaxed",)
        found = replace(again, limits=relaxed.limits, relaxations=relaxed.relaxations, fallbacks=why)
    return found if found.certificate <= OPTIMAL_BELOW else None


def _by_dinkelbach(
    excess: Vector, covariance: Matrix, limits: ConstraintSet, costs: Frictions | None
) -> Found:
    """Return the largest ratio from below: each tilt is the ratio of the weights before."""
    if costs is not None:
        held = _ratio(excess, covariance, costs.current, None)
        if held > 0.0 and stays_put(Ratio(covariance, excess, held), limits, costs):
            return Found(costs.current.copy(), 0.0, 0.0, 0, None, {})
    calm = Quadratic(covariance, 2.0, np.zeros(len(covariance)))
    found, kept = _first_positive(excess, calm, limits, costs)
    best = _ratio(excess, covariance, found.weights, costs)
    if not (best > 0.0 and math.isfinite(best)):
        return found
    steps, last = found.iterations, found
    for _ in range(STEPS):
        last = best_route(Ratio(covariance, excess, best), kept, costs)
        steps += last.iterations
        now = _ratio(excess, covariance, last.weights, costs)
        if now > best:
            found = _relaxed_like(found, last)
        grown, best = now > best * (1.0 + SETTLED), max(now, best)
        if not grown:
            break
    goal = Ratio(covariance, excess, best)
    least = loss_after_costs(goal, last.weights, costs)
    volatility = math.sqrt(float(found.weights @ covariance @ found.weights))
    # At the tilt of the answer nothing is below zero but what the ratio can still gain.
    gain = (max(-least, 0.0) + last.gap) / volatility
    prices = {name: price / volatility for name, price in found.prices.items()}
    bounds = None if found.bound_prices is None else found.bound_prices / volatility
    return replace(
        found, gap=gain, certificate=gain / best, iterations=steps, prices=prices, bound_prices=bounds
    )


def _first_positive(
    excess: Vector, calm: Quadratic, limits: ConstraintSet, costs: Frictions | None
) -> tuple[Found, ConstraintSet]:
    """Return weights that earn something, and the limits they keep; from the calmest on, ever bolder."""
    calmest = found = best_route(calm, limits, None)
    kept = found.limits or limits
    size = calm.scale / (float(np.abs(excess).max(initial=0.0)) or 1.0)
    for boldness in (0.0, 1.0, 30.0, 1e3, 3e4, 1e6):
        if boldness:
            bolder = best_route(replace(calm, linear=boldness * size * excess), kept, costs)
            found = _relaxed_like(calmest, bolder)
        earned = _ratio(excess, calm.covariance, found.weights, costs)
        if earned > 0.0 and math.isfinite(earned):
            return found, kept
    return calmest, kept


def _relaxed_like(before: Found, found: Found) -> Found:
    """Return what was found within limits that had been relaxed before."""
    return replace(found, relaxations=before.relaxations, fallbacks=before.fallbacks, limits=before.limits)


def _ratio(excess: Vector, covariance: Matrix, weights: Vector, costs: Frictions | None) -> float:
    earned = float(excess @ weights) - (0.0 if costs is None else costs.cost(weights))
    volatility = float(np.sqrt(np.maximum(weights @ covariance @ weights, 0.0)))
    return earned / volatility if volatility > 0.0 else math.nan
