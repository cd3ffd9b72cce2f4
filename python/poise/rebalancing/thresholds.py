"""Thresholds that learn how high is high.

Online quantile tracking (Robbins and Monro, 1951): a step up at every exceedance, a small step down
otherwise, balanced at the wanted frequency; the long-run coverage is that of adaptive conformal inference
(Gibbs and Candès, 2021). Names: `level` theta, `exceedance` p*, the step 0.05 eta, `scale` the mean distance
from the median.
"""

from __future__ import annotations

from dataclasses import dataclass

_STEP = 0.05
_MEDIAN_EXCEEDANCE = 0.5


@dataclass
class AdaptiveThreshold:
    """The level that a stream exceeds with a given frequency, between two limits.

    Parameters
    ----------
    exceedance : float
        Wanted exceedances per observation, strictly between 0 and 1.
    lower, upper : float
        The level stays between them and starts at `lower`.
    half_life : float
        Observations after which a deviation counts half in the scale.
    """

    exceedance: float
    lower: float
    upper: float
    half_life: float

    def __post_init__(self) -> None:
        self.level = self.lower
        self.median: float | None = None
        self.scale = 0.0

    def observe(self, value: float) -> None:
        """Learn from one finite value; the level before the call is the one to compare it with."""
        if self.median is None:
            self.median = value
            return
        decay_factor = 0.5 ** (1.0 / self.half_life)
        self.scale = decay_factor * self.scale + (1.0 - decay_factor) * abs(value - self.median)
        step = _STEP * self.scale
        moved = self.level + step * (float(value > self.level) - self.exceedance)
        self.level = min(max(moved, self.lower), self.upper)
        self.median += step * (float(value > self.median) - _MEDIAN_EXCEEDANCE)
