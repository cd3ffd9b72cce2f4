"""What is held: cash and quantities."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from poise.domain.weights import Weights
from poise.errors import InputError, NonFiniteError, UnknownSymbolError, ZeroValueError, did_you_mean

_KEYS = ("cash", "positions")


def _finite(name: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{name} is {value!r}, expected a number") from error
    if not math.isfinite(number):
        raise NonFiniteError(f"{name} is {number}; pass a finite number")
    return number


@dataclass(frozen=True)
class Portfolio:
    """Cash in dollars and quantities by symbol; an immutable snapshot.

    Parameters
    ----------
    cash : float
        Dollars; dollar stablecoins count as dollars.
    positions : mapping of str to float
        Units held by symbol. Zero quantities are dropped.

    Raises
    ------
    NonFiniteError
        If cash or a quantity is NaN or infinite.
    """

    cash: float = 0.0
    positions: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        held = {s: _finite(f"quantity of {s}", q) for s, q in self.positions.items()}
        object.__setattr__(self, "cash", _finite("cash", self.cash))
        object.__setattr__(self, "positions", MappingProxyType({s: q for s, q in held.items() if q != 0.0}))

    @classmethod
    def of(cls, source: Portfolio | Mapping[str, Any]) -> Portfolio:
        """Accept a portfolio or ``{'cash': .., 'positions': {symbol: quantity}}``."""
        if isinstance(source, Portfolio):
            return source
        if not isinstance(source, Mapping):
            raise InputError(f"portfolio is a {type(source).__name__}, expected a Portfolio or a mapping")
        for key in source:
            if key not in _KEYS:
                raise InputError(f"portfolio has the unknown key {key!r}{did_you_mean(str(key), _KEYS)}")
        positions = source.get("positions", {})
        if not isinstance(positions, Mapping):
            raise InputError("portfolio 'positions' must map symbol to quantity")
        return cls(cash=source.get("cash", 0.0), positions=positions)

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.cash, dict(self.positions)))

    def values(self, prices: Mapping[str, float]) -> dict[str, float]:
        """Return the dollar value of each position at `prices`.

        Raises
        ------
        UnknownSymbolError
            If a held symbol has no finite price.
        """
        result = {}
        for symbol, quantity in self.positions.items():
            price = prices.get(symbol, math.nan)
            if not math.isfinite(price):
                raise UnknownSymbolError(
                    f"no price for the held symbol {symbol}{did_you_mean(symbol, prices)}; "
                    "add it to the prices or close the position"
                )
            result[symbol] = quantity * price
        return result

    def total_value(self, prices: Mapping[str, float]) -> float:
        """Return cash plus positions at `prices`, in dollars."""
        return self.cash + math.fsum(self.values(prices).values())

    def weights(self, prices: Mapping[str, float]) -> Weights:
        """Return fractions of total value at `prices`.

        Raises
        ------
        ZeroValueError
            If the total value is not positive.
        """
        values = self.values(prices)
        total = self.cash + math.fsum(values.values())
        if not total > 0.0:
            raise ZeroValueError(f"the portfolio is worth {total:.2f} USD; weights need a positive value")
        return Weights({symbol: value / total for symbol, value in values.items()})
