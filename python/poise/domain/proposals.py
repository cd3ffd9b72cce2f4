"""What a rebalance would do, why, and what it is worth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from poise.domain.weights import Weights
from poise.typing import Side


class Trigger(StrEnum):
    """What can call for a rebalance."""

    TIME = "time"
    DEVIATION = "deviation"
    VOLATILITY = "volatility"
    CORRELATION = "correlation"
    MOMENTUM = "momentum"
    DRAWDOWN = "drawdown"
    REGIME = "regime"


class Urgency(StrEnum):
    """How soon a proposal wants to be executed; compare with :attr:`rank`."""

    NONE = "none"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for none to 4 for critical."""
        return list(Urgency).index(self)


@dataclass(frozen=True)
class TriggerReading:
    """One trigger at one bar.

    Attributes
    ----------
    trigger : Trigger
    fired : bool or None
        None when its input is undefined: unavailable, not "did not fire".
    severity : float
        0 when it did not fire.
    value, threshold : float
        The measured quantity and the level at which it fires; NaN when unavailable.
    reason : str
        In words, with the numbers.
    """

    trigger: Trigger
    fired: bool | None
    severity: float
    value: float
    threshold: float
    reason: str


@dataclass(frozen=True)
class Trade:
    """One leg of a proposal.

    Attributes
    ----------
    symbol : str
    side : {"buy", "sell"}
    quantity : float
        Units, positive, on the asset's lot.
    reference_price : float
        The close it was planned at.
    notional_usd : float
        ``quantity * reference_price``.
    expected_cost_usd : float
        Fee, half spread and impact.
    expected_benefit_usd : float
        This leg's share of the proposal's benefit.
    weight_before, weight_after : float
        Fractions of total value.
    reason : str
    """

    symbol: str
    side: Side
    quantity: float
    reference_price: float
    notional_usd: float
    expected_cost_usd: float
    expected_benefit_usd: float
    weight_before: float
    weight_after: float
    reason: str


@dataclass(frozen=True)
class RebalanceProposal:
    """A complete rebalance: trades in the order they should be made, with cost and benefit.

    Attributes
    ----------
    id : str
        Deterministic: the same inputs give the same id.
    as_of : datetime
        Close of the bar it rests on, UTC.
    trigger : Trigger
        The most severe one that fired.
    urgency : Urgency
    strategy : str
        Which optimization strategy wrote the target.
    trades : tuple of Trade
        Sells before the buys they pay for.
    target_weights : Weights
    expected_benefit, expected_cost, net_benefit : float
        Dollars over the expected holding period.
    confidence : float
        0 to 1.
    reasons : tuple of str
    turnover : float
        Half the sum of absolute weight changes, cash counted.
    scope : str
        ``full``, ``partial`` (only the legs worth their cost) or ``risk_reduction``.
    """

    id: str
    as_of: datetime
    trigger: Trigger
    urgency: Urgency
    strategy: str
    trades: tuple[Trade, ...]
    target_weights: Weights
    expected_benefit: float
    expected_cost: float
    confidence: float
    reasons: tuple[str, ...]
    turnover: float
    scope: str = "full"

    @property
    def net_benefit(self) -> float:
        """Expected benefit less expected cost, dollars."""
        return self.expected_benefit - self.expected_cost

    def to_dict(self) -> dict[str, Any]:
        """Return the proposal as plain values, ``net_benefit`` included."""
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {**fields, "net_benefit": self.net_benefit}


class Proposals(list[RebalanceProposal]):
    """Proposals, most urgent first and the recommended one before its alternatives.

    When there is none, :attr:`no_trade_because` says why.

    Attributes
    ----------
    no_trade_because : str or None
        The reason in words when there is nothing to propose.
    readings : tuple of TriggerReading
        All seven triggers.
    """

    def __init__(
        self,
        proposals: Iterable[RebalanceProposal] = (),
        *,
        no_trade_because: str | None = None,
        readings: Iterable[TriggerReading] = (),
    ) -> None:
        super().__init__(sorted(proposals, key=lambda p: -p.urgency.rank))
        self.readings = tuple(readings)
        self.no_trade_because = no_trade_because


@dataclass(frozen=True)
class Signal:
    """One asset's combined signal.

    Attributes
    ----------
    symbol : str
    score : float
        Combined standardised score, about -3 to 3; 0 is neutral.
    confidence : float
        0 to 1.
    factors : mapping of str to float
        Score per factor; NaN where there was too little history.
    reason : str
        Why it was kept or cut, in words.
    """

    symbol: str
    score: float
    confidence: float
    factors: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""
