"""What no target weight may exceed: position, tier and liquidity caps, and those of sectors and clusters."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from poise.errors import NonFiniteError, ParameterError, ShapeError, ZeroValueError
from poise.strategy.clusters import correlation_clusters
from poise.strategy.rules import PolicyRules
from poise.strategy.water_filling import GroupCap, fill
from poise.strategy.wording import some
from poise.typing import Matrix, Vector

OTHER_SECTOR = "other"
LOWEST_TIER_PARTICIPATION = 0.5
"""In tier 3 half of the participation cap."""

_FULL = 1e-9

Mask = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True, eq=False)
class Limits:
    """Caps on weights as fractions of total value.

    Attributes
    ----------
    caps : ndarray of shape (n_assets,)
        Most of each asset; 0 where it may not be held.
    groups : tuple of GroupCap
        Sectors and clusters of highly correlated assets: members, cap, name. A sector and a cluster may
        share assets.
    first_tier : ndarray of bool, shape (n_assets,)
        Tier 1, or untiered.
    notes : tuple of str
        What was tightened or could not be checked, in words.
    symbols, cap_names : tuple of str
        Whose caps they are, and what set each.
    """

    caps: Vector
    groups: tuple[GroupCap, ...]
    first_tier: Mask
    notes: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()
    cap_names: tuple[str, ...] = ()

    @property
    def capacity(self) -> float:
        """What can be invested under all caps, filling assets alike."""
        return math.fsum(self.fill(np.ones(len(self.caps)), math.fsum(self.caps)))

    def fill(self, shape: Vector, total: float) -> Vector:
        """Return weights in proportion to `shape` under all caps that sum to `total`, or to what fits."""
        return fill(shape, self.caps, total, groups=self.groups)

    def stretched(self, factor: float) -> Limits:
        """Return the limits of a book that will be scaled down by `factor` afterwards; none above 1."""
        return Limits(
            np.minimum(1.0, self.caps * factor),
            tuple(group._replace(cap=min(1.0, group.cap * factor)) for group in self.groups),
            self.first_tier,
        )

    def restricted(self, allowed: Mask) -> Limits:
        """Return the limits with nothing outside `allowed`."""
        return replace(self, caps=np.where(allowed, self.caps, 0.0))

    def binding(self, weights: Vector) -> tuple[str, ...]:
        """Name every cap that `weights` stand at: ``limit sector bank: 50.0% held of 50.0%``."""
        lines = [
            f"limit {group.name}: {math.fsum(weights[group.members]):.1%} held of {group.cap:.1%}"
            for group in self.groups
            if _reached(math.fsum(weights[group.members]), group.cap)
        ]
        full: dict[tuple[str, str], list[str]] = {}
        for symbol, name, weight, cap in zip(self.symbols, self.cap_names, weights, self.caps, strict=True):
            if _reached(float(weight), float(cap)):
                full.setdefault((name, f"{cap:.1%}"), []).append(symbol)
        return (*(f"limit {name}: {some(held)} at {cap}" for (name, cap), held in full.items()), *lines)


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
    correlation: Matrix | None = None,
) -> Limits:
    """Compute the caps of every asset, sector and cluster.

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
        Probability of that regime: caps of positions and clusters shrink by up to 30 %.
    discovered : bool, default=False
        Whether the universe was discovered, not chosen by the caller.
    correlation : ndarray of shape (n_assets, n_assets), optional
        Groups of assets of which every pair is correlated by 0.8 or more are one bet and count together
        under the cluster cap. NaN where a pair is unknown, which is no bet. Without it there is no such cap.

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
    names = [
        f"tier {t}" if t is not None and rules.tier_caps[t] < rules.max_position_size else "position size"
        for t in tier
    ]
    notes = []
    # Less than half a percent would read as nothing.
    if tightening < 0.995:
        notes.append(f"high volatility {high_volatility:.0%}: position and cluster caps x {tightening:.2f}")
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
        names = ["liquidity" if s in tight else name for s, name in zip(symbols, names, strict=True)]
        caps = np.minimum(caps, liquidity)
    return Limits(
        caps=caps,
        groups=(
            *_sector_caps(symbols, sectors, rules, discovered=discovered),
            *_cluster_caps(symbols, correlation, rules, tightening),
        ),
        first_tier=np.array([t in {None, 1} for t in tier], dtype=bool),
        notes=tuple(notes),
        symbols=symbols,
        cap_names=tuple(names),
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
) -> tuple[GroupCap, ...]:
    if sectors is None:
        return ()
    groups: dict[str, list[int]] = {}
    for i, symbol in enumerate(symbols):
        groups.setdefault(sectors.get(symbol, OTHER_SECTOR), []).append(i)
    capped = []
    for name, members in groups.items():
        if name != OTHER_SECTOR or discovered:
            cap = rules.sector_cap if name != OTHER_SECTOR else min(rules.sector_cap, rules.other_sector_cap)
            capped.append(GroupCap(np.array(members, dtype=np.intp), cap, f"sector {name}"))
    return tuple(capped)


def _cluster_caps(
    symbols: tuple[str, ...], correlation: Matrix | None, rules: PolicyRules, tightening: float
) -> tuple[GroupCap, ...]:
    if correlation is None or rules.cluster_cap >= 1.0:
        return ()
    if correlation.shape != (len(symbols), len(symbols)):
        raise ShapeError(
            f"correlation has shape {correlation.shape}, expected ({len(symbols)}, {len(symbols)})"
        )
    found = correlation_clusters(correlation, threshold=rules.cluster_correlation)
    return tuple(
        GroupCap(members, rules.cluster_cap * tightening, f"cluster of {some([symbols[i] for i in members])}")
        for members in found
    )


def _reached(weight: float, cap: float) -> bool:
    """Whether a cap that leaves room for something is used up but for rounding."""
    return cap > 0.0 and weight >= cap * (1.0 - _FULL)
