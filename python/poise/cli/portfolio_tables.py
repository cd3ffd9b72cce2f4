"""Textbook portfolios and the frontier, as a person sees them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from poise.cli.output import table
from poise.cli.tables import bullets
from poise.report.words import number, percent, spoken

if TYPE_CHECKING:
    from rich.console import RenderableType

    from poise.decision import NamedPortfolio, PanelFrontier, SharedReturns
    from poise.typing import Vector

SHOWN_POINTS = 9
MAX_WIDE = 4
"""So many portfolios stand side by side; more are listed one by one."""

LEAST_SHOWN = 0.0005


def portfolio_tables(portfolios: Sequence[NamedPortfolio], shared: SharedReturns) -> Iterator[RenderableType]:
    """Yield how the portfolios compare, what each holds, and what is to be said about them."""
    rows = [
        (
            spoken(each.name),
            percent(each.expected_return),
            percent(each.volatility),
            number(each.expected_return / each.volatility) if each.volatility > 0.0 else "",
            str(sum(weight >= LEAST_SHOWN for weight in each.weights.values())),
            percent(1.0 - sum(each.weights.values())),
            "not available" if each.result is None else spoken(str(each.result.status)),
        )
        for each in portfolios
    ]
    columns = ["strategy", "return a year", "volatility", "Sharpe", "assets", "cash", "status"]
    yield table(f"Portfolios of {len(shared.returns)} daily returns", columns, rows, numbers=range(1, 6))
    yield from _holdings(portfolios)
    remarks = [line for each in portfolios for line in _remarks(each)]
    remarks += [f"left out, too short a history: {', '.join(shared.left_out)}"] if shared.left_out else []
    remarks.append(
        "returns are means shrunk towards one another and barely known; volatilities are what to compare"
    )
    yield bullets("Remarks", remarks)


def _holdings(portfolios: Sequence[NamedPortfolio]) -> Iterator[RenderableType]:
    held = [each for each in portfolios if each.result is not None]
    for start in range(0, len(held), MAX_WIDE):
        part = held[start : start + MAX_WIDE]
        symbols = sorted(
            {s for each in part for s, weight in each.weights.items() if abs(weight) >= LEAST_SHOWN},
            key=lambda s: (-max(each.weights[s] for each in part), s),
        )
        rows = [(s, *(percent(each.weights[s]) for each in part)) for s in symbols]
        yield table("Weights", ["asset", *(spoken(each.name) for each in part)], rows)


def _remarks(each: NamedPortfolio) -> Iterator[str]:
    if each.result is None:
        yield f"{spoken(each.name)}: {each.problem}"
        return
    for line in (*each.result.fallbacks, *each.result.messages):
        yield f"{spoken(each.name)}: {line}"


def frontier_table(found: PanelFrontier) -> RenderableType:
    """Return some points along the frontier, and the best ratio of return to risk."""
    points = found.frontier.points(SHOWN_POINTS)
    best = found.frontier.maximum_sharpe().weights
    mean = float(best @ found.expected_returns)
    places = zip(points.expected_returns, points.volatilities, points.weights, strict=True)
    rows = [_point(float(m), float(v), weights, found) for m, v, weights in places]
    volatility = mean / found.frontier.maximum_sharpe().objective if mean > 0.0 else math.nan
    rows.append(
        (*_point(mean, volatility, best, found)[:3], f"largest Sharpe ratio: {_largest(best, found)}")
    )
    return table(
        f"Efficient frontier, {len(found.frontier)} corner portfolios",
        ["return a year", "volatility", "Sharpe", "largest weights"],
        rows,
        numbers=range(3),
    )


def _point(mean: float, volatility: float, weights: Vector, found: PanelFrontier) -> tuple[str, ...]:
    ratio = number(mean / volatility) if volatility > 0.0 else ""
    return percent(mean), percent(volatility), ratio, _largest(weights, found)


def _largest(weights: Vector, found: PanelFrontier) -> str:
    order = sorted(range(len(weights)), key=lambda i: -float(weights[i]))[:3]
    return ", ".join(
        f"{found.symbols[i]} {percent(float(weights[i]), 0)}" for i in order if weights[i] >= LEAST_SHOWN
    )
