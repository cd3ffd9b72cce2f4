"""The ccxt broker against an exchange that loses, repeats, mangles and delays; real ccxt errors."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from ccxt.base import errors as e

from poise.domain.orders import ExecutionReport, Order, OrderEvent, OrderStatus
from poise.errors import BrokerError, ParameterError, StateError
from poise.execution import (
    ApprovedOrder,
    CcxtBroker,
    Journal,
    PreTradeGate,
    as_broker,
    execute_proposal,
    execute_proposal_now,
)
from poise.typing import Price, Quantity
from tests.execution_makers import (
    LOOSE,
    NOON,
    FixedClock,
    approve,
    make_order,
    make_proposal,
    make_trade,
    make_view,
)

BTC, ETH = "BTC/USDT", "ETH/USDT"


class FakeExchange:
    """An asynchronous exchange with a book of orders and a fault for every occasion."""

    precisionMode = 4  # noqa: N815 - ccxt's name
    apiKey = "KEY-THAT-NOBODY-MAY-SEE"  # noqa: N815

    def __init__(self, fault: str = "", *, name: str = "fake") -> None:
        self.id = name
        self.options: dict[str, Any] = {}
        self.has: dict[str, Any] = dict.fromkeys(
            ("fetchTickers", "fetchOpenOrders", "fetchClosedOrders", "fetchMyTrades"), True
        )
        self.fault = fault
        self.balance: dict[str, float] = {"USDT": 1_000.0, "BTC": 2.0}
        self.last = {BTC: 100.0, ETH: 10.0}
        self.rows: dict[str, dict[str, Any]] = {}
        self.posts: list[tuple[Any, ...]] = []
        self.cancels = 0
        self.lookups = 0
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self.broken: dict[str, Any] = {}
        self.gate, self.posted = asyncio.Event(), asyncio.Event()
        self._ids = itertools.count(1)
        market = {"quote": "USDT", "spot": True, "active": True, "taker": 0.001}
        limits = {"amount": {"min": 0.001, "max": 1_000.0}, "cost": {"min": 5.0}}
        precision = {"amount": 0.001, "price": 0.5}
        self.markets = {s: {**market, "limits": limits, "precision": precision} for s in self.last}

    def _answer(self, name: str, *args: Any) -> None:
        self.calls.append((name, args))
        broken = self.broken.get(name)
        if isinstance(broken, Exception):
            raise broken

    async def load_markets(self) -> Any:
        self._answer("load_markets")
        return self.broken.get("load_markets", self.markets)

    async def fetch_balance(self) -> Any:
        self._answer("fetch_balance")
        return self.broken.get("fetch_balance", {"free": self.balance, "total": self.balance})

    async def fetch_tickers(self, symbols: list[str] | None) -> Any:
        self._answer("fetch_tickers", symbols)
        stamp = NOON.timestamp() * 1e3
        return {s: {"last": self.last[s], "timestamp": stamp} for s in symbols or self.last}

    async def fetch_ticker(self, symbol: str) -> Any:
        self._answer("fetch_ticker", symbol)
        return {"last": self.last[symbol], "timestamp": None}

    async def create_order(
        self, symbol: str, kind: str, side: str, amount: float, price: float, params: dict[str, Any]
    ) -> Any:
        self.posts.append((symbol, kind, side, amount, price, params))
        self.posted.set()
        fault = self.fault
        if fault == "insufficient":
            raise e.InsufficientFunds(f"fake insufficient balance apiKey={self.apiKey}")
        if fault == "rate limit":
            raise e.RateLimitExceeded("fake 429")
        if fault == "bad key":
            raise e.AuthenticationError(f"fake invalid key {self.apiKey}")
        if fault == "lost":
            raise e.RequestTimeout("fake timed out")
        row = self._store(symbol, side, amount, price, params)
        if fault == "late":
            raise e.RequestTimeout("fake timed out")
        if fault == "torn":
            raise e.ExchangeError("fake Response payload is not completed")
        if fault == "duplicate":
            raise e.InvalidOrder("fake Duplicate order sent.")
        if fault == "garbage":
            return {"id": None, "status": None, "filled": 0.0}
        if fault == "hang":
            await self.gate.wait()
        return {"id": row["id"], "status": None, "filled": None}

    def _store(self, symbol: str, side: str, amount: float, price: float, params: dict[str, Any]) -> Any:
        share = {"partial": 0.4, "nothing": 0.0, "stuck": 0.4, "raced": 0.4}.get(self.fault, 1.0)
        row = {
            "id": f"v{next(self._ids)}",
            "clientOrderId": params["clientOrderId"],
            "symbol": symbol,
            "side": side,
            "amount": amount,
            "price": price,
            "average": self.last[symbol],
            "filled": round(amount * share, 8),
            "status": "closed" if share == 1.0 else "open",
        }
        self.rows[row["id"]] = row
        return row

    async def fetch_order(self, venue_id: str | None, symbol: str, params: dict[str, Any]) -> Any:
        self._answer("fetch_order", venue_id, symbol, params)
        if venue_id is None:
            self.lookups += 1
            for row in self.rows.values():
                if row["clientOrderId"] == params["clientOrderId"]:
                    return row
            raise e.OrderNotFound("fake no such order")
        return self.rows[venue_id]

    async def _list(self, name: str, symbol: str, statuses: set[str]) -> Any:
        self.lookups += 1
        self._answer(name, symbol)
        if self.fault == "replica lag" and self.lookups < 5:
            return []
        rows = [r for r in self.rows.values() if r["symbol"] == symbol and r["status"] in statuses]
        return self.broken.get(name, rows)

    async def fetch_open_orders(self, symbol: str, since: Any, limit: Any, params: Any) -> Any:
        return await self._list("fetch_open_orders", symbol, {"open"})

    async def fetch_closed_orders(self, symbol: str, since: Any, limit: Any, params: Any) -> Any:
        return await self._list("fetch_closed_orders", symbol, {"closed", "canceled"})

    async def fetch_my_trades(self, symbol: str, since: int) -> Any:
        self._answer("fetch_my_trades", symbol)
        return [
            {
                "id": f"t-{row['id']}",
                "order": row["id"],
                "amount": row["filled"],
                "price": row["average"],
                "fee": {"cost": 0.01, "currency": "USDT"},
                "timestamp": NOON.timestamp() * 1e3,
            }
            for row in self.rows.values()
            if row["filled"]
        ]

    async def cancel_order(self, venue_id: str, symbol: str) -> Any:
        self.cancels += 1
        row = self.rows[venue_id]
        if self.fault == "raced":
            row.update(filled=row["amount"], status="closed")
            raise e.OrderNotFound("fake unknown order")
        if self.fault != "stuck":
            row["status"] = "canceled"


@pytest.fixture
def journal() -> Iterator[Journal]:
    with Journal() as journal:
        yield journal


def make_broker(exchange: FakeExchange, journal: Journal, **rest: Any) -> CcxtBroker:
    speed = {"order_timeout_seconds": 0.03, "lookup_seconds": 0.05, "poll_seconds": 0.005}
    return CcxtBroker(exchange, journal=journal, clock=FixedClock(), **{**speed, **rest})


async def submit(broker: CcxtBroker, order: Order | None = None) -> Order:
    order = order or make_order()
    broker.journal.intend(order, account=broker.account, plan="x", leg=0)
    return await broker.submit(approved(order))


def approved(order: Order) -> ApprovedOrder:
    view = make_view(cash=1e9, positions={order.symbol: 1e9}, prices={BTC: 100.0, ETH: 10.0})
    return approve(order, view, replace(LOOSE, price_collar_bps=525.0))


async def test_an_order_goes_out_once_as_a_limit_at_the_collar(journal: Journal) -> None:
    exchange = FakeExchange()
    order = await submit(make_broker(exchange, journal), make_order(quantity="1.2349"))
    (post,) = exchange.posts
    # 105.25 lies between ticks of a half: a buy rounds down. 1.2349 is cut to the lot.
    assert post == (BTC, "limit", "buy", 1.234, 105.0, {"clientOrderId": order.client_order_id})
    assert order.filled == Decimal("1.234")
    (fill,) = journal.fills()
    assert (fill.price, fill.fee) == (Decimal(100), Decimal("0.01"))


async def test_a_sell_rounds_its_limit_up(journal: Journal) -> None:
    exchange = FakeExchange()
    order = await submit(make_broker(exchange, journal), make_order("sell"))
    assert exchange.posts[0][4] == 95.0
    assert order.status is OrderStatus.FILLED


async def test_time_out_after_acceptance_is_found_and_never_sent_again(journal: Journal) -> None:
    exchange = FakeExchange("late")
    order = await submit(make_broker(exchange, journal))
    assert order.status is OrderStatus.FILLED
    assert order.reason == "found at the venue after RequestTimeout: fake timed out"
    assert len(exchange.posts) == 1
    assert [event for event, _, _ in journal.events(order.client_order_id)] == [
        OrderEvent.SEND,
        OrderEvent.LOSE,
        OrderEvent.ACCEPT,
        OrderEvent.FILL_ALL,
    ]


@pytest.mark.parametrize("fault", ["torn", "duplicate", "garbage"])
@pytest.mark.parametrize("venue", ["fake", "binance"])
async def test_answers_that_prove_nothing_are_looked_up(journal: Journal, fault: str, venue: str) -> None:
    exchange = FakeExchange(fault, name=venue)
    order = await submit(make_broker(exchange, journal))
    assert order.status is OrderStatus.FILLED
    assert len(exchange.posts) == 1
    assert exchange.lookups >= 1
    assert journal.venue_order_id(order.client_order_id) == "v1"


@pytest.mark.parametrize("venue", ["fake", "binance"])
async def test_time_out_without_acceptance_is_proved_by_absence(journal: Journal, venue: str) -> None:
    exchange = FakeExchange("lost", name=venue)
    order = await submit(make_broker(exchange, journal))
    assert order.status is OrderStatus.REJECTED
    assert order.reason.startswith("never arrived: absent in")
    assert exchange.lookups >= 3
    assert len(exchange.posts) == 1


async def test_an_order_that_shows_up_late_is_adopted(journal: Journal) -> None:
    exchange = FakeExchange("replica lag")
    exchange.fault = "late"
    broker = make_broker(exchange, journal)
    post = exchange.create_order

    async def lagging(*args: Any) -> Any:
        try:
            return await post(*args)
        finally:
            exchange.fault = "replica lag"

    exchange.create_order = lagging  # type: ignore[method-assign]
    order = await submit(broker)
    assert order.status is OrderStatus.FILLED
    assert exchange.lookups >= 5


@pytest.mark.parametrize(
    "broken",
    [
        {"fetch_open_orders": e.ExchangeNotAvailable("fake 503")},
        {"fetch_closed_orders": "html"},
        {"fetch_closed_orders": AttributeError("'str' object has no attribute 'get'")},
    ],
)
async def test_a_look_up_that_fails_proves_nothing(journal: Journal, broken: dict[str, Any]) -> None:
    exchange = FakeExchange("lost")
    exchange.broken = broken
    broker = make_broker(exchange, journal)
    order = await submit(broker)
    assert order.status is OrderStatus.UNKNOWN
    assert await broker.settle() == (order,)
    exchange.broken = {}
    assert await broker.settle() == ()
    settled = journal.find(order.client_order_id)
    assert settled is not None
    assert settled.status is OrderStatus.REJECTED
    assert len(exchange.posts) == 1


async def test_a_venue_that_cannot_list_orders_leaves_them_unknown(journal: Journal) -> None:
    exchange = FakeExchange("lost")
    exchange.has["fetchClosedOrders"] = False
    assert (await submit(make_broker(exchange, journal))).status is OrderStatus.UNKNOWN


async def test_a_part_is_kept_and_the_rest_cancelled(journal: Journal) -> None:
    exchange = FakeExchange("partial")
    order = await submit(make_broker(exchange, journal))
    assert (order.status, order.filled) == (OrderStatus.CANCELLED, Decimal("0.4"))
    assert order.reason == "cancelled after 0.03 seconds with 0.4 of 1 filled"
    assert exchange.cancels == 1
    assert sum(f.quantity for f in journal.fills()) == Decimal("0.4")


async def test_an_order_that_finds_nobody_is_cancelled(journal: Journal) -> None:
    order = await submit(make_broker(FakeExchange("nothing"), journal))
    assert (order.status, order.filled) == (OrderStatus.CANCELLED, 0)


async def test_a_fill_that_overtakes_the_cancellation_counts(journal: Journal) -> None:
    exchange = FakeExchange("raced")
    order = await submit(make_broker(exchange, journal))
    assert order.status is OrderStatus.FILLED
    assert sum(f.quantity for f in journal.fills()) == 1


async def test_an_order_that_will_not_be_cancelled_stays_open(
    journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    exchange = FakeExchange("stuck")
    broker = make_broker(exchange, journal)
    with caplog.at_level(logging.WARNING):
        order = await submit(broker)
    assert order.status is OrderStatus.PARTIALLY_FILLED
    assert "still open after its cancellation" in caplog.text
    exchange.fault = ""
    assert await broker.settle() == ()
    settled = journal.find(order.client_order_id)
    assert settled is not None
    assert (settled.status, settled.filled) == (OrderStatus.CANCELLED, Decimal("0.4"))


async def test_a_state_that_cannot_be_had_for_a_while_is_asked_again(journal: Journal) -> None:
    exchange = FakeExchange()
    exchange.broken["fetch_order"] = e.ExchangeNotAvailable("fake 503")
    broker = make_broker(exchange, journal, order_timeout_seconds=5.0)
    asyncio.get_running_loop().call_later(0.03, exchange.broken.clear)
    assert (await submit(broker)).status is OrderStatus.FILLED


async def test_insufficient_funds_are_a_rejection_without_secrets(journal: Journal) -> None:
    exchange = FakeExchange("insufficient")
    order = await submit(make_broker(exchange, journal))
    assert order.status is OrderStatus.REJECTED
    assert order.reason.startswith("InsufficientFunds: fake insufficient balance")
    assert exchange.apiKey not in order.reason
    assert exchange.lookups == 0


@pytest.mark.parametrize(("fault", "minutes"), [("rate limit", 1), ("bad key", None)])
async def test_a_venue_that_wants_room_is_left_alone(
    journal: Journal, fault: str, minutes: int | None
) -> None:
    exchange = FakeExchange(fault)
    clock = FixedClock()
    broker = make_broker(exchange, journal)
    broker._time = broker._venue._clock = clock
    assert (await submit(broker)).status is OrderStatus.REJECTED
    assert "left alone" in (broker.untradable(BTC) or "")
    assert exchange.apiKey not in (broker.untradable(BTC) or "")
    clock.forward(minutes=minutes or 1_000_000)
    assert (broker.untradable(BTC) is None) is (minutes is not None)


async def test_cancelling_the_caller_does_not_lose_the_order(journal: Journal) -> None:
    exchange = FakeExchange("hang")
    broker = make_broker(exchange, journal)
    task = asyncio.create_task(submit(broker))
    await asyncio.wait_for(exchange.posted.wait(), 5.0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [o.status for o in journal.unsettled("fake")] == [OrderStatus.UNKNOWN]
    exchange.gate.set()
    assert await broker.settle() == ()
    assert [o.status for o in journal.orders()] == [OrderStatus.FILLED]
    assert len(exchange.posts) == 1


async def test_after_a_crash_planned_is_refused_and_sent_is_looked_up(journal: Journal) -> None:
    exchange = FakeExchange()
    for n in range(3):
        journal.intend(make_order(name=f"p{n}"), account="fake", plan="x", leg=n)
    for n in (1, 2):
        journal.record(f"p{n}", OrderEvent.SEND, at=NOON)
    await exchange.create_order(BTC, "limit", "buy", 1.0, 105.0, {"clientOrderId": "p1"})
    assert await make_broker(exchange, journal).settle() == ()
    statuses = [o.status for o in journal.orders()]
    assert statuses == [OrderStatus.REFUSED, OrderStatus.FILLED, OrderStatus.REJECTED]
    assert len(exchange.posts) == 1


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        (make_order(quantity="0.0009"), "amount of 0 is below the venue's least of 0.001"),
        (make_order(quantity="0.02"), "cost of 2.10 is below the venue's least of 5"),
        (make_order(quantity="1001"), "amount of 1001 is above the venue's most of 1000"),
        (make_order(symbol="DOGE/USDT"), "fake has no market DOGE/USDT"),
    ],
)
async def test_what_the_venue_would_refuse_never_leaves(journal: Journal, order: Order, reason: str) -> None:
    exchange = FakeExchange()
    broker = make_broker(exchange, journal)
    journal.intend(order, account="fake", plan="x", leg=0)
    view = make_view(cash=1e9, prices={order.symbol: 100.0})
    done = await broker.submit(approve(order, view, replace(LOOSE, price_collar_bps=525.0)))
    assert (done.status, done.reason) == (OrderStatus.REFUSED, reason)
    assert exchange.posts == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"active": False}, "BTC/USDT is halted at fake"),
        ({"quote": "EUR"}, "BTC/USDT is not a spot market in USDT"),
        ({"spot": False}, "BTC/USDT is not a spot market in USDT"),
    ],
)
async def test_markets_that_are_closed_to_us(journal: Journal, change: dict[str, Any], reason: str) -> None:
    exchange = FakeExchange()
    exchange.markets[BTC].update(change)
    broker = make_broker(exchange, journal)
    await broker.prices((BTC,))
    assert broker.untradable(BTC) == reason


async def test_balances_become_holdings_and_odd_coins_are_named(
    journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    exchange = FakeExchange()
    exchange.balance = {"USDT": 12.5, "BTC": 0.1, "ETH": 0.0, "AIRDROP": 3.0}
    broker = make_broker(exchange, journal)
    with caplog.at_level(logging.WARNING):
        holdings = await broker.holdings()
    assert holdings.cash == Decimal("12.5")
    assert holdings.positions == {BTC: Decimal("0.1")}
    assert (await broker.portfolio()).positions == {BTC: 0.1}
    assert "3 AIRDROP has no market in USDT" in caplog.text


@pytest.mark.parametrize(
    ("call", "answer", "message"),
    [
        ("fetch_balance", {"free": {}, "total": {}}, "empty balance"),
        ("fetch_balance", "html", "empty balance"),
        ("fetch_balance", {"free": {"BTC": float("nan")}}, "says nan for the balance of BTC"),
        ("fetch_balance", e.RequestTimeout("fake slow"), "did not answer fetch_balance: RequestTimeout"),
        ("load_markets", {}, "lists no markets"),
    ],
)
async def test_garbage_is_no_account(journal: Journal, call: str, answer: Any, message: str) -> None:
    exchange = FakeExchange()
    exchange.broken[call] = answer
    with pytest.raises(BrokerError, match=message):
        await make_broker(exchange, journal).holdings()


async def test_prices_come_with_their_times(journal: Journal) -> None:
    exchange = FakeExchange()
    broker = make_broker(exchange, journal)
    book = await broker.prices((BTC, "DOGE/USDT"))
    assert dict(book) == {BTC: 100.0}
    assert book.known_at(BTC) == NOON
    assert dict(await broker.prices(("DOGE/USDT",))) == {}
    exchange.has["fetchTickers"] = False
    exchange.last[BTC] = float("nan")
    assert dict(await broker.prices((BTC, ETH))) == {ETH: 10.0}


async def test_only_approved_orders_and_only_once(journal: Journal) -> None:
    exchange = FakeExchange()
    broker = make_broker(exchange, journal)
    with pytest.raises(BrokerError, match="takes an ApprovedOrder, not Order"):
        await broker.submit(make_order())  # type: ignore[arg-type]
    with pytest.raises(StateError, match="intend it before sending"):
        await broker.submit(approved(make_order()))
    await submit(broker)
    with pytest.raises(BrokerError, match="is not sent again"):
        await broker.submit(approved(make_order()))
    assert len(exchange.posts) == 1


async def test_venues_carry_and_find_our_id_in_their_own_ways(journal: Journal) -> None:
    coinbase = make_broker(FakeExchange(name="coinbase"), journal)
    order = make_order()
    assert coinbase._venue.id_parameter(order) == {"client_order_id": order.client_order_id}
    bybit = FakeExchange(name="bybit")
    await submit(make_broker(bybit, journal))
    assert ("fetch_order", ("v1", BTC, {"acknowledged": True})) in bybit.calls


def run_plan(exchange: FakeExchange, journal: Journal, **rest: Any) -> Any:
    proposal = make_proposal([make_trade("buy", ETH, 50.0, 10.0), make_trade("sell", BTC, 1.0, 100.0)])
    gate = PreTradeGate(LOOSE)
    return execute_proposal(proposal, make_broker(exchange, journal, **rest), gate=gate)


async def test_a_proposal_through_a_venue(journal: Journal) -> None:
    exchange = FakeExchange()
    report: ExecutionReport = await run_plan(exchange, journal)
    assert report.complete
    assert (report.mode, report.remaining) == ("live", {})
    assert [post[2] for post in exchange.posts] == ["sell", "buy"]
    assert report.fees == pytest.approx(0.02)
    assert report.final_weights["BTC/USDT"] == pytest.approx(200.0 / 1_200.0)


async def test_a_limit_never_locks_more_than_the_cash(journal: Journal) -> None:
    exchange = FakeExchange()
    proposal = make_proposal([make_trade("buy", BTC, 9.8, 100.0)])
    await execute_proposal(proposal, make_broker(exchange, journal), gate=PreTradeGate(LOOSE))
    _, _, _, amount, price, _ = exchange.posts[0]
    assert amount * price <= 1_000.0 / 1.001
    assert price == 101.5


async def test_an_unclear_order_stops_the_plan(journal: Journal) -> None:
    exchange = FakeExchange("lost")
    exchange.broken["fetch_open_orders"] = e.ExchangeNotAvailable("fake 503")
    report = await run_plan(exchange, journal)
    assert [o.status for o in report.orders] == [OrderStatus.UNKNOWN, OrderStatus.REFUSED]
    assert len(exchange.posts) == 1


async def test_a_rate_limit_refuses_the_legs_that_follow(journal: Journal) -> None:
    exchange = FakeExchange("rate limit")
    report = await run_plan(exchange, journal)
    assert [o.status for o in report.orders] == [OrderStatus.REJECTED, OrderStatus.REFUSED]
    assert report.orders[1].reason.startswith("untradable: fake is left alone")
    assert len(exchange.posts) == 1


async def test_an_old_proposal_expires_by_the_wall_clock(journal: Journal) -> None:
    exchange = FakeExchange()
    broker = CcxtBroker(exchange, journal=journal)
    with pytest.raises(BrokerError, match=r"the limit is 24\.0 hours"):
        await execute_proposal(make_proposal([]), broker, gate=PreTradeGate())
    with pytest.raises(BrokerError, match="talks to a venue"):
        execute_proposal_now(make_proposal([]), broker, gate=PreTradeGate())


async def test_an_exchange_becomes_a_broker_with_a_journal_of_its_own(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    first, second = as_broker(FakeExchange()), as_broker(FakeExchange())
    assert isinstance(first, CcxtBroker)
    assert first.journal is second.journal
    assert first.journal.path == tmp_path / "poise" / "journal.sqlite"
    first.journal.close()


def test_settings_that_would_send_twice_are_refused(journal: Journal) -> None:
    exchange = FakeExchange()
    exchange.options["maxRetriesOnFailure"] = 3
    with pytest.raises(ParameterError, match="maxRetriesOnFailure"):
        CcxtBroker(exchange, journal=journal)
    with pytest.raises(ParameterError, match="must be positive"):
        CcxtBroker(FakeExchange(), journal=journal, poll_seconds=0.0)


async def test_a_real_ccxt_exchange_is_recognised(journal: Journal) -> None:
    import ccxt
    import ccxt.async_support as asynchronous

    with pytest.raises(BrokerError, match="binance is a synchronous ccxt exchange"):
        as_broker(ccxt.binance())
    exchange = asynchronous.binance()
    broker = CcxtBroker(exchange, journal=journal, clock=FixedClock(NOON + timedelta(hours=1)))
    assert broker.account == "binance"
    assert broker.to_lot(BTC, Quantity(Decimal("1.5"))) == Decimal("1.5")
    assert Price(Decimal(1)) == 1
    await exchange.close()
