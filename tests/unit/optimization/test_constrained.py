"""A user's own cvxpy constraints on the minimum variance."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
import pandas as pd
import pytest

from poise.errors import ParameterError
from poise.optimization import OptimizationStatus, solve_minimum_variance
from tests.reference import optimization as reference
from tests.tolerances import REFEREE, SUM

COVARIANCE = np.array([[0.04, 0.012, 0.0], [0.012, 0.09, 0.03], [0.0, 0.03, 0.16]])


def test_a_linear_constraint_is_kept():
    result = solve_minimum_variance(COVARIANCE, constraints=lambda w: [w[1] + w[2] >= 0.5])
    assert result.status is OptimizationStatus.OPTIMAL
    assert result.certificate <= 1e-8
    assert abs(result.weights.sum() - 1.0) <= SUM
    # Half of the budget is now the first asset's: the rest is a minimum over one exchange.
    grid = np.linspace(0, 0.5, 100_001)
    candidates = np.stack([np.full(grid.size, 0.5), grid, 0.5 - grid])
    variances = np.einsum("ik,ij,jk->k", candidates, COVARIANCE, candidates)
    np.testing.assert_allclose(result.weights, candidates[:, variances.argmin()], atol=1e-5)


def test_constraints_that_do_not_bind_change_nothing():
    result = solve_minimum_variance(COVARIANCE, constraints=lambda w: [w[0] <= 0.99, cp.norm(w, 2) <= 1.0])
    np.testing.assert_allclose(result.weights, solve_minimum_variance(COVARIANCE).weights, atol=REFEREE)


def test_bounds_stay_exact_beside_constraints():
    rng = np.random.default_rng(11)
    for _ in range(10):
        n = 5
        x = rng.normal(size=(30, n))
        S = x.T @ x / 30
        lower, upper = np.zeros(n), np.full(n, 0.3)
        result = solve_minimum_variance(S, bounds=(lower, upper), constraints=lambda w: [w[0] >= 0])
        assert abs(result.weights.sum() - 1.0) <= SUM
        assert (result.weights >= lower).all()
        assert (result.weights <= upper).all()
        np.testing.assert_allclose(result.weights, reference.best_of_all_faces(S, lower, upper), atol=1e-5)


def test_labels_and_short_positions():
    names = ["a", "b", "c"]
    S = pd.DataFrame(COVARIANCE, index=names, columns=names)
    result = solve_minimum_variance(S, bounds=(-np.inf, np.inf), constraints=lambda w: [w[2] == -0.1])
    assert result.weights["c"] == pytest.approx(-0.1, abs=1e-9)


def test_constraints_nobody_can_meet_give_way_by_the_least():
    result = solve_minimum_variance(COVARIANCE, constraints=lambda w: [w[0] >= 0.7, w[1] >= 0.7])
    assert result.status is OptimizationStatus.INFEASIBLE
    assert "no weights meet the constraints" in result.fallbacks[0]
    assert sum(each.by for each in result.relaxations) == pytest.approx(0.4, abs=REFEREE)
    assert abs(result.weights.sum() - 1.0) <= SUM
    assert result.weights[2] == 0.0
    missing = 0.7 - result.weights[1]
    reading = result.constraints[1]
    assert reading.name.startswith("constraint 1")
    assert reading.violation == pytest.approx(missing, abs=SUM)


def test_cones_nobody_can_meet_are_left_out_and_measured():
    far = np.array([5.0, 5.0, 5.0])
    result = solve_minimum_variance(COVARIANCE, constraints=lambda w: [cp.SOC(cp.Constant(0.1), w - far)])
    assert result.status is OptimizationStatus.INFEASIBLE
    np.testing.assert_allclose(result.weights, solve_minimum_variance(COVARIANCE).weights, atol=REFEREE)
    assert "left out" in result.fallbacks[0]
    assert result.constraints[0].violation > 1.0


def test_riskless_assets_stay_out_beside_constraints():
    result = solve_minimum_variance(np.diag([0.04, 0.0, 0.16]), constraints=lambda w: [w[0] <= 0.5])
    assert result.status is OptimizationStatus.DEGENERATE
    np.testing.assert_allclose(result.weights, [0.5, 0.0, 0.5], atol=REFEREE)


@pytest.mark.parametrize(
    ("constraints", "words"),
    [
        (lambda w: [w[0] ** 2 >= 0.1], "convex"),
        (lambda w: [True], "constraint 0 is True"),
        (lambda w: None, "constraint 0 is None"),
        (lambda w: [w <= cp.Variable(3, boolean=True)], "integer"),
    ],
)
def test_what_is_no_convex_constraint_is_refused(constraints, words):
    with pytest.raises(ParameterError, match=words):
        solve_minimum_variance(COVARIANCE, constraints=constraints)
