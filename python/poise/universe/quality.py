"""A quality score in [0, 1] per asset, from what is known of it now."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from poise.typing import Vector
from poise.universe.observations import AssetObservation

SMALL_UNIVERSE = 30
"""Below so many assets ranks say little; components are then read off fixed scales."""

MIN_WEIGHT_KNOWN = 0.6
MIN_INTEGRITY = 0.8


@dataclass(frozen=True)
class Component:
    """One part of the score: its weight, and where 0 and 1 lie on a logarithmic or linear scale."""

    weight: float
    value: Callable[[AssetObservation], float]
    zero_at: float
    one_at: float
    logarithmic: bool = False


COMPONENTS: Mapping[str, Component] = MappingProxyType(
    {
        "liquidity": Component(0.30, lambda o: o.dollar_volume_usd, 1e4, 1e9, logarithmic=True),
        "depth": Component(0.15, lambda o: -o.amihud, -1.0, 0.0),
        "spread": Component(0.10, lambda o: -o.spread_bps, -100.0, -1.0),
        "size": Component(0.15, lambda o: o.market_cap_usd, 1e6, 1e11, logarithmic=True),
        "history": Component(0.10, lambda o: min(o.age_days, 730.0), 0.0, 730.0),
        "stability": Component(
            0.10, lambda o: -(o.volatility_of_volatility + 5.0 * o.cvar_95), zero_at=-2.0, one_at=0.0
        ),
        "efficiency": Component(0.05, lambda o: -abs(o.variance_ratio_5 - 1.0), -0.5, 0.0),
        "integrity": Component(0.05, lambda o: o.integrity, MIN_INTEGRITY, 1.0),
    }
)


def quality_scores(observations: Sequence[AssetObservation]) -> dict[str, float]:
    """Return a score in [0, 1] by symbol.

    Each component is a mid-rank percentile in the universe, or with fewer than 30 assets its place
    between two fixed anchors; the score is their weighted mean over what is known. An asset that is not
    alive, or with more than a fifth of its recent closes missing or unchanged, scores 0. Where components
    of less than 60 % of the weight are known the score is NaN: untierable.
    """
    scale = _anchored if len(observations) < SMALL_UNIVERSE else _ranked
    columns = {name: scale(part, observations) for name, part in COMPONENTS.items()}
    scores = {}
    for i, observation in enumerate(observations):
        known = {name: float(column[i]) for name, column in columns.items() if math.isfinite(column[i])}
        weight = math.fsum(COMPONENTS[name].weight for name in known)
        if weight < MIN_WEIGHT_KNOWN:
            scores[observation.symbol] = math.nan
            continue
        passes = observation.alive and not observation.integrity < MIN_INTEGRITY
        total = math.fsum(COMPONENTS[name].weight * value for name, value in known.items())
        scores[observation.symbol] = total / weight if passes else 0.0
    return scores


def _anchored(part: Component, observations: Sequence[AssetObservation]) -> Vector:
    values = np.array([part.value(o) for o in observations])
    zero, one = part.zero_at, part.one_at
    if part.logarithmic:
        with np.errstate(divide="ignore", invalid="ignore"):
            values = np.log(values)
        zero, one = math.log(zero), math.log(one)
    return np.clip((values - zero) / (one - zero), 0.0, 1.0)


def _ranked(part: Component, observations: Sequence[AssetObservation]) -> Vector:
    values = np.array([part.value(o) for o in observations])
    known = values[np.isfinite(values)]
    below = (known[None, :] < values[:, None]).sum(axis=1)
    equal = (known[None, :] == values[:, None]).sum(axis=1)
    ranks = (below + 0.5 * equal) / max(len(known), 1)
    return np.where(np.isfinite(values), ranks, np.nan)
