"""G: the worst drawdown of a long series, all statistics in one pass, the whole table of figures."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pandas as pd

from benches.peers import given
from poise.bench import by_hand
from poise.bench.harness import Case, Contender
from poise.bench.inputs import simulated_series
from poise.performance import summarize
from poise.risk import max_drawdown
from poise.typing import Vector

PERIODS = 252.0
CALM = 2e-4
"""Scale at which a million fat-tailed returns do not compound to zero."""


def cases() -> Iterator[Case]:
    yield drawdown(1_000_000)
    yield one_pass(1_000_000)
    yield table(5_000)
    yield table(1_000_000)


def dated(returns: Vector) -> pd.Series:
    """With the index that the peers want; a million days would leave the calendar."""
    return pd.Series(returns, index=pd.date_range("2000-01-03", periods=len(returns), freq="min"))


def drawdown(n: int) -> Case:
    returns = simulated_series(n, CALM)
    series = dated(returns)

    def with_pandas() -> float:
        value = (1.0 + series).cumprod()
        return float((1.0 - value / value.cummax().clip(lower=1.0)).max())

    def negated(call: Any) -> Contender:
        return Contender(call, answer=lambda: -call())

    def skfolio(lib: Any) -> Contender:
        return Contender(lambda: lib.max_drawdown(lib.get_drawdowns(returns, compounded=True)))

    return Case(
        "G1",
        "max drawdown",
        f"T={n}",
        {
            "poise": Contender(partial(max_drawdown, returns)),
            "numpy": Contender(partial(by_hand.max_drawdown, returns)),
            "pandas": Contender(with_pandas),
            "skfolio": given("skfolio.measures", skfolio),
            "empyrical": given("empyrical", lambda lib: negated(partial(lib.max_drawdown, returns))),
            "quantstats": given("quantstats.stats", lambda lib: negated(partial(lib.max_drawdown, series))),
        },
    )


def one_pass(n: int) -> Case:
    returns = simulated_series(n, CALM)
    ours = partial(summarize, returns, periods_per_year=PERIODS)

    def comparable() -> tuple[float, ...]:
        found = ours()
        volatility = found.annualized_volatility / PERIODS**0.5
        return volatility, found.max_drawdown, found.hit_rate, float(found.max_drawdown_duration)

    def numba(lib: Any) -> Contender:
        def answer() -> tuple[float, ...]:
            _, volatility, _, hits, worst, longest, _, _ = lib.statistics(returns)
            return volatility, worst, hits, longest

        return Contender(partial(lib.statistics, returns), answer=answer, note="no quantiles, no checks")

    return Case(
        "G1",
        "all statistics of one series",
        f"T={n}",
        {
            "poise": Contender(ours, answer=comparable, note="VaR and CVaR too"),
            "numba by hand, one pass": given("benches.numba_by_hand", numba),
        },
    )


def table(n: int) -> Case:
    returns = simulated_series(n, CALM)
    series = dated(returns)
    ours = partial(summarize, returns, periods_per_year=PERIODS)

    def comparable() -> tuple[float, ...]:
        found = ours()
        return found.annualized_volatility, found.max_drawdown

    def quantstats(lib: Any) -> Contender:
        call = partial(lib.reports.metrics, series, mode="full", display=False, periods_per_year=int(PERIODS))

        def answer() -> tuple[float, ...]:
            volatility = lib.stats.volatility(series, periods=int(PERIODS))
            return volatility, -lib.stats.max_drawdown(series)

        return Contender(call, answer=answer, note="some sixty lines; two are compared")

    return Case(
        "G2",
        "the table of figures",
        f"T={n}",
        {
            "poise": Contender(ours, answer=comparable, note="as a frozen value, 16 figures"),
            "quantstats": given("quantstats", quantstats),
        },
    )
