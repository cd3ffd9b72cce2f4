"""Lower triangles: what a packed path holds, and whole matrices made of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from poise.errors import InputError, ShapeError
from poise.moments import ewma_correlation, ewma_covariance, unpack

R = 0.01 * np.random.default_rng(4).normal(size=(40, 11))
GAPPED = np.where(np.random.default_rng(5).random(R.shape) < 0.2, np.nan, R)


@pytest.mark.parametrize("function", [ewma_covariance, ewma_correlation])
@pytest.mark.parametrize("returns", [R, GAPPED, R[:, :1]], ids=["complete", "gaps", "one asset"])
@pytest.mark.parametrize("last", [True, False])
def test_packed_is_the_lower_triangle(function, returns, last):
    whole = function(returns, half_life=9.0, last=last)
    packed = function(returns, half_life=9.0, last=last, packed=True)
    np.testing.assert_array_equal(unpack(packed), whole)
    i, j = np.tril_indices(returns.shape[1])
    np.testing.assert_array_equal(packed, whole[..., i, j])
    out = np.empty_like(packed)
    assert function(returns, half_life=9.0, last=last, packed=True, out=out) is out
    np.testing.assert_array_equal(out, packed)


def test_packed_answers_are_bare():
    frame = pd.DataFrame(R[:, :3], columns=["A", "B", "C"])
    packed = ewma_covariance(frame, half_life=9.0, packed=True)
    assert type(packed) is np.ndarray
    assert packed.shape == (6,)


def test_packed_out_must_fit():
    with pytest.raises(ShapeError, match=r"\(40, 66\)"):
        ewma_covariance(R, half_life=9.0, last=False, packed=True, out=np.empty((40, 11, 11)))
    with pytest.raises(InputError, match="C-contiguous"):
        ewma_covariance(R, half_life=9.0, last=False, packed=True, out=np.empty((66, 40)).T)


def test_unpacking_keeps_leading_axes():
    packed = np.arange(24.0).reshape(2, 2, 6)
    whole = unpack(packed)
    assert whole.shape == (2, 2, 3, 3)
    np.testing.assert_array_equal(whole[1, 0], [[12, 13, 15], [13, 14, 16], [15, 16, 17]])


@pytest.mark.parametrize("wrong", [np.empty(0), np.empty((3, 2)), np.empty(4), 1.0])
def test_lengths_that_no_triangle_has(wrong):
    with pytest.raises(ShapeError, match="expected n"):
        unpack(wrong)
