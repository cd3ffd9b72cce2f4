"""The schedule of Almgren and Chriss: their example and its limits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poise.costs import optimal_schedule
from poise.errors import ParameterError

EXAMPLE = {
    "n_slices": 5,
    "horizon": 5.0,
    "volatility": 0.95,
    "temporary_impact": 2.5e-6,
    "permanent_impact": 2.5e-7,
    "fixed_cost": 0.0625,
}


def test_the_example_of_almgren_and_chriss():
    schedule = optimal_schedule(1e6, **EXAMPLE, risk_aversion=1e-6)
    assert schedule.urgency == pytest.approx(0.6070761632, rel=1e-9)
    np.testing.assert_allclose(
        schedule.holdings, [1e6, 541955.5544, 289854.2194, 147897.4878, 62141.8016, 0.0], atol=5e-5
    )
    np.testing.assert_allclose(
        schedule.trades, [458044.4456, 252101.3350, 141956.7316, 85755.6862, 62141.8016], atol=5e-5
    )
    assert schedule.expected_cost == pytest.approx(911226.986, abs=5e-4)
    assert schedule.cost_deviation == pytest.approx(603430.669, abs=5e-4)


def test_without_fear_of_risk_slices_are_equal():
    np.testing.assert_allclose(optimal_schedule(-1e6, **EXAMPLE).trades, np.full(5, -2e5))


def test_in_great_fear_everything_goes_at_once():
    schedule = optimal_schedule(1e6, **EXAMPLE, risk_aversion=1e6)
    np.testing.assert_allclose(schedule.trades, [1e6, 0.0, 0.0, 0.0, 0.0], atol=1e-3)
    assert np.isfinite(schedule.expected_cost)


@given(st.integers(1, 50), st.floats(0.0, 1e3), st.floats(-1e6, 1e6))
def test_slices_have_one_sign_and_shrink(n_slices, fear, quantity):
    schedule = optimal_schedule(
        quantity, n_slices=n_slices, horizon=1.0, volatility=1.0, temporary_impact=1.0, risk_aversion=fear
    )
    assert schedule.trades.sum() == pytest.approx(quantity)
    assert (schedule.trades * np.sign(quantity) >= 0.0).all()
    assert (np.diff(np.abs(schedule.trades)) <= 1e-9 * abs(quantity) + 1e-300).all()


@given(st.floats(0.0, 10.0), st.floats(0.0, 10.0))
def test_more_fear_costs_more_and_risks_less(one, other):
    calm, afraid = (
        optimal_schedule(
            100.0, n_slices=8, horizon=1.0, volatility=1.0, temporary_impact=1.0, risk_aversion=fear
        )
        for fear in sorted((one, other))
    )
    assert afraid.expected_cost >= calm.expected_cost * (1.0 - 1e-12)
    assert afraid.cost_deviation <= calm.cost_deviation * (1.0 + 1e-12)


@pytest.mark.parametrize(
    "wrong",
    [
        {"n_slices": 0},
        {"n_slices": True},
        {"horizon": 0.0},
        {"temporary_impact": 0.0},
        {"volatility": -1.0},
        {"permanent_impact": -1.0},
        {"fixed_cost": np.nan},
        {"permanent_impact": 1.0},
        {"risk_aversion": -1.0},
    ],
)
def test_mistakes_are_named(wrong):
    with pytest.raises(ParameterError):
        optimal_schedule(1e6, **{**EXAMPLE, **wrong})
    with pytest.raises(ParameterError, match="quantity"):
        optimal_schedule(np.inf, **EXAMPLE)
