"""Cross-asset validation: how far the rest of the market agrees with an asset's signal."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from poise.typing import Vector

SIGNIFICANT = 0.25
"""Below this a score, a trend or a breadth has no direction."""

BASE, MARKET_WEIGHT, SECTOR_WEIGHT = 0.5, 0.25, 0.15


def validate(
    scores: Vector,
    trend: Vector,
    market_trend: float,
    sectors: Mapping[str, str] | None,
    symbols: tuple[str, ...],
) -> Vector:
    """Return ``v = 0.5 + 0.25 agree(market) + 0.15 agree(sector breadth)`` per asset, in [0.1, 0.9].

    Agreement is 1 when both directions are the same, -1 when they oppose, 0 when either has none. The
    market's direction is that of its trend; a sector's breadth is the share of the *other* assets in it
    that trend up less the share that trends down. The tenth that is left belongs to agreement between
    timeframes, which daily bars do not have.

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
    """
    direction = _sign(scores)
    # The trend is half of a mean z-score clipped to +-2.
    market = float(_sign(np.array([2.0 * market_trend]))[0])
    breadth = _sign(_sector_breadth(trend, sectors, symbols))
    confidence: Vector = np.clip(
        BASE + MARKET_WEIGHT * direction * market + SECTOR_WEIGHT * direction * breadth, 0.0, 1.0
    )
    return confidence


def _sector_breadth(trend: Vector, sectors: Mapping[str, str] | None, symbols: tuple[str, ...]) -> Vector:
    breadth = np.zeros(len(symbols))
    if not sectors:
        return breadth
    groups: dict[str, list[int]] = {}
    for i, symbol in enumerate(symbols):
        if symbol in sectors and np.isfinite(trend[i]):
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
