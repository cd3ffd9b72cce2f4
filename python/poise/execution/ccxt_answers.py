"""What a venue's answers prove and mean: accepted, rejected or nothing; lots, ticks, fills and fees.

ccxt's two families of errors are no safe split: a truncated response arrives as ``ExchangeError``, Kraken and
Bybit report time-outs that way too, and garbage with status 200 is no error at all. So a rejection must be on
the list below, and everything else is unknown until the venue is asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from poise.domain.assets import DOLLAR_STABLECOINS
from poise.domain.orders import Fill, Order
from poise.execution.amounts import fee_of, plain, price_of
from poise.typing import Money, Price, Quantity, Side


class Outcome(StrEnum):
    """What became of a submit, as far as its error tells."""

    REJECTED = "rejected"
    UNKNOWN = "unknown"


_MOST_DIGITS = 20
_TRANSIENT = frozenset({"DDoSProtection", "RateLimitExceeded", "OnMaintenance", "InvalidNonce"})
_FORBIDDEN = frozenset({"AuthenticationError", "ExchangeClosedByUser"})
_PROVED = frozenset(
    {
        "InsufficientFunds",
        "InvalidOrder",
        "BadRequest",
        "OperationRejected",
        "ArgumentsRequired",
        "NotSupported",
    }
)
# A duplicate id means that the first order landed: it is looked up, like everything unknown.
_UNPROVED = frozenset({"OrderNotFound", "OrderNotCached", "DuplicateOrderId"})
_DUPLICATE = re.compile(r"duplicate|\b(51016|170141|110072)\b", re.IGNORECASE)
_MAYBE = re.compile(
    r"time.?out|deadline|overload|internal|\b(50004|50026|170007|10000|10016)\b|-100[01678]\b", re.IGNORECASE
)
_REFUSAL = re.compile(r"EOrder:|EGeneral:Invalid|EAPI:Invalid|EAccount:|EFunding:", re.IGNORECASE)
_SECRET = re.compile(
    r"(?i)(signature|sign|api-?key|secret|passphrase|password|token)(\"?\s*[=:]\s*\"?)[^&\s\"',}]+"
)


def family(error: BaseException) -> frozenset[str]:
    """Return the names of the error's classes; ccxt itself need not be imported for them."""
    return frozenset(cls.__name__ for cls in type(error).__mro__)


def classify(error: BaseException) -> Outcome:
    """Return what `error` proves about an order that was being created."""
    names, text = family(error), str(error)
    if _DUPLICATE.search(text) or names & _UNPROVED:
        return Outcome.UNKNOWN
    if names & (_TRANSIENT | _FORBIDDEN):
        return Outcome.REJECTED
    if _MAYBE.search(text):
        return Outcome.UNKNOWN
    if names & _PROVED or ("ExchangeError" in names and _REFUSAL.search(text)):
        return Outcome.REJECTED
    return Outcome.UNKNOWN


def pause_seconds(error: BaseException) -> float:
    """Return how long to leave the venue alone: a minute when it asks for room, for good when it bars us."""
    names = family(error)
    if names & _FORBIDDEN:
        return float("inf")
    return 60.0 if names & _TRANSIENT else 0.0


def is_absence(error: BaseException) -> bool:
    """Return whether a look-up's error says that there is no such order."""
    return "OrderNotFound" in family(error) or "unknown order" in str(error).lower()


def accepted_id(answer: Any, order: Order) -> str | None:
    """Return the venue's id when `answer` proves that it took `order`, None when it proves nothing."""
    if not isinstance(answer, Mapping):
        return None
    venue_id = answer.get("id")
    echoed = {"symbol": order.symbol, "side": order.side, "clientOrderId": order.client_order_id}
    if not venue_id or any(answer.get(key) not in (None, meant) for key, meant in echoed.items()):
        return None
    return str(venue_id)


def scrub(error: BaseException, secrets: Iterable[str]) -> str:
    """Return the error in words, without keys, signatures and query strings."""
    text = str(error)
    for secret in secrets:
        text = text.replace(secret, "***")
    text = re.sub(r"(https?://[^\s?]+)\?\S+", r"\1?***", text)
    text = _SECRET.sub(r"\1\2***", text)
    return f"{type(error).__name__}: {text[:300]}"


def number(value: Any) -> Decimal | None:
    """Return a finite number of a size that money has, exactly; None for anything else a venue may say."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        exactly = Decimal(repr(value) if isinstance(value, float) else value)
    except InvalidOperation:
        return None
    usable = exactly.is_finite() and abs(exactly.adjusted()) <= _MOST_DIGITS
    return plain(exactly) if usable else None


def step_of(market: Mapping[str, Any], kind: str, value: Decimal, mode: int) -> Decimal | None:
    """Return the step of ``amount`` or ``price`` around `value`, None where the venue names none.

    ccxt's ``precisionMode``: 2 decimal places, 3 significant digits, 4 tick size.
    """
    precision = number((market.get("precision") or {}).get(kind))
    if precision is None or (mode == 4 and precision <= 0):
        return None
    if mode == 4:
        return precision
    places = int(precision) - (value.adjusted() + 1 if mode == 3 else 0)
    return Decimal(1).scaleb(-places)


def inside(price: Decimal, step: Decimal | None, side: Side) -> Decimal:
    """Round a limit to the tick without crossing it: a buy down, a sell up."""
    if step is None:
        return price
    rounding = ROUND_FLOOR if side == "buy" else ROUND_CEILING
    return plain((price / step).to_integral_value(rounding=rounding) * step)


def executions(
    order: Order,
    filled: Quantity,
    *,
    trades: Sequence[Mapping[str, Any]],
    row: Mapping[str, Any],
    taker: Decimal,
    at: datetime,
) -> dict[str, Fill]:
    """Return the order's fills by trade id: the venue's trades where they add up, else one at the average.

    A fee in another coin than dollars or the traded one, or none at all, is taken at the taker rate.
    """
    counted = [
        (str(trade["id"]), units, price, trade)
        for trade in trades
        if trade.get("id")
        and (units := number(trade.get("amount")))
        and (price := number(trade.get("price")))
    ]
    if sum((units for _, units, _, _ in counted), Decimal(0)) != filled:
        counted = [("all", Decimal(filled), _average(row, filled, order), row)]
    sign = 1 if order.side == "buy" else -1
    return {
        trade_id: Fill(
            client_order_id=order.client_order_id,
            symbol=order.symbol,
            side=order.side,
            quantity=Quantity(units),
            price=Price(price),
            fee=Money(_fee(trade, order.symbol, units, price, taker)),
            slippage=Money(sign * (price - order.reference_price) * units),
            at=_time(trade, at),
        )
        for trade_id, units, price, trade in counted
    }


def _average(row: Mapping[str, Any], filled: Decimal, order: Order) -> Decimal:
    average, cost = number(row.get("average")), number(row.get("cost"))
    if average:
        return average
    return price_of(float(cost / filled)) if cost else number(row.get("price")) or order.reference_price


def _fee(trade: Mapping[str, Any], symbol: str, units: Decimal, price: Decimal, taker: Decimal) -> Decimal:
    paid = trade.get("fee") or {}
    cost, coin = number(paid.get("cost")), paid.get("currency")
    base, _, quote = symbol.partition("/")
    if cost is not None and coin in DOLLAR_STABLECOINS | {"USD", quote}:
        return fee_of(cost)
    if cost is not None and coin == base:
        return fee_of(cost * price)
    return fee_of(units * price * taker)


def _time(trade: Mapping[str, Any], otherwise: datetime) -> datetime:
    stamp = number(trade.get("timestamp"))
    return otherwise if not stamp else datetime.fromtimestamp(float(stamp) / 1e3, tz=UTC)
