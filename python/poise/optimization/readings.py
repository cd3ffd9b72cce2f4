"""Constraints read off the final weights, whatever the solver said of them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from poise.optimization.constraints.parts import ConstraintSet, turnover_of
from poise.optimization.result import ConstraintReading
from poise.typing import Matrix, Vector

KEPT = 1e-8
"""A constraint violated by less, in units of its size, is kept; one this near to its limit binds."""


def read_constraints(
    limits: ConstraintSet, weights: Vector, covariance: Matrix, prices: Mapping[str, float] | None = None
) -> tuple[ConstraintReading, ...]:
    """Return every constraint beyond the bounds as the weights keep it.

    Parameters
    ----------
    limits : ConstraintSet
        As the caller stated them.
    weights : ndarray of shape (n_assets,)
    covariance : ndarray of shape (n_assets, n_assets)
        For tracking errors.
    prices : mapping of str to float, optional
        By the constraints' names, in the unit of the objective; NaN where they are not there.
    """
    known = prices or {}
    found = []

    def read(name: str, value: float, lower: float, upper: float, size: float = 1.0) -> None:
        near = KEPT * max(size, abs(value))
        outside = max(lower - value, value - upper, 0.0)
        binding = value <= lower + near or value >= upper - near
        price = known.get(name, np.nan) if binding or not known else 0.0
        found.append(
            ConstraintReading(
                name, value, lower, upper, outside if outside > near else 0.0, bool(binding), float(price)
            )
        )

    if limits.total_name:
        read(limits.total_name, float(weights.sum()), *limits.total)
    for row in limits.rows:
        size = float(np.abs(row.coefficients).max())
        read(row.name, float(row.coefficients @ weights), row.lower, row.upper, size)
    for each in limits.turnover:
        read(each.name, turnover_of(each.of(weights), each.weights), -np.inf, each.limit)
    for each in limits.tracking:
        difference = each.of(weights) - each.weights
        if each.through is None:
            error = float(np.sqrt(np.maximum(difference @ covariance @ difference, 0.0)))
        else:
            error = float(np.linalg.norm(difference))
        read(each.name, error, -np.inf, each.limit, float(np.sqrt(np.diag(covariance).max(initial=0.0))))
    for box in limits.boxes:
        read(box.name, _share_used(weights, box.lower, box.upper), -np.inf, 1.0)
    if limits.count is not None:
        held = weights[weights > 0.0]
        read(limits.count.name, float(held.size), -np.inf, float(limits.count.at_most))
        if limits.count.minimum_weight > 0.0 and held.size:
            least = float(held.min())
            read(f"{limits.count.name}: least weight held", least, limits.count.minimum_weight, np.inf)
    for i, (constraint, violation) in enumerate(_own(limits, weights)):
        read(f"constraint {i} ({constraint})", violation, -np.inf, 0.0)
    return tuple(found)


def all_kept(limits: ConstraintSet, weights: Vector, covariance: Matrix) -> bool:
    """Whether weights keep every constraint, the budget included."""
    total = float(weights.sum())
    if not limits.total[0] - KEPT <= total <= limits.total[1] + KEPT:
        return False
    if ((weights < limits.lower) | (weights > limits.upper)).any():
        return False
    return all(reading.violation == 0.0 for reading in read_constraints(limits, weights, covariance))


def _share_used(weights: Vector, lower: Vector, upper: Vector) -> float:
    """Return the largest share of the room around the middle of a box that a weight uses."""
    middle, room = 0.5 * (lower + upper), 0.5 * (upper - lower)
    used = np.abs(weights - middle)
    rounding = 1e-15 * np.maximum(1.0, np.abs(middle))
    share = np.divide(used, room, out=np.where(used > rounding, np.inf, 0.0), where=room > 0.0)
    return float(share.max(initial=0.0))


def _own(limits: ConstraintSet, weights: Vector) -> list[tuple[str, float]]:
    if not limits.own:
        return []
    from poise.optimization.convex import own_violations

    return own_violations(limits, weights)
