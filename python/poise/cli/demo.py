"""``poise demo``: the whole path on real prices, from bars to a rebalanced portfolio and a report."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from poise import __version__
from poise.backtest import Backtest, BacktestResult
from poise.cli.inputs import load_book, load_market
from poise.cli.options import AsJson, BadBarRule, ConfigFile, DataFile, PortfolioFile
from poise.cli.output import busy, console, print_json, progress, safe, say
from poise.cli.tables import (
    book_table,
    bullets,
    execution_lines,
    headline,
    metrics_table,
    performance_table,
    proposal_tables,
    regime_lines,
    warnings_list,
)
from poise.config.paths import expanded
from poise.config.settings import Settings, load_settings
from poise.costs import CostModel
from poise.decision import Decision
from poise.domain.orders import ExecutionReport
from poise.domain.portfolio import Portfolio
from poise.domain.prices import PricePanel
from poise.errors import NotEnoughDataError
from poise.execution import PaperBroker
from poise.market import MarketData, to_daily
from poise.portfolio_rebalancer import PortfolioRebalancer
from poise.report import ReportContent, require_writable, write_report


@dataclass(frozen=True)
class Outcome:
    """What the demo found and did."""

    market: MarketData
    decision: Decision
    execution: ExecutionReport | None
    result: BacktestResult | None
    warnings: tuple[str, ...]


def demo(
    data: DataFile = None,
    portfolio: PortfolioFile = None,
    report: Annotated[
        Path | None, typer.Option("--report", metavar="FILE", help="Write the HTML report there.")
    ] = None,
    config: ConfigFile = None,
    on_bad_bar: BadBarRule = None,
    as_json: AsJson = False,
) -> None:
    """Run the whole path on real prices: decide, rebalance on a paper broker, rehearse, report.

    Example: poise demo --data bars.parquet --report report.html
    """
    settings, _ = load_settings(config)
    target = expanded(report or settings.report.path)
    # Everything a user can get wrong is looked at before the long computation.
    require_writable(target)
    with busy("deciding", quiet=as_json):
        market, data_warnings = load_market(settings, data, on_bad_bar)
        panel = to_daily(market.panel)
        book, book_warnings = load_book(settings, portfolio, panel)
        decision, execution, more = asyncio.run(_rebalance(market, panel, book, settings))
    result, rehearsal_warnings = _rehearse(market.panel, settings, quiet=as_json)
    found = [*data_warnings, *book_warnings, *rehearsal_warnings, *more]
    outcome = Outcome(market, decision, execution, result, tuple(dict.fromkeys(found)))
    written = write_report(_content(outcome, settings), target)
    if as_json:
        print_json(_document(outcome, written))
    else:
        _show(outcome, written)


async def _rebalance(
    market: MarketData, panel: PricePanel, book: Portfolio, settings: Settings
) -> tuple[Decision, ExecutionReport | None, tuple[str, ...]]:
    """Decide at the last bar and execute the first proposal on the embedded paper broker."""
    broker = PaperBroker(
        cash=book.cash, positions=book.positions, prices=panel, costs=CostModel.of(settings.portfolio)
    )
    rebalancer = PortfolioRebalancer(settings.portfolio)
    proposals = await rebalancer.evaluate_rebalancing_need(book, market)
    decision = rebalancer.last_decision
    assert decision is not None  # noqa: S101 - evaluating sets it
    if not proposals:
        return decision, None, rebalancer.warnings
    broker.mark(panel, decision.conditions)
    execution = await rebalancer.execute_rebalance_proposal(proposals[0], broker)
    return decision, execution, rebalancer.warnings


def _rehearse(
    panel: PricePanel, settings: Settings, *, quiet: bool
) -> tuple[BacktestResult | None, tuple[str, ...]]:
    try:
        backtest = Backtest(panel, settings=settings.portfolio, cash=settings.paper.capital)
    except NotEnoughDataError as error:
        return None, (f"no_rehearsal: {error}",)
    with progress("rehearsing", quiet=quiet) as report:
        return backtest.run(progress=report), ()


def _content(outcome: Outcome, settings: Settings) -> ReportContent:
    return ReportContent(
        title="A portfolio, measured, decided, rebalanced",
        mode="PAPER",
        source=outcome.market.source,
        decision=outcome.decision,
        backtest=outcome.result,
        execution=outcome.execution,
        settings=settings.portfolio.model_dump(),
        data_report=outcome.market.report.to_dict(),
        warnings=outcome.warnings,
        version=__version__,
    )


def _document(outcome: Outcome, written: Path) -> dict[str, Any]:
    decision = outcome.decision
    proposal = decision.proposals[0] if decision.proposals else None
    return {
        "mode": "paper",
        "source": outcome.market.source,
        "as_of": decision.as_of,
        "metrics": decision.metrics,
        "regime": decision.regime,
        "target_weights": decision.target.weights,
        "proposals": list(decision.proposals),
        "no_trade_because": decision.proposals.no_trade_because,
        "triggers": decision.proposals.readings,
        "trades": () if proposal is None else proposal.trades,
        "execution": outcome.execution,
        "performance": None if outcome.result is None else outcome.result.to_dict(),
        "warnings": outcome.warnings,
        "data": outcome.market.report,
        "report": written,
    }


def _show(outcome: Outcome, written: Path) -> None:
    decision, execution = outcome.decision, outcome.execution
    parts = [headline(outcome.market.source, decision.as_of)]
    if outcome.result is not None:
        parts.append(performance_table(outcome.result))
    parts += [regime_lines(decision.regime), metrics_table(decision.metrics), book_table(decision, execution)]
    if decision.proposals:
        parts += proposal_tables(decision.proposals[0])
    else:
        parts.append(bullets("No trade", [decision.proposals.no_trade_because or "nothing to do"]))
    if execution is not None:
        parts.append(execution_lines(execution))
    parts += warnings_list(outcome.warnings)
    out = console()
    for part in parts:
        out.print(part)
        out.print()
    say(f"[bold]Report[/]  {safe(str(written))}")
