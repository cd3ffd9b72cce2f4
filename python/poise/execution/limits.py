"""What no order may break."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from poise.errors import ParameterError

if TYPE_CHECKING:
    from poise.config.portfolio import PortfolioSettings


@dataclass(frozen=True, kw_only=True)
class GateLimits:
    """What no order may break. Fractions are of total value; ``None`` switches a limit off.

    Parameters
    ----------
    price_collar_bps : float, default=500.0
        How far the plan's price may lie from the last one, and the fill from that.
    max_price_age_seconds : float, default=172800.0
        Older prices are stale; 48 hours are two daily bars.
    max_clock_skew_seconds : float, default=300.0
        How far a price may lie in the future of the broker's clock.
    max_order_notional, max_daily_notional : float or None, default=None
        Dollars.
    max_daily_turnover : float or None, default=1.0
        The larger of a day's buys and sells over total value, which is half the sum of absolute weight
        changes with cash counted as an asset.
    max_position_weight : float, default=0.35
        After the trade.
    slack : float, default=0.02
        How far, relatively, weight and turnover may exceed their limits: prices move and costs are paid
        between plan and fill.
    cash_buffer : float, default=0.01
        Cash that buys leave alone.
    cost_allowance_bps : float, default=30.0
        Least that is set aside for the costs of a buy when its cash is checked.
    min_notional : float, default=10.0
        Dollars; selling a whole position is allowed below it.

    Raises
    ------
    ParameterError
        If a limit is negative or not finite.
    """

    price_collar_bps: float = 500.0
    max_price_age_seconds: float = 172_800.0
    max_clock_skew_seconds: float = 300.0
    max_order_notional: float | None = None
    max_daily_notional: float | None = None
    max_daily_turnover: float | None = 1.0
    max_position_weight: float = 0.35
    slack: float = 0.02
    cash_buffer: float = 0.01
    cost_allowance_bps: float = 30.0
    min_notional: float = 10.0

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value >= 0.0):
                raise ParameterError(f"{name} is {value}, expected a finite number of at least 0")
        if self.price_collar_bps >= 10_000.0 or self.cash_buffer > 1.0:
            raise ParameterError(
                f"price_collar_bps is {self.price_collar_bps} and cash_buffer {self.cash_buffer}; expected "
                "below 10000 and at most 1"
            )

    @classmethod
    def from_settings(cls, settings: PortfolioSettings) -> GateLimits:
        """Return the limits that the settings name, the defaults for the rest."""
        return cls(
            max_daily_turnover=settings.max_daily_turnover,
            max_position_weight=settings.max_position_size,
            cash_buffer=settings.cash_buffer,
            min_notional=settings.min_notional,
        )
