"""Times in words and the Markdown table."""

from __future__ import annotations

import pytest

from poise.bench import Case, Contender, Missing, Result, Timing, table
from poise.bench.words import duration, factor


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "0 ns"),
        (3.7e-8, "37 ns"),
        (9.996e-7, "1 us"),
        (1.23e-6, "1.23 us"),
        (0.99960e-3, "1 ms"),
        (0.123456, "123 ms"),
        (1.0, "1 s"),
        (1234.0, "1234 s"),
    ],
)
def test_a_duration_has_three_digits_and_its_unit(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("ratio", "words"), [(0.034, "0.03"), (1.0, "1.00"), (9.99, "9.99"), (38.04, "38"), (1875.4, "1875")]
)
def test_a_ratio(ratio: float, words: str) -> None:
    assert factor(ratio) == words


def test_every_contender_has_its_line() -> None:
    case = Case(
        "C1",
        "rolling",
        "w=3",
        {
            "poise": Contender(list),
            "slow": Contender(list, note="VaR only", differs="another | rule"),
            "gone": Missing("not installed"),
            "wrong": Contender(list),
        },
    )
    timings = {"poise": Timing(1e-3, 0.9e-3, 1e-3, 1.5e-3, 9), "slow": Timing(0.1, 0.09, 0.1, 0.2, 3)}
    result = Result(case, timings, {"gone": "not installed"}, {"wrong": "another answer: off by 2.0e+00"})
    assert table([result]).splitlines() == [
        "| row | question | size | contender | median | spread | min | x poise | note |",
        "|---|---|---|---|---:|---:|---:|---:|---|",
        "| C1 | rolling | w=3 | poise | 1 ms | 500 us | 900 us | 1.00 |  |",
        "| C1 | rolling | w=3 | slow | 100 ms | 100 ms | 90 ms | 100 | VaR only; another \\| rule |",
        "| C1 | rolling | w=3 | gone |  |  |  |  | not installed |",
        "| C1 | rolling | w=3 | wrong |  |  |  |  | another answer: off by 2.0e+00 |",
    ]
