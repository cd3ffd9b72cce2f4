"""What a decision means for one asset."""

from __future__ import annotations

from typing import Literal

from poise.decision.decision import Decision
from poise.domain.analysis import Recommendation


def recommend(decision: Decision, symbol: str) -> Recommendation:
    """Say what `decision` means for one asset."""
    current = decision.weights.get(symbol, 0.0)
    wanted = decision.target.weights.get(symbol, 0.0)
    trade = next(
        (t for proposal in decision.proposals[:1] for t in proposal.trades if t.symbol == symbol), None
    )
    side: Literal["buy", "sell", "hold"] = "hold" if trade is None else trade.side
    reasons = [f"holds {current:.1%} of the book, target {wanted:.1%} ({_spoken(decision.target.strategy)})"]
    if trade is not None:
        reasons.append(trade.reason)
    elif decision.proposals.no_trade_because:
        reasons.append(f"no trade: {decision.proposals.no_trade_because}")
    else:
        reasons.append("the proposed rebalance does not touch it")
    regime = decision.regime
    reasons += [
        f"signal {decision.signals[symbol].reason}",
        f"market regime {_spoken(regime.label)} (confidence {regime.confidence:.0%}, {regime.age} bars old)",
        *decision.target.reasons,
    ]
    return Recommendation(
        symbol=symbol,
        side=side,
        size_usd=0.0 if trade is None else trade.notional_usd,
        current_weight=current,
        target_weight=wanted,
        reasons=tuple(reasons),
    )


def _spoken(name: str) -> str:
    return name.replace("_", " ").replace("+", " with ")
