"""The hidden Markov and the jump model against their peers, side by side in one run.

Questions: fitting (T=2000, 5 features, 3 states, 10 starts), smoothing 2000 rows, one step of the online
filter; the cheapest path of the jump model. hmmlearn has no online filter: its users run it again over a
window, here of 250 rows. Contenders agree: checked before the clock starts, the fits by their likelihood.
Run with ``python benches/bench_regime.py [seconds per contender]``.
"""

from __future__ import annotations

import platform
import sys
from functools import partial
from pathlib import Path

import numpy as np
from hmmlearn.hmm import GaussianHMM as Peer

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benches.harness import Case, measure, table
from poise.regime import GaussianHMM, JumpModel

N_OBSERVATIONS, N_FEATURES, N_STATES, N_STARTS = 2000, 5, 3, 10
WINDOW = 250


def market() -> np.ndarray:
    """Three regimes of 100 rows each in turn: calm, falling, wild."""
    rng = np.random.default_rng(7)
    state = np.arange(N_OBSERVATIONS) // 100 % N_STATES
    scale, drift = np.array([0.007, 0.012, 0.03])[state], np.array([0.001, -0.002, 0.0])[state]
    common = rng.standard_t(5, (N_OBSERVATIONS, 1))
    own = rng.standard_t(5, (N_OBSERVATIONS, N_FEATURES))
    return drift[:, None] + scale[:, None] * (0.6 * common + own)


def hmmlearn_fit(X: np.ndarray) -> Peer:
    """Ten starts, the best one kept, to the tolerance of poise: 1e-6 per observation."""
    peers = [
        Peer(N_STATES, "full", n_iter=200, tol=1e-6 * len(X), min_covar=0.0, random_state=start)
        for start in range(N_STARTS)
    ]
    return max((peer.fit(X) for peer in peers), key=lambda peer: peer.monitor_.history[-1])


def numpy_step(
    predicted: np.ndarray, row: np.ndarray, means: np.ndarray, whiteners: np.ndarray, constants: np.ndarray
) -> np.ndarray:
    """One step of the filter as plain NumPy."""
    z = np.einsum("kij,kj->ki", whiteners, row - means)
    logs = constants - 0.5 * (z * z).sum(axis=1)
    joint = predicted * np.exp(logs - logs.max())
    return joint / joint.sum()


def numpy_path(X: np.ndarray, centroids: np.ndarray, penalty: float) -> np.ndarray:
    """The cheapest path of the jump model as plain NumPy: a loop over the rows, states side by side."""
    losses = 0.5 * ((X[:, None] - centroids) ** 2).sum(axis=2)
    costs, came_from = losses[0], np.empty(losses.shape, dtype=np.int64)
    own = np.arange(len(centroids))
    for t, loss in enumerate(losses[1:], start=1):
        cheapest = costs.argmin()
        change = costs[cheapest] + penalty
        came_from[t] = np.where(costs <= change, own, cheapest)
        costs = np.minimum(costs, change) + loss
    path = np.empty(len(X), dtype=np.int64)
    path[-1] = costs.argmin()
    for t in range(len(X) - 1, 0, -1):
        path[t - 1] = came_from[t, path[t]]
    return path


def cases() -> list[Case]:
    """Return the questions, their answers checked against each other."""
    X = market()
    size = f"T={N_OBSERVATIONS} F={N_FEATURES} K={N_STATES}"
    model, peer = GaussianHMM(N_STATES, n_restarts=N_STARTS, seed=0), hmmlearn_fit(X)
    likelihood = model.fit(X).log_likelihood_
    assert likelihood >= peer.score(X) - 0.1, (likelihood, peer.score(X))
    fits = {"poise": partial(model.fit, X), "hmmlearn": partial(hmmlearn_fit, X)}

    given = Peer(N_STATES, "full")
    given.startprob_, given.transmat_ = model.start_probabilities_, model.transition_matrix_
    given.means_, given.covars_ = model.means_, model.covariances_
    np.testing.assert_allclose(model.smooth(X), given.predict_proba(X), atol=1e-8)
    smooths = {"poise": partial(model.smooth, X), "hmmlearn": partial(given.predict_proba, X)}

    whiteners = np.linalg.inv(np.linalg.cholesky(model.covariances_))
    constants = np.log(np.diagonal(whiteners, axis1=1, axis2=2)).sum(axis=1) - N_FEATURES / 2 * np.log(
        2 * np.pi
    )
    predicted = model.probabilities_ @ model.transition_matrix_
    plain = partial(numpy_step, predicted, X[-1], model.means_, whiteners, constants)
    np.testing.assert_allclose(model.partial_filter(X[-1]), plain(), atol=1e-8)
    steps = {
        "poise": partial(model.partial_filter, X[-1]),
        "numpy": plain,
        f"hmmlearn, {WINDOW} rows again": partial(given.predict_proba, X[-WINDOW:]),
    }
    standard = (X - X.mean(axis=0)) / X.std(axis=0)
    jump = JumpModel(N_STATES, jump_penalty=20.0, n_restarts=N_STARTS, seed=0).fit(standard)
    dynamic = partial(numpy_path, standard, jump.centroids_, 20.0)
    np.testing.assert_array_equal(jump.predict(standard), dynamic())
    paths = {"poise": partial(jump.predict, standard), "numpy": dynamic}
    return [
        Case("hidden Markov fit", f"{size}, {N_STARTS} starts", fits),
        Case("hidden Markov smoothing", size, smooths),
        Case("hidden Markov filter step", f"F={N_FEATURES} K={N_STATES}", steps),
        Case("jump model path", size, paths),
    ]


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    print(f"{platform.machine()}, Python {platform.python_version()}, numpy {np.__version__}\n")
    print(table(measure(case, seconds) for case in cases()))


if __name__ == "__main__":
    main()
