"""How severe readings become an urgency, and what each urgency asks of a trade."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from poise.domain.proposals import Trigger, TriggerReading, Urgency
from poise.rebalancing.rules import RebalanceRules

_LEVELS = ((2.0, Urgency.CRITICAL), (1.0, Urgency.HIGH), (0.5, Urgency.MEDIUM), (0.0, Urgency.LOW))
_CORROBORATING = 0.5

_BENEFIT_PER_COST = {Urgency.LOW: 2.0, Urgency.MEDIUM: 1.5, Urgency.HIGH: 1.0, Urgency.CRITICAL: 1.0}


def urgency_of(readings: Iterable[TriggerReading], *, breaches: Sequence[str] = ()) -> Urgency:
    """Urgency of the most severe trigger that fired.

    Below 0.5 low, below 1 medium, below 2 high, else critical; one level more when two other triggers
    corroborate it with a severity of at least 0.5; critical whenever a hard limit is broken.

    Parameters
    ----------
    readings : iterable of TriggerReading
    breaches : sequence of str
        Hard limits broken now, in words.

    Returns
    -------
    Urgency
        ``none`` when nothing fired and no limit is broken.
    """
    if breaches:
        return Urgency.CRITICAL
    severities = sorted((r.severity for r in readings if r.fired), reverse=True)
    if not severities:
        return Urgency.NONE
    urgency = next((level for least, level in _LEVELS if severities[0] >= least), Urgency.LOW)
    others = sum(severity >= _CORROBORATING for severity in severities[1:])
    levels = list(Urgency)
    return levels[min(urgency.rank + (others >= 2), Urgency.CRITICAL.rank)]


def leading_trigger(readings: Iterable[TriggerReading]) -> Trigger:
    """Return the most severe trigger that fired, the first of the table among equals.

    A broken limit without any trigger is told as a deviation: the book is not what it should be.
    """
    calling = [reading for reading in readings if reading.fired]
    return max(calling, key=lambda r: r.severity).trigger if calling else Trigger.DEVIATION


def benefit_per_cost(urgency: Urgency) -> float:
    """Return kappa, the dollars of benefit that a dollar of cost must buy.

    Raises
    ------
    KeyError
        For ``none``: without urgency there is nothing to trade.
    """
    return _BENEFIT_PER_COST[urgency]


def cooldown(urgency: Urgency, rules: RebalanceRules) -> timedelta:
    """Return the pause after a rebalance that a need of this urgency respects.

    Low and medium wait ``cooldown_hours``, high a sixth of it (4 of 24 hours). Critical waits as high does,
    except for sales that reduce risk, which the engine lets through at once.
    """
    full = timedelta(hours=rules.cooldown_hours)
    return full / 6 if urgency.rank >= Urgency.HIGH.rank else full
