"""The last bars, as the estimators want them: a ring of closes and of returns."""

from __future__ import annotations

import math
import zlib
from typing import cast

import numpy as np
import numpy.typing as npt

from poise import _native
from poise.domain.arrays import float_array
from poise.domain.prices import DAY_SECONDS, Bar, PricePanel
from poise.errors import InputError, NonFiniteError, ShapeError
from poise.typing import Matrix, Vector

MAX_GAP_SECONDS = 4.0 * DAY_SECONDS
"""A close is compared with the one before it when that is at most four days old: weekends and holidays of an
exchange count as one bar, a halt or a hole in the data does not become one bar's return."""

_NANOSECONDS = np.dtype("datetime64[ns]")
_A_SECOND = 10**9


def _nanoseconds(moment: np.datetime64) -> int | None:
    """Return a moment as a number; None for one that is not a time."""
    # What NumPy gives for this unit is a number, whatever its types say.
    return cast(
        "int | None", (moment if moment.dtype == _NANOSECONDS else moment.astype(_NANOSECONDS)).item()
    )


class BarHistory:
    """Rings of closes and simple returns over the last `capacity` bars; nothing is ever filled forward.

    Parameters
    ----------
    symbols : tuple of str
    capacity : int
        Rows kept.
    """

    def __init__(self, symbols: tuple[str, ...], capacity: int) -> None:
        self.symbols = symbols
        self._capacity = capacity
        # Twice the capacity: the window is one contiguous slice, moved back once every `capacity` bars.
        self._closes = np.full((2 * capacity, len(symbols)), np.nan)
        self._returns = np.full((2 * capacity, len(symbols)), np.nan)
        self._end = 0
        self.n_observations = 0
        self._times = np.zeros(2 * capacity, dtype=np.int64)
        # Rows from here on are not in the checksums yet.
        self._unsummed = 0
        self._last_close = np.full(len(symbols), np.nan)
        self._last_seconds = np.full(len(symbols), -math.inf)
        # Whether the last bar was whole, which is not written to `_last_seconds`.
        self._whole = False
        # The earliest of them: while it is near, no close is compared with one too old.
        self._oldest_seconds = -math.inf
        self._opened: int | None = None
        # Before the first bar nothing is alive.
        self._now = 0.0
        self._checksums = (0, 0)

    @property
    def fingerprint(self) -> tuple[int, int]:
        """Checksums of every time and every close appended so far."""
        self._sum_up()
        return self._checksums

    def _sum_up(self) -> None:
        """Take the rows that are not in the checksums into them: seldom, for many at once cost as one."""
        times, prices = self._checksums
        rows = slice(self._unsummed, self._end)
        self._checksums = (
            zlib.crc32(self._times[rows].tobytes(), times),
            zlib.crc32(self._closes[rows].tobytes(), prices),
        )
        self._unsummed = self._end

    @staticmethod
    def fingerprint_of(panel: PricePanel, rows: int) -> tuple[int, int]:
        """Return what :attr:`fingerprint` is after the first `rows` rows of `panel`."""
        opened, closes = panel.opened[:rows], panel.closes[:rows]
        return zlib.crc32(opened.tobytes()), zlib.crc32(closes.tobytes())

    def append(self, bar: Bar) -> Vector:
        """Take in a completed bar and return its row of simple returns (NaN where unknown).

        Raises
        ------
        ShapeError
            If the bar is for other symbols.
        InputError
            If the bar is not later than the last one.
        NonFiniteError
            If a close is infinite, zero or negative; nothing is changed then.
        """
        opened = self._check(bar)
        seconds = float(opened // _A_SECOND)
        if self._end == len(self._closes):
            self._move_back()
        fresh = seconds - self._oldest_seconds <= MAX_GAP_SECONDS
        row = (
            _native.take_closes(bar.closes, self._last_close, self._closes, self._returns, self._end)
            if fresh
            else None
        )
        if row is None:
            row = self._take(bar, seconds)
        else:
            self._whole, self._oldest_seconds = True, seconds
        self._times[self._end] = opened
        self._end += 1
        self.n_observations += 1
        self._opened, self._now = opened, seconds
        return row

    def _take(self, bar: Bar, seconds: float) -> Vector:
        """Take in a bar of which something is missing, or that comes after a hole."""
        closes = float_array(bar.closes, "closes")
        bad = np.isinf(closes) | (closes <= 0.0)
        if bad.any():
            i = int(np.argmax(bad))
            raise NonFiniteError(f"close of {self.symbols[i]} at {bar.opened} is {closes[i]}; drop the bar")
        row: Vector = closes / self._last_close - 1.0
        self._last_seconds = self._seen()
        row[seconds - self._last_seconds > MAX_GAP_SECONDS] = np.nan
        known = np.isfinite(closes)
        self._last_close[known] = closes[known]
        self._last_seconds[known] = seconds
        self._whole, self._oldest_seconds = False, float(self._last_seconds.min())
        self._closes[self._end], self._returns[self._end] = closes, row
        return row

    def _seen(self) -> Vector:
        """When each asset last had a close, in seconds."""
        return np.full(len(self.symbols), self._oldest_seconds) if self._whole else self._last_seconds

    def _move_back(self) -> None:
        self._sum_up()
        keep = self._capacity
        for ring in (self._times, self._closes, self._returns):
            ring[:keep] = ring[-keep:]
        self._end = self._unsummed = keep

    def _check(self, bar: Bar) -> int:
        """Refuse a bar that does not fit; return when it opened, in nanoseconds."""
        if bar.symbols is not self.symbols and bar.symbols != self.symbols:
            raise ShapeError(
                f"the bar's {len(bar.symbols)} symbols are not the {len(self.symbols)} of this cycle; "
                "make a new cycle when the universe changes"
            )
        opened = _nanoseconds(bar.opened)
        if opened is None or (self._opened is not None and opened <= self._opened):
            last = "none yet" if self._opened is None else np.datetime64(self._opened, "ns")
            raise InputError(f"bar {bar.opened} is not later than the last one, {last}; bars move forward")
        return opened

    def closes(self, rows: int | None = None) -> Matrix:
        """Return the last `rows` closes (all kept ones by default) as a read-only view, newest last."""
        return self._window(self._closes, rows)

    def returns(self, rows: int | None = None) -> Matrix:
        """Return the last `rows` rows of returns as a read-only view, newest last."""
        return self._window(self._returns, rows)

    def _window(self, ring: Matrix, rows: int | None) -> Matrix:
        wanted = self._capacity if rows is None else min(rows, self._capacity)
        view = ring[max(0, self._end - wanted) : self._end]
        view.flags.writeable = False
        return view

    def alive(self) -> npt.NDArray[np.bool_]:
        """Return which assets had a close within four days: one closed for a week-end counts as alive."""
        alive: npt.NDArray[np.bool_] = self._now - self._seen() <= MAX_GAP_SECONDS
        return alive

    @property
    def all_alive(self) -> bool:
        """Whether every asset is :meth:`alive`."""
        return self._now - self._oldest_seconds <= MAX_GAP_SECONDS

    @property
    def last_closes(self) -> Vector:
        """The last known closes, read-only and kept up to date; NaN where there never was one."""
        view = self._last_close.view()
        view.flags.writeable = False
        return view

    def last_prices(self) -> dict[str, float]:
        """Return the last known close of every asset that ever had one."""
        return {
            s: p for s, p in zip(self.symbols, self._last_close.tolist(), strict=True) if math.isfinite(p)
        }
