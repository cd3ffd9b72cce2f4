"""A thousand ordinary and five hundred nasty problems beside cvxpy, judged by objective and feasibility.

Generators and judgement are in ``tests/reference``; ``tests/parity`` has a seeded tenth of it.
"""

from __future__ import annotations

import numpy as np
import pytest

from poise import _native
from tests.reference import programs
from tests.reference.referee import judged, judged_ratio, referee
from tests.tolerances import SOLVER

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("first", range(0, 1000, 100))
def test_ordinary_problems(first):
    assert {judged(programs.ordinary(seed)) for seed in range(first, first + 100)} <= {"optimal"}


@pytest.mark.parametrize("first", range(0, 500, 100))
def test_nasty_problems(first):
    found = {programs.nasty(seed).kind: judged(programs.nasty(seed)) for seed in range(first, first + 100)}
    assert found["infeasible caps"] == found["infeasible rows"] == "infeasible"
    assert all(status != "infeasible" for kind, status in found.items() if not kind.startswith("infeasible"))


@pytest.mark.parametrize("first", range(0, 200, 50))
def test_largest_ratios(first):
    for seed in range(first, first + 50):
        judged_ratio(programs.ordinary(seed))


@pytest.mark.parametrize("seed", range(3))
def test_a_thousand_assets(seed):
    problem = programs.large(seed)
    solution = _native.quadratic_program(**problem.arguments())
    assert solution.status == "optimal"
    assert solution.certificate <= SOLVER


@pytest.mark.parametrize("first", range(0, 200, 50))
def test_bounds_alone(first):
    # The active set for boxes, risk parity by its certificate.
    for seed in range(first, first + 50):
        problem = programs.boxes_alone(seed)
        S, lower, upper = problem.hessian, problem.lower, problem.upper
        least = _native.minimum_variance(S, lower, upper)
        best = _native.mean_variance(problem.linear, S, 1.0, lower, upper)
        for solution, linear in ((least, np.zeros(problem.n)), (best, problem.linear)):
            stated = programs.replace(problem, linear=linear)
            assert stated.violations(solution.weights)["bounds"] == 0.0
            assert abs(solution.weights.sum() - 1.0) <= 1e-12
            rival = referee(stated)
            if rival is not None:
                least_cost = stated.objective(np.clip(rival, lower, upper))
                found = stated.objective(solution.weights)
                assert found <= least_cost + SOLVER * max(abs(found), stated.scale())
        parity = _native.risk_parity(S, None, None, None)
        assert parity.certificate <= (SOLVER if parity.status == "optimal" else 1e-3)
