"""Numbers as a person reads them."""

from __future__ import annotations

import math

import pytest

from poise.report.words import DASH, counted, dollars, number, percent, quantity, spoken


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (percent(0.12345), "12.3%"),
        (percent(0.12345, 2), "12.35%"),
        (percent(-0.5, 0), "-50%"),
        (percent(-0.00001), "0.0%"),
        (number(1234.567), "1,234.57"),
        (number(-0.001), "0.00"),
        (number(46.4, 0), "46"),
        (dollars(1234.5), "$1,234.50"),
        (dollars(-3.456), "-$3.46"),
        (dollars(-0.004), "$0.00"),
        (dollars(9999.6, 0), "$10,000"),
        (quantity(0.86116419), "0.861164"),
        (quantity(0.000123456789), "0.000123457"),
        (quantity(12.5), "12.5"),
        (quantity(500_000_000.0), "500,000,000"),
        (quantity(1_234_567.8), "1,234,568"),
        (quantity(100.0), "100"),
        (quantity(0.0), "0"),
        (quantity(-2.5), "-2.5"),
        (counted(1, "fill"), "1 fill"),
        (counted(0, "fill"), "0 fills"),
        (spoken("high_volatility"), "high volatility"),
        (spoken("risk_parity+momentum_tilt"), "risk parity + momentum tilt"),
    ],
)
def test_it_reads(shown: str, expected: str) -> None:
    assert shown == expected


@pytest.mark.parametrize("show", [percent, number, dollars, quantity])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_has_no_value_is_a_dash(show: object, value: float) -> None:
    assert show(value) == DASH  # type: ignore[operator]
