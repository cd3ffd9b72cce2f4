"""EWMA moments against pandas and NumPy by hand, shrinkage against scikit-learn, side by side in one run.

Questions: the whole path (T=1000, N=50), the last matrix (T=5000, N=200), one online update (N=50),
Ledoit and Wolf's covariance (T=5000, N=200).
Run with ``python benches/bench_moments.py [seconds per contender]``.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.covariance import ledoit_wolf as sklearn_ledoit_wolf

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benches.harness import Case, measure, table
from poise.moments import EwmaCovariance, ewma_correlation, ewma_covariance, ledoit_wolf

HALF_LIFE = 30.0
BETA = 0.5 ** (1.0 / HALF_LIFE)


def returns(n_observations: int, n_assets: int) -> np.ndarray:
    """Fat-tailed daily returns with one market factor, fixed seed."""
    rng = np.random.default_rng(7)
    market = rng.standard_t(4, size=(n_observations, 1))
    return 0.01 * (0.6 * market + rng.standard_t(4, size=(n_observations, n_assets)))


def numpy_path(R: np.ndarray) -> np.ndarray:
    """The recursion with one outer product per row, adjusted weights, unbiased."""
    n_observations, n_assets = R.shape
    path = np.empty((n_observations, n_assets, n_assets))
    mean, moments = R[0].copy(), np.zeros((n_assets, n_assets))
    total = squares = 1.0
    path[0] = np.nan
    for t in range(1, n_observations):
        old = BETA * total
        total, squares = old + 1.0, BETA * BETA * squares + 1.0
        deviation = R[t] - mean
        mean += deviation / total
        moments = (old / total) * moments + (old / total / total) * np.outer(deviation, deviation)
        path[t] = moments * (total * total / (total * total - squares))
    return path


def numpy_last(R: np.ndarray) -> np.ndarray:
    """The weighted product of the centred rows, unbiased."""
    weights = BETA ** np.arange(len(R) - 1, -1, -1.0)
    weights /= weights.sum()
    centred = R - weights @ R
    return (centred * weights[:, None]).T @ centred / (1.0 - weights @ weights)


def numpy_update(R: np.ndarray) -> Callable[[], object]:
    """One tick after another with NumPy, in place."""
    mean, moments, step = np.zeros(R.shape[1]), np.zeros((R.shape[1],) * 2), [0]

    def update() -> None:
        step[0] = (step[0] + 1) % len(R)
        deviation = R[step[0]] - mean
        mean[:] += (1.0 - BETA) * deviation
        moments[:] = BETA * (moments + (1.0 - BETA) * np.outer(deviation, deviation))

    return update


def poise_update(R: np.ndarray) -> Callable[[], object]:
    """One tick after another with poise."""
    estimator, step = EwmaCovariance(HALF_LIFE), [0]

    def update() -> None:
        step[0] = (step[0] + 1) % len(R)
        estimator.partial_fit(R[step[0]])

    return update


def cases() -> list[Case]:
    small, long, ticks = returns(1000, 50), returns(5000, 200), returns(512, 50)
    ewm, frame = pd.DataFrame(small).ewm(halflife=HALF_LIFE), ewma_covariance
    out = np.empty((1000, 50, 50))
    np.testing.assert_allclose(numpy_path(small)[-1], ewma_covariance(small, half_life=HALF_LIFE), rtol=1e-9)
    np.testing.assert_allclose(numpy_last(long), ewma_covariance(long, half_life=HALF_LIFE), rtol=1e-9)
    np.testing.assert_allclose(sklearn_ledoit_wolf(long)[0], ledoit_wolf(long).covariance, rtol=1e-9)
    return [
        Case(
            "EWMA covariance path",
            "T=1000 N=50",
            {
                "poise": partial(frame, small, half_life=HALF_LIFE, last=False),
                "poise into out": partial(frame, small, half_life=HALF_LIFE, last=False, out=out),
                "numpy loop": partial(numpy_path, small),
                "pandas ewm.cov": ewm.cov,
            },
        ),
        Case(
            "EWMA correlation path",
            "T=1000 N=50",
            {
                "poise": partial(ewma_correlation, small, half_life=HALF_LIFE, last=False),
                "pandas ewm.corr": ewm.corr,
            },
        ),
        Case(
            "EWMA last matrix",
            "T=5000 N=200",
            {
                "poise": partial(frame, long, half_life=HALF_LIFE),
                "poise, no row negligible": partial(frame, long, half_life=1000.0),
                "numpy weighted product": partial(numpy_last, long),
            },
        ),
        Case(
            "online EWMA update",
            "N=50, one row",
            {"poise": poise_update(ticks), "numpy outer": numpy_update(ticks)},
        ),
        Case(
            "Ledoit-Wolf shrinkage",
            "T=5000 N=200",
            {"poise": partial(ledoit_wolf, long), "scikit-learn": partial(sklearn_ledoit_wolf, long)},
        ),
    ]


CASES = cases()


if __name__ == "__main__":
    SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    print(
        f"{platform.processor() or platform.machine()}, Python {platform.python_version()}, "
        f"numpy {np.__version__}, pandas {pd.__version__}\n"
    )
    print(table(measure(case, SECONDS) for case in CASES))
