"""What must hold of the regime detector whatever the market does."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from poise.regime import RegimeDetector, RegimeState
from poise.testing import perturb_future
from poise.typing import REGIME_LABELS


@st.composite
def markets(draw: st.DrawFn, max_bars: int = 160) -> np.ndarray:
    """Returns with jumps of volatility, gaps, dead assets and twins."""
    seed = draw(st.integers(0, 2**32 - 1))
    n_assets = draw(st.integers(1, 4))
    n_bars = draw(st.integers(1, max_bars))
    rng = np.random.default_rng(seed)
    scale = np.exp(np.cumsum(rng.normal(0.0, draw(st.sampled_from([0.0, 0.1, 1.0])), n_bars)))
    scale = 0.02 * np.clip(scale, 1e-6, 1e3)
    R = np.maximum(scale[:, None] * rng.standard_t(3, (n_bars, n_assets)), -1.0)
    for column in range(n_assets):
        kind = draw(st.sampled_from(["alive", "dead", "late", "twin"]))
        if kind == "dead":
            R[:, column] = 0.0
        elif kind == "late":
            R[: n_bars // 2, column] = np.nan
        elif kind == "twin":
            R[:, column] = R[:, 0]
    R[rng.random(R.shape) < draw(st.sampled_from([0.0, 0.3]))] = np.nan
    return R


def streamed(R: np.ndarray) -> list[RegimeState | None]:
    detector = RegimeDetector()
    return [detector.partial_fit(row).state_ for row in R]


@settings(max_examples=60, deadline=None)
@given(markets())
def test_streaming_and_batch_agree_exactly(R: np.ndarray) -> None:
    strided = np.asfortranarray(R)
    assert streamed(R) == RegimeDetector().history(strided)
    assert RegimeDetector().fit(strided).state_ == streamed(R)[-1]


@settings(max_examples=60, deadline=None)
@given(markets())
def test_every_state_is_a_state(R: np.ndarray) -> None:
    seen = 0
    for row, state in zip(R, RegimeDetector().history(R), strict=True):
        seen += bool(np.isfinite(row).any())
        assert (state is None) == (seen < 20)
        if state is None:
            continue
        assert state.label in REGIME_LABELS
        assert tuple(state.probabilities) == REGIME_LABELS
        assert abs(sum(state.probabilities.values()) - 1.0) < 1e-12
        assert min(state.probabilities.values()) >= 0.0
        assert 0.0 <= state.confidence <= 1.0
        assert state.age >= 0
        assert 1.0 <= state.expected_remaining < np.inf


@settings(max_examples=40, deadline=None)
@given(markets(), st.data())
def test_the_past_does_not_notice_a_changed_future(R: np.ndarray, data: st.DataObject) -> None:
    if len(R) < 2:
        return
    row = data.draw(st.integers(0, len(R) - 2))
    other = perturb_future(R, row, rng=np.random.default_rng(row), scale=0.2)
    assert RegimeDetector().history(R)[: row + 1] == RegimeDetector().history(other)[: row + 1]


def test_calibration_and_adaptive_thresholds_do_not_look_ahead_either() -> None:
    rng = np.random.default_rng(12)
    R = rng.normal(0.0005, 0.02, (1300, 3)) * np.repeat([1.0, 2.5, 1.0, 0.5], 325)[:, None]
    whole = RegimeDetector().history(R)
    for cut in (510, 590, 600, 1010, 1299):
        assert RegimeDetector().fit(R[:cut]).state_ == whole[cut - 1]
        other = perturb_future(R, cut - 1, rng=rng, scale=0.2)
        assert RegimeDetector().history(other)[:cut] == whole[:cut]


@settings(max_examples=30, deadline=None)
@given(markets(), st.sampled_from([0.5, 4.0]))
def test_the_unit_of_the_returns_is_irrelevant(R: np.ndarray, factor: float) -> None:
    """Powers of two scale without rounding; only the drawdown feels the level."""
    assert RegimeDetector().history(R) == RegimeDetector().history(R * factor)


def test_turning_the_market_upside_down_swaps_bull_and_bear() -> None:
    R = np.random.default_rng(3).normal(0.001, 0.02, (400, 1))
    up, down = RegimeDetector().fit(R), RegimeDetector().fit(-R)
    assert up.features_["trend_score"] == -down.features_["trend_score"]
    assert up.raw_probabilities_["bull"] == down.raw_probabilities_["bear"]
    assert up.raw_probabilities_["high_volatility"] == down.raw_probabilities_["high_volatility"]
