"""Tilting a base book towards momentum or mean reversion, inside its limits."""

from __future__ import annotations

import numpy as np

from poise.strategy.regime_rules import FACTORS, factor_row
from poise.strategy.signal_book import SignalBook
from poise.typing import RegimeLabel, Vector

REVERSION_STRENGTH = 0.25
CLIP = 2.0

TILTS: dict[RegimeLabel, str] = {"bull": "momentum", "sideways": "mean_reversion"}
"""The factor each regime tilts towards; the defensive regimes tilt to tier 1 instead."""


def tilt_factor(label: RegimeLabel, signals: SignalBook | None, *, momentum_weight: float) -> Vector | None:
    """Return the factors ``exp(k clip(z, -2, 2))`` on a regime's base book, or None for no tilt.

    Momentum's strength k is its weight among the factors of a bull market: 0.5 at the neutral
    `momentum_weight`, 0 without momentum. Mean reversion has k = 0.25. An asset is left alone when its
    signal was cut or its combined score points the other way: the tilt acts on validated signals only, and
    on one that was damped by as much less. A factor without weight among the signals (it has shown no
    skill) tilts nothing, one that is no discovery by what is left of it (:attr:`~Skill.trust`).

    Parameters
    ----------
    label : str
        Regime.
    signals : SignalBook or None
    momentum_weight : float

    Returns
    -------
    ndarray of shape (n_assets,) or None
    """
    factor = TILTS.get(label)
    if factor is None or signals is None:
        return None
    place = FACTORS.index(factor)
    if not signals.weights[place] > 0.0:
        return None
    strength = float(factor_row(label, momentum_weight)[0]) if factor == "momentum" else REVERSION_STRENGTH
    strength *= float(signals.trust[place])
    z = np.nan_to_num(signals.factor(factor))
    confirmed = signals.kept & (np.sign(z) == np.sign(signals.score))
    exponent = strength * np.where(confirmed, np.clip(z, -CLIP, CLIP) * signals.damping, 0.0)
    return np.exp(exponent) if exponent.any() else None
