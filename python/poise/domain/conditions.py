"""What a decision needs to know about the market and what it aims for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from poise.domain.weights import Weights
from poise.typing import Matrix, Vector


@dataclass(frozen=True)
class MarketConditions:
    """The market after one bar, as seen by cost model, triggers and planner.

    Attributes
    ----------
    as_of : datetime
        Close of the bar, UTC.
    symbols : tuple of str
    prices : ndarray of shape (n_assets,)
        Last close; NaN where an asset has no value at this bar (not tradable now).
    volatility : ndarray of shape (n_assets,)
        Of one bar, a fraction; NaN while warming.
    covariance : ndarray of shape (n_assets, n_assets)
        Of one bar; NaN rows and columns for assets that are still warming.
    spread_bps : ndarray of shape (n_assets,)
        Full spread; NaN when unknown.
    dollar_volume : ndarray of shape (n_assets,)
        A day's dollars; NaN when unknown.
    bars_per_day : float
        1 for daily bars, 24 for hourly.
    """

    as_of: datetime
    symbols: tuple[str, ...]
    prices: Vector
    volatility: Vector
    covariance: Matrix
    spread_bps: Vector
    dollar_volume: Vector
    bars_per_day: float = 1.0


@dataclass(frozen=True)
class TargetBook:
    """The weights to hold, and how they came about.

    Attributes
    ----------
    weights : Weights
    strategy : str
        Which optimization strategy wrote the base book, such as ``risk_parity+momentum_tilt``.
    exposure : float
        Invested fraction, 0 to 1.
    confidence : float
        0 to 1.
    reasons : tuple of str
        In words, with the numbers.
    fallbacks : tuple of str
        The steps of the fallback chain that were taken, each with its reason; empty when none was.
    max_purchases : float
        Most turnover of purchases within 24 hours that the state of the market allows, a fraction of total
        value; sales are not held back by it.
    """

    weights: Weights
    strategy: str
    exposure: float
    confidence: float
    reasons: tuple[str, ...] = ()
    fallbacks: tuple[str, ...] = ()
    max_purchases: float = 1.0

    def to_dict(self) -> dict[str, Any]:
        """Return the target as plain values."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}
