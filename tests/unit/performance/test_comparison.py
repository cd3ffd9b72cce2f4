import math

import numpy as np
import pandas as pd
import pytest

from poise.errors import EmptyInputError, NonFiniteError, ParameterError, ShapeError
from poise.performance import active_return, information_ratio, jensen_alpha, tracking_error
from tests.tolerances import CLOSED_FORM

OWN = [0.03, -0.01, 0.02, 0.00]
MARKET = [0.01, 0.01, 0.00, 0.02]
# Differences 0.02, -0.02, 0.02, -0.02: mean 0, squares 4e-4 each.


def test_by_hand() -> None:
    assert active_return(OWN, MARKET, periods_per_year=12) == pytest.approx(0.0, abs=1e-15)
    assert tracking_error(OWN, MARKET, periods_per_year=12) == pytest.approx(
        math.sqrt(12 * 16e-4 / 3), rel=CLOSED_FORM
    )
    better = [r + 0.01 for r in OWN]
    assert active_return(better, MARKET, periods_per_year=12) == pytest.approx(0.12, rel=CLOSED_FORM)
    assert information_ratio(better, MARKET, periods_per_year=12) == pytest.approx(
        0.12 / math.sqrt(12 * 16e-4 / 3), rel=CLOSED_FORM
    )


def test_a_leveraged_market_has_no_alpha() -> None:
    market = np.random.default_rng(1).normal(0.001, 0.02, 300)
    riskless = 0.03 / 252
    levered = riskless + 1.5 * (market - riskless)
    assert jensen_alpha(levered, market, periods_per_year=252, risk_free_rate=0.03) == pytest.approx(
        0.0, abs=1e-14
    )
    skilled = levered + 0.0002
    assert jensen_alpha(skilled, market, periods_per_year=252, risk_free_rate=0.03) == pytest.approx(
        252 * 0.0002, rel=1e-11
    )


def test_alpha_is_the_intercept_of_a_regression() -> None:
    rng = np.random.default_rng(2)
    market = rng.normal(0.0, 0.02, 100)
    own = 0.001 + 0.7 * market + rng.normal(0.0, 0.01, 100)
    intercept = np.linalg.lstsq(np.column_stack([np.ones(100), market]), own)[0][0]
    assert jensen_alpha(own, market, periods_per_year=365) == pytest.approx(365 * intercept, rel=1e-10)


def test_what_has_no_meaning_is_nan() -> None:
    assert math.isnan(information_ratio(MARKET, MARKET, periods_per_year=12))
    ahead = [r + 0.01 for r in MARKET]
    assert math.isnan(information_ratio(ahead, MARKET, periods_per_year=12))
    assert tracking_error(MARKET, MARKET, periods_per_year=12) == 0.0
    assert math.isnan(jensen_alpha(OWN, [0.01] * 4, periods_per_year=12))
    assert math.isnan(jensen_alpha([0.1], [0.2], periods_per_year=12))
    assert math.isnan(tracking_error([0.1], [0.2], periods_per_year=12))


@pytest.mark.parametrize("function", [active_return, tracking_error, information_ratio, jensen_alpha])
def test_what_is_refused(function) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ShapeError, match="4 observations and benchmark 3"):
        function(OWN, MARKET[:3], periods_per_year=12)
    with pytest.raises(NonFiniteError, match="benchmark holds nan at index 1"):
        function(OWN, [0.1, np.nan, 0.0, 0.0], periods_per_year=12)
    with pytest.raises(EmptyInputError):
        function([], [], periods_per_year=12)
    with pytest.raises(ParameterError):
        function(OWN, MARKET, periods_per_year=0)
    own = pd.Series(OWN, index=pd.date_range("2020-01-01", periods=4))
    late = pd.Series(MARKET, index=pd.date_range("2020-01-02", periods=4))
    with pytest.raises(ShapeError, match="time labels"):
        function(own, late, periods_per_year=12)
