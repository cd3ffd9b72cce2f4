"""What the programs over scenarios promise: labels, statuses, conventions, refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest

from poise.errors import (
    EmptyInputError,
    EmptyUniverseError,
    InfeasibleError,
    NonFiniteError,
    ParameterError,
    ShapeError,
)
from poise.optimization import (
    OptimizationStatus,
    solve_kelly,
    solve_kelly_quadratic,
    solve_minimum_cdar,
    solve_minimum_cvar,
)

SOLVERS = [solve_minimum_cvar, solve_minimum_cdar, solve_kelly]


@pytest.fixture
def R():
    return 0.001 + 0.01 * np.random.default_rng(0).standard_t(4, size=(80, 4))


@pytest.mark.parametrize("solve", SOLVERS)
def test_labels_come_back(solve, R):
    names = list("abcd")
    bare = solve(R)
    assert isinstance(bare.weights, np.ndarray)
    framed = solve(pd.DataFrame(R, columns=names))
    assert list(framed.weights.index) == names
    np.testing.assert_array_equal(framed.weights.to_numpy(), bare.weights)
    assert solve(pl.DataFrame(R, schema=names)).weights.columns == names
    assert all(np.isfinite([bare.objective, bare.duality_gap, bare.seconds]))


@pytest.mark.parametrize("solve", SOLVERS)
def test_bad_input_is_refused_with_its_place(solve, R):
    broken = R.copy()
    broken[3, 1] = np.nan
    with pytest.raises(NonFiniteError, match="row 3, column 1"):
        solve(broken)
    with pytest.raises(EmptyUniverseError):
        solve(np.empty((5, 0)))
    with pytest.raises(EmptyInputError):
        solve(np.empty((0, 3)))
    with pytest.raises(InfeasibleError):
        solve(R, bounds=(0.5, 1.0))
    with pytest.raises(InfeasibleError):
        solve(R, bounds=(-np.inf, np.inf))


@pytest.mark.parametrize("solve", [solve_minimum_cvar, solve_minimum_cdar])
def test_levels_and_floors_are_checked(solve, R):
    for level in (0.0, 1.0, np.nan):
        with pytest.raises(ParameterError, match="confidence_level"):
            solve(R, confidence_level=level)
    with pytest.raises(NonFiniteError, match="minimum_return"):
        solve(R, minimum_return=np.inf)
    with pytest.raises(ShapeError, match="expected_returns"):
        solve(R, expected_returns=[0.1], minimum_return=0.0)


@pytest.mark.parametrize("solve", [solve_minimum_cvar, solve_minimum_cdar])
def test_a_return_out_of_reach_says_what_can_be_earned(solve, R):
    most = R.mean(axis=0).max()
    result = solve(R, minimum_return=most + 0.5)
    assert result.status is OptimizationStatus.INFEASIBLE
    assert R.mean(axis=0) @ result.weights == pytest.approx(most)
    assert result.relaxations[0].name == "minimum_return"
    assert result.relaxations[0].by == pytest.approx(0.5)


@pytest.mark.parametrize("solve", [solve_minimum_cvar, solve_minimum_cdar])
def test_bounds_below_one_leave_cash(solve, R):
    result = solve(R, bounds=(0.0, 0.2))
    assert result.status is OptimizationStatus.INFEASIBLE
    assert result.cash == pytest.approx(0.2)


@pytest.mark.parametrize("solve", [solve_minimum_cvar, solve_minimum_cdar])
def test_twins_weigh_the_same_and_the_riskless_nothing(solve, R):
    both = np.c_[R, R[:, 0], np.full(len(R), 1e-4)]
    alone, result = solve(R), solve(both)
    assert result.status is OptimizationStatus.DEGENERATE
    assert result.weights[0] == pytest.approx(result.weights[4], abs=1e-8)
    assert result.weights[5] == 0.0
    assert result.objective == pytest.approx(alone.objective, rel=1e-8)
    assert "without variance: 5" in result.messages
    forced = solve(both, bounds=([0, 0, 0, 0, 0, 0.3], 1.0))
    assert forced.weights[5] == 0.3


def test_assets_that_never_vary_share_equally():
    result = solve_minimum_cvar(np.tile([0.01, 0.02], (5, 1)))
    np.testing.assert_allclose(result.weights, 0.5)
    assert result.status is OptimizationStatus.DEGENERATE


def test_one_scenario_is_a_choice_of_the_best(R):
    result = solve_minimum_cvar(R[:1], bounds=(0.0, 0.6))
    best = np.sort(R[0])[::-1]
    assert result.objective == pytest.approx(-(0.6 * best[0] + 0.4 * best[1]), abs=1e-14)


def test_a_repeated_scenario_is_a_weight_of_two(R):
    once = solve_minimum_cvar(np.r_[R, R[:3]], confidence_level=0.9)
    weighted = solve_minimum_cvar(
        R, confidence_level=0.9, probabilities=np.r_[[2.0] * 3, np.ones(len(R) - 3)]
    )
    assert once.objective == pytest.approx(weighted.objective, rel=1e-9)


@pytest.mark.parametrize("scale", [1e-150, 1e-9, 1e9, 1e150])
def test_scale_changes_nothing_but_the_unit(R, scale):
    result = solve_minimum_cvar(R * scale)
    assert result.status is OptimizationStatus.OPTIMAL
    assert result.objective == pytest.approx(scale * solve_minimum_cvar(R).objective, rel=1e-9)


def test_drawdowns_are_of_the_running_sum():
    R = np.array([[-0.1], [0.05], [0.2], [-0.3]])
    falls = [0.1, 0.05, 0.0, 0.3]  # the last row falls from 0.15 to -0.15, the first from the start
    assert solve_minimum_cdar(R, confidence_level=0.75).objective == pytest.approx(0.3)
    assert solve_minimum_cdar(R, confidence_level=0.5).objective == pytest.approx(0.2)
    assert solve_minimum_cdar(R, confidence_level=1e-9).objective == pytest.approx(np.mean(falls))


def test_no_edge_is_all_cash(R):
    for returns in (R - R.mean(axis=0), R - 0.05, np.zeros((3, 2))):
        result = solve_kelly(returns - 1e-12)
        assert (result.weights == 0.0).all()
        assert (result.objective, result.certificate, result.cash) == (0.0, 0.0, 1.0)
    assert (solve_kelly(R, risk_free_rate=0.5).weights == 0.0).all()
    limited = solve_kelly(R - 0.05, fraction=1.0, drawdown=(0.7, 0.1))
    assert (limited.weights == 0.0).all()


def test_the_bounds_hold_for_what_is_returned(R):
    sure = R + 0.05
    capped = solve_kelly(sure, fraction=0.5, bounds=(0.0, 0.1))
    np.testing.assert_allclose(capped.weights, 0.1)
    with pytest.raises(InfeasibleError, match="fraction"):
        solve_kelly(sure, fraction=0.25, bounds=(0.1, 1.0))


def test_nothing_is_bet_that_ruins():
    result = solve_kelly([[3.0], [-1.0]], fraction=1.0, bounds=(0.0, 1.0))
    assert result.weights[0] == pytest.approx(1.0 / 3.0, abs=1e-10)
    with pytest.raises(InfeasibleError, match="lose everything"):
        solve_kelly([[3.0], [-2.0]], fraction=1.0, bounds=(0.6, 1.0))


def test_a_tighter_drawdown_limit_bets_less(R):
    bold = R * 5.0 + 0.002
    bets = [solve_kelly(bold, fraction=1.0, drawdown=(0.8, b)).weights.sum() for b in (0.5, 0.1, 0.01, 0.001)]
    assert bets == sorted(bets, reverse=True)
    assert bets[-1] < bets[0]


@pytest.mark.parametrize(
    "wrong",
    [
        {"fraction": 0.0},
        {"fraction": 1.5},
        {"risk_free_rate": -1.0},
        {"drawdown": (0.7,)},
        {"drawdown": (0.0, 0.1)},
        {"drawdown": (0.7, 1.0)},
        {"drawdown": (0.7, 0.1), "risk_free_rate": -0.01},
        {"probabilities": np.zeros(80)},
        {"probabilities": -np.ones(80)},
    ],
)
def test_kelly_refuses(wrong, R):
    with pytest.raises(ParameterError):
        solve_kelly(R, **wrong)


def test_a_drawdown_limit_needs_the_way_to_cash(R):
    with pytest.raises(InfeasibleError, match="cash"):
        solve_kelly(R, fraction=1.0, drawdown=(0.7, 0.1), bounds=(0.1, 1.0))


def test_the_quadratic_form_keeps_its_budget_and_stays_in_cash_without_edge(R):
    S = np.cov(R.T)
    full = solve_kelly_quadratic([0.05, 0.04, 0.01, 0.0], S)
    assert abs(full.weights.sum() - 1.0) <= 1e-12
    none = solve_kelly_quadratic(np.full(4, -0.01), S)
    assert (none.weights == 0.0).all()
    assert none.cash == 1.0
    with pytest.raises(ParameterError, match="fraction"):
        solve_kelly_quadratic(np.zeros(4), S, fraction=2.0)
