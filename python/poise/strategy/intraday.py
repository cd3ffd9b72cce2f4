"""The trend of four-hour bars, for comparison with the daily one."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import numpy.typing as npt

from poise.domain.prices import PricePanel
from poise.strategy.closes import close_window
from poise.strategy.momentum import WINDOW_ROWS, measure_momentum
from poise.typing import Matrix, Vector

BUCKET_SECONDS = 4 * 3600
COMPLETE_SHARE = 0.8

Instants = npt.NDArray[np.int64]

_NANOSECONDS = 10**9


def measure_intraday_trend(panel: PricePanel, *, until: datetime | None = None) -> Vector | None:
    """Return the time-series momentum of four-hour bars: lookbacks of 20 to 250 of them, 3 to 42 days.

    Bars add up to UTC buckets (00:00, 04:00, ...). A bucket counts for an asset when it is over and at
    least 80 % of its bars are there, the last one among them; what trades for a few hours a day has none.

    Parameters
    ----------
    panel : PricePanel
        Bars of four hours or an even part of that.
    until : datetime, optional
        Bars that close later are not looked at; timezone-aware. All are unless given.

    Returns
    -------
    ndarray of shape (n_assets,) or None
        -1 to 1; NaN without enough four-hour bars. None where the bars are longer than four hours, do not
        divide them, or no bucket is over.
    """
    bar, bucket = round(panel.bar_seconds * _NANOSECONDS), BUCKET_SECONDS * _NANOSECONDS
    if bar <= 0 or bucket % bar:
        return None
    opened = panel.opened.astype(np.int64)
    known = len(opened)
    if until is not None:
        known = int(np.searchsorted(opened + bar, round(until.timestamp() * 1e6) * 1000, side="right"))
    # One window of momentum, with the bars that its first price may be carried over.
    known_from = max(0, known - (WINDOW_ROWS + 5) * (bucket // bar))
    closes = _buckets(opened[known_from:known], panel.closes[known_from:known], bar, bucket)
    if not len(closes):
        return None
    return measure_momentum(close_window(closes, panel.symbols, max_rows=WINDOW_ROWS)).trend


def _buckets(opened: Instants, closes: Matrix, bar: int, bucket: int) -> Matrix:
    """Return the closes of the buckets that are over, one row per four hours; NaN for a missing one."""
    if not len(opened):
        return np.empty((0, closes.shape[1]))
    labels = opened // bucket
    first, n_over = int(labels[0]), int((opened[-1] + bar) // bucket - labels[0])
    rows = np.full((max(n_over, 0), closes.shape[1]), np.nan)
    present = np.isfinite(closes)
    counts = np.zeros(rows.shape)
    inside = labels - first < n_over
    np.add.at(counts, (labels[inside] - first).astype(np.intp), present[inside])
    last = inside & ((opened + bar) % bucket == 0)
    rows[(labels[last] - first).astype(np.intp)] = closes[last]
    rows[counts < COMPLETE_SHARE * (bucket // bar)] = np.nan
    return rows
