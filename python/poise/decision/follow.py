"""Bring a cycle up to the last bar of a panel, from scratch or from where it stands."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from poise.config.portfolio import PortfolioSettings
from poise.decision.cycle import DecisionCycle
from poise.domain.portfolio import Portfolio
from poise.domain.prices import PricePanel
from poise.errors import EmptyUniverseError

DEFAULT_BOOK_VALUE = 10_000.0

TRIGGER_BARS = 150
"""The triggers look back 126 bars; showing them more would only take time."""


def follow(
    panel: PricePanel,
    *,
    settings: PortfolioSettings | None = None,
    tiers: Mapping[str, int] | None = None,
    quality: Mapping[str, float] | None = None,
    cycle: DecisionCycle | None = None,
) -> DecisionCycle:
    """Return a cycle that has observed every bar of `panel`.

    Parameters
    ----------
    panel : PricePanel
        Daily bars.
    settings : PortfolioSettings, optional
    tiers, quality : mapping, optional
        By symbol, where known.
    cycle : DecisionCycle, optional
        One that may have seen the beginning of `panel` already: then only the newer bars are observed and
        its memory of earlier decisions is kept. If it is for other symbols or settings, or any price or time
        that it saw was revised, a new cycle starts from the first bar.
    """
    start = 0
    if (
        cycle is not None
        and cycle.symbols == panel.symbols
        and cycle.settings == (settings or PortfolioSettings())
    ):
        start = _rows_seen(cycle, panel)
    if cycle is None or start == 0:
        cycle = DecisionCycle(
            panel.symbols,
            periods_per_year=panel.periods_per_year,
            settings=settings,
            assets=panel.assets,
            tiers=tiers,
            quality=quality,
            bar_seconds=panel.bar_seconds,
        )
    else:
        cycle.know(assets=panel.assets, tiers=tiers, quality=quality)
    for row in range(start, panel.n_observations):
        cycle.observe(panel.bar(row), warm_triggers=row >= panel.n_observations - TRIGGER_BARS)
    return cycle


def _rows_seen(cycle: DecisionCycle, panel: PricePanel) -> int:
    """Return how many rows of `panel` the cycle has seen; 0 when it saw something else."""
    last = cycle.last_bar
    if last is None:
        return 0
    rows = int(np.searchsorted(panel.opened, last.opened, side="right"))
    return rows if cycle.saw(panel, rows) else 0


def equal_book(panel: PricePanel, value: float = DEFAULT_BOOK_VALUE) -> Portfolio:
    """Return equal weights of the assets alive at the last bar, worth `value` dollars.

    Raises
    ------
    EmptyUniverseError
        If no asset has a close in the last bar.
    """
    alive = panel.alive()
    if not alive:
        raise EmptyUniverseError("no asset has a close in the last bar; pass a portfolio or fresher prices")
    last = panel.last_prices()
    return Portfolio(positions={symbol: value / len(alive) / last[symbol] for symbol in alive})
