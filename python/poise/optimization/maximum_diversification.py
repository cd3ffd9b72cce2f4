"""The most diversified portfolio: mean volatility over portfolio volatility at its largest."""

from __future__ import annotations

from typing import Any

from poise import _native
from poise.domain.labels import BARE
from poise.optimization.answer import to_result
from poise.optimization.inputs import read_covariance, read_start
from poise.optimization.limits import held_at_upper, leaves_cash, read_box
from poise.optimization.result import OptimizationResult
from poise.typing import ArrayLike, Bounds


def solve_maximum_diversification(
    covariance: ArrayLike,
    *,
    bounds: Bounds | None = None,
    constraints: Any = None,
    groups: Any = None,
    initial_weights: ArrayLike | None = None,
) -> OptimizationResult:
    """Long-only weights with the largest ratio of mean volatility to portfolio volatility.

    Assets without variance get weight 0, or what the bounds force on them.

    Parameters
    ----------
    covariance : array_like of shape (n_assets, n_assets)
        Positive semidefinite; what rounding to three digits spoils is taken with status ``degenerate``.
    bounds : tuple, default=(0, 1)
        Lower and upper bound, each a scalar or one per asset. Negative lower bounds count as 0.
    constraints, groups : optional
        As in :func:`solve_minimum_variance`. Costs of trading have no unit in which a ratio of volatilities
        could take them off; a `TurnoverLimit` does what they would.
    initial_weights : array_like of shape (n_assets,), optional
        The answer of a neighbouring problem, such as that of the bar before: fewer steps to the same answer.
        What breaks a bound or the sum is moved there first. Of no use beside constraints.

    Returns
    -------
    OptimizationResult
        The certificate is the largest violation of the optimality conditions relative to the terms they
        are made of, and where `constraints` matter what the ratio can at most gain, relative; the
        objective is the ratio.

    Raises
    ------
    EmptyUniverseError
        If there are no assets.
    ShapeError
        If the covariance is not square or not symmetric, or a bound has another length.
    NonFiniteError
        If a value is NaN or infinite.
    NotPositiveSemidefiniteError
        If the covariance has a clearly negative direction.
    InfeasibleError
        If the lower bounds sum to more than 1, one exceeds its upper bound, or an upper bound is negative.

    References
    ----------
    .. [1] Choueifaty and Coignard (2008). Toward Maximum Diversification.
    .. [2] Choueifaty, Froidure and Reynier (2013). Properties of the Most Diversified Portfolio.
    """
    if constraints is None:
        plain = _native.plain_maximum_diversification(covariance, bounds, initial_weights)
        if plain is not None:
            return to_result(plain, BARE, "maximum diversification")
    matrix, labels = read_covariance(covariance)
    if constraints is not None:
        from poise.optimization.constrained import read_limits
        from poise.optimization.ratios import maximum_diversification_within

        limits = read_limits(constraints, groups, bounds, len(matrix), labels)
        return maximum_diversification_within(matrix, limits, labels)
    lower, upper = read_box(bounds, len(matrix), labels)
    if upper is not None and leaves_cash(upper):
        _native.maximum_diversification(matrix, None, None)
        return held_at_upper(upper, labels)
    start = read_start(initial_weights, labels)
    solution = _native.maximum_diversification(matrix, lower, upper, start)
    return to_result(solution, labels, "maximum diversification")
