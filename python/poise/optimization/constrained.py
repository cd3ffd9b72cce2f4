"""Minimum variance under a user's own convex constraints, by cvxpy and Clarabel."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import cvxpy as cp
import numpy as np
from cvxpy.atoms.sum_squares import sum_squares

from poise.domain.labels import Labels
from poise.errors import ParameterError
from poise.optimization.answer import binding_bounds, remarks
from poise.optimization.result import OptimizationResult, OptimizationStatus
from poise.typing import Matrix, Vector

if TYPE_CHECKING:
    from poise._native import Solution

GAP = 1e-9
"""Relative duality gap and feasibility asked of Clarabel, for an objective of size 1."""

GAP_INACCURATE = 1e-5
"""The same where it stops short and says so."""

VIOLATION = 1e-8
"""A constraint violated by less is kept."""

Constraints = Callable[[Any], Sequence[Any]]


def solve_constrained(
    covariance: Matrix,
    bounds: tuple[Vector, Vector],
    constraints: Constraints,
    unconstrained: Solution,
    labels: Labels,
) -> OptimizationResult:
    """Return the minimum variance under `constraints`, or the given answer without them.

    Assets without variance stay where the answer without constraints has them.

    Raises
    ------
    ParameterError
        If `constraints` does not return convex cvxpy constraints on real weights.
    """
    lower, upper = bounds[0].copy(), bounds[1].copy()
    still = list(unconstrained.riskless)
    lower[still] = upper[still] = unconstrained.weights[still]
    weights = cp.Variable(len(covariance), name="weights")
    own = _checked(constraints(weights))
    limits = [weights.sum() == 1.0]
    limits += [weights[np.isfinite(lower)] >= lower[np.isfinite(lower)]] if np.isfinite(lower).any() else []
    limits += [weights[np.isfinite(upper)] <= upper[np.isfinite(upper)]] if np.isfinite(upper).any() else []
    problem = cp.Problem(cp.Minimize(sum_squares(_root(covariance) @ weights)), limits + own)
    if not problem.is_dcp():
        raise ParameterError(
            "a constraint is not convex by the rules of cvxpy (DCP); rewrite it, see cvxpy's documentation"
        )
    if problem.is_mixed_integer():
        raise ParameterError("constraints with integer variables are not supported; pass convex ones")
    failure = _solve(problem)
    if failure is not None:
        return _without(own, weights, unconstrained, labels, failure)
    solution = _settled(np.asarray(weights.value, dtype=np.float64), lower, upper)
    weights.value = solution
    worst = max((_violation(constraint) for constraint in own), default=0.0)
    exact = problem.status == cp.OPTIMAL and worst <= VIOLATION
    said = [f"a constraint is violated by {worst:.3g}"] if worst > VIOLATION else []
    sides = (solution >= upper).astype(np.int8)
    sides[solution <= lower] = -1
    return OptimizationResult(
        weights=labels.vector(solution),
        status=OptimizationStatus(unconstrained.status) if exact else OptimizationStatus.INACCURATE,
        certificate=max(GAP if problem.status == cp.OPTIMAL else GAP_INACCURATE, worst),
        iterations=int(problem.solver_stats.num_iters or 0),
        binding=binding_bounds(sides, labels),
        messages=tuple(said + remarks(unconstrained, labels)),
    )


def _checked(constraints: Any) -> list[Any]:
    found = list(constraints) if isinstance(constraints, Sequence) else [constraints]
    for position, constraint in enumerate(found):
        if not isinstance(constraint, cp.constraints.constraint.Constraint):
            raise ParameterError(
                f"constraint {position} is {constraint!r}, expected a cvxpy constraint such as w[0] <= 0.2"
            )
    return found


def _root(covariance: Matrix) -> Matrix:
    """Return ``F`` with ``F'F`` the covariance, in units of its mean variance."""
    mean = float(np.trace(covariance)) / len(covariance)
    values, vectors = np.linalg.eigh(covariance / mean if mean > 0.0 else covariance)
    root: Matrix = np.sqrt(np.clip(values, 0.0, None))[:, np.newaxis] * vectors.T
    return root


def _solve(problem: Any) -> str | None:
    """Solve; return None, or why there is no answer."""
    try:
        with warnings.catch_warnings():
            # cvxpy warns of an inaccurate solution; the status of the result says it.
            warnings.simplefilter("ignore", UserWarning)
            problem.solve(
                solver=cp.CLARABEL,
                tol_gap_abs=GAP,
                tol_gap_rel=GAP,
                tol_feas=GAP,
                reduced_tol_gap_abs=GAP_INACCURATE,
                reduced_tol_gap_rel=GAP_INACCURATE,
                reduced_tol_feas=GAP_INACCURATE,
            )
    except cp.error.SolverError as error:
        return f"Clarabel stopped: {error}"
    if problem.status in {cp.OPTIMAL, cp.OPTIMAL_INACCURATE}:
        return None
    if problem.status in {cp.INFEASIBLE, cp.INFEASIBLE_INACCURATE}:
        return "no weights meet the constraints within the bounds"
    return f"Clarabel ended with status {problem.status}"


def _without(
    own: list[Any], weights: Any, unconstrained: Solution, labels: Labels, failure: str
) -> OptimizationResult:
    """Return the answer without the constraints and how far it is from each."""
    weights.value = unconstrained.weights
    broken = [
        f"constraint {position} ({constraint}) is violated by {_violation(constraint):.6g}"
        for position, constraint in enumerate(own)
        if _violation(constraint) > VIOLATION
    ]
    return OptimizationResult(
        weights=labels.vector(unconstrained.weights),
        status=OptimizationStatus.RELAXED,
        certificate=unconstrained.certificate,
        iterations=unconstrained.iterations,
        binding=binding_bounds(unconstrained.sides, labels),
        fallbacks=(f"constraints: {failure}; left out",),
        messages=tuple(broken + remarks(unconstrained, labels)),
    )


def _violation(constraint: Any) -> float:
    return float(np.max(constraint.violation(), initial=0.0))


def _settled(weights: Vector, lower: Vector, upper: Vector) -> Vector:
    """Put weights within their bounds and their sum to 1, moving them by the solver's tolerance."""
    settled = np.clip(weights, lower, upper)
    # An interior point stops just short of the bounds it is pressed against.
    settled = np.where(settled - lower < GAP, lower, np.where(upper - settled < GAP, upper, settled))
    for _ in range(10):
        missing = 1.0 - settled.sum()
        movable = (settled < upper) if missing > 0.0 else (settled > lower)
        inside = movable & (settled > lower) & (settled < upper)
        movable = inside if inside.any() else movable
        if abs(missing) <= 1e-15 or not movable.any():
            break
        part = np.abs(settled) * movable
        part = part / part.sum() if part.sum() > 0.0 else movable / movable.sum()
        settled = np.clip(settled + missing * part, lower, upper)
    result: Vector = settled + 0.0
    return result
