"""H: what does one bar cost, everything measured? ``python -m benches.bench_tick [TICKS]`` for histograms.

The bar is hourly and takes the path of a live loop: four timeframes, volatility and correlation, regime,
exposure, the risk model with its backtest, the book, and where the name says so the fourteen metrics. No
optimization, except where the name says decision.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from itertools import count, cycle

import numpy as np

from poise.bench.harness import Case, Contender
from poise.bench.inputs import simulated_returns
from poise.bench.latency import Latency, time_calls, time_clock
from poise.decision import DecisionCycle
from poise.domain.portfolio import Portfolio
from poise.domain.prices import Bar
from poise.moments import MultiTimeframeCovariance

SIZES = (10, 50, 200, 500)
HOUR_SECONDS = 3600.0
HOURS_PER_YEAR = 8760.0
HOUR = np.timedelta64(3600, "s")
START = np.datetime64("2019-01-07T00:00", "ns")
START_NANOSECONDS, HOUR_NANOSECONDS = int(START.astype(np.int64)), 3600 * 10**9
N_ROWS = 512
WARM_UP = 800
"""Bars after which the risk model is on trial and every window is full."""

Tick = Callable[[], object]


def cases() -> Iterator[Case]:
    for n_assets in SIZES:
        ways = ticks(n_assets)
        yield Case(
            "H1",
            "one bar measured",
            f"N={n_assets}",
            # Nobody gives the same answer: the others do less or more than the first.
            {
                name: Contender(tick, answer=lambda: 0.0, differs="" if name == "poise" else "other work")
                for name, tick in ways.items()
            },
        )


def ticks(n_assets: int) -> dict[str, Tick]:
    """Ways of taking in a bar, each a call that brings its own next bar; the first is the tick itself."""
    measured, told, decided = (warm(n_assets) for _ in range(3))
    timeframes = MultiTimeframeCovariance()
    rows, opened = cycle(simulated_returns(N_ROWS, n_assets)), count(START_NANOSECONDS, HOUR_NANOSECONDS)

    def feed_timeframes() -> None:
        timeframes.partial_fit(next(rows), next(opened))

    for _ in range(WARM_UP):
        feed_timeframes()

    def measure() -> None:
        watching, bars = measured
        watching.observe(next(bars), warm_triggers=False)
        feed_timeframes()

    def observe() -> None:
        watching, bars = told
        watching.observe(next(bars), warm_triggers=False)

    def tell() -> object:
        observe()
        feed_timeframes()
        return told[0].metrics()

    def decide() -> object:
        deciding, bars = decided
        return deciding.step(next(bars))

    return {
        "poise": measure,
        "poise, without timeframes": observe,
        "poise, and the fourteen metrics": tell,
        "poise, and a decision": decide,
    }


def warm(n_assets: int) -> tuple[DecisionCycle, Iterator[Bar]]:
    """Return a cycle that holds a book and has seen enough, and the bars that follow."""
    symbols = tuple(f"A{i}" for i in range(n_assets))
    watching = DecisionCycle(symbols, periods_per_year=HOURS_PER_YEAR, bar_seconds=HOUR_SECONDS)
    bars = endless(symbols)
    first = next(bars)
    watching.observe(first, warm_triggers=False)
    watching.hold(Portfolio(cash=100.0, positions=dict.fromkeys(symbols, 1.0)))
    for _ in range(WARM_UP):
        watching.observe(next(bars), warm_triggers=False)
    return watching, bars


def endless(symbols: tuple[str, ...]) -> Iterator[Bar]:
    """Yield hourly bars without an end; prices return to where they began, so that none runs away."""
    path = np.cumprod(1.0 + 0.3 * simulated_returns(N_ROWS, len(symbols)), axis=0)
    closes = 100.0 * np.vstack([path, path[::-1]])
    for k in count():
        opened = START + k * HOUR
        yield Bar(opened, opened + HOUR, symbols, closes[k % len(closes)])


def latencies(n_ticks: int) -> list[Latency]:
    """The clock alone, then each way at each size; a decision gets a twentieth of the calls."""
    found = [time_clock(n_ticks)]
    for n_assets in SIZES:
        for name, tick in ticks(n_assets).items():
            n_calls = max(n_ticks // 20, 20) if "decision" in name else n_ticks
            found.append(time_calls(f"N={n_assets} {name}", lambda way: way(), [tick], n_calls))
    return found


if __name__ == "__main__":
    TICKS = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000
    print("\n\n".join(str(latency) for latency in latencies(TICKS)))
