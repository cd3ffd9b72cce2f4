"""Black-Litterman against He and Litterman's (1999) seven countries, and what views may be."""

import numpy as np
import pandas as pd
import pytest

from poise.errors import (
    EmptyUniverseError,
    NonFiniteError,
    NotPositiveSemidefiniteError,
    ParameterError,
    ShapeError,
)
from poise.optimization import View, black_litterman, equilibrium_returns, implied_risk_aversion
from tests.tolerances import CLOSED_FORM

COUNTRIES = ["AU", "CA", "FR", "DE", "JP", "UK", "US"]
MARKET = np.array([0.016, 0.022, 0.052, 0.055, 0.116, 0.124, 0.615])
VOLATILITY = np.array([0.160, 0.203, 0.248, 0.271, 0.210, 0.200, 0.187])
LOWER = [
    [0.488],
    [0.478, 0.664],
    [0.515, 0.655, 0.861],
    [0.439, 0.310, 0.355, 0.354],
    [0.512, 0.608, 0.783, 0.777, 0.405],
    [0.491, 0.779, 0.668, 0.653, 0.306, 0.652],
]
EUROPE = View({"DE": 1.0, "FR": -0.052 / 0.176, "UK": -0.124 / 0.176}, 0.05)
AMERICA = View({"CA": 1.0, "US": -1.0}, 0.03)


def covariance():
    correlation = np.eye(7)
    for i, row in enumerate(LOWER, start=1):
        correlation[i, :i] = correlation[:i, i] = row
    return pd.DataFrame(correlation * np.outer(VOLATILITY, VOLATILITY), COUNTRIES, COUNTRIES)


def seven(*views, **settings):
    return black_litterman(covariance(), views, market_weights=pd.Series(MARKET, COUNTRIES), **settings)


def test_equilibrium_of_he_and_litterman():
    exact = [3.93755464, 6.9151896205, 8.358086638, 9.0272397403, 4.3028097, 6.76769305, 7.5600466122]
    np.testing.assert_allclose(100 * equilibrium_returns(MARKET, covariance()), exact, rtol=1e-9)
    np.testing.assert_allclose(100 * seven().expected_returns, exact, rtol=1e-9)


def test_the_view_on_germany():
    posterior = seven(EUROPE)
    np.testing.assert_allclose(
        100 * posterior.expected_returns,
        [4.328187682, 7.5757903029, 9.2874975081, 11.0374750437, 4.5062449287, 6.9528698533, 8.0694331741],
        rtol=1e-9,
    )
    weights = [
        1.5238095238,
        2.0952380952,
        -3.9678026655,
        35.4294859449,
        11.0476190476,
        -9.4616832794,
        58.5714285714,
    ]
    np.testing.assert_allclose(100 * posterior.weights, weights, rtol=1e-9)
    np.testing.assert_allclose(posterior.view_weights, [0.3170096024], rtol=1e-9)
    np.testing.assert_allclose(posterior.view_uncertainties / 0.05, [0.0212986844], rtol=1e-8)


def test_both_views():
    posterior = seven(EUROPE, AMERICA)
    np.testing.assert_allclose(
        100 * posterior.expected_returns,
        [4.4223158463, 8.7300042735, 9.4796222024, 11.210749246, 4.6164306379, 6.9718179355, 7.4816847843],
        rtol=1e-9,
    )
    weights = [
        1.5238095238,
        41.8632630756,
        -3.4278672226,
        33.6020121381,
        11.0476190476,
        -8.1741449155,
        18.8034035911,
    ]
    np.testing.assert_allclose(100 * posterior.weights, weights, rtol=1e-9)
    np.testing.assert_allclose(posterior.view_weights, [0.2978211274, 0.4175642623], rtol=1e-9)
    np.testing.assert_allclose(posterior.view_uncertainties[1] / 0.05, 0.017034762, rtol=1e-8)


def test_weights_are_the_optimum_of_the_posterior():
    posterior = seven(EUROPE, AMERICA, risk_aversion=3.0, tau=0.2)
    optimum = np.linalg.solve(3.0 * posterior.covariance.to_numpy(), posterior.expected_returns)
    np.testing.assert_allclose(posterior.weights, optimum, rtol=1e-10)


def test_assets_in_no_view_keep_their_share():
    posterior = seven(EUROPE, tau=0.1)
    left_alone = ["AU", "CA", "JP", "US"]
    np.testing.assert_allclose(posterior.weights[left_alone], pd.Series(MARKET, COUNTRIES)[left_alone] / 1.1)


def test_the_posterior_is_that_of_the_information_form():
    S, tau = covariance().to_numpy(), 0.05
    P = np.array([[0, 0, -0.3, 1, 0, -0.7, 0], [0, 1, 0, 0, 0, 0, -1.0]])
    Q, omega = np.array([0.05, 0.03]), np.array([0.001, 0.002])
    posterior = black_litterman(S, (P, Q), market_weights=MARKET, tau=tau, view_uncertainties=omega)
    inverse = np.linalg.inv(tau * S)
    precision = inverse + P.T @ np.diag(1 / omega) @ P
    mean = np.linalg.solve(precision, inverse @ (2.5 * S @ MARKET) + P.T @ (Q / omega))
    np.testing.assert_allclose(posterior.expected_returns, mean, rtol=1e-9)
    np.testing.assert_allclose(posterior.covariance, S + np.linalg.inv(precision), rtol=1e-9)


@pytest.mark.parametrize("confidence", [0.1, 0.5, 0.9, 1.0])
def test_a_lone_view_is_gone_along_with_as_far_as_it_is_trusted(confidence):
    """Idzorek's (2005) meaning of confidence."""
    prior = seven().expected_returns
    posterior = seven(View({"JP": 1.0}, 0.09, confidence))
    moved = (posterior.expected_returns["JP"] - prior["JP"]) / (0.09 - prior["JP"])
    assert moved == pytest.approx(confidence, abs=1e-11)


def test_confidence_0_drops_the_view():
    posterior = seven(View({"JP": 1.0}, 0.09, 0.0))
    np.testing.assert_array_equal(posterior.expected_returns, seven().expected_returns)
    assert posterior.views == ()
    assert "left out" in posterior.messages[0]


def test_views_in_words():
    words = seven("DE - 0.29545454545454547 * FR - 0.7045454545454546 * UK = 5%", "CA - US = 0.03 @ 50%")
    np.testing.assert_allclose(words.weights, seven(EUROPE, AMERICA).weights, rtol=1e-12)
    assert [view.name for view in words.views][1] == "CA - US = 0.03 @ 50%"


def test_arrays_go_by_position():
    P, Q = [[0, 1, 0, 0, 0, 0, -1]], [0.03]
    posterior = black_litterman(covariance().to_numpy(), (P, Q), market_weights=MARKET)
    np.testing.assert_allclose(posterior.weights, seven(AMERICA).weights, rtol=1e-12)
    assert posterior.views[0].weights == {1: 1.0, 6: -1.0}


def test_a_prior_instead_of_market_weights():
    posterior = black_litterman(covariance(), [EUROPE], prior=seven().prior)
    np.testing.assert_allclose(posterior.weights, seven(EUROPE).weights, rtol=1e-8)


def test_labels_come_back():
    posterior = seven(EUROPE)
    for values in (posterior.expected_returns, posterior.weights, posterior.prior):
        assert list(values.index) == COUNTRIES
    assert list(posterior.covariance.columns) == COUNTRIES
    assert (posterior.covariance.to_numpy() == posterior.covariance.to_numpy().T).all()


def test_the_same_view_twice_counts_twice():
    """Two independent sources that agree move the mean further than one."""
    once, twice = seven(AMERICA), seven(AMERICA, AMERICA)
    prior = once.prior["CA"] - once.prior["US"]
    moved = [p.expected_returns["CA"] - p.expected_returns["US"] - prior for p in (once, twice)]
    assert moved[1] / (0.03 - prior) == pytest.approx(2 / 3)
    assert moved[0] / (0.03 - prior) == pytest.approx(1 / 2)


def test_certain_views_that_contradict_each_other_meet_halfway():
    posterior = seven(View({"JP": 1.0}, 0.0, 1.0), View({"JP": 1.0}, 0.1, 1.0))
    assert posterior.expected_returns["JP"] == pytest.approx(0.05, abs=1e-4)


def test_a_view_on_what_never_moves_changes_nothing():
    S = np.diag([0.04, 0.0])
    posterior = black_litterman(S, [View({1: 1.0}, 0.05)], market_weights=[0.5, 0.5])
    np.testing.assert_array_equal(posterior.expected_returns, posterior.prior)
    assert "without variance" in posterior.messages[0]


def test_no_view_leaves_the_market():
    np.testing.assert_allclose(seven().weights, MARKET / 1.05, rtol=1e-12)
    assert black_litterman([[0.04]]).weights == pytest.approx([1 / 1.05], rel=CLOSED_FORM)


def test_implied_risk_aversion_gives_the_market_its_sharpe_ratio():
    delta = implied_risk_aversion(MARKET, covariance(), sharpe_ratio=0.4)
    mean = equilibrium_returns(MARKET, covariance(), risk_aversion=delta) @ MARKET
    assert mean / np.sqrt(MARKET @ covariance().to_numpy() @ MARKET) == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("views", "settings", "error", "message"),
    [
        (["XX = 0.1"], {}, ParameterError, "'XX' is unknown"),
        ([View({"XX": 1.0}, 0.1)], {}, ParameterError, "'XX', which is not among"),
        (["CA >= 0.1"], {}, ParameterError, "no equation"),
        (["CA = 0.1 @ sure"], {}, ParameterError, "no confidence"),
        (["CA = 0.1 @ 120%"], {}, ParameterError, "expected 0 to 1"),
        ([3.0], {}, ParameterError, "neither a View nor"),
        (([[1.0, 2.0]], [0.1]), {}, ShapeError, r"\(n_views, 7\)"),
        ([], {"prior": np.zeros(7)}, ParameterError, "both"),
        ([], {"tau": 0.0}, ParameterError, "tau"),
        ([], {"risk_aversion": -1.0}, ParameterError, "risk_aversion"),
        (["CA = 0.1"], {"view_uncertainties": [-1.0]}, ParameterError, "not negative"),
        (["CA = 0.1"], {"view_uncertainties": [1.0, 1.0]}, ParameterError, "1 variances"),
    ],
)
def test_mistakes_are_named(views, settings, error, message):
    with pytest.raises(error, match=message):
        black_litterman(covariance(), views, market_weights=pd.Series(MARKET, COUNTRIES), **settings)


def test_broken_inputs_are_named():
    with pytest.raises(EmptyUniverseError):
        black_litterman(np.zeros((0, 0)))
    with pytest.raises(NonFiniteError, match="asset 1"):
        black_litterman([[1.0, 0.0], [0.0, np.nan]])
    with pytest.raises(NotPositiveSemidefiniteError, match="asset 0"):
        black_litterman([[-1.0]])
    with pytest.raises(NonFiniteError, match="market_weights"):
        black_litterman([[1.0]], market_weights=[np.nan])
    with pytest.raises(ShapeError, match="3 market_weights"):
        black_litterman(np.eye(2), market_weights=[0.2, 0.3, 0.5])
    with pytest.raises(ParameterError, match="no variance"):
        implied_risk_aversion([1.0], [[0.0]], sharpe_ratio=1.0)
    for broken in ({}, {"A": 0.0}):
        with pytest.raises(ParameterError):
            View(broken, 0.1)
    for weight, expected in ((np.nan, 0.1), (1.0, np.inf)):
        with pytest.raises(NonFiniteError):
            View({"A": weight}, expected)
