"""The pre-trade gate: every order passes it, and only it can say yes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import InitVar, dataclass
from datetime import datetime
from decimal import Decimal

from poise.domain.orders import Order, RiskRefused
from poise.errors import BrokerError
from poise.execution.amounts import exact, plain, price_of
from poise.execution.holdings import Holdings
from poise.execution.limits import GateLimits
from poise.execution.prices import PriceBook
from poise.typing import Price

_SEAL = object()
_BASIS_POINT = Decimal("0.0001")


@dataclass(frozen=True)
class ApprovedOrder:
    """An order the gate let through; brokers take nothing else.

    Attributes
    ----------
    order : Order
    limit_price : Price
        The worst price it may fill at: the last price moved by the collar.
    approved_at : datetime
        By the broker's clock, UTC.

    Raises
    ------
    BrokerError
        When made anywhere but in :meth:`PreTradeGate.check`.
    """

    order: Order
    limit_price: Price
    approved_at: datetime
    seal: InitVar[object] = None

    def __post_init__(self, seal: object) -> None:
        if seal is not _SEAL:
            raise BrokerError("only PreTradeGate.check makes an ApprovedOrder; pass the order through it")


@dataclass(frozen=True)
class AccountView:
    """What the gate looks at: the account, the prices and the day so far, at one moment.

    Attributes
    ----------
    now : datetime
        By the broker's clock, UTC.
    holdings : Holdings
    prices : PriceBook
    bought_today, sold_today : Decimal
        Dollars traded since midnight UTC.
    untradable : str or None
        Why the venue does not trade the order's symbol now.
    """

    now: datetime
    holdings: Holdings
    prices: PriceBook
    bought_today: Decimal = Decimal(0)
    sold_today: Decimal = Decimal(0)
    untradable: str | None = None

    def total_value(self) -> Decimal:
        """Return cash and positions at the last prices, in dollars; positions without a price count 0."""
        values = (q * exact(self.prices[s]) for s, q in self.holdings.positions.items() if s in self.prices)
        return self.holdings.cash + sum(values, Decimal(0))


@dataclass(frozen=True)
class PreTradeGate:
    """The complete pre-trade check, since venues and their clients check almost nothing.

    The book is long only, so a sell within the holding always reduces risk: the limits on notional,
    turnover and weight do not hold it back. Halt, collar, stale price and oversell do.

    Parameters
    ----------
    limits : GateLimits, default=GateLimits()
    halted : callable, optional
        Returns why trading is halted, or None; asked before every order.
    """

    limits: GateLimits = GateLimits()  # noqa: RUF009 - an immutable value
    halted: Callable[[], str | None] | None = None

    def check(
        self, order: Order, view: AccountView, *, cost_rate: Decimal = Decimal(0)
    ) -> ApprovedOrder | RiskRefused:
        """Approve the order or say which rule refuses it and why.

        Parameters
        ----------
        order : Order
        view : AccountView
        cost_rate : Decimal, default=0
            Expected cost of a buy as a fraction of its notional; at least ``cost_allowance_bps`` counts.

        Returns
        -------
        ApprovedOrder or RiskRefused
            The first broken rule, in this order: ``quantity``, ``side``, ``halted``, ``untradable``,
            ``no_price``, ``stale_price``, ``clock_skew``, ``price_collar``, ``oversell``,
            ``min_notional``, ``order_notional``, ``daily_notional``, ``daily_turnover``,
            ``position_weight``, ``cash_buffer``.
        """
        for rule, broken in _RULES:
            reason = broken(self, order, view, cost_rate)
            if reason is not None:
                return RiskRefused(order, rule, reason)
        collar = exact(self.limits.price_collar_bps) * _BASIS_POINT
        worst = exact(view.prices[order.symbol]) * (1 + (collar if order.side == "buy" else -collar))
        return ApprovedOrder(order, Price(plain(price_of(float(worst)))), view.now, _SEAL)

    def spendable(self, view: AccountView) -> Decimal:
        """Return the dollars that buys may use: cash less the buffer, not below 0."""
        return max(view.holdings.cash - exact(self.limits.cash_buffer) * view.total_value(), Decimal(0))

    def with_costs(self, notional: Decimal, cost_rate: Decimal) -> Decimal:
        """Return the dollars a buy of `notional` is expected to take, costs included."""
        return notional * (1 + max(cost_rate, exact(self.limits.cost_allowance_bps) * _BASIS_POINT))


Rule = Callable[[PreTradeGate, Order, AccountView, Decimal], str | None]


def _quantity(_gate: PreTradeGate, order: Order, _view: AccountView, _rate: Decimal) -> str | None:
    numbers = (order.quantity, order.reference_price)
    if all(n.is_finite() and n > 0 for n in numbers):
        return None
    return f"{order.quantity} units at {order.reference_price}; both must be finite and positive"


def _side(_gate: PreTradeGate, order: Order, _view: AccountView, _rate: Decimal) -> str | None:
    return None if order.side in ("buy", "sell") else f"side is {order.side!r}, expected 'buy' or 'sell'"


def _halted(gate: PreTradeGate, _order: Order, _view: AccountView, _rate: Decimal) -> str | None:
    return None if gate.halted is None else gate.halted()


def _untradable(_gate: PreTradeGate, _order: Order, view: AccountView, _rate: Decimal) -> str | None:
    return view.untradable


def _no_price(_gate: PreTradeGate, order: Order, view: AccountView, _rate: Decimal) -> str | None:
    return None if order.symbol in view.prices else f"{order.symbol} has no last price"


def _age(order: Order, view: AccountView) -> float:
    at = view.prices.known_at(order.symbol)
    return 0.0 if at is None else (view.now - at).total_seconds()


def _stale_price(gate: PreTradeGate, order: Order, view: AccountView, _rate: Decimal) -> str | None:
    age, limit = _age(order, view), gate.limits.max_price_age_seconds
    if age <= limit:
        return None
    return f"the price of {order.symbol} is {age / 3600:.1f} hours old, the limit is {limit / 3600:.1f}"


def _clock_skew(gate: PreTradeGate, order: Order, view: AccountView, _rate: Decimal) -> str | None:
    ahead, limit = -_age(order, view), gate.limits.max_clock_skew_seconds
    if ahead <= limit:
        return None
    return (
        f"the price of {order.symbol} lies {ahead:.0f} seconds in the future of the broker's clock, "
        f"the limit is {limit:.0f}; set the clock"
    )


def _price_collar(gate: PreTradeGate, order: Order, view: AccountView, _rate: Decimal) -> str | None:
    last, limit = exact(view.prices[order.symbol]), gate.limits.price_collar_bps
    moved = abs(order.reference_price - last) / last / _BASIS_POINT
    if moved <= exact(limit):
        return None
    return (
        f"planned at {order.reference_price}, last price {last}: {moved:.0f} bps apart, the collar is "
        f"{limit:.0f}; plan again"
    )


def _oversell(_gate: PreTradeGate, order: Order, view: AccountView, _rate: Decimal) -> str | None:
    held = view.holdings.held(order.symbol)
    if order.side == "buy" or order.quantity <= held:
        return None
    return f"selling {order.quantity} {order.symbol} with {held} held"


def _min_notional(gate: PreTradeGate, order: Order, view: AccountView, _rate: Decimal) -> str | None:
    notional = _notional(order, view)
    closing = order.side == "sell" and order.quantity == view.holdings.held(order.symbol)
    if closing or notional >= exact(gate.limits.min_notional):
        return None
    return f"worth {notional:.2f} USD, the least is {gate.limits.min_notional:.2f}"


def _order_notional(gate: PreTradeGate, order: Order, view: AccountView, _rate: Decimal) -> str | None:
    limit = gate.limits.max_order_notional
    notional = _notional(order, view)
    if order.side == "sell" or limit is None or notional <= exact(limit):
        return None
    return f"worth {notional:.2f} USD, the limit of one order is {limit:.2f}"


def _daily_notional(gate: PreTradeGate, order: Order, view: AccountView, _rate: Decimal) -> str | None:
    limit = gate.limits.max_daily_notional
    total = view.bought_today + view.sold_today + _notional(order, view)
    if order.side == "sell" or limit is None or total <= exact(limit):
        return None
    return f"brings the day to {total:.2f} USD traded, the limit is {limit:.2f}"


def _daily_turnover(gate: PreTradeGate, order: Order, view: AccountView, _rate: Decimal) -> str | None:
    limit, value = gate.limits.max_daily_turnover, view.total_value()
    if order.side == "sell" or limit is None or not value > 0:
        return None
    turnover = max(view.bought_today + _notional(order, view), view.sold_today) / value
    if turnover <= exact(limit) * (1 + exact(gate.limits.slack)):
        return None
    return f"brings the day's turnover to {turnover:.4f}, the limit is {limit:g}"


def _position_weight(gate: PreTradeGate, order: Order, view: AccountView, _rate: Decimal) -> str | None:
    limit, value = gate.limits.max_position_weight, view.total_value()
    if order.side == "sell" or not value > 0:
        return None
    held = view.holdings.held(order.symbol) * exact(view.prices[order.symbol])
    weight = (held + _notional(order, view)) / value
    if weight <= exact(limit) * (1 + exact(gate.limits.slack)):
        return None
    return f"brings {order.symbol} to a weight of {weight:.4f}, the limit is {limit:g}"


def _cash_buffer(gate: PreTradeGate, order: Order, view: AccountView, rate: Decimal) -> str | None:
    if order.side == "sell":
        return None
    needed, spendable = gate.with_costs(_notional(order, view), rate), gate.spendable(view)
    if needed <= spendable:
        return None
    return (
        f"takes {needed:.2f} USD with costs; {spendable:.2f} of {view.holdings.cash:.2f} cash may be spent, "
        f"{gate.limits.cash_buffer:g} of total value stays"
    )


def _notional(order: Order, view: AccountView) -> Decimal:
    """Return the order's dollars at the last price."""
    return order.quantity * exact(view.prices[order.symbol])


_RULES: tuple[tuple[str, Rule], ...] = (
    ("quantity", _quantity),
    ("side", _side),
    ("halted", _halted),
    ("untradable", _untradable),
    ("no_price", _no_price),
    ("stale_price", _stale_price),
    ("clock_skew", _clock_skew),
    ("price_collar", _price_collar),
    ("oversell", _oversell),
    ("min_notional", _min_notional),
    ("order_notional", _order_notional),
    ("daily_notional", _daily_notional),
    ("daily_turnover", _daily_turnover),
    ("position_weight", _position_weight),
    ("cash_buffer", _cash_buffer),
)
