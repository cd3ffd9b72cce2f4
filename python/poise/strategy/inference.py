"""Telling skill from luck: the error of a mean of overlapping measurements, and many tests at once."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from poise.errors import NonFiniteError, ParameterError
from poise.typing import Vector


def newey_west_error(values: Vector, *, lags: int) -> float:
    """Return the standard error of the mean of an autocorrelated series.

    ``sqrt((g_0 + 2 sum_l (1 - l / (lags + 1)) g_l) / n)`` with ``g_l`` the autocovariances divided by n.

    Parameters
    ----------
    values : ndarray of shape (n_observations,)
        Finite.
    lags : int
        At least 0: as many as measurements overlap, less one.

    Returns
    -------
    float
        NaN for fewer than two values.

    Raises
    ------
    ParameterError
        If `lags` is negative.
    NonFiniteError
        If a value is NaN or infinite; the message names the first index.

    References
    ----------
    .. [1] Newey and West (1987). A Simple, Positive Semi-Definite, Heteroskedasticity and Autocorrelation
       Consistent Covariance Matrix.
    """
    if lags < 0:
        raise ParameterError(f"lags is {lags}; pass at least 0")
    bad = ~np.isfinite(values)
    if bad.any():
        i = int(bad.argmax())
        raise NonFiniteError(f"value {i} is {values[i]}; drop what is missing first")
    n = len(values)
    if n < 2:
        return math.nan
    centred = values - values.mean()
    total = float(centred @ centred)
    for lag in range(1, min(lags, n - 1) + 1):
        total += 2.0 * (1.0 - lag / (lags + 1.0)) * float(centred[lag:] @ centred[:-lag])
    # Bartlett's weights keep it positive but for rounding.
    return math.sqrt(max(total, 0.0)) / n


def t_statistic_of_mean(series: Vector, *, lags: int) -> tuple[float, float]:
    """Return the Newey-West error of the mean of what is known, and the mean over it; NaN without an error.

    Parameters
    ----------
    series : ndarray of shape (n_observations,)
        NaN where missing.
    lags : int
        As for :func:`newey_west_error`.
    """
    known = series[np.isfinite(series)]
    error = newey_west_error(known, lags=lags)
    return error, float(known.mean()) / error if error > 0.0 else math.nan


def two_sided_p_value(statistic: float) -> float:
    """Return the probability of a standard normal at least as large in size; NaN for NaN."""
    return math.erfc(abs(statistic) / math.sqrt(2.0))


def benjamini_hochberg(p_values: Vector, *, rate: float = 0.10) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return which hypotheses are rejected at a false discovery rate.

    The largest k such that the k-th smallest p-value is at most ``rate k / m`` decides; the k smallest are
    discoveries: those of which the adjusted p-value is at most the rate.

    Parameters
    ----------
    p_values : ndarray of shape (n_tests,)
        0 to 1; NaN: not tested, never rejected and not counted.
    rate : float, default=0.10
        Most of the discoveries that may be false in expectation.

    Returns
    -------
    ndarray of bool, shape (n_tests,)

    Raises
    ------
    ParameterError
        If the rate does not lie between 0 and 1, or a p-value does not.

    References
    ----------
    .. [1] Benjamini and Hochberg (1995). Controlling the False Discovery Rate.
    """
    if not 0.0 < rate < 1.0:
        raise ParameterError(f"rate is {rate}; pass a number between 0 and 1")
    found: np.ndarray[Any, np.dtype[np.bool_]] = adjusted_p_values(p_values) <= rate
    return found


def adjusted_p_values(p_values: Vector) -> Vector:
    """Return for each hypothesis the lowest false discovery rate at which it is rejected.

    ``min over j >= k of m p_(j) / j`` for the k-th smallest of m, at most 1.

    Parameters
    ----------
    p_values : ndarray of shape (n_tests,)
        0 to 1; NaN: not tested, not counted and NaN again.

    Raises
    ------
    ParameterError
        If a p-value does not lie between 0 and 1.

    References
    ----------
    .. [1] Yekutieli and Benjamini (1999). Resampling-based false discovery rate controlling multiple test
       procedures for correlated test statistics.
    """
    wrong = (p_values < 0.0) | (p_values > 1.0)
    if wrong.any():
        i = int(wrong.argmax())
        raise ParameterError(f"p-value {i} is {p_values[i]}; pass probabilities between 0 and 1")
    adjusted: Vector = np.full(len(p_values), np.nan)
    tested = np.flatnonzero(np.isfinite(p_values))
    order = tested[np.argsort(p_values[tested], kind="stable")]
    scaled = p_values[order] * len(order) / np.arange(1, len(order) + 1)
    adjusted[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return adjusted
