"""When to rebalance and with which trades: seven triggers, cost against benefit, legs in their order."""

from poise.rebalancing.bands import no_trade_half_width
from poise.rebalancing.engine import RebalanceEngine
from poise.rebalancing.inputs import BookSnapshot
from poise.rebalancing.rounding import LotRules
from poise.rebalancing.rules import RebalanceRules
from poise.rebalancing.triggers import TriggerEngine
from poise.rebalancing.urgency import urgency_of

__all__ = [
    "BookSnapshot",
    "LotRules",
    "RebalanceEngine",
    "RebalanceRules",
    "TriggerEngine",
    "no_trade_half_width",
    "urgency_of",
]
