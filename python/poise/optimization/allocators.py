"""Allocate by a rule instead of a solver: equal, inverse volatility, by size; and caps for any of them.

Each keeps its bounds exactly. Where the bounds leave no room for a full investment the weights sum to less
than 1 and the rest stays cash.
"""

from __future__ import annotations

from collections.abc import Sized
from typing import Any

import numpy as np

from poise import _native
from poise.domain.labels import Labels, unwrap_square, unwrap_vector
from poise.errors import EmptyUniverseError, NonFiniteError, NotPositiveSemidefiniteError, ParameterError
from poise.optimization.limits import asset_name, read_bounds
from poise.typing import ArrayLike, Bounds, Vector

RISKLESS = 1e-24
"""An asset with less than this part of the largest variance carries no risk: rounding of a constant."""


def equal_weights(assets: int | ArrayLike, *, bounds: Bounds | None = None) -> Any:
    """Return equal weights, as far as the bounds allow.

    Parameters
    ----------
    assets : int, sequence, Series or index
        How many assets, or one entry per asset; a Series or an index lends its labels.
    bounds : tuple, default=(0, 1)
        Lower and upper bound, each a scalar or one per asset.

    Returns
    -------
    ndarray or Series of shape (n_assets,)
        Weights that sum to 1, or to the sum of the upper bounds where that is less.

    Raises
    ------
    EmptyUniverseError
        If there are no assets.
    InfeasibleError
        If the lower bounds sum to more than 1 or one exceeds its upper bound.

    Examples
    --------
    >>> equal_weights(4)
    array([0.25, 0.25, 0.25, 0.25])
    """
    n_assets, labels = _count(assets)
    return _fill(np.ones(n_assets), bounds, labels)


def inverse_volatility(covariance: ArrayLike, *, bounds: Bounds | None = None) -> Any:
    """Return weights proportional to one over volatility, as far as the bounds allow.

    Assets without variance get weight 0 unless their lower bound asks for more; where none has variance
    all weigh the same.

    Parameters
    ----------
    covariance : array_like of shape (n_assets, n_assets)
        Only its diagonal counts.
    bounds : tuple, default=(0, 1)
        Lower and upper bound, each a scalar or one per asset.

    Returns
    -------
    ndarray, Series or frame of shape (n_assets,)
        Weights that sum to 1, or to what the bounds allow where that is less.

    Raises
    ------
    EmptyUniverseError
        If there are no assets.
    NonFiniteError
        If a variance is NaN or infinite.
    NotPositiveSemidefiniteError
        If a variance is negative.
    InfeasibleError
        If the lower bounds sum to more than 1 or one exceeds its upper bound.
    """
    matrix, labels = unwrap_square(covariance)
    variance = np.ascontiguousarray(np.diagonal(matrix))
    _require_assets(variance.size)
    _refuse_non_finite(variance, "variance", labels)
    if (variance < 0.0).any():
        i = int(np.argmin(variance))
        raise NotPositiveSemidefiniteError(
            f"the variance of asset {asset_name(labels, i)} is {variance[i]:g}; a variance is never negative"
        )
    largest = float(variance.max())
    risky = variance > RISKLESS * largest
    if not risky.any():
        return _fill(np.ones(variance.size), bounds, labels)
    pull = np.zeros(variance.size)
    # In units of the smallest: no quotient overflows.
    pull[risky] = np.sqrt(variance[risky].min() / variance[risky])
    return _fill(pull, bounds, labels)


def cap_weighted(market_caps: ArrayLike, *, exponent: float = 0.5, bounds: Bounds | None = None) -> Any:
    """Return weights proportional to a power of market capitalisation, as far as the bounds allow.

    Parameters
    ----------
    market_caps : array_like of shape (n_assets,)
        Not negative, in any currency.
    exponent : float, default=0.5
        1 weighs by size, 0.5 damps it, 0 ignores it.
    bounds : tuple, default=(0, 1)
        Lower and upper bound, each a scalar or one per asset. What an upper bound cuts off is shared by
        the others in proportion.

    Returns
    -------
    ndarray, Series or frame of shape (n_assets,)
        Weights that sum to 1, or to what the bounds allow where that is less.

    Raises
    ------
    EmptyUniverseError
        If there are no assets.
    NonFiniteError
        If a capitalisation is NaN or infinite.
    ParameterError
        If a capitalisation is negative, all are 0, or the exponent is negative or not finite.
    InfeasibleError
        If the lower bounds sum to more than 1 or one exceeds its upper bound.

    Examples
    --------
    >>> cap_weighted([900.0, 100.0], bounds=(0.0, 0.7))
    array([0.7, 0.3])
    """
    caps, labels = unwrap_vector(market_caps, "market_caps")
    _require_assets(caps.size)
    _refuse_non_finite(caps, "market_caps", labels)
    _refuse_negative(caps, "market_caps", labels)
    if not (np.isfinite(exponent) and exponent >= 0.0):
        raise ParameterError(f"exponent is {exponent}, expected a finite number that is not negative")
    largest = float(caps.max())
    if largest == 0.0:
        raise ParameterError("every market cap is 0; pass at least one positive or use equal_weights")
    return _fill((caps / largest) ** exponent, bounds, labels)


def water_fill(weights: ArrayLike, upper: ArrayLike | float) -> Any:
    """Cap weights and share what is cut off among the others in proportion, until none is above its cap.

    Parameters
    ----------
    weights : array_like of shape (n_assets,)
        Not negative. A weight of 0 stays 0.
    upper : float or array_like of shape (n_assets,)
        Caps, not negative.

    Returns
    -------
    ndarray, Series or frame of shape (n_assets,)
        Weights with the sum of the given ones, or the sum of the caps of the positive ones where that is
        less: the rest stays cash.

    Raises
    ------
    EmptyUniverseError
        If there are no assets.
    NonFiniteError
        If a weight is NaN or infinite.
    ParameterError
        If a weight is negative.
    InfeasibleError
        If a cap is negative.

    Examples
    --------
    >>> water_fill([0.6, 0.2, 0.2], 0.5)
    array([0.5 , 0.25, 0.25])
    """
    given, labels = unwrap_vector(weights, "weights")
    _require_assets(given.size)
    _refuse_non_finite(given, "weights", labels)
    _refuse_negative(given, "weights", labels)
    lower, caps = read_bounds((0.0, upper), given.size, labels)
    filled = _native.fill(np.ascontiguousarray(given), lower, caps, float(given.sum()))
    return labels.vector(filled)


def _fill(pull: Vector, bounds: Bounds | None, labels: Labels) -> Any:
    lower, upper = read_bounds(bounds, pull.size, labels)
    return labels.vector(_native.fill(pull, lower, upper, 1.0))


def _count(assets: Any) -> tuple[int, Labels]:
    if isinstance(assets, int | np.integer):
        n_assets, labels = int(assets), Labels()
    elif type(assets).__module__.startswith("pandas") and hasattr(assets, "index"):
        n_assets, labels = len(assets), Labels("pandas", assets=assets.index)
    elif type(assets).__module__.startswith("pandas"):
        n_assets, labels = len(assets), Labels("pandas", assets=assets)
    elif isinstance(assets, Sized):
        n_assets, labels = len(assets), Labels()
    else:
        raise ParameterError(f"assets is {assets!r}, expected a number of assets or one entry per asset")
    _require_assets(n_assets)
    return n_assets, labels


def _require_assets(n_assets: int) -> None:
    if n_assets <= 0:
        raise EmptyUniverseError("there are no assets to weigh; widen the universe")


def _refuse_non_finite(values: Vector, name: str, labels: Labels) -> None:
    wrong = np.flatnonzero(~np.isfinite(values))
    if wrong.size:
        i = int(wrong[0])
        raise NonFiniteError(
            f"{name} of asset {asset_name(labels, i)} is {values[i]}; fill it or drop the asset"
        )


def _refuse_negative(values: Vector, name: str, labels: Labels) -> None:
    if (values < 0.0).any():
        i = int(np.argmin(values))
        raise ParameterError(
            f"{name} of asset {asset_name(labels, i)} is {values[i]:g}, which is negative; pass 0 or more"
        )
