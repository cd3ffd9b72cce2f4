"""Executing a proposal: once, in time, sells first, with every refusal in the report."""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from poise.domain.orders import Order, OrderStatus
from poise.errors import BrokerError, OutputError, ParameterError, ProposalExpiredError
from poise.execution import (
    Journal,
    PaperBroker,
    PreTradeGate,
    as_broker,
    execute_proposal,
    execute_proposal_now,
)
from tests.execution_makers import LOOSE, NOON, FixedClock, make_proposal, make_trade

PRICES = {"A": 10.0, "B": 20.0, "C": 50.0}
GATE = PreTradeGate(LOOSE)


def make_broker(cash: float = 1_000.0, **rest: Any) -> PaperBroker:
    return PaperBroker(**{"cash": cash, "prices": PRICES, **rest})


async def test_a_rebalance_from_one_book_to_another() -> None:
    broker = make_broker(cash=0.0, positions={"A": 100.0})
    proposal = make_proposal([make_trade("sell", "A", 50.0, 10.0), make_trade("buy", "B", 20.0, 20.0)])
    report = await execute_proposal(proposal, broker, gate=GATE)
    assert report.complete
    assert report.proposal_id == proposal.id
    assert (report.mode, report.as_of) == ("paper", NOON)
    assert [o.side for o in report.orders] == ["sell", "buy"]
    assert report.remaining == {}
    assert report.fees == pytest.approx(math.fsum(float(f.fee) for f in report.fills))
    assert report.slippage == pytest.approx(math.fsum(float(f.slippage) for f in report.fills))
    assert report.slippage > 0.0
    assert report.final_weights == broker.portfolio_now().weights(PRICES)
    assert broker.journal.orders(proposal.id) == report.orders
    assert broker.journal.fills(plan=proposal.id) == report.fills


def test_the_synchronous_twin_says_the_same() -> None:
    proposal = make_proposal([make_trade("buy", "A", 5.0, 10.0), make_trade("sell", "C", 1.0, 50.0)])
    first = execute_proposal_now(proposal, make_broker(positions={"C": 2.0}), gate=GATE)
    second = execute_proposal_now(proposal, make_broker(positions={"C": 2.0}), gate=GATE)
    assert first == second
    assert first.complete


def test_sells_come_first_so_that_buys_find_their_proceeds() -> None:
    broker = make_broker(cash=0.0, positions={"A": 100.0})
    proposal = make_proposal([make_trade("buy", "B", 20.0, 20.0), make_trade("sell", "A", 50.0, 10.0)])
    report = execute_proposal_now(proposal, broker, gate=GATE)
    assert report.complete
    assert [o.side for o in report.orders] == ["sell", "buy"]


def test_a_buy_is_shrunk_to_the_cash_above_the_buffer_with_a_reason() -> None:
    broker = make_broker(cash=1_000.0)
    gate = PreTradeGate(replace(LOOSE, cash_buffer=0.1, cost_allowance_bps=20.0))
    report = execute_proposal_now(make_proposal([make_trade("buy", "A", 100.0, 10.0)]), broker, gate=gate)
    (order,) = report.orders
    assert order.status is OrderStatus.FILLED
    assert float(order.quantity) == pytest.approx(90.0 / 1.002)
    assert order.reason.startswith("shrunk from 100.0: 900.00 USD of cash may be spent")
    assert report.remaining["A"] == pytest.approx(100.0 - 90.0 / 1.002)
    assert broker.holdings_now().cash >= Decimal("99.9")


def test_refused_legs_are_in_the_report_and_the_others_go_on() -> None:
    broker = make_broker(cash=1_000.0, positions={"C": 1.0})
    gate = PreTradeGate(replace(LOOSE, max_position_weight=0.3, min_notional=10.0))
    proposal = make_proposal(
        [
            make_trade("sell", "C", 2.0, 50.0),
            make_trade("buy", "A", 50.0, 10.0),
            make_trade("buy", "B", 0.1, 20.0),
            make_trade("buy", "gone", 1.0, 5.0),
            make_trade("buy", "B", 5.0, 20.0),
        ]
    )
    report = execute_proposal_now(proposal, broker, gate=gate)
    rules = [o.reason.split(":")[0] for o in report.refused]
    assert rules == ["oversell", "position_weight", "min_notional", "no_price"]
    assert not report.complete
    assert report.remaining == {"C": -2.0, "A": 50.0, "B": pytest.approx(0.1), "gone": 1.0}
    assert [f.symbol for f in report.fills] == ["B"]
    assert broker.journal.orders(proposal.id) == report.orders[-1:]


def test_a_proposal_is_executed_once() -> None:
    broker = make_broker()
    proposal = make_proposal([make_trade("buy", "A", 1.0, 10.0)])
    execute_proposal_now(proposal, broker, gate=GATE)
    with pytest.raises(BrokerError, match=r"proposal plan-1 was executed until .* nothing was sent now"):
        execute_proposal_now(proposal, broker, gate=GATE)
    assert len(broker.journal.fills()) == 1


def test_a_halted_proposal_may_be_executed_later() -> None:
    halts = iter(["operator", None])
    broker = make_broker()
    gate = PreTradeGate(LOOSE, halted=lambda: next(halts))
    proposal = make_proposal([make_trade("buy", "A", 1.0, 10.0)])
    assert execute_proposal_now(proposal, broker, gate=gate).refused[0].reason == "halted: operator"
    assert execute_proposal_now(proposal, broker, gate=gate).complete


def test_an_old_proposal_is_refused_by_the_brokers_clock() -> None:
    clock = FixedClock()
    broker = make_broker(clock=clock)
    proposal = make_proposal([make_trade("buy", "A", 1.0, 10.0)])
    clock.forward(hours=6, minutes=1)
    with pytest.raises(
        ProposalExpiredError, match=r"6\.0 hours old; the limit is 6\.0 hours\. Nothing was sent"
    ):
        execute_proposal_now(proposal, broker, gate=GATE, max_age=timedelta(hours=6))
    assert broker.journal.orders() == ()
    assert execute_proposal_now(proposal, broker, gate=GATE, max_age=timedelta(hours=7)).complete


def test_a_proposal_from_the_future_betrays_the_clock() -> None:
    clock = FixedClock()
    clock.forward(hours=-1)
    with pytest.raises(BrokerError, match=r"1\.0 hours in the future"):
        execute_proposal_now(make_proposal([]), make_broker(clock=clock), gate=GATE)


def test_without_a_clock_the_broker_lives_at_the_proposal() -> None:
    proposal = make_proposal([make_trade("buy", "A", 1.0, 10.0)])
    report = execute_proposal_now(proposal, make_broker(), gate=GATE, max_age=timedelta(0))
    assert report.fills[0].at == NOON


@pytest.mark.parametrize("max_age", [3600.0, timedelta(seconds=-1)])
def test_the_age_is_a_span(max_age: Any) -> None:
    with pytest.raises(ParameterError, match="max_age"):
        execute_proposal_now(make_proposal([]), make_broker(), gate=GATE, max_age=max_age)


def test_a_whole_position_goes_although_its_float_differs_in_the_last_digit() -> None:
    broker = make_broker(cash=1_000.0, positions={"A": 0.1})
    first = make_proposal([make_trade("buy", "A", 0.2, 10.0)])
    execute_proposal_now(first, broker, gate=GATE)
    second = make_proposal([make_trade("sell", "A", 0.1 + 0.2, 10.0)], name="plan-2")
    report = execute_proposal_now(second, broker, gate=GATE)
    assert report.complete
    assert report.remaining == {}
    assert broker.holdings_now().positions == {}


def test_a_quantity_that_is_no_number_is_refused() -> None:
    trade = make_trade("buy", "A", math.nan, 10.0)
    report = execute_proposal_now(make_proposal([trade]), make_broker(), gate=GATE)
    assert report.refused[0].reason.startswith("quantity: NaN units")


def test_limits_of_the_day_count_what_was_traded_before() -> None:
    broker = make_broker(cash=10_000.0)
    gate = PreTradeGate(replace(LOOSE, max_daily_notional=150.0))
    plans = [make_proposal([make_trade("buy", "A", 10.0, 10.0)], name=f"plan-{n}") for n in range(2)]
    assert execute_proposal_now(plans[0], broker, gate=gate).complete
    refused = execute_proposal_now(plans[1], broker, gate=gate).refused
    assert refused[0].reason.startswith("daily_notional: brings the day to 200")


def test_nothing_to_do_is_done() -> None:
    report = execute_proposal_now(make_proposal([]), make_broker(cash=0.0), gate=GATE)
    assert (report.orders, report.fees, report.final_weights.cash) == ((), 0.0, 1.0)


def test_the_journal_named_must_be_the_brokers() -> None:
    broker = make_broker()
    with pytest.raises(BrokerError, match="another journal"):
        execute_proposal_now(make_proposal([]), broker, gate=GATE, journal=Journal())
    execute_proposal_now(make_proposal([]), broker, gate=GATE, journal=broker.journal)


def test_no_journal_no_order() -> None:
    broker = make_broker()
    proposal = make_proposal([make_trade("buy", "A", 1.0, 10.0)])
    with broker.journal._engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA query_only=ON")
    with pytest.raises(OutputError):
        execute_proposal_now(proposal, broker, gate=GATE)
    assert broker.holdings_now().cash == 1_000


class Unclear(PaperBroker):
    """A venue whose first answer never comes."""

    async def submit(self, approved: Any) -> Order:
        from poise.domain.orders import OrderEvent

        self.journal.record(approved.order.client_order_id, OrderEvent.SEND, at=NOON)
        return self.journal.record(
            approved.order.client_order_id, OrderEvent.LOSE, at=NOON, reason="no answer"
        )

    async def settle(self) -> tuple[Order, ...]:
        return self.journal.unsettled(self.account)


async def test_an_unknown_order_stops_everything_until_it_is_settled() -> None:
    broker = Unclear(cash=1_000.0, prices=PRICES)
    proposal = make_proposal([make_trade("buy", "A", 1.0, 10.0), make_trade("buy", "B", 1.0, 20.0)])
    report = await execute_proposal(proposal, broker, gate=GATE)
    assert [o.status for o in report.orders] == [OrderStatus.UNKNOWN, OrderStatus.REFUSED]
    assert "is unknown and its end is not known" in report.orders[1].reason
    with pytest.raises(BrokerError, match="is unknown and 1 in all are unsettled; nothing was sent"):
        await execute_proposal(make_proposal([], name="plan-2"), broker, gate=GATE)


class Vanishing(PaperBroker):
    """A venue whose balance cannot be had from the n-th time on."""

    left = 1

    async def holdings(self) -> Any:
        self.left -= 1
        if self.left < 0:
            raise BrokerError("no balance")
        return self.holdings_now()


async def test_a_venue_that_vanishes_half_way_leaves_a_report() -> None:
    broker = Vanishing(cash=1_000.0, prices=PRICES)
    proposal = make_proposal([make_trade("buy", "A", 1.0, 10.0), make_trade("buy", "B", 1.0, 20.0)])
    report = await execute_proposal(proposal, broker, gate=GATE)
    assert [o.status for o in report.orders] == [OrderStatus.FILLED, OrderStatus.REFUSED]
    assert report.orders[1].reason == "nothing more was sent: no balance"


async def test_a_venue_that_vanishes_at_once_leaves_the_proposal_free() -> None:
    broker = Vanishing(cash=1_000.0, prices=PRICES)
    broker.left = 0
    proposal = make_proposal([make_trade("buy", "A", 1.0, 10.0)])
    with pytest.raises(BrokerError, match="no balance"):
        await execute_proposal(proposal, broker, gate=GATE)
    broker.left = 5
    assert (await execute_proposal(proposal, broker, gate=GATE)).complete


class Waiting(PaperBroker):
    """A broker that has to wait for something after all."""

    async def settle(self) -> tuple[Order, ...]:
        await asyncio.sleep(0)
        return ()


def test_the_synchronous_twin_refuses_to_wait() -> None:
    broker = Waiting(cash=1_000.0, prices=PRICES)
    with pytest.raises(BrokerError, match="waited for something"):
        execute_proposal_now(make_proposal([]), broker, gate=GATE)


def test_a_client_becomes_a_broker_or_says_what_it_should_be() -> None:
    broker = make_broker()
    assert as_broker(broker) is broker

    class Sync:
        def create_order(self) -> None: ...
        def fetch_balance(self) -> None: ...

    with pytest.raises(BrokerError, match=r"synchronous ccxt exchange; .* ccxt\.async_support"):
        as_broker(Sync())
    with pytest.raises(BrokerError, match="str is no exchange client"):
        as_broker("binance")
