"""How long is one tick, and how long the slowest in a thousand? ``python -m benches.latency [TICKS]``."""

from __future__ import annotations

import sys

from poise.bench.latency import Latency, time_clock
from poise.bench.ticks import tick_latencies

SIZES = (50, 200, 1000)


def latencies(n_ticks: int) -> list[Latency]:
    """The clock alone, then every way of taking in a row, at each size."""
    found = [time_clock(n_ticks)]
    for n_assets in SIZES:
        found += tick_latencies(n_assets, n_ticks)
    return found


if __name__ == "__main__":
    TICKS = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    print("\n\n".join(str(latency) for latency in latencies(TICKS)))
