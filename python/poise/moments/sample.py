"""The covariance in which every observation counts the same."""

from __future__ import annotations

from operator import index
from typing import Any

from poise import _native
from poise.domain.labels import unwrap_matrix
from poise.errors import ParameterError
from poise.typing import ArrayLike


def sample_covariance(R: ArrayLike, *, ddof: int = 1) -> Any:
    """Sample covariance with divisor ``n - ddof``.

    Parameters
    ----------
    R : array_like of shape (n_observations, n_assets)
        Simple returns, as fractions. NaN is missing: a pair of assets sees only the rows in which both
        have a value, so a matrix with gaps need not be positive semidefinite. Without gaps it is.
    ddof : int, default=1
        What the divisor is smaller than the number of common observations; not negative.

    Returns
    -------
    ndarray of shape (n_assets, n_assets)
        Per bar, with the labels of `R`. NaN where a pair has no more than `ddof` common observations.
        The variance of an asset that never moves is exactly zero.

    Raises
    ------
    EmptyInputError
        If there is no observation or no asset.
    NonFiniteError
        If a return is infinite; the message names row and column.
    ParameterError
        If `ddof` is negative or no whole number.
    ShapeError
        If `R` has not two axes.

    Examples
    --------
    >>> sample_covariance([[0.0, 1.0], [2.0, 5.0]]).tolist()
    [[2.0, 4.0], [4.0, 8.0]]
    """
    returns, labels = unwrap_matrix(R)
    try:
        freedom = index(ddof)
    except TypeError:
        raise ParameterError(f"ddof is {ddof!r}, expected a whole number") from None
    if freedom < 0:
        raise ParameterError(f"ddof is {ddof}, expected zero or more")
    return labels.matrix(_native.sample_covariance(returns, freedom))
