"""One bar in, one decision out."""

from poise.decision.cycle import DecisionCycle
from poise.decision.decision import Decision
from poise.decision.follow import equal_book, follow
from poise.decision.metrics import Measurement

__all__ = ["Decision", "DecisionCycle", "Measurement", "equal_book", "follow"]
