"""Quadratic programs beside cvxpy and Clarabel: a tenth of the problems of ``tests/slow``."""

from __future__ import annotations

import numpy as np
import pytest

from poise import _native
from tests.reference import programs
from tests.reference.referee import judged, judged_ratio, lies_in_kinks
from tests.reference.splitting import split
from tests.tolerances import REFEREE, SOLVER, SUM


@pytest.mark.parametrize("seed", range(100))
def test_ordinary_programs(seed):
    judged(programs.ordinary(seed))


@pytest.mark.parametrize("seed", range(56))
def test_nasty_programs(seed):
    judged(programs.nasty(seed))


@pytest.mark.parametrize("seed", range(20))
def test_ordinary_ratios(seed):
    judged_ratio(programs.ordinary(seed))


SPLIT = [s for s in range(60) if programs.ordinary(s).n <= 12 and programs.ordinary(s).turnover == np.inf]


@pytest.mark.parametrize("seed", SPLIT)
def test_programs_are_their_numpy_twin(seed):
    problem = programs.ordinary(seed)
    weights = _native.quadratic_program(**problem.arguments()).weights
    np.testing.assert_allclose(weights, split(problem), atol=REFEREE)


def test_many_assets():
    problem = programs.large(0, n=200)
    solution = _native.quadratic_program(**problem.arguments())
    assert solution.status == "optimal"
    assert solution.certificate <= 1e-10
    assert max(problem.violations(solution.weights).values()) <= 1e-12


@pytest.mark.parametrize("seed", range(30))
def test_prices_make_the_weights_stationary(seed):
    problem = programs.ordinary(seed)
    solution = _native.quadratic_program(**problem.arguments())
    assert lies_in_kinks(problem, solution.weights, solution) <= 1e-9


@pytest.mark.parametrize("seed", [3, 8, 11, 20, 24])
def test_a_price_is_what_giving_way_is_worth(seed):
    # The derivative of the objective by a limit, from both sides, holds the price of the limit.
    problem = programs.ordinary(seed)
    found = _native.quadratic_program(**problem.arguments())
    step = 1e-6
    for j in range(len(problem.rows)):
        changes = []
        for sign in (-1.0, 1.0):
            low, high = problem.row_lower.copy(), problem.row_upper.copy()
            (low if found.row_prices[j] < 0.0 else high)[j] += sign * step
            if low[j] > high[j]:
                low[j] = high[j] = max(low[j], high[j])
            moved = programs.replace(problem, row_lower=low, row_upper=high)
            changes.append(
                (_native.quadratic_program(**moved.arguments()).objective - found.objective) / step
            )
        # A limit that moves up by a unit lowers the objective by its price.
        slack = 1e-4 * problem.scale()
        assert -changes[1] <= found.row_prices[j] + slack
        assert changes[0] >= found.row_prices[j] - slack


@pytest.mark.parametrize("seed", range(20))
def test_the_answer_leads_to_itself_at_once(seed):
    problem = programs.ordinary(seed)
    cold = _native.quadratic_program(**problem.arguments())
    warm = _native.quadratic_program(**problem.arguments(), start=cold.weights)
    np.testing.assert_allclose(warm.weights, cold.weights, atol=1e-9)
    assert warm.iterations <= cold.iterations


def test_without_rows_it_is_the_active_set():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(2, 30))
        S = programs.sample_covariance(rng, n, 3 * n)
        lower, upper = np.zeros(n), np.full(n, 3.0 / n)
        none = np.zeros((0, n))
        found = _native.quadratic_program(
            S, np.zeros(n), lower, upper, (1.0, 1.0), none, np.zeros(0), np.zeros(0)
        )
        other = _native.minimum_variance(S, lower, upper)
        np.testing.assert_allclose(found.weights, other.weights, atol=1e-10)
        most = _native.maximum_ratio_program(
            np.sqrt(np.diag(S)), S, lower, upper, (1.0, 1.0), none, np.zeros(0), np.zeros(0)
        )
        other = _native.maximum_diversification(S, lower, upper)
        np.testing.assert_allclose(most.weights, other.weights, atol=1e-9)


@pytest.mark.parametrize("seed", range(50))
def test_bounds_alone_always_have_an_answer(seed):
    # Among them a singular covariance on which rounding breaks the active set's factor.
    problem = programs.boxes_alone(seed)
    S, lower, upper = problem.hessian, problem.lower, problem.upper
    found = _native.mean_variance(problem.linear, S, 1.0, lower, upper)
    assert found.certificate <= SOLVER
    assert abs(found.weights.sum() - 1.0) <= SUM
    assert ((found.weights >= lower) & (found.weights <= upper)).all()
