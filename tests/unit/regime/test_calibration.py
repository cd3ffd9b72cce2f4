import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

from tests.reference.regime.calibration import FIRST_FIT, SIDE, Calibration, IsotonicMap
from tests.reference.regime.rules import BULL, HIGH_VOLATILITY, SIDEWAYS, Thresholds

LIMITS = Thresholds(volatility=0.4, trend=0.8)


@pytest.mark.parametrize("seed", range(5))
def test_isotonic_map_is_the_least_squares_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 30, 120) / 30.0  # ties
    y = (rng.random(120) < x).astype(float)
    expected = IsotonicRegression(out_of_bounds="clip").fit(x, y)
    at = np.linspace(-0.2, 1.2, 57)
    ours = IsotonicMap(x.tolist(), y.tolist())
    np.testing.assert_allclose([ours(a) for a in at.tolist()], expected.predict(at), atol=1e-12)


def test_falling_data_are_pooled_to_their_mean() -> None:
    ours = IsotonicMap([1.0, 2.0, 3.0], [3.0, 2.0, 1.0])
    assert [ours(x) for x in (0.0, 1.5, 9.0)] == [2.0, 2.0, 2.0]


def test_one_point() -> None:
    assert IsotonicMap([0.5], [0.3])(0.9) == 0.3


def test_before_the_first_fit_confidence_is_three_quarters_of_what_exceeds_chance() -> None:
    calibration = Calibration()
    assert calibration.confidence(0.25) == 0.25
    assert calibration.confidence(0.65) == pytest.approx(0.55)


def run(calibration: Calibration, returns: np.ndarray, labels: list[int], probability: float = 0.7) -> None:
    for r, label in zip(returns.tolist(), labels, strict=True):
        calibration.observe(
            r, probability=probability, label=label, normal_volatility=0.01, thresholds=LIMITS
        )


def test_labels_are_judged_by_the_bars_around_them() -> None:
    rising = np.random.default_rng(1).normal(0.005, 0.008, FIRST_FIT)
    believer, sceptic = Calibration(), Calibration()
    run(believer, rising, [BULL] * FIRST_FIT)
    run(sceptic, rising, [SIDEWAYS] * FIRST_FIT)
    assert believer.confidence(0.7) == 1.0
    assert sceptic.confidence(0.7) == 0.0


def test_a_bar_is_judged_with_thirty_bars_on_either_side() -> None:
    calm, wild = 0.002, 0.05
    returns = np.where(np.arange(FIRST_FIT) < 250, calm, wild) * (-1.0) ** np.arange(FIRST_FIT)
    calibration = Calibration()
    run(calibration, returns, [HIGH_VOLATILITY] * FIRST_FIT)
    judged = FIRST_FIT - 2 * SIDE
    # exp(0.4) * 0.01 = 0.0149: the window is volatile once 0.05 ** 2 * k / 61 exceeds its square.
    k = next(k for k in range(62) if (k * wild**2 + (61 - k) * calm**2) / 61 > (0.01 * np.exp(0.4)) ** 2)
    first_volatile = 250 - SIDE + k - 1
    assert calibration.confidence(0.7) == pytest.approx((FIRST_FIT - SIDE - first_volatile) / judged)


def test_the_map_waits_for_five_hundred_observations() -> None:
    calibration = Calibration()
    for _ in range(20):
        calibration.warm(0.001)
    run(calibration, np.full(FIRST_FIT - 21, 0.001), [BULL] * (FIRST_FIT - 21))
    assert calibration.confidence(0.7) == pytest.approx(0.5875)
    run(calibration, np.full(1, 0.001), [BULL])
    assert calibration.confidence(0.7) == 1.0


def test_confidence_recovers_the_frequency_of_being_right() -> None:
    rng = np.random.default_rng(9)
    calibration = Calibration()
    for r in rng.normal(0.005, 0.008, 2570).tolist():
        probability = 0.3 + 0.6 * rng.random()
        label = BULL if rng.random() < probability else SIDEWAYS
        calibration.observe(
            r, probability=probability, label=label, normal_volatility=0.01, thresholds=LIMITS
        )
    for probability in (0.4, 0.5, 0.6, 0.7, 0.8):
        assert calibration.confidence(probability) == pytest.approx(probability, abs=0.08)
