"""Know the assets: observe, score, tier, group by sector."""

from poise.universe.follower import UniverseFollower
from poise.universe.judgement import UniverseJudgement, judge_universe
from poise.universe.observations import AssetObservation, observe_assets
from poise.universe.quality import quality_scores
from poise.universe.tiers import TIERS, TierAssignment, assign_tiers

__all__ = [
    "TIERS",
    "AssetObservation",
    "TierAssignment",
    "UniverseFollower",
    "UniverseJudgement",
    "assign_tiers",
    "judge_universe",
    "observe_assets",
    "quality_scores",
]
