"""Inputs at the edge, refusals and outputs of the batch functions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest

from poise.errors import (
    EmptyInputError,
    InputError,
    NonFiniteError,
    NotEnoughDataError,
    ParameterError,
    ShapeError,
)
from poise.moments import (
    constant_correlation_shrinkage,
    ewma_correlation,
    ewma_covariance,
    half_life_of_window,
    sample_covariance,
)

R = np.array([[0.01, 0.02], [-0.02, -0.01], [0.03, 0.0], [0.0, 0.01]])
FUNCTIONS = [
    lambda R: ewma_covariance(R, half_life=5.0),
    lambda R: ewma_covariance(R, half_life=5.0, last=False),
    lambda R: ewma_correlation(R, half_life=5.0),
    lambda R: ewma_correlation(R, half_life=5.0, last=False),
    sample_covariance,
    constant_correlation_shrinkage,
]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_cannot_be_used_is_refused(function):
    for empty in (np.empty((0, 3)), np.empty((3, 0)), pd.DataFrame({"A": []}, dtype=float)):
        with pytest.raises(EmptyInputError, match="empty"):
            function(empty)
    infinite = R.copy()
    infinite[2, 1] = -np.inf
    with pytest.raises(NonFiniteError, match=r"-inf at row 2, column 1"):
        function(infinite)
    with pytest.raises(ShapeError, match=r"shape \(4,\)"):
        function(R[:, 0])
    with pytest.raises(InputError, match="complex128"):
        function(R + 1j)


@pytest.mark.parametrize("half_life", [0.0, -1.0, np.nan, np.inf, "a week", None])
def test_half_life_must_be_positive(half_life):
    with pytest.raises(ParameterError, match="half_life"):
        ewma_covariance(R, half_life=half_life)


def test_one_observation():
    assert np.isnan(ewma_covariance(R[:1], half_life=5.0)).all()
    np.testing.assert_array_equal(ewma_covariance(R[:1], half_life=5.0, bias=True), np.zeros((2, 2)))
    np.testing.assert_allclose(
        ewma_covariance(R[:1], half_life=5.0, demean=False), np.outer(R[0], R[0]), rtol=1e-15
    )
    assert np.isnan(ewma_correlation(R[:1], half_life=5.0)).all()
    assert np.isnan(sample_covariance(R[:1])).all()
    with pytest.raises(NotEnoughDataError, match="at least 2"):
        constant_correlation_shrinkage(R[:1])


def test_one_asset():
    assert ewma_correlation(R[:, :1], half_life=5.0) == [[1.0]]
    covariance, intensity = constant_correlation_shrinkage(R[:, :1])
    assert intensity == 0.0
    np.testing.assert_allclose(covariance, sample_covariance(R[:, :1], ddof=0), rtol=1e-15)


def test_an_asset_that_never_moves():
    still = np.column_stack([R, np.full(4, 0.1)])
    covariance = ewma_covariance(still, half_life=5.0)
    np.testing.assert_array_equal(covariance[2], 0.0)
    correlation = ewma_correlation(still, half_life=5.0)
    assert np.isnan(correlation[2]).all()
    assert np.isfinite(correlation[:2, :2]).all()
    assert sample_covariance(still)[2, 2] == 0.0
    shrunk = constant_correlation_shrinkage(still).covariance
    np.testing.assert_array_equal(shrunk[2], 0.0)
    np.testing.assert_array_equal(
        constant_correlation_shrinkage(np.ones((3, 2))).covariance, np.zeros((2, 2))
    )


def test_an_asset_that_was_never_seen_leaves_the_others_alone():
    unseen = np.column_stack([R, np.full(4, np.nan)])
    covariance = ewma_covariance(unseen, half_life=5.0)
    assert np.isnan(covariance[2]).all()
    np.testing.assert_allclose(covariance[:2, :2], ewma_covariance(R, half_life=5.0), rtol=1e-14)


def test_shrinkage_refuses_gaps():
    gap = R.copy()
    gap[1, 0] = np.nan
    with pytest.raises(NonFiniteError, match="row 1, column 0"):
        constant_correlation_shrinkage(gap)


@pytest.mark.parametrize("function", [ewma_covariance, ewma_correlation])
def test_writing_into_out(function):
    for last, shape in ((True, (2, 2)), (False, (4, 2, 2))):
        out = np.full(shape, 9.0)
        answer = function(R, half_life=5.0, last=last, out=out)
        assert answer is out
        np.testing.assert_array_equal(answer, function(R, half_life=5.0, last=last))


def test_out_must_fit():
    with pytest.raises(ShapeError, match=r"\(4, 2, 2\)"):
        ewma_covariance(R, half_life=5.0, last=False, out=np.empty((4, 2, 3)))
    with pytest.raises(ShapeError, match="list"):
        ewma_covariance(R, half_life=5.0, out=[[0.0, 0.0], [0.0, 0.0]])
    frozen = np.empty((4, 2, 2))
    frozen.flags.writeable = False
    for unusable in (np.empty((4, 2, 2), np.float32), np.empty((4, 2, 2), order="F"), frozen):
        with pytest.raises(InputError, match="C-contiguous"):
            ewma_covariance(R, half_life=5.0, last=False, out=unusable)
    shared = np.zeros((2, 2))
    with pytest.raises(InputError, match="shares memory"):
        ewma_covariance(shared, half_life=5.0, out=shared)


def test_pandas_gets_its_labels_back():
    frame = pd.DataFrame(R, columns=["A", "B"], index=pd.date_range("2020-01-01", periods=4))
    covariance = ewma_covariance(frame, half_life=5.0)
    assert list(covariance.index) == list(covariance.columns) == ["A", "B"]
    np.testing.assert_array_equal(covariance, ewma_covariance(R, half_life=5.0))
    path = ewma_covariance(frame, half_life=5.0, last=False)
    pd.testing.assert_frame_equal(path, frame.ewm(halflife=5.0).cov())
    pd.testing.assert_frame_equal(sample_covariance(frame), frame.cov())
    assert list(constant_correlation_shrinkage(frame).covariance.columns) == ["A", "B"]


def test_polars_gets_its_labels_back():
    frame = pl.DataFrame(R, schema=["A", "B"])
    covariance = ewma_correlation(frame, half_life=5.0)
    assert isinstance(covariance, pl.DataFrame)
    assert covariance.columns == ["A", "B"]
    np.testing.assert_array_equal(covariance.to_numpy(), ewma_correlation(R, half_life=5.0))
    path = ewma_covariance(frame, half_life=5.0, last=False)
    assert path.columns == ["row", "asset", "A", "B"]


def test_answers_are_contiguous_float64():
    for answer in (ewma_covariance(R, half_life=5.0), ewma_covariance(R, half_life=5.0, last=False)):
        assert answer.dtype == np.float64
        assert answer.flags.c_contiguous


@pytest.mark.parametrize("ddof", [-1, 1.5, "one"])
def test_ddof_must_be_a_whole_number(ddof):
    with pytest.raises(ParameterError, match="ddof"):
        sample_covariance(R, ddof=ddof)


def test_half_life_of_window():
    assert half_life_of_window(30) == pytest.approx(np.log(2.0) / np.log(31.0 / 29.0), rel=1e-14)
    frame = pd.DataFrame(R)
    np.testing.assert_allclose(
        ewma_covariance(frame, half_life=half_life_of_window(30), last=False),
        frame.ewm(span=30).cov(),
        rtol=1e-10,
    )
    for window in (1, 0, -3, np.nan, np.inf, "month"):
        with pytest.raises(ParameterError, match="window"):
            half_life_of_window(window)
