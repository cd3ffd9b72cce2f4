"""What a single bar says, in the twin; the kernel is held against it in tests/parity."""

import math

import pytest

from poise.regime import RegimeDetector
from tests.reference.regime.features import Reading
from tests.reference.regime.likelihood import at_rest, likelihood
from tests.reference.regime.rules import BEAR, BULL, HIGH_VOLATILITY, SIDEWAYS


def reading(median_volatility: float = 0.02, correlation_score: float = 0.0) -> Reading:
    return Reading(0.02, median_volatility, 0.0, 0.0, 0.5, correlation_score, 0.0)


@pytest.mark.parametrize(
    ("index_return", "regime"),
    [(0.015, BULL), (-0.015, BEAR), (0.0, SIDEWAYS), (0.08, HIGH_VOLATILITY), (-0.08, HIGH_VOLATILITY)],
)
def test_a_bar_speaks_for_the_regime_that_it_is_typical_of(index_return: float, regime: int) -> None:
    said = likelihood(index_return, reading())
    assert said.index(max(said)) == regime
    assert sum(said) == pytest.approx(1.0, abs=1e-15)


def test_bull_and_bear_mirror_each_other() -> None:
    up, down = likelihood(0.013, reading()), likelihood(-0.013, reading())
    assert (up[BULL], up[BEAR]) == (down[BEAR], down[BULL])
    assert (up[SIDEWAYS], up[HIGH_VOLATILITY]) == (down[SIDEWAYS], down[HIGH_VOLATILITY])


@pytest.mark.parametrize(("index_return", "normal"), [(1.0, 0.01), (1e100, 1e-300), (-5.0, 0.0)])
def test_an_outlier_says_no_more_than_the_tails_can_tell(index_return: float, normal: float) -> None:
    said = likelihood(index_return, reading(normal))
    assert said[HIGH_VOLATILITY] / said[SIDEWAYS] == pytest.approx((1.9 / 0.85) ** 4, rel=0.01)


def test_correlation_speaks_for_high_volatility_and_weighs_little() -> None:
    def odds(score: float) -> float:
        said = likelihood(0.02, reading(correlation_score=score))
        return said[HIGH_VOLATILITY] / said[SIDEWAYS]

    assert odds(2.0) / odds(0.0) == pytest.approx(math.exp(2.0 / 58.0), rel=1e-14)
    assert odds(3.0) == odds(40.0)


def test_at_rest_nothing_is_volatile() -> None:
    assert at_rest()[HIGH_VOLATILITY] == 0.0
    assert at_rest()[SIDEWAYS] > 0.99
    assert sum(at_rest()) == 1.0


def test_one_outlier_is_not_yet_high_volatility() -> None:
    calm = [[0.01], [-0.01]] * 100
    detector = RegimeDetector().fit(calm)
    assert detector.partial_fit([-0.30]).state_.label != "high_volatility"
    assert detector.partial_fit([0.25]).partial_fit([-0.20]).state_.label == "high_volatility"
