"""The risk model on trial, bar by bar."""

from __future__ import annotations

import copy
import math
import pickle
from itertools import pairwise

import numpy as np
import pytest

from poise.errors import NonFiniteError, ParameterError, ShapeError, StateError
from poise.risk import VarBacktest, acerbi_szekely_test, christoffersen_test, kupiec_test, traffic_light
from poise.risk.parametric import standard_tail

LEVELS = (0.95, 0.975, 0.99)


def forecasts(scale: float = 1.0) -> tuple[list[float], list[float]]:
    """What a normal model with this volatility says at the three levels."""
    pairs = [standard_tail(100.0, level) for level in LEVELS]
    return [scale * v for v, _ in pairs], [scale * s for _, s in pairs]


def tried(realised: np.ndarray, scale: float = 1.0, window: int = 500) -> VarBacktest:
    trial = VarBacktest(window=window)
    for value in realised:
        trial.observe(float(value), *forecasts(scale))
    return trial


def normal(n: int = 600, seed: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(n)


def test_it_equals_the_tests_of_a_whole_series() -> None:
    x = normal()
    report = tried(x).report()
    assert report is not None
    last = x[-500:]
    values, shortfalls = forecasts()
    for found, k in zip(report.coverage, (0, 2), strict=True):
        hits = last < -values[k]
        assert found.n_exceptions == hits.sum()
        assert found.n_expected == pytest.approx((1 - LEVELS[k]) * 500)
        assert found.kupiec_p_value == kupiec_test(int(hits.sum()), 500, LEVELS[k]).p_value
        assert found.conditional_coverage_p_value == christoffersen_test(hits, LEVELS[k]).p_value
        assert found.independence_p_value == christoffersen_test(hits, LEVELS[k]).independence_p_value
    weighed = acerbi_szekely_test(last, values[1], shortfalls[1], degrees_of_freedom=100.0)
    assert report.shortfall_statistic == weighed.statistic
    assert report.shortfall_critical_value == weighed.critical_value
    assert report.shortfall_p_value == weighed.p_value
    assert report.traffic_light == traffic_light(int((x[-250:] < -values[2]).sum()), 250).zone


def test_nothing_is_reported_below_250() -> None:
    assert tried(normal(249)).report() is None
    report = tried(normal(250)).report()
    assert report is not None
    assert report.n_observations == 250


def test_a_true_model_passes_and_half_the_risk_is_inflated() -> None:
    true, false = tried(normal(seed=0)).report(), tried(normal(seed=0), 0.5).report()
    assert true is not None
    assert false is not None
    assert (true.rejected, true.inflation, true.traffic_light) == ((), 1.0, "green")
    assert len(false.rejected) == 3
    assert (false.inflation, false.traffic_light) == (1.5, "red")


def test_the_inflation_is_empirical_over_nominal() -> None:
    """Coverage rejected by its number alone: 35 exceptions of 500 where 25 are expected, each a mild one."""
    x = np.full(500, 0.1)
    x[::14] = -1.7
    report = tried(x).report()
    assert report is not None
    assert report.rejected == ("conditional coverage at 95%", "conditional coverage at 99%")
    assert report.inflation == pytest.approx(36 / 25)


def test_too_cautious_a_model_is_rejected_without_inflation() -> None:
    report = tried(normal(), 3.0).report()
    assert report is not None
    assert "conditional coverage at 95%" in report.rejected
    assert report.inflation == 1.0


def test_a_model_that_was_mended_recovers() -> None:
    trial = tried(normal(), 0.5)
    for value in normal(500, seed=4):
        trial.observe(float(value), *forecasts())
    report = trial.report()
    assert report is not None
    assert report.inflation == 1.0


def test_a_true_model_is_seldom_rejected() -> None:
    """Five in a hundred for each of three tests that often agree: well below 0.15."""
    reports = [tried(normal(500, seed)).report() for seed in range(100)]
    rejected = sum(bool(report and report.rejected) for report in reports)
    assert 1 <= rejected <= 20


def test_copies_pickles_and_bytes_continue() -> None:
    x = normal(560)
    for restore in (
        copy.copy,
        lambda t: pickle.loads(pickle.dumps(t)),  # noqa: S301 - our own bytes
        lambda t: VarBacktest.from_bytes(t.to_bytes()),
    ):
        trial = tried(x[:520], window=300)
        twin = restore(trial)
        for value in x[520:]:
            trial.observe(float(value), *forecasts())
            twin.observe(float(value), *forecasts())
        assert trial.report() == twin.report()
        assert twin.n_observations == 300


def test_the_order_of_bars_counts_across_the_ring() -> None:
    x = np.full(700, 0.1)
    x[[640, 641]] = -3.0
    report = tried(x, window=300).report()
    assert report is not None
    hits = [value < -1.7 for value in x[-300:]]
    assert sum(a and b for a, b in pairwise(hits)) == 1
    assert report.coverage[1].independence_p_value == christoffersen_test(hits, 0.99).independence_p_value


def test_bad_input_is_refused_and_changes_nothing() -> None:
    trial = VarBacktest()
    values, shortfalls = forecasts()
    with pytest.raises(ShapeError):
        trial.observe(0.0, values[:2], shortfalls)
    for bad in (math.nan, math.inf):
        with pytest.raises(NonFiniteError):
            trial.observe(bad, values, shortfalls)
    with pytest.raises(ParameterError, match="swapped"):
        trial.observe(0.0, shortfalls, values)
    with pytest.raises(ParameterError, match="positive loss"):
        trial.observe(0.0, [0.0] * 3, [0.0] * 3)
    assert trial.n_observations == 0
    with pytest.raises(ParameterError, match="250"):
        VarBacktest(window=249)
    with pytest.raises(StateError):
        VarBacktest.from_bytes(trial.to_bytes()[:-1])
