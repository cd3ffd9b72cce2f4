import math

import numpy as np
import pytest

from tests.reference.regime.persistence import PRIOR_DURATIONS, Persistence
from tests.reference.regime.rules import BEAR, BULL, HIGH_VOLATILITY, SIDEWAYS

REGIMES = (BULL, BEAR, SIDEWAYS, HIGH_VOLATILITY)


@pytest.mark.parametrize("regime", REGIMES)
@pytest.mark.parametrize("age", [0, 7, 500])
def test_without_spells_the_hazard_is_constant(regime: int, age: int) -> None:
    """Hamilton's identity: a stay probability of 1 - 1/d means d more bars at any age."""
    persistence = Persistence()
    d = PRIOR_DURATIONS[regime]
    assert persistence.expected_remaining(regime, age) == d
    assert persistence.survival(regime, age, 10) == pytest.approx((1 - 1 / d) ** 10, rel=1e-12)
    assert persistence.median_remaining(regime, age) == math.ceil(math.log(0.5) / math.log(1 - 1 / d))


def test_durations_are_shrunk_towards_the_prior() -> None:
    persistence = Persistence()
    for length in (10, 20):
        persistence.record(BEAR, length)
    assert persistence.durations[BEAR] == pytest.approx((5 * 60 + 30) / 7)
    assert persistence.durations[BULL] == PRIOR_DURATIONS[BULL]


def test_many_constant_hazard_spells_give_back_their_duration() -> None:
    persistence = Persistence()
    for length in np.random.default_rng(5).geometric(1 / 12, 1500):
        persistence.record(HIGH_VOLATILITY, int(length))
    assert persistence.durations[HIGH_VOLATILITY] == pytest.approx(12.0, rel=0.05)
    for age in (0, 5, 15):
        assert persistence.expected_remaining(HIGH_VOLATILITY, age) == pytest.approx(12.0, rel=0.15)


def test_hazard_counts_ends_among_spells_at_risk() -> None:
    persistence = Persistence()
    for length in (2, 2, 3):
        persistence.record(HIGH_VOLATILITY, length)
    prior = 5 / persistence.durations[HIGH_VOLATILITY]
    assert persistence.hazard(HIGH_VOLATILITY, 0) == pytest.approx(prior / 8)
    assert persistence.hazard(HIGH_VOLATILITY, 1) == pytest.approx((prior + 2) / 8)
    assert persistence.hazard(HIGH_VOLATILITY, 2) == pytest.approx((prior + 1) / 6)
    assert persistence.hazard(HIGH_VOLATILITY, 3) == pytest.approx(prior / 5)


def test_expected_remaining_is_the_sum_of_survival() -> None:
    persistence = Persistence()
    for length in (4, 9, 9, 30, 31):
        persistence.record(BULL, length)
    for age in (0, 8, 29, 60):
        seen = sum(persistence.survival(BULL, age, j) for j in range(100))
        tail = (
            persistence.survival(BULL, age, 100) * persistence.durations[BULL]
        )  # constant hazard from there
        assert persistence.expected_remaining(BULL, age) == pytest.approx(seen + tail, rel=1e-12)
    assert persistence.survival(BULL, 3, 0) == 1.0


def test_the_median_halves_survival() -> None:
    persistence = Persistence()
    for length in (6, 6, 6, 6, 6, 6, 40):
        persistence.record(BULL, length)
    for age in (0, 4, 10):
        median = persistence.median_remaining(BULL, age)
        assert persistence.survival(BULL, age, median) <= 0.5 < persistence.survival(BULL, age, median - 1)
