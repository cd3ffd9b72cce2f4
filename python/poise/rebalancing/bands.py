"""The no-trade region around a target weight.

Janeček and Shreve (2004); Gerhold, Guasoni, Muhle-Karbe and Schachermayer (2014). A fixed target drifts with
variance rate ``w^2 (1-w)^2 sigma^2``; in the half-width ``(3 lambda eta^2 / (2 gamma sigma^2))^(1/3)`` the
volatility cancels, so bands widen with the cube root of the cost alone.
"""

from __future__ import annotations

import numpy as np

from poise.typing import Vector

SMALLEST_HALF_WIDTH = 0.005
"""Floor of the half-width: at a target of 0 or 1 the formula gives 0, and every cent would be a breach."""


def no_trade_half_width(target: Vector, rate: Vector, *, risk_aversion: float) -> Vector:
    """Half-width of the region around each target weight inside which trading costs more than it earns.

    Parameters
    ----------
    target : ndarray of shape (n_assets,)
        Target weights, between 0 and 1.
    rate : ndarray of shape (n_assets,)
        One-way proportional cost, a fraction of the notional.
    risk_aversion : float
        Gamma, positive.

    Returns
    -------
    ndarray of shape (n_assets,)
        In weight, at least ``SMALLEST_HALF_WIDTH``.

    References
    ----------
    .. [1] Janeček and Shreve (2004). Asymptotic analysis for optimal investment and consumption with
       transaction costs. Finance and Stochastics 8.
    """
    spread = target * (1.0 - target)
    width = np.cbrt(3.0 * rate * spread * spread / (2.0 * risk_aversion))
    return np.maximum(width, SMALLEST_HALF_WIDTH)
