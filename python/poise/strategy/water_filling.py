"""Spreading a total over assets in given proportions, under a cap per asset and a cap per sector.

With a level ``x`` each asset takes ``min(cap, x shape)`` and each sector at most its cap. The sum is a
concave, piecewise linear, increasing function of the level, so Newton steps from below reach the level that
gives the total after at most one step per kink.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from poise.typing import Vector

Members = np.ndarray[Any, np.dtype[np.intp]]

NEGLIGIBLE_SHARE = 1e-8
"""A share below this part of the largest is a solver's noise; it must not take what the others cannot."""

_ROUNDING = 1e-13
_NOTHING = 1e-12


def fill(
    shape: Vector, caps: Vector, total: float, *, sectors: Sequence[tuple[Members, float]] = ()
) -> Vector:
    """Return weights in proportion to `shape` that sum to `total`, or to less where the caps allow no more.

    Parameters
    ----------
    shape : ndarray of shape (n_assets,)
        Non-negative proportions; an asset with 0 (or less than 1e-8 of the largest) gets nothing.
    caps : ndarray of shape (n_assets,)
        Non-negative.
    total : float
        Non-negative.
    sectors : sequence of (members, cap)
        Disjoint groups of asset indices, each with the most that they may sum to.

    Returns
    -------
    ndarray of shape (n_assets,)
        No weight and no sector's sum exceeds its cap, not even by rounding.
    """
    if total <= 0.0 or not (shape > 0.0).any():
        return np.zeros(len(shape))
    shape = shape / shape.max()
    shape = np.where(shape >= NEGLIGIBLE_SHARE, shape, 0.0)
    # A hair below the sector caps, so that no order of summation exceeds them.
    safe = [(members, cap * (1.0 - _ROUNDING) if cap > _NOTHING else 0.0) for members, cap in sectors]
    weights = np.minimum(caps, _level(shape, caps, total, safe) * shape)
    for members, cap in safe:
        if math.fsum(weights[members]) > cap:
            within = _level(shape[members], caps[members], cap, ())
            part = np.minimum(caps[members], within * shape[members])
            weights[members] = part * min(1.0, cap / max(math.fsum(part), cap)) if cap > 0.0 else 0.0
    return weights


def _level(shape: Vector, caps: Vector, total: float, sectors: Sequence[tuple[Members, float]]) -> float:
    mass = math.fsum(shape)
    level = total / mass if mass > 0.0 else 0.0
    for _ in range(len(shape) + len(sectors)):
        taken = np.minimum(caps, level * shape)
        rising = np.where(level * shape < caps, shape, 0.0)
        for members, cap in sectors:
            held = math.fsum(taken[members])
            if held >= cap:
                taken[members] *= cap / held if held > 0.0 else 0.0
                rising[members] = 0.0
        slope = math.fsum(rising)
        missing = total - math.fsum(taken)
        if slope <= 0.0 or missing <= 1e-16 * total:
            break
        level += missing / slope
    return level
