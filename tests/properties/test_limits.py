"""Limits held against the rules worked out by hand: in every regime and blend, and over a day of trading."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poise.costs import CostModel
from poise.domain.proposals import Trigger
from poise.domain.regime import RegimeState
from poise.rebalancing import LotRules, RebalanceEngine, RebalanceRules
from poise.rebalancing.readings import fired, quiet
from poise.strategy import OutlookEstimator, Policy, PolicyRules, position_limits
from poise.strategy.regime_limits import regime_limits
from poise.strategy.tail_budget import SHORTFALL_MULTIPLE
from poise.typing import REGIME_LABELS
from tests.reference.rebalancing import book, quadratic_form
from tests.tolerances import SUM

FEW = settings(max_examples=60, deadline=None)
VALUE = 1e6
GROSS = {"bull": 1.0, "bear": 0.4, "sideways": 0.8, "high_volatility": 0.35}
STEP = 0.1
PURCHASES = {"bull": 1.0, "bear": 0.75, "sideways": 1.0, "high_volatility": 0.5}
TAIL = {"bull": 1.0, "bear": 0.75, "sideways": 1.0, "high_volatility": 0.6}
TIER_CAPS = {None: 0.35, 1: 0.35, 2: 0.20, 3: 0.05}


def blended(table, regime):
    return math.fsum(p * table[label] for label, p in regime.probabilities.items())


@st.composite
def regimes(draw):
    """A certain regime, two in doubt, or any blend."""
    shares = [0.0 if draw(st.booleans()) else draw(st.floats(0.01, 1.0)) for _ in REGIME_LABELS]
    if not any(shares):
        shares[draw(st.integers(0, 3))] = 1.0
    total = math.fsum(shares)
    values = {label: share / total for label, share in zip(REGIME_LABELS, shares, strict=True)}
    return RegimeState(max(values, key=values.get), values, 0.8, 5, 20.0)


@st.composite
def universes(draw):
    """Families of assets that move together, and some that do not; tiers, sectors and volumes of any kind."""
    n_assets = draw(st.integers(2, 10))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    family = np.array([draw(st.integers(0, 2)) for _ in range(n_assets)])
    common = rng.normal(0.0, 0.03, (150, 3))
    own = draw(st.sampled_from([0.0, 0.001, 0.008, 0.02]))
    returns = common[:, family] + own * rng.normal(size=(150, n_assets))
    symbols = tuple(f"S{i}" for i in range(n_assets))
    outlook = OutlookEstimator(symbols).fit(np.expm1(returns)).outlook()
    tiers = {s: draw(st.sampled_from([None, 1, 2, 3])) for s in symbols}
    sectors = {s: draw(st.sampled_from(["x", "y"])) for s in symbols}
    volume = np.array([draw(st.sampled_from([math.nan, 0.0, 1e5, 2e6, 1e10])) for _ in symbols])
    return outlook, tiers, sectors, volume


def cliques(correlation, threshold):
    """Groups all of whose pairs reach the threshold and none with an outsider: one bet, however joined."""
    near = correlation >= threshold
    left, found = set(range(len(near))), []
    while left:
        group, grown = {min(left)}, set()
        while group != grown:
            grown = set(group)
            group |= {int(j) for i in grown for j in np.flatnonzero(near[i])}
        left -= group
        members = sorted(group)
        if len(members) > 1 and all(near[i, j] for i in members for j in members if i != j):
            found.append(members)
    return found


@FEW
@given(
    universe=universes(),
    regime=regimes(),
    exposure=st.sampled_from([0.1, 0.7, 1.0]),
    position=st.sampled_from([0.08, 0.35, 1.0]),
    cluster=st.sampled_from([0.1, 0.5, 0.9]),
    sector=st.sampled_from([0.2, 0.5, 1.0]),
    budget=st.sampled_from([0.005, 0.1]),
)
def test_the_final_weights_keep_every_cap_worked_out_by_hand(
    universe, regime, exposure, position, cluster, sector, budget
):
    outlook, tiers, sectors, volume = universe
    rules = PolicyRules(
        max_position_size=position, cluster_cap=cluster, sector_cap=sector, shortfall_budget=budget
    )
    target = Policy(rules).decide(
        outlook,
        None,
        regime,
        exposure,
        tiers=tiers,
        sectors=sectors,
        total_value=VALUE,
        dollar_volume=volume,
    )
    weights = [target.weights[s] for s in outlook.symbols]
    tightening = 1.0 - 0.3 * regime.probabilities["high_volatility"]
    for symbol, weight, dollars in zip(outlook.symbols, weights, volume, strict=True):
        tier = tiers[symbol]
        assert 0.0 <= weight <= min(position, TIER_CAPS[tier]) * tightening * (1.0 + 1e-12)
        if not math.isnan(dollars):
            assert weight * VALUE <= 0.1 * dollars * (0.5 if tier == 3 else 1.0) * (1.0 + 1e-12)
    for name in ("x", "y"):
        assert (
            math.fsum(w for s, w in zip(outlook.symbols, weights, strict=True) if sectors[s] == name)
            <= sector
        )
    for members in cliques(outlook.correlation, 0.8):
        assert math.fsum(weights[i] for i in members) <= cluster * tightening * (1.0 + 1e-12)
    assert math.fsum(weights) <= min(exposure, blended(GROSS, regime) + STEP) + SUM
    shortfall = SHORTFALL_MULTIPLE * math.sqrt(quadratic_form(weights, outlook.covariance))
    assert shortfall <= budget * blended(TAIL, regime) * (1.0 + 1e-9)
    assert target.max_purchases == pytest.approx(0.5 * blended(PURCHASES, regime))


@FEW
@given(universe=universes())
def test_what_is_one_bet_is_one_group_and_no_asset_in_two(universe):
    outlook, _, _, _ = universe
    limits = position_limits(outlook.symbols, PolicyRules(), correlation=outlook.correlation)
    groups = [group.members.tolist() for group in limits.groups if group.name.startswith("cluster")]
    assert len({i for g in groups for i in g}) == sum(map(len, groups))
    for members in cliques(outlook.correlation, 0.8):
        assert members in groups
    for members in groups:
        assert all(outlook.correlation[i, j] >= 0.8 for i in members for j in members if i != j)


@FEW
@given(
    regime=regimes(),
    moved=st.floats(0.0, 1.0),
    volume=st.sampled_from([1e5, 1e10]),
)
def test_more_high_volatility_never_loosens_a_limit(regime, moved, volume):
    calm = dict(regime.probabilities)
    rough = dict(calm)
    for label in ("bull", "sideways"):
        taken = moved * calm[label]
        rough[label] -= taken
        rough["high_volatility"] += taken
    rules = PolicyRules()
    before, after = regime_limits(rules, calm), regime_limits(rules, rough)
    for name in ("gross", "purchases", "shortfall"):
        assert getattr(after, name) <= getattr(before, name) + SUM
    correlation = np.full((3, 3), 0.9) + 0.1 * np.eye(3)
    loose, strict = (
        position_limits(
            ("A", "B", "C"),
            rules,
            total_value=VALUE,
            dollar_volume=np.full(3, volume),
            high_volatility=probabilities["high_volatility"],
            correlation=correlation,
        )
        for probabilities in (calm, rough)
    )
    assert (strict.caps <= loose.caps + SUM).all()
    assert strict.groups[0].cap <= loose.groups[0].cap + SUM


CRITICAL = tuple(
    fired(t, "it is called", severity=3.0, value=1.0, threshold=1.0)
    if t is Trigger.TIME
    else quiet(t, "calm", value=0.0, threshold=1.0)
    for t in Trigger
)


@FEW
@given(
    seed=st.integers(0, 2**32 - 1),
    daily=st.sampled_from([0.1, 0.3, 0.5]),
    allowed=st.sampled_from([0.0, 0.05, 0.2, 1.0]),
    hours=st.sampled_from([1, 5, 12, 30]),
)
def test_no_24_hours_turn_over_more_than_the_day_allows(seed, daily, allowed, hours):
    rng = np.random.default_rng(seed)
    rules = RebalanceRules(max_daily_turnover=daily, min_notional=0.0, cash_buffer=0.0)
    engine = RebalanceEngine(
        rules, CostModel(fee_bps=0.0), lots=dict.fromkeys(("A0", "A1", "A2"), LotRules())
    )
    held = rng.dirichlet(np.ones(4))[:3]
    done = []
    for step in range(8):
        snapshot = book(held, rng.dirichlet(np.ones(4))[:3], days=step * hours / 24.0, value=VALUE)
        snapshot = replace(snapshot, target=replace(snapshot.target, max_purchases=allowed))
        proposals = engine.propose(snapshot, CRITICAL)
        if not proposals:
            continue
        proposal = proposals[0]
        engine.mark_executed(snapshot, proposal)
        bought = math.fsum(t.notional_usd for t in proposal.trades if t.side == "buy") / VALUE
        recent = [turnover for at, turnover in done if (step - at) * hours < 24]
        done.append((step, proposal.turnover))
        # Closing what would be dust may overshoot by less than the smallest order, 0.1 % of the book.
        spare = 3 * 1e-3
        assert proposal.turnover + math.fsum(recent) <= daily + spare
        assert bought == 0.0 or bought + math.fsum(recent) <= allowed + 1e-9
        held = held.copy()
        for trade in proposal.trades:
            held[int(trade.symbol[1])] = max(trade.weight_after, 0.0)
