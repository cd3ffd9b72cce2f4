"""Bounds of the weights: read, checked, and what follows where they leave no choice."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from poise.domain.labels import Labels, unwrap_vector
from poise.errors import InfeasibleError, NonFiniteError, ParameterError
from poise.optimization.result import BindingBound, OptimizationResult, OptimizationStatus
from poise.typing import Bounds, Vector

SUM_TOLERANCE = 1e-12
"""How far a sum of weights may be from its goal."""


def read_bounds(
    bounds: Bounds | None, n_assets: int, labels: Labels, *, total: float = 1.0
) -> tuple[Vector, Vector]:
    """Return lower and upper bounds, one per asset, checked against each other and the sum to reach.

    Raises
    ------
    ParameterError
        If the bounds are no pair.
    ShapeError
        If a bound has another length, or names other assets.
    NonFiniteError
        If a bound is NaN; infinite ones leave that side open.
    InfeasibleError
        If a lower bound exceeds its upper bound, or the lower bounds sum to more than `total`.
    """
    if bounds is None:
        return np.zeros(n_assets), np.ones(n_assets)
    if not (isinstance(bounds, tuple | list) and len(bounds) == 2):
        raise ParameterError(f"bounds is {bounds!r}, expected a pair (lower, upper)")
    lower = _one_per_asset(bounds[0], "lower", n_assets, labels)
    upper = _one_per_asset(bounds[1], "upper", n_assets, labels)
    crossed = lower > upper
    if crossed.any():
        i = int(crossed.argmax())
        raise InfeasibleError(
            f"asset {asset_name(labels, i)} has lower bound {lower[i]:g} above upper bound {upper[i]:g}; "
            "swap or widen them"
        )
    with np.errstate(over="ignore"):
        least = float(lower.sum())
    if least > total + SUM_TOLERANCE:
        raise InfeasibleError(
            f"the lower bounds sum to {least:.12g}, above {total:g}; "
            f"lower them by {least - total:.6g} in total"
        )
    return lower, upper


def read_box(
    bounds: Bounds | None, n_assets: int, labels: Labels
) -> tuple[Vector, Vector] | tuple[None, None]:
    """As :func:`read_bounds`; a pair of None stands for 0 and 1, which the core then fills in itself."""
    return (None, None) if bounds is None else read_bounds(bounds, n_assets, labels)


def asset_name(labels: Labels, i: int) -> str | int:
    """Return the name of asset `i`, or its position where it has none."""
    return i if labels.assets is None else str(labels.assets[i])


def leaves_cash(upper: Vector) -> bool:
    """Whether the upper bounds keep the weights from summing to 1."""
    # Bounds as large as a float may sum to infinity, which is room enough.
    with np.errstate(over="ignore"):
        return float(upper.sum()) < 1.0 - SUM_TOLERANCE


def held_at_upper(upper: Vector, labels: Labels) -> OptimizationResult:
    """Return the weights nearest to a full investment, and the smallest change that would allow one."""
    total = math.fsum(upper)
    missing = 1.0 - total
    message = (
        f"the upper bounds sum to {total:.12g}, below 1: every asset stands at its bound and {missing:.6g} "
        f"stays cash; to invest fully raise them by {missing:.6g} in total "
        f"({missing / upper.size:.6g} each)"
    )
    return OptimizationResult(
        weights=labels.vector(upper + 0.0),
        status=OptimizationStatus.INFEASIBLE,
        certificate=math.nan,
        iterations=0,
        binding=tuple(BindingBound(asset_name(labels, i), "upper") for i in range(upper.size)),
        messages=(message,),
    )


def _is_one(bound: Any) -> bool:
    try:
        return np.ndim(bound) == 0
    except ValueError:
        return False  # ragged, which the reading of vectors tells


def _one_per_asset(bound: Any, name: str, n_assets: int, labels: Labels) -> Vector:
    if isinstance(bound, int | float) or _is_one(bound):
        try:
            values = np.full(n_assets, float(bound))
        except (TypeError, ValueError):
            raise ParameterError(
                f"the {name} bound is {bound!r}, expected a number or one per asset"
            ) from None
    else:
        values, _ = unwrap_vector(bound, f"the {name} bounds", labels)
        if values.shape != (n_assets,):
            raise ParameterError(
                f"the {name} bounds have {values.size} values for {n_assets} assets; pass one per asset"
            )
    wrong = np.isnan(values)
    if wrong.any():
        raise NonFiniteError(
            f"the {name} bound of asset {asset_name(labels, int(wrong.argmax()))} is NaN; pass a number, or "
            "an infinity to leave that side open"
        )
    return values
