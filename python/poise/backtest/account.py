"""A simulated account: cash, quantities, and orders filled through the one fill engine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np

from poise.costs import FillEngine
from poise.costs.fill import Quote
from poise.domain.conditions import MarketConditions
from poise.domain.portfolio import Portfolio
from poise.typing import Side, Vector


class Leg(NamedTuple):
    """What to trade: units of one asset."""

    symbol: str
    side: Side
    quantity: float


@dataclass(frozen=True)
class SimulatedFill:
    """One leg as it was filled.

    Attributes
    ----------
    filled_at : datetime
        Close of the bar at which it was filled, UTC; one bar after the decision or later.
    symbol : str
    side : {"buy", "sell"}
    quantity, price : float
        Units and dollars per unit; zero quantity when nothing could be filled.
    fee, slippage : float
        Dollars; slippage against the bar's close.
    proposal_id : str
    note : str
        Why less than planned was filled; empty otherwise.
    """

    filled_at: datetime
    symbol: str
    side: Side
    quantity: float
    price: float
    fee: float
    slippage: float
    proposal_id: str
    note: str = ""

    @property
    def notional(self) -> float:
        """Dollars traded."""
        return self.quantity * self.price


class Account:
    """Cash and quantities by symbol.

    Invariants: cash never falls below zero, nothing is sold that is not held.

    Parameters
    ----------
    symbols : tuple of str
    cash : float
        Dollars.
    engine : FillEngine
    """

    def __init__(self, symbols: tuple[str, ...], cash: float, engine: FillEngine) -> None:
        self._symbols = symbols
        self._column = {symbol: i for i, symbol in enumerate(symbols)}
        self._engine = engine
        self.cash = cash
        self.quantities = np.zeros(len(symbols))
        self.fees = 0.0
        self.slippage = 0.0

    def portfolio(self) -> Portfolio:
        """Return what is held."""
        return Portfolio(
            cash=self.cash,
            positions={s: float(q) for s, q in zip(self._symbols, self.quantities, strict=True) if q > 0.0},
        )

    def value(self, prices: Vector) -> float:
        """Return cash plus positions at the last known `prices` (NaN only where nothing is held)."""
        held = self.quantities > 0.0
        return self.cash + float(self.quantities[held] @ prices[held])

    def weights(self, prices: Vector) -> Vector:
        """Return the risky fractions at `prices`."""
        held = np.where(self.quantities > 0.0, self.quantities * prices, 0.0)
        total = self.cash + held.sum()
        return held / total if total > 0.0 else np.zeros_like(held)

    def execute(
        self, legs: Iterable[Leg], conditions: MarketConditions, proposal_id: str
    ) -> list[SimulatedFill]:
        """Fill `legs` in their order at the closes of `conditions`; what cannot be filled says why."""
        return [self._fill(leg, conditions, proposal_id) for leg in legs]

    def _fill(self, leg: Leg, conditions: MarketConditions, proposal_id: str) -> SimulatedFill:
        i = self._column[leg.symbol]
        close = float(conditions.prices[i])
        if not np.isfinite(close):
            return SimulatedFill(
                conditions.as_of,
                leg.symbol,
                leg.side,
                0.0,
                0.0,
                0.0,
                0.0,
                proposal_id,
                "no price at this bar",
            )
        wanted, note = leg.quantity, ""
        if leg.side == "sell" and wanted > self.quantities[i]:
            wanted, note = float(self.quantities[i]), "cut to what is held"
        if leg.side == "buy":
            affordable = self._affordable(i, wanted, conditions)
            if affordable < wanted:
                wanted, note = affordable, "cut to the cash at hand"
        quote = self._quote(leg.side, i, wanted, conditions)
        if quote.quantity < wanted:
            note = "cut to the participation cap"
        sign = 1.0 if leg.side == "buy" else -1.0
        self.quantities[i] += sign * quote.quantity
        self.cash = max(0.0, self.cash - sign * quote.quantity * quote.price - quote.fee)
        self.fees += quote.fee
        self.slippage += quote.slippage
        return SimulatedFill(
            conditions.as_of,
            leg.symbol,
            leg.side,
            quote.quantity,
            quote.price,
            quote.fee,
            quote.slippage,
            proposal_id,
            note,
        )

    def _quote(self, side: Side, i: int, quantity: float, conditions: MarketConditions) -> Quote:
        return self._engine.fill(
            side,
            quantity,
            float(conditions.prices[i]),
            spread_bps=float(conditions.spread_bps[i]),
            daily_volatility=float(conditions.volatility[i]) * conditions.bars_per_day**0.5,
            dollar_volume=float(conditions.dollar_volume[i]),
        )

    def _affordable(self, i: int, wanted: float, conditions: MarketConditions) -> float:
        """Return how much of `wanted` the cash pays for, costs included."""
        quote = self._quote("buy", i, wanted, conditions)
        needed = quote.quantity * quote.price + quote.fee
        # A smaller order has less impact per unit, so scaling down by the ratio is always enough.
        return wanted if needed <= self.cash else wanted * self.cash / needed
