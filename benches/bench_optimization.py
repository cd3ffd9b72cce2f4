"""Risk parity against NumPy's Newton, minimum variance against cvxpy and Clarabel, side by side in one run.

Questions: equal risk contributions (N=10, 50, 200), risk parity and minimum variance under caps (N=50).
Contenders compute the same weights: checked before the clock starts.
Run with ``python benches/bench_optimization.py [seconds per contender]``.
"""

from __future__ import annotations

import platform
import sys
from functools import partial
from pathlib import Path

import cvxpy as cp
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benches.harness import Case, measure, table
from poise.optimization import solve_minimum_variance, solve_risk_parity


def covariance(n_assets: int) -> np.ndarray:
    """Sample covariance of a one-factor market, off-diagonals shrunk by a tenth, fixed seed."""
    rng = np.random.default_rng(7)
    loading = rng.uniform(0.2, 1.0, size=n_assets)
    volatility = rng.uniform(0.005, 0.03, size=n_assets)
    n_observations = 2 * n_assets + 20
    market = rng.standard_normal((n_observations, 1))
    returns = volatility * (loading * market + rng.standard_normal((n_observations, n_assets)))
    sample = returns.T @ returns / n_observations
    return 0.9 * sample + 0.1 * np.diag(np.diag(sample))


def numpy_newton(S: np.ndarray) -> np.ndarray:
    """Spinu's damped Newton on the correlation matrix, as plain NumPy, to the same decrement of 1e-10."""
    sigma = np.sqrt(np.diag(S))
    C = S / np.outer(sigma, sigma)
    b = 1.0 / len(S)
    root = np.full(len(S), np.sqrt(b))
    x = root / np.sqrt(root @ C @ root)
    while True:
        gradient = C @ x - b / x
        step = -np.linalg.solve(C + np.diag(b / x**2), gradient)
        decrement = np.sqrt(max(-gradient @ step, 0.0) / b)
        full = decrement <= 0.95 * (3.0 - np.sqrt(5.0)) / 2.0
        x = x + (1.0 if full else 1.0 / (1.0 + np.abs(step / x).max())) * step
        if decrement <= 1e-10:
            w = x / sigma
            return w / w.sum()


def clarabel(S: np.ndarray, cap: float) -> np.ndarray:
    """Minimum variance written in cvxpy and solved by Clarabel, built anew as for a new covariance."""
    w = cp.Variable(len(S))
    scaled = cp.psd_wrap(S / np.trace(S) * len(S))
    problem = cp.Problem(cp.Minimize(cp.quad_form(w, scaled)), [cp.sum(w) == 1, w >= 0, w <= cap])
    problem.solve(solver=cp.CLARABEL)
    return np.asarray(w.value)


class Compiled:
    """The same problem compiled once, the factor a parameter (DPP), solved again for each covariance."""

    def __init__(self, n_assets: int, cap: float) -> None:
        self.factor = cp.Parameter((n_assets, n_assets))
        self.w = cp.Variable(n_assets)
        objective = cp.Minimize(cp.sum_squares(self.factor @ self.w))
        self.problem = cp.Problem(objective, [cp.sum(self.w) == 1, self.w >= 0, self.w <= cap])

    def __call__(self, S: np.ndarray) -> np.ndarray:
        self.factor.value = np.linalg.cholesky(S / np.trace(S) * len(S)).T
        self.problem.solve(solver=cp.CLARABEL)
        return np.asarray(self.w.value)


def cases() -> list[Case]:
    """Return the questions, their answers checked against each other."""
    found = []
    for n_assets in (10, 50, 200):
        S = covariance(n_assets)
        np.testing.assert_allclose(solve_risk_parity(S).weights, numpy_newton(S), atol=1e-10)
        contenders = {"poise": partial(solve_risk_parity, S), "numpy newton": partial(numpy_newton, S)}
        found.append(Case("risk parity", f"N={n_assets}", contenders))
    S = covariance(50)
    for cap in (1.0, 0.04):
        compiled = Compiled(50, cap)
        weights = solve_minimum_variance(S, bounds=(0.0, cap)).weights
        np.testing.assert_allclose(weights, clarabel(S, cap), atol=1e-5)
        np.testing.assert_allclose(weights, compiled(S), atol=1e-5)
        contenders = {
            "poise": partial(solve_minimum_variance, S, bounds=(0.0, cap)),
            "cvxpy + Clarabel": partial(clarabel, S, cap),
            "cvxpy DPP + Clarabel": partial(compiled, S),
        }
        found.append(Case("minimum variance", f"N=50 cap={cap:g}", contenders))
    return found


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    print(
        f"{platform.machine()}, Python {platform.python_version()}, "
        f"numpy {np.__version__}, cvxpy {cp.__version__}\n"
    )
    print(table(measure(case, seconds) for case in cases()))


if __name__ == "__main__":
    main()
