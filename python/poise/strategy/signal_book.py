"""The signals of one bar, and everything they were made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from poise.domain.proposals import Signal
from poise.strategy.regime_rules import FACTORS
from poise.typing import Matrix, Vector


@dataclass(frozen=True, eq=False)
class SignalBook(Mapping[str, Signal]):
    """The signals of one bar, by symbol.

    A signal that was cut has score 0 and confidence 0, one that was damped the score that was left; their
    ``factors`` keep what was measured, the total under ``combined``.

    Attributes
    ----------
    symbols : tuple of str
    signals : mapping of str to Signal
    trend : ndarray of shape (n_assets,)
        Time-series momentum, -1 to 1; NaN without enough history.
    market_trend : float
        The same of the equal-weighted market.
    factors : ndarray of shape (n_assets, 4)
        Standardised factors, columns in the order of ``FACTORS``; NaN where there is no value.
    score : ndarray of shape (n_assets,)
        Combined score before damping and filters.
    damping, validation : ndarray of shape (n_assets,)
        What conflicts leave of the score, and how far market, peers and timeframes agree; 0 to 1.
    weights : ndarray of shape (4,)
        What each factor counted: the regime's table, adapted to the skill shown.
    alpha : ndarray of shape (n_assets,)
        Expected return over the holding period beyond the market's, a signed fraction: ``IC sigma z v``
        with the shrunk coefficient of the combined score; exactly 0 without skill shown.
    kept : ndarray of bool, shape (n_assets,)
        Which signals passed the filters.
    trust : ndarray of shape (4,)
        What false discovery control leaves of each factor, 0 to 1.
    doubts : mapping of str to str
        Why, by factor, for those that count less.
    """

    symbols: tuple[str, ...]
    signals: Mapping[str, Signal]
    trend: Vector
    market_trend: float
    factors: Matrix
    score: Vector
    damping: Vector
    validation: Vector
    weights: Vector
    alpha: Vector
    kept: np.ndarray[Any, np.dtype[np.bool_]]
    trust: Vector
    doubts: Mapping[str, str]

    def __getitem__(self, symbol: str) -> Signal:
        return self.signals[symbol]

    def __iter__(self) -> Iterator[str]:
        return iter(self.signals)

    def __len__(self) -> int:
        return len(self.signals)

    @property
    def scores(self) -> Matrix:
        """The factors and, last, the damped combined score; shape ``(n_assets, 5)``."""
        return np.column_stack([self.factors, self.score * self.damping])

    @property
    def kept_alpha(self) -> Vector:
        """The alpha of the signals that were kept, 0 for the others: what a trade may count on."""
        counted: Vector = np.where(self.kept, self.alpha, 0.0)
        return counted

    def factor(self, name: str) -> Vector:
        """Return one standardised factor, shape ``(n_assets,)``, NaN where there is no value."""
        column: Vector = self.factors[:, FACTORS.index(name)]
        return column
