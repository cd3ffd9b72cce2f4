"""Sticky Bayes filter, and the label that follows it reluctantly."""

from __future__ import annotations

from typing import NamedTuple

from tests.reference.regime.persistence import Transitions
from tests.reference.regime.rules import HIGH_VOLATILITY, SIDEWAYS, Probabilities

UNIFORM: Probabilities = (0.25, 0.25, 0.25, 0.25)

_TEMPERING = 0.25
_SWITCH_AT = 0.55
_LEAD = 0.15
_BARS_TO_SWITCH = 2
_BARS_TO_CALM = 3
_ALARM_AT = 0.80


def predict(probabilities: Probabilities, transitions: Transitions) -> Probabilities:
    """Return the probabilities one bar later, before that bar is seen."""
    p, q, r, s = probabilities
    a, b, c, d = transitions
    return (
        p * a[0] + q * b[0] + r * c[0] + s * d[0],
        p * a[1] + q * b[1] + r * c[1] + s * d[1],
        p * a[2] + q * b[2] + r * c[2] + s * d[2],
        p * a[3] + q * b[3] + r * c[3] + s * d[3],
    )


def update(predicted: Probabilities, membership: Probabilities) -> Probabilities:
    """Return the probabilities after a bar.

    The membership counts with the power 0.25: neighbouring bars share most of their window, so four of
    them are worth about one independent reading.
    """
    p, q, r, s = (x * y**_TEMPERING for x, y in zip(predicted, membership, strict=True))
    total = p + q + r + s
    return p / total, q / total, r / total, s / total


class Spell(NamedTuple):
    """A completed stay in one regime."""

    label: int
    length: int
    successor: int


class Hysteresis:
    """The published label.

    It moves when another regime has probability 0.55 or more and leads all others by 0.15 for two
    bars; at once when high volatility reaches 0.80; and out of high volatility only after three bars on
    each of which the volatility score was clearly below its threshold.

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
        self._challenger = SIDEWAYS
        self._bars = 0
        self._began_by_default = True

    def wait(self) -> None:
        """Let a bar without a reading pass."""
        self.age += 1

    def step(self, probabilities: Probabilities, *, calm: bool) -> Spell | None:
        """Take the probabilities after a bar; return the spell that it ended, if any.

        The first spell began because a label was needed, not because one was seen: it is not returned.
        """
        self.age += 1
        leader = self._challenge(probabilities, calm=calm)
        if leader == self.label:
            return None
        alarmed = leader == HIGH_VOLATILITY and probabilities[HIGH_VOLATILITY] >= _ALARM_AT
        needed = _BARS_TO_CALM if self.label == HIGH_VOLATILITY else _BARS_TO_SWITCH
        if self._bars < needed and not alarmed:
            return None
        spell = None if self._began_by_default else Spell(self.label, self.age, leader)
        self.label, self.age, self._bars, self._began_by_default = leader, 0, 0, False
        return spell

    def _challenge(self, probabilities: Probabilities, *, calm: bool) -> int:
        """Count the bars of the regime that could take over; the present label when there is none."""
        best = max(probabilities)
        leader = probabilities.index(best)
        lead = best - sorted(probabilities)[-2]
        held = self.label == HIGH_VOLATILITY and not calm
        if leader == self.label or best < _SWITCH_AT or lead < _LEAD or held:
            self._challenger, self._bars = self.label, 0
            return self.label
        self._bars = self._bars + 1 if leader == self._challenger else 1
        self._challenger = leader
        return leader
