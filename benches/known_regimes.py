"""``python -m benches.known_regimes``: who recognises simulated regimes, beside hmmlearn and jumpmodels.

Twenty markets of four regimes each, fixed seeds. Everybody labels each day from the days before it. The peers
see the readings of poise's own detector (volatility, trend, correlation), are refitted twice a year on at
most four years, and their states are named by one rule; each comes with several prices of a change of state,
for few switches are bought with late ones.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from poise.regime import GaussianHMM, RegimeDetector
from poise.testing import simulated_market
from poise.testing.simulated import DAYS_PER_YEAR
from poise.typing import REGIME_LABELS

DAYS, N_ASSETS, FIRST_SEED = 1460, 8, 100
WARM, BURN_IN, REFIT, WINDOW = 120, 250, 180, 1460
STATES, STARTS = 4, 2
PRICES = (5.0, 20.0, 50.0, 100.0)
STICKY = (1.0, 50.0, 500.0)
ENGINES = ("rules", "hidden_markov", "jump", "pool")
READINGS = ("volatility_score", "trend_score", "average_correlation")
CLIP = 3.0
VOLATILE = np.log(1.3)
BINS = 10


@dataclass(frozen=True)
class Path:
    """One market: what a day showed, and what it was."""

    readings: np.ndarray
    """Log volatility score, trend score, average correlation: ``(n_days, 3)``."""
    truth: np.ndarray
    said: dict[str, tuple[np.ndarray, np.ndarray]]
    """Labels and confidence of poise, by engine."""


@dataclass(frozen=True)
class Score:
    """How well labels agree with the truth, after the burn-in."""

    balanced_accuracy: float
    switches_a_year: float
    brier: float
    """Mean square of ``confidence - (label is right)``."""
    calibration_error: float
    """Expected calibration error over ten bins of confidence."""


def path(seed: int) -> Path:
    market = simulated_market(seed=seed, n_assets=N_ASSETS, days=DAYS)
    returns = market.panel.closes[1:] / market.panel.closes[:-1] - 1.0
    detector, readings = RegimeDetector(), []
    for row in returns:
        seen = detector.partial_fit(row).features_
        readings.append([seen.get(name, 0.0) for name in READINGS])
    truth = np.array([REGIME_LABELS.index(label) for label in market.regimes[1:]])
    return Path(np.array(readings), truth, {engine: told(engine, returns) for engine in ENGINES})


def told(engine: str, returns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    states = RegimeDetector(engine=engine).history(returns)
    labels = [2 if state is None else REGIME_LABELS.index(state.label) for state in states]
    return np.array(labels), np.array([0.25 if state is None else state.confidence for state in states])


def score(labels: np.ndarray, confidence: np.ndarray, truth: np.ndarray) -> Score:
    labels, confidence, truth = labels[BURN_IN:], confidence[BURN_IN:], truth[BURN_IN:]
    right = labels == truth
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = [abs((confidence[bins == b] - right[bins == b]).sum()) for b in range(BINS)]
    return Score(
        balanced_accuracy=float(np.mean([right[truth == k].mean() for k in np.unique(truth)])),
        switches_a_year=float((labels[1:] != labels[:-1]).sum() / len(labels) * DAYS_PER_YEAR),
        brier=float(np.mean((confidence - right) ** 2)),
        calibration_error=float(sum(gaps) / len(labels)),
    )


Follow = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Fits on the first rows and returns the probability of each state at the last ones, each from its past."""


def walk_forward(readings: np.ndarray, follow: Follow) -> tuple[np.ndarray, np.ndarray]:
    """Labels and the probability of each, from models that are refitted as they go."""
    labels, confidence = np.full(len(readings), 2), np.full(len(readings), 0.25)
    for start in range(BURN_IN, len(readings), REFIT):
        seen, ahead = readings[max(WARM, start - WINDOW) : start], readings[start : start + REFIT]
        mean, deviation = seen.mean(axis=0), seen.std(axis=0)
        fitted, shown = (np.clip((x - mean) / deviation, -CLIP, CLIP) for x in (seen, ahead))
        probabilities, states = follow(fitted, shown)
        names = named(states, seen)
        best = probabilities.argmax(axis=1)
        labels[start : start + REFIT] = names[best]
        confidence[start : start + REFIT] = probabilities.max(axis=1)
    return labels, confidence


def named(states: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Name states by their rows: the most volatile, if it is so, then by trend."""
    medians = np.array(
        [np.median(seen[states == k], axis=0) if (states == k).any() else np.zeros(3) for k in range(STATES)]
    )
    names = np.full(STATES, 2)
    rest = list(np.argsort(medians[:, 1]))
    wildest = int(medians[:, 0].argmax())
    if medians[wildest, 0] >= VOLATILE:
        names[wildest] = 3
        rest.remove(wildest)
    names[rest[-1]], names[rest[0]] = 0, 1
    return names


def hidden_markov(sticky: float) -> Follow:
    from hmmlearn.hmm import GaussianHMM as Peer

    def follow(fitted: np.ndarray, ahead: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        prior = 1.0 + (sticky - 1.0) * np.eye(STATES)
        peers = [
            Peer(STATES, "full", n_iter=100, transmat_prior=prior, random_state=start).fit(fitted)
            for start in range(STARTS)
        ]
        best = max(peers, key=lambda peer: peer.monitor_.history[-1])
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

    def follow(fitted: np.ndarray, ahead: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        peer = Peer(STATES, jump_penalty=price, n_init=STARTS, random_state=0).fit(fitted)
        both = np.asarray(peer.predict_online(np.vstack([fitted, ahead]))).astype(int)
        return np.eye(STATES)[both[len(fitted) :]], np.asarray(peer.labels_).astype(int)

    return follow


def contenders() -> Iterator[tuple[str, Callable[[Path], tuple[np.ndarray, np.ndarray]]]]:
    for engine in ENGINES:
        yield f"poise, {engine}", lambda path, engine=engine: path.said[engine]
    for sticky in STICKY:
        follow = hidden_markov(sticky)
        yield f"hmmlearn, sticky {sticky:g}", lambda path, follow=follow: walk_forward(path.readings, follow)
    for price in PRICES:
        follow = jump_model(price)
        yield (
            f"jumpmodels, penalty {price:g}",
            lambda path, follow=follow: walk_forward(path.readings, follow),
        )


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benches.known_regimes", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--paths", type=int, default=20, help="markets, 20 by default")
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    paths = [path(FIRST_SEED + k) for k in range(options.paths)]
    scores = {name: [score(*label(p), p.truth) for p in paths] for name, label in contenders()}
    true = np.mean([(p.truth[1:] != p.truth[:-1]).sum() / len(p.truth) * DAYS_PER_YEAR for p in paths])
    print(
        f"{len(paths)} markets of {DAYS} days, {N_ASSETS} assets; "
        f"the truth switches {true:.1f} times a year\n"
    )
    print("\n".join(lines(scores)))
    print("\n" + verdict(scores))


def lines(scores: dict[str, list[Score]]) -> Iterator[str]:
    """A Markdown table."""
    yield "| contender | balanced accuracy | switches a year | Brier | calibration error |"
    yield "|---|---:|---:|---:|---:|"
    for name, found in scores.items():
        cells = (spread([getattr(one, field) for one in found]) for field in Score.__annotations__)
        yield f"| {name} | {' | '.join(cells)} |"


def spread(values: list[float]) -> str:
    """Mean and its standard error."""
    return f"{np.mean(values):.3f} +- {np.std(values, ddof=1) / np.sqrt(len(values)):.3f}"


def verdict(scores: dict[str, list[Score]]) -> str:
    """The best peer that switches no more often, and how far apart the two are, market by market."""
    own, ours = next(iter(scores.items()))
    peers = [(name, found) for name, found in scores.items() if not name.startswith("poise")]
    rate = np.mean([one.switches_a_year for one in ours])
    calm = {name: found for name, found in peers if np.mean([s.switches_a_year for s in found]) <= rate}
    if not calm:
        return f"no peer switches as rarely as {own}"
    name = max(calm, key=lambda name: np.mean([s.balanced_accuracy for s in calm[name]]))
    gaps = [a.balanced_accuracy - b.balanced_accuracy for a, b in zip(ours, calm[name], strict=True)]
    return f"{own} less {name}, the best that switches no more often: {spread(gaps)} of balanced accuracy"


if __name__ == "__main__":
    main()
