"""The streaming detector against the same formulas over whole arrays."""

import numpy as np
import pytest

from poise.regime import RegimeDetector
from poise.typing import REGIME_LABELS
from tests.reference.regime import batch as reference
from tests.reference.regime.engine import RegimeEngine
from tests.reference.regime.engines import Engines
from tests.reference.regime.features import FeatureTracker, Reading
from tests.reference.regime.hysteresis import UNIFORM, predict, update
from tests.reference.regime.likelihood import likelihood
from tests.reference.regime.persistence import PRIOR_DURATIONS
from tests.reference.regime.rules import AdaptiveThresholds
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


def test_likelihoods() -> None:
    rng = np.random.default_rng(23)
    moves, scores = rng.standard_t(3, 400), rng.normal(0.0, 2.0, 400)
    expected = reference.likelihoods(moves, scores)
    for move, score, row in zip(moves, scores, expected, strict=True):
        reading = Reading(0.02, 0.02, 0.0, 0.0, 0.5, score, 0.0)
        assert likelihood(0.02 * move, reading) == pytest.approx(tuple(row), rel=CLOSED_FORM)


def test_filter() -> None:
    likelihoods = np.random.default_rng(22).dirichlet(np.ones(4), 300)
    expected = reference.filtered(likelihoods, np.array(PRIOR_DURATIONS))
    probabilities = UNIFORM
    for row, filtered in zip(likelihoods[1:].tolist(), expected[1:], strict=True):
        probabilities = update(predict(probabilities), tuple(row))
        assert probabilities == pytest.approx(tuple(filtered), rel=1e-10)


def test_detector_puts_the_parts_together(returns: np.ndarray) -> None:
    detector = RegimeDetector(weights=WEIGHTS)
    states = detector.history(returns)
    scores = reference.readings(returns, WEIGHTS)
    limits = reference.thresholds(scores).iloc[-1]
    assert detector.features_["trend_score"] == pytest.approx(scores["trend_score"].iloc[-1], rel=ROLLING)
    assert detector.thresholds_ == pytest.approx(dict(limits), rel=ROLLING)
    moves = (returns @ WEIGHTS)[reference.WARMING - 1 :] / scores["median_volatility"].to_numpy()
    likelihoods = reference.likelihoods(moves, scores["correlation_score"].to_numpy())
    assert [*detector.raw_probabilities_.values()] == pytest.approx(likelihoods[-1], rel=ROLLING)
    path = reference.filtered(likelihoods, np.array(PRIOR_DURATIONS))
    found = [[*state.probabilities.values()] for state in states if state is not None]
    np.testing.assert_allclose(found, path, rtol=ROLLING, atol=ROLLING)


def gappy(n_assets: int, n_bars: int = 1500, seed: int = 5) -> np.ndarray:
    """A market of calm, wild, rising and falling stretches with weekends, a late asset and empty days."""
    rng = np.random.default_rng(seed)
    stretch = np.arange(n_bars) // 130 % 4
    drift, size = np.array([0.0, 0.0, 0.004, -0.004])[stretch], np.array([0.01, 0.04, 0.012, 0.02])[stretch]
    R = drift[:, None] + size[:, None] * (
        rng.normal(size=(n_bars, 1)) + 0.7 * rng.normal(size=(n_bars, n_assets))
    )
    R[np.isin(np.arange(n_bars) % 7, (5, 6)), : n_assets // 2] = np.nan
    R[: n_bars // 3, n_assets - 1 :] = np.nan if n_assets > 1 else R[: n_bars // 3]
    R[rng.random(R.shape) < 0.02] = np.nan
    R[[100, 700, 701]] = np.nan
    return R


def waking() -> np.ndarray:
    """A constant index that begins to move."""
    R = np.zeros((900, 2))
    R[600:] = np.random.default_rng(8).normal(0.0, 0.01, (300, 2))
    return R


MARKETS = {
    "complete": lambda: gappy(4, 2800) * 0.0 + np.nan_to_num(gappy(4, 2800)),
    "gaps": lambda: gappy(5),
    "many assets": lambda: gappy(60, 900),
    "one asset": lambda: gappy(1),
    "constant": lambda: np.zeros((700, 3)),
    "constant growth": lambda: np.full((700, 3), 0.001),
    "waking": waking,
    "twins": lambda: np.repeat(gappy(1), 3, axis=1),
}


@pytest.mark.parametrize("name", MARKETS)
def test_the_kernel_equals_the_twin(name: str) -> None:
    R = MARKETS[name]()
    weights = np.arange(1.0, R.shape[1] + 1.0)
    weights /= weights.sum()
    detector, twin = RegimeDetector(weights=weights), RegimeEngine(weights)
    labels: list[tuple[object, ...]] = []
    for row in R:
        detector.partial_fit(row)
        expected, found = twin.push(row), detector.state_
        labels.append((found and found.label, expected and expected.label))
        assert (found is None) == (expected is None)
        if found is None or expected is None:
            continue
        assert (found.label, found.age) == (expected.label, expected.age)
        ours = [*found.probabilities.values(), found.confidence, found.expected_remaining]
        theirs = [*expected.probabilities.values(), expected.confidence, expected.expected_remaining]
        np.testing.assert_allclose(ours, theirs, rtol=CLOSED_FORM, atol=CLOSED_FORM)
    for ours, theirs in (
        (detector.features_, twin.reading._asdict()),
        (detector.thresholds_, twin.thresholds._asdict()),
        (dict(enumerate(detector.raw_probabilities_.values())), dict(enumerate(twin.likelihood))),
        (dict(enumerate(detector.durations_.values())), dict(enumerate(twin.persistence.durations))),
    ):
        assert list(ours) == list(theirs)
        np.testing.assert_allclose(
            list(ours.values()), list(theirs.values()), rtol=CLOSED_FORM, atol=CLOSED_FORM
        )
    at = REGIME_LABELS.index(detector.state_.label), detector.state_.age
    for horizon in (0, 1, 10, 200):
        survival = twin.persistence.survival(*at, horizon)
        assert detector.survival_probability(horizon) == pytest.approx(survival, rel=CLOSED_FORM)
    assert detector.median_remaining() == twin.persistence.median_remaining(*at)


FITTED = 1e-6
"""Iterative fits amplify the rounding in which the readings differ."""


@pytest.mark.parametrize("engine", ["hidden_markov", "jump", "pool"])
def test_engines_equal_their_twin(engine: str) -> None:
    R = gappy(3, 1700)
    weights = np.array([0.5, 0.3, 0.2])
    engines = Engines(engine)
    detector, twin = RegimeDetector(weights=weights, engine=engine), RegimeEngine(weights, engines)
    for row in R:
        detector.partial_fit(row)
        expected, found = twin.push(row), detector.state_
        if found is None or expected is None:
            continue
        assert (found.label, found.age) == (expected.label, expected.age)
        np.testing.assert_allclose(
            [*found.probabilities.values(), found.confidence, found.expected_remaining],
            [*expected.probabilities.values(), expected.confidence, expected.expected_remaining],
            rtol=FITTED,
            atol=FITTED,
        )
    assert detector.n_fits_ == engines.n_fits > 10
    assert detector.label_flips_ == engines.flips
    if engine == "pool":
        expected = {"rules": 0.6 if engines.members else 1.0, "hidden_markov": 0.0, "jump": 0.0}
        for member in engines.members:
            expected["hidden_markov" if member == "hidden" else member] = 0.4 / len(engines.members)
        assert detector.engine_weights_ == pytest.approx(expected)
