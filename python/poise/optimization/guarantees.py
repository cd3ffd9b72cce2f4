"""The promises that weights of every solver keep: bounds and budget to the last digit."""

from __future__ import annotations

import math

import numpy as np

from poise.errors import NotConvergedError
from poise.optimization.limits import SUM_TOLERANCE
from poise.typing import Vector

SETTLED = 0.1 * SUM_TOLERANCE
"""A sum this close to its goal is left alone: weights that were not traded stay as they are."""


DUST = 1e-15
"""A weight this small is rounding of 0."""


def settled(
    weights: Vector, lower: Vector, upper: Vector, total: tuple[float, float], still: Vector | None = None
) -> Vector:
    """Put weights within their bounds and their sum within the budget, moving them by a solver's tolerance.

    Parameters
    ----------
    weights, lower, upper : ndarray of shape (n_assets,)
    total : tuple of float
        Least and most sum. Where the bounds leave it no room the sum comes as close as they allow.
    still : ndarray of bool of shape (n_assets,), optional
        Weights to move only where the others have no room.

    Returns
    -------
    ndarray of shape (n_assets,)
    """
    dust = (np.abs(weights) <= DUST) & (lower <= 0.0) & (upper >= 0.0)
    moved: Vector = np.where(dust, 0.0, np.clip(weights, lower, upper)) + 0.0
    fixed = np.zeros(len(moved), dtype=bool) if still is None else np.asarray(still, dtype=bool)
    for _ in range(50):
        reached = math.fsum(moved)
        missing = max(total[0] - reached, 0.0) + min(total[1] - reached, 0.0)
        room = moved < upper if missing > 0.0 else moved > lower
        if abs(missing) <= SETTLED or not room.any():
            break
        inside = room & (moved > lower) & (moved < upper)
        movable = next(each for each in (inside & ~fixed, room & ~fixed, inside, room) if each.any())
        part = np.abs(moved) * movable
        part = part / part.sum() if part.sum() > 0.0 else movable / movable.sum()
        moved = np.clip(moved + missing * part, lower, upper) + 0.0
    return moved


def require_promises(weights: Vector, lower: Vector, upper: Vector, total: tuple[float, float]) -> None:
    """Refuse weights that are not finite, leave a bound, or miss a budget that the bounds allow.

    Raises
    ------
    NotConvergedError
        With the asset and the amount: a defect of the solver, never of the caller.
    """
    if not np.isfinite(weights).all():
        i = int(np.flatnonzero(~np.isfinite(weights))[0])
        raise NotConvergedError(f"the weight of asset {i} is {weights[i]}; report this problem as a defect")
    outside = np.maximum(lower - weights, weights - upper)
    if (outside > 0.0).any():
        i = int(outside.argmax())
        raise NotConvergedError(
            f"the weight of asset {i} is {outside[i]:g} outside its bounds; report this problem as a defect"
        )
    reached = math.fsum(weights)
    goal = min(max(reached, total[0]), total[1])
    goal = min(max(goal, math.fsum(lower)), math.fsum(upper))
    if abs(reached - goal) > SUM_TOLERANCE * max(1.0, abs(goal)):
        raise NotConvergedError(
            f"the weights sum to {reached:.15g}, not to {goal:.15g}; report this problem as a defect"
        )
