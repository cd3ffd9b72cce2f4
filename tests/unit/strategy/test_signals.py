import math

import numpy as np
import pytest

from poise.domain.proposals import Signal
from poise.domain.regime import RegimeState
from poise.errors import ParameterError, ShapeError
from poise.moments.robust import robust_z
from poise.strategy import OutlookEstimator, score_signals
from poise.strategy.regime_rules import FACTORS, factor_weights

SYMBOLS = ("A", "B", "C", "D", "E", "F")
BULL = RegimeState("bull", {"bull": 1.0, "bear": 0.0, "sideways": 0.0, "high_volatility": 0.0}, 0.8, 9, 40.0)


def walk(n_rows=320, n_assets=6, *, seed=0, spread=0.01):
    rng = np.random.default_rng(seed)
    drift = np.linspace(-0.4, 0.6, n_assets) * spread
    return 100.0 * np.exp(np.cumsum(drift + rng.normal(0.0, 0.03, (n_rows, n_assets)), axis=0))


def look(closes, symbols=SYMBOLS):
    return OutlookEstimator(symbols[: closes.shape[1]]).fit(closes[1:] / closes[:-1] - 1.0).outlook()


def test_every_symbol_has_a_signal_with_reason_and_factors():
    closes = walk()
    book = score_signals(SYMBOLS, closes, regime=BULL, outlook=look(closes))
    assert list(book) == list(SYMBOLS)
    assert len(book) == 6
    for symbol, signal in book.items():
        assert isinstance(signal, Signal)
        assert signal.symbol == symbol
        assert signal.reason.startswith(("kept: score ", "cut: "))
        assert set(signal.factors) == {*FACTORS, "combined"}
        assert 0.0 <= signal.confidence <= 0.9
    assert book.kept.any()


def test_the_score_is_the_regime_blend_of_the_factors():
    closes = walk(seed=1)
    quality = dict(zip(SYMBOLS, (0.9, 0.5, 0.7, 0.2, 0.4, math.nan), strict=True))
    book = score_signals(SYMBOLS, closes, regime=BULL, outlook=look(closes), quality=quality)
    expected = np.nan_to_num(book.factors) @ factor_weights(BULL, 0.3)
    np.testing.assert_allclose(book.score, expected, atol=1e-15)
    np.testing.assert_allclose(book.factor("quality"), robust_z(np.array(list(quality.values()))))
    assert math.isnan(book["F"].factors["quality"])
    assert "neutral for want of data: quality" in book["F"].reason


def test_a_cut_signal_is_neutral_but_keeps_what_was_measured():
    closes = walk(seed=2)
    book = score_signals(SYMBOLS, closes, regime=BULL, tradable=np.array([True] * 5 + [False]))
    cut = book["F"]
    assert (cut.score, cut.confidence) == (0.0, 0.0)
    assert cut.factors["combined"] == book.score[5]
    assert "may not be held" in cut.reason
    weak = [s for s in SYMBOLS if abs(book[s].factors["combined"]) < 0.25]
    for symbol in weak:
        assert f"|score| {abs(book[symbol].factors['combined']):.2f} below 0.25" in book[symbol].reason


def test_a_sign_must_hold_for_two_bars():
    for seed in range(200):
        closes = walk(60, seed=seed, spread=0.0)
        now = score_signals(SYMBOLS, closes, regime=BULL)
        before = score_signals(SYMBOLS, closes[:-1], regime=BULL)
        flipped = (np.sign(now.score) != np.sign(before.score)) & (np.abs(now.score) >= 0.25)
        for i in np.flatnonzero(flipped):
            assert not now.kept[i]
            assert "sign is new" in now[SYMBOLS[i]].reason
        if flipped.any():
            return
    pytest.fail("no seed gave a change of sign")


def test_a_stale_price_cuts_the_signal():
    closes = walk(seed=3)
    closes[-3:, 5] = np.nan
    reason = score_signals(SYMBOLS, closes, regime=BULL)["F"].reason
    assert "last price is 3 bars old, 2 are allowed" in reason
    closes = walk(seed=3)
    closes[-2:, 5] = np.nan
    assert "bars old" not in score_signals(SYMBOLS, closes, regime=BULL)["F"].reason


def test_an_edge_that_does_not_pay_the_round_trip_is_cut():
    closes = walk(seed=4)
    free = score_signals(SYMBOLS, closes, regime=BULL)
    dear = score_signals(SYMBOLS, closes, regime=BULL, round_trip_cost=np.full(6, 0.5))
    unknown = score_signals(SYMBOLS, closes, regime=BULL, round_trip_cost=np.full(6, np.nan))
    assert free.kept.any()
    assert not dear.kept.any()
    assert "2 x round trip of 50.00%" in dear[SYMBOLS[int(np.argmax(free.kept))]].reason
    np.testing.assert_array_equal(unknown.kept, free.kept)


def test_too_little_history_is_neutral_with_its_reason():
    book = score_signals(SYMBOLS, walk(10), regime=BULL)
    for signal in book.values():
        assert (signal.score, signal.confidence) == (0.0, 0.0)
        assert "no factor has enough history" in signal.reason
    assert np.isnan(book.trend).all()


def test_without_momentum_weight_momentum_does_not_count():
    closes = walk(seed=5)
    outlook = look(closes)
    book = score_signals(SYMBOLS, closes, regime=BULL, outlook=outlook, momentum_weight=0.0)
    expected = np.nan_to_num(book.factors[:, 1:]) @ factor_weights(BULL, 0.0)[1:]
    np.testing.assert_allclose(book.score, expected, atol=1e-15)


def test_few_assets_are_measured_against_their_own_history():
    closes = walk(n_assets=3, seed=6)
    book = score_signals(SYMBOLS[:3], closes, regime=BULL, outlook=look(closes), quality={"A": 0.9, "B": 0.1})
    np.testing.assert_allclose(book.factor("momentum"), 2.0 * book.trend)
    assert book.factor("quality")[:2].tolist() == [0.0, 0.0]
    assert book.factor("diversification").tolist() == [0.0] * 3


def test_diversification_prefers_what_moves_apart_from_the_target():
    rng = np.random.default_rng(7)
    common = rng.normal(0.0, 0.02, (300, 1))
    returns = np.column_stack(
        [common + rng.normal(0.0, 0.01, (300, 4)), rng.normal(0.0, 0.02, (300, 1)), -0.5 * common]
    ) + rng.normal(0.0, 0.004, (300, 6))
    closes = 100.0 * np.cumprod(1.0 + np.vstack([np.zeros(6), returns]), axis=0)
    outlook = look(closes)
    factor = score_signals(
        SYMBOLS, closes, regime=BULL, outlook=outlook, target={"A": 0.5, "B": 0.5, "cash": 0.0}
    ).factor("diversification")
    assert factor[4:].min() > factor[:4].max() + 1.0


def test_mean_reversion_counts_in_a_sideways_market_only():
    weights = factor_weights(BULL, 0.3)
    assert weights[FACTORS.index("mean_reversion")] == 0.0


def test_unusable_arguments_are_refused():
    closes = walk()
    with pytest.raises(ParameterError, match="momentum_weight"):
        score_signals(SYMBOLS, closes, momentum_weight=-1.0)
    with pytest.raises(ParameterError, match="holding_days"):
        score_signals(SYMBOLS, closes, holding_days=0.0)
    with pytest.raises(ShapeError, match="tradable"):
        score_signals(SYMBOLS, closes, tradable=np.ones(2, dtype=bool))
    with pytest.raises(ShapeError, match="same order"):
        score_signals(SYMBOLS, closes, outlook=look(closes, tuple("UVWXYZ")))


def with_volume(volume, tiers=None):
    closes = walk(seed=2)
    return score_signals(
        SYMBOLS,
        closes,
        regime=BULL,
        outlook=look(closes),
        tiers=tiers,
        dollar_volume=np.broadcast_to(np.asarray(volume, dtype=float), (6,)),
    )


@pytest.mark.parametrize(
    ("tier", "least"), [(1, 70_000_000.0), (2, 7_000_000.0), (3, 700_000.0), (None, 700_000.0)]
)
def test_a_signal_is_cut_below_the_liquidity_of_its_tier(tier, least):
    tiers = dict.fromkeys(SYMBOLS, tier)
    enough, thin = with_volume(least, tiers), with_volume(0.99 * least, tiers)
    kept = np.flatnonzero(enough.kept)
    assert len(kept)
    assert not thin.kept.any()
    asked = f"tier {tier}" if tier else "even the lowest tier (3)"
    for i in kept:
        signal = thin[SYMBOLS[i]]
        assert f"trades ${0.99 * least:,.0f} a day, {asked} asks for ${least:,.0f}" in signal.reason
        assert (signal.score, signal.confidence) == (0.0, 0.0)
        assert signal.factors == pytest.approx(enough[SYMBOLS[i]].factors, nan_ok=True)


def test_an_unknown_liquidity_cuts_nothing_and_is_told():
    known, unknown = with_volume(1e9), with_volume(math.nan)
    np.testing.assert_array_equal(unknown.kept, known.kept)
    assert all("liquidity unknown, unchecked" in signal.reason for signal in unknown.values())
    assert not any("liquidity" in signal.reason for signal in known.values())
    assert not any("liquidity" in s.reason for s in score_signals(SYMBOLS, walk(seed=2)).values())


def test_no_volume_at_all_is_known_to_be_too_little():
    assert not with_volume(0.0).kept.any()


def test_a_strange_tier_or_volume_is_refused():
    with pytest.raises(ParameterError, match="tier of B is 4"):
        with_volume(1e9, {"B": 4})
    with pytest.raises(ShapeError, match="dollar_volume has shape"):
        score_signals(SYMBOLS, walk(), dollar_volume=np.ones(2))
