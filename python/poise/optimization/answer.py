"""From a solution of the core to a result with names and words."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

from poise.domain.labels import BARE, Labels
from poise.optimization.limits import asset_name
from poise.optimization.result import UNNAMED, BindingBound, OptimizationResult, OptimizationStatus

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from poise._native import Solution

_OPTIMAL = OptimizationStatus.OPTIMAL

RIDGE = 1e-10
"""What the core adds to a singular covariance, as a part of each variance."""

GAP_WORTH_SAYING = 1e-6
"""A share of risk this close to its budget is said to meet it."""


def to_result(solution: Solution, labels: Labels, method: str) -> OptimizationResult:
    """Return the solution of `method` with the labels of its input."""
    fields = solution.plain_fields(_OPTIMAL, GAP_WORTH_SAYING)
    if fields is not None:
        if labels is not BARE:
            fields["weights"] = labels.vector(solution.weights)
        if "binding" not in fields:
            fields[UNNAMED] = partial(named_bounds, solution, labels)
        result = object.__new__(OptimizationResult)
        # All at once: field by field a frozen result would cost as much as the solution of ten assets.
        object.__setattr__(result, "__dict__", fields)
        return result
    status = OptimizationStatus(solution.status)
    fallbacks: tuple[str, ...] = ()
    if status is OptimizationStatus.RELAXED:
        fallbacks = (f"{method}: no answer within these bounds, minimum variance instead",)
    return OptimizationResult(
        weights=labels.vector(solution.weights),
        status=status,
        certificate=solution.certificate,
        iterations=solution.iterations,
        binding=named_bounds(solution, labels),
        fallbacks=fallbacks,
        messages=tuple(remarks(solution, labels)),
        budget_gap=solution.budget_gap,
        objective=solution.objective,
        duality_gap=solution.gap,
        seconds=solution.seconds,
    )


def named_bounds(solution: Solution, labels: Labels) -> tuple[BindingBound, ...]:
    """Return the bounds at which the weights of a solution stand."""
    return binding_bounds(solution.sides, labels, solution.prices)


def binding_bounds(
    sides: NDArray[np.int8], labels: Labels, prices: NDArray[np.float64] | None = None
) -> tuple[BindingBound, ...]:
    """Return the bounds at which weights stand: -1 the lower, 1 the upper, 0 none."""
    known = [math.nan] * len(sides) if prices is None else prices.tolist()
    return tuple(
        BindingBound(asset_name(labels, i), "lower" if side < 0 else "upper", known[i])
        for i, side in enumerate(sides.tolist())
        if side
    )


def remarks(solution: Solution, labels: Labels) -> list[str]:
    """Return what a reader should know about a solution, in words."""
    said = []
    if solution.riskless:
        names = ", ".join(str(asset_name(labels, i)) for i in solution.riskless)
        said.append(f"without variance: {names}")
    if solution.ridge > RIDGE:
        said.append(
            "the covariance has a slightly negative direction, as rounded entries have; "
            f"{solution.ridge:g} of each variance covers it"
        )
    elif solution.ridge > 0.0:
        said.append(f"the covariance is singular: {solution.ridge:g} of each variance was added to it")
    if not math.isnan(solution.budget_gap) and solution.budget_gap > GAP_WORTH_SAYING:
        said.append(f"a share of risk is {solution.budget_gap:.6g} away from its budget")
    return said
