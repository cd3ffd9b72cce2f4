"""A report about a small simulated market whose symbols mean harm."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from poise.backtest import Backtest, BacktestResult
from poise.execution import PaperBroker
from poise.market import MarketData, panel_from
from poise.portfolio_rebalancer import PortfolioRebalancer
from poise.report import ReportContent
from poise.testing import simulated_market

HOSTILE = ("<script>alert(1)</script>", "A&B'\"", "<a href='http://x.example'>SIM</a>", "600519")


@pytest.fixture(scope="session")
def market() -> MarketData:
    """Four assets over 130 days."""
    simulated = simulated_market(seed=5, days=130, symbols=HOSTILE)
    return panel_from(None, market_data=simulated.market_data())


@pytest.fixture(scope="session")
def result(market: MarketData) -> BacktestResult:
    """A rehearsal on it."""
    return Backtest(market.panel).run()


@pytest.fixture(scope="session")
def content(market: MarketData, result: BacktestResult) -> ReportContent:
    """Everything a report can show: a decision with a proposal, executed, and a rehearsal."""
    rebalancer = PortfolioRebalancer()
    alive = market.panel.last_prices()
    dollars = dict(zip(HOSTILE, (4_000.0, 3_000.0, 2_000.0, 1_000.0), strict=True))
    portfolio = {"cash": 0.0, "positions": {s: d / alive[s] for s, d in dollars.items()}}
    proposals = rebalancer.evaluate_now(portfolio, market)
    decision = rebalancer.last_decision
    assert decision is not None
    broker = PaperBroker(
        cash=0.0,
        positions=decision.portfolio.positions,
        prices=market.panel,
        conditions=decision.conditions,
    )
    execution = asyncio.run(rebalancer.execute_rebalance_proposal(proposals[0], broker))
    return ReportContent(
        title="A title & <b>more</b>",
        mode="PAPER",
        source="simulated <i>prices</i>",
        decision=decision,
        backtest=result,
        execution=execution,
        settings=rebalancer.settings.model_dump(),
        data_report=market.report.to_dict(),
        warnings=("hostile: <img src=x onerror=alert(1)>",),
        version="1.2.3",
    )


@pytest.fixture(scope="session")
def bare(content: ReportContent) -> ReportContent:
    """The least a report can show: no rehearsal, no execution, nothing proposed, no warning."""
    proposals = type(content.decision.proposals)(no_trade_because="<b>nothing</b> drifted")
    return replace(
        content,
        decision=replace(content.decision, proposals=proposals),
        backtest=None,
        execution=None,
        warnings=(),
    )
