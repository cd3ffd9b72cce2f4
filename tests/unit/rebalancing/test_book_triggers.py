import math

import numpy as np
import pytest

from poise.domain.proposals import Trigger
from poise.rebalancing.book_triggers import (
    Reference,
    deviation_reading,
    momentum_reading,
    regime_reading,
    time_reading,
)
from tests.reference.rebalancing import book, regime

RATE = 0.0015


def deviation(snapshot):
    rate = np.full(len(snapshot.symbols), RATE)
    return deviation_reading(snapshot, rate, risk_aversion=3.0)


# --- time


def test_time_fires_where_no_rebalance_is_on_record() -> None:
    reading = time_reading(book([0.5], [0.5]), None, interval_days=7.0)
    assert (reading.fired, reading.severity, reading.reason) == (True, 0.25, "no rebalance on record")


@pytest.mark.parametrize(
    ("days", "fires", "severity"),
    [(6.9, False, 0.0), (7.0, True, 0.25), (13.9, True, 0.25), (14.0, True, 0.5), (70.0, True, 0.5)],
)
def test_time_counts_overdue_intervals_up_to_a_half(days: float, fires: bool, severity: float) -> None:
    reference = Reference.of(book([0.5], [0.5]))
    reading = time_reading(book([0.5], [0.5], days=days), reference, interval_days=7.0)
    assert (reading.fired, reading.severity) == (fires, severity)
    assert (reading.value, reading.threshold) == (pytest.approx(days), 7.0)


# --- deviation


def test_deviation_by_hand() -> None:
    # The band of a target of 0.35 is 0.03386 (see the bands): 0.4854 is four of them away.
    reading = deviation(book([0.35 + 4.0 * 0.0338584], [0.35]))
    assert reading.fired
    assert reading.value == pytest.approx(4.0, abs=1e-3)
    assert reading.severity == pytest.approx(2.0, abs=1e-3)
    assert "A0" in reading.reason


def test_deviation_inside_the_band_is_quiet() -> None:
    reading = deviation(book([0.38], [0.35]))
    assert (reading.fired, reading.severity) == (False, 0.0)
    assert reading.value == pytest.approx(0.03 / 0.0338584, abs=1e-3)


def test_an_asset_held_without_a_target_is_measured_against_the_floor() -> None:
    reading = deviation(book([0.35, 0.02], [0.35, 0.0]))
    assert reading.value == pytest.approx(0.02 / 0.005)
    assert reading.severity == pytest.approx(2.0)
    assert reading.reason.startswith("A1")


def test_cash_alone_is_no_deviation() -> None:
    # Cash is 2 % off, but no single asset is outside its band.
    assert deviation(book([0.36, 0.36], [0.35, 0.35])).fired is False


def test_assets_that_cannot_be_traded_now_do_not_call() -> None:
    assert deviation(book([0.9, 0.1], [0.1, 0.1], prices=[math.nan, 5.0])).fired is False
    assert deviation(book([0.9], [0.1], prices=math.nan)).fired is None


def test_deviation_of_a_worthless_book_is_unavailable() -> None:
    assert deviation(book([0.0], [0.5], value=0.0)).fired is None


# --- momentum


def shifted(held: list[float], then: list[float], now: list[float]):
    reference = Reference.of(book(held, held, trend=then))
    return momentum_reading(book(held, held, trend=now), reference)


def test_momentum_without_a_rebalance_is_unavailable() -> None:
    reading = momentum_reading(book([0.5], [0.5]), None)
    assert (reading.trigger, reading.fired, reading.severity) == (Trigger.MOMENTUM, None, 0.0)
    assert math.isnan(reading.value)


def test_momentum_shift_by_hand() -> None:
    # 0.6 * |0.9 - 0.1| + 0.2 * |0.5 - 0.1| = 0.56, 1.4 times the threshold.
    reading = shifted([0.6, 0.2], [0.1, 0.1], [0.9, 0.5])
    assert reading.fired
    assert reading.value == pytest.approx(0.56)
    assert reading.severity == pytest.approx(0.4)


def test_small_momentum_shifts_are_quiet() -> None:
    reading = shifted([0.6, 0.2], [0.1, 0.1], [0.7, 0.1])
    assert (reading.fired, reading.threshold) == (False, 0.4)
    assert reading.value == pytest.approx(0.36)


def test_a_change_of_sign_on_a_quarter_of_the_value_fires() -> None:
    reading = shifted([0.6, 0.25], [0.1, 0.1], [0.1, -0.1])
    assert (reading.fired, reading.severity) == (True, 0.5)
    assert (reading.value, reading.threshold) == (0.25, 0.25)
    assert shifted([0.6, 0.24], [0.1, 0.1], [0.1, -0.1]).fired is False


def test_shift_and_flip_take_the_larger_severity() -> None:
    # 0.8 * 1.5 = 1.2: three times the threshold.
    assert shifted([0.8], [0.9], [-0.6]).severity == pytest.approx(2.0)
    # 0.8 * 0.52 = 0.416: 4 % above the threshold, but a flip.
    assert shifted([0.8], [0.26], [-0.26]).severity == 0.5


def test_momentum_needs_the_trend_of_half_of_what_is_invested() -> None:
    assert shifted([0.3, 0.5], [0.1, math.nan], [0.9, 0.9]).fired is None
    reading = shifted([0.6, 0.2], [0.1, math.nan], [0.9, 0.9])
    assert reading.value == pytest.approx(0.48)


def test_nothing_held_cannot_shift() -> None:
    assert shifted([0.0, 0.0], [0.5, 0.5], [-0.5, -0.5]).fired is False


def test_momentum_follows_symbols_not_positions() -> None:
    then = book([0.4, 0.4], [0.4, 0.4], symbols=["A", "B"], trend=[0.8, -0.8])
    now = book([0.4, 0.4, 0.0], [0.4, 0.4, 0.0], symbols=["B", "C", "A"], trend=[-0.8, 0.3, 0.8])
    reading = momentum_reading(now, Reference.of(then))
    assert (reading.fired, reading.value) == (False, 0.0)


# --- regime


def changed(then, now, *, target_then=(0.6, 0.2), target_now=(0.2, 0.1)):
    reference = Reference.of(book([0.4, 0.4], target_then, state=then))
    return regime_reading(book([0.4, 0.4], target_now, state=now), reference)


def test_regime_change_by_hand() -> None:
    # Target and cash move by 0.4 + 0.1 + 0.5; half of it is 0.5, twice 0.25.
    reading = changed(regime("bull"), regime("bear", 0.7))
    assert (reading.fired, reading.value, reading.threshold) == (True, 0.7, 0.6)
    assert reading.severity == pytest.approx(2.0)
    assert "bear" in reading.reason
    assert "bull" in reading.reason


def test_an_unsure_change_of_regime_is_quiet() -> None:
    assert changed(regime("bull"), regime("bear", 0.59)).fired is False
    assert changed(regime("bull"), regime("bear", 0.6)).fired is True


def test_the_same_regime_is_quiet_whatever_the_target_does() -> None:
    assert changed(regime("bull"), regime("bull")).fired is False


def test_an_unknown_regime_is_unavailable_now_and_then() -> None:
    assert changed(None, regime("bull")).fired is None
    assert changed(regime("bull"), None).fired is None
    assert regime_reading(book([0.4], [0.4], state=regime("bull")), None).fired is None
