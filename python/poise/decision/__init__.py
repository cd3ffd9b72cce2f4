"""One bar in, one decision out."""

from poise.decision.across_markets import across_markets
from poise.decision.cycle import DecisionCycle
from poise.decision.decision import Decision
from poise.decision.follow import equal_book, follow
from poise.decision.metrics import Measurement
from poise.decision.notes import told_once
from poise.decision.portfolios import (
    NamedPortfolio,
    PanelFrontier,
    SharedReturns,
    named_portfolios,
    panel_frontier,
    shared_returns,
)
from poise.decision.recommendation import recommend
from poise.decision.regime_path import RegimePath, regime_path

__all__ = [
    "Decision",
    "DecisionCycle",
    "Measurement",
    "NamedPortfolio",
    "PanelFrontier",
    "RegimePath",
    "SharedReturns",
    "across_markets",
    "equal_book",
    "follow",
    "named_portfolios",
    "panel_frontier",
    "recommend",
    "regime_path",
    "shared_returns",
    "told_once",
]
