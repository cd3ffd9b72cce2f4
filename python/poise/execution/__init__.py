"""Orders: the gate they pass, the journal they are written in, the brokers they go to."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from poise.execution.broker import Broker, WallClock
    from poise.execution.ccxt_broker import CcxtBroker
    from poise.execution.client import as_broker
    from poise.execution.executor import execute_proposal, execute_proposal_now
    from poise.execution.gate import AccountView, ApprovedOrder, PreTradeGate
    from poise.execution.holdings import Holdings
    from poise.execution.journal import Journal
    from poise.execution.limits import GateLimits
    from poise.execution.orders import client_order_id
    from poise.execution.paper import PaperBroker
    from poise.execution.prices import PriceBook

_HOMES = {
    "AccountView": "gate",
    "ApprovedOrder": "gate",
    "Broker": "broker",
    "CcxtBroker": "ccxt_broker",
    "GateLimits": "limits",
    "Holdings": "holdings",
    "Journal": "journal",
    "PaperBroker": "paper",
    "PreTradeGate": "gate",
    "PriceBook": "prices",
    "WallClock": "broker",
    "as_broker": "client",
    "client_order_id": "orders",
    "execute_proposal": "executor",
    "execute_proposal_now": "executor",
}

__all__ = [
    "AccountView",
    "ApprovedOrder",
    "Broker",
    "CcxtBroker",
    "GateLimits",
    "Holdings",
    "Journal",
    "PaperBroker",
    "PreTradeGate",
    "PriceBook",
    "WallClock",
    "as_broker",
    "client_order_id",
    "execute_proposal",
    "execute_proposal_now",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"poise.execution.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
