import numpy as np
import pytest

from tests.reference.regime.hysteresis import UNIFORM, Hysteresis, predict, update
from tests.reference.regime.persistence import Persistence
from tests.reference.regime.rules import BEAR, BULL, HIGH_VOLATILITY, SIDEWAYS

SURE_BULL = (0.7, 0.1, 0.1, 0.1)
SURE_BEAR = (0.1, 0.7, 0.1, 0.1)
VOLATILE = (0.1, 0.1, 0.1, 0.7)
ALARM = (0.05, 0.05, 0.1, 0.8)


def test_prediction_is_the_transposed_matrix_times_the_probabilities() -> None:
    transitions = Persistence().transitions
    expected = np.array(transitions).T @ np.array(SURE_BULL)
    assert predict(SURE_BULL, transitions) == pytest.approx(tuple(expected), rel=1e-14)


def test_four_equal_readings_are_worth_one() -> None:
    membership = (0.6, 0.2, 0.15, 0.05)
    probabilities = UNIFORM
    for _ in range(4):
        probabilities = update(probabilities, membership)
    assert probabilities == pytest.approx(membership, rel=1e-12)


def test_a_new_label_needs_two_bars_in_a_row() -> None:
    hysteresis = Hysteresis()
    hysteresis.step(SURE_BULL, calm=True)
    hysteresis.step(UNIFORM, calm=True)
    hysteresis.step(SURE_BULL, calm=True)
    assert (hysteresis.label, hysteresis.age) == (SIDEWAYS, 3)
    hysteresis.step(SURE_BULL, calm=True)
    assert (hysteresis.label, hysteresis.age) == (BULL, 0)


def test_two_bars_of_different_regimes_are_not_two_bars() -> None:
    hysteresis = Hysteresis()
    for probabilities in (SURE_BULL, SURE_BEAR, SURE_BULL, SURE_BEAR):
        hysteresis.step(probabilities, calm=True)
    assert hysteresis.label == SIDEWAYS


@pytest.mark.parametrize("weak", [(0.54, 0.2, 0.2, 0.06), (0.56, 0.42, 0.01, 0.01)])
def test_without_a_clear_lead_the_label_stays(weak: tuple[float, float, float, float]) -> None:
    hysteresis = Hysteresis()
    for _ in range(20):
        assert hysteresis.step(weak, calm=True) is None
    assert hysteresis.label == SIDEWAYS


def test_high_volatility_at_eighty_percent_is_believed_at_once() -> None:
    hysteresis = Hysteresis()
    hysteresis.step(ALARM, calm=False)
    assert hysteresis.label == HIGH_VOLATILITY
    slower = Hysteresis()
    slower.step(VOLATILE, calm=False)
    assert slower.label == SIDEWAYS
    slower.step(VOLATILE, calm=False)
    assert slower.label == HIGH_VOLATILITY


def test_high_volatility_is_left_after_three_calm_bars() -> None:
    hysteresis = Hysteresis()
    hysteresis.step(ALARM, calm=False)
    for calm in (True, True, False, True, True):
        hysteresis.step(SURE_BEAR, calm=calm)
        assert hysteresis.label == HIGH_VOLATILITY
    assert hysteresis.step(SURE_BEAR, calm=True) == (HIGH_VOLATILITY, 6, BEAR)
    assert hysteresis.label == BEAR


def test_the_first_spell_is_not_evidence() -> None:
    hysteresis = Hysteresis()
    hysteresis.wait()
    hysteresis.step(SURE_BULL, calm=True)
    assert hysteresis.step(SURE_BULL, calm=True) is None
    assert hysteresis.label == BULL
    hysteresis.wait()
    hysteresis.step(SURE_BEAR, calm=True)
    assert hysteresis.step(SURE_BEAR, calm=True) == (BULL, 3, BEAR)
