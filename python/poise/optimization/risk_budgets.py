"""Risk budgets that follow what is known: skill per unit of risk, momentum, and how calm the market is."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from poise.domain.labels import Labels, unwrap_vector
from poise.domain.regime import RegimeState
from poise.errors import NonFiniteError, ParameterError, ShapeError
from poise.moments.robust import has_cross_section, robust_z
from poise.optimization.limits import asset_name
from poise.optimization.tilts import tilt_factors
from poise.typing import ArrayLike, RegimeLabel, Vector

CONVICTION: dict[RegimeLabel, float] = {
    "bull": 1.0,
    "sideways": 0.5,
    "bear": 0.25,
    "high_volatility": 0.0,
}
"""How far budgets follow the scores: ranks of return persist in calm markets and turn in wild ones."""

SHARPE_STRENGTH = 0.5
MOMENTUM_STRENGTH = 0.5


def dynamic_risk_budgets(
    base: ArrayLike,
    *,
    sharpe_ratios: ArrayLike | None = None,
    momentum: ArrayLike | None = None,
    regime: RegimeState | RegimeLabel | None = None,
    sharpe_strength: float = SHARPE_STRENGTH,
    momentum_strength: float = MOMENTUM_STRENGTH,
) -> Any:
    """Return shares of risk that lean towards high Sharpe ratios and momentum, less so in wild markets.

    ``b_i`` is ``base_i * exp(c * (s * clip(z_i, -2, 2) + m * clip(mom_i, -2, 2)))``, normalised. ``z_i`` is
    the Sharpe ratio's distance from the median in robust standard deviations, ``c`` the conviction of the
    regime: 1 in a bull market, 1/2 sideways, 1/4 in a bear market, 0 in high volatility, averaged by the
    regime's probabilities.

    Parameters
    ----------
    base : array_like of shape (n_assets,)
        Budgets without any opinion, not negative, in any unit; ones for equal risk. A budget of 0 stays 0.
    sharpe_ratios : array_like of shape (n_assets,), optional
        For any one period. NaN: unknown, and left alone. Among fewer than 4 known ones no asset stands out.
    momentum : array_like of shape (n_assets,), optional
        In standard deviations. NaN: unknown, and left alone.
    regime : RegimeState or str, optional
        Full conviction unless given.
    sharpe_strength, momentum_strength : float, default=0.5
        Not negative.

    Returns
    -------
    ndarray, Series or frame of shape (n_assets,)
        Shares that sum to 1, for the `budgets` of :func:`solve_risk_parity`.

    Raises
    ------
    ShapeError
        If a vector has another length.
    NonFiniteError
        If a budget is NaN or infinite, or a score infinite.
    ParameterError
        If a budget or a strength is negative, no budget is positive, or the regime is unknown.

    Examples
    --------
    >>> dynamic_risk_budgets([1.0, 1.0], momentum=[1.0, -1.0], regime="bull").round(4)
    array([0.7311, 0.2689])
    >>> dynamic_risk_budgets([1.0, 1.0], momentum=[1.0, -1.0], regime="high_volatility")
    array([0.5, 0.5])
    """
    budgets, labels = _read_base(base)
    conviction = _conviction(regime)
    strengths = {"sharpe_strength": sharpe_strength, "momentum_strength": momentum_strength}
    for name, strength in strengths.items():
        if not (math.isfinite(strength) and strength >= 0.0):
            raise ParameterError(f"{name} is {strength}, expected a finite number that is not negative")
    shares = budgets / budgets.max()
    if sharpe_ratios is not None:
        known = _read_scores(sharpe_ratios, "sharpe_ratios", labels, budgets.size)
        stand_out = robust_z(known) if has_cross_section(known) else np.zeros(budgets.size)
        shares = shares * tilt_factors(stand_out, conviction * sharpe_strength)
    if momentum is not None:
        known = _read_scores(momentum, "momentum", labels, budgets.size)
        shares = shares * tilt_factors(known, conviction * momentum_strength)
    return labels.vector(shares / shares.sum())


def _conviction(regime: RegimeState | RegimeLabel | None) -> float:
    if regime is None:
        return 1.0
    if isinstance(regime, RegimeState):
        return float(sum(CONVICTION[label] * p for label, p in regime.probabilities.items()))
    if regime not in CONVICTION:
        raise ParameterError(f"regime is {regime!r}, expected one of {', '.join(CONVICTION)}")
    return CONVICTION[regime]


def _read_scores(values: ArrayLike, name: str, labels: Labels, n_assets: int) -> Vector:
    scores, _ = unwrap_vector(values, name, labels)
    if scores.shape != (n_assets,):
        raise ShapeError(f"{name} has {scores.size} values for {n_assets} budgets; pass one per asset")
    if np.isinf(scores).any():
        i = int(np.argmax(np.isinf(scores)))
        raise NonFiniteError(f"{name} of asset {asset_name(labels, i)} is infinite; pass NaN for unknown")
    return scores


def _read_base(base: ArrayLike) -> tuple[Vector, Labels]:
    budgets, labels = unwrap_vector(base, "base")
    wrong = np.flatnonzero(~np.isfinite(budgets))
    if wrong.size:
        i = int(wrong[0])
        raise NonFiniteError(
            f"the budget of asset {asset_name(labels, i)} is {budgets[i]}; pass a finite number"
        )
    if not budgets.size or (budgets < 0.0).any() or not (budgets > 0.0).any():
        raise ParameterError("base budgets must not be negative, and one must be positive")
    return budgets, labels
