"""Triggers that learn from every bar: volatility, correlation, drawdown.

Each watch sees one value per bar, reads it against what it had learned *before* the bar, then learns it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from poise.domain.proposals import Trigger, TriggerReading
from poise.rebalancing.readings import fired, quiet, unavailable
from poise.rebalancing.thresholds import AdaptiveThreshold

_FAST_DAYS = 3.0
_SLOW_DAYS = 42.0
_WARM_UP_DAYS = 20.0
_LEAST_RATIO = 1.5
_MOST_RATIO = 5.0
_SPIKES_PER_DAY = 2.0 / 30.4
_SMALLEST_EXPOSURE = 0.05

_CORRELATION_DAYS = 126.0
_HIGH_CORRELATION = 0.7
_HIGH_Z = 2.0
# The standard deviation of a constant is not 0 but its rounding error.
_SMALLEST_SCALE = 1e-9
# atanh(1) is infinite; 1 - 1e-9 keeps the transform at about 10.7.
_LARGEST_CORRELATION = 1.0 - 1e-9

_DRAWDOWN_LEVELS = ((0.5, 0.5), (0.75, 1.0), (1.0, 2.0))
_REARM_AFTER = 0.25


@dataclass
class _MeanSquare:
    """Exponentially weighted mean of squares, corrected for its short start."""

    half_life: float
    total: float = 0.0
    weight: float = 0.0

    def observe(self, value: float) -> None:
        decay_factor = 0.5 ** (1.0 / self.half_life)
        self.total = decay_factor * self.total + value * value
        self.weight = decay_factor * self.weight + 1.0

    @property
    def root(self) -> float:
        return math.sqrt(self.total / self.weight) if self.weight else math.nan


class VolatilityWatch:
    """Short over long volatility of what is invested, against an adaptive threshold of at least 1.5.

    The book's return is divided by its exposure (the larger of this and the previous bar's), so that the
    book's own moves in and out of cash are no spike; bars with less than 5 % invested teach nothing.

    Parameters
    ----------
    bars_per_day : float
    """

    def __init__(self, bars_per_day: float) -> None:
        self._fast = _MeanSquare(_FAST_DAYS * bars_per_day)
        self._slow = _MeanSquare(_SLOW_DAYS * bars_per_day)
        self._least_bars = math.ceil(_WARM_UP_DAYS * bars_per_day)
        self._n_bars = 0
        self._exposure = 0.0
        self._threshold = AdaptiveThreshold(
            exceedance=_SPIKES_PER_DAY / bars_per_day,
            lower=_LEAST_RATIO,
            upper=_MOST_RATIO,
            half_life=_SLOW_DAYS * bars_per_day,
        )

    def observe(self, book_return: float, exposure: float) -> TriggerReading:
        """Read and learn one bar.

        Parameters
        ----------
        book_return : float
            Of the whole book over the bar; NaN is missing.
        exposure : float
            Sum of absolute risky weights at the bar's close.
        """
        invested = max(exposure, self._exposure)
        self._exposure = exposure
        if not math.isfinite(book_return):
            return unavailable(Trigger.VOLATILITY, "the book has no return over this bar")
        if not invested >= _SMALLEST_EXPOSURE:
            return unavailable(Trigger.VOLATILITY, f"only {invested:.1%} is invested; nothing to measure")
        self._fast.observe(book_return / invested)
        self._slow.observe(book_return / invested)
        self._n_bars += 1
        if self._n_bars < self._least_bars:
            return unavailable(
                Trigger.VOLATILITY, f"warming: {self._n_bars} of {self._least_bars} returns seen"
            )
        if not self._slow.root > 0.0:
            return unavailable(Trigger.VOLATILITY, "the book has not moved; the ratio is undefined")
        return self._read(self._fast.root / self._slow.root)

    def _read(self, ratio: float) -> TriggerReading:
        threshold = self._threshold.level
        self._threshold.observe(ratio)
        reason = (
            f"{_FAST_DAYS:.0f}-day volatility is {ratio:.2f} times the {_SLOW_DAYS:.0f}-day one "
            f"(spike from {threshold:.2f})"
        )
        if ratio < threshold:
            return quiet(Trigger.VOLATILITY, reason, value=ratio, threshold=threshold)
        severity = math.log(ratio / threshold) / math.log(_LEAST_RATIO)
        return fired(Trigger.VOLATILITY, reason, severity=severity, value=ratio, threshold=threshold)


class CorrelationWatch:
    """Average correlation, high in itself and against the 126 days before this bar.

    Parameters
    ----------
    bars_per_day : float
    """

    def __init__(self, bars_per_day: float) -> None:
        self._past = np.full(max(2, round(_CORRELATION_DAYS * bars_per_day)), np.nan)
        self._n_seen = 0

    def observe(self, average_correlation: float) -> TriggerReading:
        """Read and learn one bar; NaN (one asset, warming) is neither judged nor learned."""
        if not math.isfinite(average_correlation):
            return unavailable(Trigger.CORRELATION, "the average correlation is undefined")
        bounded = min(max(average_correlation, -_LARGEST_CORRELATION), _LARGEST_CORRELATION)
        transformed = math.atanh(bounded)
        reading = self._read(average_correlation, transformed)
        self._past[self._n_seen % len(self._past)] = transformed
        self._n_seen += 1
        return reading

    def _read(self, correlation: float, transformed: float) -> TriggerReading:
        if self._n_seen < len(self._past):
            return unavailable(
                Trigger.CORRELATION, f"warming: {self._n_seen} of {len(self._past)} bars of history"
            )
        deviation = float(self._past.std(ddof=1))
        if not deviation > _SMALLEST_SCALE:
            return unavailable(
                Trigger.CORRELATION, "the average correlation has not moved; no scale to judge by"
            )
        z = (transformed - float(self._past.mean())) / deviation
        reason = f"average correlation {correlation:.2f} is {z:+.1f} standard deviations from its own past"
        if correlation <= _HIGH_CORRELATION:
            return quiet(Trigger.CORRELATION, reason, value=correlation, threshold=_HIGH_CORRELATION)
        if z < _HIGH_Z:
            return quiet(Trigger.CORRELATION, reason, value=z, threshold=_HIGH_Z)
        severity = (z - _HIGH_Z) / _HIGH_Z
        return fired(Trigger.CORRELATION, reason, severity=severity, value=z, threshold=_HIGH_Z)


@dataclass
class DrawdownWatch:
    """Levels of the drawdown budget, each called once and again only after recovering a quarter of it.

    Parameters
    ----------
    budget : float
        The drawdown that uses the budget up.
    """

    budget: float
    _armed: list[bool] = field(default_factory=lambda: [True] * len(_DRAWDOWN_LEVELS))

    def observe(self, drawdown: float) -> TriggerReading:
        """Read and learn one bar; NaN leaves the levels as they are."""
        if not math.isfinite(drawdown):
            return unavailable(Trigger.DRAWDOWN, "the drawdown is unknown")
        used = drawdown / self.budget
        crossed = -1
        for index, (level, _) in enumerate(_DRAWDOWN_LEVELS):
            if used >= level and self._armed[index]:
                self._armed[index] = False
                crossed = index
            elif used <= level - _REARM_AFTER:
                self._armed[index] = True
        reason = f"drawdown {drawdown:.1%} uses {used:.0%} of the {self.budget:.0%} budget"
        if crossed >= 0:
            level, severity = _DRAWDOWN_LEVELS[crossed]
            return fired(Trigger.DRAWDOWN, reason, severity=severity, value=used, threshold=level)
        waiting = (level for (level, _), armed in zip(_DRAWDOWN_LEVELS, self._armed, strict=True) if armed)
        threshold = next(waiting, math.nan)
        if math.isnan(threshold) or used >= _DRAWDOWN_LEVELS[0][0]:
            reason += "; the levels reached were already called"
        return quiet(Trigger.DRAWDOWN, reason, value=used, threshold=threshold)
