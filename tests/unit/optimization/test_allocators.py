"""Rules without a solver, and caps for any of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from poise.errors import (
    EmptyUniverseError,
    InfeasibleError,
    NonFiniteError,
    NotPositiveSemidefiniteError,
    ParameterError,
    ShapeError,
)
from poise.optimization import cap_weighted, equal_weights, inverse_volatility, water_fill
from tests.reference import optimization as reference
from tests.tolerances import CLOSED_FORM


def test_equal_weights():
    np.testing.assert_array_equal(equal_weights(4), np.full(4, 0.25))
    np.testing.assert_array_equal(equal_weights(["BTC", "ETH"]), [0.5, 0.5])
    labelled = equal_weights(pd.Index(["BTC", "ETH"]))
    assert dict(labelled) == {"BTC": 0.5, "ETH": 0.5}
    assert dict(equal_weights(pd.Series([7, 8], index=["BTC", "ETH"]))) == {"BTC": 0.5, "ETH": 0.5}
    np.testing.assert_allclose(equal_weights(3, bounds=([0, 0, 0.6], 1)), [0.2, 0.2, 0.6], atol=CLOSED_FORM)
    np.testing.assert_array_equal(equal_weights(3, bounds=(0, 0.2)), np.full(3, 0.2))


@pytest.mark.parametrize("nobody", [0, -1, []])
def test_equal_weights_of_nobody(nobody):
    with pytest.raises(EmptyUniverseError):
        equal_weights(nobody)


def test_inverse_volatility():
    np.testing.assert_allclose(inverse_volatility(np.diag([0.04, 0.16])), [2 / 3, 1 / 3], atol=CLOSED_FORM)
    # A still asset stays out; where all are still they weigh the same.
    np.testing.assert_array_equal(inverse_volatility(np.diag([0.0, 0.16])), [0.0, 1.0])
    np.testing.assert_array_equal(inverse_volatility(np.zeros((2, 2))), [0.5, 0.5])
    floored = inverse_volatility(np.diag([0.0, 0.16]), bounds=(0.1, 1))
    np.testing.assert_allclose(floored, [0.1, 0.9], atol=CLOSED_FORM)
    tiny = inverse_volatility(np.diag([1e-300, 4e-300]))
    np.testing.assert_allclose(tiny, [2 / 3, 1 / 3], atol=CLOSED_FORM)


def test_cap_weighted():
    np.testing.assert_allclose(cap_weighted([4.0, 1.0]), [2 / 3, 1 / 3], atol=CLOSED_FORM)
    np.testing.assert_allclose(cap_weighted([4.0, 1.0], exponent=1), [0.8, 0.2], atol=CLOSED_FORM)
    np.testing.assert_allclose(cap_weighted([4.0, 1.0], exponent=0), [0.5, 0.5], atol=CLOSED_FORM)
    caps = pd.Series({"BTC": 1.2e12, "ETH": 4e11, "USDT": 0.0})
    weights = cap_weighted(caps, exponent=1, bounds=(0, 0.6))
    assert weights["BTC"] == 0.6
    assert weights["ETH"] == pytest.approx(0.4)
    assert weights["USDT"] == 0.0


def test_water_fill_reaches_those_pushed_over_their_cap():
    # The first pass pushes the second asset over its cap, the next one the third.
    np.testing.assert_allclose(
        water_fill([0.5, 0.3, 0.15, 0.05], [0.3, 0.35, 0.28, 1.0]),
        [0.3, 0.35, 0.2625, 0.0875],
        atol=CLOSED_FORM,
    )
    np.testing.assert_array_equal(water_fill([0.5, 0.5], 0.3), [0.3, 0.3])
    np.testing.assert_array_equal(water_fill([0.5, 0.5, 0.0], 0.4), [0.4, 0.4, 0.0])
    assert dict(water_fill(pd.Series({"a": 0.9, "b": 0.1}), 0.6)) == pytest.approx({"a": 0.6, "b": 0.4})


def test_water_fill_is_its_pass_by_pass_twin():
    rng = np.random.default_rng(5)
    for _ in range(200):
        n = int(rng.integers(1, 12))
        weights = rng.dirichlet(np.full(n, 0.5))
        upper = rng.uniform(0.2 / n, 3.0 / n, size=n)
        found = water_fill(weights, upper)
        np.testing.assert_allclose(found, reference.water_fill(weights, upper), atol=CLOSED_FORM)
        assert (found <= upper).all()


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: inverse_volatility(np.zeros((0, 0))), EmptyUniverseError, "no assets"),
        (lambda: inverse_volatility(np.zeros((2, 3))), ShapeError, "square"),
        (lambda: inverse_volatility([[np.nan]]), NonFiniteError, "asset 0"),
        (lambda: inverse_volatility(np.diag([1.0, -1.0])), NotPositiveSemidefiniteError, "asset 1"),
        (lambda: cap_weighted([]), EmptyUniverseError, "no assets"),
        (lambda: cap_weighted(pd.Series({"BTC": 1.0, "ETH": np.nan})), NonFiniteError, "ETH"),
        (lambda: cap_weighted([1.0, -1.0]), ParameterError, "asset 1"),
        (lambda: cap_weighted([0.0, 0.0]), ParameterError, "every market cap"),
        (lambda: cap_weighted([1.0], exponent=-1), ParameterError, "exponent"),
        (lambda: cap_weighted([1.0], exponent=np.nan), ParameterError, "exponent"),
        (lambda: water_fill([0.5, np.inf], 0.5), NonFiniteError, "asset 1"),
        (lambda: water_fill([0.5, -0.5], 0.5), ParameterError, "negative"),
        (lambda: water_fill([0.5, 0.5], -0.1), InfeasibleError, "asset 0"),
        (lambda: water_fill([], 0.5), EmptyUniverseError, "no assets"),
        (lambda: equal_weights(2, bounds=(0.6, 1)), InfeasibleError, "sum to 1.2"),
        (lambda: equal_weights(3.5), ParameterError, "3.5"),
    ],
)
def test_mistakes_have_their_error(call, error, words):
    with pytest.raises(error, match=words):
        call()
