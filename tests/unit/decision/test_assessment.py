"""The risk assessment of a decision."""

from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest

from poise import risk
from poise.decision import DecisionCycle, equal_book, follow
from poise.decision.metrics import Measurement
from poise.domain.portfolio import Portfolio
from poise.domain.prices import PricePanel
from poise.domain.risk import RiskAssessment
from poise.domain.strict_json import dumps
from poise.testing import perturb_future, simulated_market
from tests.tolerances import CLOSED_FORM


@pytest.fixture(scope="module")
def panel() -> PricePanel:
    return simulated_market(seed=5, n_assets=5, days=520, late_listings=1).panel


def measured(panel: PricePanel, book: Portfolio | None = None) -> Measurement:
    cycle = follow(panel)
    cycle.hold(equal_book(panel) if book is None else book)
    return cycle.measure()


@pytest.fixture(scope="module")
def measurement(panel: PricePanel) -> Measurement:
    return measured(panel)


def plain_panel(returns: np.ndarray) -> PricePanel:
    closes = 100.0 * np.cumprod(np.vstack([np.ones(returns.shape[1]), 1.0 + returns]), axis=0)
    opened = np.datetime64("2015-01-01", "ns") + np.arange(len(closes)) * np.timedelta64(86_400, "s")
    symbols = tuple("ABCDEFG"[: returns.shape[1]])
    return PricePanel(opened, symbols, closes, bar_seconds=86_400.0, periods_per_year=365.0)


def test_components_sum_exactly(measurement: Measurement) -> None:
    found = measurement.assessment
    parts = found.components.values()
    assert set(found.components) == set(measurement.symbols)
    for name, whole in (
        ("value_at_risk_95", found.var_95),
        ("conditional_value_at_risk_95", found.cvar_95),
        ("value_at_risk_99", found.var_99),
        ("conditional_value_at_risk_99", found.cvar_99),
        ("volatility", found.volatility),
        ("weight", measurement.weights.exposure),
    ):
        assert math.fsum(getattr(p, name) for p in parts) == pytest.approx(whole, rel=CLOSED_FORM)


def test_it_agrees_with_the_metrics(measurement: Measurement) -> None:
    found, metrics = measurement.assessment, measurement.metrics
    assert (found.var_95, found.cvar_95) == (metrics.var_95, metrics.cvar_95)
    assert found.risk_score == metrics.risk_score
    assert math.fsum(found.score_parts.values()) == pytest.approx(metrics.risk_score, rel=CLOSED_FORM)
    assert (found.beta, found.max_drawdown) == (metrics.beta_to_market, metrics.max_drawdown)
    assert found.concentration_ratio == metrics.concentration_ratio
    assert found.diversification_ratio == metrics.diversification_ratio
    assert found.effective_assets == pytest.approx(1 / metrics.concentration_ratio)
    assert 1.0 <= found.effective_bets <= 5.0
    assert 0.0 <= found.drawdown <= found.max_drawdown


def test_every_method_at_both_levels_in_order(measurement: Measurement) -> None:
    tails = measurement.assessment.tails
    assert [t.method for t in tails[:5]] == [
        "filtered_historical",
        "historical",
        "gaussian",
        "student_t",
        "cornish_fisher",
    ]
    for at_95, at_99 in zip(tails[:5], tails[5:], strict=True):
        assert (at_95.confidence_level, at_99.confidence_level) == (0.95, 0.99)
        assert 0.0 < at_95.value_at_risk < at_99.value_at_risk
        assert at_95.conditional_value_at_risk >= at_95.value_at_risk
        assert at_99.conditional_value_at_risk >= at_99.value_at_risk
    returns = measurement.history.returns
    assert tails[1].value_at_risk == risk.value_at_risk(returns)
    assert tails[2].value_at_risk == risk.value_at_risk(returns - returns.mean(), method="gaussian")


def test_the_filtered_tail_is_that_of_the_batch_function() -> None:
    panel = plain_panel(0.01 * np.random.default_rng(1).standard_t(4, (300, 3)))
    found = measured(panel).assessment
    expected = risk.filtered_value_at_risk(panel.to_returns(), np.full(3, 1 / 3))
    assert found.method == "filtered_historical"
    assert found.tails[0].value_at_risk == pytest.approx(expected.value_at_risk, rel=1e-10)
    assert found.tails[0].conditional_value_at_risk == pytest.approx(
        expected.conditional_value_at_risk, rel=1e-10
    )


def test_cornish_fisher_says_where_it_does_not_hold() -> None:
    rng = np.random.default_rng(2)
    wild = plain_panel(np.clip(0.01 * rng.standard_t(2.2, (400, 1)), -0.5, 0.5))
    calm = plain_panel(0.005 * rng.logistic(size=(400, 1)))
    for panel, valid in ((wild, False), (calm, True)):
        tails = measured(panel).assessment.tails
        student, expansion = tails[3], tails[4]
        assert expansion.valid is valid
        assert (expansion.value_at_risk == student.value_at_risk) is not valid


def test_short_windows_are_of_low_confidence(panel: PricePanel, measurement: Measurement) -> None:
    assert measurement.assessment.low_confidence == ("99%",)
    assert measured(panel.rows(200, 350)).assessment.low_confidence == ("95%", "99%")


@pytest.mark.parametrize("rows", [2, 5, 30, 60])
def test_a_short_history_gives_an_answer(panel: PricePanel, rows: int) -> None:
    found = measured(panel.rows(0, rows)).assessment
    assert found.low_confidence == ("95%", "99%")
    assert found.backtest is None
    if rows > 21:
        assert found.cvar_95 >= found.var_95
        assert found.method == ("historical" if rows < 41 else "filtered_historical")
    else:
        assert math.isnan(found.var_95)
        assert not found.components
        assert all(math.isnan(t.value_at_risk) for t in found.tails)
    json.loads(dumps(found))


def test_all_cash_has_no_risk(panel: PricePanel) -> None:
    found = measured(panel, Portfolio(cash=100.0)).assessment
    assert [found.var_95, found.cvar_99, found.risk_score, found.volatility, found.effective_bets] == [
        0.0
    ] * 5
    assert found.diversification_ratio == 1.0
    assert not found.components
    assert found.low_confidence == ()
    assert set(found.score_parts.values()) == {0.0}
    assert {t.value_at_risk for t in found.tails} == {0.0}


def test_one_asset_and_a_constant_one() -> None:
    single = measured(plain_panel(0.01 * np.random.default_rng(4).standard_normal((300, 1)))).assessment
    assert single.diversification_ratio == single.effective_bets == single.concentration_ratio == 1.0
    assert math.isnan(single.average_correlation)
    assert single.components["A"].value_at_risk_95 == pytest.approx(single.var_95)
    flat = measured(plain_panel(np.zeros((300, 2)))).assessment
    assert flat.var_95 == flat.cvar_99 == flat.volatility == 0.0
    assert math.isnan(flat.beta)
    assert flat.backtest is None


def test_an_asset_without_history_is_in_no_component(panel: PricePanel) -> None:
    closes = panel.closes.copy()
    closes[:-5, 0] = np.nan
    young = dataclasses.replace(panel, closes=closes)
    found = measured(young).assessment
    assert panel.symbols[0] not in found.components
    assert math.isnan(found.volatility)
    assert found.cvar_95 > 0.0


def test_the_account_keeps_its_own_drawdown(panel: PricePanel) -> None:
    cycle = DecisionCycle(panel.symbols, periods_per_year=365.0)
    cycle.observe(panel.bar(400))
    cycle.hold(equal_book(panel.rows(0, 401)))
    values = []
    for row in range(401, 500):
        cycle.observe(panel.bar(row))
        measurement = cycle.measure()
        values.append(measurement.total_value)
    path = np.array([10_000.0, *values])
    below = 1.0 - path / np.maximum.accumulate(path)
    assert measurement.assessment.account_drawdown == pytest.approx(below[-1])
    assert measurement.assessment.account_max_drawdown == pytest.approx(below.max())


def test_the_backtest_is_reported_and_a_rejected_model_is_inflated() -> None:
    """Calm for two years, then the volatility jumps about faster than a half-life of 21 can follow."""
    rng = np.random.default_rng(8)
    good = plain_panel(0.01 * rng.standard_normal((620, 2)))
    bursts = np.where(np.arange(620) % 12 == 0, -0.06, 0.004)
    bursts[:400] = 0.01 * rng.standard_normal(400)
    for panel, sound in ((good, True), (plain_panel(bursts[:, None] + np.zeros((620, 2))), False)):
        measurement = measured(panel)
        found = measurement.assessment
        assert found.backtest is not None
        assert found.backtest.n_observations == 620 - 220
        assert (not found.backtest.rejected) is sound
        told = [w for w in measurement.warnings if w.startswith("risk_model: ")]
        assert bool(told) is not sound
        assert found.inflation == found.backtest.inflation
        assert found.var_95 == found.inflation * found.tails[0].value_at_risk
        assert measurement.metrics.cvar_95 == found.cvar_95
        if not sound:
            assert 1.0 < found.inflation <= 1.5


def test_nothing_looks_ahead(panel: PricePanel) -> None:
    changed = perturb_future(panel, 499, rng=np.random.default_rng(5))
    one, other = (measured(p.rows(0, 500)).assessment for p in (panel, changed))
    assert plain(one) == plain(other)


def test_following_in_pieces_equals_following_at_once(panel: PricePanel) -> None:
    pieces = follow(panel.rows(0, 300))
    for stop in (301, 440, 520):
        pieces = follow(panel.rows(0, stop), cycle=pieces)
    pieces.hold(equal_book(panel))
    assert plain(pieces.measure().assessment) == plain(measured(panel).assessment)


def plain(assessment: RiskAssessment) -> object:
    return json.loads(dumps(assessment))
