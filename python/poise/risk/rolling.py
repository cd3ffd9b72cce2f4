"""Historical value at risk over a moving window."""

from __future__ import annotations

from typing import Any

import numpy as np

from poise import _native
from poise.risk._inputs import as_level, as_window, unwrap_returns
from poise.typing import ArrayLike


def rolling_value_at_risk(returns: ArrayLike, *, window: int, confidence_level: float = 0.95) -> Any:
    """Historical value at risk of the last `window` returns, at every row.

    Parameters
    ----------
    returns : array_like of shape (n_observations,) or (n_observations, n_assets)
        Simple returns per period, as fractions. Finite.
    window : int
        Observations, at least 1.
    confidence_level : float, default=0.95
        Strictly between 0 and 1.

    Returns
    -------
    same as `returns`
        Losses, positive fractions; NaN until the window is full. Row t knows rows up to and including t.

    Raises
    ------
    NonFiniteError
        If a return is NaN or infinite; the message names the first row and column.
    EmptyInputError
        If there is no observation.
    ParameterError
        If the window is no positive whole number or the level outside (0, 1).

    See Also
    --------
    value_at_risk : the convention.
    rolling_tail_risk : both numbers in one pass.
    """
    return rolling_tail_risk(returns, window=window, confidence_level=confidence_level)[0]


def rolling_conditional_value_at_risk(
    returns: ArrayLike, *, window: int, confidence_level: float = 0.95
) -> Any:
    """Historical conditional value at risk of the last `window` returns, at every row.

    Parameters
    ----------
    returns, window, confidence_level
        As for :func:`rolling_value_at_risk`.

    Returns
    -------
    same as `returns`
        Losses, positive fractions; NaN until the window is full. Row t knows rows up to and including t.

    Raises
    ------
    NonFiniteError, EmptyInputError, ParameterError
        As :func:`rolling_value_at_risk`.
    """
    return rolling_tail_risk(returns, window=window, confidence_level=confidence_level)[1]


def rolling_tail_risk(returns: ArrayLike, *, window: int, confidence_level: float = 0.95) -> tuple[Any, Any]:
    """Historical value at risk and conditional value at risk of the last `window` returns, in one pass.

    Parameters
    ----------
    returns, window, confidence_level
        As for :func:`rolling_value_at_risk`.

    Returns
    -------
    value_at_risk, conditional_value_at_risk : same as `returns`
        Losses, positive fractions; NaN until the window is full.

    Raises
    ------
    NonFiniteError, EmptyInputError, ParameterError
        As :func:`rolling_value_at_risk`.
    """
    array, labels = unwrap_returns(returns)
    length = as_window(window, array.shape[0])
    level = as_level(confidence_level)
    if array.ndim == 2:
        var, cvar = _native.rolling_tail(array, length, level)
        return labels.frame(var), labels.frame(cvar)
    var, cvar = _native.rolling_tail(array[:, np.newaxis], length, level)
    return labels.series(var[:, 0]), labels.series(cvar[:, 0])
