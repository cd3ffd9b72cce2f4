"""The gate, rule by rule: what passes at the limit and what is refused beyond it."""

from __future__ import annotations

import copy
import math
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from poise.config.portfolio import PortfolioSettings
from poise.domain.orders import Order, RiskRefused
from poise.errors import BrokerError, ParameterError
from poise.execution import AccountView, ApprovedOrder, GateLimits, PreTradeGate
from poise.typing import Price, Quantity
from tests.execution_makers import LOOSE, NOON, approve, make_order, make_view

BTC = "BTC/USDT"


def verdict(order: Order, view: AccountView, **limits: Any) -> str:
    """Return the broken rule, or ``ok``."""
    answer = PreTradeGate(replace(LOOSE, **limits)).check(order, view)
    if isinstance(answer, RiskRefused):
        assert answer.order is order
        assert answer.reason
        return answer.rule
    assert answer.order is order
    return "ok"


@pytest.mark.parametrize("quantity", ["0", "-1", "NaN", "Infinity"])
def test_quantity_must_be_finite_and_positive(quantity: str) -> None:
    assert verdict(make_order(quantity=quantity), make_view()) == "quantity"


@pytest.mark.parametrize("price", ["0", "-1", "NaN", "Infinity"])
def test_reference_price_must_be_finite_and_positive(price: str) -> None:
    assert verdict(make_order(price=price), make_view()) == "quantity"


def test_side_must_be_known() -> None:
    order = replace(make_order(), side="short")  # type: ignore[arg-type]
    assert verdict(order, make_view()) == "side"


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_a_halt_holds_every_order(side: Any) -> None:
    reasons = iter(["operator", None])
    gate = PreTradeGate(LOOSE, halted=lambda: next(reasons))
    view = make_view(positions={BTC: 1.0})
    answer = gate.check(make_order(side), view)
    assert isinstance(answer, RiskRefused)
    assert (answer.rule, answer.reason) == ("halted", "operator")
    assert isinstance(gate.check(make_order(side), view), ApprovedOrder)


def test_a_halt_that_cannot_be_read_lets_nothing_through() -> None:
    def unreadable() -> str | None:
        raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        PreTradeGate(LOOSE, halted=unreadable).check(make_order(), make_view())


def test_what_the_venue_does_not_trade_is_refused() -> None:
    assert verdict(make_order(), make_view(untradable="halted at the venue")) == "untradable"


@pytest.mark.parametrize("price", [math.nan, math.inf, 0.0, -5.0])
def test_a_symbol_without_a_usable_price_is_refused(price: float) -> None:
    assert verdict(make_order(), make_view(prices={BTC: price})) == "no_price"


@pytest.mark.parametrize("side", ["buy", "sell"])
@pytest.mark.parametrize(("seconds", "expected"), [(3600, "ok"), (3601, "stale_price")])
def test_prices_go_stale(side: Any, seconds: int, expected: str) -> None:
    at = {BTC: NOON - timedelta(seconds=seconds)}
    view = make_view(positions={BTC: 1.0}, at=at)
    assert verdict(make_order(side), view, max_price_age_seconds=3600.0) == expected


def test_two_daily_bars_are_fresh_by_default() -> None:
    at = {BTC: NOON - timedelta(hours=48)}
    assert isinstance(PreTradeGate().check(make_order(), make_view(at=at)), ApprovedOrder)


@pytest.mark.parametrize(("seconds", "expected"), [(300, "ok"), (301, "clock_skew")])
def test_a_price_from_the_future_betrays_the_clock(seconds: int, expected: str) -> None:
    view = make_view(at={BTC: NOON + timedelta(seconds=seconds)})
    assert verdict(make_order(), view) == expected


@pytest.mark.parametrize("side", ["buy", "sell"])
@pytest.mark.parametrize(
    ("price", "expected"), [("105", "ok"), ("95", "ok"), ("105.1", "price_collar"), ("94.9", "price_collar")]
)
def test_the_plan_must_lie_within_the_collar(side: Any, price: str, expected: str) -> None:
    view = make_view(positions={BTC: 1.0})
    assert verdict(make_order(side, price=price), view, price_collar_bps=500.0) == expected


@pytest.mark.parametrize(("quantity", "expected"), [("2", "ok"), ("2.000000001", "oversell")])
def test_nothing_is_sold_that_is_not_held(quantity: str, expected: str) -> None:
    assert verdict(make_order("sell", quantity), make_view(positions={BTC: 2.0})) == expected


@pytest.mark.parametrize(("quantity", "expected"), [("0.1", "ok"), ("0.0999", "min_notional")])
def test_small_orders_are_refused(quantity: str, expected: str) -> None:
    assert verdict(make_order(quantity=quantity), make_view(), min_notional=10.0) == expected


def test_a_small_position_may_be_sold_whole_but_not_in_part() -> None:
    view = make_view(positions={BTC: 0.05})
    assert verdict(make_order("sell", "0.05"), view, min_notional=10.0) == "ok"
    assert verdict(make_order("sell", "0.04"), view, min_notional=10.0) == "min_notional"


@pytest.mark.parametrize(("quantity", "expected"), [("5", "ok"), ("5.01", "order_notional")])
def test_one_order_is_limited(quantity: str, expected: str) -> None:
    assert verdict(make_order(quantity=quantity), make_view(), max_order_notional=500.0) == expected


@pytest.mark.parametrize(("quantity", "expected"), [("5", "ok"), ("5.01", "daily_notional")])
def test_one_day_is_limited(quantity: str, expected: str) -> None:
    view = make_view(bought_today=Decimal(300), sold_today=Decimal(200))
    assert verdict(make_order(quantity=quantity), view, max_daily_notional=1_000.0) == expected


@pytest.mark.parametrize(("quantity", "expected"), [("20.4", "ok"), ("20.5", "daily_turnover")])
def test_turnover_is_the_larger_of_buys_and_sells_over_value_with_slack(quantity: str, expected: str) -> None:
    view = make_view(bought_today=Decimal(3_060), sold_today=Decimal(4_000))
    assert verdict(make_order(quantity=quantity), view, max_daily_turnover=0.5) == expected


@pytest.mark.parametrize(("quantity", "expected"), [("10.6", "ok"), ("10.7", "position_weight")])
def test_weight_after_the_trade_is_limited_with_slack(quantity: str, expected: str) -> None:
    view = make_view(cash=8_000.0, positions={BTC: 20.0})
    assert verdict(make_order(quantity=quantity), view, max_position_weight=0.3) == expected


@pytest.mark.parametrize(("quantity", "expected"), [("97", "ok"), ("98.5", "cash_buffer")])
def test_buys_leave_the_buffer_and_their_costs(quantity: str, expected: str) -> None:
    limits = {"cash_buffer": 0.02, "cost_allowance_bps": 50.0}
    assert verdict(make_order(quantity=quantity), make_view(), **limits) == expected


def test_the_larger_of_expected_cost_and_allowance_counts() -> None:
    gate = PreTradeGate(replace(LOOSE, cost_allowance_bps=50.0))
    order = make_order(quantity="99")
    assert isinstance(gate.check(order, make_view()), ApprovedOrder)
    assert isinstance(gate.check(order, make_view(), cost_rate=Decimal("0.02")), RiskRefused)


def test_sells_that_reduce_risk_pass_the_limits_on_size() -> None:
    view = make_view(cash=0.0, positions={BTC: 100.0}, bought_today=Decimal(9_000), sold_today=Decimal(9_000))
    limits = {
        "max_order_notional": 1.0,
        "max_daily_notional": 1.0,
        "max_daily_turnover": 0.01,
        "max_position_weight": 0.01,
        "cash_buffer": 0.5,
    }
    assert verdict(make_order("sell", "50"), view, **limits) == "ok"
    assert verdict(make_order("buy", "50"), view, **limits) == "order_notional"


def test_positions_without_a_price_count_nothing() -> None:
    view = make_view(cash=100.0, positions={"GONE/USDT": 5.0})
    assert view.total_value() == 100


def test_an_approved_order_carries_the_worst_price_it_may_fill_at() -> None:
    view = make_view(positions={BTC: 1.0})
    limits = replace(LOOSE, price_collar_bps=500.0)
    assert approve(make_order(), view, limits).limit_price == 105
    assert approve(make_order("sell"), view, limits).limit_price == 95
    assert approve(make_order(), view, limits).approved_at == NOON


def test_only_the_gate_makes_an_approved_order() -> None:
    with pytest.raises(BrokerError, match=r"only PreTradeGate\.check"):
        ApprovedOrder(make_order(), Price(Decimal(1)), NOON)
    with pytest.raises(BrokerError, match=r"only PreTradeGate\.check"):
        ApprovedOrder(make_order(), Price(Decimal(1)), NOON, object())
    genuine = approve(make_order(), make_view())
    with pytest.raises(BrokerError, match=r"only PreTradeGate\.check"):
        replace(genuine, order=make_order(quantity="1000"))
    assert copy.copy(genuine) == genuine
    with pytest.raises(AttributeError):
        genuine.order = make_order()  # type: ignore[misc]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("price_collar_bps", -1.0),
        ("price_collar_bps", 10_000.0),
        ("min_notional", math.nan),
        ("max_order_notional", math.inf),
        ("cash_buffer", 1.5),
    ],
)
def test_limits_have_ranges(name: str, value: float) -> None:
    with pytest.raises(ParameterError, match=name):
        GateLimits(**{name: value})


def test_limits_follow_the_settings() -> None:
    settings = PortfolioSettings.of(
        {"max_position_size": 0.2, "cash_buffer": 0.03, "min_notional": 25.0, "max_daily_turnover": 0.4}
    )
    limits = GateLimits.from_settings(settings)
    assert limits == GateLimits(
        max_position_weight=0.2, cash_buffer=0.03, min_notional=25.0, max_daily_turnover=0.4
    )


def test_checking_changes_nothing() -> None:
    order, view = make_order(), make_view()
    gate = PreTradeGate(LOOSE)
    assert gate.check(order, view) == gate.check(order, view)
    assert view.holdings.held(BTC) == Quantity(Decimal(0))
