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
    hard_label,
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
def test_volatility_decides_first_then_trend(
    volatility_score: float, trend_score: float, regime: int
) -> None:
    assert hard_label(volatility_score, trend_score, LIMITS) == regime


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
