"""The report of the detector's calibration against its definition, bar by bar."""

import math
import pickle
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from poise.regime import CalibrationReport, RegimeDetector
from poise.testing import perturb_future, simulated_market
from poise.typing import REGIME_LABELS
from tests.reference.regime.features import log_ratio
from tests.reference.regime.rules import Thresholds, hard_label
from tests.tolerances import CLOSED_FORM

SIDE = 30


def market(n_bars: int = 1400) -> np.ndarray:
    rng = np.random.default_rng(6)
    stretch = np.arange(n_bars) // 110 % 4
    drift, size = np.array([0.0, 0.0, 0.005, -0.005])[stretch], np.array([0.01, 0.05, 0.012, 0.015])[stretch]
    R = drift[:, None] + size[:, None] * rng.normal(size=(n_bars, 1)) + 0.004 * rng.normal(size=(n_bars, 3))
    R[500:501] = np.nan
    return R


def judged(R: np.ndarray) -> list[tuple[np.ndarray, float, int, int]]:
    """Probabilities, confidence, label and right label of every bar with thirty returns on either side."""
    detector = RegimeDetector()
    seen = R[np.isfinite(R).any(axis=1)]
    index = np.nanmean(seen, axis=1)
    calls = []
    for row in R:
        detector.partial_fit(row)
        if np.isnan(row).all():
            continue
        state = detector.state_
        calls.append(state and (state, detector.features_["median_volatility"], detector.thresholds_))
    answers = []
    for t, call in enumerate(calls):
        if call is None or t < SIDE or t + SIDE >= len(index):
            continue
        state, normal, limits = call
        around = index[t - SIDE : t + SIDE + 1]
        volatility = math.sqrt(np.mean(around**2))
        trend = around.mean() / volatility * math.sqrt(len(around))
        right = hard_label(log_ratio(volatility, normal), trend, Thresholds(**limits))
        probabilities = np.array(list(state.probabilities.values()))
        answers.append((probabilities, state.confidence, REGIME_LABELS.index(state.label), right))
    return answers


def test_every_score_is_that_of_its_definition() -> None:
    R = market()
    report, calls = RegimeDetector().fit(R).calibration_, judged(R)
    probabilities, confidence = np.array([c[0] for c in calls]), np.array([c[1] for c in calls])
    label, right = np.array([c[2] for c in calls]), np.array([c[3] for c in calls])
    hit = (label == right).astype(float)
    assert report.n == len(calls) == len(R) - 1 - 2 * SIDE
    brier = ((probabilities - np.eye(4)[right]) ** 2).sum(axis=1).mean()
    assert report.brier_score == pytest.approx(brier, rel=1e-10)
    log = -np.log(np.maximum(probabilities[np.arange(len(right)), right], 1e-6)).mean()
    assert report.log_score == pytest.approx(log, rel=1e-10)
    assert report.confidence_brier_score == pytest.approx(((confidence - hit) ** 2).mean(), rel=1e-10)
    assert report.accuracy == pytest.approx(hit.mean(), rel=CLOSED_FORM)
    tenth = np.minimum((confidence * 10).astype(int), 9)
    assert [round(each.lower * 10) for each in report.reliability] == sorted(set(tenth))
    error = 0.0
    for each in report.reliability:
        inside = tenth == round(each.lower * 10)
        assert each.count == inside.sum()
        assert each.upper == pytest.approx(each.lower + 0.1)
        assert each.mean_confidence == pytest.approx(confidence[inside].mean(), rel=1e-10)
        assert each.frequency == pytest.approx(hit[inside].mean(), rel=CLOSED_FORM)
        error += inside.mean() * abs(confidence[inside].mean() - hit[inside].mean())
    assert report.expected_calibration_error == pytest.approx(error, rel=1e-10)


@pytest.mark.parametrize("n_bars", [1400, 2800])
def test_confidence_is_calibrated_and_labels_beat_chance(n_bars: int) -> None:
    report = RegimeDetector().fit(market(n_bars)).calibration_
    assert report.expected_calibration_error < 0.10  # 0.06 and 0.04 measured
    assert report.accuracy > 0.4  # 0.52 and 0.49 measured


@pytest.mark.parametrize("seeds", [range(200, 208), range(300, 308)])
def test_on_simulated_markets_probabilities_beat_chance_and_confidence_can_be_believed(seeds: range) -> None:
    reports = []
    for seed in seeds:
        closes = simulated_market(seed=seed, days=1460).panel.closes
        reports.append(RegimeDetector().fit(closes[1:] / closes[:-1] - 1.0).calibration_)
    chance = math.log(4.0)
    # A market has some twenty spells: one in sixteen is allowed bad luck (1.44 measured).
    assert sum(report.log_score < chance for report in reports) >= len(reports) - 1
    assert np.mean([report.log_score for report in reports]) < chance - 0.1
    assert np.mean([report.brier_score for report in reports]) < 0.75 - 0.05
    assert np.mean([report.expected_calibration_error for report in reports]) <= 0.10


def test_row_by_row_as_in_batch_and_blind_to_the_future() -> None:
    R, cut = market(900), 700
    detector = RegimeDetector()
    for row in R[:cut]:
        detector.partial_fit(row)
    report = detector.calibration_
    assert report == RegimeDetector().fit(R[:cut]).calibration_
    other = perturb_future(R, cut - 1, rng=np.random.default_rng(1), scale=0.2)
    assert report == RegimeDetector().fit(other[:cut]).calibration_
    for row in other[cut : cut + 5]:
        detector.partial_fit(row)
    assert detector.calibration_.n == report.n + 5


def test_calls_wait_thirty_bars_and_gaps_are_none() -> None:
    R = market(200)
    detector = RegimeDetector().fit(R[:60])
    assert detector.calibration_.n == 0
    assert detector.partial_fit(R[60]).calibration_.n == 1
    assert detector.partial_fit(np.full(3, np.nan)).calibration_.n == 1


def test_before_there_is_anything_scores_are_missing() -> None:
    for report in (RegimeDetector().calibration_, RegimeDetector().fit(market(40)).calibration_):
        assert (report.n, report.reliability) == (0, ())
        assert math.isnan(report.brier_score)
        assert math.isnan(report.expected_calibration_error)


def test_an_index_at_rest_is_always_right() -> None:
    report = RegimeDetector().fit(np.zeros((800, 2))).calibration_
    assert report.accuracy == 1.0
    assert report.reliability[-1].mean_confidence == 1.0
    assert 0.0 < report.log_score < 0.1


def test_the_report_is_a_frozen_value() -> None:
    detector = RegimeDetector().fit(market(700))
    report = detector.calibration_
    with pytest.raises(FrozenInstanceError):
        report.n = 3  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(report)) == report  # noqa: S301
    assert RegimeDetector.from_bytes(detector.to_bytes()).calibration_ == report
    plain = report.to_dict()
    assert plain["reliability"][0]["count"] == report.reliability[0].count
    assert isinstance(report, CalibrationReport)
