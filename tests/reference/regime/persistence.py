"""How long regimes last: prior durations, shrunk towards what was seen."""

from __future__ import annotations

import math

from tests.reference.regime.rules import Probabilities

PRIOR_DURATIONS: Probabilities = (60.0, 60.0, 45.0, 20.0)
"""Bars that a bull, bear, sideways and volatile spell lasts before anything was seen."""

_PRIOR_SPELLS = 5
_STATES = range(4)


class Persistence:
    """Completed spells of each regime.

    Attributes
    ----------
    durations : list of float
        Expected length ``d`` of a spell per regime: five spells of the prior length and those seen.
    """

    def __init__(self) -> None:
        self._ends: list[list[int]] = [[] for _ in _STATES]  # by age: spells whose last bar had that age
        self.durations = list(PRIOR_DURATIONS)
        self._hazards: list[list[float]] = [[] for _ in _STATES]
        self._remaining: list[list[float]] = [[] for _ in _STATES]

    def record(self, label: int, length: int) -> None:
        """Learn that a spell of `label` lasted `length` bars."""
        ends = self._ends[label]
        ends += [0] * (length - len(ends))
        ends[length - 1] += 1
        bars = sum(number * (age + 1) for age, number in enumerate(ends))
        self.durations[label] = (_PRIOR_SPELLS * PRIOR_DURATIONS[label] + bars) / (_PRIOR_SPELLS + sum(ends))
        self._hazards[label] = self._hazard_by_age(label)
        self._remaining[label] = self._remaining_by_age(label)

    def hazard(self, label: int, age: int) -> float:
        """Return the probability that a spell that has reached `age` ends with the next bar."""
        by_age = self._hazards[label]
        return by_age[age] if age < len(by_age) else 1.0 / self.durations[label]

    def expected_remaining(self, label: int, age: int) -> float:
        """Return the mean number of bars until a spell of this age gives way."""
        by_age = self._remaining[label]
        return by_age[age] if age < len(by_age) else self.durations[label]

    def survival(self, label: int, age: int, horizon: int) -> float:
        """Return the probability that a spell of this age outlasts `horizon` more bars."""
        return math.prod(1.0 - self.hazard(label, a) for a in range(age, age + horizon))

    def median_remaining(self, label: int, age: int) -> int:
        """Return the least number of bars within which the spell ends with probability one half."""
        bars, alive = 0, 1.0
        while alive > 0.5:
            alive *= 1.0 - self.hazard(label, age + bars)
            bars += 1
        return bars

    def _hazard_by_age(self, label: int) -> list[float]:
        """Return ends over spells at risk at each age, with a beta prior of five spells around ``1/d``."""
        prior = _PRIOR_SPELLS / self.durations[label]
        at_risk = sum(self._ends[label])
        hazards = []
        for ends in self._ends[label]:
            hazards.append((prior + ends) / (_PRIOR_SPELLS + at_risk))
            at_risk -= ends
        return hazards

    def _remaining_by_age(self, label: int) -> list[float]:
        """Solve ``E(a) = 1 + (1 - h(a)) E(a + 1)`` backwards from the geometric tail ``E = d``."""
        remaining = self.durations[label]
        backwards = []
        for hazard in reversed(self._hazards[label]):
            remaining = 1.0 + (1.0 - hazard) * remaining
            backwards.append(remaining)
        return backwards[::-1]
