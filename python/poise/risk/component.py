"""Who contributes to historical value at risk and conditional value at risk."""

from __future__ import annotations

from typing import Any

import numpy as np

from poise import _native
from poise.domain.labels import unwrap_matrix
from poise.risk._inputs import as_level, require_squares, unwrap_weights
from poise.typing import ArrayLike, Vector

EPANECHNIKOV_BANDWIDTH = 2.34
"""Of Silverman's rule for the Epanechnikov kernel: this times the standard deviation over ``n ** 0.2``."""

LARGEST_CORRECTION = 0.5
"""How far the kernel's sum may be from the value at risk, as a share of it, for its parts to be scaled."""


def component_conditional_value_at_risk(
    weights: ArrayLike, R: ArrayLike, *, confidence_level: float = 0.95
) -> Any:
    """Split the portfolio's historical conditional value at risk among its assets.

    A part is the mean of the position's loss over the portfolio's tail scenarios, the boundary one counted in
    part. Scenarios that tie at the boundary, up to rounding, share its part equally.

    Parameters
    ----------
    weights : array_like of shape (n_assets,) or mapping of symbol to fraction
        Fractions of total value; what they miss to 1 is cash and adds nothing.
    R : array_like of shape (n_observations, n_assets)
        Simple returns per period, as fractions. Finite.
    confidence_level : float, default=0.95
        Strictly between 0 and 1.

    Returns
    -------
    vector of shape (n_assets,)
        Losses, positive fractions of portfolio value (negative for a hedge); they sum to
        ``conditional_value_at_risk(R @ weights)``.

    Raises
    ------
    ShapeError
        If the number of weights is not the number of columns.
    NonFiniteError
        If a value is NaN or infinite; the message names the first position.
    EmptyInputError
        If there is no observation or no asset.
    ParameterError
        If the level is outside (0, 1).

    References
    ----------
    .. [1] Tasche (1999). Risk contributions and performance measurement.
    """
    returns, labels = unwrap_matrix(R)
    w, labels = unwrap_weights(weights, labels)
    components = _native.component_conditional_value_at_risk(w, returns, as_level(confidence_level))
    return labels.vector(components)


def component_value_at_risk(weights: ArrayLike, R: ArrayLike, *, confidence_level: float = 0.95) -> Any:
    """Split the portfolio's historical value at risk among its assets.

    A part is the expected loss of the position given that the portfolio loses its value at risk, estimated by
    a kernel around it [1]_ [2]_. One scenario alone would say it too, with all of its noise.

    Parameters
    ----------
    weights : array_like of shape (n_assets,) or mapping of symbol to fraction
        Fractions of total value; what they miss to 1 is cash and adds nothing.
    R : array_like of shape (n_observations, n_assets)
        Simple returns per period, as fractions. Finite.
    confidence_level : float, default=0.95
        Strictly between 0 and 1.

    Returns
    -------
    vector of shape (n_assets,)
        Losses, positive fractions of portfolio value (negative for a hedge); they sum to
        ``value_at_risk(R @ weights)``.

    Raises
    ------
    ShapeError, NonFiniteError, EmptyInputError, ParameterError
        As :func:`component_conditional_value_at_risk`; also if a return of the portfolio is absurdly large.

    Notes
    -----
    The Epanechnikov kernel has the bandwidth of Silverman's rule. Its parts are scaled to sum to the value at
    risk; where they are off by more than half of it (a value at risk near zero) the difference is shared out
    by the size of the parts instead.

    References
    ----------
    .. [1] Tasche (1999). Risk contributions and performance measurement.
    .. [2] Epperlein and Smillie (2006). Cracking VAR with kernels. Risk 19.

    Examples
    --------
    >>> import numpy as np
    >>> from poise.risk import component_value_at_risk, value_at_risk
    >>> R = 0.01 * np.random.default_rng(1).standard_normal((500, 2))
    >>> parts = component_value_at_risk([0.8, 0.2], R)
    >>> bool(parts[0] > parts[1]), bool(abs(parts.sum() - value_at_risk(R @ [0.8, 0.2])) < 1e-15)
    (True, True)
    """
    returns, labels = unwrap_matrix(R)
    w, labels = unwrap_weights(weights, labels)
    level = as_level(confidence_level)
    # The kernel of the conditional value at risk has the same arguments to refuse.
    _native.component_conditional_value_at_risk(w, returns, level)
    # One layout, so that the same numbers give the same sums whatever held them.
    returns, w = np.ascontiguousarray(returns), np.ascontiguousarray(w)
    outcomes = returns @ w
    require_squares(outcomes, "the portfolio's returns")
    value_at_risk, _ = _native.historical_tail(outcomes, level)
    means = -w * (_closeness(outcomes, -value_at_risk) @ returns)
    return labels.vector(_summing_to(value_at_risk, means))


def _closeness(outcomes: Vector, centre: float) -> Vector:
    """Return the kernel's weights of the scenarios, summing to 1; the centre is one of them."""
    distance = np.abs(outcomes - centre)
    bandwidth = EPANECHNIKOV_BANDWIDTH * float(np.std(outcomes)) / len(outcomes) ** 0.2
    inside = distance < bandwidth
    if not inside.any():
        near = np.asarray(distance == distance.min(), dtype=np.float64)
        return np.asarray(near / near.sum())
    weights = np.zeros_like(distance)
    weights[inside] = 1.0 - (distance[inside] / bandwidth) ** 2
    return np.asarray(weights / weights.sum())


def _summing_to(total: float, parts: Vector) -> Vector:
    found = float(parts.sum())
    if abs(found - total) <= LARGEST_CORRECTION * abs(total) and found != 0.0:
        return np.asarray(parts * (total / found))
    size = np.abs(parts)
    mass = float(size.sum())
    shares = size / mass if mass > 0.0 else np.full(len(parts), 1.0 / len(parts))
    return np.asarray(parts + (total - found) * shares)
