"""E5: minimum conditional value at risk beside raw solvers and libraries, all at the same optimum."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from benches.peers import given
from poise.bench.harness import Case, Contender, Missing
from poise.bench.inputs import simulated_returns
from poise.optimization import solve_minimum_cvar
from poise.risk import conditional_value_at_risk

LEVEL = 0.95

LARGEST_LIBRARY = 250_000
"""Cells beyond which a library through cvxpy takes many seconds."""

QUESTION = "minimum CVaR"


def cases() -> Iterator[Case]:
    for n_observations, n_assets in ((500, 50), (1000, 50), (5000, 50), (5000, 100), (5000, 500)):
        yield minimum_cvar(n_observations, n_assets)


def minimum_cvar(n_observations: int, n_assets: int) -> Case:
    R = simulated_returns(n_observations, n_assets)
    cap = 0.05 if n_assets >= 500 else 0.1
    ours = partial(solve_minimum_cvar, R, confidence_level=LEVEL, bounds=(0.0, cap))
    contenders: dict[str, Contender | Missing] = {
        "poise": judged(ours, lambda: ours().weights, R),
        "HiGHS through SciPy": given("scipy.optimize", lambda lib: highs(lib, R, cap)),
    }
    if R.size <= LARGEST_LIBRARY:
        contenders["cvxpy + Clarabel"] = given("cvxpy", lambda lib: clarabel(lib, R, cap))
        contenders["PyPortfolioOpt"] = given("pypfopt", lambda lib: pyportfolioopt(lib, R, cap))
        contenders["skfolio"] = given("skfolio.optimization", lambda lib: skfolio(lib, R, cap))
        contenders["riskfolio"] = given("riskfolio", lambda lib: riskfolio(lib, R, cap))
    return Case("E5", QUESTION, f"T={n_observations} N={n_assets}", contenders, tolerance=1e-4)


def judged(call: Callable[[], Any], weights: Callable[[], Any], R: np.ndarray) -> Contender:
    """A contender whose answer is the risk of its weights: different weights may be as good."""

    def risk() -> np.ndarray:
        path = R @ np.asarray(weights(), dtype=np.float64).ravel()
        return np.array([conditional_value_at_risk(path, confidence_level=LEVEL)])

    return Contender(call, answer=risk)


def highs(lib: Any, R: np.ndarray, cap: float) -> Contender:
    from scipy.sparse import csr_array, eye_array, hstack

    T, N = R.shape
    cost = np.r_[np.zeros(N), 1.0, np.full(T, 1.0 / ((1.0 - LEVEL) * T))]
    A = hstack([csr_array(-R), csr_array(-np.ones((T, 1))), -eye_array(T)]).tocsr()
    one = np.r_[np.ones(N), np.zeros(T + 1)][np.newaxis]
    box = [(0.0, cap)] * N + [(None, None)] + [(0.0, None)] * T

    def call() -> Any:
        return lib.linprog(
            cost, A_ub=A, b_ub=np.zeros(T), A_eq=one, b_eq=[1.0], bounds=box, method="highs"
        ).x[:N]

    return judged(call, call, R)


def clarabel(lib: Any, R: np.ndarray, cap: float) -> Contender:
    T, N = R.shape
    w, t = lib.Variable(N), lib.Variable()
    risk = t + lib.sum(lib.pos(-R @ w - t)) / ((1.0 - LEVEL) * T)
    problem = lib.Problem(lib.Minimize(risk), [lib.sum(w) == 1.0, w >= 0.0, w <= cap])

    def call() -> Any:
        problem.solve(solver=lib.CLARABEL)
        return w.value

    return judged(call, call, R)


def pyportfolioopt(lib: Any, R: np.ndarray, cap: float) -> Contender:
    frame, means = pd.DataFrame(R), pd.Series(R.mean(axis=0))

    def call() -> Any:
        frontier = lib.EfficientCVaR(means, frame, beta=LEVEL, weight_bounds=(0.0, cap))
        return np.array(list(frontier.min_cvar().values()))

    return judged(call, call, R)


def skfolio(lib: Any, R: np.ndarray, cap: float) -> Contender:
    import skfolio

    def call() -> Any:
        model = lib.MeanRisk(risk_measure=skfolio.RiskMeasure.CVAR, cvar_beta=LEVEL, max_weights=cap)
        return model.fit(R).weights_

    return judged(call, call, R)


def riskfolio(lib: Any, R: np.ndarray, cap: float) -> Contender:
    frame = pd.DataFrame(R)

    def call() -> Any:
        portfolio = lib.Portfolio(returns=frame, alpha=1.0 - LEVEL, upperlng=cap)
        portfolio.assets_stats(method_mu="hist", method_cov="hist")
        return portfolio.optimization(model="Classic", rm="CVaR", obj="MinRisk", hist=True).to_numpy().ravel()

    return judged(call, call, R)
