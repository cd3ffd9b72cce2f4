"""The book as the cycle follows it: what is held, what it is worth, how far below its peak it is."""

from __future__ import annotations

import math
from collections.abc import Mapping

from poise.domain.assets import DOLLAR_STABLECOINS
from poise.domain.portfolio import Portfolio
from poise.domain.weights import Weights
from poise.errors import UnknownSymbolError, did_you_mean


class Book:
    """Follows a portfolio through prices and fills.

    :attr:`index` is the value of one unit invested at the start, net of what was paid in or out: costs lower
    it, deposits do not raise it.
    """

    def __init__(self, symbols: tuple[str, ...], portfolio: Portfolio) -> None:
        self._symbols = frozenset(symbols)
        self.portfolio = self._checked(portfolio)
        self.index = 1.0
        self.peak = 1.0
        self.bar_return = math.nan
        self._value = math.nan

    def _checked(self, portfolio: Portfolio) -> Portfolio:
        """Count dollar stablecoins as cash and refuse positions outside the universe."""
        cash, positions = portfolio.cash, {}
        for symbol, quantity in portfolio.positions.items():
            if symbol in self._symbols:
                positions[symbol] = quantity
            elif symbol in DOLLAR_STABLECOINS:
                cash += quantity
            else:
                raise UnknownSymbolError(
                    f"the portfolio holds {symbol}, which has no prices"
                    f"{did_you_mean(symbol, self._symbols)}; add its prices or close the position"
                )
        return Portfolio(cash=cash, positions=positions)

    def mark(self, prices: Mapping[str, float]) -> None:
        """Value the book at the prices of a new bar."""
        value = self.portfolio.total_value(prices)
        known = math.isfinite(self._value) and self._value > 0.0
        self.bar_return = value / self._value - 1.0 if known else math.nan
        if known:
            self._move_index(value / self._value)
        self._value = value

    def hold(
        self,
        portfolio: Portfolio,
        prices: Mapping[str, float] | None,
        *,
        cash_flow: float | None = None,
    ) -> None:
        """Take over what is held after fills, deposits or withdrawals.

        Parameters
        ----------
        portfolio : Portfolio
        prices : mapping of str to float or None
            Of the present bar; None before the first one.
        cash_flow : float, optional
            Dollars paid in (positive) or out since the last call. What the value changed besides is
            performance (trading costs). When left out the whole change counts as paid in or out.
        """
        portfolio = self._checked(portfolio)
        if prices is not None:
            value = portfolio.total_value(prices)
            net = value - cash_flow if cash_flow is not None else self._value
            if math.isfinite(self._value) and self._value > 0.0 and net > 0.0:
                self._move_index(net / self._value)
            self._value = value
        self.portfolio = portfolio

    def _move_index(self, factor: float) -> None:
        self.index *= factor
        self.peak = max(self.peak, self.index)

    @property
    def drawdown(self) -> float:
        """How far the book is below its peak, a positive fraction."""
        return 1.0 - self.index / self.peak

    @property
    def has_value(self) -> bool:
        """Whether there is anything to weigh."""
        return math.isfinite(self._value) and self._value > 0.0

    @property
    def value(self) -> float:
        """Dollars at the last prices; 0 before the first bar."""
        return self._value if math.isfinite(self._value) else 0.0

    def weights(self, prices: Mapping[str, float]) -> Weights:
        """Return the fractions held; all cash when the book is worth nothing."""
        return self.portfolio.weights(prices) if self.has_value else Weights({})
