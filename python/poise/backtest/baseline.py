"""The book to beat: equal weights of everything alive, put back in order once a month, at the same costs."""

from __future__ import annotations

import numpy as np

from poise.backtest.account import Account, Leg
from poise.domain.conditions import MarketConditions
from poise.domain.prices import Bar
from poise.typing import Vector

CASH_MARGIN = 0.002
"""Left as cash so that the buys of a monthly rebalance can pay their costs."""


class StaticBaseline:
    """Equal weights over the assets with a price, fully invested, rebalanced on the first bar of a month.

    The decision is taken at the close of that bar and filled at the next one, as the strategy's are.
    """

    def __init__(self, account: Account, symbols: tuple[str, ...]) -> None:
        self.account = account
        self._symbols = symbols
        self._month: np.datetime64 | None = None
        self._due = False

    def advance(self, bar: Bar, conditions: MarketConditions, prices: Vector) -> float:
        """Fill what was decided one bar ago, decide again if the month is new; return the value now.

        Parameters
        ----------
        bar : Bar
        conditions : MarketConditions
            Of the same bar.
        prices : ndarray of shape (n_assets,)
            Last known closes.
        """
        if self._due:
            self._rebalance(bar, conditions, prices)
        month = bar.opened.astype("datetime64[M]")
        self._due = month != self._month
        self._month = month
        return self.account.value(prices)

    def _rebalance(self, bar: Bar, conditions: MarketConditions, prices: Vector) -> None:
        alive = np.isfinite(bar.closes)
        if not alive.any():
            return
        value = self.account.value(prices)
        target = np.where(alive, (1.0 - CASH_MARGIN) * value / alive.sum(), 0.0)
        held = np.where(self.account.quantities > 0.0, self.account.quantities * prices, 0.0)
        change = np.where(alive, target - held, 0.0)
        order = np.argsort(change, kind="stable")
        self.account.execute(
            [
                Leg(
                    self._symbols[i],
                    "buy" if change[i] > 0.0 else "sell",
                    abs(float(change[i] / bar.closes[i])),
                )
                for i in order
                if change[i] != 0.0
            ],
            conditions,
            proposal_id="static",
        )
