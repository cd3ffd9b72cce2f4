import numpy as np
import pytest

from poise.rebalancing.thresholds import AdaptiveThreshold


def test_long_run_exceedance_is_the_wanted_one(rng: np.random.Generator) -> None:
    threshold = AdaptiveThreshold(exceedance=2.0 / 30.4, lower=0.1, upper=50.0, half_life=42.0)
    above = []
    for value in np.exp(0.3 * rng.standard_normal(20_000)):
        above.append(value > threshold.level)
        threshold.observe(float(value))
    assert np.mean(above[2_000:]) == pytest.approx(2.0 / 30.4, rel=0.1)
    # The 93.4 % quantile of this lognormal is exp(0.3 * 1.508) = 1.572, its median 1.
    assert threshold.level == pytest.approx(1.572, abs=0.15)
    assert threshold.median == pytest.approx(1.0, abs=0.1)


def test_first_steps_by_hand() -> None:
    threshold = AdaptiveThreshold(exceedance=0.1, lower=1.5, upper=5.0, half_life=1.0)
    threshold.observe(1.0)
    assert (threshold.level, threshold.median, threshold.scale) == (1.5, 1.0, 0.0)
    threshold.observe(3.0)
    # scale = 0.5 * |3 - 1| = 1; the level steps by 0.05 * 1 * (1 - 0.1), the median by 0.05 * 1 * 0.5.
    assert threshold.scale == pytest.approx(1.0)
    assert threshold.level == pytest.approx(1.545)
    assert threshold.median == pytest.approx(1.025)


def test_the_level_stays_between_its_limits() -> None:
    threshold = AdaptiveThreshold(exceedance=0.05, lower=1.5, upper=2.0, half_life=5.0)
    for _ in range(200):
        threshold.observe(1.0)
    assert threshold.level == 1.5
    for value in [1.0, 40.0] * 200:
        threshold.observe(value)
    assert threshold.level == 2.0
