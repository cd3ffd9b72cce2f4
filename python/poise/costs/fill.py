"""The one engine with which backtest, paper broker and paper exchange fill.

An order pays the last price made worse by half the spread and by the impact of its own size, and never
takes more of a day's volume than the cost model allows. Money is float64 here; the books of a broker are
Decimal and round what this returns.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from poise.costs.model import BASIS_POINT, CostModel, Mask, conditions
from poise.errors import NonFiniteError, ParameterError
from poise.typing import ArrayLike, Side, Vector


@dataclass(frozen=True)
class Quote:
    """How one order fills.

    Attributes
    ----------
    price : float
        Dollars per unit, worse than the reference; never negative.
    quantity : float
        Units filled; below the order's where participation is capped.
    fee : float
        Dollars on the executed notional.
    slippage : float
        Dollars paid against the reference price, not negative.
    """

    price: float
    quantity: float
    fee: float
    slippage: float


@dataclass(frozen=True)
class NotionalFill:
    """How a vector of trades fills.

    Attributes
    ----------
    notional : ndarray of shape (n_assets,)
        Signed dollars filled, valued at the reference price.
    price_ratio : ndarray of shape (n_assets,)
        Fill price over reference price: above 1 for buys, below 1 for sells.
    fee, slippage : ndarray of shape (n_assets,)
        Dollars, not negative.
    capped : ndarray of bool
        Where participation cut the trade.
    """

    notional: Vector
    price_ratio: Vector
    fee: Vector
    slippage: Vector
    capped: Mask


@dataclass(frozen=True)
class FillEngine:
    """Fills orders at the reference price less what they cost.

    Parameters
    ----------
    costs : CostModel, default=CostModel()

    Notes
    -----
    A sell never fills below zero: its half spread and impact together are cut at the whole price.
    An unknown dollar volume leaves participation unchecked, as in :meth:`CostModel.estimate`.

    Examples
    --------
    >>> quote = FillEngine().fill(
    ...     "buy", 2.0, 100.0, spread_bps=10.0, daily_volatility=0.0, dollar_volume=float("nan")
    ... )
    >>> round(quote.price, 4), round(quote.fee, 4), round(quote.slippage, 4)
    (100.05, 0.2001, 0.1)
    """

    costs: CostModel = CostModel()  # noqa: RUF009 - an immutable value

    def fill(
        self,
        side: Side,
        quantity: float,
        reference_price: float,
        *,
        spread_bps: float,
        daily_volatility: float,
        dollar_volume: float,
        dollars_used: float = 0.0,
    ) -> Quote:
        """Fill one order.

        Parameters
        ----------
        side : {"buy", "sell"}
        quantity : float
            Units, not negative.
        reference_price : float
            Positive.
        spread_bps, daily_volatility, dollar_volume : float
            As in :meth:`CostModel.estimate`; NaN where unknown.
        dollars_used : float, default=0.0
            What was already traded of the day's volume; it counts against the participation cap.

        Raises
        ------
        ParameterError
            If the side is unknown, the quantity negative or the price not positive.
        NonFiniteError
            If quantity or price is NaN or infinite.
        """
        if side not in ("buy", "sell"):
            raise ParameterError(f"side is {side!r}, expected 'buy' or 'sell'")
        for name, value in (("quantity", quantity), ("reference_price", reference_price)):
            if not math.isfinite(value):
                raise NonFiniteError(f"{name} is {value}, expected a finite number")
        if quantity < 0.0 or not reference_price > 0.0:
            raise ParameterError(
                f"quantity is {quantity} at {reference_price}; expected a quantity of at least 0 "
                "and a positive price"
            )
        wanted = quantity * reference_price
        got = self.fill_notional(
            wanted if side == "buy" else -wanted,
            spread_bps=spread_bps,
            daily_volatility=daily_volatility,
            dollar_volume=dollar_volume,
            dollars_used=dollars_used,
        )
        filled = min(quantity, abs(float(got.notional)) / reference_price) if got.capped else quantity
        return Quote(
            price=reference_price * float(got.price_ratio),
            quantity=filled,
            fee=float(got.fee),
            slippage=float(got.slippage),
        )

    def fill_notional(
        self,
        notional: ArrayLike,
        *,
        spread_bps: ArrayLike,
        daily_volatility: ArrayLike,
        dollar_volume: ArrayLike,
        dollars_used: ArrayLike = 0.0,
    ) -> NotionalFill:
        """Fill a vector of trades; :meth:`fill` is this function on one asset.

        Parameters
        ----------
        notional : ndarray of shape (n_assets,)
            Signed dollars at the reference price: positive buys.
        spread_bps, daily_volatility, dollar_volume : float or ndarray of shape (n_assets,)
            As in :meth:`CostModel.estimate`; NaN where unknown.
        dollars_used : float or ndarray of shape (n_assets,), default=0.0
            What was already traded of the day's volume.

        Raises
        ------
        NonFiniteError, ParameterError, ShapeError
            As :meth:`CostModel.estimate`.
        """
        costs = self.costs
        x, spread, volatility, volume = conditions(notional, spread_bps, daily_volatility, dollar_volume)
        used = np.asarray(dollars_used, dtype=np.float64)
        if not (np.isfinite(used) & (used >= 0.0)).all():
            raise ParameterError("dollars_used holds a negative or non-finite value; expected dollars traded")
        room = np.maximum(costs.participation_cap * volume - used, 0.0)
        wanted = np.abs(x)
        capped = ~np.isnan(volume) & (wanted > room)
        size = np.where(capped, room, wanted)
        worse = costs.half_spread_fraction(spread) + costs.impact_fraction(size, volatility, volume)
        worse = np.where(np.signbit(x), np.minimum(worse, 1.0), worse)
        ratio = 1.0 + np.copysign(worse, x)
        return NotionalFill(
            notional=np.asarray(np.copysign(size, x)),
            price_ratio=np.asarray(ratio),
            fee=np.asarray(size * ratio * (costs.fee_bps * BASIS_POINT)),
            slippage=np.asarray(size * worse),
            capped=np.asarray(capped),
        )
