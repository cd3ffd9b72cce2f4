"""Which weights to hold: outlook, signals, exposure and limits become a target book."""

from poise.strategy.book_outlook import BookOutlook
from poise.strategy.exposure import Exposure, ExposureRule
from poise.strategy.intraday import measure_intraday_trend
from poise.strategy.limits import Limits, position_limits
from poise.strategy.outlook import Outlook, OutlookEstimator
from poise.strategy.policy import Policy
from poise.strategy.rules import PolicyRules
from poise.strategy.signal_book import SignalBook
from poise.strategy.signals import score_signals
from poise.strategy.skill import FactorSkill, Skill
from poise.strategy.views import BookViews, read_book_views

__all__ = [
    "BookOutlook",
    "BookViews",
    "Exposure",
    "ExposureRule",
    "FactorSkill",
    "Limits",
    "Outlook",
    "OutlookEstimator",
    "Policy",
    "PolicyRules",
    "SignalBook",
    "Skill",
    "measure_intraday_trend",
    "position_limits",
    "read_book_views",
    "score_signals",
]
