"""A broker over an asynchronous ccxt exchange that the caller hands in."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal

from poise.domain.orders import Fill, Order, OrderEvent, OrderStatus
from poise.domain.portfolio import Portfolio
from poise.errors import BrokerError, ParameterError
from poise.execution.broker import WallClock
from poise.execution.ccxt_answers import Outcome, accepted_id, classify, executions, number
from poise.execution.ccxt_venue import CcxtVenue, Row
from poise.execution.gate import ApprovedOrder
from poise.execution.holdings import Holdings
from poise.execution.journal import Journal, shared_journal
from poise.execution.orders import mark_sent
from poise.execution.prices import PriceBook
from poise.typing import Clock, Money, Quantity

_LOG = logging.getLogger(__name__)
_ENDED = frozenset({"closed", "canceled", "cancelled", "expired", "rejected"})
_PROOFS_OF_ABSENCE = 3


class CcxtBroker:
    """Sends limit orders at the collar, follows them, and never sends one twice.

    A submit has three outcomes: accepted, rejected with proof, or unknown. An unknown order is looked up by
    its client order id; while no look-up settles it, it stays unknown and nothing more is sent.

    Parameters
    ----------
    exchange : ccxt.async_support.Exchange
        With keys; the caller makes and closes it.
    quote : str, default="USDT"
        The dollar that is cash; only symbols quoted in it are traded.
    account : str, optional
        Names the account in order ids; the exchange's id by default.
    journal : Journal, optional
        A file in the user's state folder by default.
    clock : Clock, optional
        The wall clock by default.
    order_timeout_seconds : float, default=30.0
        After that the rest of an order is cancelled.
    lookup_seconds : float, default=10.0
        How long an order must be absent at the venue before it counts as never arrived.
    poll_seconds : float, default=0.5

    Raises
    ------
    ParameterError
        If a duration is not positive, or the exchange is set to repeat failed requests, orders included.
    BrokerError, StateError, OutputError
        If the journal cannot be opened; see :class:`~poise.execution.journal.Journal`.
    """

    mode: Literal["paper", "live"] = "live"

    def __init__(
        self,
        exchange: Any,
        *,
        quote: str = "USDT",
        account: str | None = None,
        journal: Journal | None = None,
        clock: Clock | None = None,
        order_timeout_seconds: float = 30.0,
        lookup_seconds: float = 10.0,
        poll_seconds: float = 0.5,
    ) -> None:
        if not (order_timeout_seconds > 0.0 and lookup_seconds > 0.0 and poll_seconds > 0.0):
            raise ParameterError("order_timeout_seconds, lookup_seconds and poll_seconds must be positive")
        if (getattr(exchange, "options", None) or {}).get("maxRetriesOnFailure"):
            raise ParameterError("options['maxRetriesOnFailure'] would send orders twice; set it to 0")
        self._time = clock or WallClock()
        self._venue = CcxtVenue(exchange, quote=quote, clock=self._time)
        self._timeout = order_timeout_seconds
        self._patience = lookup_seconds
        self._poll = poll_seconds
        self._free_cash: Decimal | None = None
        self.account = account or self._venue.id
        self.clock: Clock | None = self._time
        self.journal = journal or shared_journal()

    async def holdings(self) -> Holdings:
        """Return free balances: what open orders hold back cannot be traded."""
        self._free_cash, positions = await self._venue.balance("free")
        units = {symbol: Quantity(amount) for symbol, amount in positions.items()}
        return Holdings(Money(self._free_cash), units)

    async def portfolio(self) -> Portfolio:
        """Return total balances."""
        cash, positions = await self._venue.balance("total")
        return Portfolio(float(cash), {symbol: float(units) for symbol, units in positions.items()})

    async def prices(self, symbols: tuple[str, ...] = ()) -> PriceBook:
        """Return last prices; one whose ticker has no time is as new as its answer."""
        return await self._venue.prices(symbols)

    def untradable(self, symbol: str) -> str | None:
        """Return why the symbol, or the whole venue, takes no order now."""
        return self._venue.untradable(symbol)

    def to_lot(self, symbol: str, quantity: Quantity) -> Quantity:
        """Round down to the venue's step."""
        return self._venue.to_lot(symbol, quantity)

    async def fills_of(self, order: Order) -> tuple[Fill, ...]:
        """Return the order's fills so far."""
        return self.journal.fills(client_order_id=order.client_order_id)

    async def submit(self, approved: ApprovedOrder) -> Order:
        """Send an order whose intent is journalled and follow it to its end.

        What the venue is known to refuse is refused here, with its reason. Cancelling this call does not
        cancel the order: it becomes unknown, to be settled.

        Raises
        ------
        BrokerError
            If it is no approved order, or was sent before.
        """
        if not isinstance(approved, ApprovedOrder):
            raise BrokerError(
                f"submit takes an ApprovedOrder, not {type(approved).__name__}; pass the order through "
                "the gate"
            )
        await self._venue.load()
        order = approved.order
        amount = self.to_lot(order.symbol, order.quantity)
        limit = self._venue.to_tick(order, self._covered(order, amount, approved.limit_price))
        refusal = self.untradable(order.symbol) or self._below_least(order.symbol, amount, limit)
        if refusal is not None:
            return self._record(order, OrderEvent.REFUSE, reason=refusal)
        order = mark_sent(self.journal, order, at=self._time.now())
        return await self._send(order, amount, limit)

    async def settle(self) -> tuple[Order, ...]:
        """Look up every order whose end is unknown; return those that remain so."""
        for order in self.journal.unsettled(self.account):
            venue_id = self.journal.venue_order_id(order.client_order_id)
            if order.status is OrderStatus.PLANNED:
                self._record(order, OrderEvent.REFUSE, reason="never sent: the process ended before")
            elif venue_id is not None:
                await self._venue.load()
                await self._follow(order, venue_id, {})
            else:
                await self._venue.load()
                await self._resolve(order)
        return self.journal.unsettled(self.account)

    async def _send(self, order: Order, amount: Decimal, limit: Decimal) -> Order:
        """Post the order, once, and make of the answer what it proves."""
        post = asyncio.ensure_future(
            self._venue.exchange.create_order(
                order.symbol,
                "limit",
                order.side,
                float(amount),
                float(limit),
                self._venue.id_parameter(order),
            )
        )
        try:
            answer = await asyncio.shield(post)
        except asyncio.CancelledError:
            post.add_done_callback(_look_away)
            self._record(order, OrderEvent.LOSE, reason="cancelled while the order was on its way")
            raise
        except Exception as error:  # noqa: BLE001 - ccxt lets errors of its parsers through
            words = self._venue.note(error)
            if classify(error) is Outcome.REJECTED:
                return self._record(order, OrderEvent.REJECT, reason=words)
            return await self._resolve(self._record(order, OrderEvent.LOSE, reason=words))
        venue_id = accepted_id(answer, order)
        if venue_id is None:
            lost = self._record(order, OrderEvent.LOSE, reason="the answer names no order of ours")
            return await self._resolve(lost)
        # What create answers beyond the id differs by venue; the order itself is asked.
        return await self._follow(self._record(order, OrderEvent.ACCEPT, venue=venue_id), venue_id, {})

    async def _resolve(self, order: Order) -> Order:
        """Find an order whose fate is unknown, or prove that it never arrived."""
        time = asyncio.get_running_loop().time
        until = time() + self._patience
        wait = self._poll
        absent = 0
        while True:
            try:
                row = await self._venue.look_up(order)
            except BrokerError as error:
                # Only an answer proves absence; a venue in trouble is asked less and less often.
                _LOG.info("looking up %s: %s", order.client_order_id, error)
                absent, wait = 0, 2.0 * wait
            else:
                if row is not None:
                    venue_id = str(row["id"])
                    reason = f"found at the venue after {order.reason or 'a crash'}"
                    found = self._record(order, OrderEvent.ACCEPT, venue=venue_id, reason=reason)
                    return await self._follow(found, venue_id, row)
                absent += 1
            if time() >= until:
                break
            await asyncio.sleep(wait)
        if absent >= _PROOFS_OF_ABSENCE:
            reason = f"never arrived: absent in {absent} look-ups over {self._patience:g} seconds"
            return self._record(order, OrderEvent.REJECT, reason=reason)
        if order.status is OrderStatus.SENT:
            return self._record(order, OrderEvent.LOSE, reason="no look-up settled it")
        return order

    async def _follow(self, order: Order, venue_id: str, row: Row) -> Order:
        """Watch an accepted order until it ends; past its time cancel the rest and fetch how it ended."""
        time = asyncio.get_running_loop().time
        cancel_at = time() + self._timeout
        give_up_at = cancel_at + self._patience
        cancelled = False
        while not _ended(row) and time() < give_up_at:
            if not cancelled and time() >= cancel_at:
                cancelled = True
                await self._cancel(order, venue_id)
            await asyncio.sleep(self._poll)
            row = await self._venue.state(order, venue_id) or row
            filled = number(row.get("filled")) or Decimal(0)
            if not _ended(row) and order.filled < filled < order.quantity:
                order = self._record(order, OrderEvent.FILL_PART, filled=Quantity(filled))
        if not _ended(row):
            _LOG.warning("order %s is still open after its cancellation", order.client_order_id)
            return order
        return await self._finish(order, venue_id, row, cancelled=cancelled)

    async def _finish(self, order: Order, venue_id: str, row: Row, *, cancelled: bool) -> Order:
        """Journal how an order ended, with its fills."""
        filled = Quantity(number(row.get("filled")) or Decimal(0))
        why = f"cancelled after {self._timeout:g} seconds" if cancelled else f"{row['status']} at the venue"
        why = f"{why} with {filled} of {order.quantity} filled"
        if filled == 0:
            return self._record(order, OrderEvent.CANCEL, reason=why)
        done = executions(
            order,
            filled,
            trades=await self._venue.trades(order, venue_id, row),
            row=row,
            taker=number(self._venue.market(order.symbol).get("taker")) or Decimal("0.001"),
            at=self._time.now(),
        )
        if filled == order.quantity:
            return self._record(order, OrderEvent.FILL_ALL, filled=filled, fills=done)
        order = self._record(order, OrderEvent.FILL_PART, filled=filled, fills=done)
        return self._record(order, OrderEvent.CANCEL, reason=why)

    async def _cancel(self, order: Order, venue_id: str) -> None:
        """Ask for cancellation; whatever the answer, the order's state is fetched afterwards."""
        try:
            await self._venue.ask("cancel_order", venue_id, order.symbol)
        except BrokerError as error:
            _LOG.info("cancelling %s: %s", order.client_order_id, error)

    def _covered(self, order: Order, amount: Decimal, limit: Decimal) -> Decimal:
        """Lower a buy's limit to what free cash covers: venues lock the whole order at its limit."""
        if order.side == "sell" or self._free_cash is None or amount <= 0:
            return limit
        taker = number(self._venue.market(order.symbol).get("taker")) or Decimal("0.001")
        return min(limit, self._free_cash / (amount * (1 + taker)))

    def _below_least(self, symbol: str, amount: Decimal, limit: Decimal) -> str | None:
        """Return why the venue would refuse this size, by the limits it publishes."""
        limits = self._venue.market(symbol).get("limits") or {}
        for name, value in (("amount", amount), ("cost", amount * limit)):
            least = number((limits.get(name) or {}).get("min")) or Decimal(0)
            if value <= 0 or value < least:
                return f"{name} of {value:f} is below the venue's least of {least:f}"
        most = number((limits.get("amount") or {}).get("max"))
        return (
            f"amount of {amount:f} is above the venue's most of {most:f}" if most and amount > most else None
        )

    def _record(
        self,
        order: Order,
        event: OrderEvent,
        *,
        reason: str = "",
        filled: Quantity | None = None,
        fills: Mapping[str, Fill] | None = None,
        venue: str | None = None,
    ) -> Order:
        return self.journal.record(
            order.client_order_id,
            event,
            at=self._time.now(),
            reason=reason,
            filled=filled,
            fills=fills,
            venue_order_id=venue,
        )


def _ended(row: Row) -> bool:
    """Return whether the venue says that nothing follows, and how much was filled."""
    return row.get("status") in _ENDED and number(row.get("filled")) is not None


def _look_away(task: asyncio.Future[Any]) -> None:
    """Take a finished task's error, so that asyncio does not report it; the order is settled later."""
    if not task.cancelled():
        task.exception()
