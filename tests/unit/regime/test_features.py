import math

import numpy as np
import pytest

from tests.reference.regime.features import (
    WARMING,
    AverageCorrelation,
    ExponentialMean,
    FeatureTracker,
    log_ratio,
)

EQUAL = np.full(4, 0.25)


def correlated(rho: float, n_observations: int, seed: int = 3, n_assets: int = 4) -> np.ndarray:
    rng = np.random.default_rng(seed)
    common = rng.normal(size=(n_observations, 1))
    own = rng.normal(size=(n_observations, n_assets))
    return 0.02 * (math.sqrt(rho) * common + math.sqrt(1.0 - rho) * own)


def correlations(R: np.ndarray, weights: np.ndarray, half_life: float = 20.0) -> np.ndarray:
    estimate = AverageCorrelation(weights, half_life)
    return np.array([estimate.push(np.nan_to_num(row), np.isfinite(row) * 1.0) for row in R])


def test_effective_observations_follow_the_half_life() -> None:
    mean = ExponentialMean(20)
    assert mean.push(3.0) == 3.0
    assert mean.effective_observations == 1.0
    for _ in range(2000):
        assert mean.push(3.0) == pytest.approx(3.0, rel=1e-14)
    decay = 0.5 ** (1 / 20)
    assert mean.effective_observations == pytest.approx((1 + decay) / (1 - decay), rel=1e-10)


def test_average_correlation_is_the_weighted_mean_of_the_pairs() -> None:
    R = correlated(0.4, 200)
    weights = np.array([0.4, 0.3, 0.2, 0.1])
    decay = 0.5 ** (np.arange(200)[::-1] / 20)
    second_moment = (R * decay[:, None]).T @ R / decay.sum()
    exposure = weights * np.sqrt(np.diag(second_moment))
    pairs = ~np.eye(4, dtype=bool)
    volatility = np.sqrt(np.diag(second_moment))
    by_pair = second_moment / np.outer(volatility, volatility)
    expected = np.average(by_pair[pairs], weights=np.outer(exposure, exposure)[pairs])
    assert correlations(R, weights)[-1] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("sign", "expected"), [(1.0, 1.0), (-1.0, -1.0)])
def test_perfect_pairs(sign: float, expected: float) -> None:
    one = np.random.default_rng(4).normal(0.0, 0.01, (50, 1))
    R = np.hstack([one, sign * one])
    assert correlations(R, np.full(2, 0.5))[-1] == pytest.approx(expected, abs=1e-12)


def test_weekends_without_half_of_the_market_do_not_look_like_calm() -> None:
    R = correlated(0.6, 2000)
    gaps = R.copy()
    gaps[np.isin(np.arange(2000) % 7, (5, 6)), :2] = np.nan
    whole, gappy = correlations(R, EQUAL)[300:], correlations(gaps, EQUAL)[300:]
    assert whole.mean() == pytest.approx(0.6, abs=0.05)
    assert gappy.mean() == pytest.approx(0.6, abs=0.05)
    weekday = np.arange(300, 2000) % 7
    assert abs(gappy[weekday == 6].mean() - gappy[weekday == 4].mean()) < 0.02


def test_a_newcomer_does_not_look_like_a_fall_of_correlation() -> None:
    R = correlated(0.7, 400, n_assets=3)
    late = R.copy()
    late[:200, 2] = np.nan
    jump = np.diff(correlations(late, np.full(3, 1 / 3)))[199]
    usual = np.abs(np.diff(correlations(R, np.full(3, 1 / 3))))[100:].max()
    assert abs(jump) < 2.0 * usual


def test_no_pair_no_correlation() -> None:
    assert np.isnan(correlations(correlated(0.5, 30, n_assets=1), np.ones(1))).all()
    one_moves = correlated(0.5, 30)
    one_moves[:, 1:] = 0.0
    assert np.isnan(correlations(one_moves, EQUAL)).all()


@pytest.mark.parametrize(
    ("volatility", "normal", "expected"),
    [(0.02, 0.01, math.log(2)), (0.0, 0.0, -3.0), (0.01, 0.0, 3.0), (1e-9, 1.0, -3.0), (1.0, 1e-9, 3.0)],
)
def test_log_ratio_stays_finite(volatility: float, normal: float, expected: float) -> None:
    assert log_ratio(volatility, normal) == pytest.approx(expected)


def test_weights_of_the_missing_go_to_the_others() -> None:
    tracker = FeatureTracker(np.array([0.5, 0.3, 0.2]))
    tracker.push(np.array([np.nan, 0.01, 0.06]))
    assert tracker.index_return == pytest.approx((0.3 * 0.01 + 0.2 * 0.06) / 0.5, rel=1e-15)
    assert tracker.push(np.array([np.nan, np.nan, np.nan])) is None
    assert math.isnan(tracker.index_return)
    assert tracker.n_observations == 1


def test_an_asset_without_weight_is_not_the_market() -> None:
    tracker = FeatureTracker(np.array([1.0, 0.0]))
    tracker.push(np.array([np.nan, 0.05]))
    assert math.isnan(tracker.index_return)


def test_drawdown_of_the_index() -> None:
    tracker = FeatureTracker(np.ones(1))
    for r in [0.0] * WARMING + [0.10, -0.20, 0.05]:
        reading = tracker.push(np.array([r]))
    assert reading is not None
    assert reading.drawdown == pytest.approx(1.0 - 0.8 * 1.05, rel=1e-14)


def test_steady_growth_is_a_strong_trend() -> None:
    tracker = FeatureTracker(np.ones(1))
    for _ in range(400):
        reading = tracker.push(np.array([0.001]))
    assert reading is not None
    decay = 0.5 ** (1 / 20)
    assert reading.trend_score == pytest.approx(math.sqrt((1 + decay) / (1 - decay)), rel=1e-4)
    assert reading.volatility_score == pytest.approx(0.0, abs=1e-12)
