"""Portfolios in scikit-learn's manners: parameters, labels, pipelines, grids, copies."""

from __future__ import annotations

import copy
import math
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest

from poise.errors import (
    EmptyInputError,
    NonFiniteError,
    NotEnoughDataError,
    ParameterError,
    ShapeError,
    StateError,
)
from poise.moments import (
    EwmaCovariance,
    constant_correlation_shrinkage,
    james_stein_means,
    ledoit_wolf,
)
from poise.optimization import (
    BlackLitterman,
    CapWeight,
    EqualWeight,
    HierarchicalRiskParity,
    InverseVolatility,
    Kelly,
    LinearConstraint,
    MaximumDiversification,
    MaximumSharpe,
    MeanReversion,
    MeanVariance,
    MinimumCDaR,
    MinimumCVaR,
    MinimumVariance,
    MomentumTilt,
    RiskParity,
    TradingCosts,
    black_litterman,
    mean_reversion_tilt,
    momentum_tilt,
    solve_mean_variance,
    solve_minimum_variance,
    solve_risk_parity,
)
from tests.tolerances import CLOSED_FORM, SUM

NAMES = ["BTC/USDT", "ETH/USDT", "SOL/USDT", "UNI/USDT"]
CLASSES = [
    BlackLitterman,
    CapWeight,
    EqualWeight,
    HierarchicalRiskParity,
    InverseVolatility,
    Kelly,
    MaximumDiversification,
    MaximumSharpe,
    MeanReversion,
    MeanVariance,
    MinimumCDaR,
    MinimumCVaR,
    MinimumVariance,
    MomentumTilt,
    RiskParity,
]


def market(n_observations: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(7)
    noise = rng.normal(size=(n_observations, 4)) * [0.02, 0.03, 0.04, 0.05]
    returns = 0.0005 + noise + 0.02 * rng.normal(size=(n_observations, 1))
    times = pd.date_range("2020-01-01", periods=n_observations, tz="UTC")
    return pd.DataFrame(np.clip(returns, -0.5, None), index=times, columns=NAMES)


R = market()
COVARIANCE = constant_correlation_shrinkage(R).covariance


@pytest.mark.parametrize("make", CLASSES)
def test_labels_come_out_as_they_went_in(make):
    frame, bare, polars = make().fit(R), make().fit(R.to_numpy()), make().fit(pl.from_pandas(R))
    assert list(frame.weights_.index) == NAMES
    assert abs(frame.weights_.sum() - 1.0) <= SUM or make is Kelly  # the rest is cash
    np.testing.assert_array_equal(frame.weights_.to_numpy(), bare.weights_)
    assert polars.weights_.columns == NAMES
    np.testing.assert_array_equal(polars.weights_.to_numpy()[0], bare.weights_)
    assert (frame.n_features_in_, bare.n_features_in_) == (4, 4)
    assert list(frame.feature_names_in_) == NAMES
    assert not hasattr(bare, "feature_names_in_")
    assert (frame.predict(R).index == R.index).all()
    np.testing.assert_allclose(frame.predict(R), R @ frame.weights_, atol=CLOSED_FORM)
    assert frame.score(R) == pytest.approx((R @ frame.weights_).mean() / (R @ frame.weights_).std())


@pytest.mark.parametrize("make", CLASSES)
def test_parameters_go_in_and_out(make):
    thing = make()
    params = thing.get_params()
    assert make(**params).get_params() == params
    assert repr(thing) == f"{make.__name__}()"
    with pytest.raises(ParameterError, match=f"{make.__name__} has no parameter 'boundz'"):
        thing.set_params(boundz=(0, 1))
    if "bounds" in params:
        assert thing.set_params(bounds=(0, 0.4)) is thing
        assert repr(thing) == f"{make.__name__}(bounds=(0, 0.4))"
        assert (np.asarray(thing.fit(R).weights_) <= 0.4).all()


@pytest.mark.parametrize("make", CLASSES)
def test_copies_answer_alike_and_go_their_own_way(make):
    fitted = make().fit(R)
    for again in [copy.deepcopy(fitted), pickle.loads(pickle.dumps(fitted))]:  # noqa: S301 - our own
        pd.testing.assert_series_equal(again.weights_, fitted.weights_)
        again.fit(R[:100])
    pd.testing.assert_series_equal(fitted.weights_, make().fit(R).weights_)


@pytest.mark.parametrize("make", CLASSES)
def test_nothing_fitted_answers_nothing(make):
    with pytest.raises(StateError, match="fit"):
        _ = make().weights_
    with pytest.raises(StateError, match="fit"):
        make().predict(R)
    fitted = make().fit(R)
    before = fitted.result_
    with pytest.raises(EmptyInputError):
        fitted.fit(R[:0])
    with pytest.raises(NonFiniteError, match="SOL/USDT has no return at all"):
        fitted.fit(R.assign(**{"SOL/USDT": np.nan}))
    assert fitted.result_ is before


def test_the_answers_are_those_of_the_functions():
    pd.testing.assert_series_equal(
        MinimumVariance(constraints="SOL/USDT >= 0.3").fit(R).weights_,
        solve_minimum_variance(COVARIANCE, constraints="SOL/USDT >= 0.3").weights,
    )
    parity = solve_risk_parity(COVARIANCE, budgets=[1, 2, 3, 4]).weights
    pd.testing.assert_series_equal(RiskParity(budgets=[1, 2, 3, 4]).fit(R).weights_, parity)
    means = james_stein_means(R).expected_returns
    best = solve_mean_variance(means, COVARIANCE, risk_aversion=3.0).weights
    pd.testing.assert_series_equal(MeanVariance().fit(R).weights_, best)
    costs = TradingCosts(dict.fromkeys(NAMES, 0.25), fee=0.001, holding_periods=20)
    np.testing.assert_array_equal(
        MeanVariance(costs=costs).fit(R).weights_,
        solve_mean_variance(means, COVARIANCE, risk_aversion=3.0, costs=costs).weights,
    )
    viewed = BlackLitterman(views=["BTC/USDT - ETH/USDT = 0.01 @ 80%"]).fit(R)
    posterior = black_litterman(COVARIANCE, ["BTC/USDT - ETH/USDT = 0.01 @ 80%"])
    pd.testing.assert_series_equal(viewed.posterior_.expected_returns, posterior.expected_returns)
    assert viewed.weights_["BTC/USDT"] > BlackLitterman().fit(R).weights_["BTC/USDT"]


def test_tilts_lean_on_their_base():
    leaning = MomentumTilt(base=EqualWeight(), strength=1.0).fit(R)
    np.testing.assert_allclose(
        leaning.weights_, momentum_tilt(np.full(4, 0.25), leaning.scores_, strength=1.0), rtol=1e-15
    )
    assert leaning.weights_.idxmax() == NAMES[int(np.argmax(leaning.scores_))]
    back = MeanReversion(base=EqualWeight(), strength=1.0).fit(R)
    np.testing.assert_allclose(
        back.weights_, mean_reversion_tilt(np.full(4, 0.25), back.distances_, strength=1.0), rtol=1e-15
    )
    with pytest.raises(ParameterError, match="base"):
        MomentumTilt(base="equal").fit(R)
    with pytest.raises(ParameterError, match="above -1"):
        MomentumTilt().fit(R.clip(lower=-2.0) - 1.0)


def test_a_fallen_residual_gains_weight():
    rng = np.random.default_rng(1)
    n = 250
    level = np.zeros(n)
    for t in range(1, n):
        level[t] = 0.5 * level[t - 1] + 0.02 * rng.normal()
    level[-1] = level[-2] - 0.05
    common = 0.01 * rng.normal(size=n)
    returns = common[:, np.newaxis] + 0.001 * rng.normal(size=(n, 8))
    returns[:, 0] += np.diff(level, prepend=0.0)
    fitted = MeanReversion(base=EqualWeight()).fit(returns)
    assert fitted.distances_[0] < 0.0
    assert fitted.weights_[0] > 1.0 / 8.0


def test_moments_are_the_callers_choice():
    from sklearn.covariance import LedoitWolf

    expected = solve_minimum_variance(ledoit_wolf(R).covariance).weights
    for choice in [ledoit_wolf, lambda X: ledoit_wolf(X).covariance, LedoitWolf()]:
        found = MinimumVariance(covariance=choice).fit(R).weights_
        assert list(found.index) == NAMES
        np.testing.assert_allclose(found, expected, atol=1e-9)
    fixed = MinimumVariance(covariance=COVARIANCE.to_numpy()).fit(R).weights_
    pd.testing.assert_series_equal(fixed, MinimumVariance().fit(R).weights_)
    forgetful = EwmaCovariance(30)
    MinimumVariance(covariance=forgetful).fit(R)
    with pytest.raises(StateError):  # the parameter itself is not fitted
        _ = forgetful.covariance_
    with pytest.raises(ParameterError, match="class"):
        MinimumVariance(covariance=EwmaCovariance).fit(R)
    with pytest.raises(ParameterError, match="covariance_"):
        MinimumVariance(covariance=EqualWeight()).fit(R)
    plain = MeanVariance(expected_returns=lambda X: X.mean()).fit(R).weights_
    pd.testing.assert_series_equal(
        plain, solve_mean_variance(R.mean(), COVARIANCE, risk_aversion=3.0).weights
    )


def test_gaps_are_for_moments_that_allow_them():
    gappy = R.copy()
    gappy.iloc[3:9, 1] = np.nan
    with pytest.raises(NonFiniteError):
        MinimumVariance().fit(gappy)
    fitted = MinimumVariance(covariance=EwmaCovariance(60)).fit(gappy)
    assert abs(fitted.weights_.sum() - 1.0) <= SUM


def test_prediction_matches_assets_by_name_and_forgives_what_is_not_held():
    fitted = MinimumVariance(bounds=(0, [1, 1, 0, 1])).fit(R)
    pd.testing.assert_series_equal(fitted.predict(R[NAMES[::-1]]), fitted.predict(R))
    silent = R.assign(**{"SOL/USDT": np.nan})
    pd.testing.assert_series_equal(fitted.predict(silent), fitted.predict(R))
    assert math.isnan(fitted.score(R.assign(**{"BTC/USDT": np.nan})))
    assert math.isnan(fitted.score(0.0 * R))
    with pytest.raises(ShapeError, match="3 assets, but 4"):
        fitted.predict(R[NAMES[:3]])
    with pytest.raises(ShapeError, match="ETH/USDT"):
        fitted.predict(R.rename(columns={"ETH/USDT": "DOGE"}))
    with pytest.raises(NonFiniteError, match="infinite"):
        fitted.predict(R.replace(R.iloc[4, 0], np.inf))
    with pytest.raises(NotEnoughDataError):
        fitted.score(R[:1])


def test_scikit_learn_clones_them():
    from sklearn.base import clone
    from sklearn.utils.validation import check_is_fitted

    for make in CLASSES:
        thing = make().fit(R)
        fresh = clone(thing)
        assert type(fresh) is make
        assert not fresh.__sklearn_is_fitted__()
        check_is_fitted(thing)
    rule = LinearConstraint({"BTC/USDT": 1.0}, upper=0.3)
    nested = MomentumTilt(base=MinimumVariance(constraints=rule, covariance=ledoit_wolf))
    fresh = clone(nested)
    assert fresh.base is not nested.base
    pd.testing.assert_series_equal(fresh.fit(R).weights_, nested.fit(R).weights_)


def test_scikit_learn_searches_their_parameters():
    from sklearn.feature_selection import SelectKBest
    from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_score
    from sklearn.pipeline import Pipeline

    splits = TimeSeriesSplit(4)
    search = GridSearchCV(
        MomentumTilt(base=RiskParity()), {"strength": [0.0, 0.5], "base__bounds": [None, (0, 0.3)]}, cv=splits
    ).fit(R)
    assert set(search.best_params_) == {"strength", "base__bounds"}
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert abs(search.best_estimator_.weights_.sum() - 1.0) <= SUM
    by_hand = [MinimumVariance().fit(R.iloc[a]).score(R.iloc[b]) for a, b in splits.split(R)]
    np.testing.assert_allclose(cross_val_score(MinimumVariance(), R, cv=splits), by_hand, rtol=CLOSED_FORM)
    pipeline = Pipeline(
        [("choose", SelectKBest(lambda X, y: X.std(axis=0), k=3)), ("weigh", MinimumVariance())]
    ).set_output(transform="pandas")
    pipeline.fit(R, np.zeros(len(R)))
    assert pipeline["weigh"].n_features_in_ == 3
    assert len(pipeline.predict(R)) == len(R)
    pipeline.set_params(weigh__bounds=(0, 0.5)).fit(R, np.zeros(len(R)))
    assert (pipeline["weigh"].weights_ <= 0.5).all()
    assert list(pipeline["weigh"].weights_.index) == NAMES[1:]


def test_scikit_learn_is_not_needed():
    script = (
        "import sys; sys.modules['sklearn'] = None; import numpy as np;"
        "from poise.optimization import RiskParity;"
        "p = RiskParity().fit(np.random.default_rng(0).normal(size=(50, 3)) / 100);"
        "print(p.get_params(), p.score(np.ones((3, 3)) * [[0.1], [0.2], [0.3]]))"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)


def test_means_are_shrunk_as_jorion_says():
    returns = R.to_numpy()
    shrunk = james_stein_means(returns)
    S = constant_correlation_shrinkage(returns).covariance
    inverse, one, mean = np.linalg.inv(S), np.ones(4), returns.mean(axis=0)
    target = one @ inverse @ mean / (one @ inverse @ one)
    away = mean - target
    phi = (4 + 2) / (4 + 2 + len(returns) * away @ inverse @ away)
    assert shrunk.intensity == pytest.approx(phi, rel=1e-8)
    assert shrunk.target == pytest.approx(target, rel=1e-8)
    np.testing.assert_allclose(shrunk.expected_returns, (1 - phi) * mean + phi * target, rtol=1e-8)
    assert list(james_stein_means(R).expected_returns.index) == NAMES
    one_asset = james_stein_means(returns[:, :1])
    assert (one_asset.intensity, one_asset.expected_returns[0]) == (1.0, pytest.approx(mean[0]))
    twins = james_stein_means(returns[:, [0, 0, 1]])
    np.testing.assert_allclose(twins.expected_returns[0], twins.expected_returns[1], rtol=1e-8)
    short = james_stein_means(returns[:3])
    assert 0.0 < short.intensity <= 1.0
    np.testing.assert_array_equal(james_stein_means(np.full((5, 3), 0.01)).expected_returns, [0.01] * 3)


def test_shrunk_means_are_nearer_to_the_truth():
    rng = np.random.default_rng(1)
    truth = np.linspace(0.0002, 0.0008, 8)
    errors = []
    for _ in range(40):
        sample = truth + 0.02 * rng.normal(size=(250, 8))
        shrunk = james_stein_means(sample).expected_returns
        errors.append([((shrunk - truth) ** 2).sum(), ((sample.mean(axis=0) - truth) ** 2).sum()])
    mean = np.mean(errors, axis=0)
    assert mean[0] < 0.5 * mean[1]


@pytest.mark.parametrize(
    ("returns", "covariance", "error", "words"),
    [
        (np.empty((0, 2)), None, EmptyInputError, "at least one"),
        (np.ones((1, 2)), None, NotEnoughDataError, "more rows"),
        ([[0.1, np.nan], [0.1, 0.2]], None, NonFiniteError, "row 0, column 1"),
        (np.ones((3, 2)), np.eye(3), ShapeError, "2 assets"),
        (np.ones((3, 2)), [[1.0, np.inf], [np.inf, 1.0]], NonFiniteError, "row 0, column 1"),
    ],
)
def test_means_refuse_what_has_none(returns, covariance, error, words):
    with pytest.raises(error, match=words):
        james_stein_means(returns, covariance=covariance)
