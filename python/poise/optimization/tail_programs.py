"""Weights whose losses or drawdowns beyond a quantile are least: minimum CVaR and minimum CDaR."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from poise import _native
from poise.domain.labels import Labels, unwrap_matrix, unwrap_vector
from poise.errors import EmptyInputError, EmptyUniverseError, NonFiniteError, ParameterError, ShapeError
from poise.optimization.answer import binding_bounds, to_result
from poise.optimization.box import BoundPair, greedy, sides_of
from poise.optimization.constraints.parts import ConstraintSet, Row, limit_words
from poise.optimization.drawdown_program import minimum_cdar
from poise.optimization.inputs import read_real
from poise.optimization.limits import held_at_upper, leaves_cash, read_bounds
from poise.optimization.readings import read_constraints
from poise.optimization.result import OptimizationResult, OptimizationStatus, Relaxation
from poise.typing import ArrayLike, Bounds, Matrix, Vector

if TYPE_CHECKING:
    from poise.optimization.trading_costs import TradingCosts

Floor = tuple[Vector, float]


def solve_minimum_cvar(
    returns: ArrayLike,
    *,
    confidence_level: float = 0.95,
    probabilities: ArrayLike | None = None,
    expected_returns: ArrayLike | None = None,
    minimum_return: float | None = None,
    bounds: Bounds | None = None,
    constraints: Any = None,
    groups: Any = None,
    costs: TradingCosts | None = None,
) -> OptimizationResult:
    """Weights of least conditional value at risk over scenarios, within the bounds.

    Parameters
    ----------
    returns : array_like of shape (n_observations, n_assets)
        Simple returns per period, one scenario a row, as fractions. Finite.
    confidence_level : float, default=0.95
        Strictly between 0 and 1.
    probabilities : array_like of shape (n_observations,), optional
        Of the scenarios, not negative, in any unit; equal unless given.
    expected_returns : array_like of shape (n_assets,), optional
        What `minimum_return` is read against; the mean of the scenarios unless given.
    minimum_return : float, optional
        The least expected return of the weights, per period, as a fraction.
    bounds : tuple, default=(0, 1)
        Lower and upper bound, each a scalar or one per asset. An open side is closed by the budget where the
        other bounds allow it.
    constraints, groups : optional
        As in :func:`solve_minimum_variance`.
    costs : TradingCosts, optional
        A loss in every scenario, per period.

    Returns
    -------
    OptimizationResult
        The objective is the CVaR of the weights, a positive loss, as
        :func:`poise.risk.conditional_value_at_risk` reads it. The certificate is the gap to a feasible dual,
        relative to the largest of the CVaR, the mean over scenarios of ``sum(abs(w * r))`` and a millionth of
        the mean absolute return. `constraints` read `minimum_return` off the weights, with its price. An
        asset whose return never varies gets weight 0, or what bounds and `minimum_return` force on it. Where
        no weights earn `minimum_return`, those that earn the most are returned with status ``infeasible``.

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
        If the level is outside (0, 1), a return beyond 1e150, or a probability is negative or none is
        positive.
    InfeasibleError
        If the lower bounds sum to more than 1, one exceeds its upper bound, or a side stays open.

    References
    ----------
    .. [1] Rockafellar and Uryasev (2000). Optimization of Conditional Value-at-Risk. Journal of Risk 2.
    .. [2] Mehrotra (1992). On the Implementation of a Primal-Dual Interior Point Method.

    Examples
    --------
    >>> import numpy as np
    >>> from poise.optimization import solve_minimum_cvar
    >>> returns = np.array([[0.02, -0.01], [-0.02, 0.03], [0.01, 0.01], [-0.01, -0.02]])
    >>> result = solve_minimum_cvar(returns, confidence_level=0.5)
    >>> result.weights.round(4), round(result.objective, 6)
    (array([0.5, 0.5]), 0.005)
    """
    if constraints is not None or costs is not None:
        from poise.optimization.scenario_programs import minimum_cvar_within

        options: dict[str, Any] = {"expected_returns": expected_returns, "minimum_return": minimum_return}
        options["bounds"] = bounds
        choices: dict[str, Any] = {
            "confidence_level": confidence_level,
            "probabilities": probabilities,
            **options,
        }
        plain = solve_minimum_cvar(returns, **choices)
        return minimum_cvar_within(plain, returns, (constraints, groups, costs), **choices)
    started = time.perf_counter()
    matrix, labels = read_scenarios(returns)
    shares = None if probabilities is None else unwrap_vector(probabilities, "probabilities")[0]
    lower, upper = read_bounds(bounds, matrix.shape[1], labels)
    floor = read_floor(matrix, shares, expected_returns, minimum_return, labels)
    level = read_real(confidence_level, "confidence_level")
    if leaves_cash(upper):
        _native.minimum_cvar(matrix, level, (np.zeros(len(upper)), np.ones(len(upper))), shares, None)
        return replace(held_at_upper(upper, labels), seconds=time.perf_counter() - started)
    short = None if floor is None else _out_of_reach(floor, lower, upper)
    if floor is not None and short is not None:
        # What earns the most is all that is left, fixed as bounds.
        box, asked = (short, short), None
    else:
        box, asked = (lower, upper), floor
    solution, objective, gap, price = _native.minimum_cvar(matrix, level, box, shares, asked)
    result = replace(to_result(solution, labels, "minimum CVaR"), objective=objective, duality_gap=gap)
    if floor is not None:
        result = _with_floor(result, floor, short, (lower, upper), price, labels)
    return replace(result, seconds=time.perf_counter() - started)


def solve_minimum_cdar(
    returns: ArrayLike,
    *,
    confidence_level: float = 0.95,
    expected_returns: ArrayLike | None = None,
    minimum_return: float | None = None,
    bounds: Bounds | None = None,
    constraints: Any = None,
    groups: Any = None,
    costs: TradingCosts | None = None,
) -> OptimizationResult:
    """Weights of least conditional drawdown at risk, within the bounds.

    Drawdowns are those of uncompounded returns, as in the paper: the fall of the running sum of the
    portfolio's simple returns below its highest value, the start (0) counted. They are in units of the
    initial value, and differ from :func:`poise.risk.conditional_drawdown_at_risk`, which compounds.
    Solved as a linear program by HiGHS, through SciPy.

    Parameters
    ----------
    returns : array_like of shape (n_observations, n_assets)
        Simple returns per period in the order of time, as fractions. Finite.
    confidence_level : float, default=0.95
        Strictly between 0 and 1; near 0 the mean drawdown, near 1 the largest.
    expected_returns : array_like of shape (n_assets,), optional
        What `minimum_return` is read against; the mean of the returns unless given.
    minimum_return : float, optional
        The least expected return of the weights, per period, as a fraction.
    bounds : tuple, default=(0, 1)
        Lower and upper bound, each a scalar or one per asset; negative and infinite ones are allowed.
    constraints, groups : optional
        As in :func:`solve_minimum_variance`.
    costs : TradingCosts, optional
        A loss in every scenario, per period.

    Returns
    -------
    OptimizationResult
        The objective is the CDaR of the weights, a positive loss. The certificate is the gap to a bound from
        below that holds whatever HiGHS did, relative to the largest of the CDaR, the mean over time of
        ``sum(abs(w * r))`` and a millionth of the mean absolute return. `constraints` read `minimum_return`
        off the weights, with its price; where no weights earn it, those that earn the most are returned with
        status ``infeasible``.

    Raises
    ------
    EmptyUniverseError
        If there are no assets.
    EmptyInputError
        If there are no observations.
    ShapeError
        If a vector has another length.
    NonFiniteError
        If a value is NaN or infinite.
    ParameterError
        If the level is outside (0, 1).
    InfeasibleError
        If the lower bounds sum to more than 1, one exceeds its upper bound, or a side stays open.
    NotConvergedError
        If HiGHS stops without an answer.

    References
    ----------
    .. [1] Chekhlov, Uryasev and Zabarankin (2005). Drawdown Measure in Portfolio Optimization.
       International Journal of Theoretical and Applied Finance 8.
    """
    if constraints is not None or costs is not None:
        from poise.optimization.scenario_programs import minimum_cdar_within

        options: dict[str, Any] = {"expected_returns": expected_returns, "minimum_return": minimum_return}
        options["bounds"] = bounds
        plain = solve_minimum_cdar(returns, confidence_level=confidence_level, **options)
        limits = (constraints, groups, costs)
        return minimum_cdar_within(plain, returns, limits, confidence_level=confidence_level, **options)
    started = time.perf_counter()
    matrix, labels = read_scenarios(returns)
    # In one order of summation, whatever the layout.
    matrix = np.ascontiguousarray(matrix)
    _refuse_missing(matrix)
    level = read_real(confidence_level, "confidence_level")
    if not 0.0 < level < 1.0:
        raise ParameterError(f"confidence_level is {level}, expected a number strictly between 0 and 1")
    lower, upper = read_bounds(bounds, matrix.shape[1], labels)
    floor = read_floor(matrix, None, expected_returns, minimum_return, labels)
    if leaves_cash(upper):
        return replace(held_at_upper(upper, labels), seconds=time.perf_counter() - started)
    short = None if floor is None else _out_of_reach(floor, lower, upper)
    if floor is not None and short is not None:
        result, price = minimum_cdar(matrix, level, (short, short), None, labels)
    else:
        result, price = minimum_cdar(matrix, level, (lower, upper), floor, labels)
    if floor is not None:
        result = _with_floor(result, floor, short, (lower, upper), price, labels)
    return replace(result, seconds=time.perf_counter() - started)


def read_scenarios(returns: ArrayLike) -> tuple[Matrix, Labels]:
    """Return scenarios as a matrix with one row and one asset at least."""
    matrix, labels = unwrap_matrix(returns, "returns")
    if not matrix.shape[1]:
        raise EmptyUniverseError("returns has no assets; widen the universe")
    if not matrix.shape[0]:
        raise EmptyInputError("returns has no observations; pass at least one scenario")
    return matrix, labels


def _refuse_missing(matrix: Matrix) -> None:
    bad = np.argwhere(~np.isfinite(matrix))
    if len(bad):
        row, column = bad[0]
        raise NonFiniteError(
            f"returns holds {matrix[row, column]} at row {row}, column {column}; remove or fill it first"
        )


def read_floor(
    matrix: Matrix,
    shares: Vector | None,
    expected_returns: ArrayLike | None,
    minimum_return: float | None,
    labels: Labels,
) -> Floor | None:
    """Return the expected returns and the least of them that is asked for, if one is."""
    if minimum_return is None:
        return None
    least = read_real(minimum_return, "minimum_return")
    if not math.isfinite(least):
        raise NonFiniteError(f"minimum_return is {least}; pass a finite number, or None to ask for no return")
    if expected_returns is None:
        usable = shares is not None and shares.shape == (len(matrix),) and shares.sum() > 0.0
        return np.average(matrix, axis=0, weights=shares if usable else None), least
    means, _ = unwrap_vector(expected_returns, "expected_returns", labels)
    if means.shape != (matrix.shape[1],):
        raise ShapeError(
            f"expected_returns has shape {means.shape}, expected ({matrix.shape[1]},); pass one per asset"
        )
    return means, least


def _out_of_reach(floor: Floor, lower: Vector, upper: Vector) -> Vector | None:
    """Return the weights that earn the most, where even they fall short of the floor."""
    means, least = floor
    if not (np.isfinite(lower).all() and np.isfinite(means).all()):
        return None
    weights = greedy(means, lower, upper)
    return weights if float(means @ weights) < least else None


def _with_floor(
    result: OptimizationResult,
    floor: Floor,
    short: Vector | None,
    bounds: BoundPair,
    price: float,
    labels: Labels,
) -> OptimizationResult:
    """Say what the weights earn beside the floor; `short` earn the most, where the floor is out of reach."""
    means, least = floor
    weights = np.ravel(np.asarray(result.weights, dtype=np.float64))
    name, earned = limit_words("expected return", least, np.inf), float(means @ weights)
    row = Row(name, means, least, np.inf, "expected return")
    (reading,) = read_constraints(
        ConstraintSet(*bounds, rows=(row,)), weights, np.zeros((0, 0)), {name: price}
    )
    if short is None:
        return replace(result, constraints=(reading,))
    words = f"minimum_return {least:.6g} is out of reach; it must become at most {earned:.6g}"
    return replace(
        result,
        status=OptimizationStatus.INFEASIBLE,
        # Fixed as bounds they would all seem to bind.
        binding=binding_bounds(sides_of(weights, *bounds), labels),
        constraints=(reading._replace(price=math.nan),),
        relaxations=(Relaxation("minimum_return", least - earned, words),),
        messages=(*result.messages, words),
    )
