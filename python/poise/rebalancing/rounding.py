"""From float to the lots a venue accepts: purchases down, sales down, and nothing held is ever oversold."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal, localcontext

from poise.errors import ParameterError

# A float that stands a rounding error, relatively, below a whole number of lots means that number.
_FORGIVEN = Decimal("1e-12")
_PRECISION = 40


@dataclass(frozen=True)
class LotRules:
    """What quantities of an asset can be ordered.

    Parameters
    ----------
    step : Decimal, default=1E-8
        Quantities are multiples of it; 1 for whole shares.
    min_quantity : Decimal, default=0
        Smallest order in units.
    min_notional : float, default=0
        Smallest order in dollars that the venue takes, closing orders included.

    Raises
    ------
    ParameterError
        If the step is not positive or a minimum is negative.
    """

    step: Decimal = Decimal("1e-8")
    min_quantity: Decimal = Decimal(0)
    min_notional: float = 0.0

    def __post_init__(self) -> None:
        if not (self.step.is_finite() and self.step > 0):
            raise ParameterError(f"step is {self.step}; it must be positive")
        if not self.min_quantity >= 0:
            raise ParameterError(f"min_quantity is {self.min_quantity}; it must be at least 0")
        if not self.min_notional >= 0.0:
            raise ParameterError(f"min_notional is {self.min_notional}; it must be at least 0")

    def floor(self, quantity: float) -> Decimal:
        """Return the largest whole number of lots not above a wanted quantity, give or take 1e-12 of it."""
        return self._lots(exact(quantity), forgiven=_FORGIVEN)

    def floor_held(self, quantity: float) -> Decimal:
        """Return the largest whole number of lots inside what is held, never a crumb more."""
        return self._lots(exact(quantity), forgiven=Decimal(0))

    def accepts(self, quantity: Decimal, price: float) -> bool:
        """Whether a venue would take an order of this size."""
        return quantity > 0 and quantity >= self.min_quantity and float(quantity) * price >= self.min_notional

    def _lots(self, quantity: Decimal, *, forgiven: Decimal) -> Decimal:
        if quantity <= 0:
            return Decimal(0)
        with localcontext(prec=_PRECISION):
            lots = quantity / self.step
            nearest = lots.to_integral_value(rounding=ROUND_HALF_EVEN)
            if nearest - lots > forgiven * lots:
                nearest = lots.to_integral_value(rounding=ROUND_FLOOR)
            return nearest * self.step


def exact(quantity: float) -> Decimal:
    """Return a float as the decimal its shortest text shows: 0.1 is 0.1."""
    return Decimal(repr(float(quantity)))


def round_sale(wanted: float, *, held: float, price: float, lots: LotRules, leave_at_least: float) -> Decimal:
    """Round a sale to lots; what would be left below `leave_at_least` is sold with it.

    Parameters
    ----------
    wanted, held : float
        Units, not negative.
    price : float
        Dollars per unit.
    lots : LotRules
    leave_at_least : float
        Dollars below which a position is not worth keeping.

    Returns
    -------
    Decimal
        Units, at most what is held.
    """
    whole = lots.floor_held(held)
    if wanted > 0.0 and (held - wanted) * price < leave_at_least:
        return whole
    return min(lots.floor(wanted), whole)
