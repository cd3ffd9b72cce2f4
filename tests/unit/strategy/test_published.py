"""Closed forms of the drawdown control of Grossman and Zhou (1993), in markets that move steadily."""

import math

import numpy as np
import pytest

from poise.domain.regime import RegimeState
from poise.strategy import ExposureRule

BULL = RegimeState("bull", {"bull": 1.0, "bear": 0.0, "sideways": 0.0, "high_volatility": 0.0}, 1.0, 9, 30.0)
BUDGET, GAIN, PEAK_HALF_LIFE = 0.35, 1.5, 180.0
SLOPE = GAIN / BUDGET
FLOOR = 1.0 - BUDGET


def brake(rule, value):
    return rule.update(math.nan, regime=BULL, portfolio_value=value).drawdown_factor


def path(market, n_bars, *, value=1.0):
    """Values of a book that always holds the fraction that the brake asks for, and those fractions."""
    rule = ExposureRule(drawdown_budget=BUDGET)
    values, exposures = [value], []
    for _ in range(n_bars):
        exposures.append(brake(rule, values[-1]))
        values.append(values[-1] * (1.0 + exposures[-1] * market))
    return np.array(values[:-1]), np.array(exposures)


def test_the_path_in_a_falling_market_is_the_logistic_of_the_cushion():
    """``dv/dt = -k v (v - floor)`` for the value in units of the peak, time in units of the market's fall."""
    start = FLOOR + 1.0 / SLOPE  # where the brake begins to act
    errors = []
    for step in (2e-3, 1e-3):
        n_bars = round(0.5 / step)
        v, found, peak = start, [], 1.0
        rule = ExposureRule(drawdown_budget=BUDGET)
        brake(rule, peak)
        for _ in range(n_bars):
            peak *= 2.0 ** (-1.0 / PEAK_HALF_LIFE)
            # In units of the decaying peak the rule sees a value that does not decay with it.
            exposure = brake(rule, v * peak)
            v *= 1.0 - exposure * step
            found.append(v)
        t = step * np.arange(1, n_bars + 1)
        growth = (start - FLOOR) / start * np.exp(-SLOPE * FLOOR * t)
        exact = FLOOR / (1.0 - growth)
        errors.append(np.abs(np.array(found) - exact).max())
    assert errors[0] < 1e-3
    # Euler's method is of first order: half the step, half the error.
    assert errors[1] == pytest.approx(0.5 * errors[0], rel=0.05)


@pytest.mark.parametrize("fall", [0.005, 0.01, 0.02])
def test_a_market_that_falls_for_ever_leaves_what_the_peak_forgets(fall):
    """At rest the book loses as much a bar as its peak: ``1 - e fall = 2^(-1/180)``."""
    values, exposures = path(-fall, 3000)
    forgets = 1.0 - 2.0 ** (-1.0 / PEAK_HALF_LIFE)
    assert exposures[-1] == pytest.approx(forgets / fall, rel=1e-9)
    # The cushion that asks for this exposure, over the floor of a peak that decays.
    peak = 2.0 ** (-(len(values) - 1.0) / PEAK_HALF_LIFE)
    assert values[-1] / peak == pytest.approx(FLOOR + exposures[-1] / SLOPE, rel=1e-9)


@pytest.mark.parametrize("fall", [0.01, 0.1, 1.0 / SLOPE])
def test_the_floor_holds_up_to_the_gap_that_the_multiplier_allows(fall):
    """Constant proportion portfolio insurance: no fall below ``1 / multiplier`` a bar breaks the floor."""
    values, exposures = path(-fall, 800)
    peak = 2.0 ** (-np.arange(len(values)) / PEAK_HALF_LIFE)
    assert (values >= FLOOR * peak * (1.0 - 1e-12)).all()
    assert exposures[0] == 1.0
    assert (exposures >= 0.0).all()


def test_a_rising_market_is_held_in_full():
    values, exposures = path(0.01, 200)
    assert (exposures == 1.0).all()
    np.testing.assert_allclose(values, 1.01 ** np.arange(200), rtol=1e-12)
