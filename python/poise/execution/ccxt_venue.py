"""What a ccxt exchange can be asked: balances, prices, markets, and where an order is; nothing trades."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from poise.domain.orders import Order
from poise.errors import BrokerError
from poise.execution.amounts import floor_quantity
from poise.execution.ccxt_answers import inside, is_absence, number, pause_seconds, scrub, step_of
from poise.execution.prices import PriceBook
from poise.typing import Clock, Quantity

_LOG = logging.getLogger(__name__)
_SECRETS = ("apiKey", "secret", "password", "privateKey", "walletAddress", "token")
_EARLIER = timedelta(minutes=5)

# How venues differ. Where one is not listed, the unified name carries our id on create, and look-ups
# compare the ids of the orders listed.
_CREATE_WITH = {"coinbase": "client_order_id"}
_LIST_WITH = {"kraken": "clientOrderId", "bybit": "orderLinkId"}
_FETCH_WITH = {"bybit": {"acknowledged": True}}
_FETCH_BY_CLIENT_ID = frozenset({"binance", "okx", "gate", "bitget"})
_LISTS = {
    "fetch_open_orders": "fetchOpenOrders",
    "fetch_closed_orders": "fetchClosedOrders",
    "fetch_canceled_and_closed_orders": "fetchCanceledAndClosedOrders",
}

Row = Mapping[str, Any]


class CcxtVenue:
    """The questions; each answer is checked before it is believed.

    Parameters
    ----------
    exchange : ccxt.async_support.Exchange
    quote : str
        The dollar that is cash.
    clock : Clock
    """

    def __init__(self, exchange: Any, *, quote: str, clock: Clock) -> None:
        self.exchange = exchange
        self.id = str(getattr(exchange, "id", type(exchange).__name__))
        self.quote = quote
        self._clock = clock
        self._markets: Mapping[str, Row] = {}
        self._paused: tuple[str, datetime] | None = None

    async def ask(self, name: str, *args: Any) -> Any:
        """Call a method of the exchange that changes nothing, or cancels.

        Raises
        ------
        BrokerError
            If it fails, in words without secrets.
        """
        try:
            return await getattr(self.exchange, name)(*args)
        except Exception as error:  # noqa: BLE001 - ccxt lets errors of its parsers through
            raise BrokerError(f"{self.id} did not answer {name}: {self.note(error)}") from None

    def note(self, error: Exception) -> str:
        """Return the error without secrets, and leave the venue alone if it asks for that."""
        words = scrub(error, [s for s in (getattr(self.exchange, n, None) for n in _SECRETS) if s])
        pause = pause_seconds(error)
        if math.isinf(pause):
            self._paused = (words, datetime.max.replace(tzinfo=UTC))
        elif pause > 0.0:
            self._paused = (words, self._clock.now() + timedelta(seconds=pause))
        return words

    # Markets.

    async def load(self) -> None:
        """Fetch the markets once."""
        if not self._markets:
            markets = await self.ask("load_markets")
            if not isinstance(markets, Mapping) or not markets:
                raise BrokerError(f"{self.id} lists no markets; nothing was sent. Try again later")
            self._markets = markets

    def market(self, symbol: str) -> Row:
        """Return what the venue says of a symbol, nothing for one it does not know."""
        return self._markets.get(symbol, {})

    def untradable(self, symbol: str) -> str | None:
        """Return why the symbol, or the whole venue, takes no order now."""
        if self._paused is not None and self._clock.now() < self._paused[1]:
            return f"{self.id} is left alone: {self._paused[0]}"
        market = self.market(symbol)
        if not market:
            return f"{self.id} has no market {symbol}"
        if market.get("quote") != self.quote or market.get("spot") is False:
            return f"{symbol} is not a spot market in {self.quote}"
        return f"{symbol} is halted at {self.id}" if market.get("active") is False else None

    def to_lot(self, symbol: str, quantity: Quantity) -> Quantity:
        """Round down to the venue's step."""
        step = step_of(self.market(symbol), "amount", quantity, self._precision_mode())
        return quantity if step is None else Quantity(floor_quantity(quantity, step))

    def to_tick(self, order: Order, limit: Decimal) -> Decimal:
        """Round a limit to the venue's tick without crossing it."""
        step = step_of(self.market(order.symbol), "price", limit, self._precision_mode())
        return inside(limit, step, order.side)

    def _precision_mode(self) -> int:
        return int(getattr(self.exchange, "precisionMode", 4))

    # Account and prices.

    async def balance(self, kind: str) -> tuple[Decimal, dict[str, Decimal]]:
        """Return cash and units by symbol, ``free`` or ``total``.

        Coins without a market against the quote currency are left out and logged.

        Raises
        ------
        BrokerError
            If the answer is empty or holds something that is no number: garbage is no empty account.
        """
        await self.load()
        answer = await self.ask("fetch_balance")
        amounts = answer.get(kind) if isinstance(answer, Mapping) else None
        if not isinstance(amounts, Mapping) or not amounts:
            raise BrokerError(f"{self.id} answered with an empty balance, which no empty account has")
        cash, positions = Decimal(0), {}
        for coin, value in amounts.items():
            units, symbol = number(value), f"{coin}/{self.quote}"
            if units is None:
                raise BrokerError(f"{self.id} says {value!r} for the balance of {coin}; it cannot be used")
            if coin == self.quote:
                cash = units
            elif units and self.market(symbol):
                positions[symbol] = units
            elif units:
                _LOG.warning("%s %s has no market in %s and is left out", units, coin, self.quote)
        return cash, positions

    async def prices(self, symbols: tuple[str, ...]) -> PriceBook:
        """Return last prices; one whose ticker has no time is as new as its answer."""
        await self.load()
        wanted = [symbol for symbol in symbols if self.market(symbol)]
        if symbols and not wanted:
            return PriceBook({})
        if self.has("fetchTickers"):
            tickers = await self.ask("fetch_tickers", wanted or None)
        else:
            tickers = {symbol: await self.ask("fetch_ticker", symbol) for symbol in wanted}
        found: dict[str, float] = {}
        at: dict[str, datetime] = {}
        for symbol, ticker in (tickers if isinstance(tickers, Mapping) else {}).items():
            last = number(ticker.get("last")) if isinstance(ticker, Mapping) else None
            if last is not None:
                found[symbol] = float(last)
                stamp = number(ticker.get("timestamp"))
                at[symbol] = (
                    datetime.fromtimestamp(float(stamp) / 1e3, tz=UTC) if stamp else self._clock.now()
                )
        return PriceBook(found, at)

    # Orders, by their ids.

    def id_parameter(self, order: Order) -> dict[str, str]:
        """Return the parameter with which a new order carries our id."""
        return {_CREATE_WITH.get(self.id, "clientOrderId"): order.client_order_id}

    async def look_up(self, order: Order) -> Row | None:
        """Return the order by our id; None when the venue's complete lists do not have it.

        Raises
        ------
        BrokerError
            If the venue did not answer, or cannot list both open and closed orders.
        """
        if self.id in _FETCH_BY_CLIENT_ID:
            row = await self._fetch_by_client_id(order)
            if _is_ours(row, order):
                return row
        lists = [name for name, feature in _LISTS.items() if self.has(feature)]
        if len(lists) < 2 or lists[0] != "fetch_open_orders":
            raise BrokerError(f"{self.id} cannot list its open and closed orders")
        params = {_LIST_WITH[self.id]: order.client_order_id} if self.id in _LIST_WITH else {}
        for name in lists:
            since = None if name == "fetch_open_orders" else _since(order)
            rows = await self.ask(name, order.symbol, since, None, params)
            if not isinstance(rows, list):
                raise BrokerError(f"{self.id} answered {name} with a {type(rows).__name__}, not a list")
            for row in rows:
                if _is_ours(row, order):
                    return row  # type: ignore[no-any-return]  # ccxt is untyped
        return None

    async def _fetch_by_client_id(self, order: Order) -> Row | None:
        try:
            row = await self.exchange.fetch_order(
                None, order.symbol, {"clientOrderId": order.client_order_id}
            )
        except Exception as error:  # noqa: BLE001 - ccxt lets errors of its parsers through
            if is_absence(error):
                return None
            raise BrokerError(f"{self.id} did not answer fetch_order: {self.note(error)}") from None
        return row if isinstance(row, Mapping) else None

    async def state(self, order: Order, venue_id: str) -> Row | None:
        """Return the order's state by the venue's id, None when the venue did not say."""
        try:
            row = await self.ask("fetch_order", venue_id, order.symbol, _FETCH_WITH.get(self.id, {}))
        except BrokerError as error:
            _LOG.info("looking at %s: %s", order.client_order_id, error)
            return None
        return row if isinstance(row, Mapping) and str(row.get("id")) == venue_id else None

    async def trades(self, order: Order, venue_id: str, row: Row) -> list[Row]:
        """Return the order's trades as far as the venue lists them."""
        listed = row.get("trades")
        if listed or not self.has("fetchMyTrades"):
            return list(listed or [])
        try:
            trades = await self.ask("fetch_my_trades", order.symbol, _since(order))
        except BrokerError as error:
            _LOG.info("trades of %s: %s", order.client_order_id, error)
            return []
        return [t for t in trades if t.get("order") == venue_id] if isinstance(trades, list) else []

    def has(self, feature: str) -> bool:
        """Return whether the exchange can do `feature`, in ccxt's words."""
        return bool((getattr(self.exchange, "has", None) or {}).get(feature))


def _since(order: Order) -> int:
    return int((order.created - _EARLIER).timestamp() * 1000)


def _is_ours(row: Any, order: Order) -> bool:
    ours = isinstance(row, Mapping) and row.get("clientOrderId") == order.client_order_id
    return ours and bool(row.get("id"))
