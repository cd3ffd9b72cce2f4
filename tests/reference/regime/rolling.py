"""Order statistics and moments of the last ``window`` numbers, one number at a time."""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections import deque

_FLAT = 1e-12
"""A variance below this share of the mean square is rounding, not variation."""


class RollingQuantile:
    """Quantiles of the last `window` numbers: a ring for age, a sorted list for rank.

    Parameters
    ----------
    window : int
        How many numbers are kept. Finding a place costs O(log window), making room one small memory
        move.
    """

    def __init__(self, window: int) -> None:
        self._window = window
        self._ring: deque[float] = deque()
        self._sorted: list[float] = []

    def __len__(self) -> int:
        return len(self._ring)

    def push(self, value: float) -> None:
        """Add a finite number; the oldest one leaves a full window."""
        if len(self._ring) == self._window:
            del self._sorted[bisect_left(self._sorted, self._ring.popleft())]
        self._ring.append(value)
        insort(self._sorted, value)

    def quantile(self, level: float) -> float:
        """Return the quantile at `level` in [0, 1], linear between order statistics; NaN when empty."""
        if not self._sorted:
            return math.nan
        position = level * (len(self._sorted) - 1)
        below = int(position)
        above = min(below + 1, len(self._sorted) - 1)
        share = position - below
        return self._sorted[below] * (1.0 - share) + self._sorted[above] * share


class RollingMoments:
    """Mean and standard deviation of the last `window` numbers.

    Parameters
    ----------
    window : int
        How many numbers are kept. The running sums are taken afresh every `window` numbers, so
        rounding cannot pile up.
    """

    def __init__(self, window: int) -> None:
        self._window = window
        self._ring: deque[float] = deque()
        self._sum = 0.0
        self._squares = 0.0
        self._pushes = 0

    def __len__(self) -> int:
        return len(self._ring)

    def push(self, value: float) -> None:
        """Add a finite number; the oldest one leaves a full window."""
        if len(self._ring) == self._window:
            oldest = self._ring.popleft()
            self._sum -= oldest
            self._squares -= oldest * oldest
        self._ring.append(value)
        self._sum += value
        self._squares += value * value
        self._pushes += 1
        if self._pushes % self._window == 0:
            self._sum = math.fsum(self._ring)
            self._squares = math.fsum(x * x for x in self._ring)

    def standardise(self, value: float) -> float:
        """Return how many standard deviations `value` lies above the mean; 0 where nothing varied."""
        n = len(self._ring)
        if n == 0:
            return 0.0
        mean = self._sum / n
        variance = self._squares / n - mean * mean
        if variance <= _FLAT * self._squares / n:
            return 0.0
        return (value - mean) / math.sqrt(variance)
