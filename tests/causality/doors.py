"""Decisions, the rehearsal, daily bars and the strategy door, along a history."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd

from poise import EnhancedPortfolioStrategy
from poise.backtest import Backtest
from poise.decision import DecisionCycle, equal_book, follow, recommend, regime_path
from poise.domain.strict_json import dumps
from poise.market import BarFeed, Benchmark, benchmark_feed, benchmark_returns, panel_from, to_daily
from poise.testing import simulated_market
from poise.universe import UniverseFollower
from tests.causality.case import Case, daily

WARM_UP = 40


def plain(value):
    return json.loads(dumps(value))


def steps(panel):
    strategy = EnhancedPortfolioStrategy()
    strategy.warm_up(panel.rows(0, WARM_UP), {"cash": 10_000.0})
    decisions = [plain(strategy.step(panel.bar(t)).to_dict()) for t in range(WARM_UP, panel.n_observations)]
    return [None] * WARM_UP + decisions


def analyses(panel):
    """One strategy looks at the whole history first, then at what there was every thirty bars."""
    strategy, entries = EnhancedPortfolioStrategy(), []
    strategy.analyze_data(data_of(panel))
    for n in range(1, panel.n_observations + 1):
        if n >= WARM_UP and n % 30 == 0:
            entries.append(plain(strategy.analyze_data(data_of(panel.rows(0, n))).to_dict()))
        else:
            entries.append(None)
    return entries


def data_of(panel):
    frame = pd.DataFrame(panel.closes, index=pd.DatetimeIndex(panel.opened, tz="UTC"), columns=panel.symbols)
    return panel_from(None, market_data={"prices": frame})


def cycle(panel):
    """The same cycle goes on from bar to bar."""
    found = DecisionCycle(panel.symbols, periods_per_year=panel.periods_per_year, assets=panel.assets)
    entries = []
    for t, bar in enumerate(panel.bars()):
        found.observe(bar)
        if t < WARM_UP or t % 10:
            entries.append(None)
            continue
        found.hold(equal_book(panel.rows(0, t + 1)))
        decision = found.decide()
        spoken = [recommend(decision, symbol) for symbol in panel.alive()]
        entries.append(plain({"decision": decision.to_dict(), "recommendations": spoken}))
    return entries


def followed(panel):
    """One cycle is handed on, and follows the whole history before it follows a part."""
    found, entries = follow(panel), []
    for n in range(1, panel.n_observations + 1):
        if n < WARM_UP or n % 20:
            entries.append(None)
            continue
        found = follow(panel.rows(0, n), cycle=found)
        found.hold(equal_book(panel.rows(0, n)))
        entries.append(plain(found.decide().to_dict()))
    return entries


def regimes(panel):
    path = regime_path(panel)
    warming = panel.n_observations - len(path.states)
    return {
        "states": [None] * warming + list(path.states),
        "index": np.concatenate([np.full(warming, np.nan), path.index]),
    }


def rehearsal(panel):
    result = Backtest(panel, warm_up=WARM_UP).run()
    warming = panel.n_observations - len(result.equity)
    fills = {}
    for fill in result.fills:
        fills.setdefault(np.datetime64(fill.filled_at.replace(tzinfo=None), "ns"), []).append(plain(fill))
    return {
        "equity": np.concatenate([np.full(warming, np.nan), result.equity]),
        "baseline": np.concatenate([np.full(warming, np.nan), result.baseline]),
        "weights": np.vstack([np.full((warming, panel.n_assets), np.nan), result.weights]),
        "regimes": [None] * warming + list(result.regimes),
        "fills": [fills.get(time, []) for time in panel.closed],
    }


def days(panel):
    """At every hour the close of the last day that was over by then, out of the whole panel."""
    found = to_daily(panel)
    last = np.searchsorted(found.closed, panel.closed, side="right") - 1
    return [found.closes[row] if row >= 0 else None for row in last]


def benchmark(panel):
    """The second asset as the benchmark of the first."""
    data = data_of(panel)
    named = Benchmark(name="B", opened=panel.opened, closes=panel.closes[:, 1])
    return benchmark_returns(replace(data, benchmark=named), data.panel)


def fed(panel):
    """The last day that is over at every hour, out of a feed that takes the hours one by one."""
    feed, entries = BarFeed(panel.rows(0, 48)), [None] * 48
    for t in range(48, panel.n_observations):
        feed.take(panel.bar(t))
        entries.append(feed.daily().closes[-1])
    return entries


def benchmark_fed(panel):
    """The second asset as the benchmark, moved on hour by hour."""
    first = panel.rows(0, 48)
    own = Benchmark(name=panel.symbols[1], opened=first.opened, closes=first.closes[:, 1])
    found, feed = benchmark_feed(replace(data_of(first), benchmark=own), to_daily(first)), BarFeed(first)
    entries = [None] * 48
    for t in range(48, panel.n_observations):
        bar = panel.bar(t)
        feed.take(bar)
        found.take(bar, found.level(bar, None))
        found.settle(feed.daily())
        entries.append(found.returns)
    return entries


def universe(panel):
    found, entries = UniverseFollower(panel.rows(0, WARM_UP)), [None] * WARM_UP
    for t in range(WARM_UP, panel.n_observations):
        found.append(panel.bar(t))
        entries.append(found.judge().quality)
    return entries


PANEL = daily(130)
HOURS = simulated_market(seed=6, n_assets=2, days=6, bar_seconds=3600.0).panel

CASES = {
    "poise.EnhancedPortfolioStrategy.step": Case(
        steps, PANEL, ("poise.EnhancedPortfolioStrategy",), rows=(90,), scale=0.05
    ),
    "poise.EnhancedPortfolioStrategy.analyze": Case(
        analyses, PANEL, ("poise.EnhancedPortfolioStrategy",), rows=(70, 100), scale=0.05
    ),
    "decision.DecisionCycle": Case(
        cycle, PANEL, ("decision.DecisionCycle", "decision.recommend"), rows=(70, 110), scale=0.05
    ),
    "decision.follow": Case(followed, PANEL, ("decision.follow",), rows=(70, 100), scale=0.05),
    "decision.regime_path": Case(regimes, PANEL, ("decision.regime_path",), scale=0.05),
    "backtest.Backtest": Case(rehearsal, PANEL, ("backtest.Backtest",), rows=(70, 110), scale=0.05),
    "market.to_daily": Case(days, HOURS, ("market.to_daily",), rows=(71, 100)),
    "market.BarFeed": Case(fed, HOURS, ("market.BarFeed",), rows=(71, 100)),
    "market.BenchmarkFeed": Case(
        benchmark_fed, HOURS, ("market.BenchmarkFeed", "market.benchmark_feed"), rows=(71, 100)
    ),
    "universe.UniverseFollower": Case(universe, PANEL, ("universe.UniverseFollower",), rows=(90,)),
    "market.benchmark_returns": Case(benchmark, daily(40, 2), ("market.benchmark_returns",)),
}
