"""The largest Sharpe ratio: where a line from the riskless rate touches the efficient frontier."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from poise import _native
from poise.domain.labels import BARE, Labels, unwrap_vector
from poise.optimization.answer import to_result
from poise.optimization.inputs import read_covariance, read_real
from poise.optimization.limits import held_at_upper, leaves_cash, read_bounds
from poise.optimization.result import OptimizationResult, OptimizationStatus
from poise.typing import ArrayLike, Bounds, Vector

if TYPE_CHECKING:
    from poise.optimization.trading_costs import TradingCosts


def solve_maximum_sharpe(
    expected_returns: ArrayLike,
    covariance: ArrayLike,
    *,
    risk_free_rate: float = 0.0,
    bounds: Bounds | None = None,
    constraints: Any = None,
    groups: Any = None,
    costs: TradingCosts | None = None,
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
    constraints, groups : optional
        As in :func:`solve_minimum_variance`. Weights that need not sum to 1 earn the rate on what they leave.
    costs : TradingCosts, optional
        Taken off the excess return before it is divided by the volatility.

    Returns
    -------
    OptimizationResult
        The objective is the ratio per period. Certificate and prices are those of minimising
        ``w'Sw / 2 - risk_tolerance * (mu - rate)'w``, whose optimum the weights are; there is no duality gap.
        Where no portfolio earns more than the rate the ratio ranks nothing: the least variance, status
        ``degenerate``. Where open bounds let the ratio grow for ever: the corner portfolio of highest
        return, status ``relaxed``. ``messages`` says so. With `constraints` or `costs` the certificate is
        what the ratio can at most gain, relative, and ``duality_gap`` the same in its own unit.

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
    if constraints is None and costs is None:
        plain = _native.plain_maximum_sharpe(expected_returns, covariance, risk_free_rate, bounds)
        if plain is not None:
            return _explained(plain, BARE, expected_returns, risk_free_rate)
    matrix, labels = read_covariance(covariance)
    means, labels = unwrap_vector(expected_returns, "expected_returns", labels)
    rate = read_real(risk_free_rate, "risk_free_rate")
    if constraints is not None or costs is not None:
        from poise.optimization.constrained import read_limits
        from poise.optimization.ratios import maximum_sharpe_within

        limits = read_limits(constraints, groups, bounds, len(matrix), labels)
        return maximum_sharpe_within(means, matrix, rate, limits, costs, labels)
    lower, upper = read_bounds(bounds, len(matrix), labels)
    if leaves_cash(upper):
        _native.maximum_sharpe(means, matrix, rate, np.zeros(len(matrix)), np.ones(len(matrix)))
        return held_at_upper(upper, labels)
    return _explained(_native.maximum_sharpe(means, matrix, rate, lower, upper), labels, means, rate)


def _explained(solution: _native.Solution, labels: Labels, means: Vector, rate: float) -> OptimizationResult:
    """Say what stands in for the largest ratio where there is none."""
    result = to_result(solution, labels, "maximum Sharpe")
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
