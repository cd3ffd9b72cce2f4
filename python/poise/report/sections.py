"""What a report says in words and tables, section by section."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING

from poise.report.document import ReportContent
from poise.report.markup import bullets, cards, note, table
from poise.report.words import DASH, counted, dollars, number, percent, quantity, spoken

if TYPE_CHECKING:
    from poise.backtest import BacktestResult
    from poise.domain.proposals import RebalanceProposal, TriggerReading

MAX_ROWS = 60


def subtitle(content: ReportContent) -> str:
    """Return where the prices came from and up to when."""
    return f"{content.source}, as of {content.decision.as_of:%Y-%m-%d %H:%M} UTC"


def headline(content: ReportContent) -> str:
    """Return the few figures that matter most."""
    metrics, regime = content.decision.metrics, content.decision.regime
    to_go = number(regime.expected_remaining, 0)
    facts = [
        (
            "Regime",
            spoken(regime.label),
            f"{regime.confidence:.0%} sure, {regime.age} bars old, about {to_go} to go",
        ),
        (
            "Book before trading",
            dollars(metrics.total_value_usd, 0),
            f"{counted(metrics.asset_count, 'asset')}, {metrics.cash_percentage:.0f}% cash",
        ),
        (
            "One-day shortfall",
            percent(metrics.cvar_95, 2),
            f"at 95%; value at risk {percent(metrics.var_95, 2)}",
        ),
    ]
    if content.backtest is not None:
        pair = content.backtest.performance()
        shown: tuple[tuple[str, Callable[[float], str], str], ...] = (
            ("Return a year", percent, "annualized_return"),
            ("Sharpe ratio", number, "sharpe_ratio"),
            ("Worst drawdown", percent, "max_drawdown"),
        )
        facts += [
            (name, say(getattr(pair["strategy"], f)), f"static baseline {say(getattr(pair['baseline'], f))}")
            for name, say, f in shown
        ]
    return cards(facts)


def performance(result: BacktestResult) -> str:
    """Return strategy beside baseline."""
    pair = result.performance()
    shown: tuple[tuple[str, Callable[[float], str], str], ...] = (
        ("total return", percent, "total_return"),
        ("return a year", percent, "annualized_return"),
        ("volatility a year", percent, "annualized_volatility"),
        ("Sharpe ratio", number, "sharpe_ratio"),
        ("Sortino ratio", number, "sortino_ratio"),
        ("Calmar ratio", number, "calmar_ratio"),
        ("worst drawdown", percent, "max_drawdown"),
        ("value at risk 95%, one bar", _fine, "value_at_risk_95"),
        ("expected shortfall 95%, one bar", _fine, "conditional_value_at_risk_95"),
    )
    rows = [
        [name, *(say(getattr(pair[who], f)) for who in ("strategy", "baseline"))] for name, say, f in shown
    ]
    rows += [
        ["costs paid", dollars(_costs(result, "")), dollars(_costs(result, "baseline_"))],
        ["turnover a year", percent(result.annual_turnover(), 0), DASH],
        ["mean exposure", percent(float(result.exposure().mean()), 0), DASH],
    ]
    return table(["", "strategy", "static baseline"], rows, narrow=True) + note(
        "Costs are included. A decision at a bar's close is filled at the next close. The baseline holds "
        "equal weights of everything alive and rebalances once a month at the same costs. The past is no "
        "promise."
    )


def _fine(value: float) -> str:
    return percent(value, 2)


def _costs(result: BacktestResult, prefix: str) -> float:
    return result.costs[f"{prefix}fees"] + result.costs[f"{prefix}slippage"]


def book(content: ReportContent) -> str:
    """Return what is held, what is wanted and what trading left, by asset."""
    decision = content.decision
    held, target = decision.weights, decision.target.weights
    after = None if content.execution is None else content.execution.final_weights
    rows = [
        [
            s,
            percent(held.get(s, 0.0)),
            percent(target.get(s, 0.0)),
            DASH if after is None else percent(after.get(s, 0.0)),
            number(decision.signals[s].factors["combined"]) if s in decision.signals else DASH,
            number(decision.signals[s].score) if s in decision.signals else DASH,
        ]
        for s in sorted(set(held) | set(target), key=lambda s: (-target.get(s, 0.0), s))
        if held.get(s, 0.0) or target.get(s, 0.0) or s == "cash"
    ]
    return table(["asset", "held", "target", "after trading", "signal", "signal used"], rows) + note(
        "A signal is a standardised score, about -3 to 3. It is used where it survives validation: "
        "enough edge for its costs, agreement between factors."
    )


def reasons(content: ReportContent) -> str:
    """Return why the book is traded or left alone, and how each trigger stood."""
    decision = content.decision
    lines = list(decision.target.reasons)
    if decision.proposals:
        lines = [*decision.proposals[0].reasons, *lines]
    elif decision.proposals.no_trade_because:
        lines = [f"no trade: {decision.proposals.no_trade_because}", *lines]
    readings = [[r.trigger, _state(r), r.reason] for r in decision.proposals.readings]
    return bullets(dict.fromkeys(lines)) + table(["trigger", "state", "reason"], readings, text_columns=3)


def _state(reading: TriggerReading) -> str:
    return "unavailable" if reading.fired is None else "fired" if reading.fired else "quiet"


def trades(content: ReportContent) -> str:
    """Return the trades in order, each with cost and benefit, and what became of them."""
    proposals = content.decision.proposals
    if not proposals:
        return f"<p>No trade: {escape(proposals.no_trade_because or 'nothing to do')}.</p>"
    proposal = proposals[0]
    rows = [
        [
            t.symbol,
            t.side,
            t.reason,
            quantity(t.quantity),
            dollars(t.notional_usd),
            dollars(t.expected_cost_usd),
            dollars(t.expected_benefit_usd),
            f"{percent(t.weight_before)} → {percent(t.weight_after)}",
        ]
        for t in proposal.trades
    ]
    columns = ["asset", "side", "reason", "quantity", "notional", "cost", "benefit", "weight"]
    return _verdict(proposal) + table(columns, rows, text_columns=3) + _executed(content)


def _verdict(proposal: RebalanceProposal) -> str:
    benefit, cost, net = (
        dollars(value) for value in (proposal.expected_benefit, proposal.expected_cost, proposal.net_benefit)
    )
    return (
        f"<p><b>{escape(proposal.urgency)}</b> urgency, trigger <b>{escape(proposal.trigger)}</b>, "
        f"{escape(spoken(proposal.scope))} rebalance, strategy {escape(spoken(proposal.strategy))}. "
        f"Expected benefit <b>{benefit}</b>, cost <b>{cost}</b>, net <b>{net}</b>, "
        f"turnover {percent(proposal.turnover)}, confidence {percent(proposal.confidence, 0)}.</p>"
    )


def _executed(content: ReportContent) -> str:
    report = content.execution
    if report is None:
        return ""
    done = (
        f"Executed on the {report.mode} broker: {counted(len(report.fills), 'fill')}, "
        f"fees {dollars(report.fees)}, slippage {dollars(report.slippage)}."
    )
    return note(done) + bullets(f"refused: {order.symbol}: {order.reason}" for order in report.refused)


def metrics(content: ReportContent) -> str:
    """Return the metrics by field name, the correlation matrix left to its figure."""
    figures = content.decision.metrics
    shares = {"max_drawdown", "volatility", "var_95", "cvar_95"}
    rows = []
    for name, value in figures.to_dict().items():
        if name == "correlation_matrix":
            continue
        if isinstance(value, str | int):
            shown = str(value)
        elif name == "total_value_usd":
            shown = dollars(value)
        elif name == "cash_percentage":
            shown = f"{value:.1f}%"
        else:
            shown = percent(value, 2) if name in shares else number(value, 3)
        rows.append([name, shown])
    return table(["metric", "value"], rows, narrow=True)


def rebalances(result: BacktestResult) -> str:
    """Return the latest rebalances of the rehearsal, newest first."""
    recent = result.rebalances[-MAX_ROWS:]
    rows = [
        [
            str(r.proposal.as_of.date()),
            r.proposal.trigger,
            r.proposal.urgency,
            spoken(r.proposal.strategy),
            percent(r.proposal.turnover),
            dollars(r.proposal.expected_benefit),
            dollars(r.proposal.expected_cost),
            dollars(r.realised_cost),
        ]
        for r in reversed(recent)
    ]
    head = [
        "decided",
        "trigger",
        "urgency",
        "strategy",
        "turnover",
        "benefit",
        "expected cost",
        "realised cost",
    ]
    left_out = len(result.rebalances) > len(recent)
    remark = note(f"The latest {len(recent)} of {len(result.rebalances)}.") if left_out else ""
    return table(head, rows, text_columns=4) + remark


def warnings(content: ReportContent) -> str:
    """Return all warnings."""
    return bullets(content.warnings) or "<p>None.</p>"


def provenance(content: ReportContent) -> str:
    """Return the settings and what was done to the data, folded away."""
    rows = [
        ["poise", content.version],
        ["as of", content.decision.as_of.isoformat()],
        *(
            [f"settings: {key}", DASH if value is None else str(value)]
            for key, value in content.settings.items()
        ),
        *(
            [f"data: {key.replace('_', ' ')}", str(value)]
            for key, value in content.data_report.items()
            if isinstance(value, int | float | str) and value != 0
        ),
    ]
    shown = table(["what", "value"], rows, text_columns=2, narrow=True)
    return f"<details><summary>Settings and data</summary>{shown}</details>"
