"""How a client becomes a broker."""

from __future__ import annotations

import inspect
from typing import Any, cast

from poise.errors import BrokerError
from poise.execution.broker import Broker

_BROKER_METHODS = ("submit", "fills_of", "holdings", "portfolio", "prices", "settle", "untradable", "to_lot")


def as_broker(client: Any) -> Broker:
    """Return `client` as a broker.

    Parameters
    ----------
    client : Broker or ccxt exchange
        A poise broker is returned as it is; an asynchronous ccxt exchange becomes a
        :class:`~poise.execution.ccxt_broker.CcxtBroker` with default settings.

    Raises
    ------
    BrokerError
        If it is a synchronous ccxt exchange or no broker at all. Nothing was sent.
    """
    if all(callable(getattr(client, name, None)) for name in _BROKER_METHODS):
        return cast("Broker", client)
    methods = [getattr(client, name, None) for name in ("create_order", "fetch_balance")]
    if all(inspect.iscoroutinefunction(method) for method in methods):
        from poise.execution.ccxt_broker import CcxtBroker

        return CcxtBroker(client)
    kind = type(client).__name__
    if all(callable(method) for method in methods):
        raise BrokerError(
            f"{kind} is a synchronous ccxt exchange; nothing was sent. Make it from ccxt.async_support: "
            f"`import ccxt.async_support as ccxt; ccxt.{kind}(...)`"
        )
    raise BrokerError(
        f"{kind} is no exchange client; nothing was sent. Pass a PaperBroker, a CcxtBroker or an exchange "
        "from ccxt.async_support"
    )
