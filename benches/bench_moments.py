"""A: EWMA covariance and correlation paths, the last matrix, Ledoit and Wolf's shrinkage."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import pandas as pd

from benches.peers import given
from poise.bench import by_hand
from poise.bench.harness import Case, Contender
from poise.bench.inputs import simulated_returns
from poise.moments import ewma_correlation, ewma_covariance, ledoit_wolf

HALF_LIFE = 30.0
FULL_LENGTH = 1000.0
"""Half-life at which none of 5000 rows is negligible."""


def cases() -> Iterator[Case]:
    yield covariance_path("A1", 2000, 100)
    yield covariance_path("A1b", 1000, 50)
    yield correlation_path(2000, 100)
    yield last_matrix(5000, 200, FULL_LENGTH)
    yield last_matrix(5000, 200, HALF_LIFE)
    yield last_matrix(2000, 100, HALF_LIFE, slow=True)
    yield shrinkage(5000, 200)


def some(path: np.ndarray) -> np.ndarray:
    """The matrices that are compared: a path of all of them would take the memory of ten."""
    return np.array(path[[len(path) // 2, -1]])


def covariance_path(row: str, n_observations: int, n_assets: int) -> Case:
    R = simulated_returns(n_observations, n_assets)
    decay, shape = by_hand.decay_factor(HALF_LIFE), (n_observations, n_assets, n_assets)
    ewm, out = pd.DataFrame(R).ewm(halflife=HALF_LIFE), np.empty(shape)
    path = partial(ewma_covariance, R, half_life=HALF_LIFE, last=False)
    about_zero = some(path(demean=False))

    def numba(lib):
        return Contender(partial(lib.ewma_path, R, decay), answer=lambda: some(lib.ewma_path(R, decay)))

    def numba_into(lib):
        into = partial(lib.ewma_path_into, R, decay, out)
        return Contender(into, answer=lambda: some(into()))

    def numbagg(lib):
        call = partial(lib.move_exp_nancovmatrix, R, alpha=1.0 - decay)
        return Contender(call, answer=lambda: some(call()))

    def cvxcovariance(lib):
        call = lambda: dict(lib._ewma_cov(pd.DataFrame(R), HALF_LIFE))  # noqa: E731, SLF001 - its public function does more
        return Contender(
            call,
            answer=lambda: some(np.array([m.to_numpy() for m in call().values()])),
            expected=about_zero,
            note="zero mean",
        )

    contenders = {
        "poise": Contender(path, answer=lambda: some(path())),
        "poise into out": Contender(partial(path, out=out), answer=lambda: some(path(out=out))),
        "poise packed": packed_path(R),
        "numpy loop": Contender(
            partial(by_hand.ewma_path, R, HALF_LIFE), answer=lambda: some(by_hand.ewma_path(R, HALF_LIFE))
        ),
        "numba by hand": given("benches.numba_by_hand", numba),
        "numba by hand into out": given("benches.numba_by_hand", numba_into),
        "numbagg": given("numbagg", numbagg),
        "cvxcovariance": given("cvx.covariance.ewma", cvxcovariance),
        "pandas": Contender(ewm.cov, answer=lambda: some(ewm.cov().to_numpy().reshape(shape))),
    }
    if row == "A1b":
        contenders["polars, pair by pair"] = given("polars", partial(polars_pairs, R, about_zero))
    return Case(row, "EWMA covariance path", f"T={n_observations} N={n_assets}", contenders)


def packed_path(R: np.ndarray) -> Contender:
    n_assets = R.shape[1]
    lower = np.tril_indices(n_assets)
    call = partial(ewma_covariance, R, half_life=HALF_LIFE, last=False, packed=True)

    def unpacked() -> np.ndarray:
        rows = some(call())
        full = np.zeros((len(rows), n_assets, n_assets))
        full[:, lower[0], lower[1]] = rows
        full[:, lower[1], lower[0]] = rows
        return full

    return Contender(call, answer=unpacked)


def polars_pairs(R: np.ndarray, about_zero: np.ndarray, polars) -> Contender:
    """EWMA of every product in one query; the products are about zero."""
    frame = polars.DataFrame({str(i): R[:, i] for i in range(R.shape[1])})
    pairs = [
        (polars.col(str(i)) * polars.col(str(j))).ewm_mean(half_life=HALF_LIFE).alias(f"{i},{j}")
        for i in range(R.shape[1])
        for j in range(i + 1)
    ]

    def answer() -> np.ndarray:
        found, lower = some(frame.select(pairs).to_numpy()), np.tril_indices(R.shape[1])
        full = np.zeros((2, R.shape[1], R.shape[1]))
        full[:, lower[0], lower[1]] = full[:, lower[1], lower[0]] = found
        return full

    return Contender(
        lambda: frame.select(pairs), answer=answer, expected=about_zero, note="zero mean, packed"
    )


def correlation_path(n_observations: int, n_assets: int) -> Case:
    R = simulated_returns(n_observations, n_assets)
    decay, shape = by_hand.decay_factor(HALF_LIFE), (n_observations, n_assets, n_assets)
    ewm = pd.DataFrame(R).ewm(halflife=HALF_LIFE)
    path = partial(ewma_correlation, R, half_life=HALF_LIFE, last=False)

    def numbagg(lib):
        call = partial(lib.move_exp_nancorrmatrix, R, alpha=1.0 - decay)
        return Contender(call, answer=lambda: some(call()))

    return Case(
        "A2",
        "EWMA correlation path",
        f"T={n_observations} N={n_assets}",
        {
            "poise": Contender(path, answer=lambda: some(path())),
            "poise, covariance path": Contender(
                partial(ewma_covariance, R, half_life=HALF_LIFE, last=False), differs="the covariance path"
            ),
            "numbagg": given("numbagg", numbagg),
            "pandas": Contender(ewm.corr, answer=lambda: some(ewm.corr().to_numpy().reshape(shape))),
        },
    )


def last_matrix(n_observations: int, n_assets: int, half_life: float, *, slow: bool = False) -> Case:
    R = simulated_returns(n_observations, n_assets)
    frame, decay = pd.DataFrame(R), by_hand.decay_factor(half_life)
    # Below a weight of 2**-53 a row is lost in the rounding of the others.
    recent = R[-min(int(53 * half_life), n_observations) :]

    def skfolio(lib):
        call = lib.EWCovariance(half_life=half_life, nearest=False).fit
        return Contender(
            partial(call, R),
            answer=lambda: call(R).covariance_,
            expected=ewma_covariance(R, half_life=half_life, demean=False),
            note="zero mean",
        )

    def riskfolio(lib):
        call = partial(lib.ParamsEstimation.covar_matrix, frame, method="ewma1", d=decay)
        return Contender(call)

    def pypfopt(lib):
        call = partial(
            lib.risk_models.exp_cov, frame, returns_data=True, span=2.0 / (1.0 - decay) - 1.0, frequency=1
        )
        return Contender(call, differs="deviations from the plain mean")

    contenders = {
        "poise": Contender(partial(ewma_covariance, R, half_life=half_life)),
        "numpy weighted product": Contender(partial(by_hand.ewma_last, R, half_life)),
        "numpy product with itself": Contender(
            partial(by_hand.ewma_last_half, R, half_life), note="root weights: BLAS computes half"
        ),
        "skfolio": given("skfolio.moments", skfolio),
    }
    if len(recent) < n_observations:
        contenders["numpy weighted product, negligible rows left out"] = Contender(
            partial(by_hand.ewma_last, recent, half_life)
        )
    if slow:
        contenders["riskfolio-lib"] = given("riskfolio", riskfolio)
        contenders["PyPortfolioOpt"] = given("pypfopt", pypfopt)
    size = f"T={n_observations} N={n_assets} half_life={half_life:g}"
    return Case("A3", "EWMA last matrix", size, contenders)


def shrinkage(n_observations: int, n_assets: int) -> Case:
    R = simulated_returns(n_observations, n_assets)
    frame = pd.DataFrame(R)

    def skfolio(lib):
        call = lib.LedoitWolf().fit
        return Contender(partial(call, R), answer=lambda: call(R).covariance_)

    def pypfopt(lib):
        call = lambda: lib.risk_models.CovarianceShrinkage(  # noqa: E731
            frame, returns_data=True, frequency=1
        ).ledoit_wolf()
        return Contender(call)

    return Case(
        "A4",
        "Ledoit-Wolf shrinkage",
        f"T={n_observations} N={n_assets}",
        {
            "poise": Contender(partial(ledoit_wolf, R), answer=lambda: ledoit_wolf(R).covariance),
            "scikit-learn": given(
                "sklearn.covariance",
                lambda lib: Contender(partial(lib.ledoit_wolf, R), answer=lambda: lib.ledoit_wolf(R)[0]),
            ),
            "skfolio": given("skfolio.moments", skfolio),
            "PyPortfolioOpt": given("pypfopt", pypfopt),
        },
    )
