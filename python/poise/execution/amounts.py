"""From float64 thinking to Decimal trading, without inventing digits."""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_UP, Context, Decimal

_PRICE_CONTEXT = Context(prec=12, rounding=ROUND_HALF_EVEN)
_MONEY_STEP = Decimal("1e-8")
_QUANTITY_STEP = Decimal("1e-12")


def exact(value: float) -> Decimal:
    """Return the shortest decimal that reads back as this float: 0.1 is 0.1."""
    return Decimal(repr(float(value)))


def price_of(value: float) -> Decimal:
    """Return a price to twelve significant digits."""
    return _PRICE_CONTEXT.create_decimal(exact(value))


def fee_of(value: Decimal) -> Decimal:
    """Return a fee rounded up to a hundred-millionth of a dollar."""
    return value.quantize(_MONEY_STEP, rounding=ROUND_UP)


def floor_quantity(value: Decimal, step: Decimal = _QUANTITY_STEP) -> Decimal:
    """Return `value` rounded down to a multiple of `step`, without trailing zeros."""
    return plain((value / step).to_integral_value(rounding=ROUND_DOWN) * step)


def plain(value: Decimal) -> Decimal:
    """Return the same number without trailing zeros and without an exponent above zero."""
    short = value.normalize()
    return short if int(short.as_tuple().exponent) <= 0 else Decimal(format(short, "f"))
