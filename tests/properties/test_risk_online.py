"""What must hold for risk numbers that take in one return at a time."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_allclose, assert_array_equal

from poise import risk
from tests.tolerances import CLOSED_FORM

# Ties, zeros and ruin on purpose.
NASTY = st.one_of(
    st.floats(-0.9, 1.5, allow_subnormal=False), st.sampled_from([0.0, -0.0, -0.05, 0.01, -1.0])
)
SERIES = hnp.arrays(float, st.integers(1, 80), elements=NASTY)
LEVELS = st.floats(0.001, 0.999)
quickly = settings(max_examples=100, deadline=None)


@given(SERIES)
@quickly
def test_the_tracker_agrees_with_the_batch_at_every_row(returns: np.ndarray) -> None:
    tracker = risk.DrawdownTracker()
    for t, value in enumerate(returns, start=1):
        assert tracker.update(value) == risk.drawdowns(returns)[t - 1]
        assert_allclose(tracker.max_drawdown, risk.max_drawdown(returns[:t]), atol=CLOSED_FORM)
        assert tracker.ulcer_index == risk.ulcer_index(returns[:t])
        assert tracker.longest_duration == risk.drawdown_duration(returns[:t])
        assert 0 <= tracker.duration <= tracker.longest_duration <= tracker.n_observations == t


@given(SERIES, st.integers(1, 30), LEVELS)
@quickly
def test_the_rolling_tail_agrees_with_the_batch_at_every_row(
    returns: np.ndarray, window: int, level: float
) -> None:
    expected = risk.rolling_tail_risk(returns, window=window, confidence_level=level)
    tail = risk.RollingTailRisk(window, confidence_level=level)
    found = []
    for value in returns:
        tail.push(value)
        found.append((tail.value_at_risk, tail.conditional_value_at_risk))
    assert_array_equal(found, np.column_stack(expected))
    assert tail.n_observations == min(window, len(returns))


@given(SERIES, st.integers(0, 80), st.integers(1, 30), LEVELS)
@quickly
def test_a_restored_state_goes_on_bit_for_bit(
    returns: np.ndarray, cut: int, window: int, level: float
) -> None:
    tracker, tail = risk.DrawdownTracker(), risk.RollingTailRisk(window, confidence_level=level)
    for value in returns[:cut]:
        tracker.update(value)
        tail.push(value)
    second_tracker = risk.DrawdownTracker.from_bytes(tracker.to_bytes())
    second_tail = risk.RollingTailRisk.from_bytes(tail.to_bytes())
    for value in returns[cut:]:
        assert tracker.update(value) == second_tracker.update(value)
        tail.push(value)
        second_tail.push(value)
        assert_array_equal(tail.conditional_value_at_risk, second_tail.conditional_value_at_risk)
    assert tracker.to_bytes() == second_tracker.to_bytes()
    assert tail.to_bytes() == second_tail.to_bytes()


@given(SERIES, LEVELS)
@quickly
def test_measures_of_drawdown_are_ordered(returns: np.ndarray, level: float) -> None:
    deep = risk.drawdowns(returns)
    largest = deep.max()
    deepest = risk.conditional_drawdown_at_risk(returns, confidence_level=level)
    assert deep.mean() - CLOSED_FORM <= deepest <= largest + CLOSED_FORM
    assert deep.mean() - CLOSED_FORM <= risk.ulcer_index(returns) <= largest + CLOSED_FORM
    assert (risk.drawdown_duration(returns) == 0) == (largest <= CLOSED_FORM)


@given(SERIES)
@quickly
def test_a_pause_at_the_start_changes_only_the_mean(returns: np.ndarray) -> None:
    paused = np.concatenate([np.zeros(len(returns)), returns])
    assert risk.drawdown_duration(paused) == risk.drawdown_duration(returns)
    assert_allclose(risk.ulcer_index(paused), risk.ulcer_index(returns) / np.sqrt(2), atol=CLOSED_FORM)
    half = risk.conditional_drawdown_at_risk(paused, confidence_level=0.5)
    assert_allclose(half, risk.drawdowns(returns).mean(), atol=CLOSED_FORM)


@given(hnp.arrays(bool, st.integers(2, 200)), st.sampled_from([0.5, 0.9, 0.99]))
@quickly
def test_the_christoffersen_parts_make_the_whole(exceptions: np.ndarray, level: float) -> None:
    found = risk.christoffersen_test(exceptions, level)
    assert found.statistic == found.coverage_statistic + found.independence_statistic
    for p in (found.p_value, found.coverage_p_value, found.independence_p_value):
        assert 0 <= p <= 1
    assert np.sum(found.transitions) == len(exceptions) - 1
    # A run of exceptions told backwards has the same transitions, turned around.
    backwards = risk.christoffersen_test(exceptions[::-1], level)
    assert_array_equal(backwards.transitions, np.transpose(found.transitions))


@given(st.integers(1, 500), st.sampled_from([0.5, 0.9, 0.99, 0.999]))
@settings(max_examples=30, deadline=None)
def test_more_exceptions_are_never_better(n: int, level: float) -> None:
    lights = [risk.traffic_light(x, n, level) for x in range(n + 1)]
    rank = {"green": 0, "yellow": 1, "red": 2}
    zones = [rank[light.zone] for light in lights]
    assert zones == sorted(zones)
    assert np.all(np.diff([light.p_value for light in lights]) <= CLOSED_FORM)
    expected = n * (1 - level)
    above = [risk.kupiec_test(x, n, level).statistic for x in range(int(np.ceil(expected)), n + 1)]
    assert np.all(np.diff(above) >= -CLOSED_FORM * n)
