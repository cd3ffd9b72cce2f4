"""How far a compounded value stands below its highest so far."""

from __future__ import annotations

from typing import Any

import numpy as np

from poise import _native
from poise.risk._inputs import unwrap_returns
from poise.typing import ArrayLike


def drawdowns(returns: ArrayLike) -> Any:
    """Drawdown after each return: the loss since the highest value so far, the initial value included.

    Parameters
    ----------
    returns : array_like of shape (n_observations,) or (n_observations, n_assets)
        Simple returns per period, as fractions. Finite.

    Returns
    -------
    same as `returns`
        Positive fractions, 0 at a new high; 1 from the row where the value reaches zero or less.

    Raises
    ------
    NonFiniteError
        If a return is NaN or infinite; the message names the first row and column.
    EmptyInputError
        If there is no observation.

    Examples
    --------
    >>> from poise.risk import drawdowns
    >>> drawdowns([0.25, -0.5, 1.0]).tolist()
    [0.0, 0.5, 0.0]
    """
    array, labels = unwrap_returns(returns)
    if array.ndim == 2:
        return labels.frame(_native.drawdowns(array))
    return labels.series(_native.drawdowns(array[:, np.newaxis])[:, 0])


def max_drawdown(returns: ArrayLike) -> Any:
    """Largest drawdown of the compounded value, the initial value included.

    Parameters
    ----------
    returns : array_like of shape (n_observations,) or (n_observations, n_assets)
        Simple returns per period, as fractions. Finite.

    Returns
    -------
    float or vector of shape (n_assets,)
        A positive fraction, 0 to 1; 1 where the value reached zero or less.

    Raises
    ------
    NonFiniteError
        If a return is NaN or infinite; the message names the first position.
    EmptyInputError
        If there is no observation.
    """
    array, labels = unwrap_returns(returns)
    if array.ndim == 2:
        return labels.vector(_native.max_drawdown_columns(array))
    return _native.max_drawdown(array)
