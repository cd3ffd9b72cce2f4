"""The book after one bar, as triggers and planner see it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from poise.domain.conditions import MarketConditions, TargetBook
from poise.domain.portfolio import Portfolio
from poise.domain.regime import RegimeState
from poise.errors import (
    InputError,
    NonFiniteError,
    ParameterError,
    ShapeError,
    UnknownSymbolError,
    did_you_mean,
)
from poise.typing import Vector

# Weights are sums of floats: this much above fully invested is rounding, not borrowing.
_SUM_SLACK = 1e-9
_ALIGNED = ("prices", "volatility", "spread_bps", "dollar_volume")


@dataclass(frozen=True, eq=False)
class BookSnapshot:
    """What is held, what is wanted and what the market does, at the close of one bar.

    Attributes
    ----------
    conditions : MarketConditions
    portfolio : Portfolio
        Cash and quantities; every held symbol is among ``conditions.symbols``.
    total_value : float
        Cash and positions, dollars. At or below 0 nothing is traded and `weights` may be NaN.
    weights : ndarray of shape (n_assets,)
        Risky weights held now, aligned to ``conditions.symbols``.
    target : TargetBook
        Long only, invested at most once.
    trend : ndarray of shape (n_assets,)
        Trend score of each asset, -1 to 1; NaN while warming.
    average_correlation : float
        Of the held universe; NaN with fewer than two assets or while warming.
    drawdown : float
        Of the book, a positive fraction; NaN when unknown.
    regime : RegimeState or None
        None while warming.
    book_return : float
        Simple return of the held book over the last bar, cash included; NaN at first.
    breaches : tuple of str
        Hard limits that are broken now (tail risk, position size, a stale price under a large position),
        in words; any of them makes the need critical.
    alpha : ndarray of shape (n_assets,) or None
        Expected return of each asset beyond the market's, a signed fraction per day; 0 where nobody expects
        any. None: benefits are told without expected returns.

    Raises
    ------
    ShapeError
        If `weights`, `trend`, `alpha` or an array of the conditions does not match the symbols.
    NonFiniteError
        If a weight, an alpha or the total value is NaN or infinite; the message names the symbol.
    ParameterError
        If the drawdown is negative.
    """

    conditions: MarketConditions
    portfolio: Portfolio
    total_value: float
    weights: Vector
    target: TargetBook
    trend: Vector
    average_correlation: float
    drawdown: float
    regime: RegimeState | None
    book_return: float = math.nan
    breaches: tuple[str, ...] = ()
    alpha: Vector | None = None

    def __post_init__(self) -> None:
        expected = (len(self.conditions.symbols),)
        named = {"weights": self.weights, "trend": self.trend}
        named |= {name: getattr(self.conditions, name) for name in _ALIGNED}
        if self.alpha is not None:
            named["alpha"] = self.alpha
        for name, values in named.items():
            if np.shape(values) != expected:
                raise ShapeError(
                    f"{name} has shape {np.shape(values)}, expected {expected}; align it to the symbols"
                )
        if np.shape(self.conditions.covariance) != expected * 2:
            shape = np.shape(self.conditions.covariance)
            raise ShapeError(
                f"covariance has shape {shape}, expected {expected * 2}; align it to the symbols"
            )
        if not math.isfinite(self.total_value):
            raise NonFiniteError(f"total_value is {self.total_value}; value the book at finite prices")
        if self.has_value and not np.isfinite(self.weights).all():
            at = int(np.argmin(np.isfinite(self.weights)))
            raise NonFiniteError(
                f"weight of {self.symbols[at]} is {self.weights[at]}; pass a finite fraction"
            )
        if self.alpha is not None and not np.isfinite(self.alpha).all():
            at = int(np.argmin(np.isfinite(self.alpha)))
            raise NonFiniteError(
                f"alpha of {self.symbols[at]} is {self.alpha[at]}; pass 0 where no return is expected"
            )
        if self.drawdown < 0.0:
            raise ParameterError(f"drawdown is {self.drawdown}; it is a positive fraction of the peak")

    def in_symbol_order(self) -> BookSnapshot:
        """Return the same book with its assets sorted, so that plans do not hang on how they were listed."""
        order = sorted(range(len(self.symbols)), key=self.symbols.__getitem__)
        if order == list(range(len(order))):
            return self
        given = self.conditions
        conditions = replace(
            given,
            symbols=tuple(given.symbols[i] for i in order),
            covariance=given.covariance[np.ix_(order, order)],
            **{name: getattr(given, name)[order] for name in _ALIGNED},
        )
        return replace(
            self,
            conditions=conditions,
            weights=self.weights[order],
            trend=self.trend[order],
            alpha=None if self.alpha is None else self.alpha[order],
        )

    @property
    def symbols(self) -> tuple[str, ...]:
        """The assets, in the order of every array."""
        return self.conditions.symbols

    @property
    def has_value(self) -> bool:
        """Whether weights are defined."""
        return self.total_value > 0.0

    @property
    def exposure(self) -> float:
        """Sum of absolute risky weights; 0 for a book without value."""
        return float(np.abs(self.weights).sum()) if self.has_value else 0.0

    @cached_property
    def tradable(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Which assets have a price at this bar."""
        return np.isfinite(self.conditions.prices)

    @cached_property
    def target_weights(self) -> Vector:
        """Target risky weights, aligned to the symbols.

        Raises
        ------
        UnknownSymbolError
            If the target holds an asset that the conditions do not know.
        InputError
            If a target weight is negative or their sum exceeds 1.
        """
        wanted = self.target.weights.risky
        found = np.array([wanted.get(symbol, 0.0) for symbol in self.symbols], dtype=np.float64)
        if len(wanted) != np.count_nonzero(found):
            known = set(self.symbols)
            for symbol, weight in wanted.items():
                if weight != 0.0 and symbol not in known:
                    raise UnknownSymbolError(
                        f"the target holds {symbol}, which has no conditions{did_you_mean(symbol, known)}"
                    )
        if found.size and found.min() < 0.0:
            at = int(found.argmin())
            raise InputError(f"target weight of {self.symbols[at]} is {found[at]:.6g}; targets are long only")
        if found.sum() > 1.0 + _SUM_SLACK:
            raise InputError(f"target weights sum to {found.sum():.6g} without cash; invest at most 1")
        return found
