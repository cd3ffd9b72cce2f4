"""Put a plan into words: the proposal a person approves and a broker executes."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

from poise.domain.proposals import RebalanceProposal, Trade, TriggerReading, Urgency
from poise.domain.regime import RegimeState
from poise.rebalancing.desk import Desk
from poise.rebalancing.plan import Plan
from poise.rebalancing.sequence import sequence_legs
from poise.rebalancing.urgency import leading_trigger
from poise.typing import REGIME_LABELS, Side, Vector


def write_proposal(
    desk: Desk, plan: Plan, *, readings: Sequence[TriggerReading], urgency: Urgency, verdict: str
) -> RebalanceProposal:
    """Write the proposal of a plan that has at least one leg.

    Parameters
    ----------
    desk : Desk
    plan : Plan
    readings : sequence of TriggerReading
    urgency : Urgency
    verdict : str
        How the plan stood the cost-benefit test, in words.

    Returns
    -------
    RebalanceProposal
    """
    snapshot = desk.snapshot
    trades = _trades(desk, plan)
    calling = sorted((r for r in readings if r.fired), key=lambda r: -r.severity)
    reasons = (
        *(f"limit broken: {breach}" for breach in snapshot.breaches),
        *(f"{r.trigger}: {r.reason}" for r in calling),
        verdict,
        *plan.notes,
        *_substitutes(desk),
        *snapshot.target.fallbacks,
        *snapshot.target.reasons,
    )
    buys = math.fsum(t.notional_usd for t in trades if t.side == "buy")
    sells = math.fsum(t.notional_usd for t in trades if t.side == "sell")
    return RebalanceProposal(
        id=_identity(desk, plan.scope, trades),
        as_of=snapshot.conditions.as_of,
        trigger=leading_trigger(readings),
        urgency=urgency,
        strategy=snapshot.target.strategy,
        trades=trades,
        target_weights=snapshot.target.weights,
        expected_benefit=plan.benefit,
        expected_cost=plan.cost,
        confidence=confidence_of(snapshot.target.confidence, snapshot.regime),
        reasons=reasons,
        # Cash takes the difference, so half the absolute changes is the larger side.
        turnover=max(buys, sells) / desk.value,
        scope=plan.scope,
    )


def confidence_of(target_confidence: float, regime: RegimeState | None) -> float:
    """Return the geometric mean of the target's confidence and the regime's.

    An unknown regime counts as one of four equally likely ones.
    """
    in_regime = 1.0 / len(REGIME_LABELS) if regime is None else regime.confidence
    return math.sqrt(min(max(target_confidence, 0.0), 1.0) * min(max(in_regime, 0.0), 1.0))


def _trades(desk: Desk, plan: Plan) -> tuple[Trade, ...]:
    snapshot = desk.snapshot
    order = sequence_legs(
        plan.notionals / desk.value,
        plan.costs,
        weights=snapshot.weights,
        gap=desk.utility.gap,
        covariance=desk.risk.covariance,
    )
    return tuple(_trade(desk, plan, asset, desk.band) for asset in order)


def _trade(desk: Desk, plan: Plan, asset: int, band: Vector) -> Trade:
    before = float(desk.snapshot.weights[asset])
    target = float(desk.snapshot.target_weights[asset])
    side: Side = "buy" if plan.quantities[asset] > 0.0 else "sell"
    reason = (
        f"holds {before:.1%} against a target of {target:.1%}, "
        f"{abs(before - target) / band[asset]:.1f} times its no-trade band of {band[asset]:.1%}"
    )
    if side == "sell" and -plan.quantities[asset] == float(desk.lot(asset).floor_held(desk.held[asset])):
        reason = f"closes the position: holds {before:.1%} against a target of {target:.1%}"
    return Trade(
        symbol=desk.snapshot.symbols[asset],
        side=side,
        quantity=float(abs(plan.quantities[asset])),
        reference_price=float(desk.prices[asset]),
        notional_usd=float(abs(plan.notionals[asset])),
        expected_cost_usd=float(plan.costs[asset]),
        expected_benefit_usd=float(plan.benefits[asset]),
        weight_before=before,
        weight_after=before + float(plan.notionals[asset]) / desk.value,
        reason=reason,
    )


def _substitutes(desk: Desk) -> tuple[str, ...]:
    if not desk.risk.substituted:
        return ()
    names = ", ".join(desk.risk.substituted)
    return (f"covariance still warming, volatility alone counted in the benefit: {names}",)


def _identity(desk: Desk, scope: str, trades: Sequence[Trade]) -> str:
    """Hash what would be done and why not something else: time, scope, legs and target."""
    parts = [desk.snapshot.conditions.as_of.isoformat(), scope]
    parts += [f"{t.symbol} {t.side} {t.quantity!r}" for t in trades]
    parts += [f"{symbol} {weight!r}" for symbol, weight in sorted(desk.snapshot.target.weights.items())]
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=8).hexdigest()
