"""What the strategy door and the asset manager answer with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from poise.domain.metrics import EnhancedPortfolioMetrics
from poise.domain.proposals import Signal
from poise.domain.regime import RegimeState
from poise.domain.risk import RiskAssessment
from poise.domain.weights import Weights


@dataclass(frozen=True)
class Recommendation:
    """What to do with one asset.

    Attributes
    ----------
    symbol : str
    side : {"buy", "sell", "hold"}
    size_usd : float
        Dollars to trade, positive.
    current_weight, target_weight : float
        Fractions of total value.
    reasons : tuple of str
        In words, with the numbers behind them.
    """

    symbol: str
    side: Literal["buy", "sell", "hold"]
    size_usd: float
    current_weight: float
    target_weight: float
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class StrategyAnalysis:
    """One look at the market and the book.

    Attributes
    ----------
    symbol : str or None
        The asset asked about; None for the whole book.
    metrics : EnhancedPortfolioMetrics
    risk : RiskAssessment
    regime : RegimeState
    signals : mapping of str to mapping of str to float
        Symbol to factor to score; the factor ``combined`` is the total.
    signal : Signal or None
        For `symbol`.
    target_weights : Weights
    recommendation : Recommendation or None
        For `symbol`.
    warnings : tuple of str
        Each begins with a stable word and a colon: ``short_history: ...``.
    as_of : datetime
        Close of the last bar used, UTC.
    source : str
        Where the prices came from.
    verdicts : mapping of str to Signal
        The signal of every asset as it is used, with the reason why it was kept or cut.
    current_weights : Weights
        What is held now, as fractions of total value.
    reasons : tuple of str
        Why the target is what it is: regimes, levers of the exposure, tilts held back, limits that bind,
        views.
    """

    symbol: str | None
    metrics: EnhancedPortfolioMetrics
    risk: RiskAssessment
    regime: RegimeState
    signals: Mapping[str, Mapping[str, float]]
    signal: Signal | None
    target_weights: Weights
    recommendation: Recommendation | None
    warnings: tuple[str, ...]
    as_of: datetime
    source: str = ""
    verdicts: Mapping[str, Signal] = field(default_factory=dict)
    current_weights: Weights = field(default_factory=lambda: Weights({}))
    reasons: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the analysis as plain values."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True)
class AllocatedAsset:
    """One line of an allocation.

    Attributes
    ----------
    symbol : str
    weight : float
        Fraction of the capital.
    capital_usd : float
    tier : int or None
        1 to 3; None when untiered.
    sector : str
    reason : str
    """

    symbol: str
    weight: float
    capital_usd: float
    tier: int | None
    sector: str
    reason: str


@dataclass(frozen=True)
class AssetAllocation:
    """How to spread capital over the universe.

    Attributes
    ----------
    assets : tuple of AllocatedAsset
        Largest first.
    cash_usd, cash_weight : float
        What stays uninvested.
    market_regime : str
        The regime it was made for.
    available_capital : float
    source : str
        Where the universe came from; says so when it is the embedded sample.
    warnings : tuple of str
    as_of : datetime
    """

    assets: tuple[AllocatedAsset, ...]
    cash_usd: float
    cash_weight: float
    market_regime: str
    available_capital: float
    source: str
    warnings: tuple[str, ...]
    as_of: datetime

    @property
    def weights(self) -> Weights:
        """The allocation as weights."""
        return Weights({asset.symbol: asset.weight for asset in self.assets})

    def to_dict(self) -> dict[str, Any]:
        """Return the allocation as plain values."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}
