"""One verdict on a whole universe, for those who only want tiers and scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from poise.domain.prices import PricePanel
from poise.typing import Times
from poise.universe.observations import AssetObservation, observe_assets
from poise.universe.quality import quality_scores
from poise.universe.tiers import TierAssignment, assign_tiers


@dataclass(frozen=True)
class UniverseJudgement:
    """Quality and tiers of a universe at one time.

    Attributes
    ----------
    observations : tuple of AssetObservation
    quality : mapping of str to float
        0 to 1, NaN where too little is known.
    assignments : mapping of str to TierAssignment
    """

    observations: tuple[AssetObservation, ...]
    quality: Mapping[str, float]
    assignments: Mapping[str, TierAssignment]

    @property
    def tiers(self) -> dict[str, int]:
        """The tiers of the assets that have one."""
        return {symbol: a.tier for symbol, a in self.assignments.items() if a.tier is not None}

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the verdict rests on where that is thin: ``untiered: ...``, ``declared: ...``."""
        found = []
        unknown = [s for s, a in self.assignments.items() if a.reason.startswith("untiered")]
        if unknown:
            shown = ", ".join(unknown[:3]) + (f" and {len(unknown) - 3} more" if len(unknown) > 3 else "")
            found.append(
                f"untiered: size or volume unknown for {shown}; they follow tier 1's rules; "
                "pass market_caps and volumes to have them tiered"
            )
        if any(o.declared for o in self.observations):
            found.append(
                "declared: tiers, costs and limits rest on declared figures for size, volume and spread; "
                "pass measured ones to replace them"
            )
        return tuple(found)


def judge_universe(
    panel: PricePanel,
    *,
    previous: Mapping[str, int | None] | None = None,
    listed: Times | None = None,
) -> UniverseJudgement:
    """Observe, score and tier every asset of `panel` at its last bar.

    Parameters
    ----------
    panel : PricePanel
        Daily bars; declared figures come from its asset table.
    previous : mapping of str to int or None, optional
        Tiers so far; an asset leaves a tier later than it enters.
    listed : ndarray of datetime64, shape (n_assets,), optional
        As for :func:`poise.universe.observe_assets`.
    """
    observations = observe_assets(panel, listed=listed)
    quality = quality_scores(observations)
    return UniverseJudgement(observations, quality, assign_tiers(observations, quality, previous=previous))
