"""The streaming detector against the same formulas over whole arrays."""

import numpy as np
import pytest

from poise.regime import RegimeDetector
from poise.regime.features import FeatureTracker
from poise.regime.hysteresis import UNIFORM, predict, update
from poise.regime.persistence import PRIOR_DURATIONS, Persistence
from poise.regime.rules import AdaptiveThresholds
from tests.reference import regime as reference
from tests.tolerances import CLOSED_FORM

WEIGHTS = np.array([0.5, 0.3, 0.2])
# Running sums and rolling variances of pandas each lose some digits over 900 bars.
ROLLING = 1e-8


@pytest.fixture(scope="module")
def returns() -> np.ndarray:
    rng = np.random.default_rng(21)
    volatility = 0.02 * np.exp(np.sin(np.arange(900) / 70.0))[:, None]
    return 0.0005 + volatility * (rng.normal(size=(900, 1)) + rng.normal(size=(900, 3)))


def test_readings(returns: np.ndarray) -> None:
    tracker = FeatureTracker(WEIGHTS)
    ours = [reading for row in returns if (reading := tracker.push(row)) is not None]
    expected = reference.readings(returns, WEIGHTS)
    for name in expected:
        np.testing.assert_allclose(
            [getattr(reading, name) for reading in ours], expected[name], rtol=ROLLING, atol=ROLLING
        )


def test_thresholds(returns: np.ndarray) -> None:
    scores = reference.readings(returns, WEIGHTS)
    expected = reference.thresholds(scores)
    adaptive = AdaptiveThresholds()
    for (_, score), (_, limits) in zip(scores.iterrows(), expected.iterrows(), strict=True):
        assert adaptive.current() == pytest.approx((limits.volatility, limits.trend), rel=CLOSED_FORM)
        adaptive.push(score.volatility_score, score.trend_score)


def test_filter() -> None:
    memberships = np.random.default_rng(22).dirichlet(np.ones(4), 300)
    expected = reference.filtered(memberships, np.array(PRIOR_DURATIONS))
    transitions = Persistence().transitions
    probabilities = UNIFORM
    for membership, row in zip(memberships[1:].tolist(), expected[1:], strict=True):
        probabilities = update(predict(probabilities, transitions), tuple(membership))
        assert probabilities == pytest.approx(tuple(row), rel=1e-10)


def test_detector_puts_the_parts_together(returns: np.ndarray) -> None:
    detector = RegimeDetector(weights=WEIGHTS).fit(returns)
    scores = reference.readings(returns, WEIGHTS)
    limits = reference.thresholds(scores).iloc[-1]
    assert detector.features_["trend_score"] == pytest.approx(scores["trend_score"].iloc[-1], rel=ROLLING)
    assert detector.thresholds_ == pytest.approx(dict(limits), rel=ROLLING)
