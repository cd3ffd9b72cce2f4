"""Labels, statuses, words and errors of the solvers."""

from __future__ import annotations

import dataclasses
import math
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from poise.errors import (
    EmptyUniverseError,
    InfeasibleError,
    InputError,
    NonFiniteError,
    NotPositiveSemidefiniteError,
    ParameterError,
    ShapeError,
)
from poise.optimization import (
    OptimizationStatus,
    solve_maximum_diversification,
    solve_mean_variance,
    solve_minimum_variance,
    solve_risk_parity,
)
from tests.tolerances import CLOSED_FORM, SOLVER, SUM

COVARIANCE = np.array([[0.04, 0.012, 0.0], [0.012, 0.09, 0.03], [0.0, 0.03, 0.16]])
SYMBOLS = ["BTC/USDT", "ETH/USDT", "SOL/USDT"]


def frame(matrix=COVARIANCE, symbols=SYMBOLS):
    return pd.DataFrame(matrix, index=symbols, columns=symbols)


def mean_variance(covariance, **options):
    return solve_mean_variance(
        np.linspace(0.05, 0.1, len(covariance)), covariance, risk_aversion=3.0, **options
    )


SOLVERS = [solve_risk_parity, solve_minimum_variance, solve_maximum_diversification, mean_variance]


@pytest.mark.parametrize("solve", SOLVERS)
def test_pandas_comes_out_as_it_went_in(solve):
    labelled, bare = solve(frame()), solve(COVARIANCE)
    assert isinstance(bare.weights, np.ndarray)
    assert list(labelled.weights.index) == SYMBOLS
    np.testing.assert_array_equal(labelled.weights.to_numpy(), bare.weights)


@pytest.mark.parametrize("solve", SOLVERS)
def test_polars_comes_out_as_it_went_in(solve):
    import polars as pl

    weights = solve(pl.DataFrame(COVARIANCE, schema=SYMBOLS)).weights
    assert isinstance(weights, pl.DataFrame)
    assert weights.columns == SYMBOLS
    np.testing.assert_array_equal(weights.to_numpy()[0], solve(COVARIANCE).weights)


def test_named_vectors_are_matched_by_name():
    shuffled = pd.Series([1.0, 3.0, 2.0], index=["SOL/USDT", "BTC/USDT", "ETH/USDT"])
    budgeted = solve_risk_parity(frame(), budgets=shuffled)
    np.testing.assert_array_equal(
        budgeted.weights.to_numpy(), solve_risk_parity(COVARIANCE, budgets=[3.0, 2.0, 1.0]).weights
    )
    capped = solve_minimum_variance(frame(), bounds=(0, shuffled / 8))
    assert capped.weights["SOL/USDT"] == 0.125
    means = shuffled / 100
    ordered = solve_mean_variance([0.03, 0.02, 0.01], COVARIANCE, risk_aversion=2.0)
    named = solve_mean_variance(means, frame(), risk_aversion=2.0)
    np.testing.assert_array_equal(named.weights.to_numpy(), ordered.weights)
    with pytest.raises(ShapeError, match="DOGE/USDT"):
        solve_risk_parity(frame(), budgets=shuffled.rename({"SOL/USDT": "DOGE/USDT"}))


@pytest.mark.parametrize("solve", SOLVERS)
@pytest.mark.parametrize("layout", [np.asfortranarray, lambda m: np.kron(m, np.ones((2, 2)))[::2, ::2]])
def test_memory_layout_does_not_matter(solve, layout):
    np.testing.assert_array_equal(solve(layout(COVARIANCE)).weights, solve(COVARIANCE).weights)


def test_an_ordinary_answer_is_optimal_and_silent():
    result = solve_risk_parity(COVARIANCE)
    assert result.status is OptimizationStatus.OPTIMAL
    assert result.certificate <= SOLVER
    assert result.budget_gap <= SOLVER
    assert (result.binding, result.fallbacks, result.messages) == ((), (), ())
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.status = OptimizationStatus.RELAXED


def test_bounds_named_on_demand_travel_with_the_result():
    result = solve_minimum_variance(frame(), bounds=([0.0, 0.0, 0.3], [0.4, 1.0, 1.0]))
    copies = [pickle.loads(pickle.dumps(result)), dataclasses.replace(result, seconds=1.0)]  # noqa: S301 - its own
    assert len(result.binding) == 2
    assert all(copy.binding == result.binding for copy in copies)
    assert solve_minimum_variance(frame(), bounds=(0.01, 0.9)).binding == ()


def test_binding_bounds_are_named():
    result = solve_minimum_variance(frame(), bounds=([0.0, 0.0, 0.3], [0.4, 1.0, 1.0]))
    assert [(bound.asset, bound.side) for bound in result.binding] == [
        ("BTC/USDT", "upper"),
        ("SOL/USDT", "lower"),
    ]
    assert solve_minimum_variance(COVARIANCE, bounds=(0, 0.4)).binding[0][:2] == (0, "upper")


def test_budgets_need_no_unit():
    np.testing.assert_allclose(
        solve_risk_parity(COVARIANCE, budgets=[50, 30, 20]).weights,
        solve_risk_parity(COVARIANCE, budgets=[5e-9, 3e-9, 2e-9]).weights,
        atol=CLOSED_FORM,
    )


def test_zero_budget_means_zero_weight():
    result = solve_risk_parity(COVARIANCE, budgets=[1, 0, 1])
    assert result.weights[1] == 0.0
    np.testing.assert_allclose(result.weights[[0, 2]], [2 / 3, 1 / 3], atol=CLOSED_FORM)


def test_riskless_assets_are_left_out_and_named():
    still = frame(np.diag([0.04, 0.0, 0.16]))
    for result in [
        solve_risk_parity(still),
        solve_minimum_variance(still),
        solve_maximum_diversification(still),
    ]:
        assert result.status is OptimizationStatus.DEGENERATE
        assert result.weights["ETH/USDT"] == 0.0
        assert any("ETH/USDT" in message for message in result.messages)
    # Where the others have no room it takes the rest, and a lower bound is kept.
    assert solve_minimum_variance(still, bounds=(0, 0.4)).weights["ETH/USDT"] == pytest.approx(0.2, abs=SUM)
    assert solve_risk_parity(still, bounds=([0, 0.1, 0], 1)).weights["ETH/USDT"] == 0.1
    # The caller of mean-variance says what it is worth.
    worth = solve_mean_variance([0.01, 0.05, 0.01], still, risk_aversion=1.0)
    assert worth.weights["ETH/USDT"] == pytest.approx(1.0)


def test_nobody_carries_risk():
    for solve in [solve_risk_parity, solve_minimum_variance, solve_maximum_diversification]:
        result = solve(np.zeros((4, 4)))
        assert result.status is OptimizationStatus.DEGENERATE
        np.testing.assert_array_equal(result.weights, np.full(4, 0.25))


def test_one_asset():
    for solve in SOLVERS:
        np.testing.assert_array_equal(solve([[0.04]]).weights, [1.0])
        capped = solve([[0.04]], bounds=(0, 0.35))
        assert capped.status is OptimizationStatus.INFEASIBLE
        np.testing.assert_array_equal(capped.weights, [0.35])


@pytest.mark.parametrize("solve", SOLVERS)
def test_too_tight_caps_leave_cash_and_say_how_much(solve):
    result = solve(frame(), bounds=(0, 0.3))
    assert result.status is OptimizationStatus.INFEASIBLE
    np.testing.assert_array_equal(result.weights.to_numpy(), np.full(3, 0.3))
    assert math.isnan(result.certificate)
    assert "sum to 0.9" in result.messages[0]
    assert "0.1 stays cash" in result.messages[0]
    with pytest.raises(NonFiniteError):  # the inputs are checked all the same
        solve(frame(np.where(COVARIANCE == 0.09, np.nan, COVARIANCE)), bounds=(0, 0.3))


@pytest.mark.parametrize("solve", SOLVERS)
def test_caps_that_sum_to_one_leave_no_choice(solve):
    result = solve(np.diag([0.04, 0.09, 0.16, 0.25, 0.36, 0.49, 0.64, 0.81, 1.0, 1.21]), bounds=(0, 0.1))
    np.testing.assert_array_equal(result.weights, np.full(10, 0.1))
    assert len(result.binding) == 10


def test_perfect_hedge_and_twins():
    hedge = solve_risk_parity([[0.04, -0.06], [-0.06, 0.09]])
    assert hedge.status is OptimizationStatus.DEGENERATE
    np.testing.assert_allclose(hedge.weights, [0.6, 0.4], atol=SOLVER)
    assert "singular" in hedge.messages[0]
    twins = np.array([[0.04, 0.04, 0.01], [0.04, 0.04, 0.01], [0.01, 0.01, 0.09]])
    for solve in [solve_risk_parity, solve_minimum_variance, solve_maximum_diversification]:
        weights = solve(twins).weights
        assert weights[0] == pytest.approx(weights[1], abs=CLOSED_FORM)


def test_rounded_entries_are_taken_with_a_flag():
    # Choueifaty, Froidure and Reynier (2013) print .0131 for .013125: slightly indefinite.
    printed = [[0.04, 0.01, 0.0225], [0.01, 0.01, 0.0075], [0.0225, 0.0075, 0.0131]]
    result = solve_maximum_diversification(printed)
    assert result.status is OptimizationStatus.DEGENERATE
    assert "negative direction" in result.messages[0]
    np.testing.assert_allclose(result.weights, [1 / 3, 2 / 3, 0], atol=SOLVER)


def test_parity_that_the_bounds_make_impossible_is_relaxed():
    result = solve_risk_parity([[0.04, -0.0396], [-0.0396, 0.04]], bounds=([0.9, 0.0], 1.0))
    assert result.status is OptimizationStatus.RELAXED
    assert "minimum variance instead" in result.fallbacks[0]
    np.testing.assert_allclose(result.weights, [0.9, 0.1], atol=SUM)


def test_minimum_variance_with_short_positions_is_the_closed_form():
    inverse = np.linalg.inv(COVARIANCE)
    wanted = inverse.sum(axis=1) / inverse.sum()
    for bounds in [(-1, 1), (-np.inf, np.inf)]:
        result = solve_minimum_variance(COVARIANCE, bounds=bounds)
        np.testing.assert_allclose(result.weights, wanted, atol=CLOSED_FORM)


@pytest.mark.parametrize("solve", SOLVERS)
@pytest.mark.parametrize(
    ("covariance", "error", "words"),
    [
        (np.zeros((0, 0)), EmptyUniverseError, "no assets"),
        (np.zeros((2, 3)), ShapeError, "square"),
        ([1.0, 2.0], ShapeError, "two axes"),
        ([[1.0, 0.2], [0.3, 1.0]], ShapeError, r"\(1, 0\)"),
        ([[1.0, np.nan], [np.nan, 1.0]], NonFiniteError, "row 0, column 1"),
        ([[1.0, np.inf], [np.inf, 1.0]], NonFiniteError, "inf"),
        ([[1.0, 2.0], [2.0, 1.0]], NotPositiveSemidefiniteError, "asset 1"),
        ([[1.0, 0.0], [0.0, -1.0]], NotPositiveSemidefiniteError, "asset 1"),
        ([["a", "b"], ["c", "d"]], InputError, "covariance"),
    ],
)
def test_a_covariance_that_is_none_is_refused(solve, covariance, error, words):
    with pytest.raises(error, match=words):
        solve(covariance)


@pytest.mark.parametrize("solve", SOLVERS)
@pytest.mark.parametrize(
    ("bounds", "error", "words"),
    [
        ((0.5, 1.0), InfeasibleError, "sum to 1.5"),
        (([0, 0.6, 0], [1, 0.5, 1]), InfeasibleError, "ETH/USDT"),
        (([0, 0], 1), ParameterError, "2 values for 3 assets"),
        ((np.nan, 1), NonFiniteError, "NaN"),
        (("a", 1), ParameterError, "lower"),
        (0.5, ParameterError, "pair"),
        ((0, 1, 2), ParameterError, "pair"),
    ],
)
def test_impossible_bounds_are_refused(solve, bounds, error, words):
    with pytest.raises(error, match=words):
        solve(frame(), bounds=bounds)


@pytest.mark.parametrize("solve", [solve_risk_parity, solve_maximum_diversification])
def test_long_only_solvers_refuse_a_negative_cap(solve):
    with pytest.raises(InfeasibleError, match="long-only"):
        solve(COVARIANCE, bounds=(-1, [-0.1, 2, 2]))


@pytest.mark.parametrize(
    ("budgets", "error"),
    [
        ([1, 1, -0.1], ParameterError),
        ([0, 0, 0], ParameterError),
        ([1, np.nan, 1], NonFiniteError),
        ([1, np.inf, 1], NonFiniteError),
        ([1, 1], ShapeError),
        ([[1, 1, 1]], ShapeError),
    ],
)
def test_impossible_budgets_are_refused(budgets, error):
    with pytest.raises(error):
        solve_risk_parity(COVARIANCE, budgets=budgets)


@pytest.mark.parametrize("aversion", [0.0, -1.0, np.nan, np.inf, "much"])
def test_risk_aversion_is_positive(aversion):
    with pytest.raises(ParameterError, match="risk_aversion"):
        solve_mean_variance([0.1, 0.2, 0.3], COVARIANCE, risk_aversion=aversion)


@pytest.mark.parametrize(("means", "error"), [([0.1, 0.2], ShapeError), ([0.1, np.nan, 0.2], NonFiniteError)])
def test_expected_returns_fit_the_covariance(means, error):
    with pytest.raises(error, match="expected_returns"):
        solve_mean_variance(means, COVARIANCE, risk_aversion=1.0)


def test_a_riskless_asset_that_co_moves_is_refused():
    with pytest.raises(NotPositiveSemidefiniteError, match="asset 0"):
        solve_minimum_variance([[0.0, 0.5], [0.5, 1.0]])


def test_importing_the_room_stays_light():
    code = (
        "import sys, poise.optimization; "
        "print(sorted({'pandas', 'scipy', 'cvxpy', 'polars'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
