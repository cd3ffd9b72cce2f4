"""Tilts and dynamic risk budgets."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from poise.domain.regime import RegimeState
from poise.errors import EmptyUniverseError, NonFiniteError, ParameterError, ShapeError
from poise.optimization import dynamic_risk_budgets, mean_reversion_tilt, momentum_tilt, solve_risk_parity

BOOK = np.array([0.4, 0.3, 0.2, 0.1])
SCORES = np.array([1.0, -1.0, 0.0, np.nan])


def test_a_tilt_multiplies():
    tilted = momentum_tilt(BOOK, SCORES, strength=0.3)
    wanted = BOOK * np.exp(0.3 * np.array([1.0, -1.0, 0.0, 0.0]))
    np.testing.assert_allclose(tilted, wanted / wanted.sum(), rtol=1e-12)


def test_reversion_is_momentum_upside_down():
    np.testing.assert_allclose(
        mean_reversion_tilt(BOOK, SCORES, strength=0.3),
        momentum_tilt(BOOK, -SCORES, strength=0.3),
        rtol=1e-12,
    )


@pytest.mark.parametrize("tilt", [momentum_tilt, mean_reversion_tilt])
def test_no_score_and_no_strength_leave_the_book(tilt):
    np.testing.assert_allclose(tilt(BOOK, np.full(4, np.nan)), BOOK, rtol=1e-12)
    np.testing.assert_allclose(tilt(BOOK, SCORES, strength=0.0), BOOK, rtol=1e-12)


def test_scores_are_clipped():
    np.testing.assert_array_equal(momentum_tilt(BOOK, [50.0, 0, 0, 0]), momentum_tilt(BOOK, [2.0, 0, 0, 0]))


@given(
    arrays(np.float64, 5, elements=st.floats(0.0, 1.0)).filter(lambda w: w.sum() > 0.1),
    arrays(np.float64, 5, elements=st.floats(-9.0, 9.0)),
    st.floats(0.2, 1.0),
)
def test_caps_hold_and_nothing_new_is_entered(weights, scores, cap):
    weights = weights / weights.sum()
    tilted = momentum_tilt(weights, scores, bounds=(0.0, cap))
    assert tilted.max() <= cap
    assert (tilted[weights == 0.0] == 0.0).all()
    room = min(1.0, cap * np.count_nonzero(weights))
    assert math.fsum(tilted) == pytest.approx(room, abs=1e-12)


def test_a_book_with_cash_keeps_its_cash():
    assert math.fsum(momentum_tilt(0.5 * BOOK, SCORES)) == pytest.approx(0.5, abs=1e-15)


def test_labels_come_back():
    tilted = momentum_tilt(pd.Series(BOOK, list("ABCD")), pd.Series(SCORES[::-1], list("DCBA")))
    np.testing.assert_allclose(tilted[list("ABCD")], momentum_tilt(BOOK, SCORES))


@pytest.mark.parametrize(
    ("weights", "scores", "settings", "error"),
    [
        ([], [], {}, EmptyUniverseError),
        ([np.nan], [0.0], {}, NonFiniteError),
        ([1.0], [np.inf], {}, NonFiniteError),
        ([-0.1, 1.1], [0.0, 0.0], {}, ParameterError),
        ([1.0], [0.0, 1.0], {}, ShapeError),
        ([1.0], [0.0], {"strength": -1.0}, ParameterError),
        ([1.0], [0.0], {"strength": np.nan}, ParameterError),
    ],
)
def test_mistaken_tilts_are_named(weights, scores, settings, error):
    with pytest.raises(error):
        momentum_tilt(weights, scores, **settings)


def state(**probabilities):
    return RegimeState("bull", probabilities, 0.5, 3, 10.0)


def test_budgets_follow_what_is_known():
    budgets = dynamic_risk_budgets(np.ones(4), sharpe_ratios=[2.0, 1.0, 0.0, -1.0], momentum=[1.0, 0, 0, 0])
    assert (np.diff(budgets) < 0.0).all()
    assert budgets.sum() == pytest.approx(1.0)
    assert solve_risk_parity(np.eye(4), budgets=budgets).weights[0] > 0.25


def test_conviction_is_the_regimes_average():
    momentum = [1.0, -1.0]
    half = dynamic_risk_budgets([1, 1], momentum=momentum, regime=state(bull=0.5, high_volatility=0.5))
    np.testing.assert_allclose(half, dynamic_risk_budgets([1, 1], momentum=momentum, regime="sideways"))
    wild = dynamic_risk_budgets([3, 1], momentum=momentum, regime="high_volatility")
    np.testing.assert_allclose(wild, [0.75, 0.25])


def test_unknown_scores_and_small_cross_sections_leave_budgets_alone():
    np.testing.assert_allclose(
        dynamic_risk_budgets([1, 1, 2], sharpe_ratios=[9.0, 0.0, 1.0]), [0.25, 0.25, 0.5]
    )
    np.testing.assert_allclose(dynamic_risk_budgets([1, 1], momentum=[np.nan, np.nan]), [0.5, 0.5])
    assert dynamic_risk_budgets([0.0, 1.0], momentum=[2.0, -2.0])[0] == 0.0


def test_budgets_keep_their_labels():
    budgets = dynamic_risk_budgets(pd.Series([1.0, 3.0], ["A", "B"]))
    assert budgets.to_dict() == {"A": 0.25, "B": 0.75}


@pytest.mark.parametrize(
    ("base", "settings", "error"),
    [
        ([], {}, ParameterError),
        ([0.0, 0.0], {}, ParameterError),
        ([-1.0, 2.0], {}, ParameterError),
        ([np.nan, 2.0], {}, NonFiniteError),
        ([1.0], {"momentum": [np.inf]}, NonFiniteError),
        ([1.0], {"momentum": [1.0, 2.0]}, ShapeError),
        ([1.0], {"regime": "calm"}, ParameterError),
        ([1.0], {"sharpe_strength": -1.0}, ParameterError),
    ],
)
def test_mistaken_budgets_are_named(base, settings, error):
    with pytest.raises(error):
        dynamic_risk_budgets(base, **settings)
