"""Today's weights over the last bars, and the market beside them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from poise.typing import Matrix, Vector

PRO_FORMA_BARS = 500
SHORT_HISTORY_BARS = 250


@dataclass(frozen=True)
class ProForma:
    """Today's weights over the bars on which every held asset has a return.

    Attributes
    ----------
    returns : ndarray of shape (n_observations,)
        Of the whole portfolio; cash earns nothing.
    market : ndarray of shape (n_observations,)
        Of the benchmark on the same bars.
    assets : ndarray of shape (n_observations, n_held)
    weights : ndarray of shape (n_held,)
    warnings : tuple of str
    columns : tuple of int
        Which assets they are.
    """

    returns: Vector
    market: Vector
    assets: Matrix
    weights: Vector
    warnings: tuple[str, ...]
    columns: tuple[int, ...] = ()


def pro_forma(symbols: tuple[str, ...], returns: Matrix, weights: Vector, market: Vector) -> ProForma:
    """Apply `weights` to the last rows of `returns`.

    A held asset without enough common history would shorten everyone's: while the common bars are fewer
    than 60 and fewer than half of the window, the asset with the shortest history is left out and named.

    Parameters
    ----------
    symbols : tuple of str
    returns : ndarray of shape (n_observations, n_assets)
        Simple returns; NaN where missing.
    weights : ndarray of shape (n_assets,)
        Fractions held, one per symbol.
    market : ndarray of shape (n_observations,)
    """
    window = returns[-PRO_FORMA_BARS:]
    market = market[-PRO_FORMA_BARS:]
    held = np.flatnonzero(weights).tolist()
    left_out = []
    enough = min(60, len(window) // 2)
    known = np.isfinite(window)
    whole = bool(known.all())
    while held and not whole:
        complete = known[:, held].all(axis=1)
        if int(complete.sum()) >= max(enough, 1):
            break
        shortest = min(held, key=lambda i: int(known[:, i].sum()))
        held.remove(shortest)
        left_out.append(symbols[shortest])
    complete = np.isfinite(market)
    if held and not whole:
        complete &= known[:, held].all(axis=1)
    fractions = weights[held]
    # Taking rows and columns copies; most books hold everything in a window without gaps.
    rows = window if complete.all() else window[complete]
    assets = rows if len(held) == len(symbols) else rows[:, held]
    warnings = [
        f"pro_forma_excludes: {symbol} has too little history to be part of the pro forma risk; "
        "judge it apart or pass more of it"
        for symbol in left_out
    ]
    if len(assets) < SHORT_HISTORY_BARS:
        warnings.append(
            f"short_history: risk figures rest on {len(assets)} bars, {SHORT_HISTORY_BARS} are wanted; "
            "pass a longer history"
        )
    return ProForma(assets @ fractions, market[complete], assets, fractions, tuple(warnings), tuple(held))


def market_weights(caps: Vector) -> Vector:
    """Return how much each asset counts in the market: by its cap where caps are known, else all alike."""
    return np.nan_to_num(caps) if np.isfinite(caps).any() else np.ones(len(caps))


def market_returns(returns: Matrix, weights: Vector) -> Vector:
    """Return the market's return per bar from the assets that have one at it; NaN where none has.

    Parameters
    ----------
    returns : ndarray of shape (n_observations, n_assets)
    weights : ndarray of shape (n_assets,)
        From :func:`market_weights`.
    """
    known = np.isfinite(returns)
    if known.all():
        whole: Vector = (
            returns @ weights / weights.sum() if weights.sum() > 0.0 else np.full(len(returns), np.nan)
        )
        return whole
    total = known @ weights
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(total > 0.0, np.where(known, returns, 0.0) @ weights / total, np.nan)


def aligned_tail(values: Vector, length: int) -> Vector:
    """Return the last `length` values, NaN before the first."""
    tail = np.full(length, math.nan)
    recent = values[-length:]
    if len(recent):
        tail[-len(recent) :] = recent
    return tail
