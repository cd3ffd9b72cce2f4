"""What the last bars say about each asset: liquidity, size, age, stability, integrity."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from poise.domain.prices import DAY_SECONDS, PricePanel
from poise.risk import conditional_value_at_risk
from poise.typing import Times, Vector

LIQUIDITY_DAYS = 30
STABILITY_DAYS = 365
MIN_RETURNS = 20
OBSERVED_BARS = STABILITY_DAYS + 1
"""Rows that an observation looks at; of those before it only wants to know when an asset began."""


@dataclass(frozen=True)
class AssetObservation:
    """One asset at one time; NaN where nothing is known.

    Attributes
    ----------
    symbol : str
    dollar_volume_usd : float
        Median of the last 30 days; the declared figure where bars carry no volume.
    amihud : float
        Mean of absolute return per million dollars traded, 30 days (Amihud, 2002).
    spread_bps : float
    market_cap_usd : float
    age_days : float
        Days since the first bar.
    volatility_of_volatility : float
        Standard deviation of 20-day volatility over its mean.
    cvar_95 : float
        Of daily returns over the last year.
    variance_ratio_5 : float
        Five-day over five times one-day variance (Lo and MacKinlay, 1988).
    integrity : float
        1 less the shares of missing and of unchanged closes in the last 90 days.
    alive : bool
        Whether it has a close in the last bar.
    declared : bool
        Whether size, volume or spread is a declared figure and not a measurement.
    """

    symbol: str
    dollar_volume_usd: float
    amihud: float
    spread_bps: float
    market_cap_usd: float
    age_days: float
    volatility_of_volatility: float
    cvar_95: float
    variance_ratio_5: float
    integrity: float
    alive: bool
    declared: bool


def observe_assets(panel: PricePanel, *, listed: Times | None = None) -> tuple[AssetObservation, ...]:
    """Observe every asset of `panel` at its last bar; nothing later is known.

    Parameters
    ----------
    panel : PricePanel
        Daily bars.
    listed : ndarray of datetime64, shape (n_assets,), optional
        When the first bar with a close opened, NaT without one, where `panel` is only the end of a longer
        history: its last :data:`OBSERVED_BARS` rows say the rest.

    Returns
    -------
    tuple of AssetObservation
        In the order of the panel's symbols.
    """
    since = first_closes(panel) if listed is None else listed
    return tuple(_observe(panel, i, since[i]) for i in range(panel.n_assets))


def first_closes(panel: PricePanel) -> Times:
    """Return when the first bar with a close of each asset opened, NaT without one, shape ``(n_assets,)``."""
    known = np.isfinite(panel.closes)
    first = panel.opened[known.argmax(axis=0)]
    return np.where(known.any(axis=0), first, np.datetime64("NaT", "ns"))


def _observe(panel: PricePanel, i: int, listed: np.datetime64) -> AssetObservation:
    symbol = panel.symbols[i]
    profile = panel.assets.profile(symbol)
    closes = panel.closes[:, i]
    known = np.flatnonzero(np.isfinite(closes))
    first = panel.n_observations if np.isnat(listed) else int(np.searchsorted(panel.opened, listed))
    returns = closes[1:] / closes[:-1] - 1.0
    volume, volume_declared = _volume(panel, i, profile.dollar_volume_usd)
    cap, cap_declared = _market_cap(panel, i, profile.market_cap_usd)
    spread = math.nan if profile.spread_bps is None else profile.spread_bps
    age = (
        math.nan
        if np.isnat(listed)
        else float((panel.closed[-1] - listed).astype("timedelta64[s]").astype(np.int64)) / DAY_SECONDS
    )
    recent = returns[-STABILITY_DAYS:]
    recent = recent[np.isfinite(recent)]
    return AssetObservation(
        symbol=symbol,
        dollar_volume_usd=volume,
        amihud=_amihud(panel, i, returns),
        spread_bps=spread,
        market_cap_usd=cap,
        age_days=age,
        volatility_of_volatility=_volatility_of_volatility(recent),
        cvar_95=float(conditional_value_at_risk(recent)) if len(recent) >= MIN_RETURNS else math.nan,
        variance_ratio_5=_variance_ratio(recent, 5),
        integrity=_integrity(closes[first:][-90:]),
        alive=bool(len(known)) and int(known[-1]) == panel.n_observations - 1,
        declared=profile.declared and (volume_declared or cap_declared or math.isfinite(spread)),
    )


def _volume(panel: PricePanel, i: int, declared: float | None) -> tuple[float, bool]:
    if panel.dollar_volumes is not None:
        recent = panel.dollar_volumes[-LIQUIDITY_DAYS:, i]
        recent = recent[np.isfinite(recent)]
        if len(recent):
            return float(np.median(recent)), False
    return (math.nan, False) if declared is None else (float(declared), True)


def _market_cap(panel: PricePanel, i: int, declared: float | None) -> tuple[float, bool]:
    if panel.market_caps is not None:
        recent = panel.market_caps[-LIQUIDITY_DAYS:, i]
        recent = recent[np.isfinite(recent)]
        if len(recent):
            return float(recent[-1]), False
    return (math.nan, False) if declared is None else (float(declared), True)


def _amihud(panel: PricePanel, i: int, returns: Vector) -> float:
    if panel.dollar_volumes is None:
        return math.nan
    volume = panel.dollar_volumes[1:, i][-LIQUIDITY_DAYS:]
    recent = np.abs(returns[-LIQUIDITY_DAYS:])
    usable = np.isfinite(recent) & np.isfinite(volume) & (volume > 0.0)
    return float(np.mean(recent[usable] / volume[usable]) * 1e6) if usable.any() else math.nan


def _volatility_of_volatility(returns: Vector) -> float:
    if len(returns) < 3 * MIN_RETURNS:
        return math.nan
    blocks = returns[len(returns) % MIN_RETURNS :].reshape(-1, MIN_RETURNS)
    volatility = blocks.std(axis=1)
    mean = float(volatility.mean())
    return float(volatility.std() / mean) if mean > 0.0 else math.nan


def _variance_ratio(returns: Vector, horizon: int) -> float:
    if len(returns) < 3 * MIN_RETURNS:
        return math.nan
    logs = np.log1p(np.maximum(returns, -0.999))
    centred = logs - logs.mean()
    single = float(np.mean(centred**2))
    sums = np.convolve(centred, np.ones(horizon), mode="valid")
    return float(np.mean(sums**2) / (horizon * single)) if single > 0.0 else math.nan


def _integrity(closes: Vector) -> float:
    if len(closes) < 2:
        return math.nan
    missing = ~np.isfinite(closes)
    stale = np.diff(closes) == 0.0
    return float(1.0 - missing.mean() - stale.mean())
