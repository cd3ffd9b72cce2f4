"""How long single calls take: percentiles and a histogram instead of a mean.

A mean hides what a trading loop feels: the slow call. Every call is timed by itself; what the clock costs is
measured the same way and shown, not subtracted.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter_ns
from typing import Any

import numpy as np
import numpy.typing as npt

from poise.bench.words import duration

Nanoseconds = npt.NDArray[np.int64]

PERCENTILES = {"p50": 50.0, "p90": 90.0, "p99": 99.0, "p99.9": 99.9}
EDGES_PER_DECADE = (1.0, 2.0, 5.0)
BAR = 40
"""Characters of the longest bar."""


@dataclass(frozen=True)
class Latency:
    """The times of many single calls.

    Attributes
    ----------
    name : str
        What was called.
    nanoseconds : ndarray of int64 of shape (n_calls,)
        In the order of the calls.
    """

    name: str
    nanoseconds: Nanoseconds

    def figures(self) -> dict[str, float]:
        """Return p50, p90, p99, p99.9 and max in nanoseconds; each is a time that was seen."""
        values = np.percentile(self.nanoseconds, list(PERCENTILES.values()), method="higher")
        figures = dict(zip(PERCENTILES, (float(v) for v in values), strict=True))
        return {**figures, "max": float(self.nanoseconds.max())}

    def to_dict(self) -> dict[str, Any]:
        """Return name, number of calls, figures and histogram as plain values."""
        buckets = [
            {"from_ns": low, "below_ns": high, "n_calls": n} for low, high, n in histogram(self.nanoseconds)
        ]
        return {
            "name": self.name,
            "n_calls": len(self.nanoseconds),
            "nanoseconds": self.figures(),
            "histogram": buckets,
        }

    def __str__(self) -> str:
        """Return the figures and the histogram as text."""
        figures = ", ".join(f"{name} {duration(ns * 1e-9)}" for name, ns in self.figures().items())
        return "\n".join(
            [f"{self.name}: {len(self.nanoseconds)} calls, {figures}", *bars(histogram(self.nanoseconds))]
        )


def time_calls(name: str, call: Callable[[Any], object], arguments: Sequence[Any], n_calls: int) -> Latency:
    """Time each of `n_calls` calls, the arguments in turn.

    Parameters
    ----------
    name : str
    call : callable
        Takes one argument.
    arguments : sequence
        Used again from the start when they are through. At least one.
    n_calls : int
        At least 1.

    Returns
    -------
    Latency
    """
    taken = array("q", bytes(8 * n_calls))
    clock, n_arguments = perf_counter_ns, len(arguments)
    for k in range(n_calls):
        argument = arguments[k % n_arguments]
        begun = clock()
        call(argument)
        taken[k] = clock() - begun
    return Latency(name, np.frombuffer(taken, dtype=np.int64))


def time_clock(n_calls: int) -> Latency:
    """Time nothing at all: what two looks at the clock cost, and what the machine adds now and then."""
    taken = array("q", bytes(8 * n_calls))
    clock = perf_counter_ns
    for k in range(n_calls):
        begun = clock()
        taken[k] = clock() - begun
    return Latency("the clock alone", np.frombuffer(taken, dtype=np.int64))


def histogram(nanoseconds: Nanoseconds) -> list[tuple[float, float, int]]:
    """Count the calls in buckets of 1, 2, 5, 10, 20, 50, ... nanoseconds.

    Parameters
    ----------
    nanoseconds : ndarray of int64 of shape (n_calls,)

    Returns
    -------
    list of (float, float, int)
        Lower edge (included), upper edge (excluded) and number of calls, from the first bucket that has any
        to the last. Times below one nanosecond are in a bucket from 0.
    """
    decades = range(math.ceil(math.log10(max(int(nanoseconds.max()), 1))) + 2)
    edges = np.array([0.0, *(step * 10.0**decade for decade in decades for step in EDGES_PER_DECADE)])
    counts = np.bincount(np.searchsorted(edges, nanoseconds, side="right") - 1, minlength=len(edges) - 1)
    held = np.flatnonzero(counts)
    return [
        (float(edges[k]), float(edges[k + 1]), int(counts[k])) for k in range(int(held[0]), int(held[-1]) + 1)
    ]


def bars(buckets: Sequence[tuple[float, float, int]]) -> list[str]:
    """Return a histogram as lines of text; a bucket with any call shows at least a dot.

    Parameters
    ----------
    buckets : sequence of (float, float, int)
        As :func:`histogram` returns them.
    """
    most = max(n for _, _, n in buckets)
    width = max(len(str(n)) for _, _, n in buckets)
    lines = []
    for low, high, n in buckets:
        bar = "#" * round(BAR * n / most) or ("." if n else "")
        label = f"{duration(low * 1e-9):>7} to {duration(high * 1e-9):>7}"
        lines.append(f"  {label}  {n:>{width}}  {bar}".rstrip())
    return lines
