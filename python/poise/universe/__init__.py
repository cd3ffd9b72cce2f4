"""Know the assets: observe, score, tier, group by sector."""

from poise.universe.judgement import UniverseJudgement, judge_universe
from poise.universe.observations import AssetObservation, observe_assets
from poise.universe.quality import quality_scores
from poise.universe.tiers import TIERS, TierAssignment, assign_tiers

__all__ = [
    "TIERS",
    "AssetObservation",
    "TierAssignment",
    "UniverseJudgement",
    "assign_tiers",
    "judge_universe",
    "observe_assets",
    "quality_scores",
]
