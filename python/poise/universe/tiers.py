"""The specification's three tiers, with a margin before an asset drops out of one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from poise.universe.observations import AssetObservation


@dataclass(frozen=True)
class TierRule:
    """What an asset must exceed to enter a tier, and what it may sink to before it leaves.

    Ranks are by market cap, 1 the largest; volumes are dollars a day; history is days of bars.
    """

    enter_rank: int
    leave_rank: int
    enter_volume: float
    leave_volume: float
    enter_quality: float
    leave_quality: float
    history_days: float


TIERS: Mapping[int, TierRule] = MappingProxyType(
    {
        1: TierRule(10, 12, 100e6, 70e6, 0.80, 0.72, 365.0),
        2: TierRule(50, 60, 10e6, 7e6, 0.60, 0.52, 90.0),
        3: TierRule(100, 120, 1e6, 0.7e6, 0.40, 0.32, 90.0),
    }
)


@dataclass(frozen=True)
class TierAssignment:
    """The tier of one asset and why.

    Attributes
    ----------
    symbol : str
    tier : int or None
        1 to 3; None when it meets none or cannot be judged.
    quality : float
    rank : int or None
        By market cap; None without one.
    reason : str
    """

    symbol: str
    tier: int | None
    quality: float
    rank: int | None
    reason: str


def assign_tiers(
    observations: Sequence[AssetObservation],
    quality: Mapping[str, float],
    *,
    previous: Mapping[str, int | None] | None = None,
) -> dict[str, TierAssignment]:
    """Assign each asset the best tier whose rule it meets.

    Parameters
    ----------
    observations : sequence of AssetObservation
        The whole universe: ranks are within it.
    quality : mapping of str to float
        From :func:`poise.universe.quality_scores`.
    previous : mapping of str to int or None, optional
        Tiers so far: an asset stays while it meets the easier leaving thresholds.
    """
    sized = [o for o in observations if math.isfinite(o.market_cap_usd) and o.alive]
    order = sorted(sized, key=lambda o: (-o.market_cap_usd, o.symbol))
    ranks = {o.symbol: rank for rank, o in enumerate(order, start=1)}
    return {
        o.symbol: _assign(o, quality[o.symbol], ranks.get(o.symbol), (previous or {}).get(o.symbol))
        for o in observations
    }


def _assign(asset: AssetObservation, quality: float, rank: int | None, before: int | None) -> TierAssignment:
    if not asset.alive:
        return TierAssignment(asset.symbol, None, quality, rank, "no close in the last bar")
    if rank is None or not math.isfinite(asset.dollar_volume_usd):
        missing = "market cap" if rank is None else "dollar volume"
        return TierAssignment(asset.symbol, None, quality, rank, f"untiered: its {missing} is unknown")
    if not math.isfinite(quality):
        return TierAssignment(asset.symbol, None, quality, rank, "untiered: too little is known to score it")
    for tier, rule in TIERS.items():
        stays = before is not None and before <= tier
        if _meets(asset, quality, rank, rule, leaving=stays):
            declared = ", declared figures" if asset.declared else ""
            return TierAssignment(
                asset.symbol,
                tier,
                quality,
                rank,
                f"tier {tier}: cap rank {rank}, ${asset.dollar_volume_usd / 1e6:,.1f}M a day, "
                f"quality {quality:.2f}{declared}",
            )
    return TierAssignment(
        asset.symbol,
        None,
        quality,
        rank,
        f"below tier 3: cap rank {rank}, ${asset.dollar_volume_usd / 1e6:,.2f}M a day, "
        f"quality {quality:.2f}, {asset.age_days:.0f} days of history",
    )


def _meets(asset: AssetObservation, quality: float, rank: int, rule: TierRule, *, leaving: bool) -> bool:
    if leaving:
        return (
            rank <= rule.leave_rank
            and asset.dollar_volume_usd > rule.leave_volume
            and quality > rule.leave_quality
        )
    return (
        rank <= rule.enter_rank
        and asset.dollar_volume_usd > rule.enter_volume
        and quality > rule.enter_quality
        and asset.age_days >= rule.history_days
    )
