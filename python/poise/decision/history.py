"""The last bars, as the estimators want them: a ring of closes and of returns."""

from __future__ import annotations

import math
import zlib

import numpy as np
import numpy.typing as npt

from poise.domain.prices import DAY_SECONDS, Bar, PricePanel
from poise.errors import InputError, NonFiniteError, ShapeError
from poise.typing import Matrix, Vector

MAX_GAP_SECONDS = 4.0 * DAY_SECONDS
"""A close is compared with the one before it when that is at most four days old: weekends and holidays of an
exchange count as one bar, a halt or a hole in the data does not become one bar's return."""

_NANOSECONDS = np.dtype("datetime64[ns]")
_A_SECOND = 10**9


def _nanoseconds(moment: np.datetime64) -> np.datetime64:
    return moment if moment.dtype == _NANOSECONDS else moment.astype(_NANOSECONDS)


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
        self._last_close = np.full(len(symbols), np.nan)
        self._last_seconds = np.full(len(symbols), -math.inf)
        # The earliest of them: while it is near, no close is compared with one too old.
        self._oldest_seconds = -math.inf
        self._opened: np.datetime64 | None = None
        # Before the first bar nothing is alive.
        self._now = 0.0
        self._checksums = (0, 0)

    @property
    def fingerprint(self) -> tuple[int, int]:
        """Checksums of every time and every close appended so far."""
        return self._checksums

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
        seconds, whole = self._check(bar)
        closes = bar.closes
        row: Vector = closes / self._last_close
        row -= 1.0
        if not seconds - self._oldest_seconds <= MAX_GAP_SECONDS:
            row[seconds - self._last_seconds > MAX_GAP_SECONDS] = np.nan
        if whole:
            self._last_close[:] = closes
            self._last_seconds[:] = seconds
            self._oldest_seconds = seconds
        else:
            known = np.isfinite(closes)
            self._last_close[known] = closes[known]
            self._last_seconds[known] = seconds
            self._oldest_seconds = float(self._last_seconds.min())
        if self._end == len(self._closes):
            keep = self._capacity
            self._closes[:keep] = self._closes[-keep:]
            self._returns[:keep] = self._returns[-keep:]
            self._end = keep
        self._closes[self._end] = closes
        self._returns[self._end] = row
        self._end += 1
        self.n_observations += 1
        self._opened, self._now = bar.opened, seconds
        times, prices = self._checksums
        self._checksums = (
            zlib.crc32(_nanoseconds(bar.opened).tobytes(), times),
            zlib.crc32(closes.tobytes(), prices),
        )
        return row

    def _check(self, bar: Bar) -> tuple[float, bool]:
        """Refuse a bar that does not fit; return when it opened, in seconds, and whether all is known."""
        if bar.symbols is not self.symbols and bar.symbols != self.symbols:
            raise ShapeError(
                f"the bar's {len(bar.symbols)} symbols are not the {len(self.symbols)} of this cycle; "
                "make a new cycle when the universe changes"
            )
        if self._opened is not None and not bar.opened > self._opened:
            raise InputError(
                f"bar {bar.opened} is not later than the last one, {self._opened}; bars move forward"
            )
        closes = bar.closes
        # NaN fails both comparisons, too: then each close is looked at.
        whole = bool(np.minimum.reduce(closes) > 0.0 and np.maximum.reduce(closes) < math.inf)
        if not whole:
            bad = np.isinf(closes) | (closes <= 0.0)
            if bad.any():
                i = int(np.argmax(bad))
                raise NonFiniteError(
                    f"close of {self.symbols[i]} at {bar.opened} is {closes[i]}; drop the bar"
                )
        return float(_nanoseconds(bar.opened).view(np.int64) // _A_SECOND), whole

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
        alive: npt.NDArray[np.bool_] = self._now - self._last_seconds <= MAX_GAP_SECONDS
        return alive

    @property
    def all_alive(self) -> bool:
        """Whether every asset is :meth:`alive`."""
        return self._now - self._oldest_seconds <= MAX_GAP_SECONDS

    @property
    def last_closes(self) -> Vector:
        """The last known close of every asset as a read-only view; NaN where there never was one."""
        view = self._last_close.view()
        view.flags.writeable = False
        return view

    def last_prices(self) -> dict[str, float]:
        """Return the last known close of every asset that ever had one."""
        return {
            s: p for s, p in zip(self.symbols, self._last_close.tolist(), strict=True) if math.isfinite(p)
        }
