"""Portfolio weights that always sum to one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from poise.errors import InputError, NonFiniteError

CASH = "cash"
"""The key under which a :class:`Weights` holds what is not invested."""

CASH_ROUNDING = 1e-12
"""A remainder of this size is no cash: fully invested books show exactly zero."""

_SUM_TOLERANCE = 1e-9


class Weights(Mapping[str, float]):
    """Immutable mapping from symbol to fraction of total value; cash under ``"cash"``, the sum is 1.

    Parameters
    ----------
    risky : mapping of str to float
        Fractions by symbol, without cash. Finite. A ``"cash"`` entry is allowed and must then close
        the sum to 1 within 1e-9.

    Raises
    ------
    NonFiniteError
        If a fraction is NaN or infinite.
    InputError
        If the fractions with the given cash do not sum to 1.

    Examples
    --------
    >>> w = Weights({"BTC/USDT": 0.4, "ETH/USDT": 0.25})
    >>> round(w.cash, 2)
    0.35
    """

    __slots__ = ("_fractions",)
    _fractions: dict[str, float]

    def __init__(self, risky: Mapping[str, float]) -> None:
        fractions = {symbol: float(value) for symbol, value in risky.items() if symbol != CASH}
        for symbol, value in fractions.items():
            if not math.isfinite(value):
                raise NonFiniteError(f"weight of {symbol} is {value}; pass a finite fraction")
        remainder = 1.0 - math.fsum(fractions.values())
        stated = risky.get(CASH)
        if stated is not None and not abs(float(stated) - remainder) <= _SUM_TOLERANCE:
            raise InputError(
                f"weights sum to {1.0 - remainder + float(stated):.12g} with cash, not 1; adjust '{CASH}'"
            )
        fractions[CASH] = 0.0 if abs(remainder) < CASH_ROUNDING else remainder
        self._fractions = fractions

    def __getitem__(self, symbol: str) -> float:
        return self._fractions[symbol]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fractions)

    def __len__(self) -> int:
        return len(self._fractions)

    def __hash__(self) -> int:
        return hash(frozenset(self._fractions.items()))

    def __repr__(self) -> str:
        inner = ", ".join(f"{symbol!r}: {value:.4f}" for symbol, value in self._fractions.items())
        return f"Weights({{{inner}}})"

    @property
    def cash(self) -> float:
        """The fraction not invested."""
        return self._fractions[CASH]

    @property
    def risky(self) -> dict[str, float]:
        """The invested fractions by symbol, without cash (a copy)."""
        return {symbol: value for symbol, value in self._fractions.items() if symbol != CASH}

    @property
    def exposure(self) -> float:
        """The sum of absolute risky fractions."""
        return math.fsum(abs(value) for value in self.risky.values())

    def turnover_to(self, other: Mapping[str, float]) -> float:
        """Half the sum of absolute changes, cash counted as an asset."""
        symbols = self._fractions.keys() | other.keys()
        return 0.5 * math.fsum(abs(other.get(s, 0.0) - self._fractions.get(s, 0.0)) for s in symbols)
