"""Running averages of one series, each a few numbers."""

from __future__ import annotations

import math


class MeanSquare:
    """Exponentially weighted mean, weights adjusted to sum to one from the first value."""

    def __init__(self, half_life: float) -> None:
        self._decay = 2.0 ** (-1.0 / half_life)
        self._sum = 0.0
        self._mass = 0.0

    def add(self, value: float) -> float:
        """Take in the next value; return the mean so far."""
        self._sum = self._decay * self._sum + value
        self._mass = self._decay * self._mass + 1.0
        return self._sum / self._mass


class Average:
    """Exponential moving average of a chart's usual span: weight ``2 / (span + 1)`` on the newest value."""

    def __init__(self, span: int) -> None:
        self.span = span
        self._gain = 2.0 / (span + 1.0)
        self.value = math.nan

    def add(self, value: float) -> None:
        """Take in the next value."""
        # Stepping by the difference keeps the average of a constant exactly that constant.
        self.value = value if math.isnan(self.value) else self.value + self._gain * (value - self.value)


def median(ordered: list[float]) -> float:
    """Return the median of numbers in ascending order."""
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else 0.5 * (ordered[middle - 1] + ordered[middle])
