"""Spend what rounding down left over: one more lot each, largest remainder first.

With lots of 1e-8 there is nothing to spend; with whole shares of 400 dollars, rounding down alone would leave
a small book a third in cash.
"""

from __future__ import annotations

from decimal import Decimal

import numpy as np

from poise.rebalancing.desk import Desk
from poise.typing import Vector

_SMALLEST_STEP_USD = 1.0


def top_up(desk: Desk, wanted: Vector, bought: Vector, *, sold: Vector, budget: float) -> Vector:
    """Add a lot where it brings the book nearer to its target by more than it costs.

    Parameters
    ----------
    desk : Desk
    wanted : ndarray of shape (n_assets,)
        Dollars to buy before rounding.
    bought, sold : ndarray of shape (n_assets,)
        Units after rounding.
    budget : float
        Dollars for purchases and their costs.

    Returns
    -------
    ndarray of shape (n_assets,)
        Units to buy; budget, turnover, participation and position size are respected.
    """
    result = bought.copy()
    for asset in _by_remainder(desk, wanted, bought):
        trial = result.copy()
        trial[asset] = float(Decimal(repr(float(result[asset]))) + desk.lot(asset).step)
        if _allowed(desk, asset, trial, budget) and _pays(desk, trial - sold, result - sold):
            result = trial
    return result


def _by_remainder(desk: Desk, wanted: Vector, bought: Vector) -> list[int]:
    remainders: dict[int, float] = {}
    for asset in np.flatnonzero(wanted).tolist():
        step = float(desk.lot(asset).step)
        if step * desk.prices[asset] >= _SMALLEST_STEP_USD:
            remainders[asset] = (wanted[asset] / desk.prices[asset] - bought[asset]) / step
    return sorted(remainders, key=lambda i: -remainders[i])


def _allowed(desk: Desk, asset: int, bought: Vector, budget: float) -> bool:
    notionals = bought * desk.prices
    leg, price = float(notionals[asset]), desk.prices[asset]
    quantity = Decimal(repr(float(bought[asset])))
    weight, target = desk.snapshot.weights[asset], desk.snapshot.target_weights[asset]
    return (
        desk.lot(asset).accepts(quantity, price)
        and leg >= desk.rules.smallest_leg(desk.value)
        and leg <= desk.largest_leg[asset]
        and weight + leg / desk.value <= desk.rules.max_position_size
        # A hedge may bring the book nearer and its own asset farther from its target than it was.
        and abs(weight + leg / desk.value - target) <= abs(target - weight)
        and float(notionals.sum()) <= min(desk.turnover_left, desk.purchases_left) * desk.value
        and float((notionals + desk.cost(notionals)).sum()) <= budget
    )


def _pays(desk: Desk, with_lot: Vector, without: Vector) -> bool:
    """Whether the extra lot brings the book nearer to its target by more than it costs."""
    after, before = with_lot * desk.prices, without * desk.prices
    earned = _tracking(desk, after / desk.value) - _tracking(desk, before / desk.value)
    return earned > float(desk.cost(after).sum() - desk.cost(before).sum())


def _tracking(desk: Desk, changes: Vector) -> float:
    # An expected return pays for going to the target, never for a lot that goes past it.
    return desk.utility.benefit(changes) - desk.utility.expected_gain(changes)
