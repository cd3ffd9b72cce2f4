"""The benchmark beside the bars of a panel: its returns, and a track of them that goes on."""

from __future__ import annotations

import math
from collections import deque

import numpy as np

from poise.domain.prices import PricePanel
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


def benchmark_track(data: MarketData, panel: PricePanel) -> BenchmarkTrack | None:
    """Return the benchmark beside the daily bars of `panel`, to be moved on; None without a benchmark.

    Parameters
    ----------
    data : MarketData
    panel : PricePanel
        Daily bars made from it.
    """
    if data.benchmark is None:
        return None
    return BenchmarkTrack(data.benchmark.name, _aligned(data.benchmark, data.panel, panel))


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
