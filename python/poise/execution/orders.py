"""Client order ids that every venue accepts, and the moment an order leaves."""

from __future__ import annotations

import json
from datetime import datetime
from hashlib import blake2b
from typing import TYPE_CHECKING

from poise.domain.orders import Order, OrderEvent, OrderStatus
from poise.errors import BrokerError, ParameterError

if TYPE_CHECKING:
    from poise.execution.journal import Journal

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_LENGTH = 17


def client_order_id(account: str, plan: str, leg: int, slice_: int = 0, attempt: int = 0) -> str:
    """Return ``p`` and 17 base-36 digits, the same for the same order every time.

    Eighteen lowercase letters and digits are what all venues take (Kraken allows no more, OKX no other
    characters). The digits carry 87 bits: two of a million orders meet with probability below 1e-14.

    Parameters
    ----------
    account : str
        Which account trades; not empty.
    plan : str
        The proposal's id; not empty.
    leg, slice_, attempt : int
        Position of the trade in the plan, of the slice in the trade, and how often it was proved absent
        at the venue before. Not negative.

    Raises
    ------
    ParameterError
        If a name is empty or a number negative.

    Examples
    --------
    >>> client_order_id("paper", "plan-1", 0)
    'paja1d3vwy1ga6taux'
    """
    for name, text in (("account", account), ("plan", plan)):
        if not text:
            raise ParameterError(f"{name} is empty; an order id needs it to be unique")
    for name, number in (("leg", leg), ("slice_", slice_), ("attempt", attempt)):
        if number < 0:
            raise ParameterError(f"{name} is {number}, expected at least 0")
    # JSON keeps ("a", "bc") and ("ab", "c") apart.
    identity = json.dumps([account, plan, leg, slice_, attempt]).encode()
    number = int.from_bytes(blake2b(identity, digest_size=16).digest()) % 36**_LENGTH
    digits = []
    for _ in range(_LENGTH):
        number, digit = divmod(number, 36)
        digits.append(_DIGITS[digit])
    return "p" + "".join(reversed(digits))


def mark_sent(journal: Journal, order: Order, *, at: datetime) -> Order:
    """Write down that an intended order leaves now; after a crash that is the line between never and maybe.

    Raises
    ------
    BrokerError
        If it was sent before.
    StateError
        If its intent is not in the journal.
    """
    known = journal.find(order.client_order_id)
    if known is not None and known.status is not OrderStatus.PLANNED:
        raise BrokerError(
            f"order {known.client_order_id} was sent before and is {known.status}; it is not sent again"
        )
    return journal.record(order.client_order_id, OrderEvent.SEND, at=at)
