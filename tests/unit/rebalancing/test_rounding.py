from decimal import Decimal

import pytest

from poise.errors import ParameterError
from poise.rebalancing import LotRules
from poise.rebalancing.rounding import round_sale

SHARES = LotRules(step=Decimal(1))


def test_purchases_are_floored_to_the_lot() -> None:
    assert LotRules(step=Decimal("0.01")).floor(1.239) == Decimal("1.23")
    assert LotRules().floor(0.123456789999) == Decimal("0.12345678")
    assert SHARES.floor(0.99) == 0


def test_a_float_just_below_a_whole_lot_means_that_lot() -> None:
    assert SHARES.floor(500.0 / 100.0 - 1e-13) == 5
    assert LotRules(step=Decimal("0.1")).floor(0.1 + 0.2) == Decimal("0.3")
    assert SHARES.floor(4.999999) == 4


def test_what_is_held_is_never_rounded_up() -> None:
    assert SHARES.floor_held(4.9999999999999) == 4
    assert LotRules().floor_held(0.3) == Decimal("0.3")


def test_nothing_comes_of_nothing() -> None:
    assert LotRules().floor(0.0) == 0
    assert LotRules().floor_held(-2.0) == 0


def test_a_sale_is_floored() -> None:
    sale = round_sale(2.7, held=10.0, price=100.0, lots=SHARES, leave_at_least=10.0)
    assert sale == 2


def test_closing_sells_everything_that_fits_a_lot() -> None:
    sale = round_sale(0.123456789, held=0.123456789, price=100.0, lots=LotRules(), leave_at_least=10.0)
    assert sale == Decimal("0.12345678")


def test_a_remainder_below_the_smallest_order_goes_too() -> None:
    assert round_sale(9.95, held=10.0, price=100.0, lots=LotRules(), leave_at_least=10.0) == 10
    assert round_sale(9.5, held=10.0, price=100.0, lots=LotRules(), leave_at_least=10.0) == Decimal("9.5")


def test_a_sale_never_exceeds_what_is_held() -> None:
    assert round_sale(11.0, held=10.4, price=100.0, lots=SHARES, leave_at_least=0.0) == 10


def test_venue_minimums() -> None:
    lots = LotRules(step=Decimal("0.001"), min_quantity=Decimal("0.01"), min_notional=5.0)
    assert lots.accepts(Decimal("0.01"), 500.0)
    assert not lots.accepts(Decimal("0.009"), 5_000.0)
    assert not lots.accepts(Decimal("0.01"), 499.0)
    assert not LotRules().accepts(Decimal(0), 1.0)


@pytest.mark.parametrize(
    "rules",
    [{"step": Decimal(0)}, {"min_quantity": Decimal(-1)}, {"min_notional": -1.0}, {"step": Decimal("NaN")}],
)
def test_impossible_lots_are_refused(rules: dict[str, object]) -> None:
    with pytest.raises(ParameterError, match="must be"):
        LotRules(**rules)  # type: ignore[arg-type]
