import math

import pytest

from tests.reference.regime.rules import (
    BEAR,
    BULL,
    FIXED,
    HIGH_VOLATILITY,
    SIDEWAYS,
    AdaptiveThresholds,
    Thresholds,
    at_rest,
    hard_label,
    soft_membership,
)

LIMITS = Thresholds(volatility=0.5, trend=0.8)


@pytest.mark.parametrize(
    ("volatility_score", "trend_score", "regime"),
    [
        (0.0, 3.0, BULL),
        (0.0, -3.0, BEAR),
        (0.0, 0.0, SIDEWAYS),
        (1.5, 3.0, HIGH_VOLATILITY),
        (1.5, -3.0, HIGH_VOLATILITY),
    ],
)
def test_far_from_the_thresholds_soft_and_hard_agree(
    volatility_score: float, trend_score: float, regime: int
) -> None:
    membership = soft_membership(volatility_score, trend_score, LIMITS)
    assert membership[regime] > 0.9
    assert min(membership) > 0.0009
    assert sum(membership) == pytest.approx(1.0, abs=1e-15)
    assert hard_label(volatility_score, trend_score, LIMITS) == regime


def test_on_a_threshold_the_odds_are_even() -> None:
    assert soft_membership(0.5, 0.0, LIMITS)[HIGH_VOLATILITY] == pytest.approx(0.5, abs=2e-3)
    assert soft_membership(-2.0, 0.8, LIMITS)[BULL] == pytest.approx(0.5, abs=2e-3)


def test_bull_and_bear_mirror_each_other() -> None:
    up, down = soft_membership(0.3, 0.9, LIMITS), soft_membership(0.3, -0.9, LIMITS)
    assert (up[BULL], up[BEAR]) == (down[BEAR], down[BULL])
    assert up[SIDEWAYS] == pytest.approx(down[SIDEWAYS], rel=1e-14)


def test_at_rest_nothing_is_volatile() -> None:
    membership = at_rest()
    assert membership[HIGH_VOLATILITY] == 0.0
    assert membership[SIDEWAYS] > 0.99
    assert sum(membership) == 1.0


def test_thresholds_are_fixed_first_then_follow_the_past() -> None:
    adaptive = AdaptiveThresholds()
    for i in range(120):
        assert adaptive.current() == FIXED == (math.log(1.6), 0.8)
        adaptive.push(i / 100.0, -1.0)
    volatility, trend = adaptive.current()
    assert volatility == pytest.approx(0.85 * 1.19)
    assert trend == 1.0


def test_thresholds_stay_within_their_limits() -> None:
    quiet, wild = AdaptiveThresholds(), AdaptiveThresholds()
    for _ in range(200):
        quiet.push(-1.0, 0.01)
        wild.push(2.0, 9.0)
    assert quiet.current() == (math.log(1.5), 0.6)
    assert wild.current() == (2.0, 1.2)
