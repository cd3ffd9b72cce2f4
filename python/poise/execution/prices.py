"""Last prices with the time each became known."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np

from poise.domain.prices import Bar, PricePanel, as_datetime
from poise.errors import InputError


class PriceBook(Mapping[str, float]):
    """Immutable mapping from symbol to last price, with times; symbols without a usable price are left out.

    Parameters
    ----------
    prices : mapping of str to float
        Dollars per unit. What is not finite and positive is no price.
    at : mapping of str to datetime, optional
        When each price became known, UTC; a symbol without a time counts as known now.
    """

    def __init__(self, prices: Mapping[str, float], at: Mapping[str, datetime] | None = None) -> None:
        usable = {s: float(p) for s, p in prices.items() if math.isfinite(p) and p > 0.0}
        self._prices: dict[str, float] = usable
        self._at = {s: moment for s, moment in (at or {}).items() if s in usable}

    def __getitem__(self, symbol: str) -> float:
        return self._prices[symbol]

    def __iter__(self) -> Iterator[str]:
        return iter(self._prices)

    def __len__(self) -> int:
        return len(self._prices)

    def known_at(self, symbol: str) -> datetime | None:
        """Return when the price became known, None when it counts as known now."""
        return self._at.get(symbol)

    @property
    def newest(self) -> datetime | None:
        """The latest of all times, None when there are none."""
        return max(self._at.values(), default=None)


@runtime_checkable
class BarSource(Protocol):
    """Anything that knows last prices; an ``as_of`` beside them dates them all."""

    def last_prices(self) -> Mapping[str, float]:
        """Return the last price of each symbol."""
        ...


PriceSource: TypeAlias = (
    Mapping[str, float] | PricePanel | Bar | BarSource | Callable[[], "Mapping[str, float] | BarSource"]
)
"""A mapping, a panel, a bar, something with ``last_prices()``, or a function returning one of them."""


def read_prices(source: Any) -> PriceBook:
    """Return the last prices of `source`.

    A panel dates each symbol by its own last close, so a delisted asset is as old as it is.

    Raises
    ------
    InputError
        If the source is none of :data:`PriceSource`.
    """
    match source:
        case PriceBook():
            return source
        case PricePanel():
            return _of_panel(source)
        case Bar():
            return PriceBook(source.prices(), dict.fromkeys(source.symbols, source.as_of))
        case BarSource():
            last = source.last_prices()
            as_of = getattr(source, "as_of", None)
            return PriceBook(last, dict.fromkeys(last, as_of) if isinstance(as_of, datetime) else None)
        case Mapping():
            return PriceBook(source)
        case _ if callable(source):
            return read_prices(source())
        case _:
            raise InputError(
                f"prices are a {type(source).__name__}; pass a mapping of symbol to last price, a PricePanel "
                "or an object with last_prices()"
            )


def _of_panel(panel: PricePanel) -> PriceBook:
    last = panel.last_prices()
    known = np.isfinite(panel.closes)
    rows = panel.n_observations - 1 - np.argmax(known[::-1], axis=0)
    closed = panel.closed
    at = {s: as_datetime(closed[rows[panel.column(s)]]) for s in last}
    return PriceBook(last, at)
