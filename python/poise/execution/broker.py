"""What a broker is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, Protocol

from poise.domain.orders import Fill, Order
from poise.domain.portfolio import Portfolio
from poise.typing import Clock, Quantity

if TYPE_CHECKING:
    from poise.execution.gate import ApprovedOrder
    from poise.execution.holdings import Holdings
    from poise.execution.journal import Journal
    from poise.execution.prices import PriceBook


class WallClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the current time, UTC."""
        return datetime.now(UTC)


class Broker(Protocol):
    """Where orders go: a venue behind one account.

    Attributes
    ----------
    account : str
        Names the account in order ids and in the journal.
    mode : {"paper", "live"}
    clock : Clock or None
        None when the broker has no time of its own: then a proposal is as old as it says.
    journal : Journal
        Where :meth:`submit` writes what becomes of an order.
    """

    account: str
    mode: Literal["paper", "live"]
    clock: Clock | None
    journal: Journal

    async def submit(self, approved: ApprovedOrder) -> Order:
        """Send an order whose intent is journalled, follow it, and return it as it stands.

        Raises
        ------
        BrokerError
            If it is no approved order or was sent before.
        """
        ...

    async def fills_of(self, order: Order) -> tuple[Fill, ...]:
        """Return the order's fills so far."""
        ...

    async def holdings(self) -> Holdings:
        """Return exactly what can be traded now."""
        ...

    async def portfolio(self) -> Portfolio:
        """Return everything the account owns, for valuation."""
        ...

    async def prices(self, symbols: tuple[str, ...] = ()) -> PriceBook:
        """Return last prices with their times: of `symbols` at least, all that are known by default."""
        ...

    async def settle(self) -> tuple[Order, ...]:
        """Look up every order whose end is unknown; return those that remain so."""
        ...

    def untradable(self, symbol: str) -> str | None:
        """Return why the symbol cannot be traded now, or None."""
        ...

    def to_lot(self, symbol: str, quantity: Quantity) -> Quantity:
        """Return `quantity` rounded down to what the venue takes."""
        ...
