"""The test vector of empyrical, and what its conventions make of it."""

import numpy as np
import pytest

from poise.performance import (
    annualized_return,
    calmar_ratio,
    information_ratio,
    sharpe_ratio,
    sortino_ratio,
    total_return,
)
from poise.risk import max_drawdown

DAYS = 252
# empyrical's first return is NaN: its ratios leave it out, its growth counts it as a day at rest.
MIXED = np.array([1.0, 10.0, -4.0, 2.0, 3.0, 2.0, 1.0, -10.0]) / 100.0
NINE_DAYS = np.concatenate([[0.0], MIXED])
BENCHMARK = np.array([1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0]) / 100.0


def test_sharpe_ratio_of_empyrical():
    assert sharpe_ratio(MIXED, periods_per_year=DAYS) == pytest.approx(1.7238613961706866, rel=1e-12)


def test_sortino_ratio_and_downside_risk_of_empyrical():
    found = sortino_ratio(MIXED, periods_per_year=DAYS)
    assert found == pytest.approx(2.605531251673693, rel=1e-12)
    assert MIXED.mean() * DAYS / found == pytest.approx(0.60448325038829653, rel=1e-12)


def test_growth_and_drawdown_of_empyrical():
    assert total_return(MIXED) == pytest.approx(0.03893, abs=5e-6)
    assert max_drawdown(MIXED) == pytest.approx(0.1, rel=1e-12)
    assert annualized_return(NINE_DAYS, periods_per_year=DAYS) == pytest.approx(1.9135925373194231, rel=1e-12)
    assert calmar_ratio(NINE_DAYS, periods_per_year=DAYS) == pytest.approx(19.135925373194233, rel=1e-12)


def test_excess_sharpe_of_empyrical_is_the_information_ratio():
    found = information_ratio(MIXED, BENCHMARK, periods_per_year=DAYS)
    assert found == pytest.approx(0.34111411441060574, rel=1e-12)


def test_sortino_divides_by_all_periods_not_by_those_that_lost():
    R = np.array([1.0, -2.0, 3.0, -1.0]) / 100.0
    assert sortino_ratio(R, periods_per_year=1) == pytest.approx(0.2236067977, abs=5e-11)
    assert sortino_ratio(R, periods_per_year=DAYS) == pytest.approx(3.5496478699, abs=5e-11)
