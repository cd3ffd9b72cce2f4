"""The benchmark's returns on the bars of a panel."""

from __future__ import annotations

import numpy as np

from poise.domain.prices import PricePanel
from poise.market.daily import to_daily
from poise.market.data import MarketData
from poise.typing import Vector


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
    daily = to_daily(
        PricePanel(
            opened=data.benchmark.opened,
            symbols=(data.benchmark.name,),
            closes=data.benchmark.closes[:, None],
            bar_seconds=data.panel.bar_seconds,
            periods_per_year=data.panel.periods_per_year,
        )
    )
    closes = dict(zip(daily.opened.tolist(), daily.closes[:, 0].tolist(), strict=True))
    aligned = np.array([closes.get(opened, np.nan) for opened in panel.opened.tolist()])
    return np.concatenate([[np.nan], aligned[1:] / aligned[:-1] - 1.0])
