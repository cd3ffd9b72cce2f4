"""What can be lost, and who contributes to it. Losses are positive, returns simple fractions.

Everything here describes one period of its input (a day for daily returns); nothing is scaled to a longer
horizon. Missing values are refused by position.
"""

from poise.risk.beta import beta
from poise.risk.component import component_conditional_value_at_risk
from poise.risk.contributions import (
    concentration_ratio,
    diversification_ratio,
    effective_bets,
    effective_number_of_assets,
    portfolio_volatility,
    risk_contributions,
)
from poise.risk.drawdown import drawdowns, max_drawdown
from poise.risk.filtered import filtered_scenarios, filtered_value_at_risk
from poise.risk.rolling import (
    rolling_conditional_value_at_risk,
    rolling_tail_risk,
    rolling_value_at_risk,
)
from poise.risk.score import RISK_SCORE_WEIGHTS, risk_score
from poise.risk.tail import TailRisk, conditional_value_at_risk, tail_risk, value_at_risk

__all__ = [
    "RISK_SCORE_WEIGHTS",
    "TailRisk",
    "beta",
    "component_conditional_value_at_risk",
    "concentration_ratio",
    "conditional_value_at_risk",
    "diversification_ratio",
    "drawdowns",
    "effective_bets",
    "effective_number_of_assets",
    "filtered_scenarios",
    "filtered_value_at_risk",
    "max_drawdown",
    "portfolio_volatility",
    "risk_contributions",
    "risk_score",
    "rolling_conditional_value_at_risk",
    "rolling_tail_risk",
    "rolling_value_at_risk",
    "tail_risk",
    "value_at_risk",
]
