"""One number for how risky a portfolio is: 0 for cash, 1 for the worst."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

from poise.errors import NonFiniteError, ParameterError
from poise.risk._inputs import as_number

RISK_SCORE_WEIGHTS: Mapping[str, float] = MappingProxyType(
    {"tail": 0.35, "drawdown": 0.20, "concentration": 0.15, "correlation": 0.15, "regime": 0.15}
)
"""How much each part counts in :func:`risk_score`; they sum to 1."""

WORST_CVAR = 0.10
"""A conditional value at risk of 10 % a day scores as the worst."""

WORST_DRAWDOWN = 0.50
"""A drawdown of half the value scores as the worst."""


def risk_score(
    *,
    cvar_95: float,
    concentration_ratio: float,
    average_correlation: float,
    max_drawdown: float,
    exposure: float,
    regime_probabilities: Mapping[str, float] | None = None,
) -> float:
    """Blend tail, drawdown, concentration, correlation and regime into one number between 0 and 1.

    Each part is brought to 0 ... 1, the parts are averaged with :data:`RISK_SCORE_WEIGHTS`, and the mean is
    multiplied by the exposure. A part that is NaN is left out and the other weights are scaled up.

    =============  ======  ==============================================================================
    part           weight  0 ... 1 from
    =============  ======  ==============================================================================
    tail           0.35    `cvar_95` over 10 %
    drawdown       0.20    `max_drawdown` over 50 %
    concentration  0.15    `concentration_ratio`
    correlation    0.15    `average_correlation`, negative ones as 0
    regime         0.15    probability of ``bear`` plus that of ``high_volatility``
    =============  ======  ==============================================================================

    Parameters
    ----------
    cvar_95 : float
        Conditional value at risk of one day, a positive fraction of total value.
    concentration_ratio : float
        Sum of squared risky weights, normalised to 1.
    average_correlation : float
        Mean correlation of the assets held; NaN for fewer than two.
    max_drawdown : float
        A positive fraction.
    exposure : float
        Sum of absolute risky weights; more than 1 counts as 1.
    regime_probabilities : mapping of str to float, optional
        Probability of each of the four regimes; None or NaN while the detector is warming.

    Returns
    -------
    float
        0 (cash) to 1. It rises, or stays, with every argument. NaN where every part is NaN and something is
        held.

    Raises
    ------
    NonFiniteError
        If the exposure is NaN or infinite.
    ParameterError
        If the exposure is negative or an argument is no number.

    Examples
    --------
    >>> from poise.risk import risk_score
    >>> score = risk_score(
    ...     cvar_95=0.04, concentration_ratio=0.2, average_correlation=0.6, max_drawdown=0.25, exposure=0.9
    ... )
    >>> round(score, 3)
    0.381
    """
    return _score(
        cvar_95=cvar_95,
        concentration_ratio=concentration_ratio,
        average_correlation=average_correlation,
        max_drawdown=max_drawdown,
        exposure=exposure,
        regime_probabilities=regime_probabilities,
    )[0]


def risk_score_parts(
    *,
    cvar_95: float,
    concentration_ratio: float,
    average_correlation: float,
    max_drawdown: float,
    exposure: float,
    regime_probabilities: Mapping[str, float] | None = None,
) -> dict[str, float]:
    """How much each part adds to :func:`risk_score`.

    Parameters
    ----------
    cvar_95, concentration_ratio, average_correlation, max_drawdown, exposure, regime_probabilities
        As for :func:`risk_score`.

    Returns
    -------
    dict of str to float
        One entry for each of :data:`RISK_SCORE_WEIGHTS`, from 0 on; they sum to the score. NaN for a part
        that is not known (and was left out of the sum).

    Raises
    ------
    NonFiniteError, ParameterError
        As :func:`risk_score`.

    Examples
    --------
    >>> from poise.risk import risk_score_parts
    >>> parts = risk_score_parts(
    ...     cvar_95=0.05, concentration_ratio=1.0, average_correlation=0.0, max_drawdown=0.0, exposure=1.0
    ... )
    >>> round(parts["tail"], 3), round(parts["concentration"], 3), parts["regime"]
    (0.206, 0.176, nan)
    """
    return _score(
        cvar_95=cvar_95,
        concentration_ratio=concentration_ratio,
        average_correlation=average_correlation,
        max_drawdown=max_drawdown,
        exposure=exposure,
        regime_probabilities=regime_probabilities,
    )[1]


def _score(
    *,
    cvar_95: float,
    concentration_ratio: float,
    average_correlation: float,
    max_drawdown: float,
    exposure: float,
    regime_probabilities: Mapping[str, float] | None,
) -> tuple[float, dict[str, float]]:
    """Return the score and what each part adds to it."""
    held = as_number(exposure, "exposure")
    if not math.isfinite(held):
        raise NonFiniteError(f"exposure is {held}; pass the sum of absolute risky weights")
    if held < 0:
        raise ParameterError(f"exposure is {held}, expected zero or more; sum the absolute risky weights")
    parts = {
        "tail": as_number(cvar_95, "cvar_95") / WORST_CVAR,
        "drawdown": as_number(max_drawdown, "max_drawdown") / WORST_DRAWDOWN,
        "concentration": as_number(concentration_ratio, "concentration_ratio"),
        "correlation": as_number(average_correlation, "average_correlation"),
        "regime": _stress_probability(regime_probabilities),
    }
    if held == 0:
        return 0.0, dict.fromkeys(parts, 0.0)
    known = {part: _clip(value) for part, value in parts.items() if not math.isnan(value)}
    total = math.fsum(RISK_SCORE_WEIGHTS[part] for part in known)
    if total == 0:
        return math.nan, dict.fromkeys(parts, math.nan)
    blend = math.fsum(RISK_SCORE_WEIGHTS[part] * value for part, value in known.items()) / total
    share = min(held, 1.0) / total
    added = {part: share * RISK_SCORE_WEIGHTS[part] * known.get(part, math.nan) for part in parts}
    return min(held, 1.0) * min(blend, 1.0), added


def _stress_probability(probabilities: Mapping[str, float] | None) -> float:
    if probabilities is None:
        return math.nan
    missing = [label for label in ("bear", "high_volatility") if label not in probabilities]
    if missing:
        raise ParameterError(
            f"regime_probabilities lacks {' and '.join(missing)}; pass one probability per regime label"
        )
    return as_number(probabilities["bear"], "the probability of bear") + as_number(
        probabilities["high_volatility"], "the probability of high_volatility"
    )


def _clip(value: float) -> float:
    return min(max(value, 0.0), 1.0)
