"""The asset manager door: which assets there are, how good they are, how to spread capital over them."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from poise.config.portfolio import PortfolioSettings
from poise.decision import DecisionCycle, follow
from poise.domain.analysis import AllocatedAsset, AssetAllocation
from poise.domain.portfolio import Portfolio
from poise.errors import EmptyUniverseError, ParameterError, StateError, did_you_mean
from poise.market import PriceSource, SampleSource, to_daily
from poise.strategy import measure_intraday_trend
from poise.typing import REGIME_LABELS, RegimeLabel, Vector
from poise.universe import UniverseJudgement, judge_universe

__all__ = ["AssetConfig", "EnhancedAssetConfigManager"]


@dataclass(frozen=True)
class AssetConfig:
    """What the manager decided about one asset.

    Attributes
    ----------
    symbol, name, sector : str
    tier : int or None
        1 to 3; None when untiered or below tier 3.
    quality : float
        0 to 1; NaN where too little is known.
    enabled : bool
        Whether capital may go to it.
    declared : bool
        Whether the verdict rests on declared figures.
    reason : str
    """

    symbol: str
    name: str
    sector: str
    tier: int | None
    quality: float
    enabled: bool
    declared: bool
    reason: str


class EnhancedAssetConfigManager:
    """Discovers, scores and tiers assets, and allocates capital to them.

    Parameters
    ----------
    enable_dynamic_discovery : bool, default=False
        True: the universe is what the source lists and a tier admits (1 to 3 of the specification). False:
        every asset of the source with a price is taken, tiered or not.
    source : PriceSource, optional
        Where prices come from; the embedded sample when left out, and the answers say so.
    config : mapping or PortfolioSettings, optional
        The vocabulary of the other doors.

    Raises
    ------
    ConfigError
        Listing every violation, with the nearest known key.
    """

    def __init__(
        self,
        enable_dynamic_discovery: bool = False,
        *,
        source: PriceSource | None = None,
        config: Mapping[str, Any] | PortfolioSettings | None = None,
    ) -> None:
        self.enable_dynamic_discovery = enable_dynamic_discovery
        self.settings = PortfolioSettings.of(config)
        self._embedded = source is None
        self._source = SampleSource() if source is None else source
        self._assets: dict[str, AssetConfig] = {}
        self._judgement: UniverseJudgement | None = None
        self._cycle: DecisionCycle | None = None
        self._trend: Vector | None = None
        self._warnings: tuple[str, ...] = ()
        self._source_text = ""

    async def initialize(self) -> None:
        """Load the source, score and tier its assets; calling again refreshes them.

        Raises
        ------
        DataError
            If the source cannot be read.
        EmptyUniverseError
            If no asset is left; the message says which filter took the last.
        """
        await asyncio.to_thread(self.initialize_now)

    def initialize_now(self) -> None:
        """Do what :meth:`initialize` does, without an event loop."""
        data = self._source.load()
        panel = to_daily(data.panel)
        before = {symbol: asset.tier for symbol, asset in self._assets.items()}
        judgement = judge_universe(panel, previous=before)
        alive = set(panel.alive())
        assets = {}
        for observation in judgement.observations:
            symbol = observation.symbol
            profile = panel.assets.profile(symbol)
            assignment = judgement.assignments[symbol]
            admitted = symbol in alive and (assignment.tier is not None or not self.enable_dynamic_discovery)
            assets[symbol] = AssetConfig(
                symbol=symbol,
                name=profile.name,
                sector=profile.sector,
                tier=assignment.tier,
                quality=judgement.quality[symbol],
                enabled=admitted,
                declared=observation.declared,
                reason=assignment.reason,
            )
        enabled = [symbol for symbol, asset in assets.items() if asset.enabled]
        if not enabled:
            raise EmptyUniverseError(
                f"none of the {len(assets)} assets of {data.source} is admitted: "
                f"{next(iter(assets.values())).reason}; turn dynamic discovery off or widen the source"
            )
        found = [*data.report.warnings, *judgement.warnings]
        if self._embedded:
            found.insert(
                0, f"embedded_sample: no source configured; {data.source}; pass a source for your own"
            )
        self._cycle = follow(
            panel.select(enabled), settings=self.settings, tiers=judgement.tiers, quality=judgement.quality
        )
        self._trend = measure_intraday_trend(data.panel.select(enabled), until=panel.as_of)
        self._assets, self._judgement = assets, judgement
        self._warnings, self._source_text = tuple(found), data.source

    @property
    def assets(self) -> Mapping[str, AssetConfig]:
        """Every asset of the source with its tier, score and reason; empty before :meth:`initialize`."""
        return dict(self._assets)

    async def get_optimal_asset_allocation(
        self, available_capital: float, market_regime: str | None = None
    ) -> AssetAllocation:
        """Spread capital over the enabled assets.

        Parameters
        ----------
        available_capital : float
            Dollars, positive.
        market_regime : {"bull", "bear", "sideways", "high_volatility"}, optional
            The regime to allocate for; the detected one when left out.

        Returns
        -------
        AssetAllocation

        Raises
        ------
        ParameterError
            If the capital is not positive or the regime unknown.
        StateError
            Before :meth:`initialize`.
        """
        return await asyncio.to_thread(self.allocate_now, available_capital, market_regime)

    def allocate_now(self, available_capital: float, market_regime: str | None = None) -> AssetAllocation:
        """Do what :meth:`get_optimal_asset_allocation` does, without an event loop."""
        if not (math.isfinite(available_capital) and available_capital > 0.0):
            raise ParameterError(
                f"available_capital is {available_capital}, expected a positive number of dollars"
            )
        cycle = self._cycle
        if cycle is None or cycle.last_bar is None:
            raise StateError("the asset manager has no assets yet; await initialize() first")
        cycle.hold(Portfolio(cash=float(available_capital)))
        if market_regime is None:
            decision = cycle.decide(intraday_trend=self._trend)
            regime, target = decision.regime.label, decision.target
        else:
            regime = _regime(market_regime)
            target = cycle.target_under(regime, intraday_trend=self._trend)
        warnings = [*self._warnings, *(f"fallback: {step}" for step in target.fallbacks)]
        lines = []
        for symbol, weight in sorted(target.weights.risky.items(), key=lambda item: (-item[1], item[0])):
            capital = weight * available_capital
            if weight <= 0.0:
                continue
            if capital < self.settings.min_notional:
                warnings.append(
                    f"too_small: {symbol} would get ${capital:.2f}, left in cash; lower min_notional"
                )
                continue
            asset = self._assets[symbol]
            lines.append(
                AllocatedAsset(
                    symbol=symbol,
                    weight=weight,
                    capital_usd=capital,
                    tier=asset.tier,
                    sector=asset.sector,
                    reason=f"{weight:.1%} by {target.strategy}; {asset.reason}",
                )
            )
        invested = math.fsum(line.weight for line in lines)
        return AssetAllocation(
            assets=tuple(lines),
            cash_usd=available_capital * (1.0 - invested),
            cash_weight=1.0 - invested,
            market_regime=regime,
            available_capital=float(available_capital),
            source=self._source_text,
            warnings=tuple(dict.fromkeys(warnings)),
            as_of=cycle.last_bar.as_of,
        )


def _regime(label: str) -> RegimeLabel:
    for known in REGIME_LABELS:
        if label == known:
            return known
    raise ParameterError(
        f"market_regime is {label!r}, expected one of {', '.join(REGIME_LABELS)}"
        f"{did_you_mean(str(label), REGIME_LABELS)}"
    )
