"""The bench of about a minute: all cases of :mod:`poise.bench.minute` and the latency of single ticks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from poise.bench.harness import Result, measure
from poise.bench.latency import Latency, time_clock
from poise.bench.machine import machine, versions
from poise.bench.minute import CASES
from poise.bench.ticks import tick_latencies
from poise.bench.words import remark

DEFAULT_SECONDS = 60.0
N_TICKS = 200_000
TICK_SIZES = (50, 200, 1000)
SHOWN_VERSIONS = ("poise", "numpy", "pandas", "scipy", "cvxpy", "clarabel")
_SHARE_OF_CASES = 0.6
_N_CONTENDERS = 24
"""Roughly; decides how the time is shared out, no more."""


def run(
    seconds: float = DEFAULT_SECONDS, progress: Callable[[str], None] = lambda _question: None
) -> tuple[list[Result], list[Latency]]:
    """Measure everything in about `seconds`; slow peers get their few rounds however short the time.

    Parameters
    ----------
    seconds : float, default=60
        Positive.
    progress : callable, optional
        Is told each question before it is measured.

    Returns
    -------
    results : list of Result
    latencies : list of Latency
        The clock alone comes first.
    """
    results = []
    for make in CASES:
        case = make()
        progress(f"{case.question}, {case.size}")
        results.append(measure(case, _SHARE_OF_CASES * seconds / _N_CONTENDERS))
    whole = N_TICKS * min(seconds / DEFAULT_SECONDS, 1.0)
    latencies = [time_clock(max(round(whole), 100))]
    for n_assets in TICK_SIZES:
        progress(f"latency of a tick, N={n_assets}")
        latencies += tick_latencies(n_assets, max(round(whole * min(1.0, 100.0 / n_assets)), 100))
    return results, latencies


def document(results: list[Result], latencies: list[Latency]) -> dict[str, Any]:
    """Return what was measured as plain values: times in seconds, latencies in nanoseconds."""
    return {
        "machine": machine(),
        "versions": versions(SHOWN_VERSIONS),
        "results": [_plain(result) for result in results],
        "latency": [latency.to_dict() for latency in latencies],
    }


def _plain(result: Result) -> dict[str, Any]:
    contenders = [
        {
            "name": name,
            "median_seconds": timing.median,
            "spread_seconds": timing.spread,
            "min_seconds": timing.minimum,
            "times_poise": result.ratio(name),
            "note": remark(result, name),
        }
        for name, timing in result.timings.items()
    ]
    case = result.case
    return {
        "row": case.row,
        "question": case.question,
        "size": case.size,
        "contenders": contenders,
        "absent": {**result.missing, **result.failed},
    }
