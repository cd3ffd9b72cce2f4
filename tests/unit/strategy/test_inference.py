"""Newey-West and Benjamini-Hochberg against statsmodels."""

import math

import numpy as np
import pytest
import statsmodels.api as sm
from statsmodels.stats.multitest import multipletests

from poise.errors import NonFiniteError, ParameterError
from poise.strategy.inference import (
    adjusted_p_values,
    benjamini_hochberg,
    newey_west_error,
    two_sided_p_value,
)
from tests.tolerances import CLOSED_FORM


@pytest.mark.parametrize("lags", [0, 1, 4, 19])
@pytest.mark.parametrize("seed", range(3))
def test_the_error_of_a_mean_is_that_of_statsmodels(lags, seed):
    rng = np.random.default_rng(seed)
    shocks = rng.normal(0.02, 0.2, 330)
    values = np.convolve(shocks, np.ones(20) / 20.0, mode="valid")
    model = sm.OLS(values, np.ones(len(values))).fit(cov_type="HAC", cov_kwds={"maxlags": lags})
    error = newey_west_error(values, lags=lags)
    np.testing.assert_allclose(error, model.bse[0], rtol=CLOSED_FORM)
    np.testing.assert_allclose(two_sided_p_value(values.mean() / error), model.pvalues[0], rtol=1e-9)


def test_overlap_makes_the_error_larger():
    values = np.convolve(np.random.default_rng(1).normal(size=600), np.ones(20) / 20.0, mode="valid")
    assert newey_west_error(values, lags=19) > 3.0 * newey_west_error(values, lags=0)


def test_short_and_constant_series():
    assert math.isnan(newey_west_error(np.array([]), lags=3))
    assert math.isnan(newey_west_error(np.array([1.0]), lags=3))
    assert newey_west_error(np.array([0.5, 0.5, 0.5]), lags=10) == 0.0
    assert math.isnan(two_sided_p_value(math.nan))


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("rate", [0.05, 0.10, 0.5])
def test_discoveries_are_those_of_statsmodels(seed, rate):
    rng = np.random.default_rng(seed)
    p_values = rng.random(int(rng.integers(1, 12))) ** rng.uniform(1.0, 4.0)
    expected = multipletests(p_values, alpha=rate, method="fdr_bh")[0]
    np.testing.assert_array_equal(benjamini_hochberg(p_values, rate=rate), expected)


@pytest.mark.parametrize("seed", range(25))
def test_adjusted_p_values_are_those_of_statsmodels(seed):
    rng = np.random.default_rng(seed)
    p_values = rng.random(int(rng.integers(1, 12))) ** rng.uniform(1.0, 4.0)
    p_values[-1] = p_values[0]
    expected = multipletests(p_values, method="fdr_bh")[1]
    np.testing.assert_allclose(adjusted_p_values(p_values), expected, rtol=CLOSED_FORM)
    with_gap = adjusted_p_values(np.append(p_values, math.nan))
    np.testing.assert_array_equal(with_gap[:-1], adjusted_p_values(p_values))
    assert math.isnan(with_gap[-1])


def test_what_was_not_tested_is_not_counted():
    p_values = np.array([math.nan, 0.04, math.nan, 0.9])
    assert benjamini_hochberg(p_values, rate=0.10).tolist() == [False, True, False, False]
    assert benjamini_hochberg(np.full(3, math.nan)).tolist() == [False] * 3
    assert benjamini_hochberg(np.array([])).tolist() == []


def test_unusable_arguments_are_refused():
    with pytest.raises(ParameterError, match="lags is -1"):
        newey_west_error(np.ones(3), lags=-1)
    with pytest.raises(NonFiniteError, match="value 1 is nan"):
        newey_west_error(np.array([1.0, math.nan]), lags=1)
    with pytest.raises(ParameterError, match=r"rate is 0\.0"):
        benjamini_hochberg(np.ones(1), rate=0.0)
    with pytest.raises(ParameterError, match=r"p-value 0 is 1\.5"):
        benjamini_hochberg(np.array([1.5]))
