"""Rows that wait before they are added: the same covariance whenever it is read, saved or restored."""

from __future__ import annotations

import copy

import numpy as np
import pandas as pd
import pytest

from poise.errors import NonFiniteError, ParameterError, ShapeError
from poise.moments import EwmaCovariance, ewma_covariance
from tests.reference import moments as twin
from tests.reference.moments import largest_error
from tests.tolerances import CLOSED_FORM

N_ASSETS = 30
RNG = np.random.default_rng(8)
R = 0.01 * (RNG.standard_t(4, size=(90, 1)) + RNG.standard_t(4, size=(90, N_ASSETS)))
RULES = [{}, {"adjust": False}, {"demean": False}, {"adjust": False, "bias": True}]


@pytest.mark.parametrize("rule", RULES, ids=str)
@pytest.mark.parametrize("n_assets", [1, 23, 24, N_ASSETS])
@pytest.mark.parametrize("every", [1, 2, 5, 16, 17, 100])
def test_equals_the_plain_recursion_however_often_it_is_read(rule, n_assets, every):
    estimator = EwmaCovariance(12.0, **rule)
    path = twin.ewma_recursion(R[:, :n_assets], 12.0, **rule)
    for t, row in enumerate(R[:, :n_assets]):
        estimator.partial_fit(row)
        if t % every == 0:
            assert largest_error(estimator.covariance_, path[t]) < CLOSED_FORM
    assert largest_error(estimator.covariance_, path[-1]) < CLOSED_FORM


def test_reads_that_add_nothing():
    estimator = EwmaCovariance(12.0)
    weights = RNG.normal(size=N_ASSETS)
    for t, row in enumerate(R):
        estimator.partial_fit(row)
        before = estimator.to_bytes()
        volatility, variance = estimator.volatility_, estimator.portfolio_variance(weights)
        assert estimator.to_bytes() == before
        covariance = copy.copy(estimator).covariance_
        if t > 0:
            assert largest_error(volatility**2, np.diag(covariance)) < CLOSED_FORM
            assert variance == pytest.approx(weights @ covariance @ weights, rel=CLOSED_FORM)


def test_portfolio_variance_with_gaps_labels_and_wrong_weights():
    frame = pd.DataFrame(R[:, :3], columns=["A", "B", "C"])
    frame.iloc[4, 1] = np.nan
    estimator = EwmaCovariance(12.0).fit(frame)
    weights = pd.Series({"C": 0.5, "A": 0.2, "B": 0.3})
    expected = weights @ estimator.covariance_.loc[weights.index, weights.index] @ weights
    assert estimator.portfolio_variance(weights) == pytest.approx(expected, rel=1e-13)
    assert np.isnan(EwmaCovariance(12.0).partial_fit(R[0]).portfolio_variance(np.zeros(N_ASSETS)))
    with pytest.raises(ShapeError, match=r"\(2,\), expected \(3,\)"):
        estimator.portfolio_variance([0.5, 0.5])
    with pytest.raises(NonFiniteError, match="index 1"):
        estimator.portfolio_variance([0.5, np.nan, 0.5])


@pytest.mark.parametrize("cut", [1, 7, 15, 16, 20, 33])
def test_copies_amid_waiting_rows_go_on_bit_for_bit(cut):
    whole, restored = EwmaCovariance(12.0).fit(R[:5]), None
    for t, row in enumerate(R[5:]):
        whole.partial_fit(row)
        if restored is not None:
            restored.partial_fit(row)
        if t == cut:
            restored = EwmaCovariance.from_bytes(whole.to_bytes())
    assert restored.to_bytes() == whole.to_bytes()
    np.testing.assert_array_equal(restored.covariance_, whole.covariance_)


def test_rows_of_every_kind_say_the_same():
    row = np.float32(R[7]).astype(float)
    wide = np.zeros((N_ASSETS, 2))
    wide[:, 1] = row
    read_only = row.copy()
    read_only.flags.writeable = False
    misaligned = np.frombuffer(b"x" + row.tobytes(), dtype=np.uint8)[1:].view(np.float64)
    kinds = [row, wide[:, 1], row[::-1].copy()[::-1], read_only, misaligned, row.astype(">f8"), list(row)]
    kinds += [tuple(row), row.astype(np.float32), row.astype(object), pd.Series(row), np.ma.array(row)]
    expected = EwmaCovariance(12.0).fit(R[:5]).partial_fit(row).to_bytes()
    for kind in kinds:
        assert EwmaCovariance(12.0).fit(R[:5]).partial_fit(kind).to_bytes() == expected
    # A plain row has no name for what is missing, a masked one has.
    mask = np.arange(N_ASSETS) == 3
    masked = EwmaCovariance(12.0).fit(R[:5]).partial_fit(np.ma.array(row, mask=mask))
    missing = EwmaCovariance(12.0).fit(R[:5]).partial_fit(np.where(mask, np.nan, row))
    assert masked.to_bytes() == missing.to_bytes() != expected


def test_a_refused_plain_row_leaves_the_state_as_it_was():
    estimator = EwmaCovariance(12.0).fit(R[:5]).partial_fit(R[5])
    before = estimator.to_bytes()
    for value, error in ((np.inf, NonFiniteError), (-1e154, ParameterError), (1e300, ParameterError)):
        row = R[6].copy()
        row[11] = value
        with pytest.raises(error):
            estimator.partial_fit(row)
        with pytest.raises(error):
            EwmaCovariance(12.0).partial_fit(row)
        with pytest.raises(error):
            ewma_covariance(np.vstack([R[:5], row]), half_life=12.0)
    with pytest.raises(ShapeError, match=r"\(29,\), expected \(30,\)"):
        estimator.partial_fit(R[6, :29])
    with pytest.raises(ShapeError):
        estimator.partial_fit(R[6:7])
    assert estimator.to_bytes() == before
    assert estimator.partial_fit(R[6]) is estimator
