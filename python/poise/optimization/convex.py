"""Any convex program by cvxpy and Clarabel: compiled once per structure, then only its numbers change."""

from __future__ import annotations

import threading
import warnings
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from poise.optimization.constraints.parts import ConstraintSet
from poise.optimization.expressing import (
    checked,
    cp,
    exceeded,
    named_limits,
    own_constraints,
    trade_costs,
)
from poise.optimization.goals import Frictions, Goal, root_of
from poise.typing import Vector

GAP = 1e-9
"""Relative duality gap and feasibility asked of Clarabel, for an objective of size 1."""

GAP_INACCURATE = 1e-5
"""The same where it stops short and says so."""

KEPT = 16
"""How many compiled problems are kept."""

PARAMETERS_UP_TO = 100
"""Assets beyond which compiling with parameters costs more than it saves."""

_compiled: OrderedDict[tuple[Any, ...], Model] = OrderedDict()
_turn = threading.Lock()


class Answer(NamedTuple):
    """What Clarabel found.

    Attributes
    ----------
    weights : ndarray of shape (n_assets,) or None
        None where there are none; `failure` says why.
    exact : bool
        Whether the tolerances asked for were reached.
    iterations : int
    bound : float
        What no weights can fall below: the dual objective, in the unit of the loss.
    prices : dict of str to ndarray
        What one unit of each limit is worth, in the unit of the objective, not negative.
    failure : str
    infeasible : bool
        Whether the failure is that no weights exist.
    """

    weights: Vector | None
    exact: bool = False
    iterations: int = 0
    bound: float = float("nan")
    prices: dict[str, Vector] | None = None
    failure: str = ""
    infeasible: bool = False


class Model(NamedTuple):
    """A compiled problem, its weights, its parameters and its limits by name."""

    problem: Any
    weights: Any
    parameters: dict[str, Any]
    limits: dict[str, Any]


def solve_convex(
    goal: Goal, limits: ConstraintSet, costs: Frictions | None, own_slack: Sequence[float] = ()
) -> Answer:
    """Return the best weights of a convex program.

    Parameters
    ----------
    goal : Quadratic, Ratio or another of their kind
    limits : ConstraintSet
        Its count of assets is left out.
    costs : Frictions, optional
    own_slack : sequence of float
        By how much each of the caller's own constraints may be exceeded.

    Raises
    ------
    ParameterError
        If a constraint of the caller's is not convex by the rules of cvxpy.
    """
    figures = figures_of(goal, limits, costs)
    key = _structure(goal, limits, costs)
    with _turn:
        model = None if key is None else _compiled.get(key)
        if model is None:
            model = _build(goal, limits, costs, figures, parametrised=key is not None, own_slack=own_slack)
            if key is not None:
                _compiled[key] = model
                while len(_compiled) > KEPT:
                    _compiled.popitem(last=False)
        else:
            _compiled.move_to_end(key)  # type: ignore[arg-type]
            for name, parameter in model.parameters.items():
                parameter.value = figures[name]
        return _answer(model, goal)


def figures_of(goal: Goal, limits: ConstraintSet, costs: Frictions | None) -> dict[str, Any]:
    """Return every number of a program by name."""
    row_lower, row_upper = limits.row_limits
    figures: dict[str, Any] = goal.figures() | {
        "lower": limits.lower[np.isfinite(limits.lower)],
        "upper": limits.upper[np.isfinite(limits.upper)],
        "total": np.array(limits.total),
    }
    if limits.rows:
        figures |= {"rows": limits.matrix, "row_lower": row_lower, "row_upper": row_upper}
        figures["row_lower"] = row_lower[np.isfinite(row_lower)]
        figures["row_upper"] = row_upper[np.isfinite(row_upper)]
    for i, each in enumerate(limits.turnover):
        figures |= {f"current {i}": each.weights, f"turnover {i}": np.array(each.limit)}
    if limits.tracking:
        root, scale = _tracking_root(goal)
        for i, each in enumerate(limits.tracking):
            own = root if each.through is None else each.through / scale
            aim = root @ each.weights if each.through is None else each.weights / scale
            figures |= {
                f"root {i}": own,
                f"benchmark {i}": aim,
                f"tracking {i}": np.array(each.limit / scale),
            }
    if costs is not None:
        figures |= {
            "held": costs.current,
            "cost": costs.linear / goal.scale,
            "impact": costs.impact / goal.scale,
        }
    return figures


def own_violations(limits: ConstraintSet, values: Vector) -> list[tuple[str, float]]:
    """Return the caller's own constraints in words and by how much weights violate each.

    Variables of the caller's own beside the weights take the values that violate least.
    """
    weights = cp.Variable(limits.n_assets, name="weights")
    made = own_constraints(limits, weights)
    others = {each.id for one in made for each in one.variables()} - {weights.id}
    if others:
        slack = cp.Variable(len(made), nonneg=True)
        softer = [exceeded(each, slack[i]) for i, each in enumerate(made)]
        soft = [each if soft is None else soft for each, soft in zip(made, softer, strict=True)]
        _, failure = run(cp.Problem(cp.Minimize(cp.sum(slack)), [*soft, weights == values]))
        if failure:
            return [(str(each), np.inf) for each in made]
    weights.value = values
    return [(str(each), float(np.max(each.violation(), initial=0.0))) for each in made]


def run(problem: Any) -> tuple[Any, str]:
    """Solve; return Clarabel's own report and why there is no answer, empty where there is one."""
    options = {
        "tol_gap_abs": GAP,
        "tol_gap_rel": GAP,
        "tol_feas": GAP,
        "reduced_tol_gap_abs": GAP_INACCURATE,
        "reduced_tol_gap_rel": GAP_INACCURATE,
        "reduced_tol_feas": GAP_INACCURATE,
    }
    report = None
    try:
        with warnings.catch_warnings():
            # cvxpy warns of an inaccurate solution; the status of the result says it.
            warnings.simplefilter("ignore", UserWarning)
            # By its three steps, since only the solver's own report has the dual objective.
            data, chain, inverse = problem.get_problem_data(cp.CLARABEL, solver_opts=options)
            report = chain.solve_via_data(problem, data, solver_opts=options)
            problem.unpack_results(report, chain, inverse)
    except cp.error.SolverError as error:
        return report, f"Clarabel stopped: {error}"
    if problem.status in {cp.OPTIMAL, cp.OPTIMAL_INACCURATE}:
        return report, ""
    if problem.status in {cp.INFEASIBLE, cp.INFEASIBLE_INACCURATE}:
        return report, "no weights meet the constraints within the bounds"
    return report, f"Clarabel ended with status {problem.status}"


def _answer(model: Model, goal: Goal) -> Answer:
    report, failure = run(model.problem)
    if failure:
        return Answer(None, failure=failure, infeasible=failure.startswith("no weights"))
    prices = {
        name: np.abs(np.atleast_1d(np.asarray(each.dual_value, dtype=np.float64))) * goal.scale
        for name, each in model.limits.items()
        if each.dual_value is not None and np.ndim(each.dual_value) <= 1
    }
    return Answer(
        np.array(model.weights.value, dtype=np.float64).ravel(),
        exact=model.problem.status == cp.OPTIMAL,
        iterations=int(model.problem.solver_stats.num_iters or 0),
        # Clarabel leaves constants out of both objectives.
        bound=float(model.problem.value - report.obj_val + report.obj_val_dual) * goal.scale,
        prices=prices,
    )


def _build(
    goal: Goal,
    limits: ConstraintSet,
    costs: Frictions | None,
    figures: dict[str, Any],
    *,
    parametrised: bool,
    own_slack: Sequence[float],
) -> Model:
    weights = cp.Variable(limits.n_assets, name="weights")
    parameters: dict[str, Any] = {}
    if parametrised:
        parameters = {
            name: cp.Parameter(np.shape(value), value=value, nonneg=_sign(name))
            for name, value in figures.items()
        }
    terms = {**figures, **parameters}
    spent = 0.0 if costs is None else trade_costs(weights, costs, terms)
    loss, defining = goal.expression(weights, terms, spent)
    named = named_limits(limits, weights, terms)
    own = own_constraints(limits, weights)
    for i, slack in enumerate(own_slack):
        own[i] = own[i] if slack <= 0.0 else exceeded(own[i], slack)
    named |= {f"own {i}": each for i, each in enumerate(own) if each is not None}
    problem = checked(cp.Problem(cp.Minimize(loss), [*named.values(), *defining]))
    return Model(problem, weights, parameters, named)


def _sign(name: str) -> bool | None:
    """Whether a parameter is never negative, which convexity of its product rests on."""
    return True if name in {"cost", "impact"} else None


def _tracking_root(goal: Goal) -> tuple[Any, float]:
    """Return the root of the covariance in units of its mean volatility, and that volatility."""
    scale = float(np.sqrt(np.trace(goal.covariance) / len(goal.covariance))) or 1.0
    return root_of(goal.covariance) / scale, scale


def _structure(goal: Goal, limits: ConstraintSet, costs: Frictions | None) -> tuple[Any, ...] | None:
    """Return what a compiled problem depends on beside numbers; None where it is compiled afresh."""
    if limits.own or goal.kind not in {"quadratic", "ratio"} or limits.n_assets > PARAMETERS_UP_TO:
        return None
    row_lower, row_upper = limits.row_limits
    masks = [limits.lower, limits.upper, row_lower, row_upper, np.array(limits.total)]
    return (
        goal.kind,
        limits.n_assets,
        *(np.isfinite(each).tobytes() for each in masks),
        limits.total[0] == limits.total[1],
        tuple(None if each.through is None else each.through.tobytes() for each in limits.turnover),
        tuple(None if each.through is None else each.through.shape for each in limits.tracking),
        costs is not None,
        costs is not None and bool(costs.impact.any()),
    )
