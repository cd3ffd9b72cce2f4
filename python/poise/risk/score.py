"""One number for how risky a portfolio is: 0 for cash, 1 for the worst."""

from __future__ import annotations

import math
from collections.abc import Mapping
from operator import mul
from types import MappingProxyType

from poise.errors import NonFiniteError, ParameterError
from poise.risk._inputs import as_number

RISK_SCORE_WEIGHTS: Mapping[str, float] = MappingProxyType(
    {"tail": 0.35, "drawdown": 0.20, "concentration": 0.15, "correlation": 0.15, "regime": 0.15}
)
"""How much each part counts in :func:`risk_score`; they sum to 1."""

_WEIGHTS = tuple(RISK_SCORE_WEIGHTS.values())
_TOTAL = math.fsum(_WEIGHTS)

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
    held, values = _read(
        cvar_95, max_drawdown, concentration_ratio, average_correlation, regime_probabilities, exposure
    )
    return 0.0 if held == 0.0 else min(held, 1.0) * min(_blend(values)[0], 1.0)


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
    held, values = _read(
        cvar_95, max_drawdown, concentration_ratio, average_correlation, regime_probabilities, exposure
    )
    if held == 0.0:
        return dict.fromkeys(RISK_SCORE_WEIGHTS, 0.0)
    share = min(held, 1.0) / _blend(values)[1]
    return {
        part: share * weight * value
        for (part, weight), value in zip(RISK_SCORE_WEIGHTS.items(), values, strict=True)
    }


def _read(
    cvar_95: float,
    max_drawdown: float,
    concentration_ratio: float,
    average_correlation: float,
    regime_probabilities: Mapping[str, float] | None,
    exposure: float,
) -> tuple[float, tuple[float, ...]]:
    """Return the exposure, and each part brought to 0 ... 1, in the order of the weights."""
    held = as_number(exposure, "exposure")
    if not math.isfinite(held):
        raise NonFiniteError(f"exposure is {held}; pass the sum of absolute risky weights")
    if held < 0:
        raise ParameterError(f"exposure is {held}, expected zero or more; sum the absolute risky weights")
    return held, (
        _clip(as_number(cvar_95, "cvar_95") / WORST_CVAR),
        _clip(as_number(max_drawdown, "max_drawdown") / WORST_DRAWDOWN),
        _clip(as_number(concentration_ratio, "concentration_ratio")),
        _clip(as_number(average_correlation, "average_correlation")),
        _clip(_stress_probability(regime_probabilities)),
    )


def _blend(values: tuple[float, ...]) -> tuple[float, float]:
    """Return the weighted mean of the parts that are known, and the sum of their weights; NaN without any."""
    added = list(map(mul, _WEIGHTS, values))
    blend = math.fsum(added)
    if not math.isnan(blend):
        return blend / _TOTAL, _TOTAL
    known = [k for k, value in enumerate(values) if not math.isnan(value)]
    total = math.fsum(_WEIGHTS[k] for k in known)
    return (math.fsum(added[k] for k in known) / total, total) if known else (math.nan, math.nan)


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
    return value if 0.0 <= value <= 1.0 or math.isnan(value) else float(value > 1.0)
