"""The iterated estimator: labels, refusals, copies, saved states, warming up."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest

from poise.errors import EmptyInputError, NonFiniteError, ParameterError, ShapeError, StateError
from poise.moments import EwmaCovariance, IteratedEwmaCovariance

R = 0.01 * np.random.default_rng(1).normal(size=(60, 3))
FRAME = pd.DataFrame(R, columns=["A", "B", "C"], index=pd.date_range("2020-01-01", periods=60))


def test_defaults():
    estimator = IteratedEwmaCovariance()
    assert (estimator.volatility_half_life, estimator.correlation_half_life) == (21.0, 63.0)
    chosen = "volatility_half_life=21.0, correlation_half_life=63.0, whiten_lag=1, winsor=4.2"
    assert repr(estimator) == f"IteratedEwmaCovariance({chosen})"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"volatility_half_life": 0}, "volatility_half_life is 0"),
        ({"correlation_half_life": "long"}, "correlation_half_life is 'long'"),
        ({"whiten_lag": 2}, "whiten_lag is 2"),
        ({"winsor": 0.5}, r"winsor is 0\.5"),
        ({"winsor": np.nan}, "winsor is nan"),
        ({"winsor": "wide"}, "winsor is 'wide'"),
    ],
)
def test_wrong_parameters(arguments, message):
    with pytest.raises(ParameterError, match=message):
        IteratedEwmaCovariance(**arguments)


def test_warming_up():
    estimator = IteratedEwmaCovariance()
    for t, row in enumerate(R[:20], start=1):
        estimator.partial_fit(row)
        assert estimator.n_observations_ == t
        assert np.isnan(estimator.volatility_).all() == (t < 5)
        for matrix in (estimator.correlation_, estimator.covariance_):
            assert np.isnan(matrix).all() == (t < 20)
            assert np.isnan(matrix).any() == (t < 20)


def test_one_asset():
    estimator = IteratedEwmaCovariance().fit(R[:, :1])
    np.testing.assert_array_equal(estimator.correlation_, [[1.0]])
    np.testing.assert_array_equal(estimator.covariance_, [estimator.volatility_**2])


def test_a_new_asset_shows_from_its_twentieth_observation():
    rows = R.copy()
    rows[:30, 2] = np.nan
    rows[40, 2] = np.nan
    for t in range(31, 61):
        shown = ~np.isnan(IteratedEwmaCovariance().fit(rows[:t]).correlation_)
        assert shown[:2, :2].all()
        assert shown[2].all() == shown[2, 2] == (t >= 51)
        assert shown[2].any() == (t >= 51)


def test_stale_and_kept_volatility():
    rows = R.copy()
    rows[40:, 1] = np.nan
    known = IteratedEwmaCovariance(5.0).fit(rows[:40])
    estimator = IteratedEwmaCovariance(5.0).fit(rows)
    assert estimator.volatility_[1] == known.volatility_[1]
    np.testing.assert_array_equal(estimator.stale_, [False, True, False])
    np.testing.assert_array_equal(IteratedEwmaCovariance(5.0).fit(rows[:55]).stale_, False)
    np.testing.assert_array_equal(IteratedEwmaCovariance(5.0).fit(rows[:56]).stale_, [False, True, False])
    never = IteratedEwmaCovariance().fit(np.column_stack([R, np.full(60, np.nan)]))
    assert not never.stale_[3]
    assert not never.degenerate_[3]


def test_a_missing_row_changes_nothing():
    estimator = IteratedEwmaCovariance().fit(R)
    before = estimator.to_bytes()
    assert estimator.partial_fit([np.nan] * 3).to_bytes() == before


def test_nothing_fitted():
    estimator = IteratedEwmaCovariance()
    assert estimator.n_observations_ == 0
    for name in ("covariance_", "correlation_", "volatility_", "degenerate_", "stale_"):
        with pytest.raises(StateError, match="fit"):
            getattr(estimator, name)


def test_a_refused_row_leaves_the_state_as_it_was():
    estimator = IteratedEwmaCovariance().fit(FRAME)
    before = estimator.to_bytes()
    with pytest.raises(NonFiniteError, match="inf at index 2"):
        estimator.partial_fit([0.01, np.nan, np.inf])
    with pytest.raises(ShapeError, match=r"\(2,\), expected \(3,\)"):
        estimator.partial_fit([0.01, 0.02])
    with pytest.raises(ShapeError, match="missing A"):
        estimator.partial_fit(pd.Series([0.1, 0.2, 0.3], index=["B", "C", "D"]))
    with pytest.raises(ParameterError, match="below 1e154"):
        estimator.partial_fit([0.01, -1e200, 0.01])
    with pytest.raises(NonFiniteError, match="row 1, column 0"):
        estimator.fit([[0.1, 0.2], [np.inf, 0.1]])
    with pytest.raises(EmptyInputError):
        estimator.fit(np.empty((0, 2)))
    assert estimator.to_bytes() == before
    fresh = IteratedEwmaCovariance()
    for row, error in (([np.inf], NonFiniteError), ([], EmptyInputError), ([[0.1]], ShapeError)):
        with pytest.raises(error):
            fresh.partial_fit(row)
    assert fresh.partial_fit(R[0]).n_observations_ == 1


def test_labels_stay_and_rows_are_matched_by_name():
    estimator, mixed = (
        IteratedEwmaCovariance().fit(FRAME),
        IteratedEwmaCovariance().partial_fit(FRAME.iloc[0]),
    )
    for _, row in FRAME.iloc[1:].iterrows():
        mixed.partial_fit(row[["C", "A", "B"]])
    assert mixed.to_bytes() == estimator.to_bytes()
    for matrix in (mixed.covariance_, mixed.correlation_):
        assert list(matrix.index) == list(matrix.columns) == ["A", "B", "C"]
    for vector in (mixed.volatility_, mixed.degenerate_, mixed.stale_):
        assert list(vector.index) == ["A", "B", "C"]
    polars = IteratedEwmaCovariance().fit(pl.DataFrame(R, schema=["A", "B", "C"]))
    np.testing.assert_array_equal(polars.covariance_.to_numpy(), estimator.covariance_.to_numpy())


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))])  # noqa: S301
def test_copies_are_independent_and_equal(again):
    rows = FRAME.copy()
    rows.iloc[:20, 1] = np.nan
    estimator = IteratedEwmaCovariance(10, 20, whiten_lag=0, winsor=None).fit(rows)
    before = estimator.to_bytes()
    twin = again(estimator)
    assert twin.to_bytes() == before
    assert repr(twin) == repr(estimator)
    pd.testing.assert_frame_equal(twin.covariance_, estimator.covariance_)
    twin.partial_fit(R[0])
    assert estimator.to_bytes() == before


def test_saved_states_keep_parameters_and_labels():
    for rows in (R, FRAME, pl.DataFrame(R, schema=["A", "B", "C"])):
        estimator = IteratedEwmaCovariance(5.0, 9.0, winsor=None, whiten_lag=0).fit(rows)
        restored = IteratedEwmaCovariance.from_bytes(estimator.to_bytes())
        assert repr(restored) == repr(estimator)
        assert type(restored.covariance_) is type(estimator.covariance_)
        assert restored.to_bytes() == estimator.to_bytes()
        assert restored.partial_fit(R[0]).n_observations_ == 61
    fresh = IteratedEwmaCovariance.from_bytes(IteratedEwmaCovariance(7.0).to_bytes())
    assert fresh.n_observations_ == 0
    assert fresh.volatility_half_life == 7.0


def test_states_of_other_estimators_are_refused():
    with pytest.raises(StateError, match="not a "):
        IteratedEwmaCovariance.from_bytes(EwmaCovariance(5.0).fit(R).to_bytes())
    with pytest.raises(StateError, match="not a "):
        EwmaCovariance.from_bytes(IteratedEwmaCovariance().fit(R).to_bytes())
    damaged = bytearray(IteratedEwmaCovariance().fit(R).to_bytes())
    damaged[-40] ^= 1
    with pytest.raises(StateError):
        IteratedEwmaCovariance.from_bytes(bytes(damaged))
