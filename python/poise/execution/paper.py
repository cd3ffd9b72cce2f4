"""The paper broker: real prices, pretended money, exact books."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Literal

from poise.costs import CostModel, FillEngine, Quote
from poise.domain.conditions import MarketConditions
from poise.domain.orders import Fill, Order, OrderEvent, OrderStatus
from poise.domain.portfolio import Portfolio
from poise.domain.prices import PricePanel
from poise.errors import BrokerError, ParameterError
from poise.execution.amounts import exact, fee_of, floor_quantity, plain, price_of
from poise.execution.gate import ApprovedOrder
from poise.execution.holdings import Holdings
from poise.execution.journal import Journal
from poise.execution.orders import mark_sent
from poise.execution.prices import PriceBook, PriceSource, read_prices
from poise.typing import Clock, Money, Price, Quantity

_ZERO = Decimal(0)
_BASIS_POINT = Decimal("0.0001")


class PaperBroker:
    """Fills orders in this process, at once, through the engine that the backtest uses.

    Books are Decimal. Cash never goes below zero and nothing is sold that is not held: what cannot be
    filled is cut or rejected with a reason. What a fill leaves open is cancelled, as an
    immediate-or-cancel order would be.

    Parameters
    ----------
    cash : float
        Dollars. Not negative.
    positions : mapping of str to float, optional
        Units held. Not negative.
    prices : mapping, PricePanel, Bar, object with ``last_prices()`` or callable
        Last prices; a callable is asked anew every time.
    clock : Clock, optional
        Without one the broker lives at the moment of the proposal it executes.
    costs : CostModel, optional
    conditions : MarketConditions, optional
        Spread, volatility and volume; without them the default spread is paid, without impact.
    journal : Journal, optional
        In memory by default.
    account : str, default="paper"

    Raises
    ------
    ParameterError
        If cash or a position is negative.
    NonFiniteError
        If one is not finite.

    Examples
    --------
    >>> broker = PaperBroker(cash=1_000.0, positions={"ETH/USDT": 2.0}, prices={"ETH/USDT": 1_500.0})
    >>> broker.portfolio_now().total_value(broker.prices_now())
    4000.0
    """

    mode: Literal["paper", "live"] = "paper"

    def __init__(
        self,
        *,
        cash: float,
        positions: Mapping[str, float] | None = None,
        prices: PriceSource,
        clock: Clock | None = None,
        costs: CostModel | None = None,
        conditions: MarketConditions | None = None,
        journal: Journal | None = None,
        account: str = "paper",
    ) -> None:
        start = Portfolio(cash=cash, positions=positions or {})
        for name, amount in (("cash", start.cash), *start.positions.items()):
            if amount < 0.0:
                raise ParameterError(f"{name} is {amount}; a paper account starts without debts or shorts")
        self.account = account
        self.clock = clock
        self.costs = costs or CostModel()
        self.journal = journal or Journal()
        self._engine = FillEngine(self.costs)
        self._cash = exact(start.cash)
        self._positions = {symbol: exact(quantity) for symbol, quantity in start.positions.items()}
        self._used: dict[tuple[date, str], float] = {}
        self.mark(prices, conditions)

    def mark(self, prices: PriceSource, conditions: MarketConditions | None = None) -> None:
        """Move the market: new prices and, where given, new conditions.

        Raises
        ------
        InputError
            If `prices` is no price source.
        """
        read = read_prices(prices)
        # Mappings and panels are read once; what can change is asked anew.
        self._source: Any = read if isinstance(prices, Mapping | PricePanel) else prices
        self._assets = prices.assets if isinstance(prices, PricePanel) else None
        self._conditions = conditions

    # Synchronous twins.

    def prices_now(self, symbols: tuple[str, ...] = ()) -> PriceBook:  # noqa: ARG002 - a broker's signature
        """Return the last prices."""
        return read_prices(self._source)

    def holdings_now(self) -> Holdings:
        """Return the books."""
        held = {symbol: Quantity(quantity) for symbol, quantity in self._positions.items()}
        return Holdings(cash=Money(self._cash), positions=held)

    def portfolio_now(self) -> Portfolio:
        """Return the books as floats."""
        return self.holdings_now().to_portfolio()

    def submit_now(self, approved: ApprovedOrder) -> Order:
        """Fill an order whose intent is journalled; return it in its final state.

        Raises
        ------
        BrokerError
            If it is no approved order, or was sent before.
        StateError
            If its intent is not in the journal.
        """
        if not isinstance(approved, ApprovedOrder):
            raise BrokerError(
                f"submit takes an ApprovedOrder, not {type(approved).__name__}; pass the order through "
                "the gate"
            )
        at = approved.approved_at if self.clock is None else self.clock.now()
        order = mark_sent(self.journal, approved.order, at=at)
        prices = self.prices_now()
        refusal = self._refusal(order, prices)
        if refusal is not None:
            return self._record(order, OrderEvent.REJECT, at, reason=refusal)
        quantity, quote, cut = self._fill(order, prices[order.symbol], at.astimezone(UTC).date())
        if quantity == 0:
            return self._record(order, OrderEvent.REJECT, at, reason=cut)
        if _beyond(order, Decimal(str(quote.price)), approved.limit_price):
            reason = f"would fill at {quote.price:g}, beyond the limit of {approved.limit_price}"
            return self._record(order, OrderEvent.CANCEL, at, reason=reason)
        return self._book(order, quantity, quote, cut, at)

    # The broker's own.

    async def submit(self, approved: ApprovedOrder) -> Order:
        """See :meth:`submit_now`."""
        return self.submit_now(approved)

    async def fills_of(self, order: Order) -> tuple[Fill, ...]:
        """Return the order's fills."""
        return self.journal.fills(client_order_id=order.client_order_id)

    async def holdings(self) -> Holdings:
        """Return the books."""
        return self.holdings_now()

    async def portfolio(self) -> Portfolio:
        """Return the books as floats."""
        return self.portfolio_now()

    async def prices(self, symbols: tuple[str, ...] = ()) -> PriceBook:
        """Return the last prices."""
        return self.prices_now(symbols)

    async def settle(self) -> tuple[Order, ...]:
        """Cancel what an earlier process left open: its pretended venue is gone with it."""
        for order in self.journal.unsettled(self.account):
            event = OrderEvent.REFUSE if order.status is OrderStatus.PLANNED else OrderEvent.CANCEL
            self._record(order, event, order.created, reason="the paper venue ended before it was filled")
        return ()

    def untradable(self, symbol: str) -> str | None:
        """Return why the symbol cannot be traded: a reference series, or no value at this bar."""
        if self._assets is not None and not self._assets.profile(symbol).tradable:
            return f"{symbol} is a reference ({self._assets.profile(symbol).kind}), not a tradable asset"
        market = self._conditions
        if market is None or symbol not in market.symbols:
            return None
        known = math.isfinite(market.prices[market.symbols.index(symbol)])
        return None if known else f"{symbol} has no value at the last bar"

    def to_lot(self, symbol: str, quantity: Quantity) -> Quantity:  # noqa: ARG002 - a broker's signature
        """Return `quantity`: paper has no lots of its own, proposals are on the asset's."""
        return quantity

    # Within.

    def _refusal(self, order: Order, prices: PriceBook) -> str | None:
        held = self._positions.get(order.symbol, _ZERO)
        if order.symbol not in prices:
            return f"{order.symbol} has no last price"
        if order.side == "sell" and order.quantity > held:
            return f"selling {order.quantity} {order.symbol} with {held} held"
        return None

    def _fill(self, order: Order, price: float, day: date) -> tuple[Decimal, Quote, str]:
        """Return what fills, at which quote, and why it is less than the order."""
        market = self._market(order.symbol) | {"dollars_used": self._used.get((day, order.symbol), 0.0)}
        quote = self._engine.fill(order.side, float(order.quantity), price, **market)
        quantity, cut = Decimal(order.quantity), ""
        if quote.quantity < float(order.quantity):
            quantity = floor_quantity(exact(quote.quantity))
            cut = (
                f"{quantity} of {order.quantity} filled: at most {self.costs.participation_cap:.0%} of a "
                "day's volume is taken"
            )
        if order.side == "sell":
            return quantity, quote, cut
        affordable = self._affordable(quote.price)
        if quantity > affordable:
            quantity = affordable
            cut = f"{quantity} of {order.quantity} filled: cash of {self._cash:.2f} USD pays for no more"
            # A smaller order moves the price less, so it stays affordable at its own quote.
            quote = self._engine.fill(order.side, float(quantity), price, **market)
        return quantity, quote, cut

    def _affordable(self, price: float) -> Decimal:
        """Return the units that all the cash buys at `price`, fee included, leaving a cent for rounding."""
        unit = price_of(price) * (1 + exact(self.costs.fee_bps) * _BASIS_POINT)
        return floor_quantity(max(self._cash - Decimal("0.01"), _ZERO) / unit, Decimal("1e-9"))

    def _market(self, symbol: str) -> dict[str, float]:
        market = self._conditions
        if market is None or symbol not in market.symbols:
            return {"spread_bps": math.nan, "daily_volatility": math.nan, "dollar_volume": math.nan}
        i = market.symbols.index(symbol)
        return {
            "spread_bps": float(market.spread_bps[i]),
            "daily_volatility": float(market.volatility[i]) * math.sqrt(market.bars_per_day),
            "dollar_volume": float(market.dollar_volume[i]),
        }

    def _book(self, order: Order, quantity: Decimal, quote: Quote, cut: str, at: datetime) -> Order:
        """Journal the fill, then move cash and position by exactly what it says."""
        price = price_of(quote.price)
        sign = 1 if order.side == "buy" else -1
        notional = quantity * price
        fill = Fill(
            client_order_id=order.client_order_id,
            symbol=order.symbol,
            side=order.side,
            quantity=Quantity(quantity),
            price=Price(price),
            # Rounded up, but dust never costs more than it brings.
            fee=Money(min(fee_of(notional * exact(self.costs.fee_bps) * _BASIS_POINT), notional)),
            slippage=Money(sign * (price - order.reference_price) * quantity),
            at=at,
        )
        whole = quantity == order.quantity
        event = OrderEvent.FILL_ALL if whole else OrderEvent.FILL_PART
        after = self.journal.record(order.client_order_id, event, at=at, fills={"1": fill}, reason=cut)
        self._cash -= sign * notional + fill.fee
        position = plain(self._positions.get(order.symbol, _ZERO) + sign * quantity)
        self._positions.pop(order.symbol, None)
        if position:
            self._positions[order.symbol] = position
        key = (at.astimezone(UTC).date(), order.symbol)
        self._used[key] = self._used.get(key, 0.0) + float(notional)
        return after if whole else self._record(after, OrderEvent.CANCEL, at, reason=cut)

    def _record(self, order: Order, event: OrderEvent, at: datetime, *, reason: str) -> Order:
        return self.journal.record(order.client_order_id, event, at=at, reason=reason)


def _beyond(order: Order, price: Decimal, limit: Decimal) -> bool:
    return price > limit if order.side == "buy" else price < limit
