"""E3: every corner portfolio of the efficient frontier, and fifty points of it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from benches.bench_quadratic import pyportfolioopt, simulated_means
from benches.peers import given
from poise.bench.harness import Case, Contender, Missing
from poise.bench.inputs import simulated_covariance, simulated_returns
from poise.optimization import efficient_frontier

SAME = 1e-8
"""Corners closer than this are one: cvxcla lists the first and the last twice."""

N_POINTS = 50
LARGEST_PYPORTFOLIOOPT = 100


def cases() -> Iterator[Case]:
    for n_assets in (10, 50, 100, 500):
        yield corners(n_assets, 1.0)
    for n_assets in (50, 100, 500):
        yield corners(n_assets, 2.0 / n_assets)
    for n_assets in (50, 100):
        yield points(n_assets)


def distinct(rows: Any) -> np.ndarray:
    rows = np.asarray(rows)
    moved = np.abs(np.diff(rows, axis=0)).max(axis=1, initial=0.0) > SAME
    return rows[np.concatenate([[True], moved])]


def corners(n_assets: int, cap: float) -> Case:
    S, means = simulated_covariance(n_assets), simulated_means(n_assets)

    def ours() -> np.ndarray:
        # Read, as the peer's are there: poise hands figures over once they are asked for.
        frontier = efficient_frontier(means, S, bounds=(0.0, cap))
        _ = frontier.returns, frontier.volatilities
        return np.asarray(frontier.weights)

    # The peer's certificate is absolute: in units of the mean variance it means something.
    scaled, unit = S / (np.trace(S) / n_assets), means / np.abs(means).max()

    def cvxcla(lib: Any) -> Contender:
        call = partial(
            lib.CLA,
            mean=unit,
            covariance=scaled,
            lower_bounds=np.zeros(n_assets),
            upper_bounds=np.full(n_assets, cap),
            a=np.ones((1, n_assets)),
            b=np.ones(1),
        )
        return Contender(call, answer=lambda: distinct([point.weights for point in call().turning_points]))

    def pypfopt(lib: Any) -> Contender:
        def call() -> Any:
            cla = lib.CLA(means, S, weight_bounds=(0, cap))
            cla.min_volatility()
            return cla

        # It lists vertices that lie between corners as well.
        return Contender(call, differs=f"{len(call().w)} turning points")

    contenders: dict[str, Contender | Missing] = {
        "poise": Contender(ours, answer=lambda: distinct(ours())),
        "cvxcla": given("cvxcla", cvxcla),
        "PyPortfolioOpt": given("pypfopt", pypfopt)
        if n_assets <= LARGEST_PYPORTFOLIOOPT and cap == 1.0
        else Missing("left out above N=100 and with caps"),
    }
    size = f"N={n_assets}" if cap == 1.0 else f"N={n_assets} cap=2/N"
    return Case("E3", "exact frontier", size, contenders, tolerance=1e-6)


def points(n_assets: int) -> Case:
    S, means = simulated_covariance(n_assets), simulated_means(n_assets)

    def ours() -> np.ndarray:
        weights: np.ndarray = efficient_frontier(means, S).points(N_POINTS).weights
        return weights

    least, most = efficient_frontier(means, S).returns[[-1, 0]]
    targets = np.linspace(least, most, N_POINTS)

    def pypfopt(lib: Any) -> Contender:
        def at(target: float) -> np.ndarray:
            frontier = lib.EfficientFrontier(means, S, weight_bounds=(0, 1))
            frontier.efficient_return(target)
            return np.asarray(frontier.weights)

        def call() -> np.ndarray:
            ends = [pyportfolioopt(means, S, "min_volatility", lib).call(), np.eye(n_assets)[means.argmax()]]
            return np.array([ends[0], *(at(target) for target in targets[1:-1]), ends[1]])

        return Contender(call)

    def skfolio(lib: Any) -> Contender:
        R = simulated_returns(1000, n_assets)
        call = lib.MeanRisk(efficient_frontier_size=N_POINTS).fit
        return Contender(partial(call, R), differs="moments of its own, from 1000 returns")

    contenders: dict[str, Contender | Missing] = {
        "poise": Contender(ours),
        "PyPortfolioOpt": given("pypfopt", pypfopt),
        "skfolio": given("skfolio.optimization", skfolio),
    }
    return Case("E3", f"{N_POINTS} points of the frontier", f"N={n_assets}", contenders, tolerance=2e-2)
