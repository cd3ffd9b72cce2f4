"""What the account holds, exactly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

from poise.domain.portfolio import Portfolio
from poise.typing import Money, Quantity


@dataclass(frozen=True)
class Holdings:
    """Cash and quantities that can be traded now; an exact snapshot.

    Attributes
    ----------
    cash : Money
        Dollars that buys may use.
    positions : mapping of str to Quantity
        Units that sells may use; no zeros.
    """

    cash: Money
    positions: Mapping[str, Quantity]

    def __post_init__(self) -> None:
        held = {symbol: quantity for symbol, quantity in self.positions.items() if quantity != 0}
        object.__setattr__(self, "positions", MappingProxyType(held))

    def held(self, symbol: str) -> Quantity:
        """Return the units held, 0 for a symbol that is not."""
        return self.positions.get(symbol, Quantity(Decimal(0)))

    def to_portfolio(self) -> Portfolio:
        """Return the same as floats, for valuation."""
        return Portfolio(
            cash=float(self.cash), positions={symbol: float(q) for symbol, q in self.positions.items()}
        )
