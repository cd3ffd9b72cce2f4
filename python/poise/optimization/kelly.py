"""Kelly's weights: the largest expected logarithmic growth over scenarios, and its quadratic form."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from poise import _native
from poise.domain.labels import unwrap_square, unwrap_vector
from poise.errors import EmptyUniverseError, ParameterError
from poise.optimization.answer import binding_bounds, remarks, to_result
from poise.optimization.inputs import read_real
from poise.optimization.limits import read_bounds
from poise.optimization.result import OptimizationResult, OptimizationStatus
from poise.optimization.tail_programs import read_scenarios
from poise.typing import ArrayLike, Bounds

if TYPE_CHECKING:
    from poise.optimization.trading_costs import TradingCosts


def solve_kelly(
    returns: ArrayLike,
    *,
    fraction: float = 0.25,
    probabilities: ArrayLike | None = None,
    risk_free_rate: float = 0.0,
    bounds: Bounds | None = None,
    drawdown: tuple[float, float] | None = None,
    constraints: Any = None,
    groups: Any = None,
    costs: TradingCosts | None = None,
) -> OptimizationResult:
    """Weights of largest expected logarithmic growth, or a fraction of them; what they leave stays cash.

    The full Kelly weights ``k`` maximise ``sum(p * log(1 + f + (r - f)'k))`` with ``sum(k) <= 1``, ``f`` the
    risk-free rate. ``fraction * k`` is returned, and the bounds hold for it: ``k`` keeps them divided by
    `fraction`. With estimated returns full Kelly bets far too much, hence a quarter unless told.

    Parameters
    ----------
    returns : array_like of shape (n_observations, n_assets)
        Simple returns per period, one scenario a row, as fractions. Finite.
    fraction : float, default=0.25
        From 1e-9 to 1.
    probabilities : array_like of shape (n_observations,), optional
        Of the scenarios, not negative, in any unit; equal unless given.
    risk_free_rate : float, default=0.0
        What cash earns per period, above -1.
    bounds : tuple, default=(0, 1)
        Lower and upper bound, each a scalar or one per asset. Lower bounds are finite; negative ones allow
        short sales, whose proceeds are cash.
    drawdown : tuple of float, optional
        ``(alpha, beta)``, each between 0 and 1: wealth shall fall below the fraction `alpha` of its start
        with a probability below `beta`. Kept by ``E (growth)**(-lambda) <= 1`` with ``lambda = log(beta) /
        log(alpha)``, which the full weights meet and any fraction of them then meets as well.
    constraints, groups : optional
        As in :func:`solve_minimum_variance`, on the weights returned. Unless there is a `Budget` among them
        these sum to at most `fraction`.
    costs : TradingCosts, optional
        What the trades to the weights returned cost, taken off the growth of every scenario.

    Returns
    -------
    OptimizationResult
        The objective is the expected logarithmic growth per period of the weights returned, cash included.
        Certificate and duality gap are those of the full weights: the gap of the Lagrangian, linear at the
        answer, relative to the mean absolute logarithmic growth (or to a millionth of the mean absolute
        excess return, where that is more). All cash, with weights exactly 0, where no
        asset has an edge over cash.

    Raises
    ------
    EmptyUniverseError
        If there are no assets.
    EmptyInputError
        If there are no scenarios.
    ShapeError
        If a vector has another length.
    NonFiniteError
        If a value is NaN or infinite.
    ParameterError
        If a parameter is outside its range, a return beyond 1e150, a probability is negative or none is
        positive, or the risk-free rate is negative under a drawdown limit.
    InfeasibleError
        If a lower bound is open or exceeds its upper bound, the lower bounds sum to more than `fraction`, the
        weights nearest to cash lose everything in a scenario, or bounds exclude cash under a drawdown limit.

    References
    ----------
    .. [1] Kelly (1956). A New Interpretation of Information Rate. Bell System Technical Journal 35.
    .. [2] Busseti, Ryu and Boyd (2016). Risk-Constrained Kelly Gambling. Journal of Investing 25.

    Examples
    --------
    >>> from poise.optimization import solve_kelly
    >>> bet = [[1.5], [-1.0]]  # pays three for two; won with probability 0.55
    >>> solve_kelly(bet, fraction=1.0, probabilities=[0.55, 0.45]).weights.round(6)
    array([0.25])
    """
    if constraints is not None or costs is not None:
        from poise.optimization.scenario_programs import kelly_within

        choices: dict[str, Any] = {"probabilities": probabilities, "risk_free_rate": risk_free_rate}
        choices["bounds"] = bounds
        plain = solve_kelly(returns, fraction=fraction, drawdown=drawdown, **choices)
        power = _power(drawdown) or 0.0
        return kelly_within(
            plain, returns, (constraints, groups, costs), fraction=float(fraction), power=power, **choices
        )
    started = time.perf_counter()
    matrix, labels = read_scenarios(returns)
    shares = None if probabilities is None else unwrap_vector(probabilities, "probabilities")[0]
    box = read_bounds(bounds, matrix.shape[1], labels)
    part, rate = read_real(fraction, "fraction"), read_real(risk_free_rate, "risk_free_rate")
    solution, objective, gap = _native.kelly(matrix, part, rate, box, shares, _power(drawdown))
    result = to_result(solution, labels, "Kelly")
    return replace(result, objective=objective, duality_gap=gap, seconds=time.perf_counter() - started)


def solve_kelly_quadratic(
    expected_returns: ArrayLike,
    covariance: ArrayLike,
    *,
    fraction: float = 0.25,
    risk_free_rate: float = 0.0,
    bounds: Bounds | None = None,
) -> OptimizationResult:
    """Kelly's weights to second order: ``(mu - f)'w - w'Sw / (2 * fraction)`` is largest, ``sum(w) <= 1``.

    Where no bound and no budget binds these are ``fraction`` times the weights of full Kelly. Unlike
    :func:`solve_kelly` a budget that binds is weighed against the risk of the fraction, not scaled.

    Parameters
    ----------
    expected_returns : array_like of shape (n_assets,)
        Per period of the covariance, as fractions.
    covariance : array_like of shape (n_assets, n_assets)
        Positive semidefinite; what rounding to three digits spoils is taken with status ``degenerate``.
    fraction : float, default=0.25
        Above 0 and at most 1.
    risk_free_rate : float, default=0.0
        What cash earns per period.
    bounds : tuple, default=(0, 1)
        Lower and upper bound, each a scalar or one per asset; negative and infinite ones are allowed.

    Returns
    -------
    OptimizationResult
        The objective is the value of the expression above at the weights, the risk-free rate added; the
        certificate is that of :func:`solve_mean_variance` with cash as one more asset.

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
        If `fraction` is outside its range.
    InfeasibleError
        If the lower bounds sum to more than 1 or one exceeds its upper bound.

    References
    ----------
    .. [1] Thorp (2006). The Kelly Criterion in Blackjack, Sports Betting and the Stock Market.
    """
    started = time.perf_counter()
    matrix, labels = unwrap_square(covariance)
    n_assets = len(matrix)
    if not n_assets:
        raise EmptyUniverseError("covariance has no assets; widen the universe")
    means, labels = unwrap_vector(expected_returns, "expected_returns", labels)
    lower, upper = read_bounds(bounds, n_assets, labels)
    part, rate = read_real(fraction, "fraction"), read_real(risk_free_rate, "risk_free_rate")
    if not 0.0 < part <= 1.0:
        raise ParameterError(f"fraction is {part}, expected a number above 0 and at most 1")
    if not math.isfinite(rate):
        raise ParameterError(f"risk_free_rate is {rate}, expected a finite number")
    with_cash = np.zeros((n_assets + 1, n_assets + 1))
    with_cash[:n_assets, :n_assets] = matrix
    solution = _native.mean_variance(
        np.r_[means - rate, 0.0], with_cash, 1.0 / part, np.r_[lower, 0.0], np.r_[upper, np.inf]
    )
    weights = solution.weights[:n_assets]
    risk = float(weights @ matrix @ weights)
    edge = float((means - rate) @ weights)
    # Cash, which has no variance, makes the matrix singular: what is said is said of the covariance itself.
    own = _native.minimum_variance(matrix, np.zeros(n_assets), np.ones(n_assets)) if solution.ridge else None
    return OptimizationResult(
        weights=labels.vector(np.ascontiguousarray(weights)),
        status=OptimizationStatus.OPTIMAL if own is None else OptimizationStatus(own.status),
        certificate=solution.certificate,
        iterations=solution.iterations,
        binding=binding_bounds(solution.sides[:n_assets], labels, solution.prices),
        messages=() if own is None else tuple(remarks(own, labels)),
        objective=rate + edge - risk / (2.0 * part),
        seconds=time.perf_counter() - started,
    )


def _power(drawdown: tuple[float, float] | None) -> float | None:
    """Return ``log(beta) / log(alpha)``."""
    if drawdown is None:
        return None
    if not (isinstance(drawdown, tuple | list) and len(drawdown) == 2):
        raise ParameterError(f"drawdown is {drawdown!r}, expected a pair (alpha, beta)")
    alpha, beta = (read_real(value, "a part of drawdown") for value in drawdown)
    if not (0.0 < alpha < 1.0 and 0.0 < beta < 1.0):
        raise ParameterError(f"drawdown is {drawdown!r}, expected two numbers strictly between 0 and 1")
    return math.log(beta) / math.log(alpha)
