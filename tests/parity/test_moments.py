"""The moment kernels against pandas, against their readable twins, and online against batch."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest

from poise.moments import (
    EwmaCovariance,
    constant_correlation_shrinkage,
    ewma_correlation,
    ewma_covariance,
    sample_covariance,
)
from tests.reference import moments as twin
from tests.reference.moments import largest_error
from tests.tolerances import CLOSED_FORM

MODES = [
    {"adjust": adjust, "bias": bias, "ignore_na": ignore_na}
    for adjust, bias, ignore_na in product((True, False), repeat=3)
]
GAPS = (0.0, 0.1, 0.6)
N_OBSERVATIONS, N_ASSETS = 80, 5


def mode_id(mode):
    return "-".join(name for name, chosen in mode.items() if chosen) or "none"


@pytest.fixture(params=GAPS, ids=lambda share: f"{share:.0%} missing")
def returns(request):
    rng = np.random.default_rng(11)
    market = rng.standard_t(4, size=(N_OBSERVATIONS, 1))
    R = 0.01 * (market + rng.standard_t(4, size=(N_OBSERVATIONS, N_ASSETS))) + 0.001
    R[rng.random(R.shape) < request.param] = np.nan
    if request.param:
        R[30] = np.nan
        R[:20, 4] = np.nan
    return R


def pandas_path(frame):
    return frame.to_numpy().reshape(N_OBSERVATIONS, N_ASSETS, N_ASSETS)


@pytest.mark.parametrize("half_life", [0.7, 10.4, 63.0])
@pytest.mark.parametrize("mode", MODES, ids=mode_id)
def test_path_equals_pandas(returns, mode, half_life):
    bias = mode["bias"]
    ewm = pd.DataFrame(returns).ewm(halflife=half_life, adjust=mode["adjust"], ignore_na=mode["ignore_na"])
    covariance = ewma_covariance(returns, half_life=half_life, last=False, **mode)
    assert largest_error(covariance, pandas_path(ewm.cov(bias=bias))) < CLOSED_FORM
    correlation = ewma_correlation(returns, half_life=half_life, last=False, **mode)
    assert largest_error(correlation, pandas_path(ewm.corr())) < CLOSED_FORM


@pytest.mark.parametrize("demean", [True, False])
@pytest.mark.parametrize("mode", MODES, ids=mode_id)
def test_equals_the_twin(returns, mode, demean):
    rule = {**mode, "demean": demean}
    for t in (2, 3, 25, 31, N_OBSERVATIONS):
        past = returns[:t]
        # A single observation that has aged shows 0 or NaN by rounding, here as in pandas.
        known = ~np.isnan(past)
        once = known.astype(int).T @ known == 1
        actual = ewma_covariance(past, half_life=7.0, **rule)
        expected = twin.ewma_covariance(past, 7.0, **rule)
        assert largest_error(actual[~once], expected[~once]) < CLOSED_FORM
        assert np.all(np.isnan(actual[once]) | (actual[once] == 0.0) | (mode["bias"] or not demean))
        actual = ewma_correlation(past, half_life=7.0, **rule)
        assert largest_error(actual, twin.ewma_correlation(past, 7.0, **rule)) < CLOSED_FORM


@pytest.mark.parametrize("demean", [True, False])
@pytest.mark.parametrize("mode", MODES, ids=mode_id)
def test_online_equals_batch_equals_path(returns, mode, demean):
    rule = {**mode, "demean": demean}
    path = ewma_covariance(returns, half_life=9.0, last=False, **rule)
    stream = EwmaCovariance(9.0, **rule)
    for t, row in enumerate(returns):
        stream.partial_fit(row)
        batch = EwmaCovariance(9.0, **rule).fit(returns[: t + 1])
        assert largest_error(stream.covariance_, path[t]) < CLOSED_FORM
        assert largest_error(batch.covariance_, path[t]) < CLOSED_FORM
        assert largest_error(batch.correlation_, stream.correlation_) < CLOSED_FORM
        assert batch.n_observations_ == stream.n_observations_
    assert largest_error(ewma_covariance(returns, half_life=9.0, **rule), path[-1]) < CLOSED_FORM


def test_a_long_history_may_be_cut_but_not_a_heavy_one():
    rng = np.random.default_rng(5)
    R = 0.01 * rng.normal(size=(3000, 6))
    R[:100] *= 1e12
    for rows in (R, R[100:]):
        stream = EwmaCovariance(8.0)
        for row in rows:
            stream.partial_fit(row)
        assert largest_error(ewma_covariance(rows, half_life=8.0), stream.covariance_) < CLOSED_FORM


@pytest.mark.parametrize("ddof", [0, 1, 3])
def test_sample_covariance(returns, ddof):
    assert (
        largest_error(sample_covariance(returns, ddof=ddof), twin.sample_covariance(returns, ddof))
        < CLOSED_FORM
    )


def test_sample_covariance_equals_pandas(returns):
    assert largest_error(sample_covariance(returns), pd.DataFrame(returns).cov()) < CLOSED_FORM


@pytest.mark.parametrize("half_life", [None, 15.0])
@pytest.mark.parametrize("n_assets", [3, 5])
def test_shrinkage_equals_the_double_sums(n_assets, half_life):
    rng = np.random.default_rng(3)
    scale, loadings = np.geomspace(1e-3, 1e-2, n_assets), np.linspace(-1.0, 2.0, n_assets)
    R = scale * (loadings * rng.standard_t(5, size=(60, 1)) + rng.standard_t(5, size=(60, n_assets)))
    covariance, intensity = constant_correlation_shrinkage(R, half_life=half_life)
    expected, expected_intensity = twin.constant_correlation_shrinkage(R, half_life)
    assert 0.0 < intensity < 1.0
    assert intensity == pytest.approx(expected_intensity, rel=CLOSED_FORM)
    assert largest_error(covariance, expected) < CLOSED_FORM


def test_shrinkage_recovers_equal_correlation():
    rng = np.random.default_rng(2)
    R = 0.01 * (rng.normal(size=(30, 1)) + rng.normal(size=(30, 12)))
    covariance, intensity = constant_correlation_shrinkage(R)
    assert intensity > 0.5
    truth = 1e-4 * (np.ones((12, 12)) + np.eye(12))
    sample = sample_covariance(R, ddof=0)
    assert np.linalg.norm(covariance - truth) < np.linalg.norm(sample - truth)
