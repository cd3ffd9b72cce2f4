"""Costs inside the objective: units, the no-trade region and its edges, several steps at once."""

from __future__ import annotations

import math

import cvxpy as cp
import numpy as np
import pandas as pd
import pytest

from poise.costs import CostModel
from poise.errors import NonFiniteError, ParameterError, ShapeError, UnknownSymbolError
from poise.optimization import (
    Budget,
    Cardinality,
    OptimizationStatus,
    ParticipationLimit,
    TrackingError,
    TradingCosts,
    TurnoverLimit,
    solve_mean_variance,
    solve_minimum_variance,
    solve_multi_period,
)
from tests.tolerances import REFEREE, SUM

NAMES = ["BTC/USDT", "ETH/USDT", "UNI", "AAVE"]


def market(n_assets: int = 4, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    returns = rng.normal(size=(300, n_assets)) * rng.uniform(0.02, 0.05, n_assets)
    returns += 0.02 * rng.normal(size=(300, 1))
    return 0.002 * rng.normal(size=n_assets), np.cov(returns.T)


def referee(means, covariance, aversion, held, linear, impact, rules=()):
    w = cp.Variable(len(means))
    size = cp.abs(w - held)
    spent = linear @ size + impact @ cp.power(size, 1.5)
    utility = means @ w - aversion / 2 * cp.quad_form(w, cp.psd_wrap(covariance)) - spent
    problem = cp.Problem(cp.Maximize(100.0 * utility), [w >= 0, cp.sum(w) == 1, *(each(w) for each in rules)])
    problem.solve(solver=cp.CLARABEL)
    return float(problem.value) / 100.0


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("impact", [0.0, 0.05])
def test_costs_are_weighed_as_a_referee_weighs_them(seed, impact):
    means, covariance = market(6, seed)
    held = np.random.default_rng(seed).dirichlet(np.ones(6))
    costs = TradingCosts(
        held, fee=0.001, half_spread=np.linspace(0, 0.002, 6), impact=impact, holding_periods=20
    )
    linear = (0.001 + np.linspace(0, 0.002, 6)) / 20
    result = solve_mean_variance(means, covariance, risk_aversion=3.0, costs=costs)
    best = referee(means, covariance, 3.0, held, linear, np.full(6, impact / 20))
    assert result.status is OptimizationStatus.OPTIMAL
    assert result.objective == pytest.approx(best, abs=REFEREE * abs(best) + 1e-9)
    trade = result.weights - held
    spent = linear @ np.abs(trade) + impact / 20 * (np.abs(trade) ** 1.5).sum()
    utility = means @ result.weights - 1.5 * result.weights @ covariance @ result.weights - spent
    assert result.objective == pytest.approx(utility, rel=1e-12)


def test_costs_stand_beside_every_kind_of_constraint():
    means, covariance = market()
    held = np.array([0.0, 0.0, 0.5, 0.5])
    costs = TradingCosts(held, fee=0.002, holding_periods=10)
    root = np.linalg.cholesky(covariance).T
    cases = [
        ([TurnoverLimit(0.2, held)], [lambda w: cp.norm1(w - held) <= 0.4]),
        ([TurnoverLimit(0.5, np.full(4, 0.25))], [lambda w: cp.norm1(w - 0.25) <= 1.0]),
        ([TrackingError(held, 0.01)], [lambda w: cp.norm(root @ (w - held)) <= 0.01]),
        ([lambda w: [w[0] >= 0.2]], [lambda w: w[0] >= 0.2]),
    ]
    for constraints, rules in cases:
        result = solve_mean_variance(
            means, covariance, risk_aversion=4.0, constraints=constraints, costs=costs
        )
        best = referee(means, covariance, 4.0, held, np.full(4, 2e-4), np.zeros(4), rules)
        assert result.status is OptimizationStatus.OPTIMAL
        assert result.objective == pytest.approx(best, abs=REFEREE * max(abs(best), 1e-3))


def test_where_no_trade_pays_nothing_moves_by_a_bit():
    means, covariance = market(8, 3)
    rng = np.random.default_rng(1)
    best = solve_mean_variance(means, covariance, risk_aversion=5.0).weights
    for _ in range(50):
        held = best * np.exp(0.01 * rng.normal(size=8))
        held /= held.sum()
        costs = TradingCosts(held, fee=0.001)
        result = solve_mean_variance(means, covariance, risk_aversion=5.0, costs=costs)
        assert result.weights.tobytes() == held.tobytes()
        assert result.status is OptimizationStatus.OPTIMAL
    # A cost that is none changes nothing, one without end forbids everything.
    free = solve_mean_variance(means, covariance, risk_aversion=5.0, costs=TradingCosts(held))
    np.testing.assert_allclose(free.weights, best, atol=REFEREE)
    dear = TradingCosts(np.full(8, 0.125), fee=10.0)
    np.testing.assert_array_equal(solve_minimum_variance(covariance, costs=dear).weights, np.full(8, 0.125))


def test_assets_that_are_not_worth_their_fee_stay_exactly():
    means, covariance = market(6, 2)
    held = np.full(6, 1.0 / 6.0)
    result = solve_mean_variance(
        means, covariance, risk_aversion=3.0, costs=TradingCosts(held, fee=0.02, holding_periods=20)
    )
    same = result.weights == held
    assert 0 < same.sum() < 6
    assert abs(result.weights.sum() - 1.0) <= SUM


@pytest.mark.parametrize("held", [0.0, 0.2, 0.399, 0.401, 0.55, 0.599, 0.601, 0.9])
def test_one_asset_trades_to_the_edge_of_its_band(held):
    """ALGORITHMS 6.2: proportional costs only, trade to the edge; half-width ``k / (H gamma sigma^2)``."""
    variance, aversion, target, fee, periods = 0.04, 2.0, 0.5, 0.16, 20.0
    width = fee / (periods * aversion * variance)
    assert width == pytest.approx(0.1)
    result = solve_mean_variance(
        [aversion * variance * target],
        [[variance]],
        risk_aversion=aversion,
        constraints=Budget(0.0, 1.0),
        costs=TradingCosts([held], fee=fee, holding_periods=periods),
    )
    expected = min(max(held, target - width), target + width)
    assert result.weights[0] == pytest.approx(expected, abs=1e-9)
    if abs(held - target) < width:
        assert result.weights[0] == held


@pytest.mark.parametrize("held", [0.0, 0.3, 0.45, 0.8])
def test_impact_stops_one_asset_short_of_the_edge(held):
    """In closed form: ``sqrt(x) = (-1.5 c + sqrt(2.25 c^2 + 4 rho (rho |v| - k))) / (2 rho)``."""
    variance, aversion, target, k, c = 0.04, 2.0, 0.5, 0.004, 0.01
    rho, v = aversion * variance, target - held
    size = 0.0
    if rho * abs(v) > k:
        size = ((-1.5 * c + math.sqrt(2.25 * c**2 + 4 * rho * (rho * abs(v) - k))) / (2 * rho)) ** 2
    result = solve_mean_variance(
        [rho * target],
        [[variance]],
        risk_aversion=aversion,
        constraints=Budget(0.0, 1.0),
        costs=TradingCosts([held], fee=k, impact=c),
    )
    assert result.weights[0] == pytest.approx(held + math.copysign(size, v), abs=1e-8)


def test_the_cost_model_charges_the_same():
    model = CostModel(fee_bps=8.0)
    held = pd.Series([0.4, 0.3, 0.2, 0.1], index=NAMES)
    spread, volatility, volume = (
        [2.0, 3.0, math.nan, 8.0],
        [0.03, 0.04, 0.05, 0.05],
        [1e9, 5e8, 1e7, math.nan],
    )
    value = 2e6
    costs = TradingCosts.of(
        model,
        held,
        portfolio_value=value,
        spread_bps=spread,
        daily_volatility=volatility,
        dollar_volume=volume,
    )
    means, covariance = market()
    frame = pd.DataFrame(covariance, index=NAMES, columns=NAMES)
    result = solve_mean_variance(means, frame, risk_aversion=3.0, costs=costs)
    trade = result.weights - held
    dollars = model.estimate(
        value * trade.to_numpy(), spread_bps=spread, daily_volatility=volatility, dollar_volume=volume
    )
    utility = means @ result.weights - 1.5 * result.weights @ frame @ result.weights
    assert result.objective == pytest.approx(utility - dollars.total.sum() / value, rel=1e-10)
    assert list(result.weights.index) == NAMES


def test_few_assets_with_costs_are_the_best_few():
    means, covariance = market()
    held = np.array([0.0, 0.0, 0.0, 1.0])
    costs = TradingCosts(held, fee=0.001, holding_periods=20)
    result = solve_mean_variance(
        means, covariance, risk_aversion=6.0, constraints=Cardinality(2, 0.1), costs=costs
    )
    best = max(
        referee(
            means, covariance, 6.0, held, np.full(4, 5e-5), np.zeros(4),
            [lambda w, i=i, j=j: w[[k for k in range(4) if k not in (i, j)]] == 0.0]
            + ([lambda w, i=i, j=j: w[[i, j]] >= 0.1] if i != j else []),
        )
        for i in range(4)
        for j in range(i, 4)
    )  # fmt: skip
    assert result.objective == pytest.approx(best, abs=1e-8)


@pytest.mark.parametrize(
    ("costs", "error", "words"),
    [
        (TradingCosts([0.5, 0.5], fee=-0.1), ParameterError, "at least 0"),
        (TradingCosts([0.5, 0.5], fee=math.nan), NonFiniteError, "NaN"),
        (TradingCosts([0.5, 0.5], impact=math.inf), ParameterError, "impact"),
        (TradingCosts([0.5, 0.5], holding_periods=0), ParameterError, "holding_periods"),
        (TradingCosts([0.5, 0.2, 0.3]), ShapeError, "2 assets"),
        (TradingCosts({"DOGE": 1.0}), UnknownSymbolError, "DOGE"),
        (TradingCosts([math.nan, 0.5]), NonFiniteError, "current_weights"),
        (TradingCosts([0.5, 0.5], fee=[0.1]), ShapeError, "fee"),
    ],
)
def test_costs_that_are_none_are_refused(costs, error, words):
    with pytest.raises(error, match=words):
        solve_minimum_variance([[0.04, 0.0], [0.0, 0.09]], costs=costs)


def test_the_model_refuses_what_cannot_be_traded():
    with pytest.raises(ParameterError, match="no volume"):
        TradingCosts.of(CostModel(), [1.0], portfolio_value=1e6, daily_volatility=0.03, dollar_volume=0.0)
    with pytest.raises(ParameterError, match="portfolio_value"):
        TradingCosts.of(CostModel(), [1.0], portfolio_value=0.0)


@pytest.mark.parametrize(("fee", "impact"), [(0.0005, 0.0), (0.0005, 0.002), (0.02, 0.0)])
@pytest.mark.parametrize("several", [False, True])
def test_several_steps_are_planned_as_a_referee_plans_them(fee, impact, several):
    rng = np.random.default_rng(0)
    horizon, n_assets, aversion = 4, 5, 3.0
    _, covariance = market(n_assets)
    matrices = np.array([covariance * (1.0 + 0.3 * step * several) for step in range(horizon)])
    means, held = 0.002 * rng.normal(size=(horizon, n_assets)), np.full(n_assets, 0.2)
    plan = solve_multi_period(
        means,
        matrices if several else covariance,
        costs=TradingCosts(held, fee=fee, impact=impact),
        risk_aversion=aversion,
        bounds=(0, 0.5),
        constraints="pair <= 0.6",
        groups={"pair": [0, 1]},
    )
    W, before, utility = cp.Variable((horizon, n_assets)), held, 0.0
    for step in range(horizon):
        size = cp.abs(W[step] - before)
        utility += means[step] @ W[step] - aversion / 2 * cp.quad_form(W[step], cp.psd_wrap(matrices[step]))
        utility -= fee * cp.sum(size) + impact * cp.sum(cp.power(size, 1.5))
        before = W[step]
    rules = [W >= 0, W <= 0.5, cp.sum(W, axis=1) == 1, W[:, 0] + W[:, 1] <= 0.6]
    problem = cp.Problem(cp.Maximize(utility), rules)
    problem.solve(solver=cp.CLARABEL)
    assert plan.result.status is OptimizationStatus.OPTIMAL
    assert plan.result.objective == pytest.approx(problem.value, abs=1e-8)
    assert np.abs(plan.plan.sum(axis=1) - 1.0).max() <= SUM
    assert (plan.plan >= 0.0).all()
    assert (plan.plan <= 0.5).all()
    np.testing.assert_array_equal(plan.weights, plan.plan[0])
    np.testing.assert_allclose(plan.trade, plan.weights - held, atol=1e-15)
    assert [reading.name for reading in plan.result.constraints] == ["pair <= 0.6"]
    if fee == 0.02:
        np.testing.assert_array_equal(plan.weights, held)


def test_one_step_is_the_single_problem():
    means, covariance = market(5, 4)
    costs = TradingCosts(np.full(5, 0.2), fee=0.001)
    plan = solve_multi_period(means[np.newaxis], covariance, costs=costs, risk_aversion=3.0)
    single = solve_mean_variance(means, covariance, risk_aversion=3.0, costs=costs)
    np.testing.assert_allclose(plan.weights, single.weights, atol=1e-10)
    assert plan.result.objective == pytest.approx(single.objective, rel=1e-10)


def test_a_view_that_fades_is_followed_part_of_the_way():
    covariance = np.diag([4e-4, 4e-4])
    costs = TradingCosts([0.5, 0.5], impact=0.01)
    lasting = np.tile([0.0, 0.001], (5, 1))
    fading = lasting * (0.3 ** np.arange(5))[:, np.newaxis]
    far = solve_multi_period(lasting, covariance, costs=costs, risk_aversion=3.0).weights[1]
    near = solve_multi_period(fading, covariance, costs=costs, risk_aversion=3.0).weights[1]
    assert 0.5 < near < far < 1.0


def test_plans_keep_labels_and_say_what_they_cannot_keep():
    means, covariance = market()
    frame = pd.DataFrame(covariance, index=NAMES, columns=NAMES)
    costs = TradingCosts({"BTC/USDT": 1.0}, fee=0.001)
    plan = solve_multi_period(np.tile(means, (3, 1)), frame, costs=costs, risk_aversion=3.0)
    assert list(plan.plan.columns) == NAMES
    assert list(plan.trade.index) == NAMES
    for refused, words in [
        (TurnoverLimit(0.1, {"UNI": 1.0}), "turnover starts from other current weights"),
        (ParticipationLimit(np.ones(4), 1.0, {"UNI": 1.0}), "participation starts from other"),
        (Cardinality(2), "cardinality cannot be kept over several steps"),
        (lambda w: w[0] <= 0.2, "constraints of cvxpy cannot be kept"),
    ]:
        with pytest.raises(ParameterError, match=words):
            solve_multi_period([means], frame, costs=costs, risk_aversion=3.0, constraints=refused)
    with pytest.raises(ShapeError, match="4 assets"):
        solve_multi_period([means], np.eye(3), costs=costs, risk_aversion=3.0)
    with pytest.raises(ParameterError, match=r"risk.aversion"):
        solve_multi_period([means], frame, costs=costs, risk_aversion=0.0)
    impossible = solve_multi_period(
        [means, means], frame, costs=costs, risk_aversion=3.0, constraints=["UNI >= 0.7", "AAVE >= 0.7"]
    )
    assert impossible.result.status is OptimizationStatus.INFEASIBLE
    assert any("step" in each.name for each in impossible.result.relaxations)
    assert np.isfinite(impossible.plan).all().all()


@pytest.mark.parametrize("seed", range(4))
def test_every_step_keeps_its_turnover_and_its_tracking_error(seed):
    horizon, n_assets, aversion, fee = 3, 4, 4.0, 0.0005
    means, covariance = market(n_assets, seed)
    means = 4.0 * means * np.array([1.0, 0.6, 0.3])[:, np.newaxis]
    rng = np.random.default_rng(seed)
    held, benchmark = rng.dirichlet(np.ones(n_assets)), np.full(n_assets, 1.0 / n_assets)
    within = 0.9 * float(np.sqrt((held - benchmark) @ covariance @ (held - benchmark))) + 0.003
    volume = np.array([0.12, 0.2, 1.0, 1.0])
    plan = solve_multi_period(
        means,
        covariance,
        costs=TradingCosts(held, fee=fee),
        risk_aversion=aversion,
        constraints=[
            TurnoverLimit(0.15, held),
            TrackingError(benchmark, within),
            ParticipationLimit(volume, 1.0, held, fraction=1.0),
        ],
    )
    W, before, utility = cp.Variable((horizon, n_assets)), held, 0.0
    rules = [W >= 0, cp.sum(W, axis=1) == 1]
    factor = np.linalg.cholesky(covariance).T
    for step in range(horizon):
        trade = W[step] - before
        utility += means[step] @ W[step] - aversion / 2 * cp.sum_squares(factor @ W[step])
        utility -= fee * cp.sum(cp.abs(trade))
        rules += [0.5 * cp.norm1(trade) <= 0.15, cp.abs(trade) <= volume]
        rules.append(cp.norm(factor @ (W[step] - benchmark)) <= within)
        before = W[step]
    problem = cp.Problem(cp.Maximize(100.0 * utility), rules)
    problem.solve(solver=cp.CLARABEL)
    assert plan.result.status is OptimizationStatus.OPTIMAL
    assert plan.result.objective == pytest.approx(problem.value / 100.0, abs=1e-8)
    steps = np.diff(np.vstack([held, plan.plan]), axis=0)
    assert 0.5 * np.abs(steps).sum(axis=1).max() <= 0.15 + REFEREE
    assert (np.abs(steps) <= volume + REFEREE).all()
    readings = {reading.name: reading for reading in plan.result.constraints}
    assert {"turnover", "tracking error", "participation"} <= set(readings)
    assert all(reading.violation == 0.0 for reading in readings.values())
    turnover = readings["turnover"]
    assert turnover.price > 0.0 if turnover.binding else turnover.price == 0.0


def test_a_tracking_error_out_of_reach_of_the_turnover_gives_way_in_words():
    _, covariance = market()
    held = np.array([1.0, 0.0, 0.0, 0.0])
    plan = solve_multi_period(
        np.zeros((2, 4)),
        covariance,
        costs=TradingCosts(held),
        risk_aversion=3.0,
        constraints=[TurnoverLimit(0.05, held), TrackingError([0.0, 0.0, 0.0, 1.0], 0.001)],
    )
    assert plan.result.status is OptimizationStatus.INFEASIBLE
    assert any("step 1" in each.name for each in plan.result.relaxations)
