import math

import numpy as np
import pytest

from tests.reference.regime.rolling import RollingMoments, RollingQuantile


@pytest.mark.parametrize("level", [0.0, 0.25, 0.5, 0.6, 0.85, 1.0])
def test_quantiles_are_those_of_the_window(level: float) -> None:
    values = np.random.default_rng(1).integers(-5, 5, 200) / 3.0  # many ties
    rolling = RollingQuantile(17)
    for t, value in enumerate(values):
        rolling.push(float(value))
        window = values[max(0, t - 16) : t + 1]
        assert rolling.quantile(level) == pytest.approx(np.quantile(window, level), abs=1e-15)
        assert len(rolling) == len(window)


def test_an_empty_window_has_no_quantile() -> None:
    assert math.isnan(RollingQuantile(5).quantile(0.5))


def test_standardised_against_the_window() -> None:
    values = np.random.default_rng(2).normal(5.0, 0.1, 300)
    rolling = RollingMoments(50)
    for t, value in enumerate(values):
        window = values[max(0, t - 50) : t]
        expected = (value - window.mean()) / window.std() if t > 1 else 0.0
        assert rolling.standardise(float(value)) == pytest.approx(expected, rel=1e-7)
        rolling.push(float(value))


def test_nothing_stands_out_where_nothing_varies() -> None:
    rolling = RollingMoments(10)
    assert rolling.standardise(1.0) == 0.0
    for _ in range(25):
        rolling.push(0.1)
        assert rolling.standardise(0.7) == 0.0


def test_a_large_number_that_left_the_window_leaves_no_trace() -> None:
    rolling = RollingMoments(4)
    for value in (1e12, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0):
        rolling.push(value)
    assert rolling.standardise(5.5) == pytest.approx(0.0, abs=1e-12)
    assert rolling.standardise(7.0) == pytest.approx(1.5 / math.sqrt(1.25), rel=1e-12)
