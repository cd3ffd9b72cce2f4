"""Engines beside the rules: models of the readings, fitted anew, scored, chosen and pooled."""

from __future__ import annotations

import math
from collections import deque
from itertools import permutations
from typing import Any, NamedTuple

import numpy as np

from poise.regime import GaussianHMM, JumpModel
from tests.reference.regime.features import Reading
from tests.reference.regime.rules import BEAR, BULL, HIGH_VOLATILITY, SIDEWAYS, Probabilities

MOST_ROWS = 1460
PENALTIES = (5.0, 20.0, 50.0)
N_STATES = 4
FLOOR = 1e-3
COLDNESS = 2.0
RULES = 0.6
MIN_VOTES = 90
LEAST_PROBABILITY = 1e-6
VOLATILE = math.log(1.3)
VOLATILITY_WIDTH, TREND_WIDTH = 0.15, 0.35
POOLS = ({"hidden"}, {"jump"}, {"hidden", "jump"})


class Vote(NamedTuple):
    """What everybody said at a bar."""

    rules: np.ndarray
    hidden: np.ndarray | None
    jumps: list[np.ndarray] | None
    penalty: int


def log_score(p: np.ndarray, truth: int) -> float:
    return -math.log(max(p[truth], LEAST_PROBABILITY))


def floored(p: np.ndarray) -> np.ndarray:
    p = np.maximum(p / p.sum(), FLOOR)
    return p / p.sum()


def pooled(vote: Vote, members: set[str]) -> np.ndarray:
    """Geometric mean of the rules (0.6, or all) and the members that voted (the rest, evenly)."""
    said = {"hidden": vote.hidden, "jump": None if vote.jumps is None else vote.jumps[vote.penalty]}
    product = vote.rules ** (RULES if members else 1.0)
    for member in members:
        product = product * said[member] ** ((1.0 - RULES) / len(members))
    return product / product.sum()


class Hidden:
    """Two states on the volatility score."""

    def __init__(self, rows: np.ndarray) -> None:
        self.model = GaussianHMM(2, covariance_type="diagonal", sticky=50.0, seed=0).fit(rows[:, :1])
        self.is_volatile = self.model.means_[1, 0] >= VOLATILE

    def probabilities(self, rules: np.ndarray) -> np.ndarray:
        volatile = self.model.probabilities_[1] if self.is_volatile else 0.0
        calm = rules[:3] / rules[:3].sum()
        return floored(np.array([*(1.0 - volatile) * calm, volatile]))


class Jumps:
    """Clusters in time, in the order of the `old` fit; one without a bar is left out (its place is NaN)."""

    def __init__(self, rows: np.ndarray, penalty: float, old: Jumps | None) -> None:
        self.location, self.scale, self.penalty = rows.mean(axis=0), rows.std(axis=0), penalty
        X = self.standard(rows)
        model = JumpModel(N_STATES, jump_penalty=penalty, seed=0).fit(X)
        labels, centroids = model.predict(X), model.centroids_.copy()
        centroids[~np.isin(np.arange(N_STATES), labels)] = np.nan
        places = self.location + self.scale * centroids
        order = np.arange(N_STATES) if old is None else np.array(matched(old.places, places))
        self.places = places[order]
        states = [k for k in order if not np.isnan(places[k, 0])]
        self.centroids = centroids[states]
        typical = np.array([np.median(rows[labels == k], axis=0) for k in states])
        before = [] if old is None else [old.by_slot[slot] for slot, k in enumerate(order) if k in states]
        found = before if still_right(before, typical) else names(typical)
        self.names, by_state = found, dict(zip(states, found, strict=True))
        self.by_slot = [by_state.get(k) for k in order]
        self.costs = np.zeros(len(states))
        for x in X:
            self.advance(x)

    def standard(self, rows: np.ndarray) -> np.ndarray:
        return np.clip((rows - self.location) / self.scale, -3.0, 3.0)

    def advance(self, x: np.ndarray) -> None:
        self.costs = np.minimum(self.costs, self.penalty) + 0.5 * ((x - self.centroids) ** 2).sum(axis=1)
        self.costs -= self.costs.min()

    def probabilities(self) -> np.ndarray:
        weights = np.exp(-self.costs * COLDNESS / self.penalty)
        return floored(np.bincount(self.names, weights, 4))


def names(typical: np.ndarray) -> list[int]:
    """Volatile first, then by trend."""
    found, others = [SIDEWAYS] * len(typical), list(range(len(typical)))
    wildest = int(typical[:, 0].argmax())
    if typical[wildest, 0] >= VOLATILE:
        found[wildest] = HIGH_VOLATILITY
        others.remove(wildest)
    by_trend = sorted(others, key=lambda k: typical[k, 1])
    if len(by_trend) > 1:
        found[by_trend[0]], found[by_trend[-1]] = BEAR, BULL
    return found


def still_right(before: list[int | None], typical: np.ndarray) -> bool:
    """Whether names of an earlier fit are those of the rule, give or take the width of a threshold."""
    if None in before or len(before) != len(typical):
        return False
    volatile = [k for k, name in enumerate(before) if name == HIGH_VOLATILITY]
    highest = typical[:, 0].max()
    if len(volatile) > 1 or (not volatile and highest >= VOLATILE + VOLATILITY_WIDTH):
        return False
    if volatile and typical[volatile[0], 0] < max(VOLATILE, highest) - VOLATILITY_WIDTH:
        return False
    others = [k for k in range(len(before)) if k not in volatile]
    if len(others) < 2:
        return all(before[k] == SIDEWAYS for k in others)
    bulls, bears = ([k for k in others if before[k] == name] for name in (BULL, BEAR))
    if (len(bulls), len(bears)) != (1, 1):
        return False
    trend = typical[others, 1]
    is_top = typical[bulls[0], 1] >= trend.max() - TREND_WIDTH
    return bool(is_top and typical[bears[0], 1] <= trend.min() + TREND_WIDTH)


def matched(old: np.ndarray, new: np.ndarray) -> list[int]:
    """Return for every old place the new one; beside an empty one there is no distance."""
    orders = permutations(range(len(old)))
    return list(min(orders, key=lambda order: np.nansum((old - new[list(order)]) ** 2)))


class Engines:
    """Models, what they are fitted to and how well they did."""

    def __init__(self, engine: str) -> None:
        self.engine = engine
        self.readings: deque[tuple[float, float]] = deque(maxlen=MOST_ROWS)
        self.hidden: Hidden | None = None
        self.jumps: list[Jumps] | None = None
        self.penalty = 1
        self.gains: dict[Any, list[float]] = {each: [] for each in (*range(3), *map(frozenset, POOLS))}
        self.members: set[str] = set()
        self.n_fits = self.flips = 0

    def vote(self, rules: Probabilities, reading: Reading | None) -> Vote:
        """Let the models see a reading, if there is one, and hear what they say."""
        if reading is not None:
            row = (reading.volatility_score, reading.trend_score)
            self.readings.append(row)
            if self.hidden is not None:
                self.hidden.model.partial_filter([row[0]])
            for jumps in self.jumps or ():
                jumps.advance(jumps.standard(np.array(row)))
        ruled = np.array(rules)
        return Vote(
            ruled,
            None if self.hidden is None else self.hidden.probabilities(ruled),
            None if self.jumps is None else [jumps.probabilities() for jumps in self.jumps],
            self.penalty,
        )

    def outcome(self, vote: Vote) -> Probabilities:
        alone = {"hidden_markov": vote.hidden, "jump": vote.jumps and vote.jumps[self.penalty]}
        said = pooled(vote, self.members) if self.engine == "pool" else alone[self.engine]
        first, second, third, fourth = (vote.rules if said is None else said).tolist()
        return first, second, third, fourth

    def judge(self, vote: Vote, truth: int) -> None:
        rules = log_score(vote.rules, truth)
        for k, p in enumerate(vote.jumps or ()):
            self.gains[k].append(rules - log_score(p, truth))
        for pool in POOLS:
            if not ("hidden" in pool and vote.hidden is None) and not ("jump" in pool and vote.jumps is None):
                self.gains[frozenset(pool)].append(rules - log_score(pooled(vote, pool), truth))

    def fit(self) -> None:
        rows = np.array(self.readings)
        if self.engine != "jump":
            old, self.hidden = self.hidden, Hidden(rows)
            self.flips += old is not None and old.is_volatile != self.hidden.is_volatile
        if self.engine != "hidden_markov":
            used = None if self.jumps is None else self.jumps[self.penalty]
            self.jumps = [Jumps(rows, penalty, used) for penalty in PENALTIES]
            self.penalty = self.best(range(3), self.penalty)
            if used is not None:
                new = self.jumps[self.penalty]
                order = matched(used.places, new.places)
                pairs = [(used.by_slot[k], new.by_slot[order[k]]) for k in range(N_STATES)]
                self.flips += sum(None not in pair and pair[0] != pair[1] for pair in pairs)
        self.n_fits += 1
        best = self.best([frozenset(pool) for pool in POOLS], frozenset())
        self.members = set(best) if best and np.mean(self.gains[best]) > 1e-6 else set()

    def best(self, among: Any, otherwise: Any) -> Any:
        judged = [each for each in among if len(self.gains[each]) >= MIN_VOTES]
        return max(judged, key=lambda each: np.mean(self.gains[each]), default=otherwise)
