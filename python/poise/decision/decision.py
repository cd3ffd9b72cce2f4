"""What one bar led to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from poise.decision.metrics import Measurement
from poise.domain.conditions import MarketConditions, TargetBook
from poise.domain.metrics import EnhancedPortfolioMetrics
from poise.domain.portfolio import Portfolio
from poise.domain.proposals import Proposals, Signal
from poise.domain.regime import RegimeState
from poise.domain.risk import RiskAssessment
from poise.domain.weights import Weights


@dataclass(frozen=True)
class Decision:
    """One bar in, one decision out; everything in it was known at :attr:`as_of`.

    Attributes
    ----------
    as_of : datetime
        Close of the bar, UTC.
    portfolio : Portfolio
        What was held.
    weights : Weights
        Of `portfolio`.
    measurement : Measurement
        What :attr:`metrics` and :attr:`risk` are computed from.
    regime : RegimeState
    signals : mapping of str to Signal
    target : TargetBook
    proposals : Proposals
        Empty with ``no_trade_because`` when nothing should be done.
    conditions : MarketConditions
        What costs, bands and limits were computed from.
    notes : tuple of str
        Warnings of the estimators; see :attr:`warnings`.
    """

    as_of: datetime
    portfolio: Portfolio
    weights: Weights
    measurement: Measurement
    regime: RegimeState
    signals: Mapping[str, Signal]
    target: TargetBook
    proposals: Proposals
    conditions: MarketConditions
    notes: tuple[str, ...] = ()

    @property
    def metrics(self) -> EnhancedPortfolioMetrics:
        """The fourteen numbers; computed when first read."""
        return self.measurement.metrics

    @property
    def risk(self) -> RiskAssessment:
        """The risk of what was held, in full; computed when first read."""
        return self.measurement.assessment

    @property
    def warnings(self) -> tuple[str, ...]:
        """What to keep in mind, each beginning with a stable word and a colon."""
        return tuple(dict.fromkeys([*self.notes, *self.measurement.warnings]))

    def to_dict(self) -> dict[str, Any]:
        """Return what a person or a machine wants to see of it."""
        return {
            "as_of": self.as_of,
            "metrics": self.metrics,
            "risk": self.risk,
            "regime": self.regime,
            "signals": {s: signal.factors for s, signal in self.signals.items()},
            "target_weights": self.target.weights,
            "strategy": self.target.strategy,
            "proposals": list(self.proposals),
            "no_trade_because": self.proposals.no_trade_because,
            "warnings": self.warnings,
        }
