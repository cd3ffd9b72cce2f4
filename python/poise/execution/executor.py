"""Turns an approved proposal into orders: gate, journal, broker, and a report of what became of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from poise.domain.orders import ExecutionReport, Fill, Order, OrderEvent, RiskRefused
from poise.domain.portfolio import Portfolio
from poise.domain.proposals import RebalanceProposal, Trade
from poise.domain.weights import Weights
from poise.errors import BrokerError, ParameterError, ProposalExpiredError
from poise.execution.amounts import exact, floor_quantity
from poise.execution.broker import Broker
from poise.execution.gate import AccountView, PreTradeGate
from poise.execution.journal import Journal
from poise.execution.orders import client_order_id
from poise.typing import Price, Quantity

DEFAULT_MAX_AGE = timedelta(hours=24)

# Floats of a plan and Decimals of the books may differ in the last digits of a whole position.
_SAME_POSITION = Decimal("1e-9")


async def execute_proposal(
    proposal: RebalanceProposal,
    broker: Broker,
    *,
    gate: PreTradeGate,
    journal: Journal | None = None,
    max_age: timedelta = DEFAULT_MAX_AGE,
) -> ExecutionReport:
    """Execute a proposal once, leg by leg, sells first so that buys find their proceeds.

    Each leg passes the gate, is journalled, and only then sent. A buy that cash does not cover is shrunk to
    what is there above the buffer; a refused leg stays in the report with its rule. When the end of an
    order cannot be learnt, or the venue cannot be reached after something was sent, nothing more is sent.

    Parameters
    ----------
    proposal : RebalanceProposal
    broker : Broker
    gate : PreTradeGate
    journal : Journal, optional
        The broker's own when given; it is there to be named by callers that hold both.
    max_age : timedelta, default 24 hours
        By the broker's clock; a broker without one lives at the proposal's ``as_of``.

    Returns
    -------
    ExecutionReport
        ``remaining`` in signed units by symbol, ``slippage`` in dollars against the plan's prices.

    Raises
    ------
    ProposalExpiredError
        If the proposal is older than `max_age`. Nothing was sent.
    BrokerError
        If the proposal was executed before, lies in the future, an earlier order is unsettled, or the
        venue could not be reached at all. Nothing was sent.
    """
    if journal is not None and journal is not broker.journal:
        raise BrokerError(
            "the broker writes another journal; nothing was sent. Build the broker with this one"
        )
    now = await _moment(broker, proposal)
    if not isinstance(max_age, timedelta) or max_age < timedelta(0):
        raise ParameterError(f"max_age is {max_age!r}, expected a timedelta of at least 0")
    if broker.clock is not None:
        _check_age(proposal, now, max_age, timedelta(seconds=gate.limits.max_clock_skew_seconds))
    unsettled = await broker.settle()
    if unsettled:
        raise BrokerError(
            f"order {unsettled[0].client_order_id} ({unsettled[0].symbol}) is {unsettled[0].status} and "
            f"{len(unsettled)} in all are unsettled; nothing was sent. Reconcile with the venue first"
        )
    broker.journal.begin(broker.account, proposal.id, at=now)
    walk = _Walk(proposal, broker, gate, now)
    try:
        for leg, trade in sorted(enumerate(proposal.trades), key=lambda item: item[1].side == "buy"):
            await walk.step(leg, trade)
    finally:
        broker.journal.end(broker.account, proposal.id, at=now)
    return await walk.report()


def execute_proposal_now(
    proposal: RebalanceProposal,
    broker: Broker,
    *,
    gate: PreTradeGate,
    journal: Journal | None = None,
    max_age: timedelta = DEFAULT_MAX_AGE,
) -> ExecutionReport:
    """Execute on a broker of this process without an event loop; see :func:`execute_proposal`.

    Raises
    ------
    BrokerError
        If the broker needs the network. Nothing was sent.
    """
    if not hasattr(broker, "submit_now"):
        raise BrokerError(
            f"{type(broker).__name__} talks to a venue; nothing was sent. Use `await execute_proposal(...)`"
        )
    # Such a broker never waits, so its coroutine runs through at the first step.
    steps = execute_proposal(proposal, broker, gate=gate, journal=journal, max_age=max_age)
    try:
        steps.send(None)
    except StopIteration as done:
        report: ExecutionReport = done.value
        return report
    steps.close()
    raise BrokerError(f"{type(broker).__name__} waited for something; use `await execute_proposal(...)`")


async def _moment(broker: Broker, proposal: RebalanceProposal) -> datetime:
    """Return the broker's time; without a clock the latest moment that proposal and prices speak of."""
    if broker.clock is not None:
        return broker.clock.now()
    newest = (await broker.prices()).newest
    return proposal.as_of if newest is None else max(proposal.as_of, newest)


def _check_age(proposal: RebalanceProposal, now: datetime, max_age: timedelta, skew: timedelta) -> None:
    age = now - proposal.as_of
    if age > max_age:
        raise ProposalExpiredError(
            f"proposal {proposal.id} is of {proposal.as_of:%Y-%m-%d %H:%M} UTC, {_hours(age)} old; the limit "
            f"is {_hours(max_age)}. Nothing was sent; evaluate again and execute the fresh one"
        )
    if -age > skew:
        raise BrokerError(
            f"proposal {proposal.id} lies {_hours(-age)} in the future of the broker's clock; nothing was "
            "sent. Set the clock"
        )


def _hours(span: timedelta) -> str:
    return f"{span / timedelta(hours=1):.1f} hours"


class _Walk:
    """One execution under way."""

    def __init__(
        self, proposal: RebalanceProposal, broker: Broker, gate: PreTradeGate, now: datetime
    ) -> None:
        self._proposal = proposal
        self._broker = broker
        self._gate = gate
        self._now = now
        self._orders: list[Order] = []
        self._fills: list[Fill] = []
        self._remaining: dict[str, Decimal] = {}
        self._sent = False
        self._stopped: str | None = None
        midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        self._earlier = broker.journal.fills(account=broker.account, since=midnight)

    async def step(self, leg: int, trade: Trade) -> None:
        """Take one leg to its end, or to the reason why it goes no further."""
        order = self._draft(leg, trade)
        if self._stopped is not None:
            self._close(order, order.after(OrderEvent.REFUSE, reason=self._stopped))
            return
        try:
            view = await self._view(trade.symbol)
        except BrokerError as error:
            if not self._sent:
                raise
            self._stopped = f"nothing more was sent: {error}"
            self._close(order, order.after(OrderEvent.REFUSE, reason=self._stopped))
            return
        rate = _cost_rate(trade)
        goal = _snap(order, view)
        verdict = self._gate.check(self._fit(goal, view, rate), view, cost_rate=rate)
        if isinstance(verdict, RiskRefused):
            refusal = f"{verdict.rule}: {verdict.reason}"
            self._close(goal, verdict.order.after(OrderEvent.REFUSE, reason=refusal))
            return
        self._broker.journal.intend(
            verdict.order, account=self._broker.account, plan=self._proposal.id, leg=leg
        )
        self._sent = True
        after = await self._broker.submit(verdict)
        self._fills.extend(await self._broker.fills_of(after))
        self._close(goal, after)
        if not after.final:
            self._stopped = (
                f"nothing more was sent: order {after.client_order_id} is {after.status} and its end is "
                "not known"
            )

    async def report(self) -> ExecutionReport:
        """Sum up what was done."""
        fills = tuple(self._fills)
        return ExecutionReport(
            proposal_id=self._proposal.id,
            orders=tuple(self._orders),
            fills=fills,
            fees=float(sum((fill.fee for fill in fills), Decimal(0))),
            slippage=float(sum((fill.slippage for fill in fills), Decimal(0))),
            remaining={symbol: float(units) for symbol, units in self._remaining.items() if units},
            final_weights=await self._final_weights(),
            as_of=self._now if self._broker.clock is None else self._broker.clock.now(),
            mode=self._broker.mode,
        )

    def _draft(self, leg: int, trade: Trade) -> Order:
        broker = self._broker
        return Order(
            client_order_id=client_order_id(broker.account, self._proposal.id, leg),
            symbol=trade.symbol,
            side=trade.side,
            quantity=Quantity(exact(trade.quantity)),
            reference_price=Price(exact(trade.reference_price)),
            created=self._now if broker.clock is None else broker.clock.now(),
        )

    async def _view(self, symbol: str) -> AccountView:
        """Look at the account anew: every leg is judged by what the ones before it left."""
        broker = self._broker
        holdings = await broker.holdings()
        prices = await broker.prices(tuple(dict.fromkeys((symbol, *holdings.positions))))
        today = (*self._earlier, *self._fills)
        return AccountView(
            now=self._now if broker.clock is None else broker.clock.now(),
            holdings=holdings,
            prices=prices,
            bought_today=sum((f.notional for f in today if f.side == "buy"), Decimal(0)),
            sold_today=sum((f.notional for f in today if f.side == "sell"), Decimal(0)),
            untradable=broker.untradable(symbol),
        )

    def _fit(self, order: Order, view: AccountView, rate: Decimal) -> Order:
        """Shrink a buy to the cash above the buffer and round to the lot; leave hopeless ones to the gate."""
        if not order.quantity.is_finite() or order.symbol not in view.prices:
            return order
        quantity, reason = order.quantity, ""
        price = exact(view.prices[order.symbol])
        needed, spendable = self._gate.with_costs(quantity * price, rate), self._gate.spendable(view)
        if order.side == "buy" and needed > spendable:
            quantity = Quantity(floor_quantity(quantity * spendable / needed))
            reason = (
                f"shrunk from {order.quantity:f}: {spendable:.2f} USD of cash may be spent, "
                f"{needed:.2f} would be needed"
            )
        lots = self._broker.to_lot(order.symbol, quantity)
        if lots == 0 or (reason and lots * price < exact(self._gate.limits.min_notional)):
            return order
        return replace(order, quantity=lots, reason=reason) if lots != order.quantity else order

    def _close(self, goal: Order, after: Order) -> None:
        self._orders.append(after)
        open_units = goal.quantity - after.filled
        if open_units.is_finite():
            signed = open_units if goal.side == "buy" else -open_units
            self._remaining[goal.symbol] = self._remaining.get(goal.symbol, Decimal(0)) + signed

    async def _final_weights(self) -> Weights:
        """Weigh what is held and has a price; an account without value is all cash."""
        owned = await self._broker.portfolio()
        if not owned.positions:
            return Weights({})
        prices = await self._broker.prices(tuple(owned.positions))
        priced = Portfolio(owned.cash, {s: q for s, q in owned.positions.items() if s in prices})
        return priced.weights(prices) if priced.total_value(prices) > 0.0 else Weights({})


def _cost_rate(trade: Trade) -> Decimal:
    """Return the leg's expected cost as a fraction of its notional."""
    if not (trade.notional_usd > 0.0 and trade.expected_cost_usd > 0.0):
        return Decimal(0)
    return exact(trade.expected_cost_usd / trade.notional_usd)


def _snap(order: Order, view: AccountView) -> Order:
    """Sell a whole position exactly where the plan's float means it."""
    held = view.holdings.held(order.symbol)
    whole = order.side == "sell" and order.quantity.is_finite() and held > 0
    if whole and abs(order.quantity - held) <= _SAME_POSITION * held:
        return replace(order, quantity=held)
    return order
