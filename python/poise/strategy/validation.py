"""Cross-asset validation: how far the rest of the market agrees with an asset's signal."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from poise.typing import Matrix, Vector

SIGNIFICANT = 0.25
"""Below this a score, a trend or a breadth has no direction."""

BASE, MARKET_WEIGHT, PEER_WEIGHT, TIMEFRAME_WEIGHT = 0.5, 0.25, 0.15, 0.10

CONFIRMING_CORRELATION = 0.3
"""Twice the standard error of a correlation estimated on 182 effective bars is 0.15; a pair of less than
twice that has nothing to say about each other."""


def validate(
    scores: Vector,
    trend: Vector,
    market_trend: float,
    sectors: Mapping[str, str] | None,
    symbols: tuple[str, ...],
    *,
    correlation: Matrix | None = None,
    intraday_trend: Vector | None = None,
) -> Vector:
    """Return how far others confirm each score, 0 to 1.

    ``v = 0.5 + 0.25 agree(market) + 0.15 agree(peers) + 0.10 agree(4h, 1d)``, clipped to [0, 1].

    Agreement is 1 when both directions are the same, -1 when they oppose, 0 when either has none (0.25 or
    less in size).

    * The market's direction is that of its trend.
    * An asset has two kinds of peers, the others of its sector and those that it is correlated with. The
      direction of a sector is that of its breadth, the share of the *other* assets in it that trend up less
      the share that trends down. The direction of correlated assets is that of

      ``c_i = sum_j rho_ij sign(T_j) / sum_j |rho_ij|`` over ``j != i`` with ``|rho_ij| >= 0.3``,

      so an asset that moves against this one confirms it by trending the other way. Where both kinds are
      there, their agreements are averaged; where one is missing, the other speaks alone.
    * Agreement between timeframes is that of the trend of four-hour bars with the daily one; without
      intraday bars that tenth is neutral.

    Parameters
    ----------
    scores : ndarray of shape (n_assets,)
        Combined scores.
    trend : ndarray of shape (n_assets,)
        -1 to 1; NaN where unknown.
    market_trend : float
        -1 to 1; NaN while unknown.
    sectors : mapping of str to str or None
        Sector by symbol; assets without one, or alone in theirs, get no sector opinion.
    symbols : tuple of str
    correlation : ndarray of shape (n_assets, n_assets), optional
        NaN where a pair is unknown.
    intraday_trend : ndarray of shape (n_assets,), optional
        Trend of four-hour bars, -1 to 1; NaN where unknown.

    Returns
    -------
    ndarray of shape (n_assets,)
    """
    direction = _sign(scores)
    # The trend is half of a mean z-score clipped to +-2.
    market = float(_sign(np.array([2.0 * market_trend]))[0])
    v = BASE + MARKET_WEIGHT * direction * market
    v += PEER_WEIGHT * direction * _peers(trend, sectors, symbols, correlation)
    if intraday_trend is not None:
        v += TIMEFRAME_WEIGHT * _sign(2.0 * intraday_trend) * _sign(2.0 * trend)
    confidence: Vector = np.clip(v, 0.0, 1.0)
    return confidence


def _peers(
    trend: Vector, sectors: Mapping[str, str] | None, symbols: tuple[str, ...], correlation: Matrix | None
) -> Vector:
    """Return the mean direction of the kinds of peers an asset has; 0 where it has none."""
    opinions = [_sector_breadth(trend, sectors, symbols)]
    if correlation is not None:
        opinions.append(correlated_breadth(trend, correlation))
    asked = np.sum([np.isfinite(opinion) for opinion in opinions], axis=0)
    total = np.sum([_sign(opinion) for opinion in opinions], axis=0)
    mean: Vector = total / np.maximum(asked, 1)
    return mean


def correlated_breadth(trend: Vector, correlation: Matrix) -> Vector:
    """Return the correlation-weighted breadth of the others, -1 to 1.

    NaN for an asset without a peer of known trend correlated by at least 0.3 in size.
    """
    known = np.isfinite(trend)
    weights = np.where(np.isfinite(correlation), correlation, 0.0)
    weights = np.where(np.abs(weights) >= CONFIRMING_CORRELATION, weights, 0.0) * known
    np.fill_diagonal(weights, 0.0)
    size = np.abs(weights).sum(axis=1)
    breadth: Vector = np.full(len(trend), np.nan)
    np.divide(weights @ np.sign(np.where(known, trend, 0.0)), size, out=breadth, where=size > 0.0)
    return breadth


def _sector_breadth(trend: Vector, sectors: Mapping[str, str] | None, symbols: tuple[str, ...]) -> Vector:
    """Return the breadth of the others in each asset's sector; NaN where there are none."""
    breadth = np.full(len(symbols), np.nan)
    groups: dict[str, list[int]] = {}
    for i, symbol in enumerate(symbols):
        if sectors and symbol in sectors and np.isfinite(trend[i]):
            groups.setdefault(sectors[symbol], []).append(i)
    for members in groups.values():
        if len(members) > 1:
            signs = np.sign(trend[members])
            breadth[members] = (signs.sum() - signs) / (len(members) - 1)
    return breadth


def _sign(values: Vector) -> Vector:
    # A NaN is not greater than anything.
    signs: Vector = np.where(np.abs(values) > SIGNIFICANT, np.sign(values), 0.0)
    return signs
