"""How much an asset moves with a benchmark."""

from __future__ import annotations

from typing import Any

import numpy as np

from poise.domain.labels import unwrap_vector
from poise.risk._inputs import (
    require_finite,
    require_observations,
    require_same_rows,
    require_squares,
    unwrap_returns,
)
from poise.typing import ArrayLike


def beta(returns: ArrayLike, benchmark: ArrayLike) -> Any:
    """Slope of returns on those of a benchmark: covariance over the benchmark's variance.

    Parameters
    ----------
    returns : array_like of shape (n_observations,) or (n_observations, n_assets)
        Simple returns per period, as fractions. Finite.
    benchmark : array_like of shape (n_observations,)
        Returns of the benchmark on the same rows. Finite.

    Returns
    -------
    float or vector of shape (n_assets,)
        NaN where the benchmark never moves, or by so little that the slope is beyond a float.

    Raises
    ------
    ShapeError
        If the lengths or the time labels differ.
    NonFiniteError
        If a value is NaN or infinite; the message names the first position.
    NotEnoughDataError
        If there are fewer than two observations.
    """
    array, labels = unwrap_returns(returns)
    market, market_labels = unwrap_vector(benchmark, "benchmark")
    require_same_rows(array.shape[0], labels, market.shape[0], market_labels, names=("returns", "benchmark"))
    require_observations(market, 2, "beta")
    require_finite(array, "returns")
    require_finite(market, "benchmark")
    require_squares(array, "returns")
    if np.ptp(market) == 0:
        slope = np.full(array.shape[1:], np.nan)
    else:
        # In units of the largest move neither product overflows.
        unit = np.max(np.abs(market))
        centred = market / unit - np.mean(market / unit)
        with np.errstate(over="ignore"):
            slope = centred @ (array - np.mean(array, axis=0)) / (centred @ centred) / unit
        slope = np.where(np.isinf(slope), np.nan, slope)
    return labels.vector(slope) if array.ndim == 2 else float(slope)
