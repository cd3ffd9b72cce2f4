"""One bar in, one decision out."""

from poise.decision.cycle import DecisionCycle
from poise.decision.decision import Decision
from poise.decision.follow import equal_book, follow

__all__ = ["Decision", "DecisionCycle", "equal_book", "follow"]
