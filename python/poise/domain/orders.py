"""Orders, fills and the literal table of what may happen to an order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from poise.domain.weights import Weights
from poise.errors import OrderTransitionError
from poise.typing import Money, Price, Quantity, Side


class OrderStatus(StrEnum):
    """Where an order stands."""

    PLANNED = "planned"
    REFUSED = "refused"
    SENT = "sent"
    UNKNOWN = "unknown"
    OPEN = "open"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"


class OrderEvent(StrEnum):
    """What can happen to an order."""

    REFUSE = "refuse"
    SEND = "send"
    ACCEPT = "accept"
    REJECT = "reject"
    LOSE = "lose"
    FILL_PART = "fill_part"
    FILL_ALL = "fill_all"
    CANCEL = "cancel"


_S, _E = OrderStatus, OrderEvent

TRANSITIONS: Mapping[tuple[OrderStatus, OrderEvent], OrderStatus] = {
    (_S.PLANNED, _E.REFUSE): _S.REFUSED,
    (_S.PLANNED, _E.SEND): _S.SENT,
    (_S.SENT, _E.ACCEPT): _S.OPEN,
    (_S.SENT, _E.REJECT): _S.REJECTED,
    (_S.SENT, _E.LOSE): _S.UNKNOWN,
    (_S.SENT, _E.FILL_PART): _S.PARTIALLY_FILLED,
    (_S.SENT, _E.FILL_ALL): _S.FILLED,
    (_S.SENT, _E.CANCEL): _S.CANCELLED,
    (_S.UNKNOWN, _E.ACCEPT): _S.OPEN,
    (_S.UNKNOWN, _E.REJECT): _S.REJECTED,
    (_S.UNKNOWN, _E.FILL_PART): _S.PARTIALLY_FILLED,
    (_S.UNKNOWN, _E.FILL_ALL): _S.FILLED,
    (_S.UNKNOWN, _E.CANCEL): _S.CANCELLED,
    (_S.OPEN, _E.FILL_PART): _S.PARTIALLY_FILLED,
    (_S.OPEN, _E.FILL_ALL): _S.FILLED,
    (_S.OPEN, _E.CANCEL): _S.CANCELLED,
    (_S.PARTIALLY_FILLED, _E.FILL_PART): _S.PARTIALLY_FILLED,
    (_S.PARTIALLY_FILLED, _E.FILL_ALL): _S.FILLED,
    (_S.PARTIALLY_FILLED, _E.CANCEL): _S.CANCELLED,
}

FINAL: frozenset[OrderStatus] = frozenset({_S.REFUSED, _S.FILLED, _S.CANCELLED, _S.REJECTED})
"""States that nothing follows."""


@dataclass(frozen=True)
class Order:
    """One instruction to a venue.

    Attributes
    ----------
    client_order_id : str
        ``p`` and 17 base-36 digits; deterministic, never used twice.
    symbol : str
    side : {"buy", "sell"}
    quantity : Quantity
        Units, positive.
    reference_price : Price
        The price the plan rests on; the collar is measured from it.
    created : datetime
        UTC.
    status : OrderStatus
    filled : Quantity
        Units filled so far.
    reason : str
        Why it was refused, rejected or cut; empty otherwise.
    """

    client_order_id: str
    symbol: str
    side: Side
    quantity: Quantity
    reference_price: Price
    created: datetime
    status: OrderStatus = OrderStatus.PLANNED
    filled: Quantity = Quantity(Decimal(0))  # noqa: RUF009 - an immutable value
    reason: str = ""

    def after(self, event: OrderEvent, *, filled: Quantity | None = None, reason: str = "") -> Order:
        """Return the order after `event`.

        Raises
        ------
        OrderTransitionError
            If the table has no line for the present status and `event`.
        """
        status = TRANSITIONS.get((self.status, event))
        if status is None:
            raise OrderTransitionError(
                f"order {self.client_order_id} is {self.status}; {event} cannot follow"
            )
        return replace(
            self,
            status=status,
            filled=self.filled if filled is None else filled,
            reason=reason or self.reason,
        )

    @property
    def notional(self) -> Money:
        """Quantity at the reference price."""
        return Money(self.quantity * self.reference_price)

    @property
    def final(self) -> bool:
        """Whether nothing can follow."""
        return self.status in FINAL


@dataclass(frozen=True)
class Fill:
    """One execution.

    Attributes
    ----------
    client_order_id, symbol, side
        Of the order.
    quantity : Quantity
    price : Price
    fee : Money
        In the account's currency.
    slippage : Money
        Paid against the reference price, positive when worse.
    at : datetime
        UTC.
    """

    client_order_id: str
    symbol: str
    side: Side
    quantity: Quantity
    price: Price
    fee: Money
    slippage: Money
    at: datetime

    @property
    def notional(self) -> Money:
        """Quantity at the fill price."""
        return Money(self.quantity * self.price)


@dataclass(frozen=True)
class RiskRefused:
    """The gate's no: a value with a reason, not an exception.

    Attributes
    ----------
    order : Order
    rule : str
        A stable word: ``price_collar``, ``stale_price``, ``order_notional``, ...
    reason : str
        In words, with the numbers and the limit.
    """

    order: Order
    rule: str
    reason: str


@dataclass(frozen=True)
class ExecutionReport:
    """What became of a proposal.

    Attributes
    ----------
    proposal_id : str
    orders : tuple of Order
        Every leg, refused ones included with their reason.
    fills : tuple of Fill
    fees, slippage : float
        Dollars.
    remaining : mapping of str to float
        Signed units not traded, by symbol (negative: still to sell).
    final_weights : Weights
    as_of : datetime
    mode : {"paper", "live"}
    """

    proposal_id: str
    orders: tuple[Order, ...]
    fills: tuple[Fill, ...]
    fees: float
    slippage: float
    remaining: Mapping[str, float]
    final_weights: Weights
    as_of: datetime
    mode: str = "paper"

    @property
    def refused(self) -> tuple[Order, ...]:
        """Orders that never left, with their reasons."""
        return tuple(order for order in self.orders if order.status is OrderStatus.REFUSED)

    @property
    def complete(self) -> bool:
        """Whether every order was filled whole."""
        return all(order.status is OrderStatus.FILLED for order in self.orders)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__} | {"complete": self.complete}
