"""How much to invest: a volatility target, a trend brake, a drawdown brake and the regime's cap.

Three slow levers multiply and the regime caps them. The drawdown brake follows Grossman and Zhou (1993),
"Optimal investment strategies for controlling drawdowns", with a peak that is forgotten in time: a book that
once touched the floor would otherwise stay in cash for ever.
"""

from __future__ import annotations

import math
from bisect import insort
from dataclasses import dataclass, replace
from typing import Any

from poise.domain.regime import RegimeState
from poise.errors import NonFiniteError, ParameterError, StateError
from poise.strategy.averages import Average, MeanSquare, median
from poise.strategy.regime_rules import EXPOSURE_STEP, exposure_cap

FAST_HALF_LIFE, SLOW_HALF_LIFE = 10.0, 42.0
WARM_OBSERVATIONS = 42
"""Returns before the volatility lever acts; until then it is neutral (1)."""

TREND_SPANS = (20, 50, 100, 200)
PEAK_HALF_LIFE = 180.0
BRAKE_GAIN = 1.5
"""With 1.5 the drawdown brake starts after a third of the budget is spent."""

OWN_VOLATILITY_SHARE = 0.8
_PEAK_DECAY = 2.0 ** (-1.0 / PEAK_HALF_LIFE)
NO_VALUE = "drawdown: nothing held so far: exposure x 1.00"


@dataclass(frozen=True)
class Exposure:
    """The invested fraction after one bar, and what made it.

    Attributes
    ----------
    value : float
        0 to 1: what to invest, after hysteresis.
    raw : float
        Before hysteresis.
    volatility_factor, trend_factor, drawdown_factor : float
        Each 0 to 1; 1 is neutral.
    regime_cap : float
    reasons : tuple of str
        In words, with the numbers.
    """

    value: float
    raw: float
    volatility_factor: float
    trend_factor: float
    drawdown_factor: float
    regime_cap: float
    reasons: tuple[str, ...]


class ExposureRule:
    """Online exposure, one daily bar at a time: ``min(cap, e_vol e_trend e_dd)``.

    * ``e_vol = min(1, target / volatility)``: the base book's volatility is the larger of a fast
      (half-life 10) and a slow (42) estimate; the target is 0.8 times the running median of that
      volatility, or `target_volatility`. Neutral for the first 42 returns.
    * ``e_trend = floor + (1 - floor)`` x the share of the base book's averages (20, 50, 100, 200 bars)
      that it stands above; averages longer than the history are left out, without any the lever is neutral.
    * ``e_dd``: 1 until a third of the drawdown budget is spent, then linear down to 0. The peak decays
      with a half-life of 180 bars. Neutral until a portfolio value is known.

    The value moves only when the raw exposure differs by more than 0.10 or is 0, and never stands above
    `max_exposure`.

    Parameters
    ----------
    max_exposure : float, default=1
    trend_floor : float, default=0
        Least trend factor.
    target_volatility : float, optional
        Annual, a fraction.
    drawdown_budget : float, default=0.35
        Drawdown at which the exposure is 0.
    periods_per_year : float, optional
        Needed with `target_volatility`.
    downside : bool, default=False
        Measure volatility on losses only (twice the downside semi-variance).

    Raises
    ------
    ParameterError
        If a value is out of range or a target comes without `periods_per_year`.
    """

    def __init__(
        self,
        *,
        max_exposure: float = 1.0,
        trend_floor: float = 0.0,
        target_volatility: float | None = None,
        drawdown_budget: float = 0.35,
        periods_per_year: float | None = None,
        downside: bool = False,
    ) -> None:
        for name, value, inside in (
            ("max_exposure", max_exposure, 0.0 <= max_exposure <= 1.0),
            ("trend_floor", trend_floor, 0.0 <= trend_floor <= 1.0),
            ("drawdown_budget", drawdown_budget, 0.0 < drawdown_budget <= 1.0),
        ):
            if not inside:
                raise ParameterError(f"{name} = {value}; it must be a fraction of at most 1")
        self._target: float | None = None
        if target_volatility is not None:
            if periods_per_year is None or not (periods_per_year > 0.0 and target_volatility > 0.0):
                raise ParameterError(
                    f"target_volatility = {target_volatility} with periods_per_year = {periods_per_year}; "
                    "an annual target needs both, positive"
                )
            self._target = target_volatility / math.sqrt(periods_per_year)
        self._max_exposure = max_exposure
        self._trend_floor = trend_floor
        self._drawdown_budget = drawdown_budget
        self._downside = downside
        self._fast = MeanSquare(FAST_HALF_LIFE)
        self._slow = MeanSquare(SLOW_HALF_LIFE)
        self._volatility = math.nan
        self._own_volatility: list[float] = []
        self._level = 1.0
        self._n_returns = 0
        self._averages = tuple(Average(span) for span in TREND_SPANS)
        self._peak: float | None = None
        self._fall: float | None = None
        self._cap = 1.0
        self._levers = (1.0, 1.0, 1.0)
        self._value: float | None = None

    @classmethod
    def of(cls, settings: Any, *, periods_per_year: float) -> ExposureRule:
        """Take the values from settings that carry them as attributes (``PortfolioSettings`` does)."""
        return cls(
            max_exposure=settings.max_exposure,
            trend_floor=settings.trend_floor,
            target_volatility=settings.target_volatility,
            drawdown_budget=settings.drawdown_budget,
            periods_per_year=periods_per_year,
        )

    def update(
        self, base_return: float, *, regime: RegimeState | None, portfolio_value: float | None = None
    ) -> Exposure:
        """Take in one bar and return the exposure to hold after it.

        Parameters
        ----------
        base_return : float
            Simple return of the base book before exposure; NaN when unknown: volatility and trend then stay.
        regime : RegimeState or None
            None while the detector is warming: the mean of the four caps.
        portfolio_value : float, optional
            Value of the book, net of what was paid in or out. Zero or less closes the book.

        Raises
        ------
        NonFiniteError
            If the return or the value is infinite, the value NaN, or the return not above -1; nothing is
            changed then.
        """
        self.learn(base_return, regime=regime, portfolio_value=portfolio_value)
        return self.latest()

    def learn(
        self, base_return: float, *, regime: RegimeState | None, portfolio_value: float | None = None
    ) -> None:
        """Take in one bar as :meth:`update` does; :meth:`latest` puts what it made of it into words.

        Parameters
        ----------
        base_return, regime, portfolio_value
            As for :meth:`update`.

        Raises
        ------
        NonFiniteError
            As :meth:`update`.
        """
        if math.isinf(base_return) or base_return <= -1.0:
            raise NonFiniteError(f"base return is {base_return}; pass a fraction above -1, or NaN if unknown")
        if portfolio_value is not None and not math.isfinite(portfolio_value):
            raise NonFiniteError(f"portfolio value is {portfolio_value}; pass a finite value or None")
        if not math.isnan(base_return):
            self._observe(base_return)
        self._fall = self._below_peak(portfolio_value)
        self._cap = exposure_cap(regime)
        self._levers = (self._volatility_factor(), self._trend_factor(), self._drawdown_factor())
        self._settle(self._raw(self._cap))

    def latest(self) -> Exposure:
        """Return the exposure to hold after the last bar.

        Raises
        ------
        StateError
            Before the first bar.
        """
        if self._value is None:
            raise StateError("no bar yet; call update() or learn() first")
        asked = self._asked(self._cap)
        kept = asked.raw != self._value
        reason = f"kept at {self._value:.2f}: {asked.raw:.2f} is within {EXPOSURE_STEP:.2f}"
        return replace(asked, value=self._value, reasons=(*asked.reasons, reason) if kept else asked.reasons)

    def under(self, regime: RegimeState | None) -> Exposure:
        """Return what the last bar asks for under `regime`, without hysteresis; changes nothing."""
        return self._asked(exposure_cap(regime))

    def _raw(self, cap: float) -> float:
        return min(cap, self._max_exposure, math.prod(self._levers))

    def _asked(self, cap: float) -> Exposure:
        product, raw = math.prod(self._levers), self._raw(cap)
        binding = "cap of the regime" if cap < product else "below the regime's cap of"
        volatility_factor, trend_factor, drawdown_factor = self._levers
        reasons = (
            self._volatility_reason(volatility_factor),
            self._trend_reason(trend_factor),
            self._drawdown_reason(drawdown_factor),
            f"exposure {raw:.2f}: levers multiply to {product:.2f}, {binding} {cap:.2f}"
            + (f", never above {self._max_exposure:.2f}" if self._max_exposure < 1.0 else ""),
        )
        return Exposure(raw, raw, volatility_factor, trend_factor, drawdown_factor, cap, reasons)

    def _observe(self, base_return: float) -> None:
        square = 2.0 * min(base_return, 0.0) ** 2 if self._downside else base_return**2
        self._n_returns += 1
        self._volatility = math.sqrt(max(self._fast.add(square), self._slow.add(square)))
        if self._n_returns >= WARM_OBSERVATIONS:
            insort(self._own_volatility, self._volatility)
        self._level *= 1.0 + base_return
        for average in self._averages:
            average.add(self._level)

    def _volatility_target(self) -> float:
        if self._target is not None:
            return self._target
        return OWN_VOLATILITY_SHARE * median(self._own_volatility)

    def _volatility_factor(self) -> float:
        if self._n_returns < WARM_OBSERVATIONS:
            return 1.0
        now, target = self._volatility, self._volatility_target()
        return 1.0 if now <= target else target / now

    def _volatility_reason(self, factor: float) -> str:
        if self._n_returns < WARM_OBSERVATIONS:
            return f"volatility: warming, {self._n_returns} of {WARM_OBSERVATIONS} returns: neutral"
        now, target = self._volatility, self._volatility_target()
        return f"volatility: {now:.2%} a bar against a target of {target:.2%}: exposure x {factor:.2f}"

    def _averages_above(self) -> tuple[int, int]:
        """How many usable averages the base book stands above, and how many are usable."""
        usable = [average.value for average in self._averages if average.span <= self._n_returns]
        return [value < self._level for value in usable].count(True), len(usable)

    def _trend_factor(self) -> float:
        above, usable = self._averages_above()
        return self._trend_floor + (1.0 - self._trend_floor) * above / usable if usable else 1.0

    def _trend_reason(self, factor: float) -> str:
        above, usable = self._averages_above()
        if not usable:
            return f"trend: warming, {self._n_returns} of {TREND_SPANS[0]} returns: neutral"
        return f"trend: base book above {above} of {usable} averages: exposure x {factor:.2f}"

    def _below_peak(self, portfolio_value: float | None) -> float | None:
        """Move the decaying peak on; what the value is of it. None without a value, positive unless lost."""
        decayed = 0.0 if self._peak is None else self._peak * _PEAK_DECAY
        if portfolio_value is None:
            self._peak = None if self._peak is None else decayed
            return None
        if portfolio_value <= 0.0:
            return portfolio_value
        self._peak = max(portfolio_value, decayed)
        return portfolio_value / self._peak

    def _drawdown_factor(self) -> float:
        if self._fall is None:
            return 1.0
        if self._fall <= 0.0:
            return 0.0
        floor = 1.0 - self._drawdown_budget
        cushion = min(max((self._fall - floor) / self._drawdown_budget, 0.0), 1.0)
        return min(1.0, BRAKE_GAIN * cushion)

    def _drawdown_reason(self, factor: float) -> str:
        if self._fall is None:
            return NO_VALUE
        if self._fall <= 0.0:
            return f"drawdown: the book is worth {self._fall:g}: exposure x 0.00"
        return (
            f"drawdown: {1.0 - self._fall:.1%} below the decaying peak, "
            f"budget {self._drawdown_budget:.0%}: exposure x {factor:.2f}"
        )

    def _settle(self, raw: float) -> None:
        if self._value is None or raw == 0.0 or abs(raw - self._value) > EXPOSURE_STEP:
            self._value = raw
