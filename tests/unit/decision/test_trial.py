"""Yesterday's forecast for yesterday's weights beside today's return."""

from __future__ import annotations

import numpy as np
import pytest

from poise import risk
from poise.decision.trial import TRIAL_OBSERVATIONS, RiskTrial
from poise.testing import perturb_future


def returns(n: int = 520, assets: int = 3, seed: int = 2) -> np.ndarray:
    return 0.01 * np.random.default_rng(seed).standard_t(5, (n, assets))


def ran(R: np.ndarray, held: np.ndarray | None) -> RiskTrial:
    trial = RiskTrial(R.shape[1])
    for row in R:
        trial.observe(row, held)
    return trial


def by_hand(R: np.ndarray, w: np.ndarray) -> risk.VarBacktest:
    """The same with the functions for whole series: at each row what the rows before it forecast."""
    found = risk.VarBacktest()
    for t in range(TRIAL_OBSERVATIONS, len(R)):
        outcomes = risk.filtered_scenarios(R[:t])[-500:] @ w
        tails = [risk.tail_risk(outcomes, confidence_level=level) for level in risk.BACKTEST_LEVELS]
        found.observe(
            float(R[t] @ w),
            [tail.value_at_risk for tail in tails],
            [tail.conditional_value_at_risk for tail in tails],
        )
    return found


def test_it_is_the_batch_forecast_of_the_day_before() -> None:
    R, w = returns(), np.array([0.5, 0.2, 0.1])
    report, expected = ran(R, w).backtest().report(), by_hand(R, w).report()
    assert report is not None
    assert expected is not None
    assert report.n_observations == len(R) - TRIAL_OBSERVATIONS
    assert report.coverage == expected.coverage
    assert report.traffic_light == expected.traffic_light
    assert abs(report.shortfall_statistic - expected.shortfall_statistic) < 1e-10


def test_both_ways_through_a_bar_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    R, w = returns(), np.array([0.5, 0.0, 0.1])
    R[::50, 1] = np.nan
    quick = ran(R, w)
    monkeypatch.setattr(RiskTrial, "_judge_whole_row", lambda *_: False)
    careful = ran(R, w)
    np.testing.assert_array_equal(quick.scenarios(), careful.scenarios())
    found, wanted = quick.backtest().kernel.rows(), careful.backtest().kernel.rows()
    assert len(found) == len(R) - TRIAL_OBSERVATIONS
    assert found == pytest.approx(wanted, rel=1e-12, abs=1e-15)


def test_the_future_changes_nothing() -> None:
    R = returns()
    changed = perturb_future(R, 499, rng=np.random.default_rng(3))
    one, other = ran(R[:500], None), ran(changed[:500], None)
    assert one.backtest().report() == other.backtest().report()
    np.testing.assert_array_equal(one.scenarios(), other.scenarios())


def test_a_bar_without_a_held_return_is_passed_over() -> None:
    R, w = returns(), np.array([0.5, 0.5, 0.0])
    R[300::5, 2] = np.nan
    assert ran(R, w).backtest().n_observations == len(R) - TRIAL_OBSERVATIONS
    R[300::5, 1] = np.nan
    gaps = len(range(300, len(R), 5))
    assert ran(R, w).backtest().n_observations == len(R) - TRIAL_OBSERVATIONS - gaps


def test_a_new_listing_is_left_out_of_both_sides() -> None:
    R = returns()
    R[:450, 2] = np.nan
    with_it, without = ran(R, np.array([0.4, 0.4, 0.2])), ran(R, np.array([0.4, 0.4, 0.0]))
    assert with_it.backtest().report() == without.backtest().report()


def test_with_nothing_held_inverse_volatility_stands_in() -> None:
    R = returns() * np.array([1.0, 3.0, 0.0])
    assert ran(R, None).backtest().n_observations == len(R) - TRIAL_OBSERVATIONS


def test_what_cannot_lose_is_not_on_trial() -> None:
    flat = np.zeros((300, 2))
    assert ran(flat, np.array([0.5, 0.5])).backtest().n_observations == 0
    assert ran(flat, None).backtest().n_observations == 0
    assert ran(np.full((300, 2), np.nan), None).backtest().n_observations == 0
