"""How far a compounded value stands below its highest so far."""

from __future__ import annotations

from typing import Any

import numpy as np

from poise import _native
from poise.domain.labels import Labels
from poise.risk._inputs import as_level, unwrap_returns
from poise.typing import ArrayLike, Matrix


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


def ulcer_index(returns: ArrayLike) -> Any:
    """Root mean square of the drawdowns: deep and long declines count, short ones hardly.

    Parameters
    ----------
    returns : array_like of shape (n_observations,) or (n_observations, n_assets)
        Simple returns per period, as fractions. Finite.

    Returns
    -------
    float or vector of shape (n_assets,)
        A positive fraction, at most the largest drawdown.

    Raises
    ------
    NonFiniteError
        If a return is NaN or infinite; the message names the first row and column.
    EmptyInputError
        If there is no observation.

    References
    ----------
    .. [1] Martin and McCann (1989). The investor's guide to Fidelity funds.

    Examples
    --------
    >>> from poise.risk import ulcer_index
    >>> ulcer_index([-0.5, 1.0, 0.1, -0.5])
    0.3535533905932738
    """
    columns, labels, single = _columns(returns)
    ulcers = _native.ulcer_index(columns)
    return float(ulcers[0]) if single else labels.vector(ulcers)


def conditional_drawdown_at_risk(returns: ArrayLike, *, confidence_level: float = 0.95) -> Any:
    """Mean of the deepest ``1 - confidence_level`` of drawdowns, by the rule of conditional value at risk.

    Parameters
    ----------
    returns : array_like of shape (n_observations,) or (n_observations, n_assets)
        Simple returns per period, as fractions. Finite.
    confidence_level : float, default=0.95
        Strictly between 0 and 1; near 0 the mean drawdown, near 1 the largest.

    Returns
    -------
    float or vector of shape (n_assets,)
        A positive fraction, at most the largest drawdown.

    Raises
    ------
    NonFiniteError
        If a return is NaN or infinite; the message names the first row and column.
    EmptyInputError
        If there is no observation.
    ParameterError
        If the level is outside (0, 1).

    References
    ----------
    .. [1] Chekhlov, Uryasev and Zabarankin (2005). Drawdown measure in portfolio optimization.
       International Journal of Theoretical and Applied Finance 8.

    Examples
    --------
    >>> from poise.risk import conditional_drawdown_at_risk
    >>> conditional_drawdown_at_risk([-0.5, 1.0, 0.1, -0.25], confidence_level=0.5)
    0.375
    """
    columns, labels, single = _columns(returns)
    deepest = _native.conditional_drawdown_at_risk(columns, as_level(confidence_level))
    return float(deepest[0]) if single else labels.vector(deepest)


def drawdown_duration(returns: ArrayLike) -> Any:
    """Longest time under water: observations in a row below the highest value so far.

    Parameters
    ----------
    returns : array_like of shape (n_observations,) or (n_observations, n_assets)
        Simple returns per period, as fractions. Finite.

    Returns
    -------
    int or vector of shape (n_assets,)
        Observations; a run that has not ended counts as far as it goes. A drawdown of at most 1e-12, what
        rounding leaves of a full recovery, is none.

    Raises
    ------
    NonFiniteError
        If a return is NaN or infinite; the message names the first row and column.
    EmptyInputError
        If there is no observation.

    Examples
    --------
    >>> from poise.risk import drawdown_duration
    >>> drawdown_duration([0.1, -0.5, 0.2, 0.1, 1.0, -0.1])
    3
    """
    columns, labels, single = _columns(returns)
    durations: Any = _native.drawdown_duration(columns).astype(np.int64)
    return int(durations[0]) if single else labels.vector(durations)


def _columns(returns: ArrayLike) -> tuple[Matrix, Labels, bool]:
    """Return one column per series, their labels, and whether one plain series came."""
    array, labels = unwrap_returns(returns)
    single = array.ndim == 1
    return (array[:, np.newaxis] if single else array), labels, single
