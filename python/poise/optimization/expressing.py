"""Limits and costs in the language of cvxpy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cvxpy
import numpy as np

from poise.errors import ParameterError
from poise.optimization.constraints.parts import ConstraintSet
from poise.optimization.goals import Frictions

cp: Any = cvxpy
"""As Any: the types that cvxpy ships leave out most of its functions."""


def named_limits(limits: ConstraintSet, weights: Any, terms: dict[str, Any]) -> dict[str, Any]:
    """Return the limits but the caller's own as cvxpy constraints by name."""
    named: dict[str, Any] = {}
    has_lower, has_upper = np.isfinite(limits.lower), np.isfinite(limits.upper)
    if has_lower.any():
        named["lower"] = weights[np.flatnonzero(has_lower)] >= terms["lower"]
    if has_upper.any():
        named["upper"] = weights[np.flatnonzero(has_upper)] <= terms["upper"]
    if limits.total[0] == limits.total[1]:
        named["total"] = cp.sum(weights) == terms["total"][0]
    else:
        if np.isfinite(limits.total[0]):
            named["total lower"] = cp.sum(weights) >= terms["total"][0]
        if np.isfinite(limits.total[1]):
            named["total upper"] = cp.sum(weights) <= terms["total"][1]
    if limits.rows:
        row_lower, row_upper = limits.row_limits
        sums = terms["rows"] @ weights
        if np.isfinite(row_lower).any():
            named["row lower"] = sums[np.flatnonzero(np.isfinite(row_lower))] >= terms["row_lower"]
        if np.isfinite(row_upper).any():
            named["row upper"] = sums[np.flatnonzero(np.isfinite(row_upper))] <= terms["row_upper"]
    for i, each in enumerate(limits.turnover):
        change = turnover_expression(each.of(weights), terms[f"current {i}"])
        named[f"turnover {i}"] = change <= terms[f"turnover {i}"]
    for i, _ in enumerate(limits.tracking):
        difference = terms[f"root {i}"] @ weights - terms[f"benchmark {i}"]
        named[f"tracking {i}"] = cp.norm(difference, 2) <= terms[f"tracking {i}"]
    return named


def own_constraints(limits: ConstraintSet, weights: Any) -> list[Any]:
    """Return the caller's own constraints on a variable.

    Raises
    ------
    ParameterError
        If they are no cvxpy constraints.
    """
    found: list[Any] = []
    for make in limits.own:
        made = make(weights)
        found += list(made) if isinstance(made, Sequence) else [made]
    for position, constraint in enumerate(found):
        if not isinstance(constraint, cp.constraints.constraint.Constraint):
            raise ParameterError(
                f"constraint {position} is {constraint!r}, expected a cvxpy constraint such as w[0] <= 0.2"
            )
        checked(cp.Problem(cp.Minimize(0.0), [constraint]))
    return found


def exceeded(constraint: Any, by: Any) -> Any:
    """Return a constraint that may be exceeded by so much, or None where its kind has no such measure."""
    if isinstance(constraint, cp.constraints.nonpos.Inequality):
        return constraint.expr <= by
    if isinstance(constraint, cp.constraints.zero.Equality):
        return cp.abs(constraint.expr) <= by
    return None


def trade_costs(weights: Any, costs: Frictions, figures: dict[str, Any]) -> Any:
    """Return what trading costs as a cvxpy expression."""
    size = cp.abs(weights - figures["held"])
    total = figures["cost"] @ size
    return total + figures["impact"] @ cp.power(size, 1.5) if costs.impact.any() else total


def turnover_expression(weights: Any, current: Any) -> Any:
    """Return the turnover as a cvxpy expression."""
    change = weights - current
    return 0.5 * (cp.norm1(change) + cp.abs(cp.sum(change)))


def checked(problem: Any) -> Any:
    """Return the problem if Clarabel can solve it.

    Raises
    ------
    ParameterError
        If it is not convex by the rules of cvxpy, or has integers.
    """
    if not problem.is_dcp():
        raise ParameterError(
            "a constraint is not convex by the rules of cvxpy (DCP); rewrite it, see cvxpy's documentation"
        )
    if problem.is_mixed_integer():
        raise ParameterError("constraints with integer variables are not supported; pass convex ones")
    return problem
