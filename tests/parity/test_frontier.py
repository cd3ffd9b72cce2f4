"""The exact frontier against its readable twin, cvxcla and Clarabel."""

from __future__ import annotations

import contextlib
import warnings

import cvxpy as cp
import numpy as np
import pytest
from cvxcla import CLA

from poise.optimization import (
    OptimizationStatus,
    efficient_frontier,
    rolling_minimum_variance,
    solve_maximum_sharpe,
    solve_mean_variance,
    solve_minimum_variance,
)
from tests.parity.test_optimization import covariance_of
from tests.reference import optimization as reference
from tests.tolerances import SOLVER, SUM


def market(seed, n=None):
    """Regular covariance, distinct means, caps of all kinds."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 30)) if n is None else n
    S, means = covariance_of(rng, n, 3 * n + 5), rng.normal(scale=0.001, size=n)
    kind = seed % 4
    lower, upper = np.zeros(n), np.ones(n)
    if kind == 1:
        upper = np.full(n, 2.0 / n)
    elif kind == 2:
        lower, upper = np.full(n, -0.2), np.full(n, 0.6)
    elif kind == 3:
        lower = rng.uniform(0.0, 0.7 / n, size=n)
        upper = lower + rng.uniform(0.5, 3.0, size=n) / n
    return means, S, lower, upper


def distinct(weights):
    """Rows without those that repeat the one before."""
    weights = np.asarray(weights)
    moved = np.abs(np.diff(weights, axis=0)).max(axis=1, initial=0.0) > SOLVER
    return weights[np.concatenate([[True], moved])]


@pytest.mark.parametrize("seed", range(40))
def test_corners_are_those_of_the_numpy_twin(seed):
    means, S, lower, upper = market(seed)
    twin = distinct([weights for _, weights in reference.critical_line(means, S, lower, upper)])
    frontier = efficient_frontier(means, S, bounds=(lower, upper))
    np.testing.assert_allclose(distinct(frontier.weights), twin, atol=SOLVER)


def cvxcla_corners(means, S, lower, upper):
    n = len(means)
    # Their certificate of a corner is absolute: in units of the mean variance it means something.
    scale = np.trace(S) / n
    cla = CLA(
        mean=means / np.abs(means).max(),
        covariance=S / scale,
        lower_bounds=lower,
        upper_bounds=upper,
        a=np.ones((1, n)),
        b=np.ones(1),
    )
    return distinct([point.weights for point in cla.turning_points])


@pytest.mark.parametrize("seed", range(100, 140))
def test_corners_are_those_of_cvxcla(seed):
    means, S, lower, upper = market(seed)
    theirs = cvxcla_corners(means, S, lower, upper)
    ours = distinct(efficient_frontier(means, S, bounds=(lower, upper)).weights)
    np.testing.assert_allclose(ours, theirs, atol=SOLVER)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(140, 500))
def test_corners_are_those_of_cvxcla_in_full(seed):
    test_corners_are_those_of_cvxcla(seed)


@pytest.mark.parametrize(("n", "cap"), [(100, 1.0), (100, 0.02), (500, 1.0), (500, 0.004)])
def test_large_frontiers_keep_bounds_and_certificates(n, cap):
    rng = np.random.default_rng(n)
    S, means = covariance_of(rng, n, n + 60), rng.normal(scale=0.001, size=n)
    frontier = efficient_frontier(means, S, bounds=(0.0, cap))
    assert max(corner.certificate for corner in frontier.corners) <= 1e-12
    assert frontier.weights.min() >= 0.0
    assert frontier.weights.max() <= cap
    np.testing.assert_allclose(frontier.weights.sum(axis=1), 1.0, atol=SUM)
    tolerances = np.array([corner.risk_tolerance for corner in frontier.corners])
    assert (np.diff(tolerances) < 0.0).all()
    for k in (1, len(frontier) // 2, len(frontier) - 2):
        middle = 0.5 * (tolerances[k] + tolerances[k + 1])
        found = frontier.at_risk_aversion(1.0 / middle)
        solved = solve_mean_variance(means, S, risk_aversion=1.0 / middle, bounds=(0.0, cap))
        np.testing.assert_allclose(found.weights, solved.weights, atol=SOLVER)
    tangent = solve_maximum_sharpe(means, S, bounds=(0.0, cap))
    assert tangent.status is OptimizationStatus.OPTIMAL
    assert tangent.certificate <= 1e-12
    assert tangent.objective >= (frontier.returns / frontier.volatilities).max() * (1.0 - SUM)


def nasty(seed):
    """Ties, twins, hedges, still assets, few observations, fixed weights, tight boxes."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 16))
    t = int(rng.choice([max(n // 2, 1), n, 3 * n]))
    X = rng.normal(size=(t, 1)) * rng.uniform(-0.3, 1.2, size=n) + rng.normal(size=(t, n))
    X *= 10.0 ** rng.uniform(-1.0, 1.0, size=n)
    for _ in range(int(rng.integers(0, 4))):
        i, j = rng.integers(n, size=2)
        trick = rng.integers(4)
        if trick == 0:
            X[:, j] = X[:, i]
        elif trick == 1 and i != j:
            X[:, j] = -X[:, i]
        elif trick == 2:
            X[:, i] = 0.0
        else:
            X[:, j] = 2.5 * X[:, i]
    means = rng.choice([0.0, 0.1, 0.2], size=n) if seed % 2 else rng.normal(size=n)
    lower, upper = np.zeros(n), np.full(n, [1.0, 1.0 / n, 1.5 / n, 2.0 / n][seed % 4])
    if seed % 3 == 0:
        lower[0] = upper[0] = 0.5 / n
        upper[1:] = np.maximum(upper[1:], 1.2 / (n - 1))
    return means, X.T @ X / t, lower, upper


class Referee:
    """Clarabel through cvxpy, in units of the mean variance."""

    def __init__(self, means, S, lower, upper):
        self.scale = max(np.trace(S) / len(S), 1e-300)
        values, vectors = np.linalg.eigh(S / self.scale)
        root = np.sqrt(np.clip(values, 0.0, None))[:, np.newaxis] * vectors.T
        self.w, self.pull = cp.Variable(len(S)), cp.Parameter(len(S))
        objective = 0.5 * cp.sum_squares(root @ self.w) - self.pull @ self.w
        limits = [cp.sum(self.w) == 1, self.w >= lower, self.w <= upper]
        self.problem, self.means = cp.Problem(cp.Minimize(objective), limits), means
        self.lower, self.upper = lower, upper

    def __call__(self, tolerance):
        """Weights moved onto the bounds and the budget, which Clarabel only approaches; None if it failed."""
        self.pull.value = tolerance * self.means / self.scale
        with warnings.catch_warnings(), contextlib.suppress(cp.SolverError):
            warnings.simplefilter("ignore")
            self.problem.solve(solver=cp.CLARABEL, tol_gap_abs=1e-11, tol_gap_rel=1e-11, tol_feas=1e-11)
        if self.w.value is None:
            return None
        w = np.clip(self.w.value, self.lower, self.upper)
        missing = 1.0 - w.sum()
        room = self.upper - w if missing > 0.0 else w - self.lower
        return w + missing * room / max(room.sum(), 1e-300)


def judge(seed, n_points):
    means, S, lower, upper = nasty(seed)
    frontier = efficient_frontier(means, S, bounds=(lower, upper))
    referee, mean_variance = Referee(means, S, lower, upper), np.trace(S) / len(S)
    judged = 0
    for tolerance in mean_variance * np.geomspace(1e-4, 1e2, n_points):
        weights = frontier.at_risk_aversion(1.0 / tolerance).weights
        assert abs(weights.sum() - 1.0) <= SUM
        assert (weights >= lower).all()
        assert (weights <= upper).all()

        def objective(w, tolerance=tolerance):
            return 0.5 * w @ S @ w - tolerance * means @ w

        theirs = referee(tolerance)
        if theirs is None:
            continue
        judged += 1
        gap = objective(weights) - objective(theirs)
        assert gap <= 1e-8 * max(abs(objective(theirs)), mean_variance), f"tolerance {tolerance:g}"
    assert judged > 0.8 * n_points


@pytest.mark.parametrize("seed", range(12))
def test_nobody_beats_the_frontier_on_nasty_inputs(seed):
    judge(seed, 10)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(120))
def test_nobody_beats_the_frontier_on_nasty_inputs_in_full(seed):
    judge(seed, 50)


@pytest.mark.parametrize("seed", range(20))
def test_nobody_beats_the_maximum_sharpe(seed):
    means, S, lower, upper = market(300 + seed)
    rate = float(np.quantile(means, 0.3))
    result = solve_maximum_sharpe(means, S, risk_free_rate=rate, bounds=(lower, upper))
    # Homogenised: y = t w with an excess of 1, so bounds scale with the sum of y.
    excess, scale = (means - rate) / np.abs(means - rate).max(), np.trace(S) / len(S)
    y = cp.Variable(len(S))
    limits = [excess @ y == 1, y >= cp.multiply(lower, cp.sum(y)), y <= cp.multiply(upper, cp.sum(y))]
    root = np.linalg.cholesky(S / scale).T
    cp.Problem(cp.Minimize(cp.sum_squares(root @ y)), [*limits, cp.sum(y) >= 0]).solve(
        solver=cp.CLARABEL, tol_gap_abs=1e-11, tol_gap_rel=1e-11, tol_feas=1e-11
    )
    theirs = np.asarray(y.value)

    def ratio(w):
        return (means - rate) @ w / np.sqrt(w @ S @ w)

    assert ratio(result.weights) >= ratio(theirs) * (1.0 - 1e-8)
    assert result.objective == pytest.approx(ratio(result.weights), rel=1e-12)


@pytest.mark.parametrize(("n", "window", "cap"), [(4, 12, 1.0), (12, 30, 0.2), (6, 5, 1.0), (1, 3, 1.0)])
def test_each_bar_of_the_rolling_answer_is_that_of_its_window(n, window, cap):
    rng = np.random.default_rng(n)
    R = rng.normal(size=(4 * window + 7, n)) * rng.uniform(0.01, 0.03, size=n) + rng.normal(size=(1, n))
    path = rolling_minimum_variance(R, window=window, bounds=(0.0, cap))
    assert np.isnan(path[: window - 1]).all()
    for t in range(window - 1, len(R)):
        S = np.cov(R[t + 1 - window : t + 1].T).reshape(n, n)
        alone = solve_minimum_variance(S, bounds=(0.0, cap)).weights
        np.testing.assert_allclose(path[t], alone, atol=1e-7 if window <= n else SOLVER)
        assert abs(path[t].sum() - 1.0) <= SUM
    held = rolling_minimum_variance(R, window=window, step=4, bounds=(0.0, cap))
    for t in range(window - 1, len(R)):
        last = t - (t + 1 - window) % 4
        np.testing.assert_allclose(held[t], path[last], atol=1e-7 if window <= n else SOLVER)
