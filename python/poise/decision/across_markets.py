"""Assets that trade round the clock beside those of an exchange, from a panel of days."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from poise.domain.prices import DAY_SECONDS, PricePanel
from poise.moments import CrossMarketCorrelation, CrossMarketPair


def across_markets(panel: PricePanel) -> tuple[CrossMarketPair, ...]:
    """Return the correlation of every pair across the two markets, from close to close of the exchange.

    What has closes at weekends trades round the clock, what has none is on an exchange. Daily closes of a
    coin are those of midnight UTC and are held against the exchange's of the same day, some hours earlier:
    what the hours between bring shows at the lags (:class:`poise.moments.CrossMarketCorrelation`).

    Parameters
    ----------
    panel : PricePanel
        Daily bars.

    Returns
    -------
    tuple of CrossMarketPair
        Row by row; empty where one of the markets is missing, or the bars are not daily.
    """
    if panel.bar_seconds != DAY_SECONDS:
        return ()
    # The first of January 1970 was a Thursday.
    weekend = (panel.opened.astype("datetime64[D]").astype(np.int64) + 3) % 7 >= 5
    known = np.isfinite(panel.closes)
    continuous = known[weekend].any(axis=0)
    exchange = known.any(axis=0) & ~continuous
    if not (continuous.any() and exchange.any()):
        return ()
    estimator = CrossMarketCorrelation().fit(
        panel.closes[:, continuous], panel.closes[:, exchange], panel.closed, panel.closed
    )
    rows, columns = np.flatnonzero(continuous), np.flatnonzero(exchange)
    return tuple(
        replace(
            pair,
            continuous=panel.symbols[rows[pair.continuous]],
            exchange=panel.symbols[columns[pair.exchange]],
        )
        for pair in estimator.pairs_
    )
