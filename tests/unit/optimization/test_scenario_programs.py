"""Tails and growth with constraints and costs, against programs written out in cvxpy."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
import pandas as pd
import pytest

from poise.domain.labels import BARE, Labels
from poise.optimization import (
    Budget,
    Cardinality,
    OptimizationStatus,
    TrackingError,
    TradingCosts,
    TurnoverLimit,
)
from poise.optimization.constrained import read_limits
from poise.optimization.scenario_goals import ConditionalDrawdownAtRisk, tail_mean
from poise.optimization.scenario_programs import (
    kelly_within,
    minimum_cdar_within,
    minimum_cvar_within,
    with_minimum_return,
)
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
LABELS = Labels("pandas", pd.Index(NAMES))
CONSTRAINTS = ["UNI + AAVE >= 0.5", TurnoverLimit(0.3, HELD)]
COSTS = TradingCosts(HELD, fee=0.002, holding_periods=10)


def rules(w):
    return [w >= 0, cp.sum(w) == 1, w[2] + w[3] >= 0.5, cp.norm1(w - HELD) <= 0.6]


def spent(w):
    return 2e-4 * cp.norm1(w - HELD)


def limits(constraints=CONSTRAINTS, bounds=None):
    return read_limits(constraints, None, bounds, 4, LABELS)


def minimum(objective, constraints):
    problem = cp.Problem(cp.Minimize(objective), constraints)
    problem.solve(solver=cp.CLARABEL)
    return float(problem.value)


@pytest.mark.parametrize("costs", [None, COSTS])
def test_tails_within_limits(costs):
    result = minimum_cvar_within(R, EVEN, LEVEL, limits(), costs, LABELS)
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
    result = minimum_cdar_within(R, EVEN, LEVEL, limits(), costs, LABELS)
    w, edge, beyond, peak = cp.Variable(4), cp.Variable(), cp.Variable(T, nonneg=True), cp.Variable(T + 1)
    path = np.vstack([np.zeros(4), np.cumsum(R, axis=0)]) @ w
    fall = (peak - path)[1:]
    tail = edge + cp.sum(beyond) / (T * (1 - LEVEL)) + (0 if costs is None else spent(w))
    kept = [*rules(w), beyond >= fall - edge, peak >= path, peak[1:] >= peak[:-1]]
    assert result.objective == pytest.approx(minimum(tail, kept), rel=REFEREE)
    assert result.status is OptimizationStatus.OPTIMAL


@pytest.mark.parametrize("costs", [None, COSTS])
@pytest.mark.parametrize("power", [0.0, 6.46])
@pytest.mark.parametrize("fraction", [1.0, 0.5])
def test_growth_within_limits(costs, power, fraction):
    kept = limits(["UNI <= 0.2", TurnoverLimit(0.9, HELD)])
    result = kelly_within(R, EVEN, 1e-4, fraction, power, kept, costs, LABELS)
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
    assert result.objective == pytest.approx(best, abs=1e-8)
    assert result.status is OptimizationStatus.OPTIMAL
    assert result.weights.sum() <= fraction + SUM


def test_probabilities_count():
    p = np.linspace(1.0, 3.0, T)
    p /= p.sum()
    result = minimum_cvar_within(R, p, LEVEL, limits(), None, LABELS)
    twice = np.repeat(R, 2, axis=0)
    halves = np.repeat(p / 2, 2)
    again = minimum_cvar_within(twice, halves, LEVEL, limits(), None, LABELS)
    assert result.objective == pytest.approx(again.objective, rel=REFEREE)
    assert result.objective == pytest.approx(tail_mean(-R @ result.weights.to_numpy(), p, LEVEL), rel=1e-12)


def test_every_other_constraint_works_on_tails_too():
    root = np.linalg.cholesky(np.cov(R.T, ddof=0)).T
    result = minimum_cvar_within(
        R, EVEN, LEVEL, limits([TrackingError(HELD, 0.004), lambda w: [w[0] <= 0.1]]), None, LABELS
    )
    assert np.linalg.norm(root @ (result.weights - HELD)) <= 0.004 + 1e-8
    few = minimum_cvar_within(R, EVEN, LEVEL, limits(Cardinality(2)), None, LABELS)
    assert (few.weights > 0).sum() <= 2
    free = minimum_cvar_within(R, EVEN, LEVEL, limits(Budget(0.0, 1.0)), None, LABELS)
    assert free.objective <= 1e-9
    impossible = minimum_cvar_within(R, EVEN, LEVEL, limits(["UNI >= 0.8", "AAVE >= 0.8"]), None, LABELS)
    assert impossible.status is OptimizationStatus.INFEASIBLE
    wanted = with_minimum_return(limits(), R.mean(axis=0), 0.0012)
    held = minimum_cvar_within(R, EVEN, LEVEL, wanted, None, LABELS)
    assert held.constraints[1].name == "expected return >= 0.0012"
    assert all(reading.violation == 0.0 for reading in held.constraints) or held.relaxations


def test_a_path_that_only_rises_has_no_drawdown():
    rising = np.full((10, 2), 0.01)
    goal = ConditionalDrawdownAtRisk(rising, np.full(10, 0.1), 0.9)
    assert goal.loss(np.array([0.5, 0.5])) == 0.0
    assert goal.loss(np.array([-0.5, -0.5])) == pytest.approx(0.1)
    result = minimum_cdar_within(
        rising, np.full(10, 0.1), 0.9, read_limits(None, None, None, 2, BARE), None, BARE
    )
    assert result.objective == pytest.approx(0.0, abs=1e-12)
