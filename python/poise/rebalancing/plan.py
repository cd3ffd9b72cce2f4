"""From a book and its target to legs that can be ordered and paid for.

A full plan goes to the target; a partial one takes only the legs worth their cost, each to its target; a
risk reduction is made of sales. (The theory would stop a leg that pays proportional costs at the edge of its
no-trade band and one with impact halfway. The whole way trades at most that half-width more per leg, the cost
test counts it, and it leaves fewer legs for the next bar.)

Whatever the scope: nothing is sold that is not held, nothing is bought on credit, purchases leave the cash
buffer after all expected costs, turnover and participation stay under their caps. One thing may overshoot a
cap: a position of which less than the smallest order would be left is sold whole.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from poise.rebalancing.desk import Desk
from poise.rebalancing.rounding import round_sale
from poise.rebalancing.sequence import select_risk_reducing, select_worthwhile
from poise.rebalancing.top_up import top_up
from poise.typing import Vector

Mask = npt.NDArray[np.bool_]

# Keeps a purchase scaled to the last cent on the right side of it.
_SHAVED = 1.0 - 1e-9


@dataclass(frozen=True, eq=False)
class Plan:
    """Legs on their lots, one entry per asset.

    Attributes
    ----------
    scope : str
        ``full``, ``partial`` or ``risk_reduction``.
    quantities : ndarray of shape (n_assets,)
        Signed units: positive buys, negative sells.
    notionals : ndarray of shape (n_assets,)
        Signed dollars at the reference prices.
    costs : ndarray of shape (n_assets,)
        Expected dollars of each leg.
    benefits : ndarray of shape (n_assets,)
        Each leg's share of the benefit, dollars.
    expected_gain : float
        Part of the benefit that rests on expected returns, dollars; 0 without them.
    notes : tuple of str
        What cut the plan short, in words.
    """

    scope: str
    quantities: Vector
    notionals: Vector
    costs: Vector
    benefits: Vector
    expected_gain: float
    notes: tuple[str, ...]

    @property
    def empty(self) -> bool:
        """Whether there is no leg."""
        return not self.quantities.any()

    @property
    def benefit(self) -> float:
        """Dollars over the holding period."""
        return float(self.benefits.sum())

    @property
    def cost(self) -> float:
        """Expected dollars."""
        return float(self.costs.sum())

    @property
    def net(self) -> float:
        """Benefit less cost."""
        return self.benefit - self.cost

    def earns(self, benefit_per_cost: float) -> bool:
        """Whether the benefit is positive and at least `benefit_per_cost` times the cost."""
        return self.benefit > 0.0 and self.benefit >= benefit_per_cost * self.cost

    def same_legs(self, other: Plan) -> bool:
        """Whether both trade the same quantities."""
        return bool(np.array_equal(self.quantities, other.quantities))


def plan_full(desk: Desk) -> Plan:
    """Plan every leg that is outside its no-trade region to its target."""
    return _carry_out(desk, "full", desk.wanted)


def plan_partial(desk: Desk, full: Plan, *, benefit_per_cost: float) -> Plan:
    """Plan the legs of `full` that are worth their cost, best first while the next one earns its multiple."""
    chosen = select_worthwhile(
        full.notionals / desk.value,
        full.costs,
        gap=desk.utility.gap,
        covariance=desk.risk.covariance,
        least=benefit_per_cost / desk.utility.dollars,
        premium=desk.utility.premium,
    )
    return _carry_out(desk, "partial", _only(chosen, desk.wanted))


def plan_risk_reduction(desk: Desk) -> Plan:
    """Plan the sales toward the target that lower the variance of the book, and no purchase.

    Rounding may leave out the very sale that made the next one safe, so what comes back from it is chosen
    from again until every leg stays.
    """
    plan = _carry_out(desk, "risk_reduction", np.minimum(desk.wanted, 0.0))
    while True:
        chosen = select_risk_reducing(
            plan.notionals / desk.value,
            weights=desk.snapshot.weights,
            covariance=desk.risk.covariance,
        )
        if len(chosen) == np.count_nonzero(plan.quantities):
            return plan
        plan = _carry_out(desk, "risk_reduction", _only(chosen, desk.wanted))


def _only(chosen: list[int], dollars: Vector) -> Vector:
    kept = np.zeros_like(dollars)
    kept[chosen] = dollars[chosen]
    return kept


def _carry_out(desk: Desk, scope: str, wanted: Vector) -> Plan:
    notes = _limits_met(desk, wanted)
    scaled = _within_purchases(desk, _within_turnover(desk, wanted, notes), notes)
    sold = _sales(desk, scaled, notes)
    bought = _purchases(desk, scaled, sold, notes)
    quantities = bought - sold
    notionals = quantities * desk.prices
    unmeasured = np.isnan(desk.snapshot.conditions.dollar_volume) & (quantities != 0.0)
    if unmeasured.any():
        notes.append(f"liquidity_unknown, impact not counted: {desk.names(unmeasured)}")
    return Plan(
        scope=scope,
        quantities=quantities,
        notionals=notionals,
        costs=desk.cost(notionals),
        benefits=desk.utility.shares(notionals / desk.value),
        expected_gain=desk.utility.expected_gain(notionals / desk.value),
        notes=tuple(notes),
    )


def _limits_met(desk: Desk, wanted: Vector) -> list[str]:
    notes = []
    off = (desk.snapshot.weights != desk.snapshot.target_weights) & ~desk.snapshot.tradable
    if off.any():
        notes.append(f"no price at this bar: {desk.names(off)}")
    capped = (wanted == desk.wanted) & desk.outside & (np.abs(desk.distance) > desk.largest_leg)
    if capped.any():
        share = f"{desk.costs.participation_cap:.0%} of a day's volume"
        notes.append(f"cut to {share}: {desk.names(capped)}")
    if not desk.distance.any():
        notes.append("every asset that can be traded is at its target")
    return notes


def _within_turnover(desk: Desk, wanted: Vector, notes: list[str]) -> Vector:
    """Scale all legs alike, so the book still moves straight toward its target."""
    turnover = max(wanted[wanted > 0.0].sum(), -wanted[wanted < 0.0].sum()) / desk.value
    if turnover <= desk.turnover_left:
        return wanted
    cap = f"{desk.rules.max_daily_turnover:.0%} turnover within 24 hours"
    if desk.turnover_left <= 0.0:
        notes.append(f"the {cap} is used up")
        return np.zeros_like(wanted)
    share = float(desk.turnover_left / turnover)
    notes.append(f"all legs scaled to {share:.0%}: {cap}")
    return wanted * share


def _within_purchases(desk: Desk, wanted: Vector, notes: list[str]) -> Vector:
    """Scale the purchases to what the state of the market allows; sales are the way out and stay."""
    buying = wanted > 0.0
    turnover = float(wanted[buying].sum()) / desk.value
    if turnover <= desk.purchases_left:
        return wanted
    share = desk.purchases_left / turnover * _SHAVED
    cap = f"{desk.snapshot.target.max_purchases:.0%} turnover of purchases within 24 hours in this regime"
    notes.append(f"purchases scaled to {share:.0%}: {cap}")
    return np.where(buying, wanted * share, wanted)


def _sales(desk: Desk, scaled: Vector, notes: list[str]) -> Vector:
    """Units to sell on their lots; dust is left out unless it closes a position."""
    sold = np.zeros_like(scaled)
    least = desk.rules.smallest_leg(desk.value)
    for asset in np.flatnonzero(scaled < 0.0).tolist():
        price, held, lots = desk.prices[asset], desk.held[asset], desk.lot(asset)
        quantity = round_sale(
            -scaled[asset] / price,
            held=held,
            price=price,
            lots=lots,
            leave_at_least=desk.rules.min_notional,
        )
        closes = quantity == lots.floor_held(held)
        if lots.accepts(quantity, price) and (closes or float(quantity) * price >= least):
            sold[asset] = float(quantity)
    _note_dust(desk, "sales", (scaled < 0.0) & (sold == 0.0), notes)
    proceeds = sold * desk.prices
    ruinous = (sold > 0.0) & (desk.cost(-proceeds) >= proceeds)
    if ruinous.any():
        notes.append(f"selling would cost more than it brings: {desk.names(ruinous)}")
        sold[ruinous] = 0.0
    return sold


def _purchases(desk: Desk, scaled: Vector, sold: Vector, notes: list[str]) -> Vector:
    """Units to buy with the cash there is after the sales, less all expected costs and the buffer."""
    wanted = np.maximum(scaled, 0.0)
    if not wanted.any():
        return wanted
    proceeds = sold * desk.prices
    buffer = desk.rules.cash_buffer * desk.value
    budget = desk.snapshot.portfolio.cash + float((proceeds - desk.cost(-proceeds)).sum()) - buffer
    if budget <= 0.0:
        notes.append(f"no cash to buy with above a buffer of {buffer:.2f} USD: {desk.names(wanted)}")
        return np.zeros_like(wanted)
    needed = float((wanted + desk.cost(wanted)).sum())
    if needed > budget:
        affordable = budget / needed
        notes.append(f"purchases scaled to {affordable:.0%} by the cash above a buffer of {buffer:.2f} USD")
        # Costs are convex and 0 at 0: half the purchase costs at most half as much.
        wanted = wanted * (affordable * _SHAVED)
    least = desk.rules.smallest_leg(desk.value)
    bought = np.zeros_like(wanted)
    for asset in np.flatnonzero(wanted).tolist():
        price, lots = desk.prices[asset], desk.lot(asset)
        quantity = lots.floor(wanted[asset] / price)
        if lots.accepts(quantity, price) and float(quantity) * price >= least:
            bought[asset] = float(quantity)
    bought = top_up(desk, wanted, bought, sold=sold, budget=budget)
    _note_dust(desk, "purchases", (wanted > 0.0) & (bought == 0.0), notes)
    return bought


def _note_dust(desk: Desk, legs: str, dust: Mask, notes: list[str]) -> None:
    if dust.any():
        least = desk.rules.smallest_leg(desk.value)
        notes.append(f"{legs} below the smallest order of {least:.2f} USD: {desk.names(dust)}")
