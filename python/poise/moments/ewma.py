"""Exponentially weighted covariance and correlation, as ``pandas.DataFrame.ewm`` defines them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from poise import _native
from poise.domain.labels import unwrap_matrix
from poise.errors import InputError, ShapeError
from poise.moments.packed import packed_size
from poise.moments.rule import EwmaRule, ewma_rule
from poise.typing import ArrayLike, Matrix


def ewma_covariance(
    R: ArrayLike,
    *,
    half_life: float,
    adjust: bool = True,
    bias: bool = False,
    ignore_na: bool = False,
    demean: bool = True,
    last: bool = True,
    packed: bool = False,
    out: Matrix | None = None,
) -> Any:
    """Exponentially weighted covariance; equals ``pandas.DataFrame.ewm(halflife=half_life).cov()``.

    Parameters
    ----------
    R : array_like of shape (n_observations, n_assets)
        Simple returns, as fractions. NaN is missing: a pair of assets sees only the rows in which both
        have a value, so a matrix with gaps need not be positive semidefinite. Without gaps it is.
    half_life : float
        Observations after which a weight has halved. Positive.
    adjust : bool, default=True
        Divide the weights by their sum so far. False is the plain recursion that starts from the first
        observation.
    bias : bool, default=False
        Leave out the correction for the estimated mean.
    ignore_na : bool, default=False
        A missing observation does not age the earlier ones.
    demean : bool, default=True
        Remove the weighted mean. False gives second moments about zero, the better estimate at daily or
        shorter horizons; they need no correction, so `bias` changes nothing.
    last : bool, default=True
        The matrix after the last row. False gives the matrix after every row.
    packed : bool, default=False
        Lower triangles row by row instead of whole matrices: half the memory, and a long path takes half the
        time. Bare arrays whatever came in; :func:`unpack` makes whole matrices of them.
    out : ndarray, optional
        Where to write: float64, C-contiguous, of the shape of the answer. Spares the allocation, which
        for a long path takes longer than the computation.

    Returns
    -------
    ndarray of shape (n_assets, n_assets), or with ``last=False`` (n_observations, n_assets, n_assets)
        Per bar, in squared units of `R`. With the labels of `R`; a pandas path is indexed by
        (time, asset). NaN where a pair has no estimate yet: before its second common observation (its
        first with ``bias=True`` or ``demean=False``). Row t depends on rows up to t only. With
        ``packed=True`` the two axes of a matrix are one of length ``n_assets * (n_assets + 1) / 2``.

    Raises
    ------
    EmptyInputError
        If there is no observation or no asset.
    NonFiniteError
        If a return is infinite; the message names row and column.
    ParameterError
        If `half_life` is not positive, or a return so large (1e154) that its square is infinite.
    ShapeError
        If `R` has not two axes, or `out` does not fit.

    Notes
    -----
    A pair whose only common observation has aged over a gap shows 0 instead of NaN where rounding makes its
    correction finite, exactly as in pandas.

    References
    ----------
    .. [1] pandas, "Windowing operations: exponentially weighted window".
    .. [2] J.P. Morgan (1996). RiskMetrics Technical Document, section 5.2, for ``demean=False``.

    Examples
    --------
    >>> R = np.array([[0.01, 0.02], [-0.02, -0.01], [0.03, 0.00]])
    >>> ewma_covariance(R, half_life=2.0).round(6)
    array([[0.000732, 0.000151],
           [0.000151, 0.000189]])
    """
    rule = ewma_rule(half_life, adjust=adjust, bias=bias, ignore_na=ignore_na, demean=demean)
    path = _native.ewma_covariance_packed_path if packed else _native.ewma_covariance_path
    kernels = _native.ewma_covariance, path
    return _estimate(R, rule, kernels, last=last, packed=packed, out=out)


def ewma_correlation(
    R: ArrayLike,
    *,
    half_life: float,
    adjust: bool = True,
    bias: bool = False,
    ignore_na: bool = False,
    demean: bool = True,
    last: bool = True,
    packed: bool = False,
    out: Matrix | None = None,
) -> Any:
    """Exponentially weighted correlation; equals ``pandas.DataFrame.ewm(halflife=half_life).corr()``.

    Parameters
    ----------
    R : array_like of shape (n_observations, n_assets)
        As in :func:`ewma_covariance`.
    half_life, adjust, bias, ignore_na, demean, last, packed, out
        As in :func:`ewma_covariance`; `bias` cancels out.

    Returns
    -------
    ndarray of shape (n_assets, n_assets), or with ``last=False`` (n_observations, n_assets, n_assets)
        In [-1, 1], unit diagonal. Each entry comes from the rows in which both assets have a value, the
        variances too. As in pandas NaN where an asset did not move in those rows, its own diagonal
        entry included (:attr:`EwmaCovariance.correlation_` says 0 there and flags the asset).

    Raises
    ------
    EmptyInputError, NonFiniteError, ParameterError, ShapeError
        As :func:`ewma_covariance`.

    Examples
    --------
    >>> R = np.array([[0.01, 0.02], [-0.02, -0.01], [0.03, 0.00]])
    >>> ewma_correlation(R, half_life=2.0).round(4)
    array([[1.    , 0.4066],
           [0.4066, 1.    ]])
    """
    rule = ewma_rule(half_life, adjust=adjust, bias=bias, ignore_na=ignore_na, demean=demean)
    path = _native.ewma_correlation_packed_path if packed else _native.ewma_correlation_path
    kernels = _native.ewma_correlation, path
    return _estimate(R, rule, kernels, last=last, packed=packed, out=out)


def _estimate(
    R: ArrayLike,
    rule: EwmaRule,
    kernels: tuple[Callable[..., Matrix], Callable[..., None]],
    *,
    last: bool,
    packed: bool,
    out: Matrix | None,
) -> Any:
    kernel, path_kernel = kernels
    returns, labels = unwrap_matrix(R)
    n_observations, n_assets = returns.shape
    shape = (packed_size(n_assets),) if packed else (n_assets, n_assets)
    if not last:
        shape = (n_observations, *shape)
    if out is not None:
        _check_out(out, shape, returns)
    if last:
        answer = kernel(returns, **rule)
        if packed:
            answer = answer[np.tril_indices(n_assets)]
        if out is not None:
            out[...] = answer
            answer = out
    else:
        answer = np.empty(shape) if out is None else out
        path_kernel(returns, answer, **rule)
    if packed:
        return answer
    return labels.matrix(answer) if last else labels.panel(answer)


def _check_out(out: Any, shape: tuple[int, ...], returns: Matrix) -> None:
    if not isinstance(out, np.ndarray) or out.shape != shape:
        found = getattr(out, "shape", type(out).__name__)
        raise ShapeError(f"out has shape {found}, expected {shape}; allocate np.empty({shape})")
    if out.dtype != np.float64 or not out.flags.carray:
        raise InputError(
            f"out is {out.dtype} with strides {out.strides}, expected a writeable C-contiguous float64 array"
        )
    if np.may_share_memory(out, returns):
        raise InputError("out shares memory with R; pass an array of its own")
