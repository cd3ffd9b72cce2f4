"""The correlation in words, where the matrix has little to tell."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
from rich.console import Console

from poise.cli.correlation_tables import MAX_PAIRS, correlation_tables
from poise.moments import CrossMarketPair, correlation_summary


def shown(matrix: np.ndarray, across: tuple[CrossMarketPair, ...] = ()) -> str:
    names = [f"A{i}" for i in range(len(matrix))]
    out = io.StringIO()
    console = Console(file=out, width=100)
    for part in correlation_tables(correlation_summary(pd.DataFrame(matrix, names, names)), across):
        console.print(part)
    return out.getvalue()


def pair(coin: str, share: str, correlation: float, *, n_intervals: int = 300) -> CrossMarketPair:
    verdict = "warming" if np.isnan(correlation) else "synchronous"
    return CrossMarketPair(coin, share, correlation, 0.05, 0.0, 0.0, verdict, np.nan, n_intervals, 60)


def test_pairs_that_were_shrunk_to_one_figure_are_not_ranked() -> None:
    equal = shown(np.full((3, 3), 0.7) + 0.3 * np.eye(3))
    assert "all are taken to be 0.70" in equal
    assert "most alike" not in equal
    apart = shown(np.array([[1.0, 0.9, 0.1], [0.9, 1.0, 0.2], [0.1, 0.2, 1.0]]))
    assert "A0 and A1 0.90; A1 and A2 0.20; A0 and A2 0.10" in apart
    assert "group 1" in apart


def test_what_is_not_known_is_named_and_one_asset_says_nothing() -> None:
    matrix = np.array([[1.0, 0.5, np.nan], [0.5, 1.0, np.nan], [np.nan] * 3])
    assert "still unknown" in shown(matrix)
    assert shown(np.eye(1)) == ""


def test_the_strongest_pairs_across_come_first_and_the_warming_last() -> None:
    pairs = (*(pair(f"C{i}", "SPY", 0.01 * i) for i in range(MAX_PAIRS)), pair("NEW", "SPY", np.nan))
    text = shown(np.eye(2), pairs)
    lines = [line for line in text.splitlines() if " and SPY" in line]
    assert lines[0].startswith(f"C{MAX_PAIRS - 1} and SPY")
    assert len(lines) == MAX_PAIRS
    assert "NEW" not in text
    assert f"The strongest {MAX_PAIRS} of {MAX_PAIRS + 1} pairs" in text
    assert "NEW and SPY" in shown(np.eye(2), pairs[-2:])
