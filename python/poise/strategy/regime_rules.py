"""What each regime asks for: factor weights and exposure caps, blended by the regime's probabilities."""

from __future__ import annotations

import math
from operator import mul
from types import MappingProxyType

import numpy as np

from poise.domain.regime import RegimeState
from poise.errors import ParameterError
from poise.typing import REGIME_LABELS, RegimeLabel, Vector

FACTORS = ("momentum", "mean_reversion", "quality", "diversification")
"""Order of every vector of factor weights."""

FACTOR_WEIGHTS: MappingProxyType[RegimeLabel, tuple[float, float, float, float]] = MappingProxyType(
    {
        "bull": (0.5, 0.0, 0.2, 0.3),
        "bear": (0.3, 0.0, 0.3, 0.4),
        "sideways": (0.2, 0.3, 0.2, 0.3),
        "high_volatility": (0.1, 0.0, 0.4, 0.5),
    }
)
EXPOSURE_CAPS: MappingProxyType[RegimeLabel, float] = MappingProxyType(
    {"bull": 1.0, "bear": 0.40, "sideways": 0.80, "high_volatility": 0.35}
)
_CAPS = tuple(EXPOSURE_CAPS[label] for label in REGIME_LABELS)
EXPOSURE_STEP = 0.10
"""Exposure moves in steps of at least this, so it may stand above a falling cap by as much."""

TURNOVER_SHARES: MappingProxyType[RegimeLabel, float] = MappingProxyType(
    {"bull": 1.0, "bear": 0.75, "sideways": 1.0, "high_volatility": 0.5}
)
"""Part of the daily turnover that purchases may use."""

TAIL_SHARES: MappingProxyType[RegimeLabel, float] = MappingProxyType(
    {"bull": 1.0, "bear": 0.75, "sideways": 1.0, "high_volatility": 0.6}
)
"""Part of the tail budget that may be spent."""

NEUTRAL_MOMENTUM_WEIGHT = 0.3
NEGLIGIBLE_PROBABILITY = 1e-3

_SUM_TOLERANCE = 1e-6


def regime_probabilities(regime: RegimeState | None) -> dict[RegimeLabel, float]:
    """Return the probability of each label, those below 1e-3 dropped and the rest renormalised.

    While the detector is warming (``None``) every label is equally likely.

    Raises
    ------
    ParameterError
        If the probabilities are not a distribution over the four labels; the message gives them.
    """
    return {label: p for label, p in zip(REGIME_LABELS, _shares(regime), strict=True) if p > 0.0}


def _shares(regime: RegimeState | None) -> list[float]:
    """Return the same in the order of the labels, 0 for one that was dropped."""
    if regime is None:
        return [1.0 / len(REGIME_LABELS)] * len(REGIME_LABELS)
    given = regime.probabilities
    values = [given.get(label, 0.0) for label in REGIME_LABELS]
    # A NaN that the minimum overlooks is found in the sum.
    if not (min(values) >= 0.0 and abs(math.fsum(values) - 1.0) <= _SUM_TOLERANCE):
        raise ParameterError(
            f"regime probabilities are {dict(given)}; pass four non-negative numbers that sum to 1, "
            f"one for each of {', '.join(REGIME_LABELS)}"
        )
    likely = [p if p >= NEGLIGIBLE_PROBABILITY else 0.0 for p in values]
    total = math.fsum(likely)
    return [p / total for p in likely]


def factor_row(label: RegimeLabel, momentum_weight: float) -> Vector:
    """Return one regime's factor weights, shape ``(4,)``, sum 1, after the momentum column was scaled."""
    row = np.array(FACTOR_WEIGHTS[label])
    row[0] *= momentum_weight / NEUTRAL_MOMENTUM_WEIGHT
    scaled: Vector = row / row.sum()
    return scaled


def factor_weights(regime: RegimeState | None, momentum_weight: float) -> Vector:
    """Return the factor weights of the blended regimes, shape ``(4,)`` in the order of `FACTORS`, sum 1."""
    blend = np.zeros(len(FACTORS))
    for label, probability in regime_probabilities(regime).items():
        blend += probability * factor_row(label, momentum_weight)
    return blend


def exposure_cap(regime: RegimeState | None) -> float:
    """Return the exposure that the blended regimes allow."""
    return math.fsum(map(mul, _shares(regime), _CAPS))


def describe(probabilities: dict[RegimeLabel, float]) -> str:
    """Return the probabilities in words, most likely first."""
    ranked = sorted(probabilities.items(), key=lambda item: (-item[1], REGIME_LABELS.index(item[0])))
    return ", ".join(f"{label} {probability:.0%}" for label, probability in ranked)
