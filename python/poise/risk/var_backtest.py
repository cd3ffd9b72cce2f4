"""A risk model on trial while it runs: each forecast beside what happened."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Self

import numpy as np

from poise import _native
from poise.domain.risk import CoverageReport, VarBacktestReport
from poise.domain.snapshot import pack, unpack
from poise.errors import NonFiniteError, ParameterError, ShapeError
from poise.risk._inputs import as_bounded_length, as_number
from poise.risk._shortfall_null import FEWEST_DEGREES, MOST_DEGREES, shortfall_null
from poise.risk.backtests import traffic_light
from poise.risk.parametric import standard_tail
from poise.typing import Matrix, Vector

BACKTEST_LEVELS = (0.95, 0.975, 0.99)
"""Levels of the forecasts; the middle one is that of the shortfall test, as its authors chose it."""

COVERAGE_LEVELS = (0.95, 0.99)
SHORTFALL_LEVEL = 0.975

MIN_BACKTEST = 250
"""Observations before anything is reported; the traffic light looks at the last 250."""

SIGNIFICANCE = 0.05
LARGEST_INFLATION = 1.5

_DEGREES = (FEWEST_DEGREES, 3.0, 3.5, 4.0, 5.0, 6.0, 8.0, 12.0, 25.0, MOST_DEGREES)
"""Tails tried for the null of the shortfall test: few, so that its distribution is computed only once."""


class VarBacktest:
    """Forecasts of value at risk and expected shortfall, and what was lost, one bar at a time.

    Of the last `window` bars the exceptions are counted (Kupiec), looked at for clusters (Christoffersen) and
    weighed (Acerbi and Szekely), and the Basel traffic light is read.

    Parameters
    ----------
    window : int, default=500
        Bars on trial, at least 250; older ones are forgotten, so that a model that was mended recovers.

    Attributes
    ----------
    n_observations : int
        Bars on trial, at most `window`.

    Raises
    ------
    ParameterError
        If the window is shorter than 250.

    Notes
    -----
    The live rule: where conditional coverage is rejected at 5 % or Z2 is below its critical value, the risk
    numbers are to be multiplied by empirical over nominal, at least 1 and at most 1.5 (the `inflation` of the
    report). The forecasts that come in are those before that, or the rule would chase itself.

    Examples
    --------
    >>> from poise.risk import VarBacktest
    >>> trial = VarBacktest()
    >>> for day in range(300):
    ...     trial.observe(-0.05 if day % 10 == 0 else 0.001, [0.01, 0.011, 0.012], [0.012, 0.013, 0.014])
    >>> report = trial.report()
    >>> report.coverage[0].n_exceptions, report.traffic_light, report.inflation
    (30, 'red', 1.5)
    """

    def __init__(self, *, window: int = 500) -> None:
        self.window = as_bounded_length(window)
        if self.window < MIN_BACKTEST:
            raise ParameterError(f"window is {window}, expected at least {MIN_BACKTEST} bars")
        self._ring = np.zeros((self.window, 1 + 2 * len(BACKTEST_LEVELS)))
        self._count = 0

    @property
    def n_observations(self) -> int:
        """Bars on trial."""
        return min(self._count, self.window)

    def observe(
        self, realised: float, value_at_risk: Sequence[float], expected_shortfall: Sequence[float]
    ) -> None:
        """Take in one bar.

        Parameters
        ----------
        realised : float
            The portfolio's simple return over the bar, a fraction.
        value_at_risk, expected_shortfall : sequence of float
            What was forecast for it before it was known, at 95, 97.5 and 99 %: positive losses, fractions.

        Raises
        ------
        ShapeError
            If there is not one forecast per level.
        NonFiniteError
            If a number is NaN or infinite; nothing is changed then.
        ParameterError
            If a shortfall is not positive or below its value at risk.
        """
        levels = len(BACKTEST_LEVELS)
        if len(value_at_risk) != levels or len(expected_shortfall) != levels:
            raise ShapeError(
                f"got {len(value_at_risk)} and {len(expected_shortfall)} forecasts, expected {levels}: "
                f"one for each of {', '.join(f'{level:g}' for level in BACKTEST_LEVELS)}"
            )
        row = (as_number(realised, "realised"), *value_at_risk, *expected_shortfall)
        if not all(map(math.isfinite, row)):
            raise NonFiniteError(f"realised {realised} or a forecast is not finite; leave the bar out")
        for loss, shortfall in zip(value_at_risk, expected_shortfall, strict=True):
            if not shortfall > 0.0:
                raise ParameterError(
                    f"expected_shortfall is {shortfall}, expected a positive loss; leave out bars on which "
                    "nothing can be lost"
                )
            if shortfall < loss - 1e-9 * abs(loss):
                raise ParameterError("an expected_shortfall is below its value_at_risk; are the two swapped?")
        self._ring[self._count % self.window] = row
        self._count += 1

    def report(self) -> VarBacktestReport | None:
        """Return how the forecasts stood up; None below 250 bars.

        Returns
        -------
        VarBacktestReport or None
        """
        if self.n_observations < MIN_BACKTEST:
            return None
        rows = self._rows()
        coverage = tuple(_coverage(rows, level) for level in COVERAGE_LEVELS)
        recent = rows[-MIN_BACKTEST:]
        last = int((recent[:, 0] < -recent[:, _column(0.99)]).sum())
        k = _column(SHORTFALL_LEVEL)
        value_at_risk, shortfall = rows[:, k], rows[:, k + len(BACKTEST_LEVELS)]
        # The kernels, and not the functions around them: `observe` has checked every number.
        _, statistic, _ = _native.acerbi_szekely(rows[:, 0], value_at_risk, shortfall, SHORTFALL_LEVEL)
        null = shortfall_null(len(rows), SHORTFALL_LEVEL, _tail_of(value_at_risk, shortfall))
        critical_value = null.critical_value(SIGNIFICANCE)
        rejected, excess = [], 1.0
        for found in coverage:
            if found.conditional_coverage_p_value < SIGNIFICANCE:
                rejected.append(f"conditional coverage at {found.confidence_level:.0%}")
                excess = max(excess, found.exception_rate / (1.0 - found.confidence_level))
        if statistic <= critical_value:
            rejected.append(f"expected shortfall at {SHORTFALL_LEVEL:.1%}")
            # 1 - Z2 is the loss of all exceptions over what was forecast for them.
            excess = max(excess, 1.0 - statistic)
        return VarBacktestReport(
            n_observations=len(rows),
            coverage=coverage,
            traffic_light=traffic_light(last, MIN_BACKTEST, 0.99).zone,
            shortfall_level=SHORTFALL_LEVEL,
            shortfall_statistic=statistic,
            shortfall_critical_value=critical_value,
            shortfall_p_value=null.probability_below(statistic),
            rejected=tuple(rejected),
            inflation=min(excess, LARGEST_INFLATION),
        )

    def _rows(self) -> Matrix:
        """Return what is on trial, newest last."""
        if self._count <= self.window:
            return self._ring[: self._count]
        newest = self._count % self.window
        return np.concatenate([self._ring[newest:], self._ring[:newest]])

    def to_bytes(self) -> bytes:
        """Return window and state as bytes."""
        return pack(
            "VarBacktest", {"window": self.window, "n_forecasts": self._count}, self._rows().tobytes()
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Return the trial that :meth:`to_bytes` wrote; it continues bit for bit.

        Raises
        ------
        StateError
            If the bytes are short, damaged, of another kind or written by a newer version.
        """
        rule, state = unpack("VarBacktest", data)
        trial = cls(window=rule["window"])
        rows = np.frombuffer(state).reshape(-1, trial._ring.shape[1])
        trial._count = rule["n_forecasts"]
        trial._ring[np.arange(trial._count - len(rows), trial._count) % trial.window] = rows
        return trial

    def __copy__(self) -> Self:
        twin = self.__class__.__new__(self.__class__)
        vars(twin).update(vars(self), _ring=self._ring.copy())
        return twin

    def __repr__(self) -> str:
        return f"VarBacktest(window={self.window}, n_observations={self.n_observations})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).from_bytes, (self.to_bytes(),)


def _column(level: float) -> int:
    return 1 + BACKTEST_LEVELS.index(level)


def _coverage(rows: Matrix, level: float) -> CoverageReport:
    exceptions = rows[:, 0] < -rows[:, _column(level)]
    count = int(np.count_nonzero(exceptions))
    _, kupiec_p_value = _native.kupiec(count, len(rows), level)
    _, (_, independence_p_value), (_, both_p_value), _ = _native.christoffersen(exceptions, level)
    return CoverageReport(
        confidence_level=level,
        n_exceptions=count,
        n_expected=(1.0 - level) * len(rows),
        exception_rate=count / len(rows),
        kupiec_p_value=kupiec_p_value,
        conditional_coverage_p_value=both_p_value,
        independence_p_value=independence_p_value,
    )


def _tail_of(value_at_risk: Vector, shortfall: Vector) -> float:
    """Return the degrees of freedom, of few, whose shortfall over value at risk is that of the forecasts."""
    known = value_at_risk > 0.0
    if not known.all():
        value_at_risk, shortfall = value_at_risk[known], shortfall[known]
    if not len(value_at_risk):
        return MOST_DEGREES
    ratios = np.sort(shortfall / value_at_risk)
    middle = len(ratios) // 2
    ratio = float(ratios[middle] if len(ratios) % 2 else 0.5 * (ratios[middle - 1] + ratios[middle]))
    return min(_DEGREES, key=lambda degrees: abs(_ratio(degrees) - ratio))


@lru_cache(maxsize=len(_DEGREES))
def _ratio(degrees: float) -> float:
    quantile, shortfall = standard_tail(degrees, SHORTFALL_LEVEL)
    return shortfall / quantile
