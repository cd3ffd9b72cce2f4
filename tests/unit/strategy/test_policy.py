import math
import re

import numpy as np
import pytest

from poise.domain.regime import RegimeState
from poise.errors import NotConvergedError, ParameterError, ShapeError, ZeroValueError
from poise.optimization import (
    OptimizationResult,
    OptimizationStatus,
    solve_minimum_variance,
    solve_risk_parity,
)
from poise.strategy import ExposureRule, OutlookEstimator, Policy, PolicyRules, base_books, score_signals
from poise.typing import REGIME_LABELS
from tests.tolerances import SOLVER, SUM

SYMBOLS = ("A", "B", "C", "D", "E", "F", "G", "H")
ANY_GROSS = dict.fromkeys(REGIME_LABELS, 1.0)
FREE = PolicyRules(
    max_position_size=1.0, tier_caps={1: 1.0, 2: 1.0, 3: 1.0}, gross_caps=ANY_GROSS, cluster_cap=1.0
)


def regime(label, probability=1.0):
    rest = (1.0 - probability) / 3.0
    probabilities = {name: probability if name == label else rest for name in REGIME_LABELS}
    return RegimeState(label, probabilities, 0.8, 10, 30.0)


def walk(n_rows=320, n_assets=8, *, seed=0):
    rng = np.random.default_rng(seed)
    common = rng.normal(0.0005, 0.015, (n_rows, 1))
    own = rng.normal(
        np.linspace(-0.003, 0.004, n_assets), np.linspace(0.008, 0.04, n_assets), (n_rows, n_assets)
    )
    return 100.0 * np.exp(np.cumsum(common + own, axis=0))


def look(closes, symbols=SYMBOLS):
    return OutlookEstimator(symbols[: closes.shape[1]]).fit(closes[1:] / closes[:-1] - 1.0).outlook()


def array(book, symbols=SYMBOLS):
    return np.array([book.weights[s] for s in symbols])


@pytest.fixture(scope="module")
def closes():
    return walk()


@pytest.fixture(scope="module")
def outlook(closes):
    return look(closes)


def test_bull_without_signals_is_risk_parity_at_the_exposure(outlook):
    book = Policy(FREE).decide(outlook, None, regime("bull"), 0.7)
    expected = solve_risk_parity(outlook.covariance, bounds=(0.0, 1.0)).weights
    np.testing.assert_allclose(array(book), 0.7 * expected, atol=SOLVER)
    assert book.strategy == "risk_parity"
    assert book.weights.cash == pytest.approx(0.3, abs=SUM)
    assert book.exposure == pytest.approx(0.7, abs=SUM)
    assert book.fallbacks == ()
    assert book.confidence == pytest.approx(0.8)


@pytest.mark.parametrize("label", ["bear", "high_volatility"])
def test_defensive_regimes_hold_minimum_variance(outlook, label):
    book = Policy(FREE).decide(outlook, None, regime(label), 1.0)
    cap = 0.7 if label == "high_volatility" else 1.0
    expected = solve_minimum_variance(outlook.covariance, bounds=(0.0, cap)).weights
    np.testing.assert_allclose(array(book), expected, atol=SOLVER)
    assert book.strategy == "minimum_variance"


@pytest.mark.parametrize("first_tier", ["ABCDEFGH", "A", "AB"])
def test_the_target_is_the_average_over_the_regimes(outlook, first_tier):
    policy = Policy(PolicyRules(high_volatility_tightening=1.0, gross_caps=ANY_GROSS))
    tiers = {s: 1 if s in first_tier else 2 for s in SYMBOLS}

    def weights(state):
        return array(policy.decide(outlook, None, state, 0.9, tiers=tiers))

    parts = {label: weights(regime(label)) for label in REGIME_LABELS}
    expected = 0.7 * parts["bear"] + 0.1 * (parts["bull"] + parts["sideways"] + parts["high_volatility"])
    np.testing.assert_allclose(weights(regime("bear", 0.7)), expected, atol=SOLVER)


def test_an_unknown_regime_is_all_four_and_says_so(outlook):
    book = Policy().decide(outlook, None, None, 0.5)
    assert book.reasons[0].startswith("regime: unknown, detector warming")
    assert book.confidence == pytest.approx(0.25)


def test_bull_tilts_towards_momentum_and_by_its_weight(closes, outlook):
    signals = score_signals(SYMBOLS, closes, regime=regime("bull"), outlook=outlook)
    plain = array(Policy(FREE).decide(outlook, None, regime("bull"), 1.0))
    tilted_book = Policy(FREE).decide(outlook, signals, regime("bull"), 1.0)
    tilted = array(tilted_book)
    assert tilted_book.strategy == "risk_parity+momentum_tilt"
    confirmed = signals.kept & (np.sign(signals.factor("momentum")) == np.sign(signals.score))
    assert confirmed.any()
    z = np.where(confirmed, np.clip(signals.factor("momentum"), -2.0, 2.0), 0.0)
    expected = plain * np.exp(0.5 * z)
    np.testing.assert_allclose(tilted, expected / expected.sum(), atol=SOLVER)


def test_no_momentum_weight_no_momentum_tilt(closes, outlook):
    rules = PolicyRules(momentum_weight=0.0)
    signals = score_signals(SYMBOLS, closes, regime=regime("bull"), outlook=outlook, momentum_weight=0.0)
    with_signals = Policy(rules).decide(outlook, signals, regime("bull"), 1.0)
    without = Policy(rules).decide(outlook, None, regime("bull"), 1.0)
    assert with_signals.strategy == "risk_parity"
    np.testing.assert_array_equal(array(with_signals), array(without))


def test_sideways_tilts_towards_mean_reversion():
    for seed in range(80):
        closes = walk(seed=seed)
        outlook = look(closes)
        signals = score_signals(SYMBOLS, closes, regime=regime("sideways"), outlook=outlook)
        z = signals.factor("mean_reversion")
        confirmed = signals.kept & (np.sign(z) == np.sign(signals.score)) & (z != 0.0)
        if confirmed.any():
            book = Policy(FREE).decide(outlook, signals, regime("sideways"), 1.0)
            plain = array(Policy(FREE).decide(outlook, None, regime("sideways"), 1.0))
            expected = plain * np.exp(0.25 * np.where(confirmed, np.clip(z, -2.0, 2.0), 0.0))
            np.testing.assert_allclose(array(book), expected / expected.sum(), atol=SOLVER)
            assert book.strategy == "risk_parity+mean_reversion_tilt"
            return
    pytest.fail("no seed gave an established reversion")


def test_the_ensemble_averages_three_solvers(outlook):
    rules = PolicyRules(use_risk_parity=False, max_position_size=1.0, tier_caps={1: 1.0, 2: 1.0, 3: 1.0})
    book = Policy(rules).decide(outlook, None, regime("bull"), 1.0)
    solve = [base_books._SOLVERS[name] for name, _ in base_books.ENSEMBLE]
    parts = [s(outlook.covariance, bounds=(0.0, 1.0)).weights for s in solve]
    np.testing.assert_allclose(array(book), 0.5 * parts[0] + 0.25 * parts[1] + 0.25 * parts[2], atol=SOLVER)
    assert book.strategy == "ensemble"


def test_each_solver_runs_once(outlook, monkeypatch):
    calls = []
    for name, solver in dict(base_books._SOLVERS).items():
        monkeypatch.setitem(
            base_books._SOLVERS, name, lambda *a, _n=name, _s=solver, **k: calls.append(_n) or _s(*a, **k)
        )
    Policy().decide(outlook, None, regime("bull", 0.4), 0.8)
    assert sorted(calls) == ["minimum_variance", "risk_parity"]
    calls.clear()
    Policy(PolicyRules(use_risk_parity=False)).decide(outlook, None, regime("bull", 0.4), 0.8)
    assert sorted(calls) == ["maximum_diversification", "minimum_variance", "risk_parity"]


def test_defensive_regimes_hold_tier_one_only(outlook):
    tiers = {s: 1 if s in "ABCD" else 2 for s in SYMBOLS}
    book = Policy().decide(outlook, None, regime("bear"), 0.4, tiers=tiers)
    assert array(book)[4:].tolist() == [0.0] * 4
    assert book.strategy == "minimum_variance+tier_1"
    assert book.exposure == pytest.approx(0.4, abs=SUM)
    bull = Policy().decide(outlook, None, regime("bull"), 0.4, tiers=tiers)
    assert (array(bull)[4:] > 0.0).all()


def test_without_a_tier_one_asset_the_defence_holds_what_there_is(outlook):
    book = Policy().decide(outlook, None, regime("bear"), 0.4, tiers=dict.fromkeys(SYMBOLS, 2))
    assert book.exposure == pytest.approx(0.4, abs=SUM)
    assert any("no tier 1 asset" in reason for reason in book.reasons)


def test_two_assets_under_small_caps_leave_cash_and_say_so(closes):
    outlook = look(closes[:, :2])
    book = Policy().decide(outlook, None, regime("bull"), 1.0)
    assert array(book, SYMBOLS[:2]).tolist() == [0.35, 0.35]
    assert any(reason.startswith("caps: 70.0% of the 100.0%") for reason in book.reasons)


def test_averaging_regimes_never_rounds_above_a_cap(closes):
    outlook = look(closes[:, :3])
    rng = np.random.default_rng(1)
    for _ in range(200):
        shares = dict(zip(REGIME_LABELS, rng.dirichlet(np.ones(4)), strict=True))
        state = RegimeState("bull", {**shares, "high_volatility": 0.0}, 0.5, 1, 1.0)
        total = math.fsum(state.probabilities.values())
        state = RegimeState("bull", {k: v / total for k, v in state.probabilities.items()}, 0.5, 1, 1.0)
        weights = array(
            Policy(PolicyRules(max_position_size=0.3, gross_caps=ANY_GROSS)).decide(
                outlook, None, state, 1.0
            ),
            SYMBOLS[:3],
        )
        assert (weights <= 0.3).all()
        np.testing.assert_allclose(weights, 0.3, rtol=1e-14)


def test_a_low_exposure_uses_the_room_under_the_caps(closes):
    outlook = look(closes[:, :2])
    weights = array(Policy().decide(outlook, None, regime("bull"), 0.4), SYMBOLS[:2])
    expected = 1.0 / outlook.volatility
    # Two assets: risk parity is inverse volatility; the caps of 0.35 leave room for it at 0.4.
    np.testing.assert_allclose(weights, 0.4 * expected / expected.sum(), atol=SOLVER)


def test_one_asset_is_held_up_to_its_cap(closes):
    outlook = look(closes[:, :1])
    assert Policy().decide(outlook, None, regime("bull"), 1.0).weights["A"] == 0.35
    assert Policy(FREE).decide(outlook, None, regime("bull"), 1.0).weights["A"] == 1.0
    assert Policy().decide(outlook, None, regime("bull"), 0.2).weights["A"] == pytest.approx(0.2)


def test_constant_young_stale_and_barred_assets_get_nothing(closes):
    closes = closes.copy()
    closes[:, 0] = 1.0
    closes[:-30, 1] = np.nan
    closes[-70:, 2] = np.nan
    closes[:, 3] = np.nan
    tradable = np.array([s != "E" for s in SYMBOLS])
    book = Policy(FREE).decide(look(closes), None, regime("bull"), 1.0, tradable=tradable)
    assert array(book)[:5].tolist() == [0.0] * 5
    assert math.fsum(array(book)) == pytest.approx(1.0, abs=SUM)
    text = " | ".join(book.reasons)
    for words in ("degenerate: A", "warming: B, D", "stale: C", "not tradable: E"):
        assert words in text
    assert book.confidence == pytest.approx(0.8 * 4 / 7)


def test_while_everything_warms_the_book_is_equal_then_inverse_volatility(closes):
    equal = Policy(FREE).decide(look(closes[:10]), None, None, 0.8)
    np.testing.assert_allclose(array(equal), 0.1, atol=1e-15)
    assert equal.strategy == "equal_weight"
    assert [step.split(":")[0] for step in equal.fallbacks] == ["risk_parity", "inverse_volatility"]
    outlook = look(closes[:31])
    inverse = Policy(FREE).decide(outlook, None, None, 0.8)
    expected = 0.8 / outlook.volatility / np.sum(1.0 / outlook.volatility)
    np.testing.assert_allclose(array(inverse), expected, atol=1e-15)
    assert inverse.strategy == "inverse_volatility"


def test_two_bars_are_enough_for_an_answer_and_none_is_cash(closes):
    two = Policy().decide(look(closes[:2]), None, None, 0.6)
    np.testing.assert_allclose(array(two), 0.075, atol=1e-15)
    nothing = Policy().decide(OutlookEstimator(SYMBOLS).outlook(), None, None, 0.6)
    assert nothing.weights.cash == 1.0
    assert nothing.strategy == "cash"
    assert nothing.fallbacks[-1].endswith("cash instead")


def test_only_constant_assets_are_held_equally(closes):
    flat = np.ones((60, 3))
    book = Policy(FREE).decide(look(flat), None, regime("bull"), 0.9)
    np.testing.assert_allclose(array(book, SYMBOLS[:3]), 0.3, atol=1e-15)
    assert book.strategy == "equal_weight"


def test_a_failed_solver_steps_down_and_says_why(outlook, monkeypatch):
    def fail(*_, **__):
        raise NotConvergedError("50 sweeps, residual 1e-3")

    monkeypatch.setitem(base_books._SOLVERS, "risk_parity", fail)
    book = Policy(FREE).decide(outlook, None, regime("bull"), 1.0)
    expected = 1.0 / outlook.volatility
    np.testing.assert_allclose(array(book), expected / expected.sum(), atol=1e-14)
    assert book.strategy == "inverse_volatility"
    assert book.fallbacks == ("risk_parity: 50 sweeps, residual 1e-3; inverse volatility instead",)
    assert book.confidence == pytest.approx(0.4)


def solved(outlook, status, certificate, fallbacks=()):
    weights = np.full(len(outlook.symbols), 1.0 / len(outlook.symbols))
    return lambda *_, **__: OptimizationResult(
        weights, OptimizationStatus(status), certificate, 9, (), fallbacks
    )


def test_a_solver_stopped_by_rounding_is_believed_up_to_its_certificate(outlook, monkeypatch):
    monkeypatch.setitem(base_books._SOLVERS, "risk_parity", solved(outlook, "inaccurate", 1e-7))
    good = Policy(FREE).decide(outlook, None, regime("bull"), 1.0)
    assert (good.strategy, good.fallbacks) == ("risk_parity", ())
    monkeypatch.setitem(base_books._SOLVERS, "risk_parity", solved(outlook, "inaccurate", 1e-3))
    bad = Policy(FREE).decide(outlook, None, regime("bull"), 1.0)
    assert bad.strategy == "inverse_volatility"
    assert bad.fallbacks == ("risk_parity: certificate only 1.0e-03; inverse volatility instead",)


def test_a_relaxed_problem_is_passed_on_as_a_fallback(outlook, monkeypatch):
    note = "risk parity: no answer within these bounds, minimum variance instead"
    monkeypatch.setitem(base_books._SOLVERS, "risk_parity", solved(outlook, "relaxed", 0.0, (note,)))
    book = Policy(FREE).decide(outlook, None, regime("bull"), 1.0)
    assert (book.strategy, book.fallbacks) == ("minimum_variance", (note,))


def test_no_liquidity_is_cash(outlook):
    book = Policy().decide(outlook, None, regime("bull"), 1.0, total_value=1e6, dollar_volume=np.zeros(8))
    assert book.weights.cash == 1.0
    assert book.strategy == "cash"


def test_liquidity_caps_the_weight(outlook):
    volume = np.full(8, 1e9)
    volume[0] = 1e5
    book = Policy().decide(outlook, None, regime("bull"), 1.0, total_value=1e6, dollar_volume=volume)
    assert 0.01 - 1e-9 < book.weights["A"] <= 0.01
    assert any(reason.startswith("liquidity: A capped") for reason in book.reasons)


def test_an_exposure_brings_its_reasons(outlook):
    exposure = ExposureRule().update(0.01, regime=regime("bull"), portfolio_value=100.0)
    book = Policy().decide(outlook, None, regime("bull"), exposure)
    assert set(exposure.reasons) <= set(book.reasons)
    assert book.exposure == pytest.approx(exposure.value, abs=SUM)


def test_zero_exposure_is_cash(outlook):
    book = Policy().decide(outlook, None, regime("bull"), 0.0)
    assert book.weights.cash == 1.0
    assert list(book.weights) == [*SYMBOLS, "cash"]


def test_unusable_arguments_are_refused(outlook, closes):
    policy = Policy()
    for bad in (-0.1, 1.1, math.nan):
        with pytest.raises(ParameterError, match=re.escape(f"exposure is {bad}")):
            policy.decide(outlook, None, None, bad)
    with pytest.raises(ShapeError, match="tradable"):
        policy.decide(outlook, None, None, 0.5, tradable=np.ones(8))
    with pytest.raises(ShapeError, match="other symbols"):
        policy.decide(outlook, score_signals(SYMBOLS[:3], closes[:, :3]), None, 0.5)
    with pytest.raises(ZeroValueError, match="total value"):
        policy.decide(outlook, None, None, 0.5, total_value=-1.0)
