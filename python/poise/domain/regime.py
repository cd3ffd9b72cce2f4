"""What the market is doing, and how sure we are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from poise.typing import RegimeLabel


@dataclass(frozen=True)
class RegimeState:
    """The filtered regime after one bar; nothing later was used.

    Attributes
    ----------
    label : str
        ``bull``, ``bear``, ``sideways`` or ``high_volatility``.
    probabilities : mapping of str to float
        One entry per label, sum 1.
    confidence : float
        Probability that `label` is right, between 0 and 1.
    age : int
        Bars since the label began.
    expected_remaining : float
        Expected further bars before the label ends.
    """

    label: RegimeLabel
    probabilities: Mapping[RegimeLabel, float]
    confidence: float
    age: int
    expected_remaining: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "probabilities", MappingProxyType(dict(self.probabilities)))

    def __reduce__(self) -> tuple[Any, ...]:
        return (
            type(self),
            (self.label, dict(self.probabilities), self.confidence, self.age, self.expected_remaining),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the state as plain values."""
        return {
            "label": self.label,
            "probabilities": dict(self.probabilities),
            "confidence": self.confidence,
            "age": self.age,
            "expected_remaining": self.expected_remaining,
        }
