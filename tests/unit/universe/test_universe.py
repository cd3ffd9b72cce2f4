"""Quality and tiers from what is known at the last bar."""

import dataclasses
import math

import numpy as np
import pytest

from poise.testing import perturb_future, simulated_market
from poise.universe import AssetObservation, assign_tiers, observe_assets, quality_scores

GOOD = AssetObservation(
    symbol="GOOD",
    dollar_volume_usd=2e9,
    amihud=1e-5,
    spread_bps=1.0,
    market_cap_usd=2e11,
    age_days=1500.0,
    volatility_of_volatility=0.2,
    cvar_95=0.02,
    variance_ratio_5=1.0,
    integrity=1.0,
    alive=True,
    declared=False,
)


def variant(**changes: object) -> AssetObservation:
    return dataclasses.replace(GOOD, **changes)


def test_a_perfect_asset_scores_near_one_and_lands_in_tier_one() -> None:
    quality = quality_scores([GOOD])
    assert quality["GOOD"] > 0.95
    assignment = assign_tiers([GOOD], quality)["GOOD"]
    assert assignment.tier == 1
    assert "cap rank 1" in assignment.reason


@pytest.mark.parametrize(
    "worse",
    [
        {"dollar_volume_usd": 1e6},
        {"amihud": 0.5},
        {"spread_bps": 60.0},
        {"market_cap_usd": 1e8},
        {"age_days": 100.0},
        {"volatility_of_volatility": 1.5},
        {"cvar_95": 0.2},
        {"variance_ratio_5": 0.6},
        {"integrity": 0.85},
    ],
)
def test_each_component_lowers_the_score(worse: dict[str, object]) -> None:
    assert quality_scores([variant(**worse)])["GOOD"] < quality_scores([GOOD])["GOOD"]


def test_a_dead_or_patchy_asset_scores_zero() -> None:
    assert quality_scores([variant(alive=False)])["GOOD"] == 0.0
    assert quality_scores([variant(integrity=0.5)])["GOOD"] == 0.0


def test_too_little_known_is_nan_and_untiered_never_zero() -> None:
    bare = variant(dollar_volume_usd=math.nan, amihud=math.nan, spread_bps=math.nan, market_cap_usd=math.nan)
    quality = quality_scores([bare])
    assert math.isnan(quality["GOOD"])
    assignment = assign_tiers([bare], quality)["GOOD"]
    assert assignment.tier is None
    assert "untiered" in assignment.reason


def test_ranks_are_used_from_thirty_assets_on_and_ties_share_their_rank() -> None:
    many = [variant(symbol=f"A{i}", market_cap_usd=1e9 * (i + 1)) for i in range(30)]
    quality = quality_scores(many)
    ordered = [quality[f"A{i}"] for i in range(30)]
    assert ordered == sorted(ordered)
    twins = [variant(symbol=f"T{i}") for i in range(40)]
    assert list(quality_scores(twins).values()) == pytest.approx([0.5] * 40)


@pytest.mark.parametrize(
    ("change", "tier"),
    [
        ({}, 1),
        ({"dollar_volume_usd": 90e6}, 2),
        ({"dollar_volume_usd": 9e6}, 3),
        ({"dollar_volume_usd": 0.9e6}, None),
        ({"age_days": 200.0}, 2),
        ({"age_days": 50.0}, None),
        ({"market_cap_usd": math.nan}, None),
    ],
)
def test_thresholds_of_the_specification(change: dict[str, object], tier: int | None) -> None:
    asset = variant(**change)
    assert assign_tiers([asset], {"GOOD": 0.95})["GOOD"].tier == tier


def test_an_asset_leaves_a_tier_later_than_it_enters() -> None:
    sinking = variant(dollar_volume_usd=80e6)
    quality = {"GOOD": 0.75}
    assert assign_tiers([sinking], quality)["GOOD"].tier == 2
    assert assign_tiers([sinking], quality, previous={"GOOD": 1})["GOOD"].tier == 1
    gone = variant(dollar_volume_usd=60e6)
    assert assign_tiers([gone], quality, previous={"GOOD": 1})["GOOD"].tier == 2


def test_observations_use_nothing_after_the_last_bar() -> None:
    panel = simulated_market(seed=7, days=400, late_listings=2).panel
    cut = panel.rows(0, 300)
    changed = perturb_future(panel, 299, rng=np.random.default_rng(1)).rows(0, 300)
    assert observe_assets(cut) == observe_assets(changed)


def test_observations_of_a_simulated_market() -> None:
    market = simulated_market(seed=7, days=400, late_listings=1, delisted=True)
    by_symbol = {o.symbol: o for o in observe_assets(market.panel)}
    last = market.symbols[-1]
    assert by_symbol[last].age_days < by_symbol[market.symbols[0]].age_days == 400.0
    assert not by_symbol[market.symbols[1]].alive
    assert by_symbol[market.symbols[0]].dollar_volume_usd > 1e9
    assert 0.0 < by_symbol[market.symbols[0]].cvar_95 < 1.0
