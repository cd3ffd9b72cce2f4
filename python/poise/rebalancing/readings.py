"""The three things a trigger can say: yes, no, and that it cannot tell."""

from __future__ import annotations

import math

from poise.domain.proposals import Trigger, TriggerReading


def fired(
    trigger: Trigger, reason: str, *, severity: float, value: float, threshold: float
) -> TriggerReading:
    """Return a reading that calls for a rebalance."""
    return TriggerReading(trigger, True, severity, value, threshold, reason)


def quiet(trigger: Trigger, reason: str, *, value: float, threshold: float) -> TriggerReading:
    """Return a reading that was taken and does not call."""
    return TriggerReading(trigger, False, 0.0, value, threshold, reason)


def unavailable(trigger: Trigger, reason: str) -> TriggerReading:
    """Return the reading of an undefined input; it is never "did not fire"."""
    return TriggerReading(trigger, None, 0.0, math.nan, math.nan, reason)
