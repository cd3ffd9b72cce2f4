"""The paper broker: exact books, the shared engine, and values with reasons instead of debts."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from poise.costs import CostModel, FillEngine
from poise.domain.conditions import MarketConditions
from poise.domain.orders import Order, OrderEvent, OrderStatus
from poise.domain.prices import PricePanel
from poise.errors import BrokerError, InputError, NonFiniteError, ParameterError, StateError
from poise.execution import ApprovedOrder, Journal, PaperBroker
from poise.typing import Money
from tests.execution_makers import NOON, FixedClock, approve, make_order, make_view

BTC = "BTC/USDT"


def make_conditions(volume: float = 1e6, *, price: float = 100.0) -> MarketConditions:
    return MarketConditions(
        as_of=NOON,
        symbols=("X", BTC),
        prices=np.array([1.0, price]),
        volatility=np.array([0.1, 0.04 / math.sqrt(24.0)]),
        covariance=np.eye(2),
        spread_bps=np.array([1.0, 8.0]),
        dollar_volume=np.array([1.0, volume]),
        bars_per_day=24.0,
    )


def make_broker(cash: float = 10_000.0, **rest: Any) -> PaperBroker:
    return PaperBroker(**{"cash": cash, "prices": {BTC: 100.0}, **rest})


def submit(broker: PaperBroker, order: Order, approved: ApprovedOrder | None = None) -> Order:
    """Journal the intent and submit, under a gate that sees a rich account."""
    broker.journal.intend(order, account=broker.account, plan="x", leg=0)
    view = make_view(cash=1e12, positions={order.symbol: 1e12}, prices={order.symbol: 100.0})
    return broker.submit_now(approved or approve(order, view))


def test_a_buy_pays_what_the_engine_says() -> None:
    costs = CostModel(fee_bps=20.0)
    broker = make_broker(costs=costs, conditions=make_conditions())
    order = submit(broker, make_order(quantity="10"))
    (fill,) = broker.journal.fills()
    quote = FillEngine(costs).fill(
        "buy", 10.0, 100.0, spread_bps=8.0, daily_volatility=0.04, dollar_volume=1e6
    )
    assert order.status is OrderStatus.FILLED
    assert float(fill.price) == pytest.approx(quote.price, rel=1e-11)
    assert float(fill.fee) == pytest.approx(quote.fee, abs=1e-7)
    assert float(fill.slippage) == pytest.approx(quote.slippage, abs=1e-7)
    holdings = broker.holdings_now()
    assert holdings.cash == Decimal(10_000) - fill.notional - fill.fee
    assert holdings.positions == {BTC: Decimal(10)}


def test_a_sell_brings_what_the_engine_says_and_leaves_no_dust() -> None:
    broker = make_broker(cash=0.0, positions={BTC: 0.1 + 0.2})
    order = submit(broker, make_order("sell", quantity="0.30000000000000004"))
    (fill,) = broker.journal.fills()
    assert order.status is OrderStatus.FILLED
    assert fill.price < 100
    assert broker.holdings_now().positions == {}
    assert broker.holdings_now().cash == fill.notional - fill.fee


def test_slippage_is_against_the_price_of_the_plan() -> None:
    broker = make_broker(prices={BTC: 90.0})
    submit(broker, make_order(quantity="1", price="100"))
    (fill,) = broker.journal.fills()
    assert fill.slippage == fill.price - 100
    assert fill.slippage < 0


def test_participation_cuts_the_order_with_a_reason() -> None:
    broker = make_broker(conditions=make_conditions(volume=5_000.0))
    order = submit(broker, make_order(quantity="10"))
    assert (order.status, order.filled) == (OrderStatus.CANCELLED, Decimal(5))
    assert "at most 10% of a day's volume" in order.reason


def test_a_days_volume_is_used_up_by_all_orders_together() -> None:
    clock = FixedClock()
    broker = make_broker(conditions=make_conditions(volume=5_000.0), clock=clock)
    filled = []
    for n in range(3):
        if n == 2:
            clock.forward(days=1)
        filled.append(submit(broker, make_order(quantity="4", name=f"p{n}")).filled)
    assert filled[0] == 4
    assert 0 < filled[1] < Decimal("1.01")
    assert filled[2] == 4


def test_a_buy_beyond_the_cash_is_cut_to_it_and_cash_stays_positive() -> None:
    broker = make_broker(cash=500.0)
    order = submit(broker, make_order(quantity="10"))
    assert order.status is OrderStatus.CANCELLED
    assert 4 < order.filled < 5
    assert "cash of 500.00 USD pays for no more" in order.reason
    assert 0 <= broker.holdings_now().cash < Decimal("0.02")


def test_a_buy_without_cash_is_rejected_with_a_reason() -> None:
    broker = make_broker(cash=0.0)
    order = submit(broker, make_order())
    assert (order.status, order.filled) == (OrderStatus.REJECTED, 0)
    assert "cash of 0.00" in order.reason


def test_an_oversell_is_rejected_whole() -> None:
    broker = make_broker(positions={BTC: 1.0})
    order = submit(broker, make_order("sell", quantity="1.5"))
    assert order.status is OrderStatus.REJECTED
    assert order.reason == "selling 1.5 BTC/USDT with 1.0 held"
    assert broker.holdings_now().positions == {BTC: Decimal(1)}


def test_a_symbol_without_a_price_is_rejected() -> None:
    broker = make_broker(prices={"ETH/USDT": 1.0})
    order = submit(broker, make_order())
    assert (order.status, order.reason) == (OrderStatus.REJECTED, "BTC/USDT has no last price")


def test_nothing_fills_beyond_the_approved_limit() -> None:
    broker = make_broker(prices={BTC: 1_000.0}, cash=1e6)
    order = submit(broker, make_order())
    assert (order.status, order.filled) == (OrderStatus.CANCELLED, 0)
    assert "beyond the limit of 190" in order.reason
    assert broker.holdings_now().cash == 1_000_000


def test_a_sell_into_nothing_is_stopped_by_the_limit() -> None:
    conditions = replace(make_conditions(), spread_bps=np.array([1.0, 30_000.0]))
    broker = make_broker(cash=0.0, positions={BTC: 1.0}, conditions=conditions)
    order = submit(broker, make_order("sell"))
    assert (order.status, order.filled) == (OrderStatus.CANCELLED, 0)
    assert order.reason == "would fill at 0, beyond the limit of 10"
    assert broker.holdings_now().positions == {BTC: Decimal(1)}


def test_dust_never_costs_more_than_it_brings() -> None:
    broker = make_broker(cash=0.0, positions={BTC: 1e-137})
    order = submit(broker, make_order("sell", "1e-137"))
    assert order.status is OrderStatus.FILLED
    assert broker.holdings_now().cash == 0
    assert broker.holdings_now().positions == {}


def test_only_approved_and_journalled_orders_are_taken_and_only_once() -> None:
    broker = make_broker()
    with pytest.raises(BrokerError, match="takes an ApprovedOrder, not Order"):
        broker.submit_now(make_order())  # type: ignore[arg-type]
    approved = approve(make_order(), make_view())
    with pytest.raises(StateError, match="intend it before sending"):
        broker.submit_now(approved)
    submit(broker, make_order(), approved)
    with pytest.raises(BrokerError, match="is not sent again"):
        broker.submit_now(approved)
    assert len(broker.journal.fills()) == 1


def test_the_clock_dates_the_fills() -> None:
    clock = FixedClock()
    clock.forward(hours=5)
    broker = make_broker(clock=clock)
    submit(broker, make_order())
    assert broker.journal.fills()[0].at == clock.now()


def test_marking_moves_the_market() -> None:
    broker = make_broker(positions={BTC: 1.0}, cash=0.0)
    broker.mark({BTC: 250.0})
    assert broker.portfolio_now().total_value(broker.prices_now()) == 250.0
    assert make_broker(prices=lambda: {BTC: 7.0}).prices_now()[BTC] == 7.0


def test_references_and_assets_without_a_value_are_untradable() -> None:
    conditions = make_conditions(price=math.nan)
    assert make_broker(conditions=conditions).untradable(BTC) == "BTC/USDT has no value at the last bar"
    assert make_broker(conditions=conditions).untradable("ETH/USDT") is None
    assert make_broker().untradable(BTC) is None


def test_a_panel_is_a_bar_source() -> None:
    panel = PricePanel(
        opened=np.array(["2021-05-31", "2021-06-01"], dtype="datetime64[ns]"),
        symbols=(BTC,),
        closes=np.array([[90.0], [100.0]]),
        bar_seconds=86_400.0,
        periods_per_year=365.0,
    )
    broker = make_broker(prices=panel)
    assert dict(broker.prices_now()) == {BTC: 100.0}
    assert broker.untradable(BTC) is None


async def test_the_asynchronous_methods_say_the_same() -> None:
    broker = make_broker(positions={BTC: 2.0})
    order = make_order("sell")
    broker.journal.intend(order, account="paper", plan="x", leg=0)
    done = await broker.submit(approve(order, make_view(positions={BTC: 2.0})))
    assert await broker.fills_of(done) == broker.journal.fills()
    assert await broker.holdings() == broker.holdings_now()
    assert await broker.portfolio() == broker.portfolio_now()
    assert await broker.prices() == broker.prices_now()
    assert broker.to_lot(BTC, order.quantity) == order.quantity


async def test_what_an_earlier_process_left_open_ends(tmp_path: Path) -> None:
    with Journal.at(tmp_path / "j") as journal:
        for n in range(2):
            journal.intend(make_order(name=f"p{n}"), account="paper", plan="x", leg=n)
        journal.record("p1", OrderEvent.SEND, at=NOON)
    with Journal.at(tmp_path / "j") as journal:
        assert await make_broker(journal=journal).settle() == ()
        assert [o.status for o in journal.orders()] == [OrderStatus.REFUSED, OrderStatus.CANCELLED]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"cash": -1.0}, ParameterError, "cash is -1.0"),
        ({"positions": {BTC: -2.0}}, ParameterError, "BTC/USDT is -2.0"),
        ({"cash": math.nan}, NonFiniteError, "cash is nan"),
        ({"positions": {BTC: math.inf}}, NonFiniteError, "quantity of BTC/USDT"),
        ({"prices": 3}, InputError, "prices are a int"),
    ],
)
def test_a_bad_start_is_refused(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make_broker(**arguments)


def test_the_books_are_no_way_in() -> None:
    broker = make_broker(positions={BTC: 1.0})
    held = broker.holdings_now()
    with pytest.raises(TypeError):
        held.positions[BTC] = 5  # type: ignore[index]
    with pytest.raises(AttributeError):
        held.cash = Money(Decimal(5))  # type: ignore[misc]
