"""Value at risk with past returns brought to today's volatility."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from poise import _native
from poise.domain.labels import unwrap_matrix
from poise.risk._inputs import as_level, as_number, unwrap_weights
from poise.risk.tail import TailRisk
from poise.typing import ArrayLike


def filtered_value_at_risk(
    R: ArrayLike, weights: ArrayLike, *, confidence_level: float = 0.95, half_life: float = 21
) -> TailRisk:
    """Forecast value at risk and conditional value at risk by filtered historical simulation.

    Each past return is scaled by today's volatility over the volatility known before it, asset by asset and
    on the same dates, so that the scenarios keep the assets' dependence and have today's size [1]_ [2]_. The
    volatility is a zero-mean EWMA. The first 20 observations only start it and give no scenario. A return
    whose previous volatility is zero (an asset that had not moved yet) stays unscaled, and no asset is scaled
    to lose more than all of its value.

    While warming, that is with fewer than 40 observations, the numbers are plain historical ones of all
    observations, and `method` of the result says so.

    Parameters
    ----------
    R : array_like of shape (n_observations, n_assets)
        Simple returns per period, as fractions. Finite.
    weights : array_like of shape (n_assets,) or mapping of symbol to fraction
        Today's fractions of total value; what they miss to 1 is cash and earns nothing.
    confidence_level : float, default=0.95
        Strictly between 0 and 1.
    half_life : float, default=21
        Of the volatility, in observations.

    Returns
    -------
    TailRisk
        Losses over one period, positive fractions of total value; `method` is ``filtered_historical``, or
        ``historical`` while warming.

    Raises
    ------
    ShapeError
        If the number of weights is not the number of columns.
    NonFiniteError
        If a value is NaN or infinite; the message names the first position.
    EmptyInputError
        If there is no observation or no asset.
    ParameterError
        If the level is outside (0, 1) or the half-life is not positive.

    References
    ----------
    .. [1] Hull and White (1998). Incorporating volatility updating into the historical simulation method for
       value-at-risk. Journal of Risk 1.
    .. [2] Barone-Adesi, Giannopoulos and Vosper (1999). VaR without correlations for portfolios of derivative
       securities. Journal of Futures Markets 19.
    """
    returns, labels = unwrap_matrix(R)
    w, _ = unwrap_weights(weights, labels)
    var, cvar, filtered = _native.filtered_tail(
        returns, w, as_level(confidence_level), as_number(half_life, "half_life")
    )
    return TailRisk(var, cvar, "filtered_historical" if filtered else "historical")


def filtered_scenarios(R: ArrayLike, *, half_life: float = 21) -> Any:
    """Past returns at today's volatility: the scenarios of :func:`filtered_value_at_risk`.

    Parameters
    ----------
    R : array_like of shape (n_observations, n_assets)
        Simple returns per period, as fractions. Finite.
    half_life : float, default=21
        Of the volatility, in observations.

    Returns
    -------
    frame of shape (n_observations - 20, n_assets)
        Row s belongs to observation ``s + 20``.

    Raises
    ------
    NotEnoughDataError
        If there are 20 observations or fewer.
    NonFiniteError, EmptyInputError, ParameterError
        As :func:`filtered_value_at_risk`.
    """
    returns, labels = unwrap_matrix(R)
    scenarios = _native.filtered_scenarios(returns, as_number(half_life, "half_life"))
    if labels.times is None:
        return labels.frame(scenarios)
    warm_up = len(returns) - len(scenarios)
    return replace(labels, times=labels.times[warm_up:]).frame(scenarios)
