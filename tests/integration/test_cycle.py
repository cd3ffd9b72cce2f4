"""One bar in, one decision out."""

import copy
import dataclasses

import numpy as np
import pytest

from poise.config.portfolio import PortfolioSettings
from poise.decision import Decision, DecisionCycle, equal_book, follow
from poise.domain.assets import AssetProfile, AssetTable
from poise.domain.portfolio import Portfolio
from poise.domain.prices import PricePanel
from poise.errors import ShapeError, StateError, UnknownSymbolError
from poise.strategy import FactorSkill, Skill
from poise.testing import perturb_future, simulated_market


@pytest.fixture(scope="module")
def panel() -> PricePanel:
    return simulated_market(seed=21, n_assets=6, days=220, late_listings=1).panel


def at_the_end(panel: PricePanel, settings: PortfolioSettings | None = None) -> Decision:
    cycle = follow(panel, settings=settings)
    cycle.hold(equal_book(panel))
    return cycle.decide()


def test_a_decision_is_complete(panel: PricePanel) -> None:
    decision = at_the_end(panel)
    assert sum(decision.target.weights.values()) == pytest.approx(1.0, abs=1e-12)
    assert decision.metrics.total_value_usd == pytest.approx(10_000.0)
    assert decision.metrics.asset_count == 6
    assert decision.metrics.cvar_95 >= decision.metrics.var_95 > 0.0
    assert decision.metrics.diversification_ratio >= 1.0
    assert decision.metrics.beta_to_market == pytest.approx(1.0, abs=0.2)
    assert 0.0 <= decision.metrics.risk_score <= 1.0
    assert set(decision.signals) == set(panel.symbols)
    assert decision.proposals or decision.proposals.no_trade_because
    assert len(decision.proposals.readings) == 7
    assert decision.as_of == panel.as_of


def test_following_in_pieces_equals_following_at_once(panel: PricePanel) -> None:
    whole = follow(panel)
    pieces = follow(panel.rows(0, 100))
    for stop in (101, 150, 220):
        before = pieces
        pieces = follow(panel.rows(0, stop), cycle=pieces)
        assert pieces is before
    whole.hold(equal_book(panel))
    pieces.hold(equal_book(panel))
    one, other = whole.decide(), pieces.decide()
    assert one.target.weights == other.target.weights
    assert one.metrics == other.metrics


def test_a_revised_history_starts_a_new_cycle(panel: PricePanel) -> None:
    seen = follow(panel.rows(0, 100))
    revised = perturb_future(panel, 50, rng=np.random.default_rng(2))
    assert follow(revised, cycle=seen) is not seen
    assert follow(panel, cycle=seen, settings=PortfolioSettings(fee_bps=1.0)) is not seen


def test_a_revision_anywhere_is_noticed(panel: PricePanel) -> None:
    seen = follow(panel.rows(0, 100))
    closes = panel.closes.copy()
    closes[98, 0] *= 1.5
    revised = dataclasses.replace(panel, closes=closes)
    assert follow(revised.rows(0, 100), cycle=seen) is not seen
    assert follow(panel, cycle=seen) is seen


def test_a_reused_cycle_takes_over_what_is_newly_known(panel: PricePanel) -> None:
    settings = PortfolioSettings(sector_cap=0.1)
    bare = dataclasses.replace(panel, assets=AssetTable())
    one_sector = AssetTable(AssetProfile(symbol=s, sector="coins") for s in panel.symbols)
    known = dataclasses.replace(panel, assets=one_sector)
    cycle = follow(bare, settings=settings)
    cycle.hold(equal_book(bare))
    assert cycle.decide().target.exposure > 0.1
    assert follow(known, settings=settings, cycle=cycle) is cycle
    assert cycle.decide().target.exposure <= 0.1


def test_the_decision_at_t_does_not_notice_a_changed_future(panel: PricePanel) -> None:
    changed = perturb_future(panel, 149, rng=np.random.default_rng(5))
    one, other = at_the_end(panel.rows(0, 150)), at_the_end(changed.rows(0, 150))
    assert one.target.weights == other.target.weights
    assert one.metrics == other.metrics


def test_a_copied_cycle_goes_on_as_the_original(panel: PricePanel) -> None:
    cycle = follow(panel.rows(0, 219))
    cycle.hold(equal_book(panel.rows(0, 219)))
    twin = copy.deepcopy(cycle)
    assert cycle.step(panel.bar(219)).target.weights == twin.step(panel.bar(219)).target.weights


def test_permuting_the_assets_permutes_the_answer(panel: PricePanel) -> None:
    shuffled = panel.select(panel.symbols[::-1])
    one, other = at_the_end(panel), at_the_end(shuffled)
    for symbol, weight in one.target.weights.items():
        assert other.target.weights[symbol] == pytest.approx(weight, abs=1e-7)
    assert other.metrics.var_95 == pytest.approx(one.metrics.var_95)


def test_a_given_correlation_replaces_the_estimate(panel: PricePanel) -> None:
    cycle = follow(panel)
    cycle.hold(equal_book(panel))
    independent = cycle.decide(correlation=np.eye(6))
    assert independent.metrics.correlation_matrix[panel.symbols[0]][panel.symbols[1]] == 0.0
    assert independent.metrics.diversification_ratio > at_the_end(panel).metrics.diversification_ratio
    with pytest.raises(ShapeError, match=r"\(2, 2\)"):
        cycle.decide(correlation=np.eye(2))


def test_order_of_calls_and_strangers_are_refused(panel: PricePanel) -> None:
    cycle = DecisionCycle(panel.symbols, periods_per_year=365.0)
    with pytest.raises(StateError, match="no bar yet"):
        cycle.decide()
    with pytest.raises(UnknownSymbolError, match="DOGE"):
        cycle.hold(Portfolio(positions={"DOGE": 1.0}))


@pytest.mark.parametrize("rows", [2, 3, 25, 45])
def test_a_short_history_gives_an_answer_with_warnings(panel: PricePanel, rows: int) -> None:
    decision = at_the_end(panel.rows(0, rows))
    assert sum(decision.target.weights.values()) == pytest.approx(1.0, abs=1e-12)
    assert any(w.startswith("short_history") for w in decision.warnings)


def test_an_empty_book_gets_an_answer_and_no_trade(panel: PricePanel) -> None:
    decision = follow(panel).decide()
    assert decision.metrics.total_value_usd == 0.0
    assert decision.weights.cash == 1.0
    assert not decision.proposals
    assert decision.proposals.no_trade_because


def test_decisions_are_remembered_and_judged_once_their_returns_are_known(panel: PricePanel) -> None:
    settings = PortfolioSettings(holding_period_days=5.0)
    cycle = follow(panel.rows(0, 180), settings=settings)
    cycle.hold(equal_book(panel.rows(0, 180)))
    for t in range(180, 200):
        cycle.step(panel.bar(t))
        cycle.decide()
        cycle.target_under("bear")
    # Bars 180 to 199; the return of a score is there one bar and a horizon of five later.
    record = cycle.factor_skill
    assert record.horizon == 5
    assert record.skill.n_observations[0] == 14
    assert record.to_dict()["scores"]["combined"]["n_observations"] == 14
    assert cycle.decide().signals.alpha.any() == (record.skill.mean[-1] > 0.0)


def test_the_record_of_decisions_does_not_notice_a_changed_future(panel: PricePanel) -> None:
    changed = perturb_future(panel, 190, rng=np.random.default_rng(6))
    records = []
    for prices in (panel, changed):
        cycle = follow(prices.rows(0, 170), settings=PortfolioSettings(holding_period_days=5.0))
        cycle.hold(equal_book(prices.rows(0, 170)))
        said = []
        for t in range(170, 196):
            decision = cycle.step(prices.bar(t))
            said.append((decision.signals.weights, decision.signals.alpha, cycle.factor_skill.skill.mean))
        records.append(said)
    for one, other in zip(records[0][:21], records[1][:21], strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)
    assert (records[0][-1][2] != records[1][-1][2]).any()


def with_skill(
    panel: PricePanel, monkeypatch: pytest.MonkeyPatch, mean: float, **settings: object
) -> Decision:
    """Decide with equal cash and assets while every score is known to have this coefficient."""
    known = Skill(np.full(5, mean), np.full(5, 1000, dtype=np.int64))
    monkeypatch.setattr(FactorSkill, "learn", lambda *_: known)
    cycle = follow(panel, settings=PortfolioSettings(fee_bps=0.0, default_spread_bps=0.0, **settings))
    cycle.hold(Portfolio(cash=5_000.0, positions=equal_book(panel, 5_000.0).positions))
    return cycle.decide()


def test_kept_alpha_enters_the_benefit_over_the_holding_period(
    panel: PricePanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = with_skill(panel, monkeypatch, 0.04)
    told = with_skill(panel, monkeypatch, 0.04, use_alpha=True)
    assert plain.signals.kept.any()
    assert not plain.signals.kept.all()
    assert [t.quantity for t in told.proposals[0].trades] == [t.quantity for t in plain.proposals[0].trades]
    alpha = dict(zip(panel.symbols, told.signals.alpha * told.signals.kept, strict=True))
    gain = sum((t.weight_after - t.weight_before) * alpha[t.symbol] for t in told.proposals[0].trades)
    assert gain != 0.0
    difference = told.proposals[0].expected_benefit - plain.proposals[0].expected_benefit
    assert difference == pytest.approx(10_000.0 * gain, rel=1e-9)


def test_without_skill_alpha_changes_nothing_at_all(
    panel: PricePanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = with_skill(panel, monkeypatch, -0.02)
    told = with_skill(panel, monkeypatch, -0.02, use_alpha=True)
    assert plain.proposals
    assert told.proposals == plain.proposals
