"""``python -m benches.known_regimes``: who recognises simulated regimes, beside hmmlearn and jumpmodels.

Twenty markets of four regimes each, fixed seeds. Everybody labels each day from the days before it. Few
switches are bought with late ones, so all are compared at one rate, that of poise as it ships: what each
contender says is smoothed by the same family of rules, and the setting that serves it best there counts.
"""

from __future__ import annotations

import os
import sys

from poise.bench.machine import fair_environment

if __name__ == "__main__" and fair_environment(os.environ) != dict(os.environ):
    # Threads would make the small products of the peers fifty times slower.
    again = [sys.executable, "-m", "benches.known_regimes", *sys.argv[1:]]
    os.execve(sys.executable, again, fair_environment(os.environ))  # noqa: S606

import argparse
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from benches.regime_peers import BURN_IN, averaged, inputs, peers, walk_forward
from poise.regime import RegimeDetector
from poise.testing import simulated_market
from poise.testing.simulated import DAYS_PER_YEAR
from poise.typing import REGIME_LABELS

DAYS, N_ASSETS, FIRST_SEED = 1460, 8, 100
ENGINES = ("rules", "hidden_markov", "jump", "pool")
READINGS = ("volatility_score", "trend_score", "average_correlation")
BINS = 10

HALF_LIVES = (0.0, 2.0, 5.0, 12.0)
"""Of an exponential average of the probabilities; 0 leaves them as they are."""
LEAST = (0.0, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.8, 0.9)
"""What the leader's probability must reach."""
BARS = (1, 2, 3, 5, 8, 13, 21)
"""For how many days in a row."""


@dataclass(frozen=True)
class Said:
    """What a contender said on all markets."""

    probabilities: np.ndarray
    """``(n_markets, n_days, 4)``"""
    labels: np.ndarray
    confidence: np.ndarray


def markets(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns ``(n, n_days, n_assets)`` and the true regimes."""
    made = [simulated_market(seed=FIRST_SEED + k, n_assets=N_ASSETS, days=DAYS) for k in range(n)]
    returns = [market.panel.closes[1:] / market.panel.closes[:-1] - 1.0 for market in made]
    truth = [[REGIME_LABELS.index(label) for label in market.regimes[1:]] for market in made]
    return np.array(returns), np.array(truth)


def contenders(returns: np.ndarray) -> Iterator[tuple[str, Said]]:
    for engine in ENGINES:
        told = [poise(engine, R) for R in returns]
        yield f"poise, {engine}", Said(*(np.array(part) for part in zip(*told, strict=True)))
    readings = [detector_readings(R) for R in returns]
    for name, sees, follow in peers():
        shown = [inputs(seen, R.mean(axis=1))[sees] for seen, R in zip(readings, returns, strict=True)]
        said = np.array([walk_forward(x, seen, follow) for x, seen in zip(shown, readings, strict=True)])
        yield name, Said(said, said.argmax(axis=2), said.max(axis=2))


def poise(engine: str, returns: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    states = RegimeDetector(engine=engine).history(returns)
    even = [0.25] * 4
    return (
        np.array([even if s is None else [s.probabilities[name] for name in REGIME_LABELS] for s in states]),
        np.array([2 if s is None else REGIME_LABELS.index(s.label) for s in states]),
        np.array([0.25 if s is None else s.confidence for s in states]),
    )


def detector_readings(returns: np.ndarray) -> np.ndarray:
    detector, readings = RegimeDetector(), []
    for row in returns:
        seen = detector.partial_fit(row).features_
        readings.append([seen.get(name, 0.0) for name in READINGS])
    return np.array(readings)


def smoothed(probabilities: np.ndarray) -> np.ndarray:
    """Labels by every rule of the family: ``(n_rules, n_markets, n_days)``."""
    by_half_life = []
    for half_life in HALF_LIVES:
        p = probabilities.swapaxes(0, 1)
        p = averaged(p, half_life) if half_life else p
        by_half_life.append(reluctant(p.argmax(axis=2), p.max(axis=2)))
    return np.concatenate(by_half_life)


def reluctant(leaders: np.ndarray, best: np.ndarray) -> np.ndarray:
    """Labels that follow a leader once it was probable enough for long enough; axes: day, market."""
    least, bars = (np.array(each)[:, None] for each in zip(*product(LEAST, BARS), strict=True))
    label = np.full((len(least), leaders.shape[1]), 2)
    challenger, waited = label.copy(), np.zeros_like(label)
    labels = np.empty((len(least), leaders.shape[1], len(leaders)), dtype=int)
    for t, (leader, probability) in enumerate(zip(leaders, best, strict=True)):
        challenges = (leader != label) & (probability >= least)
        waited = np.where(challenges, np.where(leader == challenger, waited + 1, 1), 0)
        challenger = np.where(challenges, leader, challenger)
        label = np.where(waited >= bars, leader, label)
        waited = np.where(waited >= bars, 0, waited)
        labels[:, :, t] = label
    return labels


def balanced_accuracy(labels: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Mean over the regimes of the share of their days that is named right; one figure a market."""
    right = (labels == truth)[..., BURN_IN:]
    found = []
    for market, regimes in enumerate(truth[:, BURN_IN:]):
        shares = [right[..., market, regimes == k].mean(axis=-1) for k in np.unique(regimes)]
        found.append(np.mean(shares, axis=0))
    return np.stack(found, axis=-1)


def switches_a_year(labels: np.ndarray) -> np.ndarray:
    late = labels[..., BURN_IN:]
    return (late[..., 1:] != late[..., :-1]).sum(axis=-1) / late.shape[-1] * DAYS_PER_YEAR


def at_rate(said: Said, truth: np.ndarray, rate: float) -> np.ndarray | None:
    """Accuracy by the rule that serves best among those that switch no more often; None where all do."""
    labels = smoothed(said.probabilities)
    calm = switches_a_year(labels).mean(axis=1) <= rate
    if not calm.any():
        return None
    accuracy = balanced_accuracy(labels[calm], truth)
    return np.asarray(accuracy[accuracy.mean(axis=1).argmax()])


def calibration_error(said: Said, truth: np.ndarray) -> float:
    """Expected calibration error of the confidence, all markets in one table.

    A market has some twenty spells: its own table would tell luck from calibration badly.
    """
    confidence, right = said.confidence[:, BURN_IN:].ravel(), (said.labels == truth)[:, BURN_IN:].ravel()
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    return float(sum(abs((confidence - right)[bins == b].sum()) for b in range(BINS)) / len(bins))


def log_score(said: Said, truth: np.ndarray) -> np.ndarray:
    """Mean of ``-ln p`` of the true regime, one figure a market; a ``p`` below 1e-6 counts as that."""
    p = np.take_along_axis(said.probabilities, truth[:, :, None], axis=2)[:, BURN_IN:, 0]
    return np.asarray(-np.log(np.maximum(p, 1e-6)).mean(axis=1))


def spread(values: np.ndarray) -> str:
    """Mean and its standard error."""
    return f"{values.mean():.3f} +- {values.std(ddof=1) / np.sqrt(len(values)):.3f}"


def lines(found: dict[str, Said], truth: np.ndarray, at: dict[str, np.ndarray | None]) -> Iterator[str]:
    """A Markdown table."""
    yield (
        "| contender | balanced accuracy | switches a year | the same at poise's rate | log score | Brier "
        "| calibration error |"
    )
    yield "|---|---:|---:|---:|---:|---:|---:|"
    for name, said in found.items():
        right = (said.labels == truth)[:, BURN_IN:]
        calm = at[name]
        cells = (
            spread(balanced_accuracy(said.labels, truth)),
            spread(switches_a_year(said.labels)),
            "-" if calm is None else spread(calm),
            "-"
            if np.isin(said.probabilities[:, BURN_IN:], (0.0, 1.0)).all()
            else spread(log_score(said, truth)),
            spread(((said.confidence[:, BURN_IN:] - right) ** 2).mean(axis=1)),
            f"{calibration_error(said, truth):.3f}",
        )
        yield f"| {name} | {' | '.join(cells)} |"


def verdict(found: dict[str, Said], truth: np.ndarray, at: dict[str, np.ndarray | None]) -> str:
    """How far poise as it ships is from the best peer at the same rate, market by market."""
    own, ours = next(iter(found.items()))
    rivals = {name: calm for name, calm in at.items() if calm is not None and not name.startswith("poise")}
    name = max(rivals, key=lambda name: rivals[name].mean())
    gap = balanced_accuracy(ours.labels, truth) - rivals[name]
    return (
        f"{own} less {name}, the best peer at its rate: {spread(gap)} of balanced accuracy; "
        f"ahead on {(gap > 0.0).sum()} of {len(gap)} markets"
    )


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benches.known_regimes", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--paths", type=int, default=20, help="markets, 20 by default, at least 2")
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    returns, truth = markets(options.paths)
    found = dict(contenders(returns))
    rate = switches_a_year(found["poise, rules"].labels).mean()
    at = {name: at_rate(said, truth, rate) for name, said in found.items()}
    print(
        f"{options.paths} markets of {DAYS} days, {N_ASSETS} assets; the truth switches "
        f"{switches_a_year(truth).mean():.1f} times a year, poise as it ships {rate:.1f} times\n"
    )
    print("\n".join(lines(found, truth, at)))
    print("\n" + verdict(found, truth, at))


if __name__ == "__main__":
    main()
