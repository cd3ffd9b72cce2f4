"""A risk model on trial while it runs: each forecast beside what happened."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple, Self

import numpy as np

from poise import _native
from poise.domain.risk import CoverageReport, VarBacktestReport
from poise.domain.snapshot import pack, unpack
from poise.errors import NonFiniteError, ParameterError, ShapeError
from poise.risk._inputs import as_bounded_length, as_number
from poise.risk._shortfall_null import FEWEST_DEGREES, MOST_DEGREES, ShortfallNull, shortfall_null
from poise.risk.backtests import traffic_light
from poise.risk.parametric import standard_tail

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


class _Verdict(NamedTuple):
    coverage: Sequence[tuple[int, float, float, float]]
    n_recent: int
    statistic: float
    null: ShortfallNull
    rejected: tuple[str, ...]
    inflation: float


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
    inflation : float
        What losses are to be multiplied by; see the notes.

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
        self._state = _native.Forecasts(self.window)

    @property
    def n_observations(self) -> int:
        """Bars on trial."""
        return min(self._state.n_observations, self.window)

    @property
    def kernel(self) -> _native.Forecasts:
        """The compiled state, for what takes a bar into several of them at once."""
        return self._state

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
        came = as_number(realised, "realised")
        if not all(map(math.isfinite, (came, *value_at_risk, *expected_shortfall))):
            raise NonFiniteError(f"realised {realised} or a forecast is not finite; leave the bar out")
        self._state.push(came, value_at_risk, expected_shortfall)

    def report(self) -> VarBacktestReport | None:
        """Return how the forecasts stood up; None below 250 bars.

        Returns
        -------
        VarBacktestReport or None
        """
        if self.n_observations < MIN_BACKTEST:
            return None
        n_rows, found = self.n_observations, self._verdict()
        coverage = tuple(
            CoverageReport(
                confidence_level=level,
                n_exceptions=count,
                n_expected=(1.0 - level) * n_rows,
                exception_rate=count / n_rows,
                kupiec_p_value=kupiec_p_value,
                conditional_coverage_p_value=both_p_value,
                independence_p_value=independence_p_value,
            )
            for level, (count, kupiec_p_value, independence_p_value, both_p_value) in zip(
                COVERAGE_LEVELS, found.coverage, strict=True
            )
        )
        return VarBacktestReport(
            n_observations=n_rows,
            coverage=coverage,
            traffic_light=traffic_light(found.n_recent, MIN_BACKTEST, 0.99).zone,
            shortfall_level=SHORTFALL_LEVEL,
            shortfall_statistic=found.statistic,
            shortfall_critical_value=found.null.critical_value(SIGNIFICANCE),
            shortfall_p_value=found.null.probability_below(found.statistic),
            rejected=found.rejected,
            inflation=found.inflation,
        )

    @property
    def inflation(self) -> float:
        """What losses are to be multiplied by, that of :meth:`report`; 1 below 250 bars."""
        return 1.0 if self.n_observations < MIN_BACKTEST else self._verdict().inflation

    def _verdict(self) -> _Verdict:
        n_rows = self.n_observations
        coverage, n_recent, statistic, ratio = self._state.on_trial(BACKTEST_LEVELS, MIN_BACKTEST)
        null = shortfall_null(n_rows, SHORTFALL_LEVEL, _degrees_of(ratio))
        rejected, excess = [], 1.0
        for level, (count, _, _, both_p_value) in zip(COVERAGE_LEVELS, coverage, strict=True):
            if both_p_value < SIGNIFICANCE:
                rejected.append(f"conditional coverage at {level:.0%}")
                excess = max(excess, count / n_rows / (1.0 - level))
        if statistic <= null.critical_value(SIGNIFICANCE):
            rejected.append(f"expected shortfall at {SHORTFALL_LEVEL:.1%}")
            # 1 - Z2 is the loss of all exceptions over what was forecast for them.
            excess = max(excess, 1.0 - statistic)
        inflation = min(excess, LARGEST_INFLATION)
        return _Verdict(coverage, n_recent, statistic, null, tuple(rejected), inflation)

    def to_bytes(self) -> bytes:
        """Return window and state as bytes."""
        described = {"window": self.window, "n_forecasts": self._state.n_observations}
        return pack("VarBacktest", described, self._state.rows().tobytes())

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
        rows = np.frombuffer(state).reshape(-1, 1 + 2 * len(BACKTEST_LEVELS))
        trial._state = _native.Forecasts.restored(trial.window, rule["n_forecasts"], rows)
        return trial

    def __copy__(self) -> Self:
        twin = self.__class__.__new__(self.__class__)
        vars(twin).update(vars(self), _state=self._state.__copy__())
        return twin

    def __repr__(self) -> str:
        return f"VarBacktest(window={self.window}, n_observations={self.n_observations})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).from_bytes, (self.to_bytes(),)


def _degrees_of(ratio: float) -> float:
    """Return the degrees of freedom, of few, whose shortfall over value at risk is nearest to `ratio`."""
    if math.isnan(ratio):
        return MOST_DEGREES
    # Fatter tails have larger ratios: ascending only with the sign turned.
    return _DEGREES[bisect_left(_turns(), -ratio)]


@lru_cache(maxsize=1)
def _turns() -> tuple[float, ...]:
    """Return, with the sign turned, the ratios half-way from each of the tails tried to the next."""
    tails = (standard_tail(degrees, SHORTFALL_LEVEL) for degrees in _DEGREES)
    ratios = [shortfall / quantile for quantile, shortfall in tails]
    return tuple(-0.5 * (fatter + thinner) for fatter, thinner in pairwise(ratios))
