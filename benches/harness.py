"""Measure poise against its peers in one run: median and best time per contender, and the ratio.

A case states its question and size; the first contender is poise. Contenders take turns, so that a slow
moment of the machine hits all of them.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from time import perf_counter

MIN_ROUNDS = 5
SHORTEST_BATCH_SECONDS = 2e-4


@dataclass(frozen=True)
class Case:
    """One question to the clock.

    Attributes
    ----------
    question : str
        What is compared, such as ``EWMA covariance path``.
    size : str
        Shapes and parameters, such as ``T=1000 N=50``.
    contenders : dict of str to callable
        Each computes the same answer once; the first is poise.
    """

    question: str
    size: str
    contenders: dict[str, Callable[[], object]]


@dataclass(frozen=True)
class Result:
    """What the clock said.

    Attributes
    ----------
    case : Case
    median, minimum : dict of str to float
        Seconds per call, by contender.
    ratio : dict of str to float
        Median of the contender over the median of poise: above 1, poise is faster.
    """

    case: Case
    median: dict[str, float]
    minimum: dict[str, float]
    ratio: dict[str, float]


def measure(case: Case, seconds: float = 1.0) -> Result:
    """Time every contender in turn for about `seconds` each, at least ``MIN_ROUNDS`` rounds."""
    batch = {name: _calls_per_batch(call) for name, call in case.contenders.items()}
    times: dict[str, list[float]] = {name: [] for name in case.contenders}
    begun = perf_counter()
    while len(next(iter(times.values()))) < MIN_ROUNDS or perf_counter() - begun < seconds * len(times):
        for name, call in case.contenders.items():
            times[name].append(_time(call, batch[name]))
    median = {name: statistics.median(values) for name, values in times.items()}
    poise = next(iter(median.values()))
    return Result(
        case=case,
        median=median,
        minimum={name: min(values) for name, values in times.items()},
        ratio={name: value / poise for name, value in median.items()},
    )


def table(results: Iterable[Result]) -> str:
    """Return the results as one Markdown table, a line per contender."""
    lines = ["| question | size | contender | median | min | x poise |", "|---|---|---|---:|---:|---:|"]
    for result in results:
        lines += [
            f"| {result.case.question} | {result.case.size} | {name} | {_readable(result.median[name])} "
            f"| {_readable(result.minimum[name])} | {result.ratio[name]:.2f} |"
            for name in result.case.contenders
        ]
    return "\n".join(lines)


def _calls_per_batch(call: Callable[[], object]) -> int:
    """How many calls make a batch that the clock resolves; also warms the contender up."""
    calls = 1
    while _time(call, calls) * calls < SHORTEST_BATCH_SECONDS:
        calls *= 2
    return calls


def _time(call: Callable[[], object], calls: int) -> float:
    begun = perf_counter()
    for _ in range(calls):
        call()
    return (perf_counter() - begun) / calls


def _readable(seconds: float) -> str:
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"
