import copy
import pickle
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from poise.errors import (
    EmptyInputError,
    EmptyUniverseError,
    NonFiniteError,
    ParameterError,
    ShapeError,
    StateError,
)
from poise.regime import RegimeDetector, RegimeState
from poise.typing import REGIME_LABELS

BARS_PER_YEAR = 365


def market(*segments: tuple[int, float, float], n_assets: int = 4, seed: int = 0) -> np.ndarray:
    """Segments of (bars, drift of the index, volatility of the index)."""
    rng = np.random.default_rng(seed)
    index = np.concatenate([rng.normal(drift, volatility, bars) for bars, drift, volatility in segments])
    own = rng.normal(0.0, 0.3 * np.std(index), (len(index), n_assets))
    return index[:, None] + own - own.mean(axis=1, keepdims=True)


def labels(states: list[RegimeState | None]) -> np.ndarray:
    return np.array(["" if state is None else state.label for state in states])


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("drift", "volatility", "expected"),
    [(0.006, 0.015, "bull"), (-0.006, 0.015, "bear"), (0.0, 0.06, "high_volatility")],
)
def test_a_planted_regime_is_recognised_and_left(
    drift: float, volatility: float, expected: str, seed: int
) -> None:
    found, without = (
        labels(RegimeDetector().history(market((300, 0.0, 0.015), middle, (300, 0.0, 0.015), seed=seed)))
        for middle in ((120, drift, volatility), (120, 0.0, 0.015))
    )
    assert np.mean(found[340:420] == expected) > 0.9
    # What is left of it a hundred bars later is what chance makes of the same noise.
    assert np.mean(found[520:] == expected) < np.mean(without[520:] == expected) + 0.05


def test_a_crash_of_volatility_is_believed_within_days() -> None:
    found = labels(RegimeDetector().history(market((400, 0.0, 0.01), (60, 0.0, 0.08), n_assets=1)))
    assert "high_volatility" not in found[:400]
    assert "high_volatility" in found[400:408]


def test_noise_seldom_changes_the_label() -> None:
    switches, flips = [], []
    for seed in range(6):
        detector = RegimeDetector()
        raw, label = [], []
        for row in market((5 * BARS_PER_YEAR, 0.0, 0.02), n_assets=1, seed=seed):
            detector.partial_fit(row)
            if detector.state_ is not None:
                label.append(detector.state_.label)
                raw.append(max(REGIME_LABELS, key=detector.raw_probabilities_.__getitem__))
        switches.append(sum(a != b for a, b in pairwise(label)) / 5)
        flips.append(sum(a != b for a, b in pairwise(raw)) / 5)
    assert np.mean(switches) < 9.0  # per year; 7.5 measured
    assert np.mean(switches) < np.mean(flips) / 3.0


def test_a_constant_index_is_sideways_and_never_volatile() -> None:
    states = RegimeDetector().history(np.zeros((300, 3)))
    assert set(labels(states)[19:]) == {"sideways"}
    assert states[-1] is not None
    assert states[-1].probabilities["high_volatility"] == 0.0
    assert states[-1].probabilities["sideways"] > 0.9


def test_an_index_that_wakes_up_is_volatile() -> None:
    R = np.zeros((330, 2))
    R[300:] = market((30, 0.0, 0.02), n_assets=2)
    assert labels(RegimeDetector().history(R))[310] == "high_volatility"


def test_warming_ends_with_the_twentieth_observation_in_a_cautious_state() -> None:
    R = market((25, 0.05, 0.001))
    R[3] = np.nan
    states = RegimeDetector().history(R)
    assert states[:20] == [None] * 20
    first = states[20]
    assert first is not None
    assert (first.label, first.age, first.confidence) == ("sideways", 0, 0.25)
    assert set(first.probabilities.values()) == {0.25}
    assert first.expected_remaining == 45.0


def test_while_warming_there_is_nothing_to_say() -> None:
    detector = RegimeDetector()
    assert detector.state_ is None
    for _ in range(19):
        detector.partial_fit([0.01, -0.02])
    assert detector.state_ is None
    assert detector.features_ == detector.thresholds_ == detector.raw_probabilities_ == {}
    with pytest.raises(StateError, match="warming"):
        detector.survival_probability(5)
    with pytest.raises(StateError, match="warming"):
        detector.median_remaining()


def test_diagnostics_after_a_bar() -> None:
    detector = RegimeDetector().fit(market((200, 0.0, 0.02)))
    assert detector.state_ is not None
    assert set(detector.features_) == {
        "volatility",
        "median_volatility",
        "volatility_score",
        "trend_score",
        "average_correlation",
        "correlation_score",
        "drawdown",
    }
    assert detector.features_["volatility"] == pytest.approx(0.02, rel=0.5)
    assert set(detector.thresholds_) == {"volatility", "trend"}
    assert list(detector.raw_probabilities_) == list(REGIME_LABELS)
    assert sum(detector.raw_probabilities_.values()) == pytest.approx(1.0, abs=1e-15)
    assert detector.survival_probability(0) == 1.0
    assert 0.0 < detector.survival_probability(30) < detector.survival_probability(5) < 1.0
    median = detector.median_remaining()
    assert detector.survival_probability(median) <= 0.5 < detector.survival_probability(median - 1)


def test_durations_move_towards_the_spells_seen() -> None:
    detector = RegimeDetector()
    prior = dict(detector.durations_)
    assert prior == {"bull": 60.0, "bear": 60.0, "sideways": 45.0, "high_volatility": 20.0}
    detector.fit(market((3000, 0.0, 0.02), n_assets=1))
    assert detector.durations_ != prior


def test_one_asset_has_no_correlation_and_still_a_regime() -> None:
    detector = RegimeDetector().fit(market((300, 0.0, 0.015), (100, 0.008, 0.015), n_assets=1))
    assert detector.state_ is not None
    assert detector.state_.label == "bull"
    assert np.isnan(detector.features_["average_correlation"])
    assert detector.features_["correlation_score"] == 0.0


def test_a_row_without_returns_only_lets_time_pass() -> None:
    detector = RegimeDetector().fit(market((300, 0.0, 0.015), (100, 0.008, 0.015)))
    before, reading = detector.state_, detector.features_
    detector.partial_fit(np.full(4, np.nan))
    after = detector.state_
    assert before is not None
    assert after is not None
    assert (after.label, after.age) == (before.label, before.age + 1)
    assert detector.features_ == reading
    sure = max(before.probabilities.values())
    assert max(after.probabilities.values()) < sure
    for _ in range(5000):
        detector.partial_fit(np.full(4, np.nan))
    assert detector.state_ is not None
    assert sum(detector.state_.probabilities.values()) == pytest.approx(1.0, abs=1e-9)


def test_missing_assets_leave_the_index_to_the_others() -> None:
    R = market((400, 0.002, 0.02), n_assets=1)
    two = np.hstack([R, np.full_like(R, np.nan)])
    for one, both in zip(RegimeDetector().history(R), RegimeDetector().history(two), strict=True):
        assert one == both


def test_weights_choose_the_market() -> None:
    calm, rising = market((300, 0.0, 0.01), n_assets=1), market((300, 0.01, 0.01), n_assets=1, seed=5)
    R = np.hstack([calm, rising])
    first = RegimeDetector(weights=[1.0, 0.0]).fit(R).state_
    assert first == RegimeDetector().fit(calm).state_
    second = RegimeDetector(weights=[0.0, 5.0]).fit(R).state_
    assert second is not None
    assert second.label == "bull"
    assert second == RegimeDetector().fit(rising).state_


def test_frames_are_matched_by_name() -> None:
    R = pd.DataFrame(market((200, 0.0, 0.02), n_assets=3), columns=["BTC", "ETH", "SOL"])
    weights = pd.Series({"SOL": 0.1, "BTC": 0.7, "ETH": 0.2})
    by_name = RegimeDetector(weights=weights).fit(R)
    assert by_name.state_ == RegimeDetector(weights=[0.7, 0.2, 0.1]).fit(R.to_numpy()).state_
    row = pd.Series({"SOL": 0.3, "ETH": 0.02, "BTC": 0.01})
    plain = RegimeDetector(weights=[0.7, 0.2, 0.1]).fit(R.to_numpy()).partial_fit([0.01, 0.02, 0.3])
    assert by_name.partial_fit(row).state_ == plain.state_


@pytest.mark.parametrize("at", [0, 5, 150, 620])
@pytest.mark.parametrize("restore", [copy.deepcopy, lambda d: pickle.loads(pickle.dumps(d))])  # noqa: S301
def test_a_copy_continues_alike_and_alone(at: int, restore: object) -> None:
    R = market((700, 0.0, 0.02))
    detector = RegimeDetector()
    for row in R[:at]:
        detector.partial_fit(row)
    twin = restore(detector)  # type: ignore[operator]
    untouched = detector.state_
    for row in R[at:]:
        twin.partial_fit(row)
    assert detector.state_ == untouched
    for row in R[at:]:
        detector.partial_fit(row)
    assert detector.state_ == twin.state_
    assert detector.features_ == twin.features_


def test_fit_starts_afresh() -> None:
    first, second = market((300, 0.01, 0.01)), market((200, 0.0, 0.03), n_assets=2)
    assert RegimeDetector().fit(first).fit(second).state_ == RegimeDetector().fit(second).state_


@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e200])
def test_infinite_returns_are_refused_and_change_nothing(value: float) -> None:
    R = market((100, 0.0, 0.02), n_assets=3)
    detector = RegimeDetector().fit(R)
    before = pickle.dumps(detector)
    bad = R.copy()
    bad[70, 1] = value
    with pytest.raises(NonFiniteError, match=r"row 70, column 1"):
        detector.fit(bad)
    with pytest.raises(NonFiniteError, match=r"column 2 \(SOL\)"):
        RegimeDetector().partial_fit(pd.Series({"BTC": 0.1, "ETH": 0.0, "SOL": value}))
    with pytest.raises(NonFiniteError, match="column 1"):
        detector.partial_fit([0.1, value, 0.1])
    assert pickle.dumps(detector) == before


def test_shapes_are_checked() -> None:
    detector = RegimeDetector().fit(market((30, 0.0, 0.02), n_assets=3))
    with pytest.raises(ShapeError, match="2 assets, expected 3"):
        detector.partial_fit([0.1, 0.2])
    with pytest.raises(ShapeError):
        detector.fit(np.zeros(30))
    with pytest.raises(ShapeError):
        detector.partial_fit(np.zeros((1, 3)))
    with pytest.raises(ShapeError, match="weights has 2"):
        RegimeDetector(weights=[0.5, 0.5]).fit(np.zeros((30, 3)))
    with pytest.raises(EmptyInputError, match="no row"):
        detector.fit(np.zeros((0, 3)))
    with pytest.raises(EmptyUniverseError):
        detector.fit(np.zeros((30, 0)))
    with pytest.raises(EmptyUniverseError):
        RegimeDetector().partial_fit([])


@pytest.mark.parametrize(
    ("weights", "error", "message"),
    [
        ([0.5, np.nan], NonFiniteError, r"weights\[1\]"),
        ([0.5, -0.1], ParameterError, r"weights\[1\] is -0.1"),
        ([0.0, 0.0], ParameterError, "all zero"),
        ([[0.5, 0.5]], ShapeError, "one axis"),
    ],
)
def test_weights_are_checked_at_once(weights: list[float], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        RegimeDetector(weights=weights)


def test_negative_horizons_are_refused() -> None:
    with pytest.raises(ParameterError, match="-1"):
        RegimeDetector().fit(market((30, 0.0, 0.02))).survival_probability(-1)
