"""What is known of the assets besides their prices: spreads, sizes, volumes, sectors."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from poise.decision.pro_forma import market_weights
from poise.domain.assets import AssetTable
from poise.domain.prices import Bar
from poise.typing import Vector

VOLUME_DAYS = 30


class AssetFacts:
    """Declared figures of the asset table, replaced by measured ones as bars bring them.

    Attributes
    ----------
    spreads_bps : ndarray of shape (n_assets,)
        NaN when unknown.
    sectors : dict of str to str
        Of the assets in the table.
    cash_like : ndarray of bool, shape (n_assets,)
        A coin that is a dollar is cash: risk parity would fill up on it.
    """

    def __init__(self, symbols: tuple[str, ...], assets: AssetTable, bars_per_day: float) -> None:
        self._symbols = symbols
        self._bars_per_day = bars_per_day
        self._volumes: deque[Vector] = deque(maxlen=max(1, round(VOLUME_DAYS * bars_per_day)))
        self._measured_caps = np.full(len(symbols), math.nan)
        self.declare(assets)

    def declare(self, assets: AssetTable) -> None:
        """Take the figures of an asset table in place of those of the last one; what was measured stays."""
        profiles = [assets.profile(s) for s in self._symbols]
        self._declared_volumes = _known(p.dollar_volume_usd for p in profiles)
        self._declared_caps = _known(p.market_cap_usd for p in profiles)
        self._market_weights: Vector | None = None
        self.spreads_bps = _known(p.spread_bps for p in profiles)
        self.sectors = {p.symbol: p.sector for p in profiles if p.symbol in assets}
        self.cash_like: npt.NDArray[np.bool_] = np.array([p.kind == "stablecoin" for p in profiles])

    def observe(self, bar: Bar) -> None:
        """Take in what a completed bar says of volumes and market caps."""
        if bar.dollar_volumes is not None:
            self._volumes.append(bar.dollar_volumes.copy())
        if bar.market_caps is not None:
            known = np.isfinite(bar.market_caps)
            self._measured_caps[known] = bar.market_caps[known]
            self._market_weights = None

    def dollar_volume(self) -> Vector:
        """Return a day's dollars: the median of the last 30 days, the declared figure without them."""
        if not self._volumes:
            return self._declared_volumes
        recent = np.array(self._volumes)
        finite = np.isfinite(recent)
        if finite.all():
            return np.median(recent, axis=0) * self._bars_per_day
        known = finite.any(axis=0)
        median = np.full(recent.shape[1], math.nan)
        median[known] = np.nanmedian(recent[:, known], axis=0) * self._bars_per_day
        return np.where(known, median, self._declared_volumes)

    def market_caps(self) -> Vector:
        """Return the last known market caps; NaN when unknown."""
        return np.where(np.isfinite(self._measured_caps), self._measured_caps, self._declared_caps)

    @property
    def market_weights(self) -> Vector:
        """How much each asset counts in the market."""
        if self._market_weights is None:
            self._market_weights = market_weights(self.market_caps())
        return self._market_weights


def _known(values: Iterable[float | None]) -> Vector:
    return np.array([math.nan if value is None else value for value in values], dtype=np.float64)
