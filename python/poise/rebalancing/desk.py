"""Everything a plan is made from: the book, its risk, what trading costs and what may still be traded."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from poise.costs import CostModel
from poise.errors import UnknownSymbolError, did_you_mean
from poise.rebalancing.bands import no_trade_half_width
from poise.rebalancing.benefit import DailyRisk, TrackingUtility
from poise.rebalancing.inputs import BookSnapshot
from poise.rebalancing.rounding import LotRules
from poise.rebalancing.rules import RebalanceRules
from poise.typing import Vector

# Differences below this fraction of the book are rounding of the weights, not a wish to trade.
_NOISE = 1e-9


@dataclass(frozen=True, eq=False)
class Desk:
    """One snapshot, ready to be planned on.

    Attributes
    ----------
    snapshot : BookSnapshot
        Worth more than 0.
    rules : RebalanceRules
    costs : CostModel
    lots : mapping of str to LotRules
        Symbols left out trade in lots of 1e-8.
    risk : DailyRisk
    turnover_left : float
        Turnover that today's cap still allows, a fraction of total value.
    purchases_left : float
        The same for purchases alone, which a falling or volatile market allows less of.
    idle_days : float
        Days since the last rebalance, or since the book was first seen.
    """

    snapshot: BookSnapshot
    rules: RebalanceRules
    costs: CostModel
    lots: Mapping[str, LotRules]
    risk: DailyRisk
    turnover_left: float
    purchases_left: float = math.inf
    idle_days: float = 0.0

    def __post_init__(self) -> None:
        known = set(self.snapshot.symbols)
        for symbol in self.snapshot.portfolio.positions:
            if symbol not in known:
                raise UnknownSymbolError(
                    f"{symbol} is held but has no conditions{did_you_mean(symbol, known)}; "
                    "add its prices or take it out of the portfolio"
                )

    @property
    def value(self) -> float:
        """Total value, dollars."""
        return self.snapshot.total_value

    @cached_property
    def utility(self) -> TrackingUtility:
        """The value of being nearer to the target."""
        return TrackingUtility.of(self.snapshot, self.risk.covariance, self.rules, idle_days=self.idle_days)

    @cached_property
    def held(self) -> Vector:
        """Units held, aligned to the symbols."""
        positions = self.snapshot.portfolio.positions
        return np.array([positions.get(s, 0.0) for s in self.snapshot.symbols], dtype=np.float64)

    @cached_property
    def prices(self) -> Vector:
        """Prices with 1 for assets that have none; those are never traded."""
        return np.where(self.snapshot.tradable, self.snapshot.conditions.prices, 1.0)

    @cached_property
    def largest_leg(self) -> Vector:
        """Dollars that participation allows per asset; infinite where the volume is unknown."""
        volume = self.snapshot.conditions.dollar_volume
        return np.where(np.isnan(volume), np.inf, volume * self.costs.participation_cap)

    @cached_property
    def distance(self) -> Vector:
        """Signed dollars from the book to its target; 0 without a price, never more than is held."""
        snapshot = self.snapshot
        dollars = (snapshot.target_weights - snapshot.weights) * self.value
        dollars[np.abs(dollars) <= _NOISE * self.value] = 0.0
        sellable = np.maximum(self.held, 0.0) * self.prices
        closing = (snapshot.target_weights == 0.0) & (self.held > 0.0)
        dollars = np.where(closing, -sellable, np.maximum(dollars, -sellable))
        return np.where(snapshot.tradable, dollars, 0.0)

    @cached_property
    def band(self) -> Vector:
        """Half-width of each asset's no-trade region, in weight."""
        return no_trade_half_width(
            self.snapshot.target_weights,
            np.asarray(self.costs.rate(self.snapshot.conditions.spread_bps)),
            risk_aversion=self.rules.risk_aversion,
        )

    @cached_property
    def outside(self) -> npt.NDArray[np.bool_]:
        """Which assets have left their no-trade region, or are to be closed."""
        gap = np.abs(self.snapshot.target_weights - self.snapshot.weights)
        closing = (self.snapshot.target_weights == 0.0) & (self.held > 0.0)
        left: npt.NDArray[np.bool_] = (gap >= self.band) | closing
        return left

    @cached_property
    def wanted(self) -> Vector:
        """The distance of what is outside its no-trade region, within the participation cap."""
        return np.where(self.outside, np.clip(self.distance, -self.largest_leg, self.largest_leg), 0.0)

    def lot(self, asset: int) -> LotRules:
        """Return the lot rules of the asset at a position."""
        return self.lots.get(self.snapshot.symbols[asset], _DEFAULT_LOT)

    def cost(self, notionals: Vector) -> Vector:
        """Return the expected dollars of trading signed `notionals`."""
        conditions = self.snapshot.conditions
        return self.costs.estimate(
            notionals,
            spread_bps=conditions.spread_bps,
            daily_volatility=self.risk.volatility,
            dollar_volume=conditions.dollar_volume,
        ).total

    def names(self, mask: npt.NDArray[Any]) -> str:
        """Return the symbols where `mask` is not 0, for a message."""
        return ", ".join(s for s, chosen in zip(self.snapshot.symbols, mask, strict=True) if chosen)


_DEFAULT_LOT = LotRules()
