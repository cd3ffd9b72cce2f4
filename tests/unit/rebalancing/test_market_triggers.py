import math

import numpy as np
import pytest

from poise.rebalancing.market_triggers import CorrelationWatch, DrawdownWatch, VolatilityWatch
from tests.reference.rebalancing import volatility_ratio

# --- volatility


def volatility_after(returns, exposures=None, bars_per_day=1.0):
    watch = VolatilityWatch(bars_per_day)
    readings = [watch.observe(r, e) for r, e in zip(returns, exposures or [1.0] * len(returns), strict=True)]
    return readings[-1]


def test_a_volatility_spike_by_hand() -> None:
    returns = [0.01, -0.01] * 20 + [0.05]
    ratio = volatility_ratio(returns, 3.0, 42.0)
    reading = volatility_after(returns)
    assert reading.fired
    assert reading.value == pytest.approx(ratio, rel=1e-12)
    # A constant ratio of 1 so far: the threshold still stands at its floor.
    assert reading.threshold == 1.5
    assert reading.severity == pytest.approx(math.log(ratio / 1.5) / math.log(1.5))


def test_steady_volatility_is_quiet_with_a_ratio_of_one() -> None:
    reading = volatility_after([0.01, -0.01] * 20)
    assert reading.fired is False
    assert reading.value == pytest.approx(1.0)


def test_volatility_warms_for_twenty_days() -> None:
    assert volatility_after([0.01] * 19).fired is None
    assert volatility_after([0.01] * 20).fired is False
    assert volatility_after([0.01] * 479, bars_per_day=24.0).fired is None
    assert volatility_after([0.01] * 480, bars_per_day=24.0).fired is False


def test_missing_returns_are_unavailable_and_teach_nothing() -> None:
    watch = VolatilityWatch(1.0)
    for value in [0.01, -0.01] * 15:
        watch.observe(value, 1.0)
    assert watch.observe(math.nan, 1.0).fired is None
    assert watch.observe(0.01, 1.0).value == pytest.approx(1.0)


def test_a_book_that_never_moved_has_no_ratio() -> None:
    assert volatility_after([0.0] * 30).fired is None


def test_going_into_and_out_of_cash_is_no_spike() -> None:
    market = [0.01, -0.01] * 60
    exposures = [1.0] * 40 + [0.1] * 40 + [1.0] * 40
    # Trades settle at the bar's close (the return is still the old book's) or at its open.
    for lag in (0, 1):
        earning = [exposures[max(t - lag, 0)] for t in range(len(market))]
        watch = VolatilityWatch(1.0)
        readings = [
            watch.observe(r * earned, held)
            for r, earned, held in zip(market, earning, exposures, strict=True)
        ]
        assert not any(reading.fired for reading in readings)
        assert readings[-1].value == pytest.approx(1.0, abs=0.02)


def test_cash_is_not_measured() -> None:
    assert volatility_after([0.01] * 30 + [0.0, 0.0], [1.0] * 30 + [0.0, 0.0]).fired is None


def test_the_volatility_threshold_rises_where_spikes_are_frequent(rng: np.random.Generator) -> None:
    watch = VolatilityWatch(1.0)
    calm_then_wild = np.where(np.arange(3_000) % 40 < 8, 0.08, 0.005) * rng.choice([-1.0, 1.0], 3_000)
    readings = [watch.observe(float(r), 1.0) for r in calm_then_wild]
    thresholds = [r.threshold for r in readings if r.fired is not None]
    assert min(thresholds) >= 1.5
    assert thresholds[-1] > 1.6
    late = [bool(r.fired) for r in readings[1_500:]]
    assert np.mean(late) < np.mean([r.value > 1.5 for r in readings[1_500:]])


# --- correlation


def warmed(past) -> CorrelationWatch:
    watch = CorrelationWatch(1.0)
    for value in past:
        assert watch.observe(value).fired is None
    return watch


PAST = [0.50, 0.60] * 63


def test_high_correlation_by_hand() -> None:
    past = np.arctanh(PAST)
    z = (math.atanh(0.75) - past.mean()) / past.std(ddof=1)
    reading = warmed(PAST).observe(0.75)
    assert reading.fired
    assert reading.value == pytest.approx(z, rel=1e-12)
    assert reading.severity == pytest.approx((z - 2.0) / 2.0)


def test_unusual_but_not_high_is_quiet() -> None:
    reading = warmed([0.2, 0.3] * 63).observe(0.69)
    assert (reading.fired, reading.value, reading.threshold) == (False, 0.69, 0.7)


def test_high_but_not_unusual_is_quiet() -> None:
    reading = warmed([0.70, 0.80] * 63).observe(0.78)
    assert (reading.fired, reading.threshold) == (False, 2.0)
    assert reading.value < 2.0


def test_the_present_bar_is_judged_by_the_past_alone() -> None:
    watch = warmed(PAST)
    first, second = watch.observe(0.75), watch.observe(0.75)
    assert second.value < first.value, "0.75 is part of the past the second time"


def test_correlation_forgets_what_is_older_than_126_days() -> None:
    watch = warmed(PAST)
    for value in [0.8, 0.9] * 63:
        watch.observe(value)
    past = np.arctanh([0.8, 0.9] * 63)
    assert watch.observe(0.95).value == pytest.approx((math.atanh(0.95) - past.mean()) / past.std(ddof=1))


def test_an_undefined_correlation_is_unavailable_and_teaches_nothing() -> None:
    watch = warmed(PAST)
    assert watch.observe(math.nan).fired is None
    past = np.arctanh(PAST)
    assert watch.observe(0.75).value == pytest.approx((math.atanh(0.75) - past.mean()) / past.std(ddof=1))


def test_perfect_correlation_is_a_number() -> None:
    reading = warmed(PAST).observe(1.0)
    assert reading.fired
    assert math.isfinite(reading.severity)


def test_a_correlation_that_never_moved_has_no_scale() -> None:
    assert warmed([0.5] * 126).observe(0.9).fired is None


# --- drawdown


def levels(*drawdowns: float) -> list[tuple[bool | None, float]]:
    watch = DrawdownWatch(0.5)
    return [(reading.fired, reading.severity) for reading in map(watch.observe, drawdowns)]


def test_each_level_calls_once() -> None:
    # Of a budget of 0.5 the levels are 0.25, 0.375 and 0.5.
    assert levels(0.1, 0.25, 0.3, 0.375, 0.4, 0.5, 0.6) == [
        (False, 0.0),
        (True, 0.5),
        (False, 0.0),
        (True, 1.0),
        (False, 0.0),
        (True, 2.0),
        (False, 0.0),
    ]


def test_a_fall_through_several_levels_calls_the_deepest_once() -> None:
    assert levels(0.0, 0.55, 0.55, 0.4) == [(False, 0.0), (True, 2.0), (False, 0.0), (False, 0.0)]


def test_a_level_is_armed_again_after_recovering_a_quarter_of_the_budget() -> None:
    # The level of 0.25 needs the drawdown back at 0.125 or less.
    assert levels(0.25, 0.126, 0.25) == [(True, 0.5), (False, 0.0), (False, 0.0)]
    assert levels(0.25, 0.125, 0.25) == [(True, 0.5), (False, 0.0), (True, 0.5)]


def test_an_unknown_drawdown_is_unavailable_and_leaves_the_levels() -> None:
    assert levels(0.25, math.nan, 0.25) == [(True, 0.5), (None, 0.0), (False, 0.0)]


def test_the_drawdown_reading_shows_the_share_of_the_budget() -> None:
    reading = DrawdownWatch(0.5).observe(0.375)
    assert reading.value == pytest.approx(0.75)
    assert reading.threshold == 0.75
    assert "75%" in reading.reason
