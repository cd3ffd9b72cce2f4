"""The core against its readable twins and against an independent solver."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
import pytest

from poise.optimization import (
    OptimizationStatus,
    solve_maximum_diversification,
    solve_mean_variance,
    solve_minimum_variance,
    solve_risk_parity,
)
from tests.reference import optimization as reference
from tests.tolerances import SOLVER, SUM


def covariance_of(rng, n, n_observations):
    """Sample covariance of a factor market; singular where there are fewer observations than assets."""
    loading = rng.uniform(-0.3, 1.2, size=n)
    returns = rng.normal(size=(n_observations, 1)) * loading + rng.normal(size=(n_observations, n))
    returns = returns * rng.uniform(0.2, 3.0, size=n) * 0.02
    return returns.T @ returns / n_observations


def box(rng, n):
    """Caps, floors or both, with room for a full investment."""
    kind = rng.integers(3)
    if kind == 0:
        return np.zeros(n), np.ones(n)
    if kind == 1:
        return np.zeros(n), np.full(n, 2.0 / n)
    lower = rng.uniform(0.0, 0.7 / n, size=n)
    return lower, np.maximum(rng.uniform(1.0, 4.0, size=n) / n, lower)


@pytest.mark.parametrize("seed", range(30))
def test_risk_parity_is_its_numpy_twin(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 40))
    S = covariance_of(rng, n, 3 * n)
    budgets = rng.uniform(0.01, 1.0, size=n) ** rng.integers(1, 6)
    result = solve_risk_parity(S, budgets=budgets)
    assert result.status is OptimizationStatus.OPTIMAL
    np.testing.assert_allclose(result.weights, reference.risk_parity(S, budgets), atol=SOLVER)


@pytest.mark.parametrize("n", [60, 99, 100, 101, 160, 303])
def test_large_risk_parity_is_its_numpy_twin(n):
    # From 101 assets on nothing is factorised.
    rng = np.random.default_rng(n)
    S = covariance_of(rng, n, n // 2 + 5)
    budgets = 10.0 ** rng.uniform(-3.0, 0.0, size=n)
    result = solve_risk_parity(S, budgets=budgets)
    share = result.weights * (S @ result.weights)
    np.testing.assert_allclose(share / share.sum(), budgets / budgets.sum(), rtol=1e-6)
    if result.status is OptimizationStatus.OPTIMAL:
        np.testing.assert_allclose(result.weights, reference.risk_parity(S, budgets), atol=SOLVER)
        np.testing.assert_allclose(share / share.sum(), budgets / budgets.sum(), rtol=1e-9)


@pytest.mark.parametrize("n", [2, 7, 40, 130])
def test_the_answer_of_a_neighbour_leads_to_the_same_answer(n):
    rng = np.random.default_rng(n)
    before = covariance_of(rng, n, 3 * n)
    after = 0.98 * before + 0.02 * np.outer(*[rng.normal(scale=np.sqrt(np.diag(before)))] * 2)
    scratch = solve_risk_parity(after)
    for start in [solve_risk_parity(before).weights, 1e6 * rng.uniform(0.5, 2.0, size=n), np.zeros(n)]:
        warm = solve_risk_parity(after, initial_weights=start)
        assert warm.status is OptimizationStatus.OPTIMAL
        np.testing.assert_allclose(warm.weights, scratch.weights, rtol=SOLVER)
        share = warm.weights * (after @ warm.weights)
        np.testing.assert_allclose(share / share.sum(), np.full(n, 1.0 / n), rtol=SOLVER)


@pytest.mark.parametrize("seed", range(20))
def test_bounded_risk_parity_is_its_twin_by_bisection(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 7))
    S = covariance_of(rng, n, 5 * n + 10)
    lower, upper = rng.uniform(0.0, 0.6 / n, size=n), np.full(n, 1.3 / n)
    budgets = rng.uniform(0.1, 1.0, size=n)
    result = solve_risk_parity(S, budgets=budgets, bounds=(lower, upper))
    assert result.status is OptimizationStatus.OPTIMAL
    twin = reference.bounded_risk_parity(S, budgets, lower, upper)
    np.testing.assert_allclose(result.weights, twin, atol=SOLVER)


@pytest.mark.parametrize("seed", range(40))
def test_minimum_variance_is_the_best_of_all_faces(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 7))
    S = covariance_of(rng, n, n + 5)
    lower, upper = box(rng, n)
    if seed % 4 == 0:
        lower = lower - 0.2
    weights = solve_minimum_variance(S, bounds=(lower, upper)).weights
    np.testing.assert_allclose(weights, reference.best_of_all_faces(S, lower, upper), atol=SOLVER)


@pytest.mark.parametrize("seed", range(30))
def test_mean_variance_is_the_best_of_all_faces(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 7))
    S = covariance_of(rng, n, n + 5)
    lower, upper = box(rng, n)
    means = rng.normal(scale=0.01, size=n)
    aversion = 10.0 ** rng.uniform(-2, 3)
    weights = solve_mean_variance(means, S, risk_aversion=aversion, bounds=(lower, upper)).weights
    best = reference.best_of_all_faces(S, lower, upper, means / aversion)
    np.testing.assert_allclose(weights, best, atol=SOLVER)


@pytest.mark.parametrize("seed", range(30))
def test_maximum_diversification_is_the_best_of_all_faces(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 6))
    S = covariance_of(rng, n, n + 5)
    lower, upper = box(rng, n)
    result = solve_maximum_diversification(S, bounds=(lower, upper))
    np.testing.assert_allclose(result.weights, reference.most_diversified(S, lower, upper), atol=SOLVER)


def referee(S, lower, upper, linear=None, aversion=1.0):
    """Clarabel through cvxpy, in units of the mean variance."""
    n = len(S)
    scale = np.trace(S) / n
    values, vectors = np.linalg.eigh(S / scale)
    root = np.sqrt(np.clip(values, 0, None))[:, None] * vectors.T
    w = cp.Variable(n)
    objective = 0.5 * aversion * cp.sum_squares(root @ w)
    if linear is not None:
        objective -= (linear / scale) @ w
    problem = cp.Problem(cp.Minimize(objective), [cp.sum(w) == 1, w >= lower, w <= upper])
    problem.solve(solver=cp.CLARABEL, tol_gap_abs=1e-10, tol_gap_rel=1e-10, tol_feas=1e-10)
    return np.asarray(w.value)


@pytest.mark.parametrize("seed", range(60))
def test_nobody_beats_the_quadratic_solvers(seed):
    # Judged by the objective: in flat directions weights may differ.
    rng = np.random.default_rng(1000 + seed)
    n = int(rng.choice([2, 5, 10, 20, 50]))
    S = covariance_of(rng, n, int(rng.choice([n // 2 + 1, n + 2, 4 * n])))
    lower, upper = box(rng, n)
    linear = rng.normal(scale=0.001, size=n) if seed % 2 else None
    if linear is None:
        result = solve_minimum_variance(S, bounds=(lower, upper))
    else:
        result = solve_mean_variance(linear, S, risk_aversion=1.0, bounds=(lower, upper))
    weights = result.weights
    assert abs(weights.sum() - 1.0) <= SUM
    assert (weights >= lower).all()
    assert (weights <= upper).all()
    assert result.certificate <= 1e-8

    def objective(w):
        return 0.5 * w @ S @ w - (0.0 if linear is None else linear @ w)

    theirs = objective(referee(S, lower, upper, linear))
    gap = objective(weights) - theirs
    assert gap <= 1e-8 * max(abs(theirs), np.trace(S) / n)


@pytest.mark.parametrize("seed", range(20))
def test_nobody_beats_the_most_diversified(seed):
    rng = np.random.default_rng(2000 + seed)
    n = int(rng.choice([5, 10, 30]))
    S = covariance_of(rng, n, 3 * n)
    lower, upper = box(rng, n)
    weights = solve_maximum_diversification(S, bounds=(lower, upper)).weights
    v = np.sqrt(np.diag(S))
    # Homogenised: y = t w with v'y = 1, so bounds scale with the sum of y.
    y = cp.Variable(n)
    root = np.linalg.cholesky(S / v.mean() ** 2).T
    limits = [(v / v.mean()) @ y == 1, y >= lower * cp.sum(y), y <= upper * cp.sum(y)]
    cp.Problem(cp.Minimize(cp.sum_squares(root @ y)), limits).solve(
        solver=cp.CLARABEL, tol_gap_abs=1e-10, tol_gap_rel=1e-10, tol_feas=1e-10
    )

    def ratio(w):
        return v @ w / np.sqrt(w @ S @ w)

    assert ratio(weights) >= ratio(np.asarray(y.value)) * (1 - 1e-8)


@pytest.mark.parametrize(("n", "cap"), [(100, 1.0), (200, 0.01), (500, 1.0), (500, 0.004)])
def test_large_universes_keep_the_certificate(n, cap):
    rng = np.random.default_rng(n)
    S = covariance_of(rng, n, n + 60)
    for solve in (solve_minimum_variance, solve_maximum_diversification):
        result = solve(S, bounds=(0, cap))
        assert result.status is OptimizationStatus.OPTIMAL
        assert result.certificate <= 1e-12
        assert abs(result.weights.sum() - 1.0) <= SUM
        assert result.weights.min() >= 0.0
        assert result.weights.max() <= cap
