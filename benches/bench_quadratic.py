"""E1, E2, E4: box-constrained quadratic problems beside raw solvers and libraries, one by one and rolling."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from benches.peers import given
from poise.bench import by_hand
from poise.bench.harness import Case, Contender, Missing
from poise.bench.inputs import simulated_covariance, simulated_returns
from poise.optimization import (
    rolling_minimum_variance,
    solve_maximum_diversification,
    solve_maximum_sharpe,
    solve_mean_variance,
    solve_minimum_variance,
)

TOLERANCE = 5e-3
"""Of the largest weight. The objective is flat at its minimum: interior points stop 1e-3 of a weight away."""

AVERSION = 4.0
WINDOW = 252
LARGEST_COMPILED = 100
EQUALITY = 5
"""What daqp calls a row that must hold with equality."""


def cases() -> Iterator[Case]:
    for n_assets in (10, 50, 100, 500):
        yield minimum_variance(n_assets, 1.0)
    for n_assets in (50, 100, 500):
        yield minimum_variance(n_assets, 2.0 / n_assets)
    for n_assets in (10, 50, 100, 500):
        yield from (mean_variance(n_assets), maximum_sharpe(n_assets), maximum_diversification(n_assets))
    for n_assets, n_solutions in ((10, 250), (50, 250), (100, 250), (500, 50)):
        yield rolling(n_assets, n_solutions)


def simulated_means(n_assets: int) -> np.ndarray:
    """Expected returns per day, around 12 % a year, some below zero."""
    return np.random.default_rng(n_assets).normal(0.0005, 0.0008, size=n_assets)


class Daqp:
    """A dual active set, of problems with one equality row and a box."""

    def __init__(self, lib: Any, row: np.ndarray, cap: float) -> None:
        n = len(row)
        self.solve, self.row = lib.solve, row[np.newaxis]
        self.upper, self.lower = np.append(np.full(n, cap), 1.0), np.append(np.zeros(n), 1.0)
        self.sense = np.zeros(n + 1, dtype=np.int32)
        self.sense[-1] = EQUALITY

    def __call__(self, H: np.ndarray, f: np.ndarray, **start: Any) -> np.ndarray:
        answer: np.ndarray = self.solve(H, f, self.row, self.upper, self.lower, self.sense, **start)[0]
        return answer


class Piqp:
    """An interior point method, of the same problems."""

    def __init__(self, lib: Any, row: np.ndarray, cap: float) -> None:
        n = len(row)
        self.lib, self.row = lib, row[np.newaxis]
        self.lower, self.upper = np.zeros(n), np.full(n, cap)

    def __call__(self, H: np.ndarray, f: np.ndarray) -> np.ndarray:
        solver = self.lib.DenseSolver()
        solver.setup(H, f, self.row, np.ones(1), None, None, None, self.lower, self.upper)
        solver.solve()
        return np.array(solver.result.x)


def raw(
    H: np.ndarray, f: np.ndarray, row: np.ndarray, cap: float, finish: Callable[[Any], Any]
) -> dict[str, Contender | Missing]:
    """The raw solvers on ``min x'Hx / 2 + f'x`` with ``row x = 1`` and ``0 <= x <= cap``."""
    scale = np.trace(H) / len(H)
    # In units of the mean variance: their tolerances are absolute.
    H, f = H / scale, f / scale

    def contender(kind: Callable[..., Any], lib: Any) -> Contender:
        solve = kind(lib, row, cap)
        return Contender(lambda: finish(solve(H, f)))

    return {
        "daqp": given("daqp", partial(contender, Daqp)),
        "piqp": given("piqp", partial(contender, Piqp)),
    }


def plain(weights: np.ndarray) -> np.ndarray:
    return weights


def to_sum_one(x: np.ndarray) -> np.ndarray:
    return x / x.sum()


def ours(solve: Callable[[], Any]) -> Contender:
    return Contender(solve, answer=lambda: solve().weights)


class Compiled:
    """Minimum variance compiled once, the factor a parameter (DPP), solved again for each covariance."""

    def __init__(self, n_assets: int, cap: float) -> None:
        import cvxpy as cp

        self.solver = cp.CLARABEL
        self.factor = cp.Parameter((n_assets, n_assets))
        self.w = cp.Variable(n_assets)
        objective = cp.Minimize(cp.sum_squares(self.factor @ self.w))
        self.problem = cp.Problem(objective, [cp.sum(self.w) == 1, self.w >= 0, self.w <= cap])

    def __call__(self, S: np.ndarray) -> np.ndarray:
        self.factor.value = np.linalg.cholesky(S / np.trace(S) * len(S)).T
        self.problem.solve(solver=self.solver)
        return np.asarray(self.w.value)


def minimum_variance(n_assets: int, cap: float) -> Case:
    S = simulated_covariance(n_assets)
    contenders: dict[str, Contender | Missing] = {
        "poise": ours(partial(solve_minimum_variance, S, bounds=(0.0, cap))),
        **raw(S, np.zeros(n_assets), np.ones(n_assets), cap, plain),
        "cvxpy + Clarabel": Contender(partial(by_hand.minimum_variance, S, cap)),
    }
    if n_assets <= LARGEST_COMPILED:
        contenders["cvxpy DPP + Clarabel"] = Contender(partial(Compiled(n_assets, cap), S))
    if cap == 1.0:
        contenders["PyPortfolioOpt"] = given("pypfopt", partial(pyportfolioopt, None, S, "min_volatility"))
        contenders["skfolio"] = given("skfolio.optimization", partial(skfolio, np.zeros(n_assets), S, None))
        contenders["riskfolio-lib"] = given("riskfolio", partial(riskfolio, np.zeros(n_assets), S, "MinRisk"))
    size = f"N={n_assets}" if cap == 1.0 else f"N={n_assets} cap=2/N"
    return Case("E1", "minimum variance", size, contenders, tolerance=TOLERANCE)


def mean_variance(n_assets: int) -> Case:
    S, means = simulated_covariance(n_assets), simulated_means(n_assets)
    contenders: dict[str, Contender | Missing] = {
        "poise": ours(partial(solve_mean_variance, means, S, risk_aversion=AVERSION)),
        **raw(AVERSION * S, -means, np.ones(n_assets), 1.0, plain),
        "PyPortfolioOpt": given("pypfopt", partial(pyportfolioopt, means, S, "max_quadratic_utility")),
    }
    return Case("E2", "mean-variance", f"N={n_assets}", contenders, tolerance=TOLERANCE)


def maximum_sharpe(n_assets: int) -> Case:
    """Raw solvers get the homogenised problem: the excess is 1, the weights are divided by their sum."""
    S, means = simulated_covariance(n_assets), simulated_means(n_assets)
    row = means / np.abs(means).max()
    contenders: dict[str, Contender | Missing] = {
        "poise": ours(partial(solve_maximum_sharpe, means, S)),
        **raw(S, np.zeros(n_assets), row, 1e6, to_sum_one),
        "PyPortfolioOpt": given("pypfopt", partial(pyportfolioopt, means, S, "max_sharpe")),
        "skfolio": given("skfolio.optimization", partial(skfolio, means, S, "MAXIMIZE_RATIO")),
        "riskfolio-lib": given("riskfolio", partial(riskfolio, means, S, "Sharpe")),
    }
    return Case("E2", "maximum Sharpe ratio", f"N={n_assets}", contenders, tolerance=TOLERANCE)


def maximum_diversification(n_assets: int) -> Case:
    S = simulated_covariance(n_assets)
    volatility = np.sqrt(np.diag(S))
    row = volatility / volatility.max()
    contenders: dict[str, Contender | Missing] = {
        "poise": ours(partial(solve_maximum_diversification, S)),
        **raw(S, np.zeros(n_assets), row, 1e6, to_sum_one),
    }
    return Case("E2", "maximum diversification", f"N={n_assets}", contenders, tolerance=TOLERANCE)


def pyportfolioopt(means: np.ndarray | None, S: np.ndarray, method: str, lib: Any) -> Contender:
    options = {"risk_aversion": AVERSION} if method == "max_quadratic_utility" else {}
    if method == "max_sharpe":
        options = {"risk_free_rate": 0.0}

    def call() -> np.ndarray:
        frontier = lib.EfficientFrontier(means, S, weight_bounds=(0, 1))
        getattr(frontier, method)(**options)
        return np.asarray(frontier.weights)

    return Contender(call)


def skfolio(means: np.ndarray, S: np.ndarray, objective: str | None, lib: Any) -> Contender:
    """Its estimator gets the moments ready-made: a prior that hands them over."""
    from skfolio.optimization import ObjectiveFunction
    from skfolio.prior import BasePrior, ReturnDistribution

    class Given(BasePrior):
        def __init__(self) -> None:
            """Nothing to choose: scikit-learn reads the parameters here."""

        def fit(self, X: Any, y: Any = None, **_: Any) -> Any:  # noqa: ARG002 - scikit-learn's words
            self.return_distribution_ = ReturnDistribution(mu=means, covariance=S, returns=np.asarray(X))
            return self

    R = simulated_returns(10, len(S))
    goal = ObjectiveFunction[objective or "MINIMIZE_RISK"]

    def call() -> Any:
        return lib.MeanRisk(objective_function=goal, prior_estimator=Given()).fit(R).weights_

    return Contender(call)


def riskfolio(means: np.ndarray, S: np.ndarray, objective: str, lib: Any) -> Contender:
    import pandas as pd

    names = [f"a{i}" for i in range(len(S))]
    portfolio = lib.Portfolio(returns=pd.DataFrame(simulated_returns(10, len(S)), columns=names))
    portfolio.mu = pd.DataFrame(means[np.newaxis], columns=names)
    portfolio.cov = pd.DataFrame(S, index=names, columns=names)

    def call() -> Any:
        found = portfolio.optimization(model="Classic", rm="MV", obj=objective, rf=0.0, l=0.0, hist=True)
        return found["weights"].to_numpy()

    return Contender(call)


def rolling(n_assets: int, n_solutions: int) -> Case:
    """The window's covariances are ready-made for the peers, poise takes them from the returns itself."""
    window = max(WINDOW, 2 * n_assets)
    R = simulated_returns(window + n_solutions - 1, n_assets)
    path = [np.cov(R[k : k + window].T) for k in range(n_solutions)]
    scale = np.trace(path[0]) / n_assets
    path = [S / scale for S in path]
    zeros, ones = np.zeros(n_assets), np.ones(n_assets)

    def daqp(lib: Any) -> Contender:
        solve = Daqp(lib, ones, 1.0)

        def call() -> np.ndarray:
            weights, answers = ones / n_assets, []
            for S in path:
                weights = solve(S, zeros, primal_start=weights)
                answers.append(weights)
            return np.array(answers)

        return Contender(call)

    def piqp(lib: Any) -> Contender:
        solve = Piqp(lib, ones, 1.0)
        return Contender(lambda: np.array([solve(S, zeros) for S in path]))

    contenders: dict[str, Contender | Missing] = {
        "poise": Contender(lambda: rolling_minimum_variance(R, window=window)[window - 1 :]),
        "daqp, warm": given("daqp", daqp),
        "piqp": given("piqp", piqp),
    }
    if n_assets <= LARGEST_COMPILED:
        compiled = Compiled(n_assets, 1.0)
        contenders["cvxpy DPP + Clarabel"] = Contender(lambda: np.array([compiled(S) for S in path]))
        contenders["PyPortfolioOpt"] = given(
            "pypfopt",
            lambda lib: Contender(
                lambda: np.array([pyportfolioopt(None, S, "min_volatility", lib).call() for S in path])
            ),
        )
    size = f"N={n_assets}, {n_solutions} solutions"
    return Case("E4", "rolling minimum variance", size, contenders, tolerance=TOLERANCE)
