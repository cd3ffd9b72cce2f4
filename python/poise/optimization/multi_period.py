"""Trade now with the next few steps in view: a quadratic program over the trades of a short horizon."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

import numpy as np

from poise import _native
from poise.domain.arrays import float_array
from poise.domain.labels import Labels, unwrap_matrix, unwrap_square
from poise.errors import EmptyInputError, NonFiniteError, ParameterError, ShapeError
from poise.optimization.constrained import read_limits
from poise.optimization.constraints.parts import ConstraintSet
from poise.optimization.goals import Frictions
from poise.optimization.guarantees import require_promises, settled
from poise.optimization.horizon import limits_over_time, require_one_start, stacked, utility_untraded
from poise.optimization.inputs import read_real
from poise.optimization.limits import read_bounds
from poise.optimization.programs import solve_program
from poise.optimization.readings import read_constraints
from poise.optimization.result import OptimizationResult
from poise.optimization.trading_costs import TradingCosts
from poise.typing import ArrayLike, Bounds, Matrix, Vector


@dataclass(frozen=True, eq=False)
class TradingPlan:
    """What to trade now, and what is intended after it.

    Attributes
    ----------
    trade : ndarray, Series or frame of shape (n_assets,)
        Changes of weight to make now.
    weights : ndarray, Series or frame of shape (n_assets,)
        The weights after that trade.
    plan : ndarray or frame of shape (horizon, n_assets)
        The weights intended for each step; the first row are `weights`. Only the first is meant to be
        traded: at the next bar one solves again.
    result : OptimizationResult
        The answer for `weights`. Certificate, objective and gap are those of the whole horizon; limits of
        later steps carry the step in their names where they had to give way.
    """

    trade: Any
    weights: Any
    plan: Any
    result: OptimizationResult


def solve_multi_period(
    expected_returns: ArrayLike,
    covariance: ArrayLike,
    *,
    costs: TradingCosts,
    risk_aversion: float,
    bounds: Bounds | None = None,
    constraints: Any = None,
    groups: Any = None,
) -> TradingPlan:
    """Return the first of the trades that maximise the utility of a few steps after all costs.

    The sum over the steps of ``mu'w - risk_aversion / 2 * w'Sw`` less what each step's trade costs. Where the
    view fades over the steps, trades aim in front of the target and go part of the way.

    Parameters
    ----------
    expected_returns : array_like of shape (horizon, n_assets)
        Per step, as fractions: row ``h`` is what is expected of the step after the trade ``h``.
    covariance : array_like of shape (n_assets, n_assets) or (horizon, n_assets, n_assets)
        Per step, positive semidefinite.
    costs : TradingCosts
        From the current weights. Every step pays for its own trade: `holding_periods` other than 1 says that
        a trade outlives the horizon by that factor.
    risk_aversion : float
        Positive.
    bounds : tuple, default=(0, 1)
        Of every step: lower and upper bound, each a scalar or one per asset.
    constraints, groups : optional
        Of every step, as in :func:`solve_minimum_variance`: linear ones, groups, factors, the budget, sets by
        regime, turnover and participation (of each step's own trade) and tracking error (of the weights
        after it, by the step's covariance). Those that name current weights name those of `costs`.

    Returns
    -------
    TradingPlan

    Raises
    ------
    EmptyInputError
        If there is no step or no asset.
    ShapeError, NonFiniteError, NotPositiveSemidefiniteError, InfeasibleError
        As :func:`solve_mean_variance`.
    ParameterError
        If the risk aversion is not positive, a constraint counts positions or is cvxpy's own, or one starts
        from other current weights than the costs.

    Notes
    -----
    Weights are taken not to drift between the steps, which over a few of them moves the answer by less than
    its inputs are known to. Without a limit that binds later, one step with costs spread over the holding
    time (`TradingCosts.holding_periods`) gives nearly the same first trade.

    References
    ----------
    .. [1] Boyd et al. (2017). Multi-Period Trading via Convex Optimization.
    .. [2] Garleanu and Pedersen (2013). Dynamic Trading with Predictable Returns and Transaction Costs.

    Examples
    --------
    >>> from poise.optimization import TradingCosts
    >>> costs = TradingCosts([1.0, 0.0], fee=0.002)
    >>> fading = [[0.0, 0.004], [0.0, 0.001], [0.0, 0.0]]
    >>> plan = solve_multi_period(fading, [[4e-4, 0.0], [0.0, 4e-4]], costs=costs, risk_aversion=5.0)
    >>> plan.plan.round(4)
    array([[0.4167, 0.5833],
           [0.4167, 0.5833],
           [0.4167, 0.5833]])
    """
    began = perf_counter()
    means, labels = unwrap_matrix(expected_returns, "expected_returns")
    if not means.size:
        raise EmptyInputError(f"expected_returns has shape {means.shape}; pass at least one step and asset")
    # In one order of summation, whatever the layout.
    means = np.ascontiguousarray(means)
    horizon, n_assets = means.shape
    matrices, labels = _covariances(covariance, horizon, n_assets, Labels(labels.kind, labels.assets))
    aversion = read_real(risk_aversion, "risk_aversion")
    limits = read_limits(constraints, groups, bounds, n_assets, labels)
    if limits.count or limits.own:
        what = limits.count.name if limits.count else "constraints of cvxpy"
        raise ParameterError(
            f"{what} cannot be kept over several steps; drop it, or solve one step by solve_mean_variance"
        )
    for step in range(horizon):
        # The one-step problem proves that the input can be used.
        _native.mean_variance(means[step], matrices[step], aversion, np.zeros(n_assets), np.ones(n_assets))
    frictions = costs.frictions(labels, n_assets)
    require_one_start(limits, frictions.current)
    hard = read_bounds(bounds, n_assets, labels, total=np.inf)
    with np.errstate(over="ignore", invalid="ignore"):
        goal = stacked(means, matrices, aversion, frictions.current)
        untraded = utility_untraded(means, matrices, aversion, frictions.current)
    if not (
        np.isfinite(goal.covariance).all() and np.isfinite(goal.linear).all() and math.isfinite(untraded)
    ):
        raise NonFiniteError("the utility of the current weights overflows; rescale the inputs")
    trades = Frictions(
        np.zeros(horizon * n_assets), np.tile(frictions.linear, horizon), np.tile(frictions.impact, horizon)
    )
    whole = solve_program(
        goal, limits_over_time(limits, hard, matrices, frictions.current), trades, Labels(), began=began
    )
    whole = replace(whole, objective=whole.objective + untraded)
    return _plan(whole, limits, hard, matrices[0], frictions.current, labels)


def _covariances(
    covariance: ArrayLike, horizon: int, n_assets: int, labels: Labels
) -> tuple[list[Matrix], Labels]:
    """Return one covariance per step, and the labels."""
    plain = isinstance(covariance, np.ndarray | list | tuple)
    stack = float_array(covariance, "covariance") if plain else None
    if stack is not None and stack.ndim == 3:
        if stack.shape != (horizon, n_assets, n_assets):
            raise ShapeError(f"covariance has shape {stack.shape} for {horizon} steps of {n_assets} assets")
        return [np.ascontiguousarray(each) for each in stack], labels
    matrix, own = unwrap_square(covariance)
    if len(matrix) != n_assets:
        raise ShapeError(f"covariance has shape {matrix.shape} for {n_assets} assets")
    if own.assets is not None and labels.assets is not None and tuple(own.assets) != tuple(labels.assets):
        raise ShapeError("covariance and expected_returns have other assets or another order; align them")
    return [np.ascontiguousarray(matrix)] * horizon, labels if own.assets is None else own


def _plan(
    whole: OptimizationResult,
    limits: ConstraintSet,
    hard: tuple[Vector, Vector],
    covariance: Matrix,
    current: Vector,
    labels: Labels,
) -> TradingPlan:
    trades = np.asarray(whole.weights).reshape(-1, limits.n_assets)
    total = limits.total if not whole.relaxations else (-np.inf, np.inf)
    plan = np.array(
        [
            settled(
                weights, *((limits.lower, limits.upper) if step == 0 else hard), total, weights == current
            )
            for step, weights in enumerate(current + np.cumsum(trades, axis=0))
        ]
    )
    weights = plan[0].copy()
    require_promises(weights, limits.lower, limits.upper, total)
    prices = {reading.name.removesuffix(", step 1"): reading.price for reading in whole.constraints}
    prices[limits.total_name] = prices.get(limits.total_name or "sum of weights", np.nan)
    result = replace(
        whole,
        weights=labels.vector(weights),
        binding=(),
        constraints=read_constraints(limits, weights, covariance, prices),
    )
    return TradingPlan(
        trade=labels.vector(weights - current),
        weights=result.weights,
        plan=Labels(labels.kind, labels.assets).frame(plan),
        result=result,
    )
