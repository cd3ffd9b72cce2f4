"""The covariance of the last rows, each counting the same."""

from __future__ import annotations

from operator import index
from typing import Any, TypedDict

import numpy as np

from poise import _native
from poise.domain.labels import unwrap_matrix
from poise.errors import InputError, ParameterError, ShapeError
from poise.moments.online import OnlineCovariance
from poise.moments.standardized import correlation_of
from poise.typing import ArrayLike, Matrix


class RollingRule(TypedDict):
    """Keyword arguments of the kernels."""

    window: int
    ddof: int
    demean: bool


class RollingCovariance(OnlineCovariance[Any]):
    """Covariance over the last `window` rows, O(n_assets ** 2) per row whatever the window.

    Parameters
    ----------
    window : int
        Rows that count; more than `ddof`.
    ddof : int, default=1
        What the divisor is smaller than `window`. Not negative.
    demean : bool, default=True
        Remove the mean of the window. False gives second moments about zero with divisor `window`, whatever
        `ddof` is.

    Attributes
    ----------
    covariance_ : ndarray of shape (n_assets, n_assets)
        Per bar, with the labels of what was fitted. As ``pandas.DataFrame.rolling(window).cov()`` NaN until
        the window is full, and beside every asset that misses one of its last `window` values; the rest is
        positive semidefinite.
    correlation_ : ndarray of shape (n_assets, n_assets)
        Unit diagonal; 0 beside an asset that did not move in the window, NaN where the covariance is NaN.
    volatility_ : ndarray of shape (n_assets,)
        Standard deviation per bar, as a fraction.
    degenerate_ : ndarray of shape (n_assets,)
        True for assets that did not move in the window; their correlations say nothing.
    n_observations_ : int
        Rows taken in that held at least one value, those that have left the window included.

    Raises
    ------
    ParameterError
        If `window` or `ddof` is no whole number or too small; while fitting if a return is beyond 1e140.

    Notes
    -----
    A row enters the sums and another leaves them. After every `window` rows, and at once where a variance has
    become a thousandth of what its sums were, the sums are taken anew about the mean, so that an outlier or
    another level leaves no rounding behind. A row that is refused leaves the state as it was. Copies and
    pickles are independent and continue bit for bit.

    Examples
    --------
    >>> estimator = RollingCovariance(2)
    >>> for row in [[9.0, 9.0], [0.0, 1.0], [2.0, 5.0]]:
    ...     _ = estimator.partial_fit(row)
    >>> estimator.covariance_.tolist()
    [[2.0, 4.0], [4.0, 8.0]]
    """

    _kernel = _native.RollingState

    def __init__(self, window: int, *, ddof: int = 1, demean: bool = True) -> None:
        super().__init__(_rolling_rule(window, ddof, demean=demean))

    @property
    def window(self) -> int:
        """Rows that count."""
        value: int = self._rule["window"]
        return value

    @property
    def correlation_(self) -> Any:
        """Correlation; 0 beside an asset that did not move in the window."""
        return self._labels.matrix(correlation_of(self._fitted().covariance()))


def rolling_covariance(
    R: ArrayLike, *, window: int, ddof: int = 1, demean: bool = True, out: Matrix | None = None
) -> Any:
    """Covariance over the last `window` rows, after every row.

    Parameters
    ----------
    R : array_like of shape (n_observations, n_assets)
        Simple returns, as fractions. NaN is missing.
    window, ddof, demean
        As in :class:`RollingCovariance`.
    out : ndarray, optional
        Where to write: float64, C-contiguous, of the shape of the answer.

    Returns
    -------
    ndarray of shape (n_observations, n_assets, n_assets)
        Per bar; equals ``pandas.DataFrame.rolling(window).cov()``. A pandas path is indexed by (time, asset).
        NaN until the window is full, and beside an asset that misses one of its last `window` values. Row t
        depends on rows up to t only.

    Raises
    ------
    EmptyInputError
        If there is no observation or no asset.
    InputError
        If `out` is of another type or shares memory with `R`.
    NonFiniteError
        If a return is infinite; the message names row and column.
    ParameterError
        If `window` or `ddof` is no whole number or too small, or a return beyond 1e140.
    ShapeError
        If `R` has not two axes, or `out` does not fit.

    Examples
    --------
    >>> rolling_covariance([[9.0], [0.0], [2.0]], window=2)[:, 0, 0].tolist()
    [nan, 40.5, 2.0]
    """
    rule = _rolling_rule(window, ddof, demean=demean)
    returns, labels = unwrap_matrix(R)
    n_observations, n_assets = returns.shape
    path = np.empty((n_observations, n_assets, n_assets)) if out is None else _checked_out(out, returns)
    _native.rolling_covariance_path(returns, path, **rule)
    return labels.panel(path)


def _rolling_rule(window: Any, ddof: Any, *, demean: bool) -> RollingRule:
    freedom = _whole(ddof, "ddof")
    if freedom < 0:
        raise ParameterError(f"ddof is {ddof}, expected zero or more")
    rows = _whole(window, "window")
    least = freedom + 1 if demean else 1
    if rows < least:
        raise ParameterError(f"window is {window}, expected at least {least} rows with ddof {freedom}")
    return {"window": rows, "ddof": freedom, "demean": bool(demean)}


def _whole(value: Any, name: str) -> int:
    try:
        return index(value)
    except TypeError:
        raise ParameterError(f"{name} is {value!r}, expected a whole number") from None


def _checked_out(out: Any, returns: Matrix) -> Matrix:
    n_observations, n_assets = returns.shape
    shape = (n_observations, n_assets, n_assets)
    if not isinstance(out, np.ndarray) or out.shape != shape:
        found = getattr(out, "shape", type(out).__name__)
        raise ShapeError(f"out has shape {found}, expected {shape}; allocate np.empty({shape})")
    if out.dtype != np.float64 or not out.flags.carray:
        raise InputError(
            f"out is {out.dtype} with strides {out.strides}, expected a writeable C-contiguous float64 array"
        )
    if np.may_share_memory(out, returns):
        raise InputError("out shares memory with R; pass an array of its own")
    return out
