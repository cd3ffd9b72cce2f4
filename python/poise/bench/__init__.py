"""Recount what calls cost: poise beside its peers in one run, the same answer first, and single ticks.

``poise bench`` shows the cases of :mod:`poise.bench.minute`; the harness is free for cases of one's own.
"""

from poise.bench.harness import Case, Contender, Missing, Result, Timing, measure
from poise.bench.latency import Latency, histogram, time_calls, time_clock
from poise.bench.words import table

__all__ = [
    "Case",
    "Contender",
    "Latency",
    "Missing",
    "Result",
    "Timing",
    "histogram",
    "measure",
    "table",
    "time_calls",
    "time_clock",
]
