"""The readable twin of the programs: costs and limits one at a time, by operator splitting.

Boyd and others (2011), "Distributed Optimization and Statistical Learning via the Alternating
Direction Method of Multipliers"; slow and simple. A limit of turnover has no closed form to project on
and is left out.
"""

from __future__ import annotations

import numpy as np

from tests.reference.programs import Problem


def traded(v: np.ndarray, cost: np.ndarray, impact: np.ndarray, rho: float) -> np.ndarray:
    """Minimise ``cost |x| + impact |x|^(3/2) + rho / 2 (x - v)^2`` for each number, in closed form."""
    left = np.maximum(rho * np.abs(v) - cost, 0.0)
    root = (np.sqrt(2.25 * impact**2 + 4.0 * rho * left) - 1.5 * impact) / (2.0 * rho)
    return np.sign(v) * root**2


def split(problem: Problem, *, rounds: int = 10_000, rho: float = 1.0) -> np.ndarray:
    """Weights of a program by turns: a linear system, then every limit and every cost alone."""
    n, unit = problem.n, problem.scale()
    held = np.zeros(n) if problem.current is None else problem.current
    none = np.zeros(n)
    cost = none if problem.linear_cost is None else problem.linear_cost / unit
    impact = none if problem.impact_cost is None else problem.impact_cost / unit
    B = np.vstack([np.eye(n), np.eye(n), np.ones((1, n)), problem.rows])
    low = np.concatenate([problem.lower, [problem.total[0]], problem.row_lower])
    high = np.concatenate([problem.upper, [problem.total[1]], problem.row_upper])
    inverse = np.linalg.inv(problem.hessian / unit + rho * B.T @ B)
    z, u = np.zeros(len(B)), np.zeros(len(B))
    for _ in range(rounds):
        w = inverse @ (problem.linear / unit + rho * B.T @ (z - u))
        z = B @ w + u
        z[:n] = held + traded(z[:n] - held, cost, impact, rho)
        z[n:] = np.clip(z[n:], low, high)
        u += B @ w - z
    return w
