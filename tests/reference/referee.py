"""How an answer to a program is judged beside cvxpy's: by what it costs and what it keeps."""

from __future__ import annotations

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
    rival = programs.referee(problem)
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
    assert both <= programs.least_relaxation(problem) + REFEREE, problem.kind


def _turned_over_too_much(problem: programs.Problem, weights: np.ndarray) -> float:
    if problem.current is None or problem.turnover == np.inf:
        return 0.0
    moved = weights - problem.current
    traded = np.array([np.maximum(moved, 0.0).sum(), np.maximum(-moved, 0.0).sum()])
    return float(np.maximum(traded - problem.turnover, 0.0).sum())


def judged_ratio(problem: programs.Problem) -> str:
    """Solve for the largest ratio of a program without its costs, and judge it beside the homogenised problem."""
    arguments = problem.arguments()
    arguments["excess"] = arguments.pop("linear")
    del arguments["linear_cost"], arguments["impact_cost"]
    solution = _native.maximum_ratio_program(**arguments)
    assert solution.status in ("optimal", "degenerate", "infeasible"), (problem.kind, solution.certificate)
    assert problem.violations(solution.weights)["bounds"] == 0.0
    if solution.status != "infeasible":
        assert max(problem.violations(solution.weights).values()) <= 10.0 * SUM
    if solution.status == "optimal" and problem.linear.any():
        best = programs.largest_ratio(problem)
        assert best is None or solution.objective >= best - SOLVER * max(abs(best), 1.0)
    return str(solution.status)
