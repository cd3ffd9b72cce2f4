"""Rolling, shrunk, multi-horizon and regime covariances against pandas, twins and their batch forms."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from poise.moments import (
    EwmaCovariance,
    IteratedEwmaCovariance,
    MultiHalfLifeCovariance,
    MultiTimeframeCovariance,
    RegimeCovariance,
    RollingCovariance,
    ShrunkEwmaCovariance,
    constant_correlation_shrinkage,
    rolling_covariance,
)
from tests.reference import estimators as twin
from tests.reference.moments import largest_error
from tests.tolerances import CLOSED_FORM, SOLVER

RULES = [
    {},
    {"demean": False},
    {"adjust": False, "bias": True},
    {"ignore_na": True},
]


def returns(n_observations=120, n_assets=5, share=0.0, seed=3):
    rng = np.random.default_rng(seed)
    market = rng.standard_t(4, size=(n_observations, 1))
    R = 0.01 * (market + rng.standard_t(4, size=(n_observations, n_assets)))
    R[rng.random(R.shape) < share] = np.nan
    if share:
        R[n_observations // 2] = np.nan
        R[: n_observations // 3, 4] = np.nan
    return R


@pytest.mark.parametrize("share", [0.0, 0.2])
@pytest.mark.parametrize("rule", RULES)
def test_every_half_life_is_an_estimator_of_its_own(rule, share):
    R, half_lives = returns(share=share), [0.7, 10.4, 63.0]
    stream = MultiHalfLifeCovariance(half_lives, **rule)
    for t, row in enumerate(R):
        stream.partial_fit(row)
        if t % 17 == 0 or t == len(R) - 1:
            batch = MultiHalfLifeCovariance(half_lives, **rule).fit(R[: t + 1])
            for k, half_life in enumerate(half_lives):
                alone = EwmaCovariance(half_life, **rule).fit(R[: t + 1])
                for estimator in (stream, batch):
                    assert largest_error(estimator.covariance_[k], alone.covariance_) < CLOSED_FORM
                    assert largest_error(estimator.correlation_[k], alone.correlation_) < CLOSED_FORM
                    assert largest_error(estimator.volatility_[k], alone.volatility_) < CLOSED_FORM


@pytest.mark.parametrize("share", [0.0, 0.02])
@pytest.mark.parametrize("window", [2, 10, 60])
@pytest.mark.parametrize("ddof", [0, 1])
def test_rolling_equals_pandas_and_its_twin(window, ddof, share):
    R = returns(share=share)
    path = rolling_covariance(R, window=window, ddof=ddof)
    expected = pd.DataFrame(R).rolling(window).cov(ddof=ddof).to_numpy().reshape(path.shape)
    np.testing.assert_array_equal(np.isnan(path), np.isnan(expected))
    # pandas updates sums without renewing them, so that its own rounding grows with the path.
    assert largest_error(path, expected) < 100 * CLOSED_FORM
    exact = twin.rolling_covariance(R, window, ddof=ddof)
    stream = RollingCovariance(window, ddof=ddof)
    for t, row in enumerate(R):
        stream.partial_fit(row)
        assert largest_error(path[t], exact[t]) < CLOSED_FORM
        assert largest_error(stream.covariance_, exact[t]) < CLOSED_FORM
    assert largest_error(RollingCovariance(window, ddof=ddof).fit(R).covariance_, exact[-1]) < CLOSED_FORM


def test_rolling_about_zero():
    R = returns()
    exact = twin.rolling_covariance(R, 20, demean=False)
    assert largest_error(rolling_covariance(R, window=20, demean=False), exact) < CLOSED_FORM
    assert largest_error(RollingCovariance(20, demean=False).fit(R).covariance_, exact[-1]) < CLOSED_FORM


def test_another_level_leaves_no_rounding_behind():
    rng = np.random.default_rng(0)
    R = 1e-3 * rng.normal(size=(400, 3))
    R[:100, 1] += 1e6
    R[250, 2] = 1e6
    exact = twin.rolling_covariance(R, 50)
    stream = RollingCovariance(50)
    for t, row in enumerate(R):
        variance = stream.partial_fit(row).volatility_ ** 2
        if t >= 49:
            np.testing.assert_allclose(variance, np.diag(exact[t]), rtol=1e-9)


@pytest.mark.parametrize("half_life", [3.0, 20.0, 90.0])
def test_online_shrinkage_equals_the_batch(half_life):
    R = returns()
    stream = ShrunkEwmaCovariance(half_life)
    for t, row in enumerate(R, start=1):
        stream.partial_fit(row)
        if t >= 2:
            covariance, intensity = constant_correlation_shrinkage(R[:t], half_life=half_life, demean=False)
            assert largest_error(stream.covariance_, covariance) < CLOSED_FORM
            assert abs(stream.shrinkage_ - intensity) < CLOSED_FORM


@pytest.mark.parametrize("ignore_na", [False, True])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5])
def test_shrinkage_equals_its_twin(share, ignore_na):
    R = returns(60, share=share)
    stream = ShrunkEwmaCovariance(15.0, ignore_na=ignore_na)
    for t, row in enumerate(R, start=1):
        stream.partial_fit(row)
        if t >= 2:
            covariance, intensity, of_noise = twin.shrunk_ewma(R[:t], 15.0, ignore_na=ignore_na)
            # Where the sample must be lifted the smallest eigenvalue of a nearly singular matrix has a say.
            assert abs(stream.shrinkage_ - intensity) < SOLVER
            assert abs(stream.noise_shrinkage_ - of_noise) < CLOSED_FORM
            assert largest_error(stream.covariance_, covariance) < SOLVER


TIMEFRAMES = {"1h": (0.10, 72, 240), "4h": (0.25, 42, 126), "1d": (0.50, 21, 63), "1w": (0.15, 13, 52)}


def hourly(n_observations, n_assets=4, seed=5):
    rng = np.random.default_rng(seed)
    market = rng.normal(size=(n_observations, 1))
    R = 0.004 * (market + rng.normal(size=(n_observations, n_assets)))
    times = np.datetime64("2020-01-01", "ns") + np.arange(n_observations) * np.timedelta64(1, "h")
    return R, times


def untidy(n_observations):
    """Gaps, rows that never came, an asset that hardly trades and one listed late."""
    R, times = hourly(n_observations)
    rng = np.random.default_rng(8)
    R[rng.random(R.shape) < 0.05] = np.nan
    R[rng.random(n_observations) < 0.5, 2] = 0.0
    R[: n_observations - 24 * 30, 3] = np.nan
    came = rng.random(n_observations) > 0.02
    return R[came], times[came]


@pytest.mark.parametrize("make", [hourly, untidy])
@pytest.mark.parametrize("n_days", [10, 45, 180])
def test_timeframes_equal_pandas_buckets_and_iterated_twins(make, n_days):
    R, times = make(24 * n_days)
    expected = twin.TimeframesTwin("1h", TIMEFRAMES).fit(R, times)
    estimator = MultiTimeframeCovariance().fit(R, times)
    volatility, correlation = expected.blend()
    assert largest_error(estimator.volatility_, volatility) < CLOSED_FORM
    assert largest_error(estimator.correlation_, correlation) < SOLVER
    assert largest_error(estimator.covariance_, correlation * np.outer(volatility, volatility)) < SOLVER
    counts = [bars.notna().sum().to_numpy() for bars in expected.bars.values()]
    np.testing.assert_array_equal(estimator.n_closed_, counts)
    for row, name, count in zip(estimator.variance_ratio_, TIMEFRAMES, counts, strict=True):
        enough = count >= 2
        np.testing.assert_array_equal(np.isnan(row), ~enough)
        np.testing.assert_allclose(row[enough], expected.variance_ratio(name)[enough], rtol=1e-11)


def test_a_daily_base_and_closing_stamps():
    rng = np.random.default_rng(2)
    R = 0.01 * rng.normal(size=(400, 3))
    days = np.datetime64("2019-01-01", "ns") + np.arange(400) * np.timedelta64(1, "D")
    opened = MultiTimeframeCovariance("1d").fit(R, days)
    closed = MultiTimeframeCovariance("1d", stamps="close").fit(R, days + np.timedelta64(1, "D"))
    assert opened.timeframes_ == ("1d", "1w")
    np.testing.assert_array_equal(opened.covariance_, closed.covariance_)
    names = {name: TIMEFRAMES[name] for name in opened.timeframes_}
    volatility, correlation = twin.TimeframesTwin("1D", names).fit(R, days).blend()
    assert largest_error(opened.covariance_, correlation * np.outer(volatility, volatility)) < CLOSED_FORM
    alone = MultiTimeframeCovariance("1d", weights={"1d": 1.0}).fit(R, days)
    assert (
        largest_error(alone.covariance_, IteratedEwmaCovariance().fit(np.log1p(R)).covariance_) < CLOSED_FORM
    )


def test_timeframes_row_by_row_are_the_batch_bit_for_bit():
    R, times = untidy(24 * 40)
    stream = MultiTimeframeCovariance()
    for t, (row, time) in enumerate(zip(R, times, strict=True)):
        stream.partial_fit(row, time)
        if t % 211 == 0:
            stream = MultiTimeframeCovariance.from_bytes(stream.to_bytes())
    assert stream.to_bytes() == MultiTimeframeCovariance().fit(R, times).to_bytes()


def probabilities(n_observations, n_regimes=3, seed=4):
    return np.random.default_rng(seed).dirichlet(np.full(n_regimes, 0.3), size=n_observations)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.4])
def test_regimes_equal_their_twin_after_every_row(share):
    R, P = returns(200, share=share), probabilities(200)
    expected = twin.RegimesTwin(5, 3, 15.0, 30.0)
    names = ["a", "b", "c"]
    estimator = RegimeCovariance(
        names, stress_regime="b", volatility_half_life=15.0, correlation_half_life=30.0
    )
    for row, p in zip(R, P, strict=True):
        expected.update(row, p)
        estimator.partial_fit(row, p)
        assert largest_error(estimator.correlation_, expected.correlation()) < SOLVER
        for k, name in enumerate(names):
            conditional = expected.conditional_correlation(k)
            assert largest_error(estimator.conditional_correlation(name), conditional) < SOLVER
    s = estimator.volatility_
    np.testing.assert_allclose(estimator.n_effective_, expected.weight / (1.0 - expected.beta), rtol=1e-12)
    scale = np.outer(s, s)
    assert largest_error(estimator.covariance_, expected.correlation() * scale) < SOLVER
    assert largest_error(estimator.stress_covariance_, expected.conditional_correlation(1) * scale) < SOLVER
    if share:
        assert 4 in expected.members  # the late asset did join, so that rule was compared too


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_regimes_row_by_row_are_the_batch_bit_for_bit(share):
    R, P = returns(share=share), probabilities(120, 4)
    stream = RegimeCovariance()
    for t, (row, p) in enumerate(zip(R, P, strict=True)):
        stream.partial_fit(row, p)
        if t % 23 == 0:
            stream = RegimeCovariance.from_bytes(stream.to_bytes())
    assert stream.to_bytes() == RegimeCovariance().fit(R, P).to_bytes()


def test_one_regime_is_the_iterated_ewma():
    R = returns(200)
    estimator = RegimeCovariance(["all"], stress_regime="all").fit(R, np.ones((200, 1)))
    expected = IteratedEwmaCovariance().fit(R)
    assert largest_error(estimator.covariance_, expected.covariance_) < CLOSED_FORM
    assert largest_error(estimator.stress_covariance_, expected.covariance_) < CLOSED_FORM
