"""The tail budget: a book whose bad bars would cost too much is made smaller as a whole."""

from __future__ import annotations

import math

import numpy as np

from poise.strategy.outlook import Outlook
from poise.strategy.wording import some
from poise.typing import Vector

DEGREES_OF_FREEDOM = 5.0
"""Tails of daily returns of shares and coins: between 3 and 6 degrees of freedom."""

SHORTFALL_MULTIPLE = 2.2386842554615214
"""Conditional value at risk at 95 % of a Student t with 5 degrees of freedom and standard deviation 1."""

_SAFE = 1.0 - 1e-12


def expected_shortfall(weights: Vector, outlook: Outlook) -> float:
    """Return the conditional value at risk (95 %) of one bar, a positive fraction of total value.

    ``2.2387 sqrt(w'Sw)`` with the outlook's covariance: tails of a Student t with 5 degrees of freedom, no
    drift. A pair whose correlation is unknown counts as perfectly correlated; an asset whose volatility is
    unknown counts as riskless, which :func:`within_budget` says.

    Parameters
    ----------
    weights : ndarray of shape (n_assets,)
        Not negative.
    outlook : Outlook
    """
    risk = weights * np.nan_to_num(outlook.volatility)
    held = np.flatnonzero(risk > 0.0)
    block = outlook.correlation[np.ix_(held, held)]
    together = np.where(np.isfinite(block), block, 1.0)
    variance = float(risk[held] @ together @ risk[held])
    return SHORTFALL_MULTIPLE * math.sqrt(max(variance, 0.0))


def within_budget(weights: Vector, outlook: Outlook, budget: float) -> tuple[Vector, list[str]]:
    """Return the weights, scaled down where their shortfall exceeds `budget`, and what was done in words.

    The shortfall is proportional to the weights, so the scaled book meets the budget exactly and keeps its
    proportions and every cap.
    """
    unknown = (weights > 0.0) & np.isnan(outlook.volatility)
    notes = []
    if unknown.any():
        names = [s for s, hit in zip(outlook.symbols, unknown, strict=True) if hit]
        notes.append(f"tail unchecked: no volatility of {some(names)} yet")
    shortfall = expected_shortfall(weights, outlook)
    if shortfall <= budget:
        return weights, notes
    share = budget / shortfall * _SAFE
    notes.insert(
        0,
        f"limit tail: a shortfall (CVaR 95 %) of {shortfall:.1%} a bar exceeds the budget of {budget:.1%}; "
        f"the book is scaled to {share:.0%}",
    )
    return weights * share, notes
