"""Engines of the detector: hidden Markov and jump models, alone or pooled with the rules."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest

from poise.errors import ParameterError
from poise.regime import RegimeDetector, RegimeState
from poise.testing import perturb_future, simulated_market
from poise.typing import REGIME_LABELS

ENGINES = ("hidden_markov", "jump", "pool")
FIRST_FIT, REFIT_EVERY = 500, 90
EVERY_ENGINE = pytest.mark.parametrize("engine", ENGINES)


def market(n_bars: int = 1200, seed: int = 7) -> np.ndarray:
    """Calm, wild, rising and falling stretches of 80 bars; the third asset is late, one day is empty."""
    rng = np.random.default_rng(seed)
    stretch = np.arange(n_bars) // 80 % 4
    drift, size = np.array([0.0, 0.0, 0.006, -0.006])[stretch], np.array([0.01, 0.05, 0.01, 0.012])[stretch]
    R = drift[:, None] + size[:, None] * (rng.normal(size=(n_bars, 1)) + 0.4 * rng.normal(size=(n_bars, 3)))
    R[:60, 2] = np.nan
    R[520:521] = np.nan
    return R


def found(engine: Any, R: np.ndarray) -> tuple[RegimeDetector, list[RegimeState | None]]:
    detector = RegimeDetector(engine=engine)
    return detector, detector.history(R)


@EVERY_ENGINE
def test_until_the_first_fit_the_rules_speak(engine: Any) -> None:
    R = market()
    detector, states = found(engine, R[: FIRST_FIT - 1])
    assert states == RegimeDetector().history(R[: FIRST_FIT - 1])
    assert detector.engine_weights_ == {"rules": 1.0, "hidden_markov": 0.0, "jump": 0.0}
    assert (detector.n_fits_, detector.label_flips_) == (0, 0)
    assert detector.partial_fit(R[FIRST_FIT - 1]).n_fits_ == 1


@EVERY_ENGINE
def test_fits_come_every_ninety_observations(engine: Any) -> None:
    R = market()
    detector, _ = found(engine, R)
    assert detector.n_fits_ == (len(R) - 1 - FIRST_FIT) // REFIT_EVERY + 1
    assert sum(detector.engine_weights_.values()) == pytest.approx(1.0)
    if engine != "pool":
        assert detector.engine_weights_[engine] == 1.0


@EVERY_ENGINE
def test_every_state_is_a_state(engine: Any) -> None:
    R = market()
    for state in found(engine, R)[1][19:]:
        assert state is not None
        assert tuple(state.probabilities) == REGIME_LABELS
        assert sum(state.probabilities.values()) == pytest.approx(1.0, abs=1e-12)
        assert min(state.probabilities.values()) > 0.0
        assert 0.0 <= state.confidence <= 1.0
        assert np.isfinite(state.expected_remaining)


@EVERY_ENGINE
def test_wild_stretches_are_found(engine: Any) -> None:
    states = found(engine, market(1600))[1]
    bars = [t for t in range(700, 1600) if t // 80 % 4 == 1 and t % 80 > 15]
    assert np.mean([states[t].label == "high_volatility" for t in bars]) > 0.8
    calm = [t for t in range(700, 1600) if t // 80 % 4 == 0 and t % 80 > 40]
    assert np.mean([states[t].label == "high_volatility" for t in calm]) < 0.3


@EVERY_ENGINE
def test_row_by_row_is_the_batch_to_the_bit(engine: Any) -> None:
    R = market(800)
    detector = RegimeDetector(engine=engine)
    assert [detector.partial_fit(row).state_ for row in R] == found(engine, R)[1]


@EVERY_ENGINE
def test_the_past_does_not_notice_a_changed_future(engine: Any) -> None:
    R = market(800)
    for cut in (499, 505, 590, 700):
        other = perturb_future(R, cut, rng=np.random.default_rng(cut), scale=0.2)
        assert found(engine, other)[1][: cut + 1] == found(engine, R)[1][: cut + 1]


@EVERY_ENGINE
@pytest.mark.parametrize("cut", [0, 300, 521, 700])
def test_copies_and_bytes_continue_bit_for_bit(engine: Any, cut: int) -> None:
    R = market(800)
    detector = RegimeDetector(engine=engine)
    for row in R[:cut]:
        detector.partial_fit(row)
    twins = [
        RegimeDetector.from_bytes(detector.to_bytes()),
        pickle.loads(pickle.dumps(detector)),  # noqa: S301
        copy.deepcopy(detector),
    ]
    for row in R[cut:]:
        detector.partial_fit(row)
    for twin in twins:
        assert twin.engine == engine
        for row in R[cut:]:
            twin.partial_fit(row)
        assert twin.to_bytes() == detector.to_bytes()
        assert twin.label_flips_ == detector.label_flips_


@EVERY_ENGINE
def test_an_index_at_rest_is_sideways_and_a_gap_passes(engine: Any) -> None:
    detector, states = found(engine, np.zeros((700, 2)))
    assert states[-1] is not None
    assert (states[-1].label, states[-1].probabilities["high_volatility"]) == ("sideways", 0.0)
    assert detector.n_fits_ == 0 or engine != "hidden_markov"
    detector, states = found(engine, market())
    label, age = detector.state_.label, detector.state_.age
    detector.partial_fit(np.full(3, np.nan))
    assert (detector.state_.label, detector.state_.age) == (label, age + 1)


def test_the_pool_listens_where_the_log_score_improves() -> None:
    closes = simulated_market(seed=6, n_assets=3, days=2000).panel.closes
    R = closes[1:] / closes[:-1] - 1.0
    pool = RegimeDetector(engine="pool").fit(R)
    assert pool.engine_weights_["rules"] == 0.6
    assert pool.calibration_.log_score < RegimeDetector().fit(R).calibration_.log_score


def test_the_pool_listens_to_nobody_who_is_worse() -> None:
    R = market(2000)
    alone = RegimeDetector().fit(R).calibration_.log_score
    assert min(found(engine, R)[0].calibration_.log_score for engine in ("hidden_markov", "jump")) > alone
    assert found("pool", R)[0].engine_weights_["rules"] == 1.0


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(ParameterError, match=r"'smoothed', expected one of 'rules', 'hidden_markov'"):
        RegimeDetector(engine="smoothed")  # type: ignore[arg-type]
