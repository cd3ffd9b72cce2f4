"""Slow twins of the cost model and the fill engine: one asset at a time, in plain Python."""

from __future__ import annotations

import math


def trade_cost(
    notional: float,
    *,
    spread_bps: float,
    daily_volatility: float,
    dollar_volume: float,
    fee_bps: float = 10.0,
    default_spread_bps: float = 10.0,
    impact_coefficient: float = 1.0,
) -> tuple[float, float, float]:
    """Return fee, half spread and impact in dollars (Boyd et al. 2017, section 2.3)."""
    size = abs(notional)
    spread = default_spread_bps if math.isnan(spread_bps) else spread_bps
    impact = 0.0
    if size > 0.0 and not math.isnan(daily_volatility) and not math.isnan(dollar_volume):
        impact = impact_coefficient * daily_volatility * size * math.sqrt(size / dollar_volume)
    return size * fee_bps / 1e4, size * spread / 2e4, impact
