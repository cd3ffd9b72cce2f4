"""The book as the cycle follows it: what is held, what it is worth, how far below its peak it is."""

from __future__ import annotations

import math

import numpy as np

from poise.domain.assets import DOLLAR_STABLECOINS
from poise.domain.portfolio import Portfolio
from poise.domain.weights import Weights
from poise.errors import UnknownSymbolError, did_you_mean
from poise.typing import Vector


class Book:
    """Follows a portfolio through prices and fills.

    Prices come as one last known close per symbol, NaN where there never was one.

    Attributes
    ----------
    index : float
        The value of one unit invested at the start, net of what was paid in or out: costs lower it, deposits
        do not raise it.
    has_value : bool
        Whether there is anything to weigh.
    """

    def __init__(self, symbols: tuple[str, ...], portfolio: Portfolio) -> None:
        self._column = {symbol: i for i, symbol in enumerate(symbols)}
        self._take(portfolio)
        self.index = 1.0
        self.peak = 1.0
        self.max_drawdown = 0.0
        self.bar_return = math.nan
        self._set_value(math.nan)

    def _take(self, portfolio: Portfolio) -> None:
        checked = self._checked(portfolio)
        columns = [self._column[symbol] for symbol in checked.positions]
        self.portfolio = checked
        self._held = np.array(columns, dtype=np.intp)
        # Every symbol, in order: prices need not be picked out.
        self._holds_all = columns == list(range(len(self._column)))
        self._quantities = np.array([checked.positions[s] for s in checked.positions], dtype=np.float64)

    def _checked(self, portfolio: Portfolio) -> Portfolio:
        """Count dollar stablecoins as cash and refuse positions outside the universe."""
        cash, positions = portfolio.cash, {}
        for symbol, quantity in portfolio.positions.items():
            if symbol in self._column:
                positions[symbol] = quantity
            elif symbol in DOLLAR_STABLECOINS:
                cash += quantity
            else:
                raise UnknownSymbolError(
                    f"the portfolio holds {symbol}, which has no prices"
                    f"{did_you_mean(symbol, self._column)}; add its prices or close the position"
                )
        return Portfolio(cash=cash, positions=positions)

    def _of(self, prices: Vector) -> Vector:
        """Return the prices of what is held."""
        return prices if self._holds_all else prices[self._held]

    def _worth(self, prices: Vector) -> float:
        value = self.portfolio.cash + float(self._quantities.dot(self._of(prices)))
        if math.isfinite(value):
            return value
        symbol = next(
            (s for s in self.portfolio.positions if not math.isfinite(prices[self._column[s]])),
            next(iter(self.portfolio.positions)),
        )
        raise UnknownSymbolError(
            f"no price for the held symbol {symbol}; add it to the prices or close the position"
        )

    def mark(self, prices: Vector) -> None:
        """Value the book at the prices of a new bar."""
        value = self._worth(prices)
        if self.has_value:
            growth = value / self._value
            self.bar_return = growth - 1.0
            self._move_index(growth)
        else:
            self.bar_return = math.nan
        self._set_value(value)

    def hold(
        self,
        portfolio: Portfolio,
        prices: Vector | None,
        *,
        cash_flow: float | None = None,
    ) -> None:
        """Take over what is held after fills, deposits or withdrawals.

        Parameters
        ----------
        portfolio : Portfolio
        prices : ndarray of shape (n_assets,) or None
            Of the present bar; None before the first one.
        cash_flow : float, optional
            Dollars paid in (positive) or out since the last call. What the value changed besides is
            performance (trading costs). When left out the whole change counts as paid in or out.

        Raises
        ------
        UnknownSymbolError
            If it holds a symbol without prices; nothing is changed then.
        """
        before = self.portfolio
        self._take(portfolio)
        if prices is None:
            return
        try:
            value = self._worth(prices)
        except UnknownSymbolError:
            self._take(before)
            raise
        net = value - cash_flow if cash_flow is not None else self._value
        if self.has_value and net > 0.0:
            self._move_index(net / self._value)
        self._set_value(value)

    def _set_value(self, value: float) -> None:
        self._value = value
        self.has_value = math.isfinite(value) and value > 0.0

    def _move_index(self, factor: float) -> None:
        self.index *= factor
        if self.index >= self.peak:
            self.peak = self.index
        else:
            self.max_drawdown = max(self.max_drawdown, self.drawdown)

    @property
    def drawdown(self) -> float:
        """How far the book is below its peak, a positive fraction."""
        return 1.0 - self.index / self.peak

    @property
    def is_invested(self) -> bool:
        """Whether it has a value and more than cash in it."""
        return len(self._held) > 0 and self.has_value

    @property
    def value(self) -> float:
        """Dollars at the last prices; 0 before the first bar."""
        return self._value if math.isfinite(self._value) else 0.0

    def fractions(self, prices: Vector) -> Vector:
        """Return the risky fractions held, one per symbol; zero when the book is worth nothing."""
        if self.has_value and self._holds_all:
            everything: Vector = self._quantities * prices / self._value
            return everything
        fractions = np.zeros(len(self._column))
        if self.has_value:
            fractions[self._held] = self._quantities * prices[self._held] / self._value
        return fractions

    def weights(self, prices: Vector) -> Weights:
        """Return the fractions held; all cash when the book is worth nothing."""
        if not self.has_value:
            return Weights({})
        values = (self._quantities * self._of(prices)).tolist()
        total = self.portfolio.cash + math.fsum(values)
        return Weights({s: v / total for s, v in zip(self.portfolio.positions, values, strict=True)})
