"""Minimum variance over a rolling window: causality, still assets, labels, errors."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from poise.errors import EmptyUniverseError, InfeasibleError, NonFiniteError, ParameterError
from poise.optimization import rolling_minimum_variance, solve_minimum_variance
from tests.tolerances import SOLVER


def returns(n_observations=60, n_assets=5):
    return np.random.default_rng(5).normal(size=(n_observations, n_assets)) * 0.01


def test_what_comes_later_changes_nothing():
    R = returns()
    whole = rolling_minimum_variance(R, window=20)
    changed = R.copy()
    changed[41:] *= -7.0
    np.testing.assert_array_equal(rolling_minimum_variance(changed, window=20)[:41], whole[:41])
    np.testing.assert_array_equal(rolling_minimum_variance(R[:41], window=20), whole[:41])


def test_an_asset_that_stands_still_for_a_window_is_cash():
    R = returns()
    R[15:45, 2] = 0.0
    weights = rolling_minimum_variance(R, window=20)
    assert (weights[34:45, 2] == 0.0).all()
    assert (weights[46:, 2] > 0.0).all()
    for t in (30, 40, 50):
        alone = solve_minimum_variance(np.cov(R[t - 19 : t + 1].T)).weights
        np.testing.assert_allclose(weights[t], alone, atol=SOLVER)


def test_twins_share_in_every_window():
    R = returns()
    R[:, 1] = R[:, 0]
    weights = rolling_minimum_variance(R, window=20)[19:]
    np.testing.assert_array_equal(weights[:, 0], weights[:, 1])


def test_frames_keep_their_labels():
    R = pd.DataFrame(
        returns(), columns=list("ABCDE"), index=pd.date_range("2020-01-01", periods=60, tz="UTC")
    )
    weights = rolling_minimum_variance(R, window=20, step=5)
    assert list(weights.columns) == list("ABCDE")
    assert weights.index.equals(R.index)
    assert weights.iloc[:19].isna().all(axis=None)
    assert (weights.iloc[19:24].nunique() == 1).all()


def test_a_history_shorter_than_the_window_has_no_answer():
    assert np.isnan(rolling_minimum_variance(returns(10), window=20)).all()


def test_every_broken_promise_has_its_error():
    R = returns()
    with pytest.raises(EmptyUniverseError):
        rolling_minimum_variance(np.zeros((5, 0)), window=2)
    R[3, 1] = np.nan
    with pytest.raises(NonFiniteError):
        rolling_minimum_variance(R, window=20)
    for wrong in [{"window": 1}, {"window": 2.5}, {"window": 20, "step": 0}, {"window": 20, "step": "a"}]:
        with pytest.raises(ParameterError):
            rolling_minimum_variance(returns(), **wrong)
    for bounds in [(0.0, 0.1), (0.3, 1.0)]:
        with pytest.raises(InfeasibleError):
            rolling_minimum_variance(returns(), window=20, bounds=bounds)
