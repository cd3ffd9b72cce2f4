"""The rehearsal: causal, costed, and beside an honest baseline."""

import dataclasses

import numpy as np
import pytest

from poise.backtest import Backtest, BacktestResult
from poise.config.portfolio import PortfolioSettings
from poise.domain.prices import PricePanel
from poise.errors import NotEnoughDataError, ParameterError
from poise.testing import perturb_future, simulated_market
from tests.tolerances import CLOSED_FORM


@pytest.fixture(scope="module")
def panel() -> PricePanel:
    return simulated_market(seed=11, n_assets=5, days=260, late_listings=1, delisted=True).panel


@pytest.fixture(scope="module")
def result(panel: PricePanel) -> BacktestResult:
    return Backtest(panel).run()


def test_it_trades_and_accounts_for_every_dollar(result: BacktestResult) -> None:
    assert result.rebalances
    assert result.costs["fees"] > 0.0
    assert result.costs["slippage"] > 0.0
    assert result.costs["fees"] == pytest.approx(sum(f.fee for f in result.fills))
    last = dict(zip(result.symbols, result.weights[-1], strict=True))
    held = set(result.final_portfolio.positions)
    assert held == {s for s, w in last.items() if w > 0.0}
    assert (result.weights >= 0.0).all()
    assert (result.exposure() <= 1.0 + CLOSED_FORM).all()


def test_a_fill_comes_after_its_decision(result: BacktestResult) -> None:
    decided = {r.proposal.id: r.proposal.as_of for r in result.rebalances}
    assert all(f.filled_at > decided[f.proposal_id] for f in result.fills)


def test_cut_at_t_agrees_with_the_whole_up_to_t(panel: PricePanel, result: BacktestResult) -> None:
    cut = Backtest(panel.rows(0, 200), warm_up=63).run()
    n = len(cut.equity)
    np.testing.assert_array_equal(cut.equity, result.equity[:n])
    np.testing.assert_array_equal(cut.baseline, result.baseline[:n])
    np.testing.assert_array_equal(cut.weights, result.weights[:n])
    assert cut.regimes == result.regimes[:n]


def test_the_past_does_not_notice_a_changed_future(panel: PricePanel, result: BacktestResult) -> None:
    changed = Backtest(perturb_future(panel, 180, rng=np.random.default_rng(3))).run()
    n = 181 - 63
    np.testing.assert_array_equal(changed.equity[:n], result.equity[:n])
    np.testing.assert_array_equal(changed.weights[:n], result.weights[:n])
    assert not np.array_equal(changed.equity, result.equity)


def test_higher_costs_cost_more(panel: PricePanel, result: BacktestResult) -> None:
    dear = Backtest(panel, settings=PortfolioSettings(fee_bps=60.0)).run()
    assert dear.costs["baseline_fees"] > 4.0 * result.costs["baseline_fees"]
    assert dear.baseline[-1] < result.baseline[-1]


def test_without_costs_the_baseline_is_the_equal_weighted_mean(panel: PricePanel) -> None:
    flat = dataclasses.replace(
        panel.select(panel.symbols[2:4]).rows(0, 40), dollar_volumes=None, market_caps=None
    )
    free = PortfolioSettings(fee_bps=0.0, default_spread_bps=0.0, impact_coefficient=0.0)
    bare = dataclasses.replace(flat, assets=type(flat.assets)())
    made = Backtest(bare, settings=free, warm_up=2).run()
    # Decided at row 2, filled at row 3: from there on 99.8 % are invested equally until the next month.
    growth = bare.closes[10] / bare.closes[3]
    value = 10_000.0 * (0.002 + 0.998 * growth.mean())
    assert made.baseline[8] == pytest.approx(value, rel=1e-9)


def test_caps_hold_after_every_rebalance(panel: PricePanel) -> None:
    made = Backtest(panel, settings=PortfolioSettings(max_position_size=0.2)).run()
    for rebalance in made.rebalances:
        target = rebalance.proposal.target_weights
        assert max(target.risky.values()) <= 0.2


def test_too_short_a_history_says_how_much_is_needed(panel: PricePanel) -> None:
    with pytest.raises(NotEnoughDataError, match="at least"):
        Backtest(panel.rows(0, 2), warm_up=1)
    with pytest.raises(ParameterError, match="cash"):
        Backtest(panel, cash=0.0)
    with pytest.raises(ParameterError, match="delay"):
        Backtest(panel, delay=0)


def test_frame_and_document_tell_the_same(result: BacktestResult) -> None:
    frame = result.to_frame()
    assert frame["equity"].to_numpy() == pytest.approx(result.equity)
    assert str(frame.index.tz) == "UTC"
    document = result.to_dict()
    assert document["n_rebalances"] == len(result.rebalances)
    assert document["strategy"].total_return == pytest.approx(result.equity[-1] / result.equity[0] - 1.0)
