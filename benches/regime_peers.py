"""hmmlearn and jumpmodels as their users run them day by day: refitted twice a year on at most four years.

Both see what they are usually given and what poise's own detector reads, and come with several prices of a
change of state. Their states are named by one rule; what they say is the probability of each name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from poise.regime import GaussianHMM
from poise.typing import Matrix, Vector

WARM, BURN_IN, REFIT, WINDOW = 120, 250, 180, 1460
STATES, STARTS, MOST_STARTS = 4, 2, 10
PRICES = (5.0, 20.0, 50.0, 100.0)
STICKY = (1.0, 50.0, 500.0)
CLIP = 3.0
VOLATILE = np.log(1.3)
VOLATILITY, TREND = 0, 1
"""Columns of the readings by which states are named."""

Follow = Callable[[Matrix, Matrix], tuple[Matrix, Vector]]
"""Fits on the first rows; probabilities of states at the last ones, each from its past, and fitted states."""


def peers() -> Iterator[tuple[str, str, Follow]]:
    """Name, what it sees, and how it follows."""
    for sees in ("readings", "returns"):
        for sticky in STICKY:
            yield f"hmmlearn, {sees}, sticky {sticky:g}", sees, hidden_markov(sticky)
    for sees in ("readings", "downside"):
        for price in PRICES:
            yield f"jumpmodels, {sees}, penalty {price:g}", sees, jump_model(price)


def inputs(readings: Matrix, index: Vector) -> dict[str, Matrix]:
    """What the peers can be given, one row a day.

    ``readings``: log volatility score, trend score, average correlation of poise's detector. ``returns``: of
    the index, the usual input of a hidden Markov model. ``downside``: logarithm of the downside deviation
    (half-life 10), Sortino ratios (20 and 60), the features of the jump model's authors (Shu, Yu and Mulvey).
    """
    fall = np.minimum(index, 0.0) ** 2
    deviation = {half_life: np.sqrt(averaged(fall, half_life)) + 1e-6 for half_life in (10.0, 20.0, 60.0)}
    sortino = [averaged(index, half_life) / deviation[half_life] for half_life in (20.0, 60.0)]
    downside = np.column_stack([np.log(deviation[10.0]), *sortino])
    return {"readings": readings, "returns": index[:, None], "downside": downside}


def averaged(x: np.ndarray, half_life: float) -> np.ndarray:
    """Exponentially weighted mean along the first axis."""
    decay = 0.5 ** (1.0 / half_life)
    total, weight, means = np.zeros_like(x[0]), 0.0, np.empty_like(x)
    for t, row in enumerate(x):
        total, weight = decay * total + row, decay * weight + 1.0
        means[t] = total / weight
    return means


def walk_forward(shown: Matrix, readings: Matrix, follow: Follow) -> Matrix:
    """Probability of each regime, from models that are refitted as they go."""
    said = np.full((len(shown), STATES), 1.0 / STATES)
    for start in range(BURN_IN, len(shown), REFIT):
        past, ahead = slice(max(WARM, start - WINDOW), start), slice(start, start + REFIT)
        mean, deviation = shown[past].mean(axis=0), shown[past].std(axis=0)
        fitted, new = (np.clip((shown[rows] - mean) / deviation, -CLIP, CLIP) for rows in (past, ahead))
        probabilities, states = follow(fitted, new)
        by_name = np.zeros((STATES, STATES))
        by_name[np.arange(STATES), named(states, readings[past])] = 1.0
        said[ahead] = probabilities @ by_name
    return said


def named(states: Vector, seen: Matrix) -> Vector:
    """Name states by the readings of their days: the most volatile, if it is so, then by trend."""
    medians = np.array(
        [np.median(seen[states == k], axis=0) if (states == k).any() else np.zeros(3) for k in range(STATES)]
    )
    names = np.full(STATES, 2)
    rest = list(np.argsort(medians[:, TREND]))
    wildest = int(medians[:, VOLATILITY].argmax())
    if medians[wildest, VOLATILITY] >= VOLATILE:
        names[wildest] = 3
        rest.remove(wildest)
    names[rest[-1]], names[rest[0]] = 0, 1
    return names


def hidden_markov(sticky: float) -> Follow:
    from hmmlearn.hmm import GaussianHMM as Peer

    def fit(rows: Matrix) -> Peer:
        prior = 1.0 + (sticky - 1.0) * np.eye(STATES)
        fits = []
        for start in range(MOST_STARTS):
            peer = Peer(STATES, "full", n_iter=100, transmat_prior=prior, random_state=start)
            try:
                peer.fit(rows)
            except ValueError:  # a covariance that is none: this start leads nowhere, the next one may
                continue
            if np.isfinite(peer.covars_).all() and np.isfinite(peer.transmat_).all():
                fits.append(peer)
            if len(fits) == STARTS:
                break
        return max(fits, key=lambda peer: peer.monitor_.history[-1])

    def follow(fitted: Matrix, ahead: Matrix) -> tuple[Matrix, Vector]:
        best = fit(fitted)
        model = GaussianHMM.from_parameters(  # the same filter, in C's speed: the peer has no online one
            start_probabilities=best.startprob_,
            transition_matrix=best.transmat_,
            means=best.means_,
            # A state of few rows may be flat in a direction.
            covariances=best.covars_ + 1e-6 * np.eye(fitted.shape[1]),
        )
        filtered = model.filter(np.vstack([fitted, ahead]))
        return filtered[len(fitted) :], filtered[: len(fitted)].argmax(axis=1)

    return follow


def jump_model(price: float) -> Follow:
    from jumpmodels.jump import JumpModel as Peer

    def follow(fitted: Matrix, ahead: Matrix) -> tuple[Matrix, Vector]:
        peer = Peer(STATES, jump_penalty=price, n_init=STARTS, random_state=0).fit(fitted)
        both = np.asarray(peer.predict_online(np.vstack([fitted, ahead]))).astype(int)
        return np.eye(STATES)[both[len(fitted) :]], np.asarray(peer.labels_).astype(int)

    return follow
