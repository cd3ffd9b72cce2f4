"""Reading a window of closes that may have holes: own returns and the price as of a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from poise.domain.arrays import float_array
from poise.errors import EmptyInputError, NonFiniteError, ShapeError
from poise.typing import Matrix, Vector

MAX_GAP_BARS = 4
"""Weekends and holidays of an exchange count as one bar; a longer hole is no return."""


@dataclass(frozen=True)
class CloseWindow:
    """Log prices and own log returns of one window; the last row is now.

    Attributes
    ----------
    log_closes : ndarray of shape (n_rows, n_assets)
    log_returns : ndarray of shape (n_rows, n_assets)
        From the asset's previous close, at most four rows earlier; NaN otherwise.
    last_row : ndarray of int, shape (n_rows, n_assets)
        Row of the last close at or before each row; -1 before the first.
    """

    log_closes: Matrix
    log_returns: Matrix
    last_row: np.ndarray[Any, np.dtype[np.int64]]

    @property
    def n_rows(self) -> int:
        """Rows in the window."""
        return len(self.log_closes)

    def as_of(self, bars_ago: int) -> Vector:
        """Return each log close known `bars_ago` rows before the last, at most four rows old; else NaN."""
        n_rows, n_assets = self.log_closes.shape
        row = n_rows - 1 - bars_ago
        if row < 0:
            return np.full(n_assets, np.nan)
        last = self.last_row[row]
        fresh = (last >= 0) & (row - last <= MAX_GAP_BARS)
        values: Vector = np.where(fresh, self.log_closes[last, np.arange(n_assets)], np.nan)
        return values

    def age(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Return bars since each asset's last close; the window's length if it has none."""
        last = self.last_row[-1]
        return np.where(last >= 0, self.n_rows - 1 - last, self.n_rows)

    def without_last(self) -> CloseWindow:
        """Return the window as it was one bar earlier."""
        return CloseWindow(self.log_closes[:-1], self.log_returns[:-1], self.last_row[:-1])


def close_window(closes: Matrix, symbols: tuple[str, ...], *, max_rows: int) -> CloseWindow:
    """Check the closes and read their last rows, adding the equal-weighted market as last column.

    The market's level is the product of its mean simple returns; a bar without any return leaves it
    where it was. Of a longer history the last `max_rows` rows and what they compare with are used.

    Raises
    ------
    ShapeError, EmptyInputError
        If the closes are not ``(n_rows, n_assets)`` with a column per symbol and at least one row.
    NonFiniteError
        If a close is infinite, zero or negative; the message names symbol and row.
    """
    values = float_array(closes, "closes")
    if values.ndim != 2 or values.shape[1] != len(symbols):
        raise ShapeError(
            f"closes have shape {values.shape}, expected (n_rows, {len(symbols)}); one column per symbol"
        )
    if not values.size:
        raise EmptyInputError("closes have no row or no column; pass at least the current bar of one asset")
    bad = np.isinf(values) | (values <= 0.0)
    if bad.any():
        row, column = (int(i) for i in np.argwhere(bad)[0])
        raise NonFiniteError(
            f"close of {symbols[column]} in row {row} is {values[row, column]}; pass a positive price or NaN"
        )
    assets = _window(np.log(values[-(max_rows + MAX_GAP_BARS) :]))
    seen = np.isfinite(assets.log_returns)
    count = seen.sum(axis=1)
    simple = np.where(seen, np.expm1(np.where(seen, assets.log_returns, 0.0)), 0.0).sum(axis=1)
    market = np.cumsum(np.log1p(simple / np.maximum(count, 1)))
    # It begins one bar before the first return of any asset.
    begun = np.cumsum(count) > 0
    begun[:-1] |= begun[1:]
    return _window(np.column_stack([assets.log_closes, np.where(begun, market, np.nan)]))


def _window(log_closes: Matrix) -> CloseWindow:
    n_rows, n_assets = log_closes.shape
    rows = np.arange(n_rows)[:, None]
    last_row = np.maximum.accumulate(np.where(np.isfinite(log_closes), rows, -1), axis=0)
    previous = np.vstack([np.full((1, n_assets), -1), last_row[:-1]])
    comparable = (previous >= 0) & (rows - previous <= MAX_GAP_BARS)
    before = np.take_along_axis(log_closes, np.maximum(previous, 0), axis=0)
    return CloseWindow(log_closes, np.where(comparable, log_closes - before, np.nan), last_row)
