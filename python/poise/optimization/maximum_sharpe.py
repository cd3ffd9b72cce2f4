"""The largest Sharpe ratio: where a line from the riskless rate touches the efficient frontier."""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter

import numpy as np

from poise import _native
from poise.domain.labels import unwrap_vector
from poise.optimization.answer import to_result
from poise.optimization.inputs import read_covariance, read_real
from poise.optimization.limits import held_at_upper, leaves_cash, read_bounds
from poise.optimization.result import OptimizationResult, OptimizationStatus
from poise.typing import ArrayLike, Bounds


def solve_maximum_sharpe(
    expected_returns: ArrayLike,
    covariance: ArrayLike,
    *,
    risk_free_rate: float = 0.0,
    bounds: Bounds | None = None,
) -> OptimizationResult:
    """Weights with the largest expected return above the riskless rate per unit of volatility.

    Exact: down the critical line until the ratio falls, then in closed form on the segment. Assets without
    variance are treated like cash that earns the rate: weight 0, or what the bounds force on them.

    Parameters
    ----------
    expected_returns : array_like of shape (n_assets,)
        Per period of the covariance, as fractions.
    covariance : array_like of shape (n_assets, n_assets)
        Positive semidefinite; what rounding to three digits spoils is taken with status ``degenerate``.
    risk_free_rate : float, default=0.0
        Per period of the covariance, as a fraction.
    bounds : tuple, default=(0, 1)
        Lower and upper bound, each a scalar or one per asset; negative and infinite ones are allowed.

    Returns
    -------
    OptimizationResult
        The objective is the ratio per period. Certificate and prices are those of minimising
        ``w'Sw / 2 - risk_tolerance * (mu - rate)'w``, whose optimum the weights are; there is no duality gap.
        Where no portfolio earns more than the rate the ratio ranks nothing: the least variance, status
        ``degenerate``. Where open bounds let the ratio grow for ever: the corner portfolio of highest
        return, status ``relaxed``. ``messages`` says so.

    Raises
    ------
    EmptyUniverseError
        If there are no assets.
    ShapeError
        If the covariance is not square or not symmetric, or a vector has another length.
    NonFiniteError
        If a value is NaN or infinite.
    NotPositiveSemidefiniteError
        If the covariance has a clearly negative direction.
    ParameterError
        If the rate is not finite.
    InfeasibleError
        If the lower bounds sum to more than 1 or one exceeds its upper bound.

    References
    ----------
    .. [1] Sharpe (1966). Mutual Fund Performance.
    .. [2] Markowitz (1956). The Optimization of a Quadratic Function Subject to Linear Constraints.
    """
    matrix, labels = read_covariance(covariance)
    means, labels = unwrap_vector(expected_returns, "expected_returns", labels)
    lower, upper = read_bounds(bounds, len(matrix), labels)
    rate = read_real(risk_free_rate, "risk_free_rate")
    if leaves_cash(upper):
        _native.maximum_sharpe(means, matrix, rate, np.zeros(len(matrix)), np.ones(len(matrix)))
        return held_at_upper(upper, labels)
    began = perf_counter()
    solution = _native.maximum_sharpe(means, matrix, rate, lower, upper)
    result = to_result(solution, labels, "maximum Sharpe", perf_counter() - began)
    if result.status is OptimizationStatus.OPTIMAL:
        return result
    if result.status is OptimizationStatus.RELAXED:
        endless = "the ratio grows for ever along an open bound; close it to attain the largest"
        return replace(result, fallbacks=(), messages=(*result.messages, endless))
    excess = solution.weights * (means - rate)
    excess[solution.riskless] = 0.0
    if excess.sum() > 0.0:
        return result
    nothing = f"no portfolio within the bounds earns more than the rate of {rate:g}: least variance instead"
    return replace(result, messages=(*result.messages, nothing))
