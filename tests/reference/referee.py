"""How an answer to a program is judged beside cvxpy's: by what it costs and what it keeps."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from poise import _native
from tests.reference import programs
from tests.tolerances import REFEREE, SOLVER, SUM


def judged(problem: programs.Problem) -> str:
    """Solve a program, assert what must hold of any answer, and return its status."""
    solution = _native.quadratic_program(**problem.arguments())
    weights = solution.weights
    assert np.isfinite(weights).all(), problem.kind
    assert not (np.signbit(weights) & (weights == 0.0)).any()
    missed = problem.violations(weights)
    assert missed["bounds"] == 0.0
    assert solution.status in ("optimal", "degenerate", "infeasible"), (problem.kind, solution.certificate)
    assert solution.certificate <= SOLVER, problem.kind
    given_way = [solution.budget_relaxation, solution.turnover_relaxation, *solution.row_relaxations]
    assert min(given_way) >= 0.0
    if solution.status == "infeasible":
        _judge_relaxation(problem, solution, missed)
        return "infeasible"
    assert max(given_way) == 0.0
    assert missed["budget"] <= SUM * max(1.0, *map(abs, problem.total))
    size = np.maximum(np.abs(problem.rows) @ np.abs(weights), 1.0)
    activity = problem.rows @ weights
    assert np.all(activity >= problem.row_lower - 10.0 * SUM * size)
    assert np.all(activity <= problem.row_upper + 10.0 * SUM * size)
    assert missed["turnover"] <= 10.0 * SUM
    rival = referee(problem)
    if rival is not None:
        # The referee's weights are judged within their bounds, where they may miss rows by its tolerance.
        least = problem.objective(np.clip(rival, problem.lower, problem.upper))
        allowed = SOLVER * max(
            abs(solution.objective), problem.scale(), float(np.abs(problem.linear).max()) * SOLVER
        )
        assert solution.objective <= least + allowed, (problem.kind, solution.objective - least)
    return str(solution.status)


def _judge_relaxation(
    problem: programs.Problem, solution: _native.ProgramSolution, missed: dict[str, float]
) -> None:
    """What gives way is what is missed, and no other weights within the bounds miss less."""
    assert abs(solution.budget_relaxation - missed["budget"]) <= REFEREE
    sizes = np.abs(problem.rows).max(axis=1, initial=0.0)
    rows = solution.row_relaxations / np.where(sizes > 0.0, sizes, 1.0)
    both = solution.budget_relaxation + rows.sum() + _turned_over_too_much(problem, solution.weights)
    assert both > 0.0
    assert both <= least_relaxation(problem) + REFEREE, problem.kind


def _turned_over_too_much(problem: programs.Problem, weights: np.ndarray) -> float:
    if problem.current is None or problem.turnover == np.inf:
        return 0.0
    moved = weights - problem.current
    traded = np.array([np.maximum(moved, 0.0).sum(), np.maximum(-moved, 0.0).sum()])
    return float(np.maximum(traded - problem.turnover, 0.0).sum())


def judged_ratio(problem: programs.Problem) -> str:
    """Solve for the largest ratio of a program without its costs, and judge it."""
    arguments = problem.arguments()
    arguments["excess"] = arguments.pop("linear")
    del arguments["linear_cost"], arguments["impact_cost"]
    solution = _native.maximum_ratio_program(**arguments)
    assert solution.status in ("optimal", "degenerate", "infeasible"), (problem.kind, solution.certificate)
    assert problem.violations(solution.weights)["bounds"] == 0.0
    if solution.status != "infeasible":
        assert max(problem.violations(solution.weights).values()) <= 10.0 * SUM
    if solution.status == "optimal" and problem.linear.any():
        best = largest_ratio(problem)
        assert best is None or solution.objective >= best - SOLVER * max(abs(best), 1.0)
    return str(solution.status)


def referee(problem: programs.Problem) -> np.ndarray | None:
    """Return cvxpy's and Clarabel's weights, None where they find none."""
    import cvxpy as cp

    unit = max(problem.scale(), float(np.abs(problem.linear).max()) * 1e-3) or 1.0
    values, vectors = np.linalg.eigh(problem.hessian / unit)
    factor = (vectors * np.sqrt(np.maximum(values, 0.0))).T
    w = cp.Variable(problem.n)
    objective = 0.5 * cp.sum_squares(factor @ w) - (problem.linear / unit) @ w
    limits = [w >= problem.lower, w <= problem.upper, *between(cp.sum(w), *problem.total)]
    for row, low, high in zip(problem.rows, problem.row_lower, problem.row_upper, strict=True):
        limits += between(row @ w, low, high)
    if problem.current is not None:
        moved = w - problem.current
        if problem.linear_cost is not None:
            objective += (problem.linear_cost / unit) @ cp.abs(moved)
        if problem.impact_cost is not None:
            objective += (problem.impact_cost / unit) @ cp.power(cp.abs(moved), 1.5, approx=False)
        if problem.turnover < np.inf:
            limits.append(0.5 * (cp.norm1(moved) + cp.abs(cp.sum(moved))) <= problem.turnover)
    stated = cp.Problem(cp.Minimize(objective), limits)
    if not _is_solved(stated, 1e-10):
        return None
    return np.asarray(w.value)


def _is_solved(stated: Any, tolerance: float) -> bool:
    """Whether Clarabel solves it; an answer that it calls inaccurate is none to judge others by."""
    import cvxpy as cp

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Solution may be inaccurate")
        try:
            stated.solve(solver=cp.CLARABEL, tol_gap_abs=tolerance, tol_gap_rel=tolerance, tol_feas=tolerance)
        except cp.SolverError:
            return False
    return stated.status == cp.OPTIMAL


def least_relaxation(problem: programs.Problem) -> float:
    """Return the least sum of violations, rows in units of their largest entry, by a linear program."""
    import cvxpy as cp

    w, sizes = cp.Variable(problem.n), np.abs(problem.rows).max(axis=1, initial=0.0)
    missed = [cp.pos(problem.total[0] - cp.sum(w)), cp.pos(cp.sum(w) - problem.total[1])]
    for row, size, low, high in zip(problem.rows, sizes, problem.row_lower, problem.row_upper, strict=True):
        if low > -np.inf:
            missed.append(cp.pos(low - row @ w) / (size or 1.0))
        if high < np.inf:
            missed.append(cp.pos(row @ w - high) / (size or 1.0))
    if problem.current is not None and problem.turnover < np.inf:
        moved = w - problem.current
        missed += [cp.pos(cp.sum(cp.pos(sign * moved)) - problem.turnover) for sign in (1.0, -1.0)]
    stated = cp.Problem(cp.Minimize(sum(missed)), [w >= problem.lower, w <= problem.upper])
    return float(stated.solve(solver=cp.CLARABEL))


def largest_ratio(problem: programs.Problem) -> float | None:
    """Return the most `linear'w` per volatility by the homogenised program, if Clarabel finds it."""
    import cvxpy as cp

    values, vectors = np.linalg.eigh(problem.hessian / problem.scale())
    factor = (vectors * np.sqrt(np.maximum(values, 0.0))).T
    y, t = cp.Variable(problem.n), cp.Variable(nonneg=True)
    limits = [y >= problem.lower * t, y <= problem.upper * t]
    limits.append(problem.linear / np.abs(problem.linear).max() @ y == 1.0)
    ends = [(np.ones(problem.n), *problem.total)]
    ends += list(zip(problem.rows, problem.row_lower, problem.row_upper, strict=True))
    for row, low, high in ends:
        if low > -np.inf:
            limits.append(row @ y >= low * t)
        if high < np.inf:
            limits.append(row @ y <= high * t)
    if problem.current is not None and problem.turnover < np.inf:
        moved = y - problem.current * t
        limits.append(0.5 * (cp.norm1(moved) + cp.abs(cp.sum(moved))) <= problem.turnover * t)
    stated = cp.Problem(cp.Minimize(cp.sum_squares(factor @ y)), limits)
    if not _is_solved(stated, 1e-11) or t.value < 1e-9:
        return None
    return float(problem.linear @ y.value / np.sqrt(y.value @ problem.hessian @ y.value))


def between(expression: Any, low: float, high: float) -> list[Any]:
    """Limits that are there, as constraints."""
    if low == high:
        return [expression == low]
    limits = []
    if low > -np.inf:
        limits.append(expression >= low)
    if high < np.inf:
        limits.append(expression <= high)
    return limits


def lies_in_kinks(problem: programs.Problem, weights: np.ndarray, solution: Any) -> float:
    """The readable twin of the certificate: the stationarity of the weights under the prices of a solution.

    Asset by asset ``Hw - q`` and the prices of rows and budget must lie in what bounds, costs and turnover
    can hold: a price of a bound where the weight is at it, and a kink of the cost at the current weight.
    """
    slope = problem.hessian @ weights - problem.linear
    slope = slope + solution.budget_price + solution.row_prices @ problem.rows + solution.bound_prices
    volatility = np.sqrt(np.diag(problem.hessian))
    size = volatility * (volatility @ np.abs(weights)) + np.abs(problem.linear)
    size = size + np.abs(solution.row_prices) @ np.abs(problem.rows) + abs(solution.budget_price)
    off = np.abs(slope)
    if problem.current is not None:
        moved = weights - problem.current
        linear = np.zeros(problem.n) if problem.linear_cost is None else problem.linear_cost
        impact = np.zeros(problem.n) if problem.impact_cost is None else problem.impact_cost
        cost = linear + 1.5 * impact * np.sqrt(np.abs(moved))
        size = size + cost
        # Buying and selling in all have prices of their own that sum to the one reported.
        low = np.where(moved > 0.0, cost, -cost - (moved <= 0.0) * solution.turnover_price)
        high = np.where(moved < 0.0, -cost, cost + (moved >= 0.0) * solution.turnover_price)
        off = np.maximum(np.maximum(slope + low, -slope - high), 0.0)
    return float(np.max(off / np.maximum(size, 1e-300)))
