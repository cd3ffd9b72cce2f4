"""Stricter limits in falling and volatile markets, each kept and named."""

import dataclasses
import math

import numpy as np
import pytest
from scipy.stats import t as student

from poise.config.portfolio import PortfolioSettings
from poise.domain.regime import RegimeState
from poise.errors import ParameterError, ShapeError
from poise.risk.parametric import standard_tail
from poise.strategy import ExposureRule, OutlookEstimator, Policy, PolicyRules, position_limits
from poise.strategy.regime_limits import regime_limits
from poise.strategy.regime_rules import EXPOSURE_CAPS, regime_probabilities
from poise.strategy.tail_budget import (
    DEGREES_OF_FREEDOM,
    SHORTFALL_MULTIPLE,
    expected_shortfall,
    within_budget,
)
from poise.strategy.water_filling import GroupCap, fill
from poise.typing import REGIME_LABELS
from tests.tolerances import CLOSED_FORM, SUM

SYMBOLS = ("A", "B", "C", "D", "E", "F")
ANY_GROSS = dict.fromkeys(REGIME_LABELS, 1.0)


def regime(label, probability=1.0):
    rest = (1.0 - probability) / 3.0
    probabilities = {name: probability if name == label else rest for name in REGIME_LABELS}
    return RegimeState(label, probabilities, 0.8, 10, 30.0)


def returns(*, twins=0, sigma=0.02, n_rows=200, seed=0):
    """Six independent assets, the first `twins` of them nearly the same."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(0.0, sigma, (n_rows, 6))
    rows[:, :twins] = rows[:, :1] + rng.normal(0.0, 0.1 * sigma, (n_rows, twins))
    return rows


def look(rows):
    return OutlookEstimator(SYMBOLS[: rows.shape[1]]).fit(rows).outlook()


def array(book, n_assets=6):
    return np.array([book.weights[s] for s in SYMBOLS[:n_assets]])


def test_volatile_markets_have_the_strictest_limits():
    rules = PolicyRules()
    by_label = {label: regime_limits(rules, {label: 1.0}) for label in REGIME_LABELS}
    calm, falling, wild = by_label["bull"], by_label["bear"], by_label["high_volatility"]
    assert (calm.gross, calm.purchases, calm.shortfall) == (1.0, 0.5, 0.1)
    assert (falling.gross, falling.purchases, falling.shortfall) == pytest.approx((0.5, 0.375, 0.075))
    assert (wild.gross, wild.purchases, wild.shortfall) == pytest.approx((0.45, 0.25, 0.06))
    assert by_label["sideways"].gross == pytest.approx(0.9)
    for label, limits in by_label.items():
        assert EXPOSURE_CAPS[label] <= limits.gross


def test_limits_are_blended_by_probability():
    parts = {label: regime_limits(PolicyRules(), {label: 1.0}) for label in REGIME_LABELS}
    shares = {"bull": 0.1, "bear": 0.2, "sideways": 0.3, "high_volatility": 0.4}
    blend = regime_limits(PolicyRules(), shares)
    assert blend.gross == pytest.approx(0.1 + 0.1 * 1.0 + 0.2 * 0.4 + 0.3 * 0.8 + 0.4 * 0.35, rel=CLOSED_FORM)
    for name in ("purchases", "shortfall"):
        expected = math.fsum(p * getattr(parts[label], name) for label, p in shares.items())
        assert getattr(blend, name) == pytest.approx(expected, rel=CLOSED_FORM)


def test_the_exposure_rule_never_reaches_the_gross_limit():
    rng = np.random.default_rng(2)
    rule = ExposureRule()
    for _ in range(400):
        shares = dict(zip(REGIME_LABELS, rng.dirichlet(np.full(4, 0.3)), strict=True))
        total = math.fsum(shares.values())
        state = RegimeState("bull", {k: v / total for k, v in shares.items()}, 0.5, 1, 1.0)
        step = rule.update(float(rng.normal(0.003, 0.02)), regime=state)
        limits = regime_limits(PolicyRules(), regime_probabilities(state))
        assert step.value <= limits.gross + SUM


@pytest.mark.parametrize(("label", "most"), [("bear", 0.5), ("high_volatility", 0.45), ("sideways", 0.9)])
def test_more_than_the_gross_limit_is_never_invested_and_named(label, most):
    book = Policy().decide(look(returns()), None, regime(label), 1.0)
    assert book.exposure <= most + SUM
    assert f"limit gross: 100.0% asked, {most:.1%} allowed" in book.reasons
    below = Policy().decide(look(returns()), None, regime(label), 0.3)
    assert not any(reason.startswith("limit gross") for reason in below.reasons)


def test_purchases_are_told_to_the_rebalancer():
    outlook = look(returns())
    assert Policy().decide(outlook, None, regime("bull"), 0.5).max_purchases == 0.5
    assert Policy().decide(outlook, None, regime("high_volatility"), 0.4).max_purchases == 0.25
    half = PolicyRules(max_daily_turnover=0.2)
    assert Policy(half).decide(outlook, None, regime("high_volatility"), 0.4).max_purchases == 0.1


def test_the_multiple_is_the_tail_mean_of_a_student():
    degrees, scale = DEGREES_OF_FREEDOM, math.sqrt((DEGREES_OF_FREEDOM - 2.0) / DEGREES_OF_FREEDOM)
    tail = student.expect(lambda x: x, args=(degrees,), lb=student.ppf(0.95, degrees), conditional=True)
    assert pytest.approx(tail * scale, rel=1e-6) == SHORTFALL_MULTIPLE
    assert pytest.approx(standard_tail(degrees, 0.95)[1] * scale, rel=1e-12) == SHORTFALL_MULTIPLE


def test_shortfall_is_that_multiple_of_the_volatility_of_the_book():
    outlook = look(returns(twins=3))
    weights = np.array([0.2, 0.1, 0.0, 0.3, 0.0, 0.1])
    expected = SHORTFALL_MULTIPLE * math.sqrt(weights @ outlook.covariance @ weights)
    assert expected_shortfall(weights, outlook) == pytest.approx(expected, rel=CLOSED_FORM)
    assert expected_shortfall(np.zeros(6), outlook) == 0.0


def test_a_book_over_the_tail_budget_is_scaled_to_it_exactly():
    outlook = look(returns(sigma=0.08, twins=2))
    rules = PolicyRules(gross_caps=ANY_GROSS, shortfall_budget=0.05)
    free = Policy(PolicyRules(gross_caps=ANY_GROSS, shortfall_budget=1.0))
    whole = array(free.decide(outlook, None, regime("bull"), 1.0))
    book = Policy(rules).decide(outlook, None, regime("bull"), 1.0)
    weights = array(book)
    assert expected_shortfall(whole, outlook) > 0.05
    assert 0.05 * (1.0 - 1e-9) <= expected_shortfall(weights, outlook) <= 0.05
    np.testing.assert_allclose(weights / weights.sum(), whole / whole.sum(), rtol=1e-12)
    assert any(reason.startswith("limit tail: a shortfall") for reason in book.reasons)
    assert book.exposure == pytest.approx(weights.sum())
    assert not any(reason.startswith("caps:") for reason in book.reasons)


def test_the_same_book_has_a_smaller_tail_in_a_volatile_market():
    outlook = look(returns(sigma=0.15))
    rules = PolicyRules(gross_caps=ANY_GROSS, high_volatility_tightening=1.0)
    calm = Policy(rules).decide(outlook, None, regime("bull"), 1.0)
    wild = Policy(rules).decide(outlook, None, regime("high_volatility"), 1.0)
    assert expected_shortfall(array(calm), outlook) == pytest.approx(0.1, rel=1e-9)
    assert expected_shortfall(array(wild), outlook) == pytest.approx(0.06, rel=1e-9)


def test_what_the_tail_cannot_see_is_said():
    young = look(returns()[:10])
    weights = np.full(6, 0.1)
    scaled, notes = within_budget(weights, young, 0.01)
    np.testing.assert_array_equal(scaled, weights)
    assert notes == ["tail unchecked: no volatility of A, B, C, D, E and 1 more yet"]
    book = Policy().decide(young, None, None, 0.5)
    assert any(reason.startswith("tail unchecked") for reason in book.reasons)
    assert any(reason.startswith("clusters unchecked: no correlation of A, B") for reason in book.reasons)


def test_an_unknown_correlation_counts_as_perfect():
    rows = returns(n_rows=60)
    rows[:30, 0] = np.nan
    rows[30:, 1] = np.nan
    outlook = look(rows)
    assert np.isnan(outlook.correlation[0, 1]) or outlook.correlation[0, 1] < 1.0
    blind = outlook.correlation.copy()
    blind[0, 1] = blind[1, 0] = np.nan
    unknown = dataclasses.replace(outlook, correlation=blind)
    weights = np.array([0.5, 0.5, 0.0, 0.0, 0.0, 0.0])
    expected = SHORTFALL_MULTIPLE * 0.5 * (outlook.volatility[0] + outlook.volatility[1])
    assert expected_shortfall(weights, unknown) == pytest.approx(expected, rel=CLOSED_FORM)


def test_a_cluster_counts_together_and_is_named():
    rules = PolicyRules(cluster_cap=0.4, gross_caps=ANY_GROSS)
    book = Policy(rules).decide(look(returns(twins=4)), None, regime("bull"), 1.0)
    weights = array(book)
    free = array(
        Policy(PolicyRules(cluster_cap=1.0)).decide(look(returns(twins=4)), None, regime("bull"), 1.0)
    )
    assert free[:4].sum() > 0.4
    assert 0.4 - 1e-9 <= weights[:4].sum() <= 0.4
    assert book.exposure == pytest.approx(1.0, abs=1e-9)
    assert "limit cluster of A, B, C, D: 40.0% held of 40.0%" in book.reasons


def test_clusters_shrink_in_high_volatility_like_positions():
    correlation = np.eye(6)
    correlation[0, 1] = correlation[1, 0] = 0.9
    calm = position_limits(SYMBOLS, PolicyRules(), correlation=correlation)
    wild = position_limits(SYMBOLS, PolicyRules(), correlation=correlation, high_volatility=1.0)
    assert [(g.members.tolist(), g.cap, g.name) for g in calm.groups] == [([0, 1], 0.5, "cluster of A, B")]
    assert wild.groups[0].cap == pytest.approx(0.35)
    assert "position and cluster caps x 0.70" in wild.notes[0]
    assert position_limits(SYMBOLS, PolicyRules(cluster_cap=1.0), correlation=correlation).groups == ()
    with pytest.raises(ShapeError, match=r"\(2, 2\), expected \(6, 6\)"):
        position_limits(SYMBOLS, PolicyRules(), correlation=np.eye(2))


def test_a_sector_and_a_cluster_may_share_assets():
    groups = [
        GroupCap(np.array([0, 1]), 0.3, "sector"),
        GroupCap(np.array([1, 2]), 0.4, "cluster"),
    ]
    weights = fill(np.ones(5), np.ones(5), 1.0, groups=groups)
    # The sector is full at 0.15 each; the cluster, which holds 0.15 by then, never is.
    np.testing.assert_allclose(weights, [0.15, 0.15, 0.7 / 3, 0.7 / 3, 0.7 / 3], atol=1e-12)
    tight = fill(np.ones(5), np.ones(5), 1.0, groups=[groups[0], GroupCap(np.array([1, 2]), 0.2, "cluster")])
    np.testing.assert_allclose(tight, [0.2, 0.1, 0.1, 0.3, 0.3], atol=1e-12)


def test_every_cap_that_binds_is_named_by_what_set_it():
    tiers = {"A": 1, "B": 2, "C": 3}
    limits = position_limits(
        SYMBOLS,
        PolicyRules(),
        tiers=tiers,
        sectors={"E": "x", "F": "x"},
        total_value=1e6,
        dollar_volume=np.array([1e9, 1e9, 1e9, 5e5, 1e9, 1e9]),
    )
    weights = np.array([0.35, 0.2, 0.05, 0.05, 0.25, 0.25])
    assert limits.binding(weights) == (
        "limit position size: A at 35.0%",
        "limit tier 2: B at 20.0%",
        "limit tier 3: C at 5.0%",
        "limit liquidity: D at 5.0%",
        "limit sector x: 50.0% held of 50.0%",
    )
    assert limits.binding(0.5 * weights) == ()


def test_a_regime_whose_book_is_cut_by_a_cap_says_so():
    tiers = {s: 1 if s == "A" else 2 for s in SYMBOLS}
    book = Policy().decide(look(returns()), None, regime("bear", 0.7), 0.45, tiers=tiers)
    # Tier 1 alone holds what the defensive regimes hold: A, up to its cap; the others have room enough.
    cap = 0.35 * (1.0 - 0.3 * 0.1)
    assert f"limit bear: {cap:.1%} of the 45.0% to invest fit (position size: A at {cap:.1%})" in book.reasons
    assert any(reason.startswith("caps: ") for reason in book.reasons)
    assert not any(reason.startswith("limit bull") for reason in book.reasons)


def test_degenerate_universes():
    one = Policy().decide(look(returns()[:, :1]), None, regime("high_volatility"), 1.0)
    assert one.weights["A"] == pytest.approx(0.35 * 0.7)
    assert not any("unchecked" in reason for reason in one.reasons)
    flat = Policy().decide(look(np.zeros((60, 3))), None, regime("bear"), 1.0)
    assert flat.exposure <= 0.5 + SUM
    nothing = Policy().decide(look(np.full((60, 3), np.nan)), None, regime("bear"), 1.0)
    assert nothing.weights.cash == 1.0


def test_rules_are_read_from_settings_and_checked():
    settings = PortfolioSettings(cluster_cap=0.3, shortfall_budget=0.04, max_daily_turnover=0.2)
    rules = PolicyRules.of(settings)
    assert (rules.cluster_cap, rules.shortfall_budget, rules.max_daily_turnover) == (0.3, 0.04, 0.2)
    with pytest.raises(ParameterError, match="no entry for bear"):
        PolicyRules(gross_caps={"bull": 1.0})
    with pytest.raises(ParameterError, match="shortfall_budget"):
        PolicyRules(shortfall_budget=0.0)
    with pytest.raises(ParameterError, match=r"gross_caps\[bull\]"):
        PolicyRules(gross_caps={**ANY_GROSS, "bull": 1.5})
