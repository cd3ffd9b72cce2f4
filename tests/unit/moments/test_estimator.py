"""The estimator that takes in one row at a time: labels, refusals, copies and saved states."""

from __future__ import annotations

import copy
import pickle
import struct
import zlib

import numpy as np
import pandas as pd
import polars as pl
import pytest

from poise.errors import EmptyInputError, InputError, NonFiniteError, ParameterError, ShapeError, StateError
from poise.moments import EwmaCovariance, ewma_covariance

R = 0.01 * np.random.default_rng(1).normal(size=(12, 3))
FRAME = pd.DataFrame(R, columns=["A", "B", "C"], index=pd.date_range("2020-01-01", periods=12))


def test_fit_forgets_what_was_seen():
    estimator = EwmaCovariance(5.0).fit(100.0 * R)
    assert estimator.fit(R) is estimator
    np.testing.assert_array_equal(estimator.covariance_, ewma_covariance(R, half_life=5.0))
    assert estimator.n_observations_ == 12


def test_volatility_is_the_root_of_the_diagonal():
    gapped = R.copy()
    gapped[3, 1] = np.nan
    for rows in (R, gapped):
        estimator = EwmaCovariance(5.0).fit(rows)
        np.testing.assert_array_equal(estimator.volatility_, np.sqrt(np.diag(estimator.covariance_)))


def test_an_asset_that_never_moves_is_flagged_and_uncorrelated():
    still = np.column_stack([R, np.full(12, 0.1)])
    for rows in (still, np.vstack([still, [np.nan, 0.01, 0.02, 0.1]])):
        estimator = EwmaCovariance(5.0).fit(rows)
        np.testing.assert_array_equal(estimator.correlation_[3], [0.0, 0.0, 0.0, 1.0])
        np.testing.assert_array_equal(estimator.degenerate_, [False, False, False, True])
        assert estimator.volatility_[3] == 0.0


def test_correlation_is_missing_where_covariance_is():
    estimator = EwmaCovariance(5.0).partial_fit(R[0])
    assert np.isnan(estimator.correlation_).all()
    unseen = EwmaCovariance(5.0).fit(np.column_stack([R, np.full(12, np.nan)]))
    np.testing.assert_array_equal(np.isnan(unseen.correlation_), np.isnan(unseen.covariance_))
    assert not unseen.degenerate_.any()


def test_nothing_fitted():
    estimator = EwmaCovariance(5.0)
    assert estimator.n_observations_ == 0
    for name in ("covariance_", "correlation_", "volatility_", "degenerate_"):
        with pytest.raises(StateError, match="fit"):
            getattr(estimator, name)


def test_a_refused_row_leaves_the_state_as_it_was():
    estimator = EwmaCovariance(5.0).fit(FRAME)
    before = estimator.to_bytes()
    with pytest.raises(NonFiniteError, match="inf at index 2"):
        estimator.partial_fit([0.01, np.nan, np.inf])
    with pytest.raises(ShapeError, match=r"\(2,\), expected \(3,\)"):
        estimator.partial_fit([0.01, 0.02])
    with pytest.raises(ShapeError, match="missing A"):
        estimator.partial_fit(pd.Series([0.1, 0.2, 0.3], index=["B", "C", "D"]))
    with pytest.raises(NonFiniteError, match="row 1, column 0"):
        estimator.fit([[0.1, 0.2], [np.inf, 0.1]])
    with pytest.raises(EmptyInputError):
        estimator.fit(np.empty((0, 2)))
    assert estimator.to_bytes() == before


def test_a_refused_first_row_leaves_nothing():
    estimator = EwmaCovariance(5.0)
    for row, error in (([np.inf], NonFiniteError), ([], EmptyInputError), ([[0.1]], ShapeError)):
        with pytest.raises(error):
            estimator.partial_fit(row)
    assert estimator.partial_fit(R[0]).n_observations_ == 1


def test_labels_stay():
    for estimator in (EwmaCovariance(5.0).fit(FRAME), EwmaCovariance(5.0).partial_fit(FRAME.iloc[0])):
        estimator.partial_fit(R[1])
        assert list(estimator.covariance_.index) == ["A", "B", "C"]
        assert list(estimator.correlation_.columns) == ["A", "B", "C"]
        assert list(estimator.volatility_.index) == ["A", "B", "C"]
        assert estimator.degenerate_.dtype == bool
        assert estimator.volatility_.name is None


def test_a_labelled_row_is_matched_by_name():
    straight = EwmaCovariance(5.0).fit(FRAME)
    mixed = EwmaCovariance(5.0).fit(FRAME)
    row = pd.Series([0.01, -0.02, 0.03], index=["A", "B", "C"])
    straight.partial_fit(row)
    mixed.partial_fit(row[["C", "A", "B"]])
    assert straight.to_bytes() == mixed.to_bytes()


def test_polars_rows():
    frame = pl.DataFrame(R, schema=["A", "B", "C"])
    estimator = EwmaCovariance(5.0).fit(frame[:-1]).partial_fit(frame[-1].select("B", "A", "C"))
    assert estimator.covariance_.columns == ["A", "B", "C"]
    assert estimator.volatility_.shape == (1, 3)
    expected = EwmaCovariance(5.0).fit(R).covariance_
    np.testing.assert_allclose(estimator.covariance_.to_numpy(), expected, rtol=1e-12)


@pytest.mark.parametrize("gap", [False, True])
@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))])  # noqa: S301
def test_copies_are_independent_and_equal(again, gap):
    rows = FRAME.copy()
    if gap:
        rows.iloc[4, 1] = np.nan
    estimator = EwmaCovariance(5.0, adjust=False, demean=False).fit(rows)
    before = estimator.to_bytes()
    twin = again(estimator)
    assert twin.to_bytes() == before
    assert repr(twin) == repr(estimator)
    pd.testing.assert_frame_equal(twin.covariance_, estimator.covariance_)
    twin.partial_fit(R[0])
    assert estimator.to_bytes() == before


def test_saved_states_keep_parameters_and_labels():
    for rows in (R, FRAME, pl.DataFrame(R, schema=["A", "B", "C"])):
        estimator = EwmaCovariance(5.0, ignore_na=True, bias=True).fit(rows)
        restored = EwmaCovariance.from_bytes(estimator.to_bytes())
        assert repr(restored) == repr(estimator)
        assert type(restored.covariance_) is type(estimator.covariance_)
        np.testing.assert_array_equal(np.asarray(restored.covariance_), np.asarray(estimator.covariance_))
        assert restored.to_bytes() == estimator.to_bytes()
        assert restored.partial_fit(R[0]).n_observations_ == 13
    fresh = EwmaCovariance.from_bytes(EwmaCovariance(7.0).to_bytes())
    assert fresh.n_observations_ == 0
    assert fresh.half_life == 7.0


def test_labels_that_bytes_cannot_keep_are_refused():
    dated = pd.DataFrame(R, columns=pd.date_range("2020-01-01", periods=3))
    estimator = EwmaCovariance(5.0).fit(dated)
    with pytest.raises(InputError, match="Timestamp"):
        estimator.to_bytes()
    assert list(pickle.loads(pickle.dumps(estimator)).covariance_.columns) == list(dated.columns)  # noqa: S301
    numbered = EwmaCovariance(5.0).fit(pd.DataFrame(R))
    assert list(EwmaCovariance.from_bytes(numbered.to_bytes()).covariance_.columns) == [0, 1, 2]


def test_damaged_bytes_are_refused():
    good = EwmaCovariance(5.0).fit(FRAME).to_bytes()
    for at in range(0, len(good), 3):
        damaged = bytearray(good)
        damaged[at] ^= 0x40
        with pytest.raises(StateError):
            EwmaCovariance.from_bytes(bytes(damaged))
        with pytest.raises(StateError):
            EwmaCovariance.from_bytes(good[:at])


def resealed(block):
    return block + struct.pack("<I", zlib.crc32(block))


def test_newer_and_foreign_bytes_are_told_apart():
    good = EwmaCovariance(5.0).fit(R).to_bytes()
    newer = resealed(good[:8] + struct.pack("<I", 2) + good[12:-4])
    with pytest.raises(StateError, match="newer"):
        EwmaCovariance.from_bytes(newer)
    other = resealed(good[:-4].replace(b'"half_life"', b'"half_lief"'))
    with pytest.raises(StateError, match="half_lief"):
        EwmaCovariance.from_bytes(other)
    cut = resealed(good[:-20])
    with pytest.raises(StateError, match="damaged"):
        EwmaCovariance.from_bytes(cut)


def test_half_life_is_checked_at_once():
    with pytest.raises(ParameterError, match="half_life is -2"):
        EwmaCovariance(-2)
