"""What a trade costs and how it fills: one model for backtest, paper, optimiser and attribution."""

from poise.costs.fill import FillEngine, NotionalFill, Quote
from poise.costs.model import CostEstimate, CostModel
from poise.costs.schedule import ExecutionSchedule, optimal_schedule

__all__ = [
    "CostEstimate",
    "CostModel",
    "ExecutionSchedule",
    "FillEngine",
    "NotionalFill",
    "Quote",
    "optimal_schedule",
]
