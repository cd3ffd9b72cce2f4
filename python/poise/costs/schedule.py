"""Over which time to spread an order: the less risk one bears, the flatter (Almgren and Chriss)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from poise.errors import ParameterError
from poise.typing import Vector

_STRAIGHT = 1e-6
"""Below this urgency over the whole horizon the schedule is a straight line to rounding."""


@dataclass(frozen=True, eq=False)
class ExecutionSchedule:
    """Slices of one order, with what they are expected to cost.

    Attributes
    ----------
    trades : ndarray of shape (n_slices,)
        Quantity of each slice, of the order's sign; they sum to it exactly.
    holdings : ndarray of shape (n_slices + 1,)
        What is left to trade, from the whole order down to 0.
    urgency : float
        Rate ``kappa`` at which the rest shrinks, per unit of time; 0 trades evenly.
    expected_cost : float
        Shortfall to the price at the start, in money.
    cost_deviation : float
        Standard deviation of the shortfall, in money.
    """

    trades: Vector
    holdings: Vector
    urgency: float
    expected_cost: float
    cost_deviation: float


def optimal_schedule(
    quantity: float,
    *,
    n_slices: int,
    horizon: float,
    volatility: float,
    temporary_impact: float,
    permanent_impact: float = 0.0,
    fixed_cost: float = 0.0,
    risk_aversion: float = 0.0,
) -> ExecutionSchedule:
    """Split an order so that expected cost plus `risk_aversion` times its variance is least.

    Parameters
    ----------
    quantity : float
        Units of the asset; negative for a sale.
    n_slices : int
        At least 1, evenly spaced.
    horizon : float
        Time to trade in, positive; days, say. All rates below refer to its unit.
    volatility : float
        Of the price, in money per square root of time; not negative.
    temporary_impact : float
        ``eta``: how far trading at a rate of one unit per unit of time moves the price of that slice, in
        money.
    permanent_impact : float, default=0
        ``gamma``: how far each unit moves the price for good, in money.
    fixed_cost : float, default=0
        ``epsilon``: half spread and fee per unit, in money.
    risk_aversion : float, default=0
        ``lambda``, one over money; 0 spreads evenly.

    Returns
    -------
    ExecutionSchedule

    Raises
    ------
    ParameterError
        If a number is out of its range, or slices are so close that permanent impact outweighs the temporary
        one: ``eta`` must exceed ``gamma`` times half a slice's time.

    References
    ----------
    .. [1] Almgren and Chriss (2000). Optimal Execution of Portfolio Transactions. Equations 18 to 20.

    Examples
    --------
    >>> optimal_schedule(100.0, n_slices=4, horizon=1.0, volatility=1.0, temporary_impact=0.1).trades
    array([25., 25., 25., 25.])
    """
    _check(quantity, n_slices, horizon, volatility, temporary_impact)
    _check_costs(permanent_impact, fixed_cost, risk_aversion)
    slice_time = horizon / n_slices
    damped = temporary_impact - 0.5 * permanent_impact * slice_time
    if not damped > 0.0:
        raise ParameterError(
            f"temporary_impact is {temporary_impact:g}, not above permanent_impact times half a slice "
            f"({0.5 * permanent_impact * slice_time:g}); take more slices"
        )
    pull = risk_aversion * volatility**2 / damped
    urgency = math.acosh(1.0 + 0.5 * pull * slice_time**2) / slice_time
    holdings = quantity * _remaining(urgency * horizon, n_slices)
    trades = holdings[:-1] - holdings[1:]
    squared = float(trades @ trades)
    return ExecutionSchedule(
        trades=trades,
        holdings=holdings,
        urgency=urgency,
        expected_cost=0.5 * permanent_impact * quantity**2
        + fixed_cost * float(np.abs(trades).sum())
        + damped / slice_time * squared,
        cost_deviation=volatility * math.sqrt(slice_time * float(holdings[1:] @ holdings[1:])),
    )


def _remaining(stretch: float, n_slices: int) -> Vector:
    """Return ``sinh(kappa (T - t)) / sinh(kappa T)`` at every slice, by exponentials that do not overflow."""
    left = np.arange(n_slices, -1, -1) / n_slices
    if stretch < _STRAIGHT:
        return left
    remaining: Vector = np.exp(-stretch * (1.0 - left)) * np.expm1(-2.0 * stretch * left)
    remaining /= np.expm1(-2.0 * stretch)
    remaining[-1] = 0.0
    return remaining


def _check(
    quantity: float, n_slices: int, horizon: float, volatility: float, temporary_impact: float
) -> None:
    if not math.isfinite(quantity):
        raise ParameterError(f"quantity is {quantity}, expected a finite number")
    if isinstance(n_slices, bool) or not isinstance(n_slices, int | np.integer) or n_slices < 1:
        raise ParameterError(f"n_slices is {n_slices!r}, expected a whole number from 1")
    for name, value in (("horizon", horizon), ("temporary_impact", temporary_impact)):
        if not (math.isfinite(value) and value > 0.0):
            raise ParameterError(f"{name} is {value}, expected a positive finite number")
    if not (math.isfinite(volatility) and volatility >= 0.0):
        raise ParameterError(f"volatility is {volatility}, expected a finite number that is not negative")


def _check_costs(permanent_impact: float, fixed_cost: float, risk_aversion: float) -> None:
    costs = {
        "permanent_impact": permanent_impact,
        "fixed_cost": fixed_cost,
        "risk_aversion": risk_aversion,
    }
    for name, value in costs.items():
        if not (math.isfinite(value) and value >= 0.0):
            raise ParameterError(f"{name} is {value}, expected a finite number that is not negative")
