"""What holds for every proposal on a paper account, however mean."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import numpy as np
from hypothesis import event, given, settings
from hypothesis import strategies as st

from poise.costs import CostModel, FillEngine
from poise.domain.conditions import MarketConditions
from poise.domain.orders import FINAL, ExecutionReport, OrderStatus
from poise.execution import GateLimits, PaperBroker, PreTradeGate, client_order_id, execute_proposal_now
from tests.execution_makers import LOOSE, NOON, make_proposal, make_trade

SYMBOLS = ("A", "B", "C")
CENT = Decimal("0.01")
EXAMPLES = settings(max_examples=100, deadline=None)

prices = st.fixed_dictionaries({s: st.floats(1e-6, 1e5) for s in SYMBOLS})
positions = st.dictionaries(st.sampled_from(SYMBOLS), st.floats(0.0, 1e6))
legs = st.lists(
    st.tuples(
        st.sampled_from(("buy", "sell")),
        st.sampled_from(SYMBOLS),
        st.one_of(st.sampled_from((0.01, 0.1, 0.5, 1.0)), st.floats(1e-9, 1.5)),
    ),
    min_size=1,
    max_size=6,
)
maybe = st.one_of(st.just(math.nan), st.floats(0.0, 1.0))
books = st.sampled_from((LOOSE, GateLimits(), GateLimits(cash_buffer=0.2, max_order_notional=5_000.0)))


@st.composite
def markets(draw: st.DrawFn, last: dict[str, float]) -> MarketConditions:
    def column(scale: float) -> Any:
        return np.array([draw(maybe) * scale for _ in SYMBOLS])

    return MarketConditions(
        as_of=NOON,
        symbols=SYMBOLS,
        prices=np.array([last[s] for s in SYMBOLS]),
        volatility=column(2.0),
        covariance=np.eye(len(SYMBOLS)),
        spread_bps=column(3e4),
        dollar_volume=column(1e6),
    )


@st.composite
def executions(
    draw: st.DrawFn, *, mild: bool = False
) -> tuple[dict[str, Any], PaperBroker, ExecutionReport, GateLimits]:
    last = draw(prices)
    start = {"cash": draw(st.floats(0.0, 1e6)), "positions": draw(positions)}
    broker = PaperBroker(
        **start,
        prices=last,
        costs=CostModel(fee_bps=8.0 if mild else draw(st.floats(0.0, 500.0))),
        conditions=None if mild or draw(st.booleans()) else draw(markets(last)),
    )
    limits = draw(books)
    value = broker.portfolio_now().total_value(last)
    trades = []
    for side, symbol, share in draw(legs):
        # Shares of the account to buy, of the position to sell: above one is more than there is.
        whole = value / last[symbol] if side == "buy" else start["positions"].get(symbol, 1.0)
        trades.append(make_trade(side, symbol, share * whole, last[symbol]))
    report = execute_proposal_now(make_proposal(trades), broker, gate=PreTradeGate(limits))
    return start, broker, report, limits


@given(executions())
@EXAMPLES
def test_cash_is_never_negative_and_nothing_is_oversold(
    drawn: tuple[dict[str, Any], PaperBroker, ExecutionReport, GateLimits],
) -> None:
    start, broker, report, _ = drawn
    cash = Decimal(repr(start["cash"]))
    held = {s: Decimal(repr(q)) for s, q in start["positions"].items()}
    for fill in report.fills:
        sign = 1 if fill.side == "buy" else -1
        cash -= sign * fill.notional + fill.fee
        held[fill.symbol] = held.get(fill.symbol, Decimal(0)) + sign * fill.quantity
        assert cash >= 0
        assert held[fill.symbol] >= 0
        assert fill.price >= 0
        assert fill.quantity > 0
        assert fill.fee >= 0
    assert broker.holdings_now().cash >= 0


@given(executions())
@EXAMPLES
def test_the_books_reconcile_to_the_cent(
    drawn: tuple[dict[str, Any], PaperBroker, ExecutionReport, GateLimits],
) -> None:
    start, broker, report, _ = drawn
    sign = {"buy": 1, "sell": -1}
    spent = sum((sign[f.side] * f.notional + f.fee for f in report.fills), Decimal(0))
    books = broker.holdings_now()
    assert abs(Decimal(repr(start["cash"])) - spent - books.cash) < CENT
    for symbol in SYMBOLS:
        traded = sum((sign[f.side] * f.quantity for f in report.fills if f.symbol == symbol), Decimal(0))
        before = Decimal(repr(start["positions"].get(symbol, 0.0)))
        assert abs(before + traded - books.held(symbol)) < Decimal("1e-12")
    assert math.isclose(report.fees, math.fsum(float(f.fee) for f in report.fills), abs_tol=1e-9)
    assert math.isclose(
        report.slippage, math.fsum(float(f.slippage) for f in report.fills), rel_tol=1e-9, abs_tol=1e-9
    )


@given(executions())
@EXAMPLES
def test_every_leg_ends_with_a_reason_or_whole_and_the_rest_is_accounted_for(
    drawn: tuple[dict[str, Any], PaperBroker, ExecutionReport, GateLimits],
) -> None:
    _, broker, report, _ = drawn
    for order in report.orders:
        assert order.status in FINAL
        assert order.status is OrderStatus.FILLED or order.reason
        fills = [f.quantity for f in report.fills if f.client_order_id == order.client_order_id]
        assert sum(fills, Decimal(0)) == order.filled <= order.quantity
    for symbol in SYMBOLS:
        if all(o.status is OrderStatus.FILLED and not o.reason for o in report.orders if o.symbol == symbol):
            assert symbol not in report.remaining
    assert set(broker.journal.fills()) == set(report.fills)
    assert all(symbol in SYMBOLS and math.isfinite(units) for symbol, units in report.remaining.items())


@given(executions(mild=True))
@EXAMPLES
def test_buys_that_cost_what_was_expected_leave_the_buffer(
    drawn: tuple[dict[str, Any], PaperBroker, ExecutionReport, GateLimits],
) -> None:
    start, broker, report, limits = drawn
    value = start["cash"] + math.fsum(q * broker.prices_now()[s] for s, q in start["positions"].items())
    buys = [f for f in report.fills if f.side == "buy"]
    event(f"buys: {bool(buys)}")
    if buys:
        # The buffer is a fraction of total value, which the costs of the day have lowered a little.
        paid = report.fees + report.slippage
        assert float(broker.holdings_now().cash) >= limits.cash_buffer * (value - paid) - 0.02


@given(
    notional=st.floats(-1e9, 1e9),
    price=st.floats(1e-6, 1e6),
    spread=maybe.map(lambda x: x * 3e4),
    volatility=maybe.map(lambda x: x * 5.0),
    volume=maybe.map(lambda x: x * 1e9),
)
@EXAMPLES
def test_the_engine_never_gives_a_better_price_nor_more_than_asked(
    notional: float, price: float, spread: float, volatility: float, volume: float
) -> None:
    engine = FillEngine()
    market = {"spread_bps": spread, "daily_volatility": volatility, "dollar_volume": volume}
    side = "buy" if notional >= 0.0 else "sell"
    quantity = abs(notional) / price
    quote = engine.fill(side, quantity, price, **market)
    assert 0.0 <= quote.quantity <= quantity
    assert quote.price >= price if side == "buy" else 0.0 <= quote.price <= price
    assert quote.fee >= 0.0
    assert quote.slippage >= 0.0
    if not math.isnan(volume):
        cap = engine.costs.participation_cap * volume
        # Among the smallest floats the relative precision is gone.
        assert quote.quantity * price <= cap * (1.0 + 1e-12) + 1e-300
    estimate = engine.costs.estimate(notional, **market)
    assert float(estimate.total) >= 0.0


@given(st.text(min_size=1), st.text(min_size=1), st.integers(0, 99), st.integers(0, 99), st.integers(0, 9))
@EXAMPLES
def test_ids_are_eighteen_characters_of_the_common_alphabet(
    account: str, plan: str, leg: int, slice_: int, attempt: int
) -> None:
    name = client_order_id(account, plan, leg, slice_, attempt)
    assert len(name) == 18
    assert name[0] == "p"
    assert set(name) <= set("0123456789abcdefghijklmnopqrstuvwxyz")
    assert name == client_order_id(account, plan, leg, slice_, attempt)
