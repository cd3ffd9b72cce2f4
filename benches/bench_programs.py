"""E: the least variance with floors and caps of groups, beside the solvers that take such rows."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from benches.peers import given
from poise import _native
from poise.bench.harness import Case, Contender, Missing
from poise.bench.inputs import simulated_covariance

GROUPS = 5
LARGEST_CVXPY = 200
TOLERANCE = 1e-9
"""What the peers are asked for: their answers then agree with each other to the tolerance of the case."""


def cases() -> Iterator[Case]:
    for n_assets in (50, 200, 500):
        yield grouped(n_assets)


def grouped(n_assets: int) -> Case:
    """Every fifth asset is of one group; each group holds between a tenth and a quarter."""
    S = simulated_covariance(n_assets)
    S = S / np.trace(S) * n_assets
    A = (np.arange(n_assets) % GROUPS == np.arange(GROUPS)[:, None]).astype(float)
    low, high = np.full(GROUPS, 0.1), np.full(GROUPS, 0.25)
    zeros, ones = np.zeros(n_assets), np.ones(n_assets)
    solve = partial(_native.quadratic_program, S, zeros, zeros, ones, (1.0, 1.0), A, low, high)
    found = solve()
    assert found.certificate <= 1e-10, f"poise's certificate is {found.certificate:.1e}"
    warm = partial(solve, start=found.weights)
    contenders: dict[str, Contender | Missing] = {
        "poise": Contender(solve, answer=lambda: found.weights, note=f"certificate {found.certificate:.0e}"),
        "poise, warm": Contender(warm, answer=lambda: warm().weights),
        "piqp": given("piqp", lambda lib: Contender(partial(piqp, lib, S, A, low, high))),
        "daqp": given("daqp", lambda lib: Contender(partial(daqp, lib, S, A, low, high))),
        "cvxpy DPP + Clarabel": given("cvxpy", lambda _: Contender(partial(Compiled(A, low, high), S)))
        if n_assets <= LARGEST_CVXPY
        else Missing(f"left out above N={LARGEST_CVXPY}"),
    }
    return Case("E6", "minimum variance, five groups", f"N={n_assets}", contenders, tolerance=1e-4)


def piqp(lib: Any, S: np.ndarray, A: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    n = len(S)
    solver = lib.DenseSolver()
    solver.settings.eps_abs = solver.settings.eps_rel = TOLERANCE
    solver.setup(S, np.zeros(n), np.ones((1, n)), np.ones(1), A, low, high, np.zeros(n), np.ones(n))
    solver.solve()
    return np.asarray(solver.result.x)


def daqp(lib: Any, S: np.ndarray, A: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    n = len(S)
    rows = np.ascontiguousarray(np.vstack([np.ones((1, n)), A]))
    upper, lower = np.concatenate([np.ones(n + 1), high]), np.concatenate([np.zeros(n), [1.0], low])
    sense = np.zeros(n + 1 + len(A), dtype=np.int32)
    sense[n] = 5  # an equality
    return np.asarray(lib.solve(S.copy(), np.zeros(n), rows, upper, lower, sense)[0])


class Compiled:
    """Compiled once, the factor a parameter (DPP), solved again for each covariance."""

    def __init__(self, A: np.ndarray, low: np.ndarray, high: np.ndarray) -> None:
        import cvxpy as cp

        n = A.shape[1]
        self.solver = cp.CLARABEL
        self.factor = cp.Parameter((n, n))
        self.w = cp.Variable(n)
        limits = [cp.sum(self.w) == 1, self.w >= 0, A @ self.w >= low, A @ self.w <= high]
        self.problem = cp.Problem(cp.Minimize(cp.sum_squares(self.factor @ self.w)), limits)

    def __call__(self, S: np.ndarray) -> np.ndarray:
        self.factor.value = np.linalg.cholesky(S).T
        tight = dict.fromkeys(("tol_gap_abs", "tol_gap_rel", "tol_feas"), TOLERANCE)
        self.problem.solve(solver=self.solver, **tight)
        return np.asarray(self.w.value)
