"""Programs over scenarios against their readable twins and against independent solvers."""

from __future__ import annotations

import math
import warnings

import cvxpy as cp
import numpy as np
import pytest
from scipy.optimize import minimize

from poise.optimization import (
    OptimizationStatus,
    solve_kelly,
    solve_kelly_quadratic,
    solve_minimum_cdar,
    solve_minimum_cvar,
)
from poise.risk import conditional_value_at_risk
from tests.reference import tail_programs as reference
from tests.tolerances import CLOSED_FORM, REFEREE, SOLVER, SUM


def scenarios(rng, n_observations, n_assets):
    """Fat-tailed returns with a common factor and a small drift."""
    market = rng.standard_t(4, size=(n_observations, 1)) * rng.uniform(0.2, 1.0, size=n_assets)
    return 0.0005 + 0.008 * (market + rng.standard_t(4, size=(n_observations, n_assets)))


def box(rng, n):
    """Caps, shorts, floors or nothing, with room for a full investment."""
    kind = rng.integers(4)
    if kind == 0:
        return np.zeros(n), np.ones(n)
    if kind == 1:
        return np.zeros(n), np.full(n, min(1.0, 2.0 / n))
    if kind == 2:
        return np.full(n, -0.2), np.full(n, 1.0)
    lower = rng.uniform(0.0, 0.7 / n, size=n)
    return lower, np.maximum(rng.uniform(1.0, 4.0, size=n) / n, lower)


@pytest.mark.parametrize("seed", range(40))
def test_minimum_cvar_is_the_textbook_program(seed):
    rng = np.random.default_rng(seed)
    n_observations, n = int(rng.choice([1, 7, 30, 150])), int(rng.integers(1, 12))
    R, (lower, upper) = scenarios(rng, n_observations, n), box(rng, n)
    level = float(rng.choice([0.5, 0.9, 0.95, 0.99]))
    shares = rng.integers(1, 5, size=n_observations).astype(float) if seed % 3 == 0 else None
    means = np.average(R, axis=0, weights=shares)
    least = float(np.clip(1.0 / n, lower, upper).sum() * means.mean()) if seed % 4 == 0 else None
    result = solve_minimum_cvar(
        R, confidence_level=level, probabilities=shares, minimum_return=least, bounds=(lower, upper)
    )
    if result.status is OptimizationStatus.INFEASIBLE:
        assert float(means @ result.weights) < least
        return
    wanted, _ = reference.minimum_cvar(
        R, level, lower, upper, shares, None if least is None else (means, least)
    )
    assert result.status is OptimizationStatus.OPTIMAL
    assert result.objective == pytest.approx(wanted, abs=SOLVER * np.abs(R).mean())
    assert abs(result.weights.sum() - 1.0) <= SUM
    assert (result.weights >= lower).all()
    assert (result.weights <= upper).all()
    if least is not None:
        assert means @ result.weights >= least - CLOSED_FORM


def test_the_objective_is_the_risk_rooms_cvar():
    R = scenarios(np.random.default_rng(1), 300, 6)
    result = solve_minimum_cvar(R, confidence_level=0.975)
    path = R @ result.weights
    assert result.objective == pytest.approx(
        conditional_value_at_risk(path, confidence_level=0.975), abs=1e-16
    )
    assert 0.0 <= result.duality_gap <= CLOSED_FORM
    assert result.seconds > 0.0


@pytest.mark.parametrize("seed", range(12))
def test_minimum_cdar_is_the_textbook_program(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 7))
    R, (lower, upper) = scenarios(rng, int(rng.choice([1, 9, 60])), n), box(rng, n)
    level = float(rng.choice([0.01, 0.8, 0.95]))
    result = solve_minimum_cdar(R, confidence_level=level, bounds=(lower, upper))
    wanted, _ = reference.minimum_cdar(R, level, lower, upper)
    assert result.status is OptimizationStatus.OPTIMAL
    assert result.objective == pytest.approx(wanted, abs=REFEREE * np.abs(R).mean())
    assert abs(result.weights.sum() - 1.0) <= SUM
    assert (result.weights >= lower).all()
    assert (result.weights <= upper).all()


@pytest.mark.parametrize("seed", range(12))
def test_kelly_is_its_numpy_twin(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 7))
    R = scenarios(rng, int(rng.choice([20, 120])), n) * rng.choice([1.0, 8.0])
    R = np.maximum(R, -0.9)
    shares = rng.uniform(size=len(R)) if seed % 2 else None
    result = solve_kelly(R, fraction=1.0, probabilities=shares, risk_free_rate=0.0002)
    twin = reference.kelly(R, shares, 0.0002)
    assert result.status is OptimizationStatus.OPTIMAL
    np.testing.assert_allclose(result.weights, twin, atol=1e-7)  # the twin's barrier stops at 1e-12


@pytest.mark.parametrize("seed", range(10))
def test_growth_and_its_drawdown_limit_are_cvxpys(seed):
    rng = np.random.default_rng(seed)
    n = 4
    R = np.maximum(scenarios(rng, 60, n) * 6.0 + 0.004, -0.95)
    limit = [(0.7, 0.1), (0.9, 0.01), None][seed % 3]
    result = solve_kelly(R, fraction=1.0, drawdown=limit, bounds=(0.0, 0.6))
    w = cp.Variable(n)
    growth = 1.0 + R @ w
    limits = [w >= 0.0, w <= 0.6, cp.sum(w) <= 1.0]
    if limit is not None:
        power = math.log(limit[1]) / math.log(limit[0])
        limits.append(cp.log_sum_exp(-power * cp.log(growth) - math.log(len(R))) <= 0.0)
        assert np.mean((1.0 + R @ result.weights) ** -power) <= 1.0 + CLOSED_FORM
    problem = cp.Problem(cp.Maximize(cp.sum(cp.log(growth)) / len(R)), limits)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # Clarabel's last digits; the gap below judges both
        problem.solve(solver=cp.CLARABEL)
    assert result.status is OptimizationStatus.OPTIMAL
    assert result.objective == pytest.approx(problem.value, abs=REFEREE)


def test_growth_within_a_box_is_scipys():
    R = scenarios(np.random.default_rng(5), 80, 3) * 5.0 + np.array([0.004, 0.002, -0.001])
    result = solve_kelly(R, fraction=1.0, bounds=(-0.3, 0.5))
    found = minimize(
        lambda w: -np.mean(np.log1p(R @ w)),
        np.full(3, 0.1),
        bounds=[(-0.3, 0.5)] * 3,
        constraints={"type": "ineq", "fun": lambda w: 1.0 - w.sum()},
        method="SLSQP",
        options={"ftol": 1e-15},
    )
    assert result.objective >= -found.fun - 1e-10
    np.testing.assert_allclose(result.weights, found.x, atol=1e-4)


@pytest.mark.parametrize(("win", "odds"), [(0.55, 1.0), (0.6, 1.5), (0.9, 0.3), (0.501, 1.0)])
@pytest.mark.parametrize("fraction", [1.0, 0.25])
def test_a_bet_with_two_outcomes_has_its_closed_form(win, odds, fraction):
    result = solve_kelly([[odds], [-1.0]], fraction=fraction, probabilities=[win, 1.0 - win])
    assert result.weights[0] == pytest.approx(fraction * (odds * win - (1.0 - win)) / odds, abs=1e-10)
    assert result.cash == pytest.approx(1.0 - result.weights[0])


def test_the_quadratic_form_is_the_fraction_of_merton_where_nothing_binds():
    rng = np.random.default_rng(3)
    factor = rng.normal(size=(5, 5)) * 0.02
    S, mu = factor @ factor.T + 0.01 * np.eye(5), rng.uniform(0.0005, 0.002, size=5)
    result = solve_kelly_quadratic(mu, S, fraction=0.5, bounds=(-1.0, 1.0))
    np.testing.assert_allclose(result.weights, 0.5 * np.linalg.solve(S, mu), atol=SOLVER)
    assert result.status is OptimizationStatus.OPTIMAL
    edge, risk = mu @ result.weights, result.weights @ S @ result.weights
    assert result.objective == pytest.approx(edge - risk, abs=1e-15)
    full = solve_kelly_quadratic(mu * 100.0, S, fraction=1.0)
    w = cp.Variable(5)
    problem = cp.Problem(
        cp.Maximize(100.0 * mu @ w - 0.5 * cp.quad_form(w, cp.psd_wrap(S))),
        [w >= 0.0, w <= 1.0, cp.sum(w) <= 1.0],
    )
    problem.solve(solver=cp.CLARABEL)
    assert full.objective == pytest.approx(problem.value, abs=REFEREE)


def test_fractional_kelly_falls_as_often_as_geometric_brownian_motion_says():
    """P(the lowest wealth < alpha) = alpha^(2 / f - 1) under the fraction f: 0.343 at 0.5 and 0.7."""
    rng = np.random.default_rng(11)
    drift, volatility, alpha = 0.0004, 0.02, 0.7
    nodes, masses = np.polynomial.hermite_e.hermegauss(21)
    R = np.expm1(drift - volatility**2 / 2.0 + volatility * nodes)[:, np.newaxis]
    shares = masses / masses.sum()
    weight = float(solve_kelly(R, fraction=0.5, probabilities=shares, bounds=(0.0, 3.0)).weights[0])
    assert weight == pytest.approx(0.5 * drift / volatility**2, rel=0.02)
    periods, spread = 100, weight * volatility * math.sqrt(100)
    steps = rng.normal(
        (weight * drift - (weight * volatility) ** 2 / 2.0) * periods, spread, size=(10_000, 300)
    )
    after = np.cumsum(steps, axis=1)
    before = after - steps
    # The lowest point between two ends of a Brownian path, drawn from its law: no fall is missed.
    depth = np.sqrt(steps**2 - 2.0 * spread**2 * np.log(rng.uniform(size=steps.shape)))
    lowest = ((before + after - depth) / 2.0).min(axis=1)
    held = weight / (drift / volatility**2)
    assert np.mean(lowest < math.log(alpha)) == pytest.approx(alpha ** (2.0 / held - 1.0), abs=0.015)
    assert alpha ** (2.0 / held - 1.0) == pytest.approx(0.343, abs=0.02)
