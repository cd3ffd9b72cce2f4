"""What answers prove: rejections are on a list, everything else is unknown."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from ccxt.base import errors as e

from poise.domain.orders import Order
from poise.execution.ccxt_answers import (
    Outcome,
    accepted_id,
    classify,
    executions,
    inside,
    is_absence,
    number,
    pause_seconds,
    scrub,
    step_of,
)
from poise.typing import Quantity, Side
from tests.execution_makers import NOON, make_order

REJECTED = [
    e.InsufficientFunds("binance Account has insufficient balance"),
    e.InvalidOrder("Filter failure: LOT_SIZE"),
    e.OrderImmediatelyFillable("would match"),
    e.BadRequest("Filter failure: NOTIONAL"),
    e.BadSymbol("no market"),
    e.AuthenticationError("401"),
    e.PermissionDenied("no trading"),
    e.RateLimitExceeded("429 timeout for a minute"),
    e.DDoSProtection("EAPI:Rate limit exceeded"),
    e.OnMaintenance("cancel_only mode"),
    e.InvalidNonce("-1021"),
    e.ExchangeError('kraken {"error":["EOrder:Cost minimum not met"]}'),
    e.ExchangeError('kraken {"error":["EAPI:Invalid signature"]}'),
]
UNKNOWN = [
    e.RequestTimeout("timed out"),
    e.ExchangeNotAvailable("503"),
    e.NetworkError("reset"),
    e.OperationFailed("-1001"),
    e.BadResponse("cut"),
    e.NullResponse("empty"),
    e.ExchangeError("binance POST https://api.binance.com/api/v3/order Response payload is not completed"),
    e.ExchangeError('kraken {"error":["EService:Timeout"]}'),
    e.ExchangeError('kraken {"error":["EService:Deadline elapsed"]}'),
    e.ExchangeError('bybit {"retCode":10000,"retMsg":"Server Timeout"}'),
    e.ExchangeError('bybit {"retCode":10016,"retMsg":"Internal server error."}'),
    e.ExchangeError('binance {"code":-1008,"msg":"Server is currently overloaded"}'),
    e.InvalidOrder('binance {"code":-2010,"msg":"Duplicate order sent."}'),
    e.InvalidOrder('okx {"sCode":"51016","sMsg":"Client order ID already exists."}'),
    e.DuplicateOrderId("seen before"),
    e.OrderNotFound("on create"),
    ValueError("a parser's own"),
    KeyError("result"),
]


@pytest.mark.parametrize("error", REJECTED, ids=repr)
def test_a_listed_refusal_is_a_rejection(error: Exception) -> None:
    assert classify(error) is Outcome.REJECTED


@pytest.mark.parametrize("error", UNKNOWN, ids=repr)
def test_everything_else_is_unknown(error: Exception) -> None:
    assert classify(error) is Outcome.UNKNOWN


def test_a_venue_that_asks_for_room_gets_it() -> None:
    assert pause_seconds(e.RateLimitExceeded("429")) == 60.0
    assert pause_seconds(e.AuthenticationError("key")) == float("inf")
    assert pause_seconds(e.InsufficientFunds("no")) == 0.0


def test_absence_has_two_spellings() -> None:
    assert is_absence(e.OrderNotFound("gone"))
    assert is_absence(e.InvalidOrder('kraken {"error":["EOrder:Unknown order"]}'))
    assert not is_absence(e.RequestTimeout("slow"))


@pytest.mark.parametrize(
    "answer",
    [
        None,
        "html",
        [],
        {},
        {"id": None, "status": None, "filled": 0.0},
        {"id": ""},
        {"id": "1", "symbol": "ETH/USDT"},
        {"id": "1", "side": "sell"},
        {"id": "1", "clientOrderId": "x-another"},
    ],
)
def test_an_answer_without_our_order_proves_nothing(answer: Any) -> None:
    assert accepted_id(answer, make_order()) is None


def test_an_answer_with_an_id_proves_acceptance() -> None:
    echoes = {"symbol": "BTC/USDT", "side": "buy", "clientOrderId": "p00000000000000001"}
    assert accepted_id({"id": "1"}, make_order()) == "1"
    assert accepted_id({"id": "1", **echoes}, make_order()) == "1"
    assert accepted_id({"id": "1", **dict.fromkeys(echoes)}, make_order()) == "1"


def test_words_come_without_secrets() -> None:
    error = e.ExchangeError(
        'binance GET https://api.binance.com/api/v3/order?symbol=X&signature=abc123 {"apiKey":"KEY1"} '
        "signature=deadbeef secret=s3cr3t KEY2"
    )
    words = scrub(error, ["KEY2"])
    for hidden in ("abc123", "KEY1", "KEY2", "deadbeef", "s3cr3t"):
        assert hidden not in words
    assert words.startswith("ExchangeError: binance GET https://api.binance.com/api/v3/order?***")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.1, "0.1"),
        (3, "3"),
        ("1.50", "1.5"),
        (1e-8, "1E-8"),
        (None, None),
        (True, None),
        ("abc", None),
        ("", None),
        (float("nan"), None),
        ("1e400", None),
        (float("inf"), None),
        ([], None),
    ],
)
def test_numbers_are_exact_or_none(value: Any, expected: str | None) -> None:
    assert number(value) == (None if expected is None else Decimal(expected))


@pytest.mark.parametrize(
    ("mode", "precision", "value", "step"),
    [
        (4, 0.001, "5", "0.001"),
        (2, 3, "5", "0.001"),
        (3, 4, "123.456", "0.1"),
        (4, None, "5", None),
        (4, 0.0, "5", None),
    ],
)
def test_steps_in_ccxts_three_ways(mode: int, precision: Any, value: str, step: str | None) -> None:
    market = {"precision": {"amount": precision}}
    assert step_of(market, "amount", Decimal(value), mode) == (None if step is None else Decimal(step))


@pytest.mark.parametrize(("side", "rounded"), [("buy", "1.0"), ("sell", "1.5")])
def test_a_limit_is_rounded_without_crossing_it(side: Side, rounded: str) -> None:
    assert inside(Decimal("1.26"), Decimal("0.5"), side) == Decimal(rounded)
    assert inside(Decimal("1.26"), None, side) == Decimal("1.26")


def fills(trades: list[dict[str, Any]], row: dict[str, Any] | None = None, order: Order | None = None) -> Any:
    return executions(
        order or make_order(),
        Quantity(Decimal(1)),
        trades=trades,
        row=row or {},
        taker=Decimal("0.001"),
        at=NOON,
    )


def trade(name: str, amount: float, price: float, **rest: Any) -> dict[str, Any]:
    return {"id": name, "amount": amount, "price": price, **rest}


def test_trades_that_add_up_become_fills_with_their_fees() -> None:
    got = fills(
        [
            trade("1", 0.5, 101.0, fee={"cost": 0.05, "currency": "USDT"}, timestamp=NOON.timestamp() * 1e3),
            trade("2", 0.25, 102.0, fee={"cost": 0.001, "currency": "BTC"}),
            trade("3", 0.25, 102.0, fee={"cost": 0.001, "currency": "BNB"}),
        ]
    )
    assert list(got) == ["1", "2", "3"]
    assert [f.fee for f in got.values()] == [Decimal("0.05"), Decimal("0.102"), Decimal("0.0255")]
    assert [f.slippage for f in got.values()] == [Decimal("0.5"), Decimal("0.5"), Decimal("0.5")]
    assert got["1"].at == NOON


@pytest.mark.parametrize(
    ("row", "price"),
    [
        ({"average": 101.5}, "101.5"),
        ({"cost": 103.0}, "103"),
        ({"price": 105.0}, "105"),
        ({}, "100"),
    ],
)
def test_trades_that_do_not_add_up_give_one_fill_at_the_average(row: dict[str, Any], price: str) -> None:
    got = fills([trade("1", 0.5, 101.0)], row)
    assert list(got) == ["all"]
    assert got["all"].quantity == 1
    assert got["all"].price == Decimal(price)
    assert got["all"].fee == Decimal(price) * Decimal("0.001")
