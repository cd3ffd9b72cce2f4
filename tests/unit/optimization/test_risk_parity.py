"""Risk parity bar after bar: what is kept, what is matched, what is refused."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest

from poise.errors import NonFiniteError, NotPositiveSemidefiniteError, ParameterError, ShapeError, StateError
from poise.optimization import OptimizationStatus, RiskParity, solve_risk_parity
from tests.tolerances import SOLVER

COVARIANCE = np.array([[0.04, 0.012, 0.0], [0.012, 0.09, 0.03], [0.0, 0.03, 0.16]])
SYMBOLS = ["BTC/USDT", "ETH/USDT", "SOL/USDT"]


def frame(matrix=COVARIANCE, symbols=SYMBOLS):
    return pd.DataFrame(matrix, index=symbols, columns=symbols)


def crowd(n, pair=0.5):
    """Equal correlations of one half, but for one pair."""
    matrix = np.full((n, n), 0.5) + 0.5 * np.eye(n)
    matrix[0, 1] = matrix[1, 0] = pair
    return matrix


def test_a_series_is_solved_as_one_by_one():
    parity = RiskParity(budgets=[1.0, 2.0, 1.0])
    for scale in [1.0, 1.1, 0.7]:
        covariance = COVARIANCE * np.outer([scale, 1.0, 1.0], [scale, 1.0, 1.0])
        alone = solve_risk_parity(covariance, budgets=[1.0, 2.0, 1.0])
        np.testing.assert_allclose(parity.fit_covariance(covariance).weights_, alone.weights, rtol=SOLVER)
        assert parity.result_.status is OptimizationStatus.OPTIMAL


def test_a_series_takes_fewer_steps():
    rng = np.random.default_rng(5)
    returns = rng.normal(size=(400, 80)) + rng.normal(size=(400, 1))
    covariance = np.cov(returns.T)
    parity = RiskParity().fit_covariance(covariance)
    scratch = parity.result_.iterations
    nearby = 0.98 * covariance + 0.02 * np.outer(returns[0], returns[0])
    assert parity.fit_covariance(nearby).result_.iterations < scratch


def test_names_are_matched_whatever_their_order():
    parity = RiskParity().fit_covariance(frame())
    turned = parity.fit_covariance(frame(COVARIANCE[::-1, ::-1], SYMBOLS[::-1]))
    # The same problem: the start is the answer, which one product proves.
    assert turned.result_.iterations == 1
    assert list(turned.weights_.index) == SYMBOLS[::-1]
    others = parity.fit_covariance(frame(symbols=[*SYMBOLS[:2], "XRP/USDT"]))
    np.testing.assert_allclose(others.weights_, solve_risk_parity(COVARIANCE).weights, rtol=SOLVER)
    assert len(parity.fit_covariance(COVARIANCE[:2, :2]).weights_) == 2


def test_polars_comes_out_as_it_went_in():
    import polars as pl

    parity = RiskParity()
    for _ in range(2):
        weights = parity.fit_covariance(pl.DataFrame(COVARIANCE, schema=SYMBOLS)).weights_
        assert weights.columns == SYMBOLS
    assert parity.result_.iterations == 1


def test_what_is_refused_leaves_the_answer_before():
    parity = RiskParity().fit_covariance(COVARIANCE)
    before = parity.result_
    with pytest.raises(NonFiniteError):
        parity.fit_covariance(np.where(COVARIANCE == 0.09, np.nan, COVARIANCE))
    assert parity.result_ is before


def test_a_copy_continues_alike():
    parity = RiskParity(bounds=(0.0, 0.9)).fit_covariance(COVARIANCE)
    twin = pickle.loads(pickle.dumps(parity))  # noqa: S301
    np.testing.assert_array_equal(
        twin.fit_covariance(1.1 * COVARIANCE).weights_, parity.fit_covariance(1.1 * COVARIANCE).weights_
    )


def test_without_a_fit_there_is_no_answer():
    with pytest.raises(StateError, match="fit"):
        _ = RiskParity().weights_


@pytest.mark.parametrize(
    ("start", "error"),
    [
        ([1.0, -0.1, 1.0], ParameterError),
        ([1.0, np.nan, 1.0], NonFiniteError),
        ([1.0, np.inf, 1.0], NonFiniteError),
        ([1.0, 1.0], ShapeError),
        ([[1.0, 1.0, 1.0]], ShapeError),
    ],
)
def test_impossible_starts_are_refused(start, error):
    with pytest.raises(error, match="initial"):
        solve_risk_parity(COVARIANCE, initial_weights=start)


def test_starts_are_matched_by_name():
    answer = solve_risk_parity(frame()).weights
    assert solve_risk_parity(frame(), initial_weights=answer[::-1]).iterations == 1


@pytest.mark.parametrize("n", [3, 100, 101, 250])
def test_a_contradiction_is_refused_in_any_crowd(n):
    with pytest.raises(NotPositiveSemidefiniteError):
        solve_risk_parity(crowd(n, -0.99))
    assert solve_risk_parity(crowd(n)).status is OptimizationStatus.OPTIMAL


@pytest.mark.parametrize("n", [5, 150])
def test_a_matrix_that_lies_backwards_is_read_forwards(n):
    volatility = np.linspace(0.01, 0.05, n)
    covariance = crowd(n) * np.outer(volatility, volatility)
    for view in [covariance[::-1, ::-1], covariance.T[::-1, ::-1]]:
        np.testing.assert_array_equal(solve_risk_parity(view).weights, solve_risk_parity(view.copy()).weights)


@pytest.mark.parametrize("n", [10, 120])
def test_an_almost_symmetric_matrix_is_taken_as_its_symmetric_part(n):
    tilted = crowd(n)
    tilted[1, 0] += 1e-9
    np.testing.assert_allclose(
        solve_risk_parity(tilted).weights, solve_risk_parity(crowd(n)).weights, rtol=SOLVER
    )
    tilted[1, 0] += 1e-6
    with pytest.raises(ShapeError, match="not symmetric"):
        solve_risk_parity(tilted)
