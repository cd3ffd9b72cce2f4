"""Covariance of two series that trade at different moments."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from poise import _native
from poise.domain.labels import unwrap_vector
from poise.errors import InputError
from poise.moments.instants import read_instants
from poise.typing import ArrayLike, Vector

_WITHOUT_SIGN = np.int64(np.iinfo(np.int64).max)


class AsynchronousCovariance(NamedTuple):
    """How two series moved together while both were watched.

    Attributes
    ----------
    covariance : float
        Of log returns, summed over the time that the series share; not per bar, not annualised.
    correlation : float
        NaN where a series never moves. Short samples can carry it beyond [-1, 1]: it is reported as it is,
        and :func:`nearest_correlation` mends a matrix of them.
    """

    covariance: float
    correlation: float


def hayashi_yoshida(
    times_x: ArrayLike, prices_x: ArrayLike, times_y: ArrayLike, prices_y: ArrayLike
) -> AsynchronousCovariance:
    """Covariance and correlation of two price series with their own observation times.

    The products of all log returns whose intervals overlap, so that nothing is resampled and no price is
    carried forward: filling gaps with old prices would pull the correlation to zero. Returns whose interval
    meets none of the other series are left out. O(n_x + n_y).

    Parameters
    ----------
    times_x, times_y : array_like of shape (n_x,) and (n_y,)
        Strictly increasing; times (without a zone they are UTC) or numbers, the same kind for both.
    prices_x, prices_y : array_like of shape (n_x,) and (n_y,)
        Positive and finite; at least two each.

    Returns
    -------
    AsynchronousCovariance
        Covariance and correlation.

    Raises
    ------
    EmptyInputError
        If a series has no observation.
    InputError
        If times do not increase, are no times or numbers, or a price is not positive; the message names
        series and index.
    NonFiniteError
        If a time or price is missing or infinite; the message names series and index.
    NotEnoughDataError
        If a series has only one price, or the two share no time.
    ShapeError
        If times and prices differ in number.

    Examples
    --------
    >>> slow, fast = [0, 2, 4], [0, 1, 2, 3, 4]
    >>> result = hayashi_yoshida(slow, [100.0, 110.0, 121.0], fast, [10.0, 10.0, 11.0, 11.0, 12.1])
    >>> round(result.correlation, 12)
    1.0

    References
    ----------
    .. [1] Hayashi and Yoshida (2005). On covariance estimation of non-synchronously observed diffusion
       processes. Bernoulli 11 (2).
    """
    x, y = _logarithms(prices_x, "prices_x"), _logarithms(prices_y, "prices_y")
    instants_x, instants_y = _comparable(read_instants(times_x, "times_x"), read_instants(times_y, "times_y"))
    return AsynchronousCovariance(*_native.hayashi_yoshida(instants_x, x, instants_y, y))


def _logarithms(prices: ArrayLike, name: str) -> Vector:
    values, _ = unwrap_vector(prices, name)
    worthless = np.flatnonzero(values <= 0.0)
    if len(worthless):
        i = int(worthless[0])
        raise InputError(f"{name} is {values[i]} at index {i}, expected a positive price; drop that row")
    return np.log(values)


def _comparable(
    x: npt.NDArray[Any], y: npt.NDArray[Any]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Whole numbers in the order of the times."""
    kinds = {x.dtype.kind, y.dtype.kind}
    if kinds == {"M"}:
        return x.view(np.int64), y.view(np.int64)
    if "M" in kinds:
        raise InputError("times_x and times_y mix times and numbers; give both in the same form")
    if kinds == {"i"}:
        return x, y
    return _ordinals(x.astype(np.float64)), _ordinals(y.astype(np.float64))


def _ordinals(values: Vector) -> npt.NDArray[np.int64]:
    # The bits of a float64 are ordered as its values, backwards below zero; adding 0.0 removes minus zero.
    bits = (values + 0.0).view(np.int64)
    return np.where(bits < 0, bits ^ _WITHOUT_SIGN, bits)
