"""Putting one factor's values on a common scale across assets."""

from __future__ import annotations

import numpy as np

from poise.typing import Vector

MIN_CROSS_SECTION = 4
"""Fewer assets than this have no cross-section to speak of."""

CLIP = 3.0

_MAD_TO_SIGMA = 1.4826


def robust_z(values: Vector) -> Vector:
    """Return ``(x - median) / (1.4826 MAD)`` clipped to +-3; NaN stays NaN.

    Where the middle half of the values is one and the same (MAD zero), nothing tells the assets apart:
    all are 0.
    """
    there = np.isfinite(values)
    z = np.full(len(values), np.nan)
    if not there.any():
        return z
    known = values[there]
    centre = _median(known)
    spread = _MAD_TO_SIGMA * _median(np.abs(known - centre))
    # Rounding noise around a common value is no spread either.
    if spread <= 1e-12 * max(1.0, abs(centre)):
        z[there] = 0.0
    else:
        z[there] = np.clip((known - centre) / spread, -CLIP, CLIP)
    return z


def has_cross_section(values: Vector) -> bool:
    """Whether enough values are known for a cross-sectional comparison."""
    return int(np.isfinite(values).sum()) >= MIN_CROSS_SECTION


def _median(values: Vector) -> float:
    # For a few dozen values sorting is several times faster than numpy.median.
    ordered = np.sort(values)
    middle = len(ordered) // 2
    return float(ordered[middle] if len(ordered) % 2 else 0.5 * (ordered[middle - 1] + ordered[middle]))
