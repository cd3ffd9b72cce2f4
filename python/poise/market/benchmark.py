"""The benchmark beside the bars of a panel: its returns, and a track of them that goes on."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import replace

import numpy as np

from poise.domain.prices import DAY_SECONDS, Bar, PricePanel
from poise.errors import NonFiniteError
from poise.market.daily import to_daily
from poise.market.data import Benchmark, MarketData
from poise.typing import Vector

KEPT_RETURNS = 1024
"""Twice what any figure looks back on."""


class BenchmarkTrack:
    """A benchmark's closes beside the bars of a panel, moved on with them.

    Parameters
    ----------
    name : str
    closes : ndarray of shape (n_observations,)
        One per bar; NaN where missing.
    """

    def __init__(self, name: str, closes: Vector) -> None:
        self.name = name
        self._last = float(closes[-1])
        self._returns = deque((closes[1:] / closes[:-1] - 1.0).tolist(), maxlen=KEPT_RETURNS)

    def checked(self, close: float) -> float:
        """Return `close` if it can be one of the benchmark.

        Raises
        ------
        NonFiniteError
            If it is infinite, zero or negative.
        """
        if close <= 0.0 or math.isinf(close):
            raise NonFiniteError(
                f"the close of the benchmark {self.name} is {close}; pass a positive number, NaN if unknown"
            )
        return float(close)

    def append(self, close: float) -> None:
        """Take in the benchmark's close at the next bar, NaN where it is not known."""
        self._returns.append(close / self._last - 1.0)
        self._last = close

    @property
    def returns(self) -> Vector:
        """Simple returns on the last bars, newest last; NaN where a close is missing."""
        return np.array(self._returns, dtype=np.float64)


class BenchmarkFeed:
    """A benchmark beside a history that grows bar by bar; intraday closes add up to days as the bars do.

    Parameters
    ----------
    benchmark : Benchmark
    source : PricePanel
        The history as it was given.
    days : PricePanel
        Its days.
    """

    def __init__(self, benchmark: Benchmark, source: PricePanel, days: PricePanel) -> None:
        self._benchmark, self._source = benchmark, source.rows(0, 1)
        self._track = BenchmarkTrack(benchmark.name, _aligned(benchmark, source, days))
        self._recent: list[tuple[np.datetime64, float]] = []

    @property
    def returns(self) -> Vector:
        """Simple daily returns up to the last day, newest last; NaN where a close is missing."""
        return self._track.returns

    def level(self, bar: Bar, given: float | None) -> float:
        """Return the benchmark's close at `bar`: the one given, else the bar's own if it is traded, else NaN.

        Raises
        ------
        NonFiniteError
            If the one given is no price.
        """
        if given is not None:
            return self._track.checked(given)
        name = self._benchmark.name
        return float(bar.closes[bar.symbols.index(name)]) if name in bar.symbols else math.nan

    def take(self, bar: Bar, level: float) -> None:
        """Take in the close at a bar."""
        if self._source.bar_seconds >= DAY_SECONDS:
            self._track.append(level)
        else:
            self._recent.append((bar.opened, level))

    def settle(self, days: PricePanel) -> None:
        """Count intraday closes up to the last of `days`, which are over."""
        if not self._recent:
            return
        opened, closes = zip(*self._recent, strict=True)
        self._recent = []
        self._benchmark = replace(
            self._benchmark,
            opened=np.concatenate([self._benchmark.opened, np.array(opened, dtype="datetime64[ns]")]),
            closes=np.concatenate([self._benchmark.closes, np.array(closes)]),
        )
        self._track = BenchmarkTrack(self._benchmark.name, _aligned(self._benchmark, self._source, days))


def benchmark_feed(data: MarketData, days: PricePanel) -> BenchmarkFeed | None:
    """Return the benchmark beside a history, to be moved on; None without a benchmark.

    Parameters
    ----------
    data : MarketData
    days : PricePanel
        Daily bars made from it.
    """
    return None if data.benchmark is None else BenchmarkFeed(data.benchmark, data.panel, days)


def benchmark_returns(data: MarketData, panel: PricePanel) -> Vector | None:
    """Return the benchmark's simple returns on the daily bars of `panel`.

    Parameters
    ----------
    data : MarketData
    panel : PricePanel
        Daily bars made from it.

    Returns
    -------
    ndarray of shape (n_observations,) or None
        NaN at the first bar and where a close is missing; None without a benchmark.
    """
    if data.benchmark is None:
        return None
    closes = _aligned(data.benchmark, data.panel, panel)
    return np.concatenate([[np.nan], closes[1:] / closes[:-1] - 1.0])


def _aligned(benchmark: Benchmark, source: PricePanel, panel: PricePanel) -> Vector:
    """Return the benchmark's daily closes on the bars of `panel`, NaN where there is none."""
    daily = to_daily(
        PricePanel(
            opened=benchmark.opened,
            symbols=(benchmark.name,),
            closes=benchmark.closes[:, None],
            bar_seconds=source.bar_seconds,
            periods_per_year=source.periods_per_year,
        )
    )
    closes = dict(zip(daily.opened.tolist(), daily.closes[:, 0].tolist(), strict=True))
    return np.array([closes.get(opened, np.nan) for opened in panel.opened.tolist()])
