"""Running averages of one series, each a few numbers."""

from __future__ import annotations

from bisect import bisect_right


class MeanSquare:
    """Exponentially weighted mean, weights adjusted to sum to one from the first value."""

    def __init__(self, half_life: float) -> None:
        self._decay = 2.0 ** (-1.0 / half_life)
        self._sum = 0.0
        self._mass = 0.0

    def add(self, value: float) -> None:
        """Take in the next value."""
        self._sum = self._decay * self._sum + value
        self._mass = self._decay * self._mass + 1.0

    @property
    def value(self) -> float:
        """The mean so far."""
        return self._sum / self._mass


class Averages:
    """Exponential moving averages of a chart's usual spans: weight ``2 / (span + 1)`` on the newest value.

    Parameters
    ----------
    spans : tuple of int
        In ascending order.
    """

    def __init__(self, spans: tuple[int, ...]) -> None:
        self._spans = spans
        self._gains = [2.0 / (span + 1.0) for span in spans]
        self._values: list[float] = []
        self._n_values = 0

    def add(self, value: float) -> None:
        """Take in the next value."""
        self._n_values += 1
        if not self._values:
            self._values = [value] * len(self._gains)
            return
        # Stepping by the difference keeps the average of a constant exactly that constant.
        self._values = [
            before + gain * (value - before) for before, gain in zip(self._values, self._gains, strict=True)
        ]

    def below(self, value: float) -> tuple[int, int]:
        """Return how many averages stand below `value`, and of how many: long ones wait for enough values."""
        n_usable = bisect_right(self._spans, self._n_values)
        return [average < value for average in self._values[:n_usable]].count(True), n_usable


def median(ordered: list[float]) -> float:
    """Return the median of numbers in ascending order."""
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else 0.5 * (ordered[middle - 1] + ordered[middle])
