"""Hierarchical risk parity: another implementation's figures, hard bounds, degenerate inputs."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poise.errors import (
    EmptyUniverseError,
    InfeasibleError,
    NonFiniteError,
    NotPositiveSemidefiniteError,
    ParameterError,
    ShapeError,
)
from poise.optimization import solve_hierarchical_risk_parity
from tests.unit.optimization.test_published import BAILEY

# PyPortfolioOpt 1.6.0, HRPOpt(cov_matrix=...).optimize(linkage), on the matrix of Bailey and Lopez de Prado.
SINGLE = [0.0592255464, 0.0380236601, 0.1010141155, 0.1008197787, 0.0922740854]
SINGLE += [0.2045846322, 0.0461787342, 0.0360746715, 0.083379206, 0.23842557]
WARD = [0.0634463781, 0.0340312743, 0.1188802209, 0.1170625117, 0.0759199992]
WARD += [0.1929613799, 0.037904412, 0.0239309706, 0.0814242626, 0.2544385907]
COMPLETE = [0.0600641277, 0.0319108764, 0.102444386, 0.1022472976, 0.0808773992]
COMPLETE += [0.2039274649, 0.0444930682, 0.0341218054, 0.0912863992, 0.2486271754]


@pytest.mark.parametrize(
    ("linkage", "weights"), [("single", SINGLE), ("average", SINGLE), ("ward", WARD), ("complete", COMPLETE)]
)
def test_figures_of_pyportfolioopt(linkage, weights):
    result = solve_hierarchical_risk_parity(BAILEY, linkage=linkage)
    np.testing.assert_allclose(result.weights, weights, atol=1e-10)
    assert result.status == "optimal"


def test_two_assets_by_inverse_variance():
    result = solve_hierarchical_risk_parity([[1.0, 0.3], [0.3, 4.0]])
    np.testing.assert_allclose(result.weights, [0.8, 0.2])


def polars_square(values, columns):
    return pytest.importorskip("polars").DataFrame(values, schema=columns)


def covariances(n_assets, seed):
    rng = np.random.default_rng(seed)
    returns = rng.standard_normal((n_assets + 5, n_assets)) @ rng.standard_normal((n_assets, n_assets))
    return np.cov(returns, rowvar=False).reshape(n_assets, n_assets)


@given(st.integers(1, 30), st.integers(0, 10_000), st.floats(0.0, 0.9), st.floats(1.0, 4.0))
def test_bounds_are_never_broken(n_assets, seed, floor, room):
    """Caps that the halving ignores are what users of other libraries complain about."""
    lower, upper = floor / n_assets, min(1.0, room / n_assets)
    weights = solve_hierarchical_risk_parity(covariances(n_assets, seed), bounds=(lower, upper)).weights
    assert weights.min() >= lower
    assert weights.max() <= upper
    assert math.fsum(weights) == pytest.approx(1.0, abs=1e-12)


@given(st.integers(2, 20), st.integers(0, 10_000), st.floats(1e-12, 1e12))
def test_units_do_not_matter(n_assets, seed, scale):
    S = covariances(n_assets, seed)
    plain, scaled = solve_hierarchical_risk_parity(S), solve_hierarchical_risk_parity(S * scale)
    np.testing.assert_allclose(plain.weights, scaled.weights, rtol=1e-9)


def test_labels_and_binding_bounds():
    frame = pd.DataFrame([[1.0, 0.0], [0.0, 9.0]], ["A", "B"], ["A", "B"])
    result = solve_hierarchical_risk_parity(frame, bounds=(0.0, 0.7))
    assert result.weights.to_dict() == {"A": 0.7, "B": pytest.approx(0.3)}
    assert result.binding[0][:2] == ("A", "upper")
    assert result.seconds > 0.0


def test_an_asset_without_variance_is_cash():
    S = np.diag([1.0, 0.0, 1.0])
    result = solve_hierarchical_risk_parity(S)
    np.testing.assert_array_equal(result.weights, [0.5, 0.0, 0.5])
    assert result.status == "degenerate"
    np.testing.assert_allclose(
        solve_hierarchical_risk_parity(S, bounds=(0.1, 0.4)).weights, [0.4, 0.2, 0.4], atol=1e-15
    )


def test_nothing_has_variance():
    result = solve_hierarchical_risk_parity(np.zeros((4, 4)))
    np.testing.assert_array_equal(result.weights, np.full(4, 0.25))
    assert result.status == "degenerate"


@pytest.mark.parametrize("correlation", [1.0, -1.0])
def test_perfectly_correlated_pairs(correlation):
    weights = solve_hierarchical_risk_parity([[1.0, correlation], [correlation, 1.0]]).weights
    np.testing.assert_allclose(weights, [0.5, 0.5])


def test_fewer_rows_than_assets():
    returns = np.random.default_rng(5).standard_normal((4, 30))
    weights = solve_hierarchical_risk_parity(np.cov(returns, rowvar=False)).weights
    assert (weights > 0.0).all()
    assert math.fsum(weights) == pytest.approx(1.0, abs=1e-12)


def test_one_asset():
    np.testing.assert_array_equal(solve_hierarchical_risk_parity([[0.04]]).weights, [1.0])


def test_caps_that_leave_cash():
    result = solve_hierarchical_risk_parity(np.eye(3), bounds=(0.0, 0.2))
    np.testing.assert_array_equal(result.weights, [0.2, 0.2, 0.2])
    assert result.status == "infeasible"
    assert result.cash == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("covariance", "settings", "error"),
    [
        (np.zeros((0, 0)), {}, EmptyUniverseError),
        ([[np.nan]], {}, NonFiniteError),
        ([[1.0, 0.0], [0.0, -1.0]], {}, NotPositiveSemidefiniteError),
        (np.eye(2), {"linkage": "centroid"}, ParameterError),
        (np.eye(2), {"bounds": (0.6, 1.0)}, InfeasibleError),
    ],
)
def test_mistakes_are_named(covariance, settings, error):
    with pytest.raises(error):
        solve_hierarchical_risk_parity(covariance, **settings)


class TestTreeOfItsOwn:
    """`correlation`: the tree from another estimate than the covariance."""

    def test_of_the_covariance_changes_nothing(self):
        volatility = np.sqrt(BAILEY.diagonal())
        own = solve_hierarchical_risk_parity(BAILEY, correlation=BAILEY / np.outer(volatility, volatility))
        np.testing.assert_array_equal(own.weights, solve_hierarchical_risk_parity(BAILEY).weights)

    @pytest.mark.parametrize("frame", [pd.DataFrame, polars_square])
    def test_frames_are_matched_by_name(self, frame):
        names = list("abcd")
        covariance = np.diag([1.0, 2.0, 3.0, 4.0]) + 0.5
        correlation = np.array([[1, 0, 0.9, 0], [0, 1, 0, 0.5], [0.9, 0, 1, 0], [0, 0.5, 0, 1.0]])
        expected = solve_hierarchical_risk_parity(covariance, correlation=correlation).weights
        plain = solve_hierarchical_risk_parity(covariance).weights
        assert np.abs(expected - plain).max() > 0.01
        turned = [2, 0, 3, 1]
        other = frame(correlation[np.ix_(turned, turned)], columns=[names[i] for i in turned])
        matched = solve_hierarchical_risk_parity(frame(covariance, columns=names), correlation=other)
        np.testing.assert_array_equal(np.asarray(matched.weights).ravel(), expected)

    @pytest.mark.parametrize(
        ("correlation", "error", "words"),
        [
            (np.eye(3), ShapeError, "3 assets, the covariance 2"),
            ([[1.0, np.nan], [np.nan, 1.0]], NonFiniteError, "correlation of asset a"),
            ([[4.0, 1.0], [1.0, 9.0]], ParameterError, "pass correlations"),
            (pd.DataFrame(np.eye(2), columns=["a", "c"]), ShapeError, "do not match"),
        ],
    )
    def test_refuses(self, correlation, error, words):
        covariance = pd.DataFrame(np.eye(2), columns=["a", "b"], index=["a", "b"])
        with pytest.raises(error, match=words):
            solve_hierarchical_risk_parity(covariance, correlation=correlation)
