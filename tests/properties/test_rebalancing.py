"""What every proposal keeps, whatever the book: no overselling, no debt, nearer to the target, no luck."""

import math
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poise.costs import CostModel
from poise.domain.proposals import Proposals, RebalanceProposal
from poise.rebalancing import BookSnapshot, LotRules, RebalanceEngine, RebalanceRules
from tests.reference.rebalancing import Ledger, book, quadratic_form, regime

CASES = settings(max_examples=100, deadline=None)
STEPS = ("1e-8", "0.001", "0.5", "1")


@st.composite
def cases(draw: st.DrawFn) -> tuple[BookSnapshot, RebalanceRules, CostModel, dict[str, LotRules]]:
    """A book, its rules, costs and lots, drawn to hurt: twins, dust, hedges, unknown and tiny markets."""
    n = draw(st.integers(1, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    symbols = [f"S{i}" for i in rng.permutation(n)]
    held = rng.dirichlet(np.full(n + 1, draw(st.sampled_from([0.2, 1.0, 5.0]))))[:n]
    target = rng.dirichlet(np.full(n + 1, draw(st.sampled_from([0.2, 1.0, 5.0]))))[:n]
    if draw(st.booleans()):
        held[:] = 0.0
    target[rng.random(n) < draw(st.sampled_from([0.0, 0.4]))] = 0.0
    loadings = rng.normal(size=(n, 2)) * 0.02
    covariance = loadings @ loadings.T + np.diag(np.full(n, draw(st.sampled_from([0.0, 1e-4]))))
    if n > 1 and draw(st.booleans()):
        loadings[1] = loadings[0]
        covariance = loadings @ loadings.T
        held[1], target[1] = held[0], target[0]
        held /= max(1.0, held.sum())
        target /= max(1.0, target.sum())
    volatility = np.sqrt(np.diag(covariance)) + 0.005
    if draw(st.booleans()):
        covariance[0, :] = covariance[:, 0] = math.nan
    prices = 10.0 ** rng.uniform(-3.0, 4.0, n)
    if n > 1:
        prices[rng.random(n) < draw(st.sampled_from([0.0, 0.2]))] = math.nan
    volume = 10.0 ** rng.uniform(4.0, 10.0, n)
    volume[rng.random(n) < 0.3] = math.nan
    snapshot = book(
        held,
        target,
        symbols=symbols,
        prices=prices,
        volatility=volatility,
        covariance=covariance,
        spread_bps=rng.uniform(0.0, 50.0, n),
        dollar_volume=volume,
        value=draw(st.sampled_from([50.0, 10_000.0, 5e6])),
        trend=rng.uniform(-1.0, 1.0, n),
        drawdown=draw(st.sampled_from([0.0, 0.2, 0.4])),
        state=regime(),
        breaches=draw(st.sampled_from([(), ("tail loss above its limit",)])),
        alpha=rng.normal(0.0, 0.002, n) if draw(st.booleans()) else None,
    )
    rules = RebalanceRules(
        max_daily_turnover=draw(st.sampled_from([0.1, 0.5, 1.0])),
        cash_buffer=draw(st.sampled_from([0.0, 0.01, 0.2])),
        min_notional=draw(st.sampled_from([0.0, 10.0])),
        max_position_size=1.0,
    )
    costs = CostModel(fee_bps=draw(st.sampled_from([0.0, 10.0, 60.0])))
    lots = {s: LotRules(step=Decimal(draw(st.sampled_from(STEPS)))) for s in symbols}
    return snapshot, rules, costs, lots


def proposed(case: tuple[BookSnapshot, RebalanceRules, CostModel, dict[str, LotRules]]) -> Proposals:
    snapshot, rules, costs, lots = case
    engine = RebalanceEngine(rules, costs, lots=lots)
    return engine.propose(snapshot, engine.observe(snapshot))


def traded_weights(snapshot: BookSnapshot, proposal: RebalanceProposal) -> np.ndarray:
    weights = dict(zip(snapshot.symbols, snapshot.weights, strict=True))
    for trade in proposal.trades:
        assert trade.weight_before == weights[trade.symbol]
        weights[trade.symbol] = trade.weight_after
    return np.array([weights[s] for s in snapshot.symbols])


def completed_covariance(snapshot: BookSnapshot) -> np.ndarray:
    """The stated substitute: a warming asset counts with its volatility, uncorrelated."""
    covariance = snapshot.conditions.covariance.copy()
    warming = np.isnan(np.diag(covariance))
    covariance[warming, :] = covariance[:, warming] = 0.0
    covariance[warming, warming] = snapshot.conditions.volatility[warming] ** 2
    return covariance


@CASES
@given(case=cases())
def test_no_overselling_and_no_debt_at_any_prefix(case) -> None:
    snapshot, rules, _, _ = case
    buffer = rules.cash_buffer * snapshot.total_value
    for proposal in proposed(case):
        states = Ledger.replay(snapshot, proposal)
        assert all(
            units >= 0.0 or units == pytest.approx(0.0, abs=1e-12)
            for s in states
            for units in s.units.values()
        )
        for trade in proposal.trades:
            assert trade.side == "buy" or trade.quantity <= snapshot.portfolio.positions[trade.symbol]
        for trade, state in zip(proposal.trades, states[1:], strict=True):
            assert state.cash >= min(snapshot.portfolio.cash, 0.0) - 1e-9 * snapshot.total_value
            if trade.side == "buy":
                assert state.cash >= buffer - 1e-9 * snapshot.total_value


@CASES
@given(case=cases())
def test_legs_are_on_their_lots_within_their_caps_and_priced_by_the_cost_model(case) -> None:
    snapshot, rules, costs, lots = case
    conditions = snapshot.conditions
    at = {s: i for i, s in enumerate(snapshot.symbols)}
    for proposal in proposed(case):
        assert proposal.trades
        assert len({t.symbol for t in proposal.trades}) == len(proposal.trades)
        sides = [t.side for t in proposal.trades]
        assert sides == sorted(sides, reverse=True), "sales first"
        for trade in proposal.trades:
            i = at[trade.symbol]
            quantity, step = Decimal(repr(trade.quantity)), lots[trade.symbol].step
            assert quantity > 0
            assert quantity % step == 0
            held = snapshot.portfolio.positions.get(trade.symbol, 0.0)
            closes = trade.side == "sell" and Decimal(repr(held)) - quantity < step
            assert closes or trade.notional_usd >= rules.smallest_leg(snapshot.total_value) * (1 - 1e-12)
            spare = rules.min_notional + 1e-9 * trade.notional_usd
            if not math.isnan(conditions.dollar_volume[i]):
                assert trade.notional_usd <= costs.participation_cap * conditions.dollar_volume[i] + spare
            estimate = costs.estimate(
                trade.notional_usd,
                spread_bps=conditions.spread_bps[i],
                daily_volatility=math.sqrt(completed_covariance(snapshot)[i, i]),
                dollar_volume=conditions.dollar_volume[i],
            )
            assert trade.expected_cost_usd == pytest.approx(float(estimate.total), rel=1e-9, abs=1e-12)
        spare = len(at) * rules.min_notional / snapshot.total_value + 1e-9
        assert proposal.turnover <= rules.max_daily_turnover + spare


def horizon(snapshot) -> float:
    """The regime's remaining days, within 20 and 60."""
    state = snapshot.regime
    return (
        20.0
        if state is None
        else min(max(state.expected_remaining / snapshot.conditions.bars_per_day, 20.0), 60.0)
    )


def risk_aversion(snapshot, covariance) -> float:
    """Three, or what a Sharpe ratio of one half implies for the target."""
    annual = math.sqrt(365.0 * quadratic_form(snapshot.target_weights, covariance))
    return max(3.0, 0.5 / annual) if annual > 0.0 else 3.0


@CASES
@given(case=cases())
def test_every_proposal_leads_toward_what_it_says(case) -> None:
    snapshot, rules, _, _ = case
    covariance = completed_covariance(snapshot)
    gap = snapshot.weights - snapshot.target_weights
    for proposal in proposed(case):
        after = traded_weights(snapshot, proposal)
        before_error = quadratic_form(gap, covariance)
        after_error = quadratic_form(after - snapshot.target_weights, covariance)
        if proposal.scope == "risk_reduction":
            assert all(t.side == "sell" for t in proposal.trades)
            assert quadratic_form(after, covariance) < quadratic_form(snapshot.weights, covariance)
        else:
            assert proposal.net_benefit >= 0.0
            if snapshot.alpha is None:
                assert after_error < before_error
            else:
                # An expected return may pay for some tracking error, never for going past or away; a rest
                # below the smallest order goes with the sale.
                left = np.abs(after - snapshot.target_weights)
                assert (
                    left <= np.maximum(np.abs(gap), rules.min_notional / snapshot.total_value) + 1e-9
                ).all()
        dollars = snapshot.total_value * horizon(snapshot) * risk_aversion(snapshot, covariance) / 2.0
        told = dollars * (before_error - after_error)
        if snapshot.alpha is not None:
            told += snapshot.total_value * 20.0 * math.fsum(snapshot.alpha * (after - snapshot.weights))
        assert proposal.expected_benefit == pytest.approx(told, rel=1e-6, abs=1e-9 * dollars)
        shares = math.fsum(t.expected_benefit_usd for t in proposal.trades)
        assert shares == pytest.approx(proposal.expected_benefit, rel=1e-9, abs=1e-9)


@CASES
@given(case=cases(), seed=st.integers(0, 1_000))
def test_proposals_are_deterministic_and_blind_to_the_order_of_the_assets(case, seed: int) -> None:
    snapshot, rules, costs, lots = case
    first = proposed(case)
    assert proposed(case) == first
    assert proposed(case).no_trade_because == first.no_trade_because
    order = np.random.default_rng(seed).permutation(len(snapshot.symbols))
    given_conditions = snapshot.conditions
    shuffled = book(
        snapshot.weights[order],
        snapshot.target_weights[order],
        symbols=[snapshot.symbols[i] for i in order],
        prices=given_conditions.prices[order],
        volatility=given_conditions.volatility[order],
        covariance=given_conditions.covariance[np.ix_(order, order)],
        spread_bps=given_conditions.spread_bps[order],
        dollar_volume=given_conditions.dollar_volume[order],
        value=snapshot.total_value,
        trend=snapshot.trend[order],
        drawdown=snapshot.drawdown,
        state=snapshot.regime,
        breaches=snapshot.breaches,
        alpha=None if snapshot.alpha is None else snapshot.alpha[order],
        positions=dict(snapshot.portfolio.positions),
        cash=snapshot.portfolio.cash,
    )
    again = proposed((shuffled, rules, costs, lots))
    assert [(p.id, p.scope, p.urgency, p.trades) for p in again] == [
        (p.id, p.scope, p.urgency, p.trades) for p in first
    ]


@CASES
@given(case=cases())
def test_an_empty_list_always_says_why(case) -> None:
    proposals = proposed(case)
    assert len(proposals) <= 2
    assert bool(proposals) == (proposals.no_trade_because is None)
    assert [r.trigger for r in proposals.readings] == list(type(proposals.readings[0].trigger))
