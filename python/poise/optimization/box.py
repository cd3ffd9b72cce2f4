"""What programs over a box and a budget of 1 have in common: finite bounds, the best for a gain, prices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from poise.domain.labels import Labels
from poise.errors import InfeasibleError
from poise.optimization.limits import asset_name
from poise.typing import Vector

if TYPE_CHECKING:
    from numpy.typing import NDArray

BoundPair = tuple[Vector, Vector]
"""Lower and upper bounds, one per asset."""


def closed(bounds: BoundPair, labels: Labels) -> BoundPair:
    """Return finite bounds, those missing supplied by the budget.

    Raises
    ------
    InfeasibleError
        Where an open side stays open: a program of losses may then have no best weights.
    """
    lower, upper = bounds[0].copy(), bounds[1].copy()
    for i in range(lower.size):
        others = np.arange(lower.size) != i
        if np.isinf(upper[i]):
            upper[i] = max(1.0 - bounds[0][others].sum(), lower[i])
        if np.isinf(lower[i]):
            lower[i] = min(1.0 - bounds[1][others].sum(), upper[i])
        if not (np.isfinite(lower[i]) and np.isfinite(upper[i])):
            raise InfeasibleError(
                f"asset {asset_name(labels, i)} may have a weight of any size and no budget limits it; "
                "give finite bounds"
            )
    return lower, upper


def greedy(gain: Vector, lower: Vector, upper: Vector) -> Vector:
    """Return weights of sum 1 with the largest ``gain'w``, the best assets filled first.

    Where the bounds leave the sum no way to 1 it comes as close as they allow.
    """
    weights = lower.copy()
    left = max(1.0 - float(lower.sum()), 0.0)
    for i in np.argsort(-gain, kind="stable"):
        more = min(left, upper[i] - lower[i])
        # The bound itself where it is reached, which the sum may miss by rounding.
        weights[i] = upper[i] if more == upper[i] - lower[i] else lower[i] + more
        left -= more
        if left <= 0.0:
            break
    return weights


def sides_of(weights: Vector, lower: Vector, upper: Vector) -> NDArray[np.int8]:
    """Return -1 for a weight at its lower bound, 1 for one at its upper bound alone, 0 for others."""
    sides = (weights >= upper).astype(np.int8)
    sides[weights <= lower] = -1
    return sides


def bound_prices(slope: Vector, weights: Vector, lower: Vector, upper: Vector) -> Vector:
    """Return how fast an objective would fall per unit of weight by which each bound gives way.

    The budget's multiplier is the slope of the weights inside their bounds, by how far they are inside; where
    none is, it is between the slopes of those at the lower and of those at the upper bound.

    Parameters
    ----------
    slope : ndarray of shape (n_assets,)
        Of an objective to be minimised, at `weights`, which are best.
    weights, lower, upper : ndarray of shape (n_assets,)

    Returns
    -------
    ndarray of shape (n_assets,)
        Not negative; 0 for weights inside.
    """
    fixed = lower == upper
    at_lower, at_upper = weights <= lower, weights >= upper
    depth = np.clip(np.minimum(weights - lower, upper - weights), 0.0, 1.0)
    if depth.any():
        multiplier = float(depth @ slope / depth.sum())
    else:
        ends = [*slope[at_lower & ~fixed].min(initial=np.inf, keepdims=True)]
        ends += [*slope[at_upper & ~fixed].max(initial=-np.inf, keepdims=True)]
        known = [end for end in ends if np.isfinite(end)]
        multiplier = float(np.mean(known)) if known else 0.0
    excess = slope - multiplier
    prices: Vector = np.where(at_upper, np.maximum(-excess, 0.0), 0.0)
    prices = np.where(at_lower, np.maximum(excess, 0.0), prices)
    return np.where(fixed, np.abs(excess), prices) + 0.0
