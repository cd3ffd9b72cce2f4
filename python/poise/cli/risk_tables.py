"""The tables of a risk assessment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import Group
from rich.text import Text

from poise.cli.output import table
from poise.domain.risk import RiskAssessment, TailEstimate, VarBacktestReport
from poise.report.words import number, percent, spoken

if TYPE_CHECKING:
    from rich.console import RenderableType

MAX_COMPONENTS = 12


def risk_tables(risk: RiskAssessment) -> Iterator[RenderableType]:
    """Yield tail risk by method, who contributes, what the score is made of and how the model stood up."""
    yield _tails(risk)
    if risk.components:
        yield _components(risk)
    yield _figures(risk)
    yield _score(risk)
    if risk.backtest is not None:
        yield _backtest(risk.backtest)


def _tails(risk: RiskAssessment) -> RenderableType:
    half = len(risk.tails) // 2
    rows = [_tail_row(low, high) for low, high in zip(risk.tails[:half], risk.tails[half:], strict=True)]
    columns = ["one day, share of the book", "VaR 95%", "shortfall 95%", "VaR 99%", "shortfall 99%"]
    notes = []
    if risk.inflation > 1.0:
        notes.append(f"The metrics multiply the first row by {risk.inflation:.2f}: its backtest rejects it.")
    if risk.low_confidence:
        notes.append(f"Few observations in the tail at {' and '.join(risk.low_confidence)}: low confidence.")
    if not all(tail.valid for tail in risk.tails):
        notes.append("Cornish-Fisher does not hold for these moments; Student t stands in for it.")
    body = table("Risk", columns, rows)
    return Group(body, *(Text(note, style="dim") for note in notes))


def _tail_row(low: TailEstimate, high: TailEstimate) -> list[str]:
    mark = "" if low.valid else " *"
    losses = (
        low.value_at_risk,
        low.conditional_value_at_risk,
        high.value_at_risk,
        high.conditional_value_at_risk,
    )
    return [spoken(low.method) + mark, *(percent(loss, 2) for loss in losses)]


def _components(risk: RiskAssessment) -> RenderableType:
    parts = sorted(risk.components.items(), key=lambda item: -item[1].conditional_value_at_risk_95)
    rows = [
        [
            symbol,
            percent(part.weight),
            percent(part.value_at_risk_95, 2),
            percent(part.conditional_value_at_risk_95, 2),
            percent(part.conditional_value_at_risk_99, 2),
            percent(part.volatility, 2),
        ]
        for symbol, part in parts[:MAX_COMPONENTS]
    ]
    if len(parts) > MAX_COMPONENTS:
        rest = [part for _, part in parts[MAX_COMPONENTS:]]
        rows.append(
            [
                f"{len(rest)} others",
                percent(sum(part.weight for part in rest)),
                percent(sum(part.value_at_risk_95 for part in rest), 2),
                percent(sum(part.conditional_value_at_risk_95 for part in rest), 2),
                percent(sum(part.conditional_value_at_risk_99 for part in rest), 2),
                percent(sum(part.volatility for part in rest), 2),
            ]
        )
    rows.append(
        [
            "all",
            percent(sum(part.weight for _, part in parts)),
            percent(risk.var_95, 2),
            percent(risk.cvar_95, 2),
            percent(risk.cvar_99, 2),
            percent(risk.volatility, 2),
        ]
    )
    columns = ["asset", "weight", "VaR 95%", "shortfall 95%", "shortfall 99%", "volatility, one day"]
    return table("Who contributes", columns, rows)


def _figures(risk: RiskAssessment) -> RenderableType:
    rows = [
        (
            "effective assets, effective bets",
            f"{number(risk.effective_assets)}, {number(risk.effective_bets)}",
        ),
        ("average correlation of what is held", number(risk.average_correlation)),
        ("drawdown pro forma, now and worst", _pair(risk.drawdown, risk.max_drawdown)),
        ("drawdown of the account, now and worst", _pair(risk.account_drawdown, risk.account_max_drawdown)),
        ("bars behind these figures", str(risk.n_observations)),
    ]
    return table("Spread and drawdown", ["", ""], rows)


def _pair(now: float, worst: float) -> str:
    return f"{percent(now)}, {percent(worst)}"


def _score(risk: RiskAssessment) -> RenderableType:
    parts = ", ".join(f"{part} {number(value)}" for part, value in risk.score_parts.items())
    return Text.assemble(("Risk score  ", "bold"), f"{number(risk.risk_score)} = {parts}")


def _backtest(found: VarBacktestReport) -> RenderableType:
    rows = [
        [
            f"value at risk {coverage.confidence_level:.0%}",
            str(coverage.n_exceptions),
            number(coverage.n_expected, 1),
            number(coverage.kupiec_p_value, 3),
            number(coverage.conditional_coverage_p_value, 3),
        ]
        for coverage in found.coverage
    ]
    verdict = (
        f"rejected by {' and '.join(found.rejected)}" if found.rejected else "no test rejects the model at 5%"
    )
    columns = ["", "exceptions", "expected", "Kupiec p", "Christoffersen p"]
    statistic, critical = number(found.shortfall_statistic), number(found.shortfall_critical_value)
    return Group(
        table(f"The risk model over {found.n_observations} bars: {verdict}", columns, rows),
        Text(
            f"Acerbi-Szekely Z2 at {found.shortfall_level:.1%}: {statistic}, rejected at {critical} "
            f"or below; traffic light {found.traffic_light}",
            style="dim",
        ),
    )
