"""What the factors have known so far, and what follows from it."""

import copy
import math
import pickle

import numpy as np
import pytest
from scipy.stats import spearmanr

from poise.domain.regime import RegimeState
from poise.errors import InputError, ParameterError, ShapeError
from poise.strategy import FactorSkill, OutlookEstimator, Policy, PolicyRules, Skill, score_signals
from poise.strategy.inference import adjusted_p_values
from poise.strategy.regime_rules import FACTORS, factor_weights
from poise.strategy.skill import MAX_COEFFICIENT, SCORES, rank_correlation
from poise.strategy.tilts import tilt_factor
from poise.testing import perturb_future

SYMBOLS = ("A", "B", "C", "D", "E", "F")
BULL = RegimeState("bull", {"bull": 1.0, "bear": 0.0, "sideways": 0.0, "high_volatility": 0.0}, 0.8, 9, 40.0)
TABLE = factor_weights(BULL, 0.3)


def skill(means, n=1000):
    counts = np.broadcast_to(np.asarray(n), (5,)).astype(np.int64)
    return Skill(np.array(means, dtype=float), counts)


def market(n_rows=120, n_assets=6, *, seed=0):
    """Closes, and scores of which the first knows something of the returns to come."""
    rng = np.random.default_rng(seed)
    returns = rng.normal(0.0, 0.02, (n_rows, n_assets))
    closes = 100.0 * np.exp(np.cumsum(returns, axis=0))
    scores = rng.normal(size=(n_rows, n_assets, 5))
    for t in range(n_rows - 6):
        scores[t, :, 0] += 60.0 * returns[t + 2 : t + 7].sum(axis=0)
    return closes, scores


def run(closes, scores, horizon=5, stop=None):
    record = FactorSkill(horizon)
    said = []
    for t in range(stop or len(closes)):
        said.append(record.learn(t, closes[max(0, t - 40) : t + 1]))
        record.remember(t, scores[t])
    return record, said


@pytest.mark.parametrize("seed", range(20))
def test_the_rank_correlation_is_spearmans_with_ties_and_gaps(seed):
    rng = np.random.default_rng(seed)
    x, y = rng.integers(0, 4, 12).astype(float), rng.normal(size=12)
    x[rng.random(12) < 0.2] = np.nan
    there = np.isfinite(x)
    expected = spearmanr(x[there], y[there]).statistic
    assert rank_correlation(x, y) == pytest.approx(expected, abs=1e-14)


def test_too_few_or_constant_scores_have_no_coefficient():
    assert math.isnan(rank_correlation(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0])))
    assert math.isnan(rank_correlation(np.zeros(6), np.arange(6.0)))
    assert math.isnan(rank_correlation(np.full(6, np.nan), np.arange(6.0)))


def test_a_coefficient_is_the_score_against_what_could_be_earned_after_it():
    closes, scores = market()
    record, _ = run(closes, scores)
    gains = np.log(closes[6:] / closes[1:-5])
    expected = [[spearmanr(scores[t, :, k], gains[t]).statistic for k in range(5)] for t in range(len(gains))]
    np.testing.assert_allclose(record.coefficients, expected, atol=1e-14)
    known = record.skill
    np.testing.assert_allclose(known.mean, np.mean(expected, axis=0), atol=1e-14)
    assert known.n_observations.tolist() == [len(gains)] * 5
    np.testing.assert_allclose(known.shrunk, known.mean * len(gains) / (len(gains) + 250.0))
    assert known.mean[0] > 0.5


@pytest.mark.parametrize("row", [30, 70, 110])
def test_what_is_known_at_a_bar_does_not_notice_a_changed_future(row):
    closes, scores = market()
    other = perturb_future(closes, row, rng=np.random.default_rng(row), scale=5.0).clip(1.0)
    one, changed = run(closes, scores)[1], run(other, scores)[1]
    for t in range(row + 1):
        np.testing.assert_array_equal(one[t].mean, changed[t].mean)
        np.testing.assert_array_equal(one[t].n_observations, changed[t].n_observations)
    assert (changed[-1].mean != one[-1].mean).any()


def test_a_missing_close_is_that_of_at_most_four_bars_earlier():
    closes, scores = market()
    holes = closes.copy()
    holes[50:54, 0] = np.nan
    long = closes.copy()
    long[50:58, 0] = np.nan
    filled = closes.copy()
    filled[50:54, 0] = closes[49, 0]
    np.testing.assert_array_equal(run(holes, scores)[0].coefficients, run(filled, scores)[0].coefficients)
    six = run(long, scores)[0].coefficients
    assert np.isfinite(six).all()
    # With the asset's return unknown the coefficient is that of the other five.
    gains = np.log(long[55] / long[50])
    assert six[49, 0] == pytest.approx(spearmanr(scores[49, 1:, 0], gains[1:]).statistic)


def test_the_same_bar_again_replaces_and_an_earlier_one_is_refused():
    closes, scores = market()
    once, _ = run(closes, scores)
    twice = FactorSkill(5)
    for t in range(len(closes)):
        twice.learn(t, closes[: t + 1])
        twice.remember(t, -scores[t])
        twice.learn(t, closes[: t + 1])
        twice.remember(t, scores[t])
    np.testing.assert_array_equal(once.coefficients, twice.coefficients)
    with pytest.raises(InputError, match="bars move forward"):
        twice.remember(3, scores[3])
    with pytest.raises(ShapeError, match=r"\(n_assets, 5\)"):
        twice.remember(500, scores[3, :, :4])
    with pytest.raises(ParameterError, match="horizon is 0"):
        FactorSkill(0)


def test_scores_that_left_the_window_are_forgotten():
    closes, scores = market()
    record = FactorSkill(5)
    record.remember(10, scores[10])
    record.learn(100, closes[80:101])
    assert record.skill.n_observations.tolist() == [0] * 5
    assert record.coefficients.shape == (0, 5)


def test_copies_go_on_as_the_original():
    closes, scores = market()
    whole, _ = run(closes, scores)
    half, _ = run(closes, scores, stop=60)
    for twin in (copy.deepcopy(half), pickle.loads(pickle.dumps(half))):  # noqa: S301 - our own bytes
        for t in range(60, len(closes)):
            twin.learn(t, closes[max(0, t - 40) : t + 1])
            twin.remember(t, scores[t])
        np.testing.assert_array_equal(twin.coefficients, whole.coefficients)


def test_tiny_universes_and_missing_data_have_no_skill_and_the_table_decides():
    for n_assets in (1, 3):
        closes, scores = market(n_assets=n_assets)
        known = run(closes, scores)[0].skill
        assert known.n_observations.tolist() == [0] * 5
        assert np.isnan(known.mean).all()
        np.testing.assert_array_equal(known.weigh(TABLE), TABLE)
    closes, scores = market()
    record, _ = run(np.full_like(closes, np.nan), scores)
    assert record.skill.n_observations.tolist() == [0] * 5
    flat, _ = run(np.ones_like(closes), scores)
    assert flat.skill.n_observations.tolist() == [0] * 5
    assert math.isnan(flat.to_dict()["scores"]["momentum"]["p_value"])


def test_the_table_decides_alone_until_a_factor_was_judged():
    np.testing.assert_array_equal(skill([0.04, 0.0, 0.0, -0.1, 0.0], 249).weigh(TABLE), TABLE)


def test_judged_factors_share_their_weight_by_skill():
    weights = skill([0.04, 0.3, 0.02, 0.02, 0.0]).weigh(TABLE)
    raw = TABLE * np.array([0.04, 0.3, 0.02, 0.02])
    np.testing.assert_allclose(weights, raw / raw.sum(), atol=1e-15)
    # Mean reversion has no weight in a bull market, whatever it knows.
    assert weights[1] == 0.0


def test_an_unjudged_factor_keeps_its_weight_beside_the_judged():
    weights = skill([0.04, 0.0, math.nan, -0.02, 0.0], [900, 900, 0, 900, 900]).weigh(TABLE)
    np.testing.assert_allclose(weights, [0.8, 0.0, 0.2, 0.0], atol=1e-15)
    assert math.fsum(weights) == pytest.approx(1.0)


def test_no_skill_no_weight():
    np.testing.assert_array_equal(skill([-0.01, 0.0, -0.1, 0.0, 0.0]).weigh(TABLE), np.zeros(4))


def walk(n_rows=320, *, seed=0):
    rng = np.random.default_rng(seed)
    drift = np.linspace(-0.004, 0.006, 6)
    return 100.0 * np.exp(np.cumsum(drift + rng.normal(0.0, 0.03, (n_rows, 6)), axis=0))


def test_zero_skill_is_zero_alpha_and_no_signal():
    closes = walk()
    book = score_signals(SYMBOLS, closes, regime=BULL, skill=skill([0.05, 0.0, 0.0, 0.0, 0.0]))
    assert book.alpha.tolist() == [0.0] * 6
    assert not book.kept.any()
    assert all("have shown no skill" in signal.reason for signal in book.values())
    none = score_signals(SYMBOLS, closes, regime=BULL, skill=skill([-0.05, 0.0, 0.0, 0.0, 0.2]))
    assert none.score.tolist() == [0.0] * 6
    assert none.alpha.tolist() == [0.0] * 6
    assert not none.kept.any()


def test_alpha_is_coefficient_times_volatility_times_score_times_validation():
    closes = walk()
    known = skill([0.05, 0.0, 0.0, 0.0, 0.03])
    book = score_signals(SYMBOLS, closes, regime=BULL, skill=known, holding_days=20.0)
    returns = np.diff(np.log(closes), axis=0)[-251:]
    decay = 0.5 ** (np.arange(len(returns))[::-1] / 21.0)
    sigma = np.sqrt(decay @ returns**2 / decay.sum()) * math.sqrt(20.0)
    # Only momentum has a value; quality and diversification are unknown without an outlook.
    z = np.clip(book.factor("momentum"), -3.0, 3.0)
    believed = 0.03 * 1000 / 1250
    np.testing.assert_allclose(book.alpha, believed * sigma * z * book.validation, rtol=1e-12)
    double = score_signals(
        SYMBOLS, closes, regime=BULL, skill=skill([0.05, 0.0, 0.0, 0.0, 0.06 * 1250 / 1000])
    )
    np.testing.assert_allclose(double.alpha, book.alpha * MAX_COEFFICIENT / believed, rtol=1e-12)


def test_alpha_turns_with_the_scores_and_scales_with_volatility():
    closes = walk()
    known = skill([0.05, 0.0, 0.0, 0.0, 0.03])
    book = score_signals(SYMBOLS, closes, regime=BULL, skill=known)
    mirrored = score_signals(SYMBOLS, 1.0 / closes, regime=BULL, skill=known)
    assert np.sign(mirrored.alpha).tolist() == (-np.sign(book.alpha)).tolist()
    calm = score_signals(SYMBOLS, np.exp(0.5 * np.log(closes)), regime=BULL, skill=known)
    assert (np.abs(calm.alpha) < np.abs(book.alpha)).all()


def test_until_judged_the_edge_has_the_benefit_of_the_doubt():
    closes = walk()
    cost = np.full(6, 0.001)
    fresh = score_signals(SYMBOLS, closes, regime=BULL, round_trip_cost=cost)
    young = score_signals(SYMBOLS, closes, regime=BULL, round_trip_cost=cost, skill=skill([0.0] * 5, 100))
    np.testing.assert_array_equal(fresh.kept, young.kept)
    assert fresh.kept.any()
    assert young.alpha.tolist() == [0.0] * 6
    poor = score_signals(
        SYMBOLS, closes, regime=BULL, round_trip_cost=cost, skill=skill([0.05, 0.0, 0.0, 0.0, 0.001])
    )
    assert not poor.kept.any()
    assert any("below 2 x round trip" in signal.reason for signal in poor.values())


def test_a_factor_without_skill_tilts_nothing():
    closes = walk()
    unskilled = skill([-0.05, 0.0, 0.04, 0.04, 0.03])
    book = score_signals(SYMBOLS, closes, regime=BULL, skill=unskilled)
    assert tilt_factor("bull", book, momentum_weight=0.3) is None
    assert tilt_factor("bull", score_signals(SYMBOLS, closes, regime=BULL), momentum_weight=0.3) is not None


def doubted(q, means=(0.04, 0.04, 0.04, 0.04, 0.04), n=1000):
    counts = np.broadcast_to(np.asarray(n), (5,)).astype(np.int64)
    return Skill(np.array(means), counts, np.broadcast_to(np.asarray(q, dtype=float), (4,)).copy())


def test_trust_by_hand():
    known = doubted([0.10, 0.30, 0.02, math.nan], means=[0.04, 0.04, -0.01, 0.04, 0.04])
    # A discovery; 1 - 0.3; a mean below 0; untested.
    np.testing.assert_allclose(known.trust, [1.0, 0.7, 0.0, 1.0])
    assert list(known.doubts) == ["mean_reversion", "quality"]
    assert known.doubts["mean_reversion"] == (
        "coefficient +0.040 over 1000 bars is no discovery (adjusted p-value 0.30 above 0.10), counts 70%"
    )
    assert known.doubts["quality"] == "coefficient -0.010 over 1000 bars is not above 0, counts nothing"


def test_below_250_bars_the_table_decides_alone_whatever_the_test_says():
    young = doubted(0.9, n=249)
    np.testing.assert_array_equal(young.trust, np.ones(4))
    assert not young.doubts
    np.testing.assert_array_equal(young.weigh(TABLE), TABLE)


def test_doubt_weakens_the_score_and_goes_to_no_other_factor():
    sure, unsure = doubted(0.01), doubted([0.6, 0.01, 0.01, 0.01])
    np.testing.assert_allclose(unsure.weigh(TABLE), sure.weigh(TABLE) * [0.4, 1.0, 1.0, 1.0])


def test_a_signal_that_rests_on_chance_is_cut_and_its_tilt_held_back():
    closes = walk()
    outlook = OutlookEstimator(SYMBOLS).fit(closes[1:] / closes[:-1] - 1.0).outlook()

    def decide(known):
        book = score_signals(SYMBOLS, closes, regime=BULL, outlook=outlook, skill=known)
        target = Policy(PolicyRules(max_position_size=1.0)).decide(outlook, book, BULL, 1.0)
        return book, target

    sure, target = decide(doubted(0.01))
    half, held_back = decide(doubted([0.5, 0.01, 0.01, 0.01]))
    chance, untilted = decide(doubted(0.98))
    assert sure.kept.any()
    assert not chance.kept.any()
    assert all("cut: |score|" in chance[s].reason for s, kept in zip(SYMBOLS, sure.kept, strict=True) if kept)
    assert "held back" not in " ".join(target.reasons)
    assert any(r.startswith("tilt momentum held back: coefficient +0.040") for r in held_back.reasons)
    assert any(r.startswith("tilt momentum held back") for r in untilted.reasons)
    assert untilted.strategy == "risk_parity"
    both = sure.kept & half.kept
    assert both.any()
    exponents = [np.log(tilt_factor("bull", b, momentum_weight=0.3))[both] for b in (sure, half)]
    np.testing.assert_allclose(exponents[1], 0.5 * exponents[0])


def test_what_is_learned_is_tested_only_once_it_was_judged():
    closes, scores = market(400)
    record, said = run(closes, scores)
    young = [known for known in said if not known.judged[:4].any()]
    assert young
    assert all(known.false_discovery is None for known in young)
    q = record.skill.false_discovery
    assert q[0] < 1e-6
    assert record.skill.trust[0] == 1.0
    told = record.to_dict()["scores"]
    p_values = np.array([told[name]["p_value"] for name in FACTORS])
    np.testing.assert_array_equal(q, adjusted_p_values(p_values))
    assert [told[name]["trust"] for name in FACTORS] == record.skill.trust.tolist()
    assert (record.skill.trust[1:] < 1.0).all()


def test_the_report_names_every_score_with_its_test():
    closes, scores = market(400)
    record, _ = run(closes, scores)
    told = record.to_dict()
    assert list(told["scores"]) == list(SCORES)
    assert told["weights_from"] == "skill"
    known = told["scores"]["momentum"]
    assert known["discovered"] is True
    assert known["p_value"] < 1e-6
    assert known["t_statistic"] == pytest.approx(known["mean"] / known["standard_error"])
    assert not any(told["scores"][name]["discovered"] for name in FACTORS[1:])
    assert "discovered" not in told["scores"]["combined"]
    assert FactorSkill(5).to_dict()["weights_from"] == "table"


def test_noise_is_rarely_called_skill():
    found = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        closes = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.02, (300, 8)), axis=0))
        record, _ = run(closes, rng.normal(size=(300, 8, 5)))
        found += any(record.to_dict()["scores"][name]["discovered"] for name in FACTORS)
    # Only means above zero count, so half of a tenth of the families; Newey-West is a little too bold.
    assert found <= 7


def test_the_policy_takes_skilled_signals():
    closes = walk()
    outlook = OutlookEstimator(SYMBOLS).fit(closes[1:] / closes[:-1] - 1.0).outlook()
    book = score_signals(SYMBOLS, closes, regime=BULL, outlook=outlook, skill=skill([0.05, 0, 0, 0.01, 0.04]))
    target = Policy(PolicyRules(max_position_size=1.0)).decide(outlook, book, BULL, 1.0)
    assert target.strategy == "risk_parity+momentum_tilt"
