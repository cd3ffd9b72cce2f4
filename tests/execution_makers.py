"""Small makers for the tests of execution: orders, trades, proposals, views, a clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from poise.domain.orders import Order
from poise.domain.proposals import RebalanceProposal, Trade, Trigger, Urgency
from poise.domain.weights import Weights
from poise.execution import AccountView, ApprovedOrder, GateLimits, Holdings, PreTradeGate, PriceBook
from poise.execution.amounts import exact
from poise.typing import Money, Price, Quantity, Side

NOON = datetime(2021, 6, 1, 12, tzinfo=UTC)
LOOSE = GateLimits(
    price_collar_bps=9_000.0,
    max_daily_turnover=None,
    max_position_weight=1.0,
    cash_buffer=0.0,
    cost_allowance_bps=0.0,
    min_notional=0.0,
)


class FixedClock:
    """A clock that stands until it is moved."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def forward(self, **span: float) -> None:
        self.at += timedelta(**span)


def make_order(
    side: Side = "buy",
    quantity: str = "1",
    price: str = "100",
    *,
    symbol: str = "BTC/USDT",
    name: str = "p00000000000000001",
) -> Order:
    return Order(name, symbol, side, Quantity(Decimal(quantity)), Price(Decimal(price)), NOON)


def make_view(
    cash: float = 10_000.0,
    positions: Mapping[str, float] | None = None,
    prices: Mapping[str, float] | None = None,
    *,
    at: Mapping[str, datetime] | None = None,
    **rest: object,
) -> AccountView:
    held = {symbol: Quantity(exact(units)) for symbol, units in (positions or {}).items()}
    book = PriceBook(prices if prices is not None else {"BTC/USDT": 100.0}, at)
    return AccountView(now=NOON, holdings=Holdings(Money(exact(cash)), held), prices=book, **rest)  # type: ignore[arg-type]


def make_trade(side: Side, symbol: str, quantity: float, price: float, *, cost_rate: float = 0.0015) -> Trade:
    notional = quantity * price
    return Trade(
        symbol=symbol,
        side=side,
        quantity=quantity,
        reference_price=price,
        notional_usd=notional,
        expected_cost_usd=notional * cost_rate,
        expected_benefit_usd=0.0,
        weight_before=0.0,
        weight_after=0.0,
        reason="test",
    )


def make_proposal(
    trades: Sequence[Trade], *, name: str = "plan-1", as_of: datetime = NOON
) -> RebalanceProposal:
    return RebalanceProposal(
        id=name,
        as_of=as_of,
        trigger=Trigger.TIME,
        urgency=Urgency.LOW,
        strategy="test",
        trades=tuple(trades),
        target_weights=Weights({}),
        expected_benefit=1.0,
        expected_cost=0.5,
        confidence=0.5,
        reasons=(),
        turnover=0.1,
    )


def approve(order: Order, view: AccountView, limits: GateLimits = LOOSE) -> ApprovedOrder:
    verdict = PreTradeGate(limits).check(order, view)
    assert isinstance(verdict, ApprovedOrder), verdict
    return verdict
