"""Drawdowns and tails, batch and online: ends, refusals, bytes, copies."""

from __future__ import annotations

import copy
import math
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from poise.errors import EmptyInputError, NonFiniteError, ParameterError, StateError
from poise.moments import EwmaCovariance
from poise.risk import (
    DrawdownTracker,
    RollingTailRisk,
    conditional_drawdown_at_risk,
    conditional_value_at_risk,
    drawdown_duration,
    drawdowns,
    max_drawdown,
    ulcer_index,
)
from tests.tolerances import CLOSED_FORM

RNG = np.random.default_rng(5)
PANEL = 0.03 * RNG.standard_t(4, size=(90, 2))
FRAME = pd.DataFrame(
    PANEL, index=pd.date_range("2020-01-01", periods=90, tz="UTC"), columns=["BTC/USDT", "SPY"]
)
COPIES = [copy.copy, copy.deepcopy, lambda state: pickle.loads(pickle.dumps(state))]  # noqa: S301


def tracker_of(returns: object) -> DrawdownTracker:
    tracker = DrawdownTracker()
    for value in returns:
        tracker.update(value)
    return tracker


def tail_of(returns: object, window: int = 20, level: float = 0.9) -> RollingTailRisk:
    tail = RollingTailRisk(window, confidence_level=level)
    for value in returns:
        tail.push(value)
    return tail


class TestUnderwater:
    def test_by_hand(self) -> None:
        returns = [-0.5, 1.0, -0.25, 0.0, 0.0]
        assert_allclose(ulcer_index(returns), math.sqrt((0.25 + 3 * 0.0625) / 5), rtol=CLOSED_FORM)
        assert drawdown_duration(returns) == 3
        # The worst two of five: 0.5 and 0.25.
        assert_allclose(conditional_drawdown_at_risk(returns, confidence_level=0.6), 0.375)
        assert type(drawdown_duration(returns)) is int
        assert type(ulcer_index(returns)) is float

    def test_never_under_water(self) -> None:
        for function in (ulcer_index, drawdown_duration, conditional_drawdown_at_risk):
            assert function([0.0, 0.1, 0.0]) == 0

    def test_a_recovery_up_to_rounding_ends_the_run(self) -> None:
        # Prices 100, 62, 100, 87, 100: on paper back at the maximum, an ulp below it in floats.
        prices = np.array([100.0, 62, 100, 87, 100])
        returns = prices[1:] / prices[:-1] - 1
        assert (drawdowns(returns)[[1, 3]] > 0).all()
        assert drawdown_duration(returns) == 1

    def test_ruin_is_final(self) -> None:
        assert drawdown_duration([0.1, -1.0, 3.0, 3.0]) == 3
        assert ulcer_index([-1.0, 5.0]) == 1
        assert conditional_drawdown_at_risk([-1.0, 5.0]) == 1

    def test_against_the_drawdowns(self) -> None:
        deep = drawdowns(PANEL)
        assert_allclose(ulcer_index(PANEL), np.sqrt(np.mean(deep**2, axis=0)), rtol=CLOSED_FORM)
        for level in (0.5, 0.95):
            expected = conditional_value_at_risk(-deep, confidence_level=level)
            found = conditional_drawdown_at_risk(PANEL, confidence_level=level)
            assert_allclose(found, expected, rtol=CLOSED_FORM)
            assert (found <= max_drawdown(PANEL) + CLOSED_FORM).all()

    def test_labels(self) -> None:
        for function in (ulcer_index, drawdown_duration, conditional_drawdown_at_risk):
            found = function(FRAME)
            assert found.index.tolist() == ["BTC/USDT", "SPY"]
            assert_array_equal(found, function(PANEL))
            assert found["SPY"] == function(FRAME["SPY"])
            polars = function(pl.DataFrame(PANEL, schema=["a", "b"]))
            assert polars.columns == ["a", "b"]
            assert polars.row(0) == tuple(found)
        assert drawdown_duration(FRAME).dtype == np.int64

    def test_bad_input_is_named(self) -> None:
        for function in (ulcer_index, drawdown_duration, conditional_drawdown_at_risk):
            with pytest.raises(NonFiniteError, match="row 1, column 0"):
                function([0.1, math.nan])
            with pytest.raises(EmptyInputError):
                function([])
        with pytest.raises(ParameterError, match="confidence_level"):
            conditional_drawdown_at_risk(PANEL, confidence_level=95)


class TestDrawdownTracker:
    def test_fresh(self) -> None:
        fresh = DrawdownTracker()
        assert (fresh.drawdown, fresh.max_drawdown, fresh.duration, fresh.longest_duration) == (0, 0, 0, 0)
        assert fresh.n_observations == 0
        assert math.isnan(fresh.ulcer_index)

    def test_update_answers_the_drawdown(self) -> None:
        tracker = DrawdownTracker()
        found = [tracker.update(value) for value in PANEL[:, 0]]
        assert_array_equal(found, drawdowns(PANEL[:, 0]))
        assert tracker.drawdown == found[-1]
        assert repr(tracker) == f"DrawdownTracker(drawdown={found[-1]:.6g}, n_observations=90)"

    def test_current_and_longest(self) -> None:
        tracker = tracker_of([-0.1, 0.05, 0.01, 0.2, -0.1])
        assert (tracker.duration, tracker.longest_duration, tracker.n_observations) == (1, 3, 5)

    @pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
    def test_refused_values(self, bad: float) -> None:
        tracker = tracker_of(PANEL[:, 0])
        before = tracker.to_bytes()
        with pytest.raises(NonFiniteError, match="return holds"):
            tracker.update(bad)
        assert tracker.to_bytes() == before

    @pytest.mark.parametrize("bad", ["0.1", None, True, [0.1], 1j])
    def test_refused_kinds(self, bad: object) -> None:
        tracker = tracker_of(PANEL[:, 0])
        before = tracker.to_bytes()
        with pytest.raises(ParameterError, match="value is"):
            tracker.update(bad)
        assert tracker.to_bytes() == before


class TestRollingTailRisk:
    def test_nan_until_full(self) -> None:
        tail = tail_of(PANEL[:19, 0])
        assert math.isnan(tail.value_at_risk)
        assert math.isnan(tail.conditional_value_at_risk)
        assert tail.n_observations == 19
        tail.push(PANEL[19, 0])
        assert tail.n_observations == 20
        assert tail.conditional_value_at_risk >= tail.value_at_risk

    def test_parameters(self) -> None:
        tail = RollingTailRisk(np.int64(7), confidence_level=np.float32(0.5))
        assert (tail.window, tail.confidence_level) == (7, 0.5)
        assert repr(RollingTailRisk(250)) == "RollingTailRisk(250, confidence_level=0.95)"
        for window in (0, -3, 2.5, True, "20", None, 10**13, 10**30):
            with pytest.raises(ParameterError, match="window is"):
                RollingTailRisk(window)
        for level in (0, 1, 95, math.nan, "x"):
            with pytest.raises(ParameterError, match="confidence_level is"):
                RollingTailRisk(20, confidence_level=level)

    @pytest.mark.parametrize("n", [5, 60])
    def test_refused_returns(self, n: int) -> None:
        tail = tail_of(PANEL[:n, 0])
        before, risk = tail.to_bytes(), tail.value_at_risk
        for bad in (math.nan, math.inf, -math.inf):
            with pytest.raises(NonFiniteError, match="return holds"):
                tail.push(bad)
        for wrong in ("0.1", None, True):
            with pytest.raises(ParameterError, match="value is"):
                tail.push(wrong)
        assert tail.to_bytes() == before
        assert_array_equal(tail.value_at_risk, risk)

    def test_an_enormous_loss_leaves_no_trace(self) -> None:
        tail = tail_of([-1e12, *np.tile([-0.01, 0.01], 15)], window=30)
        assert_allclose(tail.conditional_value_at_risk, 0.01, rtol=1e-15)


@pytest.mark.parametrize("n", [0, 7, 60])
@pytest.mark.parametrize("again", COPIES)
@pytest.mark.parametrize("make", [tracker_of, tail_of])
def test_copies_are_independent_and_equal(make: object, again: object, n: int) -> None:
    original = make(PANEL[:n, 0])
    before = original.to_bytes()
    twin = again(original)
    assert type(twin) is type(original)
    assert twin.to_bytes() == before
    assert repr(twin) == repr(original)
    step = twin.update if isinstance(twin, DrawdownTracker) else twin.push
    step(-0.05)
    assert original.to_bytes() == before
    assert twin.to_bytes() != before


@pytest.mark.parametrize("make", [tracker_of, tail_of])
def test_damaged_bytes_are_refused(make: object) -> None:
    state = make(PANEL[:30, 0])
    data = state.to_bytes()
    kind = type(state)
    for at in range(len(data)):
        damaged = bytearray(data)
        damaged[at] ^= 0x40
        with pytest.raises(StateError):
            kind.from_bytes(bytes(damaged))
        with pytest.raises(StateError):
            kind.from_bytes(data[:at])
    with pytest.raises(StateError, match="checksum"):
        kind.from_bytes(data + b"\0")


def test_bytes_of_another_kind_are_refused() -> None:
    tracker, tail = tracker_of(PANEL[:3, 0]).to_bytes(), tail_of(PANEL[:3, 0]).to_bytes()
    with pytest.raises(StateError, match="not those of a rolling tail"):
        RollingTailRisk.from_bytes(tracker)
    with pytest.raises(StateError, match="not those of a drawdown tracker"):
        DrawdownTracker.from_bytes(tail)
    with pytest.raises(StateError):
        DrawdownTracker.from_bytes(EwmaCovariance(3.0).fit(PANEL).to_bytes())
