"""What moves together: the correlation matrix in a few lines, and pairs across two markets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.text import Text

from poise.cli.output import table
from poise.report.words import number, percent

if TYPE_CHECKING:
    from rich.console import RenderableType

    from poise.moments import CorrelationSummary, CrossMarketPair

MAX_PAIRS = 12
_ENDS = 3
_ALIKE = 0.005
"""A spread below this reads as 0.00: the estimate was shrunk to one correlation for all."""


def correlation_tables(
    summary: CorrelationSummary, across: Sequence[CrossMarketPair]
) -> Iterator[RenderableType]:
    """Yield the summary, and where there are two markets how they move with each other."""
    if len(summary.assets) > 1:
        yield _summary(summary)
    if across:
        yield _across(across)


def _summary(summary: CorrelationSummary) -> RenderableType:
    groups = [group for group in summary.clusters if len(group) > 1]
    rows = [
        (
            "average, and its spread over the pairs",
            f"{number(summary.average)}, {number(summary.dispersion)}",
        ),
        ("moved by one common factor", percent(summary.first_eigenvalue_share, 0)),
        *_ends(summary),
        *((f"group {k}", ", ".join(map(str, group))) for k, group in enumerate(groups, start=1)),
    ]
    if summary.left_out:
        rows.append(("still unknown", ", ".join(map(str, summary.left_out))))
    return table("Correlation", ["", ""], rows, words=2)


def _ends(summary: CorrelationSummary) -> list[tuple[str, str]]:
    if summary.dispersion < _ALIKE and len(summary.assets) > 2:
        return [("pairs cannot be told apart", f"all are taken to be {number(summary.average)}")]
    return [
        ("most alike", _pairs(summary.most_correlated)),
        ("least alike", _pairs(summary.least_correlated)),
    ]


def _pairs(pairs: Sequence[Any]) -> str:
    return "; ".join(f"{p.first} and {p.second} {number(p.correlation)}" for p in pairs[:_ENDS])


def _across(pairs: Sequence[CrossMarketPair]) -> RenderableType:
    ordered = sorted(pairs, key=lambda p: -abs(p.correlation) if p.verdict != "warming" else 1.0)
    rows = [
        [
            f"{p.continuous} and {p.exchange}",
            f"{number(p.correlation)} ± {number(p.standard_error)}",
            number(p.exchange_leads),
            number(p.continuous_leads),
            number(p.weekly_correlation),
            p.verdict,
        ]
        for p in ordered[:MAX_PAIRS]
    ]
    columns = ["pair", "same interval", "exchange first", "coin first", "weekly", "verdict"]
    shown = table("Across markets", columns, rows, numbers=(1, 2, 3, 4))
    notes = ["From close to close of the exchange: a weekend of a coin belongs to Monday."]
    if len(ordered) > MAX_PAIRS:
        notes.append(f"The strongest {MAX_PAIRS} of {len(ordered)} pairs; --json lists all.")
    return Group(shown, *(Text(note, style="dim") for note in notes))
