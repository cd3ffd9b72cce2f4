"""Linear expressions: what is read, and where a mistake is pointed at."""

import math

import pytest

from poise.errors import ParameterError
from poise.optimization.expressions import parse_expression

NAMES = ["BTC/USDT", "ETH/USDT", "BRK-B", "BRK", "A", "B", "S&P 500", "1INCH", "defi"]


@pytest.mark.parametrize(
    ("text", "coefficients", "lower", "upper"),
    [
        ("BTC/USDT + ETH/USDT <= 0.6", {"BTC/USDT": 1.0, "ETH/USDT": 1.0}, -math.inf, 0.6),
        ("defi<=20%", {"defi": 1.0}, -math.inf, 0.2),
        ("0.5 * A - B >= 0.1", {"A": 0.5, "B": -1.0}, 0.1, math.inf),
        ("10% <= defi <= 30%", {"defi": 1.0}, 0.1, 0.3),
        ("0.3 >= A >= 0.1", {"A": 1.0}, 0.1, 0.3),
        ("2 A + 3*B = 1", {"A": 2.0, "B": 3.0}, 1.0, 1.0),
        ("A == -1e-2", {"A": 1.0}, -0.01, -0.01),
        ("A <= B", {"A": 1.0, "B": -1.0}, -math.inf, 0.0),
        ("A + 0.25 <= B + 50%", {"A": 1.0, "B": -1.0}, -math.inf, 0.25),
        ("A + A < 1", {"A": 2.0}, -math.inf, 1.0),
    ],
)
def test_what_is_read(text, coefficients, lower, upper):
    assert parse_expression(text, NAMES) == (coefficients, lower, upper, text)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("BRK-B <= 1", {"BRK-B"}),
        ("BRK - B <= 1", {"BRK", "B"}),
        ("S&P 500 <= 1", {"S&P 500"}),
        ("'S&P 500' <= 1", {"S&P 500"}),
        ("1INCH <= 0.1", {"1INCH"}),
        ("'BRK'-B <= 1", {"BRK", "B"}),
    ],
)
def test_the_longest_known_name_is_taken(text, names):
    assert set(parse_expression(text, NAMES).coefficients) == names


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A <=", "a side is empty"),
        ("A B <= 1", "before 'B'"),
        ("2 3 <= A", "before '3'"),
        ("A * B <= 1", "not linear"),
        ("deffi <= 1", "did you mean 'defi'"),
        ("'Z' <= 1", "'Z' is unknown"),
        ("AB <= 1", "'AB' is unknown"),
        ("A", "0 relations"),
        ("A <= B <= 1", "number <= names <= number"),
        ("0 <= A >= 1", "both the same way"),
        ("0 = A = 1", "both the same way"),
        ("A+ <= 1", "missing"),
        ("* A <= 1", "nothing to multiply"),
        ("1 <= 2", "names nothing"),
        ("A - A <= 2", "names nothing"),
        ("0 <= 0 * A <= 2", "names nothing"),
        ("", "0 relations"),
    ],
)
def test_a_mistake_is_pointed_at(text, message):
    with pytest.raises(ParameterError, match=message):
        parse_expression(text, NAMES)


def test_the_caret_stands_under_the_word():
    with pytest.raises(ParameterError) as caught:
        parse_expression("A + Q <= 1", NAMES)
    _, text, caret = str(caught.value).split("\n")
    assert text[caret.index("^")] == "Q"
