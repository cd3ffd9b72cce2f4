"""Minimum variance over a rolling window, the whole loop in one call."""

from __future__ import annotations

from operator import index
from typing import Any

import numpy as np

from poise import _native
from poise.domain.labels import unwrap_matrix
from poise.errors import EmptyUniverseError, InfeasibleError, ParameterError
from poise.optimization.limits import leaves_cash, read_bounds
from poise.typing import ArrayLike, Bounds


def rolling_minimum_variance(
    R: ArrayLike, *, window: int, step: int = 1, bounds: Bounds | None = None
) -> Any:
    """Weights of least variance over the last `window` rows, after every row.

    Those of :func:`solve_minimum_variance` on the sample covariance of each window: it is brought up to date
    from bar to bar, and each solution begins at the last one.

    Parameters
    ----------
    R : array_like of shape (n_observations, n_assets)
        Simple returns, as fractions. Finite.
    window : int
        Rows that the covariance is taken from; at least 2.
    step : int, default=1
        Rows from one solution to the next; between them the last weights are held.
    bounds : tuple, default=(0, 1)
        Lower and upper bound, each a scalar or one per asset; negative and infinite ones are allowed.

    Returns
    -------
    ndarray or frame of shape (n_observations, n_assets)
        NaN until the window is full. Row t depends on rows up to t only.

    Raises
    ------
    EmptyUniverseError
        If there are no assets.
    NonFiniteError
        If a return is NaN or infinite.
    ParameterError
        If `window` or `step` is no whole number or too small.
    InfeasibleError
        If no weights within the bounds sum to 1.

    Examples
    --------
    >>> rolling_minimum_variance([[0.02, 0.0], [0.0, 0.01], [0.01, 0.0]], window=2).round(3).tolist()
    [[nan, nan], [0.333, 0.667], [0.5, 0.5]]
    """
    returns, labels = unwrap_matrix(R)
    returns = np.ascontiguousarray(returns)
    n_assets = returns.shape[1]
    if not n_assets:
        raise EmptyUniverseError("R has no assets; widen the universe")
    lower, upper = read_bounds(bounds, n_assets, labels)
    if leaves_cash(upper):
        raise InfeasibleError(
            f"the upper bounds sum to {upper.sum():.12g}, below 1; raise them by {1.0 - upper.sum():.6g}"
        )
    rows, every = _at_least(window, "window", 2), _at_least(step, "step", 1)
    path = np.empty_like(returns)
    _native.rolling_minimum_variance(returns, path, rows, every, lower, upper)
    return labels.frame(path)


def _at_least(value: Any, name: str, least: int) -> int:
    try:
        number = index(value)
    except TypeError:
        raise ParameterError(f"{name} is {value!r}, expected a whole number") from None
    if number < least:
        raise ParameterError(f"{name} is {number}, expected at least {least}")
    return number
