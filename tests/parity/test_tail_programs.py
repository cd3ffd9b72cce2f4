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


def prices_by_moving(solve, bounds, step, value):
    """Each binding bound, and how fast `value` of the answer falls when that bound alone gives way."""
    answer = solve(bounds)
    for bound in answer.binding:
        moved = [side.copy() for side in bounds]
        moved[bound.side == "upper"][bound.asset] += step if bound.side == "upper" else -step
        yield bound, (value(answer) - value(solve(tuple(moved)))) / step


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("solve", [solve_minimum_cvar, solve_minimum_cdar])
def test_prices_say_what_a_wider_bound_takes_off_the_tail(solve, seed):
    rng = np.random.default_rng(seed)
    R, n = scenarios(rng, 120, 6), 6
    means = R.mean(axis=0)
    floor = None if seed % 2 else float(0.1 * np.sort(means)[-3:].mean() + 0.9 * means.mean())

    def least(bounds, floor=floor):
        return solve(R, confidence_level=0.9, minimum_return=floor, bounds=bounds)

    bounds, step = (np.full(n, 0.05), np.full(n, 0.25)), 1e-7
    compared = 0
    for bound, slope in prices_by_moving(least, bounds, step, lambda answer: answer.objective):
        assert bound.price >= 0.0
        assert bound.price == pytest.approx(slope, abs=1e-6)
        compared += bound.price > 1e-5
    assert compared
    if floor is not None:
        (reading,) = least(bounds).constraints
        better = (least(bounds).objective - least(bounds, floor - step).objective) / step
        assert reading.price == pytest.approx(better, abs=1e-5)
        assert reading.binding == (reading.price > 0.0)


@pytest.mark.parametrize(
    "options", [{"fraction": 1.0}, {"fraction": 0.3}, {"fraction": 1.0, "drawdown": (0.8, 0.1)}]
)
@pytest.mark.parametrize("cap", [0.22, 0.09])
def test_prices_say_what_a_wider_bound_adds_to_full_growth(options, cap):
    R, n = np.maximum(scenarios(np.random.default_rng(0), 200, 6) * 6.0 + 0.004, -0.95), 6

    def best(bounds):
        return solve_kelly(R, bounds=bounds, **options)

    def lost(answer):
        return -np.mean(np.log1p(R @ (answer.weights / options["fraction"])))

    bounds = (np.zeros(n), np.full(n, cap))
    compared = 0
    for bound, slope in prices_by_moving(best, bounds, 1e-6, lost):
        assert bound.price == pytest.approx(slope, rel=1e-4, abs=1e-6)
        compared += bound.price > 1e-4
    assert compared


@pytest.mark.parametrize("seed", range(8))
def test_prices_of_the_tail_are_cvxpys_duals(seed):
    rng = np.random.default_rng(seed)
    n, level = 5, 0.9
    R, lower, upper = scenarios(rng, 90, n), np.full(n, 0.05), np.full(n, 0.35)
    least = float(0.2 * R.mean(axis=0).max() + 0.8 * R.mean())
    result = solve_minimum_cvar(R, confidence_level=level, minimum_return=least, bounds=(lower, upper))
    w, edge = cp.Variable(n), cp.Variable()
    limits = [w >= lower, w <= upper, R.mean(axis=0) @ w >= least, cp.sum(w) == 1.0]
    tail = edge + cp.sum(cp.pos(-R @ w - edge)) / ((1.0 - level) * len(R))
    cp.Problem(cp.Minimize(1000.0 * tail), limits).solve(solver=cp.CLARABEL)
    duals = [limit.dual_value / 1000.0 for limit in limits[:3]]
    wanted = np.zeros(n)
    for bound in result.binding:
        wanted[bound.asset] = bound.price
    np.testing.assert_allclose(wanted, duals[0] + duals[1], atol=1e-7)
    assert result.constraints[0].price == pytest.approx(float(duals[2]), abs=1e-5)


@pytest.mark.parametrize("seed", range(8))
def test_prices_of_growth_are_cvxpys_duals(seed):
    rng = np.random.default_rng(seed)
    n, rate = 5, 0.0003
    R = np.maximum(scenarios(rng, 90, n) * 5.0 + 0.003, -0.9)
    lower, upper = np.full(n, 0.02), np.full(n, 0.25)
    fraction = [1.0, 0.6][seed % 2]
    result = solve_kelly(R, fraction=fraction, risk_free_rate=rate, bounds=(lower, upper))
    w = cp.Variable(n)
    growth = 1.0 + rate + (R - rate) @ w / fraction
    limits = [w >= lower, w <= upper, cp.sum(w) <= fraction]
    cp.Problem(cp.Maximize(1000.0 * cp.sum(cp.log(growth)) / len(R)), limits).solve(solver=cp.CLARABEL)
    wanted = np.zeros(n)
    for bound in result.binding:
        wanted[bound.asset] = bound.price
    np.testing.assert_allclose(wanted, (limits[0].dual_value + limits[1].dual_value) / 1000.0, atol=1e-6)


def test_bounds_that_leave_no_choice_have_prices_too():
    R = scenarios(np.random.default_rng(3), 60, 3)
    every = [solve_minimum_cvar, solve_minimum_cdar, lambda R, **given: solve_kelly(R, fraction=1.0, **given)]
    for solve in every:
        for bounds in [(0.0, np.array([0.5, 0.3, 0.2])), (np.array([0.2, 0.3, 0.5]),) * 2]:
            result = solve(R, bounds=bounds)
            assert all(np.isfinite(bound.price) and bound.price >= 0.0 for bound in result.binding)
    (alone,) = solve_minimum_cvar(R[:, :1]).binding
    assert (alone.side, alone.price) == ("upper", 0.0)


def test_an_asset_left_out_by_convention_presses_no_bound():
    R = scenarios(np.random.default_rng(4), 60, 3)
    R[:, 1] = 0.01
    for solve in (solve_minimum_cvar, solve_minimum_cdar):
        (bound,) = [bound for bound in solve(R).binding if bound.asset == 1]
        assert (bound.side, bound.price) == ("lower", 0.0)


def test_prices_of_the_quadratic_form():
    rng = np.random.default_rng(3)
    factor = rng.normal(size=(5, 5)) * 0.02
    S, mu = factor @ factor.T + 0.01 * np.eye(5), rng.uniform(-0.001, 0.002, size=5)

    def best(bounds):
        return solve_kelly_quadratic(mu, S, fraction=0.5, bounds=bounds)

    found = [*prices_by_moving(best, (np.zeros(5), np.full(5, 0.04)), 1e-7, lambda a: -a.objective)]
    assert len(found) > 2
    for bound, slope in found:
        assert bound.price == pytest.approx(slope, abs=1e-6)
