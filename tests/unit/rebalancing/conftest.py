import numpy as np
import pytest

from poise.costs import CostModel
from poise.rebalancing import RebalanceEngine, RebalanceRules


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20210301)


@pytest.fixture
def costs() -> CostModel:
    """15 basis points one way on a 10 bp spread, no impact: hand-computable."""
    return CostModel(fee_bps=10.0, default_spread_bps=10.0, impact_coefficient=0.0, participation_cap=0.1)


@pytest.fixture
def rules() -> RebalanceRules:
    return RebalanceRules(max_daily_turnover=1.0, cash_buffer=0.0)


@pytest.fixture
def engine(rules: RebalanceRules, costs: CostModel) -> RebalanceEngine:
    return RebalanceEngine(rules, costs)
