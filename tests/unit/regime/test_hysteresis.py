import numpy as np
import pytest

from tests.reference.regime.hysteresis import UNIFORM, Hysteresis, predict, update
from tests.reference.regime.persistence import PRIOR_DURATIONS
from tests.reference.regime.rules import BEAR, BULL, SIDEWAYS

SURE_BULL = (0.7, 0.1, 0.1, 0.1)
SURE_BEAR = (0.1, 0.7, 0.1, 0.1)


def test_prediction_is_the_transposed_matrix_times_the_probabilities() -> None:
    leaving = 1.0 / np.array(PRIOR_DURATIONS)
    transitions = leaving[:, None] / 3.0 * (1.0 - np.eye(4)) + np.diag(1.0 - leaving)
    assert predict(SURE_BULL) == pytest.approx(tuple(transitions.T @ SURE_BULL), rel=1e-14)


def test_odds_are_multiplied() -> None:
    after = update((0.5, 0.3, 0.1, 0.1), (0.1, 0.2, 0.3, 0.4))
    assert after == pytest.approx((5 / 18, 6 / 18, 3 / 18, 4 / 18), rel=1e-14)


def test_a_regime_likelier_than_all_others_together_takes_over_at_once() -> None:
    hysteresis = Hysteresis()
    hysteresis.step(SURE_BULL)
    assert (hysteresis.label, hysteresis.age) == (BULL, 0)
    hysteresis.step((0.2, 0.6, 0.15, 0.05))
    assert (hysteresis.label, hysteresis.age) == (BEAR, 0)


@pytest.mark.parametrize("weak", [UNIFORM, (0.59, 0.2, 0.2, 0.01), (0.49, 0.02, 0.48, 0.01)])
def test_below_that_the_label_stays(weak: tuple[float, float, float, float]) -> None:
    hysteresis = Hysteresis()
    for _ in range(20):
        assert hysteresis.step(weak) is None
    assert (hysteresis.label, hysteresis.age) == (SIDEWAYS, 20)


def test_the_first_spell_is_not_evidence() -> None:
    hysteresis = Hysteresis()
    hysteresis.wait()
    assert hysteresis.step(SURE_BULL) is None
    assert hysteresis.label == BULL
    hysteresis.wait()
    assert hysteresis.step(SURE_BEAR) == (BULL, 2)
