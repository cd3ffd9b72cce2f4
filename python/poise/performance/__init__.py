"""How well it went: returns and risks per year, their ratios, and how much of them is luck.

Nothing assumes a calendar: `periods_per_year` is always given. Missing values are refused by position.
"""

from poise.performance.attribution import BrinsonAttribution, brinson_fachler, link_effects
from poise.performance.comparison import active_return, information_ratio, jensen_alpha, tracking_error
from poise.performance.ratios import (
    annualized_return,
    annualized_volatility,
    calmar_ratio,
    sharpe_ratio,
    sortino_ratio,
    total_return,
)
from poise.performance.significance import (
    deflated_sharpe_ratio,
    expected_maximum_sharpe_ratio,
    minimum_track_record_length,
    probabilistic_sharpe_ratio,
)
from poise.performance.summary import PerformanceSummary, summarize

__all__ = [
    "BrinsonAttribution",
    "PerformanceSummary",
    "active_return",
    "annualized_return",
    "annualized_volatility",
    "brinson_fachler",
    "calmar_ratio",
    "deflated_sharpe_ratio",
    "expected_maximum_sharpe_ratio",
    "information_ratio",
    "jensen_alpha",
    "link_effects",
    "minimum_track_record_length",
    "probabilistic_sharpe_ratio",
    "sharpe_ratio",
    "sortino_ratio",
    "summarize",
    "total_return",
    "tracking_error",
]
