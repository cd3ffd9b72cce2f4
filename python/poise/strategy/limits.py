"""What no target weight may exceed: position, tier, liquidity and sector caps."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from poise.errors import NonFiniteError, ParameterError, ShapeError, ZeroValueError
from poise.strategy.rules import PolicyRules
from poise.strategy.water_filling import Members, fill
from poise.strategy.wording import some
from poise.typing import Vector

OTHER_SECTOR = "other"
LOWEST_TIER_PARTICIPATION = 0.5
"""In tier 3 half of the participation cap."""

Mask = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True, eq=False)
class Limits:
    """Caps on weights as fractions of total value.

    Attributes
    ----------
    caps : ndarray of shape (n_assets,)
        Most of each asset; 0 where it may not be held.
    sectors : tuple of (ndarray of int, float)
        Members of each capped sector and the most that they may hold together.
    first_tier : ndarray of bool, shape (n_assets,)
        Tier 1, or untiered.
    notes : tuple of str
        What was tightened or could not be checked, in words.
    """

    caps: Vector
    sectors: tuple[tuple[Members, float], ...]
    first_tier: Mask
    notes: tuple[str, ...] = ()

    @property
    def capacity(self) -> float:
        """The most that can be invested under all caps."""
        return math.fsum(self.fill(np.ones(len(self.caps)), math.fsum(self.caps)))

    def fill(self, shape: Vector, total: float) -> Vector:
        """Return weights in proportion to `shape` under all caps that sum to `total`, or to what fits."""
        return fill(shape, self.caps, total, sectors=self.sectors)

    def stretched(self, factor: float) -> Limits:
        """Return the limits of a book that will be scaled down by `factor` afterwards; none above 1."""
        return Limits(
            np.minimum(1.0, self.caps * factor),
            tuple((members, min(1.0, cap * factor)) for members, cap in self.sectors),
            self.first_tier,
        )

    def restricted(self, allowed: Mask) -> Limits:
        """Return the limits with nothing outside `allowed`."""
        return Limits(np.where(allowed, self.caps, 0.0), self.sectors, self.first_tier, self.notes)


def position_limits(
    symbols: tuple[str, ...],
    rules: PolicyRules,
    *,
    tiers: Mapping[str, int | None] | None = None,
    sectors: Mapping[str, str] | None = None,
    total_value: float | None = None,
    dollar_volume: Vector | None = None,
    high_volatility: float = 0.0,
    discovered: bool = False,
) -> Limits:
    """Compute the caps of every asset and sector.

    Parameters
    ----------
    symbols : tuple of str
    rules : PolicyRules
    tiers : mapping of str to int, optional
        1 to 3 by symbol; None or left out: untiered, follows tier 1's rules.
    sectors : mapping of str to str, optional
        Without it there is no sector cap. A symbol without a sector belongs to ``other``, which is
        capped (at 10 %) only in a discovered universe.
    total_value : float, optional
        Dollars; with `dollar_volume` it sets the liquidity cap.
    dollar_volume : ndarray of shape (n_assets,), optional
        A day's dollars; NaN where unknown: participation is then unchecked, and said so.
    high_volatility : float, default=0
        Probability of that regime: position caps shrink by up to 30 %.
    discovered : bool, default=False
        Whether the universe was discovered, not chosen by the caller.

    Raises
    ------
    ParameterError
        If a tier is not 1, 2 or 3.
    ZeroValueError
        If `total_value` is not positive.
    ShapeError, NonFiniteError
        If there is not one dollar volume per symbol, or one is negative or infinite.
    """
    tier = [(tiers or {}).get(s) for s in symbols]
    for symbol, number in zip(symbols, tier, strict=True):
        if number not in {None, 1, 2, 3}:
            raise ParameterError(f"tier of {symbol} is {number!r}; pass 1, 2, 3 or None for untiered")
    by_tier = np.array([rules.tier_caps[t or 1] for t in tier])
    tightening = 1.0 - (1.0 - rules.high_volatility_tightening) * high_volatility
    caps = np.minimum(by_tier, rules.max_position_size) * tightening
    notes = []
    # Less than half a percent would read as nothing.
    if tightening < 0.995:
        notes.append(f"high volatility {high_volatility:.0%}: position caps times {tightening:.2f}")
    if total_value is not None and not total_value > 0.0:
        raise ZeroValueError(
            f"total value is {total_value}; weights need a positive value, add cash or positions"
        )
    if total_value is not None and dollar_volume is not None:
        liquidity, liquidity_notes = _liquidity_caps(symbols, tier, rules, total_value, dollar_volume)
        notes.extend(liquidity_notes)
        tight = [s for s, low in zip(symbols, liquidity < caps, strict=True) if low]
        if tight:
            notes.append(
                f"liquidity: {some(tight)} capped by {rules.participation_cap:.0%} of a day's volume"
            )
        caps = np.minimum(caps, liquidity)
    return Limits(
        caps=caps,
        sectors=_sector_caps(symbols, sectors, rules, discovered=discovered),
        first_tier=np.array([t in {None, 1} for t in tier], dtype=bool),
        notes=tuple(notes),
    )


def _liquidity_caps(
    symbols: tuple[str, ...],
    tier: Sequence[int | None],
    rules: PolicyRules,
    total_value: float,
    dollar_volume: Vector,
) -> tuple[Vector, list[str]]:
    volume = np.asarray(dollar_volume, dtype=np.float64)
    if volume.shape != (len(symbols),):
        raise ShapeError(
            f"dollar_volume has shape {volume.shape}, expected ({len(symbols)},); one value per symbol"
        )
    bad = np.isinf(volume) | (volume < 0.0)
    if bad.any():
        i = int(np.argmax(bad))
        raise NonFiniteError(
            f"dollar volume of {symbols[i]} is {volume[i]}; pass dollars a day, NaN if unknown"
        )
    participation = rules.participation_cap * np.array(
        [LOWEST_TIER_PARTICIPATION if t == 3 else 1.0 for t in tier]
    )
    caps = np.where(np.isnan(volume), np.inf, participation * volume / total_value)
    unknown = [s for s, v in zip(symbols, volume, strict=True) if math.isnan(v)]
    notes = [f"liquidity_unknown: no dollar volume of {some(unknown)}; participation unchecked"]
    return caps, notes if unknown else []


def _sector_caps(
    symbols: tuple[str, ...], sectors: Mapping[str, str] | None, rules: PolicyRules, *, discovered: bool
) -> tuple[tuple[Members, float], ...]:
    if sectors is None:
        return ()
    groups: dict[str, list[int]] = {}
    for i, symbol in enumerate(symbols):
        groups.setdefault(sectors.get(symbol, OTHER_SECTOR), []).append(i)
    capped = []
    for name, members in groups.items():
        if name != OTHER_SECTOR:
            capped.append((np.array(members, dtype=np.intp), rules.sector_cap))
        elif discovered:
            capped.append((np.array(members, dtype=np.intp), min(rules.sector_cap, rules.other_sector_cap)))
    return tuple(capped)
