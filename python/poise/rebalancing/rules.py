"""The numbers a rebalance obeys, taken from the settings once.

What a trade costs, and the most of a day's volume it may be, is the cost model's to say.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from poise.errors import ParameterError

if TYPE_CHECKING:
    from poise.config.portfolio import PortfolioSettings

_FRACTIONS = ("max_position_size", "drawdown_budget", "max_daily_turnover")
_POSITIVE = ("risk_aversion", "holding_period_days", "rebalance_interval_days")
_NON_NEGATIVE = ("cooldown_hours", "min_notional")


@dataclass(frozen=True)
class RebalanceRules:
    """When to trade, how much at most and what a trade must earn. Fractions are of total value.

    Parameters
    ----------
    risk_aversion : float, default=3.0
        Gamma of the cost-benefit comparison and of the no-trade bands.
    holding_period_days : float, default=20.0
        Days over which a rebalance must earn its cost.
    rebalance_interval_days : float, default=7.0
        The time trigger's interval.
    cooldown_hours : float, default=24.0
        Pause after a rebalance while urgency is low or medium; a sixth of it while it is high.
    max_daily_turnover : float, default=0.5
        Most turnover within 24 hours.
    cash_buffer : float, default=0.01
        Cash that no purchase touches.
    min_notional : float, default=10.0
        Smallest order, dollars; closing a position may be smaller.
    max_position_size : float, default=0.35
        A purchase is never rounded up past this weight.
    drawdown_budget : float, default=0.35
        The drawdown that counts as all of it.

    Raises
    ------
    ParameterError
        If a number lies outside its range; the message gives the range.
    """

    risk_aversion: float = 3.0
    holding_period_days: float = 20.0
    rebalance_interval_days: float = 7.0
    cooldown_hours: float = 24.0
    max_daily_turnover: float = 0.5
    cash_buffer: float = 0.01
    min_notional: float = 10.0
    max_position_size: float = 0.35
    drawdown_budget: float = 0.35

    def __post_init__(self) -> None:
        for name in _FRACTIONS:
            self._check(name, "above 0 and at most 1", inside=0.0 < getattr(self, name) <= 1.0)
        for name in _POSITIVE:
            self._check(name, "positive", inside=getattr(self, name) > 0.0)
        for name in _NON_NEGATIVE:
            self._check(name, "at least 0", inside=getattr(self, name) >= 0.0)
        self._check("cash_buffer", "between 0 and 1", inside=0.0 <= self.cash_buffer <= 1.0)

    def _check(self, name: str, allowed: str, *, inside: bool) -> None:
        value = getattr(self, name)
        if not inside or not math.isfinite(value):
            raise ParameterError(f"{name} is {value}; it must be {allowed}")

    @classmethod
    def of(cls, settings: PortfolioSettings) -> RebalanceRules:
        """Take the values this room needs from the settings."""
        return cls(**{name: float(getattr(settings, name)) for name in cls.__dataclass_fields__})

    def smallest_leg(self, total_value: float) -> float:
        """Return the dollars below which a leg is dust: ``min_notional``, or 0.1 % of the book if more."""
        return max(self.min_notional, 0.001 * total_value)
