"""D: equal risk contributions at equal accuracy, and again on the next tick."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from inspect import signature
from typing import Any

import numpy as np
import pandas as pd

from benches.peers import given, given_extension
from poise.bench import by_hand
from poise.bench.harness import Case, Contender, Missing
from poise.bench.inputs import simulated_covariance, simulated_returns
from poise.optimization import solve_risk_parity

LARGEST_ERROR = 1e-10
"""Of a risk contribution, relative: what counts as the same answer."""

TIGHT = 1e-14
LARGEST_RISKFOLIO = 500
LARGEST_SKFOLIO = 1000


def cases() -> Iterator[Case]:
    for n_assets in (10, 50, 100, 500, 1000, 2000):
        yield risk_parity(n_assets)
    for n_assets in (50, 100, 500):
        yield next_tick(n_assets)


def solver(call: Callable[[], Any], S: np.ndarray, allowed: float = LARGEST_ERROR) -> Contender:
    """A contender with the error of its answer; one less exact than allowed answers another question."""
    error = by_hand.risk_parity_error(np.asarray(call(), dtype=np.float64), S)
    note = f"error {error:.0e}"
    return Contender(call, note=note) if error <= allowed else Contender(call, differs=note)


def risk_parity(n_assets: int) -> Case:
    S = simulated_covariance(n_assets)
    budget = np.full(n_assets, 1.0 / n_assets)

    def vanilla(method: str, **tolerance: float) -> Callable[[Any], Contender]:
        limits = {**tolerance, "maxiter": 1000} if tolerance else {}
        return lambda lib: solver(partial(lib.design, S, budget, method=method, **limits), S)

    def numba(lib: Any) -> Contender:
        return solver(partial(lib.risk_parity, S, LARGEST_ERROR, 1000), S)

    contenders = {
        "poise": ours(S),
        "riskparityportfolio roncalli, tol=1e-14": given_extension(
            "riskparityportfolio", "vanilla", vanilla("roncalli", tol=TIGHT)
        ),
        "riskparityportfolio spinu, tol=1e-14": given_extension(
            "riskparityportfolio", "vanilla", vanilla("spinu", tol=TIGHT)
        ),
        "riskparityportfolio roncalli, as it comes": given_extension(
            "riskparityportfolio", "vanilla", vanilla("roncalli")
        ),
        "numba by hand": given("benches.numba_by_hand", numba),
        "numpy Newton": solver(partial(by_hand.risk_parity, S), S),
        "scipy L-BFGS-B": solver(partial(by_hand.risk_parity_quasi_newton, S), S)
        if n_assets <= LARGEST_SKFOLIO
        else Missing("left out above N=1000"),
        "skfolio": given("skfolio.optimization", partial(skfolio, S))
        if n_assets <= LARGEST_SKFOLIO
        else Missing("left out above N=1000: over 10 s"),
        "riskfolio-lib": given("riskfolio", partial(riskfolio, S))
        if n_assets <= LARGEST_RISKFOLIO
        else Missing("left out above N=500"),
    }
    return Case("D", "equal risk contributions", f"N={n_assets}", contenders, tolerance=1e-9)


def ours(S: np.ndarray, allowed: float = LARGEST_ERROR, **start: Any) -> Contender:
    weights = solve_risk_parity(S, **start).weights
    error = by_hand.risk_parity_error(weights, S)
    assert error <= allowed, f"poise's risk contributions are off by {error:.1e}, {allowed:.0e} allowed"
    return Contender(
        partial(solve_risk_parity, S, **start), answer=lambda: weights, note=f"error {error:.0e}"
    )


def skfolio(S: np.ndarray, lib: Any) -> Contender:
    """Its estimator gets the covariance ready-made: a prior that hands it over."""
    from skfolio.prior import BasePrior, ReturnDistribution

    class Given(BasePrior):
        def __init__(self) -> None:
            """Nothing to choose: scikit-learn reads the parameters here."""

        def fit(self, X: Any, y: Any = None, **_: Any) -> Any:  # noqa: ARG002 - scikit-learn's words
            self.return_distribution_ = ReturnDistribution(
                mu=np.zeros(len(S)), covariance=S, returns=np.asarray(X)
            )
            return self

    R = simulated_returns(10, len(S))

    def call() -> Any:
        return lib.RiskBudgeting(prior_estimator=Given()).fit(R).weights_

    return solver(call, S)


def riskfolio(S: np.ndarray, lib: Any) -> Contender:
    names = [f"a{i}" for i in range(len(S))]
    portfolio = lib.Portfolio(returns=pd.DataFrame(simulated_returns(10, len(S)), columns=names))
    portfolio.mu = pd.DataFrame(np.zeros((1, len(S))), columns=names)
    portfolio.cov = pd.DataFrame(S, index=names, columns=names)

    def call() -> Any:
        return portfolio.rp_optimization(model="Classic", rm="MV", hist=True)["weights"].to_numpy()

    return solver(call, S)


def next_tick(n_assets: int) -> Case:
    """The covariance after one more row, solved from nothing and from the weights of before."""
    S = simulated_covariance(n_assets)
    row = simulated_returns(1, n_assets)[0]
    moved, budget = 0.97 * S + 0.03 * np.outer(row, row), np.full(n_assets, 1.0 / n_assets)
    weights = solve_risk_parity(S).weights
    warm: Contender | Missing = Missing("this build has no warm start")
    if "initial_weights" in signature(solve_risk_parity).parameters:
        warm = ours(moved, allowed=1e-8, initial_weights=weights)

    def roncalli(lib: Any) -> Contender:
        return solver(
            partial(lib.design, moved, budget, tol=TIGHT, maxiter=1000, method="roncalli"), moved, 1e-8
        )

    contenders = {
        "poise, cold": ours(moved),
        "poise, warm": warm,
        "riskparityportfolio roncalli, tol=1e-14": given_extension(
            "riskparityportfolio", "vanilla", roncalli
        ),
    }
    question = "equal risk contributions on the next tick"
    return Case("D2", question, f"N={n_assets}", contenders, tolerance=1e-7)
