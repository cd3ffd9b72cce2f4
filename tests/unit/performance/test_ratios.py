import math

import numpy as np
import pandas as pd
import pytest

from poise.errors import EmptyInputError, NonFiniteError, ParameterError, ShapeError
from poise.performance import (
    annualized_return,
    annualized_volatility,
    calmar_ratio,
    sharpe_ratio,
    sortino_ratio,
    total_return,
)
from tests.tolerances import CLOSED_FORM

RETURNS = [0.03, -0.01, 0.02, -0.02, 0.01]


def exact(value: float) -> object:
    return pytest.approx(value, rel=CLOSED_FORM)


def test_sharpe_by_hand() -> None:
    # mean 0.006; squared deviations 576, 256, 196, 676, 16 millionths: sum 1.72e-3, over four.
    assert sharpe_ratio(RETURNS, periods_per_year=1) == exact(0.006 / math.sqrt(1.72e-3 / 4))
    assert sharpe_ratio(RETURNS, periods_per_year=252) == exact(
        math.sqrt(252) * 0.006 / math.sqrt(1.72e-3 / 4)
    )


def test_the_riskless_rate_is_annual() -> None:
    assert sharpe_ratio(RETURNS, periods_per_year=100, risk_free_rate=0.1) == exact(
        10 * (0.006 - 0.001) / math.sqrt(1.72e-3 / 4)
    )


def test_sortino_by_hand() -> None:
    # Shortfalls from zero: 0.01 and 0.02 among five.
    assert sortino_ratio(RETURNS, periods_per_year=4) == exact(2 * 0.006 / math.sqrt(0.0005 / 5))
    # From one percent a period: 0.02 and 0.03.
    assert sortino_ratio(RETURNS, periods_per_year=4, minimum_acceptable_return=0.04) == exact(
        2 * (0.006 - 0.01) / math.sqrt(0.0013 / 5)
    )


def test_growth_by_hand() -> None:
    assert total_return([0.5, -0.2, 0.25]) == exact(0.5)
    assert annualized_return([0.5, -0.2, 0.25], periods_per_year=12) == exact(1.5**4 - 1)
    assert annualized_return([0.21], periods_per_year=0.5) == exact(0.1)


def test_calmar_by_hand() -> None:
    # 1, 1.5, 1.2, 1.5: the fall from 1.5 to 1.2 is a fifth.
    assert calmar_ratio([0.5, -0.2, 0.25], periods_per_year=12) == exact((1.5**4 - 1) / 0.2)
    # The initial value is a peak too.
    assert calmar_ratio([-0.5, 0.5], periods_per_year=2) == exact(-0.25 / 0.5)


def test_volatility_by_hand() -> None:
    assert annualized_volatility(RETURNS, periods_per_year=365) == exact(math.sqrt(365 * 1.72e-3 / 4))


@pytest.mark.parametrize("level", [0.0, 0.001, 0.01, -0.02])
def test_without_volatility_there_is_no_sharpe_ratio(level: float) -> None:
    assert math.isnan(sharpe_ratio([level] * 50, periods_per_year=252))
    assert annualized_volatility([level] * 50, periods_per_year=252) == 0.0


def test_rounding_of_prices_is_not_volatility() -> None:
    prices = 100.0 * 1.001 ** np.arange(300)
    returns = prices[1:] / prices[:-1] - 1.0
    assert np.ptp(returns) > 0.0
    assert math.isnan(sharpe_ratio(returns, periods_per_year=252))


def test_without_losses_sortino_and_calmar_have_no_meaning() -> None:
    assert math.isnan(sortino_ratio([0.01, 0.02, 0.0], periods_per_year=252))
    assert math.isnan(calmar_ratio([0.01, 0.02, 0.0], periods_per_year=252))


@pytest.mark.parametrize("ruin", [-1.0, -1.5])
def test_after_ruin_nothing_is_left(ruin: float) -> None:
    returns = [0.1, ruin, 5.0, ruin]
    assert total_return(returns) == -1.0
    assert annualized_return(returns, periods_per_year=252) == -1.0
    assert calmar_ratio(returns, periods_per_year=252) == -1.0


def test_growth_beyond_floats_is_nan_not_an_error() -> None:
    assert math.isnan(annualized_return([9.0], periods_per_year=8760))


def test_one_observation_is_no_mistake() -> None:
    assert math.isnan(sharpe_ratio([0.01], periods_per_year=252))
    assert math.isnan(annualized_volatility([0.01], periods_per_year=252))
    assert annualized_return([0.01], periods_per_year=1) == exact(0.01)


def test_huge_returns_do_not_overflow() -> None:
    assert sharpe_ratio([1e200, -1e200, 3e200], periods_per_year=1) == exact(0.5)


def test_columns_are_answered_one_by_one_with_their_names() -> None:
    frame = pd.DataFrame({"BTC": RETURNS, "ETH": [0.01] * 5})
    answer = sharpe_ratio(frame, periods_per_year=365)
    assert list(answer.index) == ["BTC", "ETH"]
    assert answer["BTC"] == sharpe_ratio(frame["BTC"], periods_per_year=365)
    assert math.isnan(answer["ETH"])
    array = calmar_ratio(frame.to_numpy(), periods_per_year=365)
    assert array.shape == (2,)
    assert array[0] == calmar_ratio(RETURNS, periods_per_year=365)


ALL = [annualized_return, annualized_volatility, sharpe_ratio, sortino_ratio, calmar_ratio]


@pytest.mark.parametrize("function", ALL)
def test_what_is_refused(function) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(NonFiniteError, match="nan at index 2"):
        function([0.1, 0.2, np.nan], periods_per_year=252)
    with pytest.raises(NonFiniteError, match="-inf at row 1, column 0"):
        function(np.array([[0.1, 0.2], [-np.inf, 0.1]]), periods_per_year=252)
    with pytest.raises(EmptyInputError, match="empty"):
        function([], periods_per_year=252)
    with pytest.raises(ShapeError):
        function(np.zeros((2, 2, 2)), periods_per_year=252)
    for periods in (0, -252, math.inf, math.nan, "daily", True):
        with pytest.raises(ParameterError, match="periods_per_year"):
            function(RETURNS, periods_per_year=periods)
    with pytest.raises(TypeError):
        function(RETURNS)


def test_rates_must_be_numbers() -> None:
    with pytest.raises(ParameterError, match="risk_free_rate"):
        sharpe_ratio(RETURNS, periods_per_year=252, risk_free_rate=math.nan)
    with pytest.raises(ParameterError, match="minimum_acceptable_return"):
        sortino_ratio(RETURNS, periods_per_year=252, minimum_acceptable_return=None)  # type: ignore[arg-type]
