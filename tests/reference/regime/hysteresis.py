"""Sticky Bayes filter, and the label that follows it reluctantly."""

from __future__ import annotations

from typing import NamedTuple

from tests.reference.regime.persistence import PRIOR_DURATIONS
from tests.reference.regime.rules import SIDEWAYS, Probabilities

UNIFORM: Probabilities = (0.25, 0.25, 0.25, 0.25)

_SWITCH_AT = 0.6


def predict(probabilities: Probabilities) -> Probabilities:
    """Return the probabilities one bar later: each regime ends after its prior duration, for any other."""
    leaving = [p / d for p, d in zip(probabilities, PRIOR_DURATIONS, strict=True)]
    p, q, r, s = (
        stay - left + (sum(leaving) - left) / 3.0 for stay, left in zip(probabilities, leaving, strict=True)
    )
    return p, q, r, s


def update(predicted: Probabilities, likelihood: Probabilities) -> Probabilities:
    """Return the probabilities after a bar: Bayes' rule."""
    p, q, r, s = (x * y for x, y in zip(predicted, likelihood, strict=True))
    total = p + q + r + s
    return p / total, q / total, r / total, s / total


class Spell(NamedTuple):
    """A completed stay in one regime."""

    label: int
    length: int


class Hysteresis:
    """The published label: it moves when another regime has probability 0.6 or more.

    Attributes
    ----------
    label : int
        Position in :data:`poise.typing.REGIME_LABELS`; sideways at first.
    age : int
        Bars since the label began, 0 on its first bar.
    """

    def __init__(self) -> None:
        self.label = SIDEWAYS
        self.age = 0
        self._began_by_default = True

    def wait(self) -> None:
        """Let a bar without a reading pass."""
        self.age += 1

    def step(self, probabilities: Probabilities) -> Spell | None:
        """Take the probabilities after a bar; return the spell that it ended, if any.

        The first spell began because a label was needed, not because one was seen: it is not returned.
        """
        self.age += 1
        best = max(probabilities)
        leader = probabilities.index(best)
        if leader == self.label or best < _SWITCH_AT:
            return None
        spell = None if self._began_by_default else Spell(self.label, self.age)
        self.label, self.age, self._began_by_default = leader, 0, False
        return spell
