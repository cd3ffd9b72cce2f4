"""What must hold for every program with constraints, on covariances and limits made to hurt."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poise.optimization import (
    Budget,
    GroupLimit,
    LinearConstraint,
    OptimizationStatus,
    TrackingError,
    TradingCosts,
    TurnoverLimit,
    solve_maximum_diversification,
    solve_maximum_sharpe,
    solve_mean_variance,
    solve_minimum_variance,
)
from poise.optimization.convex_route import by_cvxpy
from poise.optimization.found import Found
from poise.optimization.goals import Frictions, Quadratic
from poise.optimization.native_program import by_core, takes
from tests.tolerances import SUM

hostile_settings = settings(max_examples=20, deadline=None, derandomize=True)


@st.composite
def problems(draw):
    """A covariance with twins, hedges and still assets, a book, bounds, constraints that may contradict."""
    n = draw(st.integers(1, 7))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x = rng.normal(size=(draw(st.integers(2, 30)), n)) * 10.0 ** rng.uniform(-1, 1, size=n)
    for _ in range(draw(st.integers(0, 2))):
        i, j = draw(st.integers(0, n - 1)), draw(st.integers(0, n - 1))
        x[:, j] = x[:, i] * draw(st.sampled_from([1.0, -1.0, 0.0]))
    covariance = x.T @ x / len(x) * 10.0 ** draw(st.integers(-8, 4))
    held = rng.dirichlet(np.ones(n))
    upper = np.maximum(rng.uniform(0.5, 2.5, size=n) / n, 1.0 / n)
    constraints = []
    for k in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(["row", "group", "turnover", "budget", "equal"]))
        coefficients, at = rng.normal(size=n), float(rng.normal())
        if kind == "row":
            constraints.append(LinearConstraint(coefficients, upper=at, name=f"row {k}"))
        elif kind == "equal":
            constraints.append(LinearConstraint(coefficients, 0.3 * at, 0.3 * at, name=f"row {k}"))
        elif kind == "group":
            members = [int(i) for i in np.flatnonzero(rng.random(n) < 0.6)] or [0]
            constraints.append(GroupLimit({f"group {k}": members}, {f"group {k}": (0.0, abs(at) / 2)}))
        elif kind == "turnover" and not any(isinstance(each, TurnoverLimit) for each in constraints):
            constraints.append(TurnoverLimit(abs(at) / 3, held))
        elif kind == "budget" and not any(isinstance(each, Budget) for each in constraints):
            constraints.append(Budget(0.2, 1.0))
    return covariance, held, upper, constraints


def promises_kept(result, upper, constraints):
    weights = np.asarray(result.weights)
    assert np.isfinite(weights).all()
    assert (weights >= 0.0).all()
    assert (weights <= upper).all()
    assert result.relaxations or result.status is not OptimizationStatus.INFEASIBLE
    if result.status in {OptimizationStatus.OPTIMAL, OptimizationStatus.DEGENERATE}:
        lower, higher = (0.2, 1.0) if any(isinstance(each, Budget) for each in constraints) else (1.0, 1.0)
        assert lower - SUM <= math.fsum(weights) <= higher + SUM
        assert all(reading.violation == 0.0 for reading in result.constraints)
        assert result.certificate <= 1e-8 or math.isnan(result.certificate)
    for each in result.relaxations:
        assert each.by > 0.0
        assert "must become at" in each.words


@hostile_settings
@given(problems())
def test_every_answer_keeps_what_it_promises(problem):
    covariance, held, upper, constraints = problem
    means = 0.1 * np.sqrt(np.diag(covariance)) * (1.0 + np.arange(len(upper)))
    size = float(np.sqrt(np.trace(covariance))) or 1.0
    costs = TradingCosts(held, fee=1e-3 * size, impact=1e-3 * size)
    options = {"bounds": (0.0, upper), "constraints": constraints}
    for result in (
        solve_minimum_variance(covariance, **options),
        solve_mean_variance(means, covariance, risk_aversion=3.0, costs=costs, **options),
        solve_maximum_diversification(covariance, **options),
        solve_maximum_sharpe(means, covariance, **options),
    ):
        promises_kept(result, upper, constraints)


@hostile_settings
@given(problems(), st.booleans())
def test_the_core_and_clarabel_agree(problem, with_costs):
    from poise.domain.labels import BARE
    from poise.optimization.constrained import read_limits

    covariance, held, upper, constraints = problem
    limits = read_limits(constraints, None, (0.0, upper), len(upper), BARE)
    size = float(np.trace(covariance)) / len(covariance)
    goal = Quadratic(covariance, 2.0, 0.3 * size * np.cos(np.arange(len(upper))))
    costs = (
        Frictions(held, np.full(len(upper), 0.05 * size), np.full(len(upper), 0.02 * size))
        if with_costs
        else None
    )
    assert takes(goal, limits, costs)
    ours, theirs = by_core(goal, limits, costs), by_cvxpy(goal, limits, costs)
    if not (isinstance(ours, Found) and isinstance(theirs, Found)):
        # Limits that can just be kept are where the two may differ; nothing else is.
        return
    spent = (0.0, 0.0) if costs is None else (costs.cost(ours.weights), costs.cost(theirs.weights))
    mine, other = goal.loss(ours.weights) + spent[0], goal.loss(theirs.weights) + spent[1]
    assert mine <= other + 1e-6 * max(abs(other), goal.scale)
    if theirs.certificate <= 1e-8:
        assert mine >= other - 1e-6 * max(abs(other), goal.scale)


@hostile_settings
@given(problems())
def test_relaxed_limits_can_be_kept(problem):
    """What the words of an infeasible answer ask for is enough."""
    covariance, _, upper, constraints = problem
    result = solve_minimum_variance(covariance, bounds=(0.0, upper), constraints=constraints)
    moved = {each.name: each.by for each in result.relaxations}
    if not moved or any("sum of weights" in name or "turnover" in name for name in moved):
        return
    wider = []
    for each in constraints:
        if isinstance(each, LinearConstraint) and each.name in moved:
            by = moved[each.name] * (1.0 + 1e-6) + 1e-6
            wider.append(LinearConstraint(each.coefficients, each.lower - by, each.upper + by, each.name))
        elif isinstance(each, GroupLimit):
            ((group, (low, high)),) = each.limits.items()
            by = sum(amount for name, amount in moved.items() if group in name) * (1.0 + 1e-6) + 1e-6
            wider.append(GroupLimit(each.groups, {group: (low - by, high + by)}))
        else:
            wider.append(each)
    again = solve_minimum_variance(covariance, bounds=(0.0, upper), constraints=wider)
    assert again.status is not OptimizationStatus.INFEASIBLE


@pytest.mark.parametrize("n_assets", [3, 40])
def test_tracking_error_falls_with_its_limit(n_assets):
    rng = np.random.default_rng(4)
    covariance = np.cov(rng.normal(size=(200, n_assets)).T)
    benchmark = np.full(n_assets, 1.0 / n_assets)
    variances = [
        solve_minimum_variance(covariance, constraints=TrackingError(benchmark, limit)).objective
        for limit in (0.0, 0.001, 0.01, 0.1, 1.0)
    ]
    assert (np.diff(variances) <= 1e-9).all()
    assert variances[0] == pytest.approx(benchmark @ covariance @ benchmark, rel=1e-6)
    assert variances[-1] == pytest.approx(solve_minimum_variance(covariance).objective, rel=1e-6)
