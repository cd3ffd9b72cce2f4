"""Tails and growth with constraints and costs, against programs written out in cvxpy."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
import pandas as pd
import pytest

from poise.optimization import (
    Budget,
    Cardinality,
    LinearConstraint,
    OptimizationStatus,
    TrackingError,
    TradingCosts,
    TurnoverLimit,
    solve_kelly,
    solve_minimum_cdar,
    solve_minimum_cvar,
)
from poise.optimization.scenario_goals import ConditionalDrawdownAtRisk, tail_mean
from poise.risk import conditional_value_at_risk
from tests.tolerances import REFEREE, SUM

NAMES = ["BTC/USDT", "ETH/USDT", "UNI", "AAVE"]
T, LEVEL = 120, 0.9


def scenarios(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (
        0.001 + 0.02 * rng.standard_t(4, size=(T, 4)) * [0.5, 0.8, 1.2, 1.0] + 0.01 * rng.normal(size=(T, 1))
    )


R = scenarios()
EVEN = np.full(T, 1.0 / T)
HELD = np.array([0.0, 0.2, 0.4, 0.4])
FRAME = pd.DataFrame(R, columns=NAMES)
CONSTRAINTS = ["UNI + AAVE >= 0.5", TurnoverLimit(0.3, HELD)]
COSTS = TradingCosts(HELD, fee=0.002, holding_periods=10)


def rules(w):
    return [w >= 0, cp.sum(w) == 1, w[2] + w[3] >= 0.5, cp.norm1(w - HELD) <= 0.6]


def spent(w):
    return 2e-4 * cp.norm1(w - HELD)


def cvar(scenarios=None, constraints=CONSTRAINTS, **options):
    frame = FRAME if scenarios is None else pd.DataFrame(scenarios, columns=NAMES)
    return solve_minimum_cvar(frame, confidence_level=LEVEL, constraints=constraints, **options)


def minimum(objective, constraints):
    problem = cp.Problem(cp.Minimize(objective), constraints)
    problem.solve(solver=cp.CLARABEL)
    return float(problem.value)


@pytest.mark.parametrize("costs", [None, COSTS])
def test_tails_within_limits(costs):
    result = cvar(costs=costs)
    w, edge, beyond = cp.Variable(4), cp.Variable(), cp.Variable(T, nonneg=True)
    tail = edge + cp.sum(beyond) / (T * (1 - LEVEL)) + (0 if costs is None else spent(w))
    best = minimum(tail, [*rules(w), beyond >= -R @ w - edge])
    assert result.status is OptimizationStatus.OPTIMAL
    assert result.objective == pytest.approx(best, rel=REFEREE)
    if costs is None:
        exact = conditional_value_at_risk(R @ result.weights.to_numpy(), confidence_level=LEVEL)
        assert result.objective == pytest.approx(exact, rel=1e-12)
    assert abs(result.weights.sum() - 1.0) <= SUM
    assert list(result.weights.index) == NAMES
    assert all(reading.violation == 0.0 for reading in result.constraints)
    assert 0.0 <= result.duality_gap <= 1e-8


@pytest.mark.parametrize("costs", [None, COSTS])
def test_drawdowns_within_limits(costs):
    result = solve_minimum_cdar(FRAME, confidence_level=LEVEL, constraints=CONSTRAINTS, costs=costs)
    w, edge, beyond, peak = cp.Variable(4), cp.Variable(), cp.Variable(T, nonneg=True), cp.Variable(T + 1)
    path = np.vstack([np.zeros(4), np.cumsum(R, axis=0)]) @ w
    fall = (peak - path)[1:]
    tail = edge + cp.sum(beyond) / (T * (1 - LEVEL)) + (0 if costs is None else spent(w))
    kept = [*rules(w), beyond >= fall - edge, peak >= path, peak[1:] >= peak[:-1]]
    assert result.objective == pytest.approx(minimum(tail, kept), rel=REFEREE)
    assert result.status is OptimizationStatus.OPTIMAL


@pytest.mark.parametrize("costs", [None, COSTS])
@pytest.mark.parametrize("power", [0.0, np.log(0.1) / np.log(0.7)])
@pytest.mark.parametrize("fraction", [1.0, 0.5])
def test_growth_within_limits(costs, power, fraction):
    result = solve_kelly(
        FRAME,
        fraction=fraction,
        risk_free_rate=1e-4,
        drawdown=(0.7, 0.1) if power else None,
        constraints=["UNI <= 0.2", TurnoverLimit(0.9, HELD)],
        costs=costs,
    )
    w = cp.Variable(4)
    growth = 1 + 1e-4 + (R - 1e-4) @ w / fraction - (0 if costs is None else spent(w))
    own = [
        w >= 0,
        cp.sum(w) <= fraction,
        w[2] <= 0.2,
        0.5 * (cp.norm1(w - HELD) + cp.abs(cp.sum(w - HELD))) <= 0.9,
    ]
    if power:
        own.append(cp.log_sum_exp(np.log(EVEN) - power * cp.log(growth)) <= 0)
    best = -minimum(-cp.sum(cp.log(growth)) / T, own)
    found = result.weights.to_numpy()
    paid = 0.0 if costs is None else 2e-4 * np.abs(found - HELD).sum()
    assert np.log(1 + 1e-4 + (R - 1e-4) @ found / fraction - paid).mean() == pytest.approx(best, abs=1e-8)
    returned = np.log(1 + 1e-4 + (R - 1e-4) @ found - paid).mean()
    assert result.objective == pytest.approx(returned, abs=1e-15)
    assert result.status is OptimizationStatus.OPTIMAL
    assert result.weights.sum() <= fraction + SUM


def test_probabilities_count():
    p = np.linspace(1.0, 3.0, T)
    p /= p.sum()
    result = cvar(probabilities=p)
    twice = np.repeat(R, 2, axis=0)
    halves = np.repeat(p / 2, 2)
    again = cvar(twice, probabilities=halves)
    assert result.objective == pytest.approx(again.objective, rel=REFEREE)
    assert result.objective == pytest.approx(tail_mean(-R @ result.weights.to_numpy(), p, LEVEL), rel=1e-12)


def test_every_other_constraint_works_on_tails_too():
    root = np.linalg.cholesky(np.cov(R.T, ddof=0)).T
    result = cvar(constraints=[TrackingError(HELD, 0.004), lambda w: [w[0] <= 0.1]])
    assert np.linalg.norm(root @ (result.weights - HELD)) <= 0.004 + 1e-8
    few = cvar(constraints=Cardinality(2))
    assert (few.weights > 0).sum() <= 2
    free = cvar(constraints=Budget(0.0, 1.0))
    assert free.objective <= 1e-9
    impossible = cvar(constraints=["UNI >= 0.8", "AAVE >= 0.8"])
    assert impossible.status is OptimizationStatus.INFEASIBLE
    held = cvar(minimum_return=float(np.sort(R.mean(axis=0))[1]))
    assert held.constraints[1].name.startswith("expected return >= ")
    assert all(reading.violation == 0.0 for reading in held.constraints)
    far = cvar(minimum_return=1.0)
    assert far.status is OptimizationStatus.INFEASIBLE
    assert far.relaxations[0].name == "expected return >= 1"


def test_a_path_that_only_rises_has_no_drawdown():
    rising = np.full((10, 2), 0.01)
    goal = ConditionalDrawdownAtRisk(rising, np.full(10, 0.1), 0.9)
    assert goal.loss(np.array([0.5, 0.5])) == 0.0
    assert goal.loss(np.array([-0.5, -0.5])) == pytest.approx(0.1)
    kept = solve_minimum_cdar(rising, constraints=LinearConstraint({0: 1.0}, 0.7))
    assert kept.objective == pytest.approx(0.0, abs=1e-12)
    assert kept.weights[0] >= 0.7 - 1e-8


@pytest.mark.parametrize("solve", [solve_minimum_cvar, solve_minimum_cdar, solve_kelly])
def test_constraints_that_do_not_matter_leave_the_exact_answer(solve):
    plain = solve(FRAME)
    beside = solve(FRAME, constraints="UNI <= 1.0")
    pd.testing.assert_series_equal(beside.weights, plain.weights)
    assert beside.objective == plain.objective
    assert beside.constraints[0].price == 0.0
