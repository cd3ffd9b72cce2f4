"""The tables that a person sees."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.text import Text

from poise.cli.output import printable, table
from poise.cli.risk_tables import risk_tables
from poise.cli.sparkline import sparkline
from poise.domain.analysis import StrategyAnalysis
from poise.domain.metrics import EnhancedPortfolioMetrics
from poise.domain.proposals import RebalanceProposal
from poise.domain.regime import RegimeState
from poise.report.words import counted, dollars, number, percent, quantity, spoken

if TYPE_CHECKING:
    from datetime import datetime

    from rich.console import RenderableType

    from poise.backtest import BacktestResult
    from poise.decision import Decision
    from poise.domain.orders import ExecutionReport

_REGIME_STYLE = {"bull": "green", "bear": "red", "sideways": "white", "high_volatility": "yellow"}
MAX_WARNINGS = 12


def headline(source: str, as_of: datetime) -> RenderableType:
    """Return what is looked at: pretended money, which prices, up to when."""
    return Text.assemble(("PAPER  ", "bold cyan"), f"{printable(source)}, as of {as_of:%Y-%m-%d %H:%M} UTC")


def regime_lines(regime: RegimeState) -> RenderableType:
    """Return the regime with confidence, age and what is expected to remain."""
    others = ", ".join(f"{spoken(k)} {v:.0%}" for k, v in regime.probabilities.items())
    return Text.assemble(
        ("Regime  ", "bold"),
        (spoken(regime.label), f"bold {_REGIME_STYLE[regime.label]}"),
        f"  {regime.confidence:.0%} sure, {regime.age} bars old, "
        f"expected to last {number(regime.expected_remaining, 0)} more\n",
        (f"        now: {others}", "dim"),
    )


def metrics_table(metrics: EnhancedPortfolioMetrics) -> RenderableType:
    """Return the metrics without the correlation matrix."""
    rows = [
        ("value", dollars(metrics.total_value_usd)),
        ("assets", str(metrics.asset_count)),
        ("cash", f"{metrics.cash_percentage:.1f}%"),
        ("risk score, 0 to 1", number(metrics.risk_score)),
        ("value at risk 95%, one day", percent(metrics.var_95, 2)),
        ("expected shortfall 95%, one day", percent(metrics.cvar_95, 2)),
        ("volatility a year", percent(metrics.volatility)),
        ("worst drawdown, pro forma", percent(metrics.max_drawdown)),
        ("Sharpe ratio, pro forma", number(metrics.sharpe_ratio)),
        ("beta to market", number(metrics.beta_to_market)),
        ("diversification ratio", number(metrics.diversification_ratio)),
        ("concentration", number(metrics.concentration_ratio, 3)),
    ]
    return table("The book before trading", ["", ""], rows)


def book_table(decision: Decision, execution: ExecutionReport | None) -> RenderableType:
    """Return what is held, what is wanted and what trading left, by asset."""
    held, target = decision.weights, decision.target.weights
    symbols = sorted(set(held) | set(target), key=lambda s: (-target.get(s, 0.0), s))
    columns = ["asset", "held", "target", "signal"]
    rows = [
        [s, percent(held.get(s, 0.0)), percent(target.get(s, 0.0)), _signal(decision.signals, s)]
        for s in symbols
        if held.get(s, 0.0) or target.get(s, 0.0)
    ]
    if execution is not None:
        columns.insert(3, "after trading")
        for row in rows:
            row.insert(3, percent(execution.final_weights.get(row[0], 0.0)))
    return table("Portfolio", columns, rows)


def _signal(signals: Mapping[str, Any], symbol: str) -> str:
    return number(signals[symbol].factors["combined"]) if symbol in signals else ""


def proposal_tables(proposal: RebalanceProposal) -> Iterator[RenderableType]:
    """Yield why a rebalance is proposed and its trades with cost and benefit."""
    yield Text.assemble(
        ("Proposal  ", "bold"),
        (f"{proposal.urgency} urgency", "bold yellow"),
        f"  trigger {proposal.trigger}, {spoken(proposal.scope)} rebalance, "
        f"strategy {spoken(proposal.strategy)}, turnover {percent(proposal.turnover)}\n",
        f"          expected benefit {dollars(proposal.expected_benefit)}, "
        f"cost {dollars(proposal.expected_cost)}, net {dollars(proposal.net_benefit)}, "
        f"confidence {proposal.confidence:.0%}",
    )
    yield bullets("Why", proposal.reasons)
    rows = [
        (
            t.symbol,
            t.side,
            quantity(t.quantity),
            dollars(t.notional_usd),
            dollars(t.expected_cost_usd),
            dollars(t.expected_benefit_usd),
            f"{percent(t.weight_before)} → {percent(t.weight_after)}",
        )
        for t in proposal.trades
    ]
    columns = ["asset", "side", "quantity", "notional", "cost", "benefit", "weight"]
    yield table("Trades, in order", columns, rows, words=2)


def execution_lines(execution: ExecutionReport) -> RenderableType:
    """Return what became of the trades."""
    done = Text.assemble(
        ("Executed", "bold"),
        f" on the {execution.mode} broker: {counted(len(execution.fills), 'fill')}, "
        f"fees {dollars(execution.fees)}, slippage {dollars(execution.slippage)}",
    )
    if not execution.refused:
        return done
    return Group(done, bullets("Refused", (f"{order.symbol}: {order.reason}" for order in execution.refused)))


def performance_table(result: BacktestResult) -> RenderableType:
    """Return the equity of strategy beside baseline, drawn and in figures."""
    pair = result.performance()
    strategy, baseline = pair["strategy"], pair["baseline"]
    figures = (
        ("return a year", percent, "annualized_return"),
        ("volatility a year", percent, "annualized_volatility"),
        ("Sharpe ratio", number, "sharpe_ratio"),
        ("Sortino ratio", number, "sortino_ratio"),
        ("Calmar ratio", number, "calmar_ratio"),
        ("worst drawdown", percent, "max_drawdown"),
    )
    costs = result.costs
    rows = [
        ("final value", dollars(float(result.equity[-1]), 0), dollars(float(result.baseline[-1]), 0)),
        *((name, show(getattr(strategy, f)), show(getattr(baseline, f))) for name, show, f in figures),
        (
            "costs paid",
            dollars(costs["fees"] + costs["slippage"], 0),
            dollars(costs["baseline_fees"] + costs["baseline_slippage"], 0),
        ),
        ("mean exposure", percent(float(result.exposure().mean()), 0), ""),
        ("rebalances", str(len(result.rebalances)), ""),
    ]
    start, end = (str(t.astype("datetime64[D]")) for t in (result.times[0], result.times[-1]))
    title = f"Rehearsal {start} to {end}, costs included"
    return Group(table(title, ["", "strategy", "static baseline"], rows), Text(), _equity_lines(result))


def _equity_lines(result: BacktestResult) -> RenderableType:
    lines = {"strategy": result.equity, "static baseline": result.baseline}
    lowest = min(float(v.min()) for v in lines.values())
    highest = max(float(v.max()) for v in lines.values())
    drawn = (f"{name:<16} {sparkline(v, lowest=lowest, highest=highest)}" for name, v in lines.items())
    return Text("\n".join(drawn))


def bullets(title: str, lines: Iterable[str]) -> RenderableType:
    """Return a titled list whose long lines hang under their beginning."""
    return table(title, ["", ""], [(" -", line) for line in lines], words=2)


def warnings_list(warnings: tuple[str, ...]) -> Iterator[RenderableType]:
    """Yield the warnings, the first dozen in full."""
    if not warnings:
        return
    shown = list(warnings[:MAX_WARNINGS])
    if len(warnings) > MAX_WARNINGS:
        shown.append(f"and {len(warnings) - MAX_WARNINGS} more (--json lists all)")
    yield bullets("Warnings", shown)


def analysis_tables(
    analysis: StrategyAnalysis, correlation: Iterable[RenderableType] = ()
) -> Iterator[RenderableType]:
    """Yield what `poise analyze` shows, the tables of correlation among it."""
    yield headline(analysis.source, analysis.as_of)
    yield regime_lines(analysis.regime)
    yield metrics_table(analysis.metrics)
    yield from risk_tables(analysis.risk)
    yield from correlation
    yield signals_table(analysis)
    yield target_table(analysis)
    advice = analysis.recommendation
    if advice is None:
        yield bullets("Why this target", analysis.reasons)
    else:
        size = "" if advice.side == "hold" else f", {dollars(advice.size_usd)}"
        yield Text.assemble(("Recommendation  ", "bold"), printable(f"{advice.side} {advice.symbol}{size}"))
        yield bullets("Why", advice.reasons)
    yield from warnings_list(analysis.warnings)


def target_table(analysis: StrategyAnalysis) -> RenderableType:
    """Return what is held and what should be, the largest target first."""
    held, target = analysis.current_weights, analysis.target_weights
    symbols = sorted(set(held) | set(target), key=lambda s: (-target.get(s, 0.0), s))
    rows = [
        (
            s,
            percent(held.get(s, 0.0)),
            percent(target.get(s, 0.0)),
            number(analysis.verdicts[s].score) if s in analysis.verdicts else "",
        )
        for s in symbols
        if held.get(s, 0.0) or target.get(s, 0.0)
    ]
    return table("Target", ["asset", "held", "target", "signal used"], rows)


def signals_table(analysis: StrategyAnalysis) -> RenderableType:
    """Return every signal, strongest first: used or cut, and why."""
    ordered = sorted(analysis.verdicts.values(), key=lambda s: (-abs(s.factors["combined"]), s.symbol))
    rows = [(s.symbol, number(s.factors["combined"]), number(s.score), s.reason) for s in ordered]
    shown = table("Signals", ["asset", "measured", "used", "why"], rows, numbers=(1, 2))
    return Group(shown, Text("Standardised scores, about -3 to 3; what is cut counts as 0.", style="dim"))
