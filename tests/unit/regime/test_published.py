"""Durations of regimes by identities: constant hazard, and Hamilton's expected spell."""

import math

import numpy as np
import pytest

from poise.regime import GaussianHMM, RegimeDetector
from tests.tolerances import CLOSED_FORM

PRIOR = {"bull": 60.0, "bear": 60.0, "sideways": 45.0, "high_volatility": 20.0}


@pytest.mark.parametrize(("drift", "size"), [(0.0, 0.01), (0.01, 0.005), (-0.01, 0.005)])
def test_before_any_spell_has_ended_the_hazard_is_constant(drift, size):
    """Expected rest ``d``, survival ``(1 - 1/d)^h`` and its median, at any age."""
    detector = RegimeDetector()
    rng = np.random.default_rng(8)
    read = set()
    for row in drift + size * rng.normal(size=(60, 3)):
        before = detector.durations_
        state = detector.partial_fit(row).state_
        if state is None or before != PRIOR or detector.durations_ != PRIOR:
            continue
        d = PRIOR[state.label]
        assert state.expected_remaining == pytest.approx(d, rel=CLOSED_FORM)
        for horizon in (1, 10, 40):
            assert detector.survival_probability(horizon) == pytest.approx((1 - 1 / d) ** horizon, rel=1e-12)
        assert detector.median_remaining() == math.ceil(math.log(0.5) / math.log(1 - 1 / d))
        read.add((state.label, state.age))
    assert len(read) > 5


def chain(stay, n_bars, rng):
    state, path = 0, []
    for _ in range(n_bars):
        path.append(state)
        state = state if rng.random() < stay[state] else 1 - state
    return np.array(path)


def test_expected_durations_are_those_of_hamilton():
    """Hamilton (1989): a regime lasts ``1 / (1 - a_kk)`` bars on average."""
    rng = np.random.default_rng(4)
    stay = (0.7546643, 0.9040850)  # of U.S. output, contraction and expansion
    path = chain(stay, 20_000, rng)
    # Regimes that cannot be mistaken: the estimate is that of the chain itself.
    X = np.where(path == 0, -1.0, 1.0)[:, None] + 0.01 * rng.normal(size=(len(path), 1))
    model = GaussianHMM(2, n_restarts=1, seed=0).fit(X)
    order = np.argsort(model.means_[:, 0])
    durations = 1.0 / (1.0 - np.diag(model.transition_matrix_)[order])
    edges = np.flatnonzero(np.diff(path)) + 1
    spells = np.diff(edges)
    labels = path[edges[:-1]]
    for regime, published in enumerate((4.07604746, 10.42589383)):
        assert 1.0 / (1.0 - stay[regime]) == pytest.approx(published, rel=1e-4)
        assert durations[regime] == pytest.approx(spells[labels == regime].mean(), rel=1e-3)
        assert durations[regime] == pytest.approx(published, rel=0.05)
