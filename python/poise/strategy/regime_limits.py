"""How much stricter the limits are in a market that falls or swings."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from poise.strategy.regime_rules import EXPOSURE_STEP, TAIL_SHARES, TURNOVER_SHARES
from poise.typing import RegimeLabel

if TYPE_CHECKING:
    from poise.strategy.rules import PolicyRules


@dataclass(frozen=True)
class RegimeLimits:
    """The limits of one mixture of regimes, each blended by their probabilities.

    Attributes
    ----------
    gross : float
        Most that may be invested, a fraction of total value.
    purchases : float
        Most turnover of purchases within 24 hours. Sales are not held back: in a falling market they are
        the way out.
    shortfall : float
        Most conditional value at risk (95 %) of one bar, a positive fraction of total value.
    """

    gross: float
    purchases: float
    shortfall: float


def regime_limits(rules: PolicyRules, probabilities: Mapping[RegimeLabel, float]) -> RegimeLimits:
    """Return the limits under `rules` for a distribution over the regimes.

    Parameters
    ----------
    rules : PolicyRules
    probabilities : mapping of str to float
        Sum 1; :func:`~poise.strategy.regime_rules.regime_probabilities` reads them from a state.
    """

    def blended(table: Mapping[RegimeLabel, float]) -> float:
        return math.fsum(p * table[label] for label, p in probabilities.items())

    return RegimeLimits(
        gross=min(1.0, blended(rules.gross_caps) + EXPOSURE_STEP),
        purchases=rules.max_daily_turnover * blended(TURNOVER_SHARES),
        shortfall=rules.shortfall_budget * blended(TAIL_SHARES),
    )
