"""Who confirms a signal, what conflicts with it, and whether the timeframes agree."""

import math

import numpy as np
import pytest

from poise.domain.prices import PricePanel
from poise.domain.regime import RegimeState
from poise.strategy import OutlookEstimator, score_signals
from poise.strategy.conflicts import find_conflicts
from poise.strategy.intraday import measure_intraday_trend
from poise.strategy.validation import correlated_breadth, validate

SYMBOLS = ("A", "B", "C", "D", "E", "F")
BULL = RegimeState("bull", {"bull": 1.0, "bear": 0.0, "sideways": 0.0, "high_volatility": 0.0}, 0.8, 9, 40.0)


def correlated(n_assets, **pairs):
    rho = np.eye(n_assets)
    for name, value in pairs.items():
        i, j = (SYMBOLS.index(letter) for letter in name)
        rho[i, j] = rho[j, i] = value
    return rho


def test_correlated_assets_confirm_by_the_weight_of_their_correlation():
    rho = correlated(4, AB=0.9, AC=0.3, AD=-0.5)
    breadth = correlated_breadth(np.array([0.1, 0.8, -0.4, -0.2]), rho)
    # D moves against A: its downtrend is a confirmation. C, the least correlated, speaks against.
    assert breadth[0] == pytest.approx((0.9 - 0.3 + 0.5) / (0.9 + 0.3 + 0.5))
    assert breadth[1] == pytest.approx(1.0)


def test_weakly_correlated_and_unknown_assets_say_nothing():
    rho = correlated(3, AB=0.29, AC=math.nan)
    assert np.isnan(correlated_breadth(np.array([0.5, 0.9, 0.9]), rho)).all()
    known = correlated_breadth(np.array([0.5, math.nan, 0.9]), correlated(3, AB=0.9, AC=0.4))
    np.testing.assert_array_equal(known, [1.0, 1.0, 1.0])
    assert np.isnan(correlated_breadth(np.array([0.5]), np.ones((1, 1)))).all()


def test_both_kinds_of_peers_share_the_weight_and_one_alone_has_all_of_it():
    scores, trend = np.array([1.0, 1.0, 1.0]), np.array([0.9, 0.9, -0.9])
    rho = correlated(3, AC=0.9)
    sectors = {"A": "x", "B": "x"}
    v = validate(scores, trend, math.nan, sectors, SYMBOLS[:3], correlation=rho)
    # A: its sector agrees, the asset it is correlated with opposes. B: sector alone. C: correlation alone.
    np.testing.assert_allclose(v, [0.5, 0.65, 0.65])


def test_agreement_between_timeframes_is_worth_a_tenth():
    scores, trend = np.ones(4), np.array([0.9, 0.9, 0.9, math.nan])
    v = validate(scores, trend, 0.9, None, SYMBOLS[:4], intraday_trend=np.array([0.5, -0.5, math.nan, 0.5]))
    np.testing.assert_allclose(v, [0.85, 0.65, 0.75, 0.75])


def test_a_fully_confirmed_signal_reaches_one_and_an_opposed_one_zero():
    trend = np.full(2, 0.9)
    arguments = {"correlation": correlated(2, AB=0.9), "intraday_trend": trend}
    np.testing.assert_allclose(validate(np.ones(2), trend, 0.9, None, SYMBOLS[:2], **arguments), 1.0)
    arguments["intraday_trend"] = -trend
    np.testing.assert_allclose(
        validate(-np.ones(2), trend, 0.9, None, SYMBOLS[:2], **arguments), 0.0, atol=1e-15
    )


def test_opposed_scores_of_one_bet_damp_each_other():
    found = find_conflicts(np.array([1.0, -0.5, 2.0]), correlated(3, AB=0.9, BC=0.85))
    # A: (0.9 - 0.8) / 0.2 of a score half as large; B: half of itself by A, a quarter by C.
    np.testing.assert_allclose(found.damping, [1 - 0.5 * 0.5, 0.5, 1 - 0.25 * 0.25])
    assert found.opponent.tolist() == [1, 0, 1]


def test_perfect_twins_with_opposite_scores_say_nothing():
    np.testing.assert_array_equal(
        find_conflicts(np.array([0.7, -0.7]), correlated(2, AB=1.0)).damping, [0.0, 0.0]
    )


@pytest.mark.parametrize(
    ("scores", "rho", "damped"),
    [
        ([1.0, 1.0], 0.95, False),
        ([1.0, -1.0], 0.8, False),
        ([1.0, -1.0], -0.95, False),
        ([1.0, 1.0], -0.95, True),
        ([1.0, 0.0], 0.95, False),
        ([1.0, -1.0], math.nan, False),
    ],
)
def test_only_opposed_bets_on_the_same_are_conflicts(scores, rho, damped):
    found = find_conflicts(np.array(scores), correlated(2, AB=rho))
    assert found.damped.tolist() == [damped, damped]
    assert (found.opponent >= 0).tolist() == [damped, damped]


def test_no_jump_where_a_pair_becomes_one_bet_or_a_score_changes_sign():
    scores = np.array([1.0, -1.0])
    near = find_conflicts(scores, correlated(2, AB=0.8 + 1e-9)).damping
    np.testing.assert_allclose(near, 1.0, atol=1e-8)
    np.testing.assert_allclose(
        find_conflicts(np.array([1.0, -1e-9]), correlated(2, AB=1.0)).damping[0], 1.0, atol=1e-8
    )


def test_without_correlations_there_is_no_conflict():
    assert not find_conflicts(np.array([1.0, -1.0]), None).damped.any()
    assert not find_conflicts(np.array([1.0]), np.ones((1, 1))).damped.any()


def opposed_twins():
    """Two assets that move alike every day, one drifting up and one down."""
    rng = np.random.default_rng(3)
    returns = rng.normal(0.0, 0.03, (320, 6))
    returns[:, 1] = returns[:, 0] + rng.normal(0.0, 0.002, 320)
    returns[:, 0] += 0.005
    returns[:, 1] -= 0.005
    return 100.0 * np.exp(np.cumsum(returns, axis=0))


def test_a_damped_signal_says_by_whom_and_keeps_what_was_measured():
    closes = opposed_twins()
    outlook = OutlookEstimator(SYMBOLS).fit(closes[1:] / closes[:-1] - 1.0).outlook()
    book = score_signals(SYMBOLS, closes, regime=BULL, outlook=outlook)
    assert book.damping[0] < 0.95
    assert book.damping[1] < 0.95
    assert book["A"].factors["combined"] == book.score[0]
    assert (
        f"damped from {book.score[0]:+.2f} to {book.score[0] * book.damping[0]:+.2f}: B" in book["A"].reason
    )
    kept = [i for i in (0, 1) if book.kept[i]]
    for i in kept:
        assert book[SYMBOLS[i]].score == pytest.approx(book.score[i] * book.damping[i])
    assert "damped" not in book["E"].reason


def intraday_panel(hours=24 * 60, n_assets=2, *, drift=0.004, seed=4, bar_seconds=3600.0):
    rng = np.random.default_rng(seed)
    closes = 100.0 * np.exp(np.cumsum(rng.normal(drift, 0.01, (hours, n_assets)), axis=0))
    step = np.timedelta64(round(bar_seconds), "s")
    opened = np.datetime64("2020-01-01T00", "ns") + np.arange(hours) * step
    return PricePanel(opened, SYMBOLS[:n_assets], closes, bar_seconds, 8760.0)


def test_hours_add_up_to_four_hour_bars():
    hourly = intraday_panel()
    four = PricePanel(
        hourly.opened[::4], hourly.symbols, hourly.closes[3::4], 4 * 3600.0, hourly.periods_per_year / 4
    )
    np.testing.assert_array_equal(measure_intraday_trend(hourly), measure_intraday_trend(four))
    assert (measure_intraday_trend(hourly) > 0.5).all()
    assert (measure_intraday_trend(intraday_panel(drift=-0.004)) < -0.5).all()


def test_an_open_bucket_and_what_comes_later_are_not_looked_at():
    panel = intraday_panel()
    whole = measure_intraday_trend(panel.rows(0, 1200))
    np.testing.assert_array_equal(measure_intraday_trend(panel.rows(0, 1203)), whole)
    until = panel.rows(0, 1200).as_of
    np.testing.assert_array_equal(measure_intraday_trend(panel, until=until), whole)
    assert (measure_intraday_trend(panel.rows(0, 1204)) != whole).any()


def test_a_bucket_with_holes_counts_when_most_of_it_and_its_end_are_there():
    panel = intraday_panel(n_assets=1)
    closes = panel.closes.copy()
    closes[3::4] = np.nan
    gone = PricePanel(panel.opened, panel.symbols, closes, 3600.0, 8760.0)
    assert np.isnan(measure_intraday_trend(gone)).all()


def test_days_and_odd_bars_have_no_four_hours():
    assert measure_intraday_trend(intraday_panel(300, bar_seconds=86400.0)) is None
    assert measure_intraday_trend(intraday_panel(300, bar_seconds=3 * 3600.0)) is None
    assert measure_intraday_trend(intraday_panel(3)) is None
    assert np.isnan(measure_intraday_trend(intraday_panel(40))).all()
