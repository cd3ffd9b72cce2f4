"""Degenerate inputs, each with its outcome, over every solver: alone, within limits, with costs."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from poise.errors import (
    EmptyUniverseError,
    InfeasibleError,
    InputError,
    NonFiniteError,
    NotPositiveSemidefiniteError,
    ShapeError,
)
from poise.moments import constant_correlation_shrinkage
from poise.optimization import (
    GroupLimit,
    MaximumSharpe,
    MinimumVariance,
    OptimizationResult,
    OptimizationStatus,
    RiskParity,
    TradingCosts,
    TurnoverLimit,
    solve_hierarchical_risk_parity,
    solve_kelly,
    solve_maximum_diversification,
    solve_maximum_sharpe,
    solve_mean_variance,
    solve_minimum_cdar,
    solve_minimum_cvar,
    solve_minimum_variance,
    solve_risk_parity,
)
from tests.tolerances import SUM

Solve = Callable[..., OptimizationResult]


def expected(covariance: Any) -> np.ndarray:
    deviations = np.sqrt(np.maximum(np.diag(np.asarray(covariance)), 0.0))
    return 0.3 * deviations * (1.0 + 0.1 * np.cos(np.arange(len(deviations))))


def mean_variance(covariance: Any, **options: Any) -> OptimizationResult:
    return solve_mean_variance(expected(covariance), covariance, risk_aversion=3.0, **options)


def maximum_sharpe(covariance: Any, **options: Any) -> OptimizationResult:
    return solve_maximum_sharpe(expected(covariance), covariance, **options)


def limited(solve: Solve, covariance: Any, **options: Any) -> OptimizationResult:
    """With a limit that binds somewhere: no half of the assets above three quarters."""
    n_assets = len(np.atleast_2d(covariance))
    halves = {"first": [*range((n_assets + 1) // 2)], "last": [*range(n_assets // 2, n_assets)]}
    wide = 1.0 if n_assets == 1 else 0.75
    return solve(covariance, constraints=GroupLimit(halves, {"first": wide, "last": wide}), **options)


def traded(solve: Solve, covariance: Any, **options: Any) -> OptimizationResult:
    """From equal weights, with costs and a limit of turnover."""
    n_assets = len(np.atleast_2d(covariance))
    held = np.full(n_assets, 1.0 / max(n_assets, 1))
    costs = {} if solve is solve_maximum_diversification else {"costs": TradingCosts(held, fee=1e-4)}
    return solve(covariance, constraints=TurnoverLimit(0.5, held), **costs, **options)


PLAIN: dict[str, Solve] = {
    "risk parity": solve_risk_parity,
    "hierarchical": solve_hierarchical_risk_parity,
    "minimum variance": solve_minimum_variance,
    "mean-variance": mean_variance,
    "maximum diversification": solve_maximum_diversification,
    "maximum Sharpe": maximum_sharpe,
}
LIMITED = {
    name: solve
    for name, solve in PLAIN.items()
    if solve not in (solve_risk_parity, solve_hierarchical_risk_parity)
}
SOLVERS = (
    PLAIN
    | {f"{name}, limited": partial(limited, solve) for name, solve in LIMITED.items()}
    | {f"{name}, traded": partial(traded, solve) for name, solve in LIMITED.items()}
)
EVERY = pytest.mark.parametrize("solve", [pytest.param(solve, id=name) for name, solve in SOLVERS.items()])


def returns(n_observations: int, n_assets: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    own = rng.normal(size=(n_observations, n_assets)) * rng.uniform(0.01, 0.05, n_assets)
    return own + 0.02 * rng.normal(size=(n_observations, 1))


def promises_kept(result: OptimizationResult, lower: Any = 0.0, upper: Any = 1.0) -> np.ndarray:
    """Check what every answer promises, and return its weights."""
    weights = np.asarray(result.weights)
    assert np.isfinite(weights).all()
    assert (weights >= lower).all()
    assert (weights <= upper).all()
    assert not np.signbit(weights[weights == 0.0]).any()
    if result.status is not OptimizationStatus.INFEASIBLE:
        assert abs(math.fsum(weights) - 1.0) <= SUM
        assert all(reading.violation == 0.0 for reading in result.constraints)
    if result.status is OptimizationStatus.OPTIMAL:
        assert not result.certificate > 1e-8
    return weights


@EVERY
@pytest.mark.parametrize("n_observations", [2, 5, 19])
def test_fewer_observations_than_assets(solve, n_observations):
    promises_kept(solve(np.cov(returns(n_observations, 20).T)))
    shrunk = constant_correlation_shrinkage(returns(n_observations, 20)).covariance
    assert promises_kept(solve(shrunk)).max() < 1.0


@EVERY
def test_duplicate_assets(solve):
    S = np.cov(returns(200, 4).T)
    twice = S[np.ix_([0, 1, 2, 3, 0], [0, 1, 2, 3, 0])]
    promises_kept(solve(twice))
    promises_kept(solve(np.full((6, 6), 0.04)))


@EVERY
def test_a_constant_asset(solve):
    S = np.cov(returns(200, 4).T)
    S[2] = S[:, 2] = 0.0
    result = solve(S)
    weights = promises_kept(result)
    if "mean" not in str(solve) and solve is not mean_variance:
        assert result.status is not OptimizationStatus.INACCURATE
    assert weights.sum() == pytest.approx(1.0)


@EVERY
def test_nothing_but_constants(solve):
    promises_kept(solve(np.zeros((4, 4))))


@EVERY
@pytest.mark.parametrize("correlation", [1.0, -1.0])
def test_perfectly_correlated_pairs(solve, correlation):
    deviations = np.array([0.02, 0.03, 0.04])
    C = np.eye(3)
    C[0, 1] = C[1, 0] = correlation
    promises_kept(solve(C * np.outer(deviations, deviations)))


@EVERY
def test_a_single_asset(solve):
    assert promises_kept(solve([[0.04]]))[0] == 1.0


@EVERY
def test_caps_without_room(solve):
    S = np.cov(returns(200, 5).T)
    result = solve(S, bounds=(0.0, 0.1))
    assert result.status is OptimizationStatus.INFEASIBLE
    weights = promises_kept(result, upper=0.1)
    np.testing.assert_allclose(weights, 0.1, atol=1e-6)
    assert result.messages
    with pytest.raises(InfeasibleError):
        solve(S, bounds=(0.3, 1.0))
    with pytest.raises(InfeasibleError):
        solve(S, bounds=(0.5, 0.4))


@EVERY
def test_caps_with_just_enough_room(solve):
    S = np.cov(returns(200, 4).T)
    np.testing.assert_allclose(promises_kept(solve(S, bounds=(0.0, 0.25)), upper=0.25), 0.25, atol=1e-9)
    fixed = np.array([0.1, 0.2, 0.3, 0.4])
    np.testing.assert_allclose(
        promises_kept(solve(S, bounds=(fixed, fixed)), fixed, fixed), fixed, atol=1e-12
    )


@EVERY
def test_singular_and_nearly_singular(solve):
    rng = np.random.default_rng(3)
    factor = rng.normal(size=(10, 3))
    promises_kept(solve(factor @ factor.T))
    promises_kept(solve(factor @ factor.T + 1e-12 * np.eye(10)))


@EVERY
def test_slightly_indefinite_is_taken_and_clearly_indefinite_refused(solve):
    S = np.cov(returns(6, 12).T)
    promises_kept(solve(np.round(S, 8)))
    if solve is not solve_hierarchical_risk_parity:  # by pairs alone; it needs no definite matrix
        with pytest.raises(NotPositiveSemidefiniteError):
            solve([[1.0, 2.0, 0.0], [2.0, 1.0, 0.0], [0.0, 0.0, 1.0]])


@EVERY
@pytest.mark.parametrize("scale", [1e-30, 1e-12, 1e12, 1e30])
def test_huge_and_tiny_scales(solve, scale):
    S = np.cov(returns(200, 6).T)
    weights = promises_kept(solve(scale * S))
    if solve in (solve_risk_parity, solve_minimum_variance, solve_maximum_diversification, maximum_sharpe):
        np.testing.assert_allclose(weights, solve(S).weights, atol=1e-8)
    # Assets of very different scales beside each other.
    spread = np.diag(np.geomspace(1e-8, 1e8, 6) ** 0.5)
    promises_kept(solve(spread @ S @ spread))


@EVERY
def test_a_thousand_assets(solve):
    if solve is solve_hierarchical_risk_parity or not isinstance(solve, partial):
        promises_kept(solve(constant_correlation_shrinkage(returns(300, 1000)).covariance))
    else:  # a second is enough for a test of every day
        promises_kept(solve(constant_correlation_shrinkage(returns(200, 300)).covariance))


@EVERY
@pytest.mark.parametrize(
    ("covariance", "error"),
    [
        (np.empty((0, 0)), EmptyUniverseError),
        (np.ones((2, 3)), ShapeError),
        (np.array([[0.04, np.nan], [np.nan, 0.09]]), NonFiniteError),
        (np.array([[0.04, np.inf], [np.inf, 0.09]]), NonFiniteError),
    ],
)
def test_broken_promises_are_typed_errors(solve, covariance, error):
    if len(covariance) == 0 and isinstance(solve, partial):
        error = InputError
    with pytest.raises(error):
        solve(covariance)


@pytest.mark.parametrize("make", [MaximumSharpe, MinimumVariance, RiskParity])
def test_an_asset_without_a_single_return_is_named(make):
    R = returns(50, 3)
    R[:, 1] = np.nan
    with pytest.raises(NonFiniteError, match="asset 1"):
        make().fit(R)


@pytest.mark.parametrize("limits", [None, "limited"])
def test_expected_returns_all_below_the_riskless_rate(limits):
    S = np.cov(returns(200, 5).T)
    constraints = None if limits is None else GroupLimit({"pair": [0, 1]}, {"pair": (0.0, 0.3)})
    result = solve_maximum_sharpe(np.full(5, 0.001), S, risk_free_rate=0.01, constraints=constraints)
    calm = solve_minimum_variance(S, constraints=constraints)
    assert result.status is OptimizationStatus.DEGENERATE
    np.testing.assert_allclose(promises_kept(result), calm.weights, atol=1e-8)
    assert any("least variance instead" in message for message in result.messages)


def test_a_budget_of_no_risk():
    S = np.cov(returns(200, 4).T)
    weights = promises_kept(solve_risk_parity(S, budgets=[1.0, 0.0, 1.0, 1.0]))
    assert weights[1] == 0.0


WIDE = GroupLimit({"first": [0]}, {"first": 0.6})
BY_SCENARIO = {
    "CVaR": solve_minimum_cvar,
    "CDaR": solve_minimum_cdar,
    "Kelly": solve_kelly,
    "CVaR, limited": lambda R, **options: solve_minimum_cvar(R, constraints=WIDE, **options),
    "CDaR, limited": lambda R, **options: solve_minimum_cdar(R, constraints=WIDE, **options),
    "Kelly, limited": lambda R, **options: solve_kelly(R, constraints=WIDE, **options),
}
EVERY_BY_SCENARIO = pytest.mark.parametrize(
    "solve", [pytest.param(solve, id=name) for name, solve in BY_SCENARIO.items()]
)
SCENARIOS = {
    "fewer observations than assets": returns(5, 12),
    "one observation": returns(1, 4),
    "duplicate assets": returns(60, 4)[:, [0, 1, 2, 3, 0]],
    "a constant asset": np.column_stack([returns(60, 3), np.full(60, 0.001)]),
    "nothing but constants": np.full((20, 3), 0.001),
    "opposites": np.column_stack([returns(60, 2), -returns(60, 2)]),
    "losses only": -np.abs(returns(60, 3)),
    "tiny": 1e-9 * returns(60, 4),
}


@EVERY_BY_SCENARIO
@pytest.mark.parametrize("scenarios", SCENARIOS)
def test_scenarios_made_to_hurt(solve, scenarios):
    result = solve(SCENARIOS[scenarios])
    weights = np.asarray(result.weights)
    assert np.isfinite(weights).all()
    assert (weights >= 0.0).all()
    assert (weights <= 1.0).all()
    assert math.isfinite(result.objective)
    assert result.status is not OptimizationStatus.INFEASIBLE
    assert all(reading.violation == 0.0 for reading in result.constraints)
    assert math.fsum(weights) <= 1.0 + SUM


@EVERY_BY_SCENARIO
def test_scenarios_that_are_none_are_typed_errors(solve):
    with pytest.raises(NonFiniteError):
        solve(np.array([[0.1, np.nan], [0.0, 0.1]]))
    with pytest.raises(InputError):
        solve(np.empty((0, 3)))
    with pytest.raises(InputError):
        solve(np.empty((3, 0)))
