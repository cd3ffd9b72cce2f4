"""Who contributes to volatility, and how widely it is spread.

Weights are fractions of total value; what they miss to 1 is cash and carries no risk. They may come as a
mapping such as :class:`poise.Weights` where the other argument is labelled.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from poise import _native
from poise.domain.arrays import float_array
from poise.domain.labels import Labels, unwrap_square, unwrap_vector
from poise.domain.weights import CASH
from poise.risk._inputs import unwrap_weights
from poise.typing import ArrayLike, Matrix, Vector


def portfolio_volatility(weights: ArrayLike, covariance: ArrayLike) -> float:
    """Volatility of a portfolio, ``sqrt(w' S w)``, in the period of the covariance.

    Parameters
    ----------
    weights : array_like of shape (n_assets,) or mapping of symbol to fraction
        Finite; negative for short positions.
    covariance : array_like of shape (n_assets, n_assets)
        Symmetric, positive semidefinite.

    Returns
    -------
    float
        0 where only rounding is left of a perfect hedge.

    Raises
    ------
    ShapeError
        If the lengths do not fit or the covariance is not symmetric.
    NonFiniteError
        If an entry is NaN or infinite.
    NotPositiveSemidefiniteError
        If these weights have a negative variance.
    """
    w, S, _ = _unwrap(weights, covariance)
    return _native.portfolio_volatility(w, S)


def risk_contributions(weights: ArrayLike, covariance: ArrayLike) -> Any:
    """Split portfolio volatility among its assets: ``w_i (S w)_i / sigma``.

    Parameters
    ----------
    weights, covariance
        As for :func:`portfolio_volatility`.

    Returns
    -------
    vector of shape (n_assets,)
        Sums to the portfolio's volatility; negative for a hedge; all zero where there is no volatility.

    Raises
    ------
    ShapeError, NonFiniteError, NotPositiveSemidefiniteError
        As :func:`portfolio_volatility`.

    References
    ----------
    .. [1] Tasche (1999). Risk contributions and performance measurement.
    """
    w, S, labels = _unwrap(weights, covariance)
    return labels.vector(_native.risk_contributions(w, S))


def diversification_ratio(weights: ArrayLike, covariance: ArrayLike) -> float:
    """Mean volatility of the positions, by absolute weight, over the portfolio's volatility.

    Parameters
    ----------
    weights, covariance
        As for :func:`portfolio_volatility`.

    Returns
    -------
    float
        At least 1. By convention 1 where nothing or one asset is held, and where there is no volatility.

    Raises
    ------
    ShapeError, NonFiniteError, NotPositiveSemidefiniteError
        As :func:`portfolio_volatility`.

    References
    ----------
    .. [1] Choueifaty and Coignard (2008). Toward maximum diversification. Journal of Portfolio Management 35.
    """
    w, S, _ = _unwrap(weights, covariance)
    return _native.diversification_ratio(w, S)


def effective_bets(weights: ArrayLike, covariance: ArrayLike) -> float:
    """Count the equal risk contributions that would have the same entropy, ``exp(-sum c ln c)``.

    `c` are the shares of :func:`risk_contributions`; negative ones (hedges) count as zero and the others are
    scaled to sum to 1.

    Parameters
    ----------
    weights, covariance
        As for :func:`portfolio_volatility`.

    Returns
    -------
    float
        1 to n_assets; 0 where there is no risk.

    Raises
    ------
    ShapeError, NonFiniteError, NotPositiveSemidefiniteError
        As :func:`portfolio_volatility`.
    """
    w, S, _ = _unwrap(weights, covariance)
    return _native.effective_bets(w, S)


def concentration_ratio(weights: ArrayLike) -> float:
    """Sum of squared risky weights (Herfindahl index), by absolute value and normalised to sum to 1.

    Parameters
    ----------
    weights : array_like of shape (n_assets,) or mapping of symbol to fraction
        Finite. The cash of a mapping is left out.

    Returns
    -------
    float
        ``1/n`` to 1; 0 when all cash.

    Raises
    ------
    NonFiniteError
        If a weight is NaN or infinite.
    """
    return _native.concentration_ratio(_risky(weights))


def effective_number_of_assets(weights: ArrayLike) -> float:
    """Count the equal positions that would have the same :func:`concentration_ratio`.

    Parameters
    ----------
    weights : array_like of shape (n_assets,) or mapping of symbol to fraction
        Finite. The cash of a mapping is left out.

    Returns
    -------
    float
        1 to n_assets; 0 when all cash.

    Raises
    ------
    NonFiniteError
        If a weight is NaN or infinite.

    Examples
    --------
    >>> from poise import Weights
    >>> from poise.risk import effective_number_of_assets
    >>> effective_number_of_assets(Weights({"BTC/USDT": 0.25, "ETH/USDT": 0.25}))
    2.0
    """
    return _native.effective_number_of_assets(_risky(weights))


def _unwrap(weights: ArrayLike, covariance: ArrayLike) -> tuple[Vector, Matrix, Labels]:
    S, labels = unwrap_square(covariance)
    w, labels = unwrap_weights(weights, labels)
    return w, S, labels


def _risky(weights: ArrayLike) -> Vector:
    if isinstance(weights, Mapping):
        return float_array([value for symbol, value in weights.items() if symbol != CASH], "weights")
    return unwrap_vector(weights, "weights")[0]
