"""The filters: which signals are strong, lasting, fresh and dear enough to act on, and why not."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from poise.domain.proposals import Signal
from poise.strategy.conflicts import Conflicts
from poise.strategy.regime_rules import FACTORS
from poise.typing import Matrix, Vector
from poise.universe.tiers import TIERS

MIN_SCORE = 0.25
MAX_AGE_BARS = 2
EDGE_OVER_COST = 2.0

LOWEST_TIER = 3
"""What belongs to no tier trades at least what the lowest one asks for."""


class Strength(NamedTuple):
    """One asset's signal in numbers: the score before and after damping, its confidence and validation."""

    score: float
    damped: float
    confidence: float
    validation: float


@dataclass(frozen=True, eq=False)
class Checks:
    """What the filters look at, per asset.

    Attributes
    ----------
    symbols : tuple of str
    score : ndarray of shape (n_assets,)
        Before damping.
    conflicts : Conflicts
    correlation : ndarray of shape (n_assets, n_assets) or None
    before : ndarray of shape (n_assets,)
        Score of a bar ago.
    age : ndarray of int, shape (n_assets,)
        Bars since the last price.
    coverage : ndarray of shape (n_assets,)
        Share of the factor weights that had data.
    allowed : ndarray of bool, shape (n_assets,)
        Which may be held.
    edge : ndarray of shape (n_assets,)
        Expected gain over the holding period, a fraction.
    cost : ndarray of shape (n_assets,) or None
        Of a round trip, a fraction; NaN where unknown.
    skilled : bool
        False where every factor with a weight, or their combination, was judged and has known nothing.
    tiers : tuple of (int or None)
        None: untiered, held to the lowest tier's liquidity.
    dollar_volume : ndarray of shape (n_assets,) or None
        A day's dollars, NaN where unknown: then liquidity is unchecked, and said so.
    """

    symbols: tuple[str, ...]
    score: Vector
    conflicts: Conflicts
    correlation: Matrix | None
    before: Vector
    age: np.ndarray[Any, np.dtype[np.int64]]
    coverage: Vector
    allowed: np.ndarray[Any, np.dtype[np.bool_]]
    edge: Vector
    cost: Vector | None
    skilled: bool = True
    tiers: tuple[int | None, ...] = ()
    dollar_volume: Vector | None = None

    def cuts(self, i: int) -> list[str]:
        """Return why the signal of asset `i` is cut; empty when it is kept."""
        if not self.skilled:
            return ["the scores have shown no skill (no information coefficient above 0)"]
        if not self.coverage[i] > 0.0:
            return ["no factor has enough history (coverage 0)"]
        found = []
        if not self.allowed[i]:
            found.append("may not be held")
        if self.age[i] > MAX_AGE_BARS:
            found.append(f"last price is {self.age[i]} bars old, {MAX_AGE_BARS} are allowed")
        found.extend(self._illiquid(i))
        left = abs(self.score[i]) * self.conflicts.damping[i]
        if left < MIN_SCORE:
            found.append(f"|score| {left:.2f} below {MIN_SCORE}")
        elif np.sign(self.score[i]) != np.sign(self.before[i]):
            found.append(f"sign is new: {self.score[i]:+.2f} after {self.before[i]:+.2f} a bar ago")
        if self.cost is not None and self.edge[i] < EDGE_OVER_COST * self.cost[i]:
            found.append(
                f"edge {self.edge[i]:.2%} below {EDGE_OVER_COST:g} x round trip of {self.cost[i]:.2%}"
            )
        return found

    def _illiquid(self, i: int) -> list[str]:
        """Say so where asset `i` trades less than its tier may sink to before an asset leaves it."""
        if self.dollar_volume is None:
            return []
        tier = self.tiers[i]
        least = TIERS[tier or LOWEST_TIER].leave_volume
        # An unknown volume is not below anything.
        if not self.dollar_volume[i] < least:
            return []
        rule = f"tier {tier}" if tier else f"even the lowest tier ({LOWEST_TIER})"
        return [f"trades ${self.dollar_volume[i]:,.0f} a day, {rule} asks for ${least:,.0f}"]

    def remarks(self, i: int) -> list[str]:
        """Return what damped the signal of asset `i` or could not be checked, in words."""
        found = []
        other = int(self.conflicts.opponent[i])
        if other >= 0 and self.correlation is not None:
            found.append(
                f"damped from {self.score[i]:+.2f} to {self.score[i] * self.conflicts.damping[i]:+.2f}: "
                f"{self.symbols[other]} (correlation {self.correlation[i, other]:+.2f}) "
                f"says {self.score[other]:+.2f}"
            )
        if self.dollar_volume is not None and math.isnan(self.dollar_volume[i]):
            found.append("liquidity unknown, unchecked")
        return found


def signal_of(
    symbol: str, factors: Vector, strength: Strength, cuts: list[str], remarks: list[str]
) -> Signal:
    """Put one asset's signal into words; a cut one is neutral but keeps what was measured."""
    measured = {name: float(value) for name, value in zip(FACTORS, factors, strict=True)}
    unknown = [name.replace("_", " ") for name, value in measured.items() if math.isnan(value)]
    parts = [
        f"cut: {'; '.join(cuts)}"
        if cuts
        else f"kept: score {strength.damped:+.2f}, validation {strength.validation:.2f}, "
        f"confidence {strength.confidence:.2f}"
    ]
    parts.extend(remarks)
    if unknown:
        parts.append(f"neutral for want of data: {', '.join(unknown)}")
    return Signal(
        symbol=symbol,
        score=0.0 if cuts else strength.damped,
        confidence=0.0 if cuts else strength.confidence,
        factors={**measured, "combined": strength.score},
        reason="; ".join(parts),
    )
