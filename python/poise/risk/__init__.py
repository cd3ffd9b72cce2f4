"""What can be lost, who contributes to it, and did the numbers hold. Losses positive, returns fractions.

Everything here describes one period of its input (a day for daily returns); nothing is scaled to a longer
horizon. Missing values are refused by position.
"""

from poise.risk.backtests import (
    ChristoffersenResult,
    KupiecResult,
    TrafficLightResult,
    christoffersen_test,
    kupiec_test,
    traffic_light,
)
from poise.risk.beta import beta
from poise.risk.component import component_conditional_value_at_risk, component_value_at_risk
from poise.risk.contributions import (
    concentration_ratio,
    diversification_ratio,
    effective_bets,
    effective_number_of_assets,
    portfolio_volatility,
    risk_contributions,
)
from poise.risk.drawdown import (
    conditional_drawdown_at_risk,
    drawdown_duration,
    drawdowns,
    max_drawdown,
    ulcer_index,
)
from poise.risk.engine import RiskEngine
from poise.risk.filtered import filtered_scenarios, filtered_value_at_risk
from poise.risk.filtered_online import FilteredHistory
from poise.risk.online import DrawdownTracker, RollingTailRisk
from poise.risk.rolling import (
    rolling_conditional_value_at_risk,
    rolling_tail_risk,
    rolling_value_at_risk,
)
from poise.risk.score import RISK_SCORE_WEIGHTS, risk_score, risk_score_parts
from poise.risk.shortfall import AcerbiSzekelyResult, acerbi_szekely_test
from poise.risk.tail import TailRisk, conditional_value_at_risk, tail_risk, value_at_risk
from poise.risk.var_backtest import BACKTEST_LEVELS, VarBacktest

__all__ = [
    "BACKTEST_LEVELS",
    "RISK_SCORE_WEIGHTS",
    "AcerbiSzekelyResult",
    "ChristoffersenResult",
    "DrawdownTracker",
    "FilteredHistory",
    "KupiecResult",
    "RiskEngine",
    "RollingTailRisk",
    "TailRisk",
    "TrafficLightResult",
    "VarBacktest",
    "acerbi_szekely_test",
    "beta",
    "christoffersen_test",
    "component_conditional_value_at_risk",
    "component_value_at_risk",
    "concentration_ratio",
    "conditional_drawdown_at_risk",
    "conditional_value_at_risk",
    "diversification_ratio",
    "drawdown_duration",
    "drawdowns",
    "effective_bets",
    "effective_number_of_assets",
    "filtered_scenarios",
    "filtered_value_at_risk",
    "kupiec_test",
    "max_drawdown",
    "portfolio_volatility",
    "risk_contributions",
    "risk_score",
    "risk_score_parts",
    "rolling_conditional_value_at_risk",
    "rolling_tail_risk",
    "rolling_value_at_risk",
    "tail_risk",
    "traffic_light",
    "ulcer_index",
    "value_at_risk",
]
