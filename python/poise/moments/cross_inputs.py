"""Prices and times of two markets as their estimator wants them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from poise.domain.labels import Labels, unwrap_matrix
from poise.errors import EmptyInputError, InputError, NonFiniteError, ShapeError
from poise.moments.instants import read_instants
from poise.typing import ArrayLike, Matrix


def read_market(
    prices: ArrayLike, times: ArrayLike | None, name: str
) -> tuple[Matrix, npt.NDArray[np.int64], Labels]:
    """Return log prices of shape ``(n_rows, n_assets)``, their times in nanoseconds, and the assets.

    Raises
    ------
    EmptyInputError
        If there is no row or no asset.
    InputError
        If there are no times, they do not increase, or a price is not positive.
    NonFiniteError
        If a price is infinite or a time missing.
    ShapeError
        If there are not two axes, or the times are of another length.
    """
    values, labels = unwrap_matrix(prices, name)
    if values.size == 0:
        raise EmptyInputError(f"{name} has shape {values.shape}; pass at least one row and one asset")
    given = labels.times if times is None else times
    if given is None:
        raise InputError(f"there are no times of {name}; pass {name}_times")
    if times is None and getattr(getattr(given, "dtype", None), "kind", "O") in "iu":
        raise InputError(f"the index of {name} holds numbers, expected datetimes; pass {name}_times")
    instants = read_nanoseconds(given, f"{name}_times")
    if len(instants) != len(values):
        raise ShapeError(f"{name}_times has shape {instants.shape}, expected ({len(values)},)")
    backwards = np.flatnonzero(np.diff(instants) <= 0)
    if len(backwards):
        i = int(backwards[0]) + 1
        raise InputError(f"{name}_times does not increase at index {i}; sort the rows and keep one of each")
    return read_log_prices(values, name), instants, Labels(labels.kind, assets=labels.assets)


def read_nanoseconds(times: Any, name: str) -> npt.NDArray[np.int64]:
    """Return datetimes, or whole numbers taken as such, in nanoseconds since 1970.

    Raises
    ------
    InputError
        If they are neither.
    """
    instants = read_instants(times, name)
    if instants.dtype.kind == "f" and len(instants):
        raise InputError(f"{name} holds {instants[0]}, expected datetimes or whole nanoseconds")
    return instants.view(np.int64)


def read_log_prices(prices: Any, name: str) -> Any:
    """Return the logarithms of prices; NaN stays.

    Raises
    ------
    InputError
        If a price is not positive; the message names its place.
    NonFiniteError
        If one is infinite.
    """
    infinite, worthless = np.isinf(prices), prices <= 0.0
    if (infinite | worthless).any():
        place = tuple(int(i) for i in np.argwhere(infinite | worthless)[0])
        error = NonFiniteError if infinite[place] else InputError
        raise error(
            f"{name} is {prices[place]} at {place}, expected a positive price; pass NaN where missing"
        )
    return np.log(prices)
