"""The cases that ship with poise: its kernels beside NumPy by hand, pandas, SciPy and cvxpy."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from poise.bench import by_hand
from poise.bench.harness import Case, Contender
from poise.bench.inputs import (
    simulated_covariance,
    simulated_features,
    simulated_returns,
    simulated_series,
)
from poise.moments import EwmaCovariance, ewma_covariance
from poise.optimization import solve_minimum_variance, solve_risk_parity
from poise.regime import GaussianHMM
from poise.risk import max_drawdown, rolling_tail_risk, tail_risk

HALF_LIFE = 30.0


def ewma_path() -> Case:
    """EWMA covariance after every row."""
    R = simulated_returns(1000, 50)
    ewm, out = pd.DataFrame(R).ewm(halflife=HALF_LIFE), np.empty((1000, 50, 50))
    path = partial(ewma_covariance, R, half_life=HALF_LIFE, last=False)
    return Case(
        "A1b",
        "EWMA covariance path",
        "T=1000 N=50",
        {
            "poise": Contender(path),
            "poise into out": Contender(partial(path, out=out)),
            "numpy loop": Contender(partial(by_hand.ewma_path, R, HALF_LIFE)),
            "pandas": Contender(ewm.cov, answer=lambda: ewm.cov().to_numpy().reshape(1000, 50, 50)),
        },
    )


def ewma_last() -> Case:
    """EWMA covariance after the last row, no row negligible."""
    R, half_life = simulated_returns(5000, 200), 1000.0
    return Case(
        "A3",
        "EWMA last matrix",
        "T=5000 N=200",
        {
            "poise": Contender(partial(ewma_covariance, R, half_life=half_life)),
            "numpy weighted product": Contender(partial(by_hand.ewma_last, R, half_life)),
        },
    )


def tick() -> Case:
    """One row into an estimator that lives on."""
    rows = simulated_returns(128, 50)
    poise, plain = EwmaCovariance(HALF_LIFE), by_hand.EwmaInPlace(rows[0], HALF_LIFE)

    def fed_plain() -> Any:
        made = by_hand.EwmaInPlace(rows[0], HALF_LIFE)
        for row in rows[1:]:
            made.update(row)
        return made.matrix

    return Case(
        "B",
        "online EWMA update",
        "N=50, one row",
        {
            "poise": Contender(
                by_hand.through(poise.partial_fit, rows),
                units=len(rows),
                answer=lambda: EwmaCovariance(HALF_LIFE).fit(rows).covariance_,
            ),
            "numpy in place": Contender(
                by_hand.through(plain.update, rows),
                units=len(rows),
                answer=fed_plain,
                expected=EwmaCovariance(HALF_LIFE, demean=False, adjust=False).fit(rows).covariance_,
                note="no mean, no check",
            ),
        },
    )


def rolling() -> Case:
    """VaR and CVaR of every window."""
    returns, window = simulated_series(20_000), 250
    series = pd.Series(returns)
    full = rolling_tail_risk(returns, window=window)[0][window - 1 :]
    quantile = partial(series.rolling(window).quantile, 0.05, interpolation="lower")
    return Case(
        "C1",
        "rolling VaR and CVaR",
        f"T=20000 w={window}",
        {
            "poise": Contender(
                partial(rolling_tail_risk, returns, window=window),
                answer=lambda: [part[window - 1 :] for part in rolling_tail_risk(returns, window=window)],
            ),
            "numpy partition": Contender(partial(by_hand.rolling_tail, returns, window)),
            "pandas quantile": Contender(
                quantile, answer=lambda: -quantile().to_numpy()[window - 1 :], expected=full, note="VaR only"
            ),
        },
    )


def one_sample() -> Case:
    """VaR and CVaR of one sample."""
    returns = simulated_series(100_000)
    series, found = pd.Series(returns), tail_risk(returns)
    quantile = partial(series.quantile, 0.05, interpolation="higher")
    return Case(
        "C2",
        "VaR and CVaR of one sample",
        "n=100000",
        {
            "poise": Contender(
                partial(tail_risk, returns),
                answer=lambda: (found.value_at_risk, found.conditional_value_at_risk),
            ),
            "numpy partition": Contender(partial(by_hand.tail, returns)),
            "pandas quantile": Contender(
                quantile, answer=lambda: -quantile(), expected=found.value_at_risk, note="VaR only"
            ),
        },
    )


def drawdown() -> Case:
    """Largest fall of a long series."""
    returns = simulated_series(1_000_000, scale=2e-4)

    def with_pandas() -> float:
        value = (1.0 + series).cumprod()
        return float((1.0 - value / value.cummax().clip(lower=1.0)).max())

    series = pd.Series(returns)
    return Case(
        "G1",
        "max drawdown",
        "T=1000000",
        {
            "poise": Contender(partial(max_drawdown, returns)),
            "numpy": Contender(partial(by_hand.max_drawdown, returns)),
            "pandas": Contender(with_pandas),
        },
    )


def risk_parity() -> Case:
    """Equal risk contributions."""
    S = simulated_covariance(50)
    loose = by_hand.risk_parity_error(by_hand.risk_parity_quasi_newton(S), S)
    return Case(
        "D",
        "equal risk contributions",
        "N=50",
        {
            "poise": Contender(partial(solve_risk_parity, S), answer=lambda: solve_risk_parity(S).weights),
            "numpy Newton": Contender(partial(by_hand.risk_parity, S)),
            "scipy L-BFGS-B": Contender(
                partial(by_hand.risk_parity_quasi_newton, S), differs=f"stops at an error of {loose:.0e}"
            ),
        },
    )


def minimum_variance() -> Case:
    """Minimum variance with a cap that binds."""
    S, cap = simulated_covariance(50), 0.04
    solve = partial(solve_minimum_variance, S, bounds=(0.0, cap))
    return Case(
        "E1",
        "minimum variance with a cap",
        f"N=50 cap={cap}",
        {
            "poise": Contender(solve, answer=lambda: solve().weights),
            "cvxpy + Clarabel": Contender(partial(by_hand.minimum_variance, S, cap)),
        },
        # Clarabel's answer is as good as its tolerances.
        tolerance=1e-4,
    )


def filter_step() -> Case:
    """One step of the filter of a hidden Markov model."""
    X = simulated_features(500, 5)
    model = GaussianHMM(3, n_restarts=2, max_iterations=50, seed=0).fit(X)
    plain, predicted = by_hand.HmmStep(model.means_, model.covariances_), model.probabilities_
    predicted = predicted @ model.transition_matrix_
    first = model.partial_filter(X[-1])
    return Case(
        "F2",
        "hidden Markov filter step",
        "K=3 F=5",
        {
            "poise": Contender(partial(model.partial_filter, X[-1]), answer=lambda: first),
            "numpy": Contender(partial(plain, predicted, X[-1])),
        },
    )


CASES: tuple[Callable[[], Case], ...] = (
    ewma_path,
    ewma_last,
    tick,
    rolling,
    one_sample,
    drawdown,
    risk_parity,
    minimum_variance,
    filter_step,
)
"""The questions in their order; the inputs of each are made when it is asked."""
