"""Filtered scenarios row by row."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from poise.errors import NonFiniteError, ParameterError, ShapeError, StateError
from poise.risk import FilteredHistory, filtered_scenarios
from poise.testing import perturb_future
from tests.tolerances import CLOSED_FORM


def returns(n: int = 260, assets: int = 3, seed: int = 0) -> np.ndarray:
    return 0.02 * np.random.default_rng(seed).standard_t(4, (n, assets))


def fed(R: np.ndarray, **parameters: float) -> FilteredHistory:
    history = FilteredHistory(R.shape[1], **parameters)
    for row in R:
        history.push(row)
    return history


def same(one: FilteredHistory, other: FilteredHistory) -> None:
    np.testing.assert_array_equal(one.scenarios(), other.scenarios())
    np.testing.assert_array_equal(one.volatility, other.volatility)
    weights = np.full(one.n_assets, 0.3)
    np.testing.assert_array_equal(one.outcomes(weights), other.outcomes(weights))


@pytest.mark.parametrize("rows", [21, 40, 100, 101, 199, 200, 260])
def test_online_equals_batch(rows: int) -> None:
    R = returns()[:rows]
    history = fed(R, window=100)
    expected = filtered_scenarios(R)[-100:]
    np.testing.assert_allclose(history.scenarios(), expected, rtol=CLOSED_FORM, atol=0.0)
    w = np.array([0.5, 0.3, -0.1])
    np.testing.assert_allclose(history.outcomes(w), expected @ w, rtol=0.0, atol=1e-14)


def test_before_twenty_rows_there_is_none() -> None:
    history = fed(returns(20))
    assert history.scenarios().shape == (0, 3)
    assert len(history.outcomes(np.ones(3))) == 0


def test_no_asset_loses_more_than_everything_and_what_never_moved_stays_unscaled() -> None:
    R = returns()
    R[:150, 1] = 0.0
    R[100, 0], R[-3:, 0] = -0.9, -0.9
    history = fed(R, window=250)
    expected = filtered_scenarios(R)[-250:]
    assert expected.min() == -1.0
    np.testing.assert_allclose(history.scenarios(), expected, rtol=CLOSED_FORM, atol=0.0)
    np.testing.assert_allclose(history.outcomes(np.ones(3)), expected @ np.ones(3), atol=1e-12)


def test_missing_values_leave_the_others_alone() -> None:
    R = returns()
    R[::7, 2] = np.nan
    R[:60, 1] = np.nan
    history = fed(R, window=300)
    scenarios = history.scenarios()
    np.testing.assert_allclose(scenarios[:, 0], filtered_scenarios(R[:, :1])[:, 0], rtol=CLOSED_FORM)
    own = R[np.isfinite(R[:, 2]), 2]
    known = scenarios[np.isfinite(scenarios[:, 2]), 2]
    np.testing.assert_allclose(known, filtered_scenarios(own[:, None])[:, 0], rtol=CLOSED_FORM)
    held = np.array([0.5, 0.0, 0.5])
    complete = np.isfinite(scenarios[:, [0, 2]]).all(axis=1)
    np.testing.assert_allclose(
        history.outcomes(held), scenarios[complete][:, [0, 2]].sum(axis=1) / 2, atol=1e-15
    )


def test_copies_pickles_and_bytes_continue_bit_for_bit() -> None:
    R = returns()
    R[130, 1] = np.nan
    for restore in (
        copy.copy,
        lambda h: pickle.loads(pickle.dumps(h)),  # noqa: S301 - our own bytes
        lambda h: FilteredHistory.from_bytes(h.to_bytes()),
    ):
        for rows in (5, 100, 150, 250):
            history = fed(R[:rows], window=100)
            twin = restore(history)
            for row in R[rows:]:
                history.push(row)
                twin.push(row)
            same(history, twin)
            assert twin.n_observations == len(R)


def test_what_comes_later_changes_nothing_earlier() -> None:
    R = returns()
    same(fed(R[:150]), fed(perturb_future(R, 149, rng=np.random.default_rng(1))[:150]))


def test_bad_input_is_refused_and_changes_nothing() -> None:
    history = fed(returns(50))
    twin = copy.copy(history)
    with pytest.raises(NonFiniteError, match="column 1"):
        history.push(np.array([np.nan, -np.inf, 0.0]))
    with pytest.raises(ShapeError):
        history.push(np.zeros(2))
    with pytest.raises(ShapeError):
        history.outcomes(np.ones(2))
    same(history, twin)
    for parameters in ({"window": 0}, {"half_life": 0.0}, {"half_life": float("nan")}):
        with pytest.raises(ParameterError):
            FilteredHistory(2, **parameters)
    with pytest.raises(StateError):
        FilteredHistory.from_bytes(history.to_bytes()[:-9])
