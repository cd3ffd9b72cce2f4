import math

import numpy as np
import pytest

from poise.errors import NotEnoughDataError
from poise.rebalancing import RebalanceRules
from poise.rebalancing.benefit import TrackingUtility, daily_risk
from tests.reference.rebalancing import book, quadratic_form
from tests.tolerances import CLOSED_FORM

RULES = RebalanceRules(holding_period_days=20.0, risk_aversion=3.0)


def utility_of(snapshot) -> TrackingUtility:
    return TrackingUtility.of(snapshot, daily_risk(snapshot.conditions).covariance, RULES)


def test_closing_a_gap_by_hand() -> None:
    snapshot = book([0.0], [0.5], volatility=0.04, value=10_000.0)
    # 10,000 USD * 20 days * 3/2 * 0.5^2 * 0.04^2 = 120 USD.
    assert utility_of(snapshot).benefit(np.array([0.5])) == pytest.approx(120.0)
    # Half the way leaves a quarter of the loss.
    assert utility_of(snapshot).benefit(np.array([0.25])) == pytest.approx(90.0)
    # Away from the target it is negative: 1.5^2 - 1.
    assert utility_of(snapshot).benefit(np.array([-0.25])) == pytest.approx(-150.0)


def test_benefit_is_the_difference_of_two_quadratic_forms(rng: np.random.Generator) -> None:
    loadings = rng.normal(size=(5, 5)) * 0.02
    snapshot = book(
        rng.dirichlet(np.ones(6))[:5], rng.dirichlet(np.ones(6))[:5], covariance=loadings @ loadings.T
    )
    utility, changes = utility_of(snapshot), rng.normal(size=5) * 0.1
    gap = snapshot.weights - snapshot.target_weights
    covariance = snapshot.conditions.covariance
    expected = (
        10_000.0 * 20.0 * 1.5 * (quadratic_form(gap, covariance) - quadratic_form(gap + changes, covariance))
    )
    assert utility.benefit(changes) == pytest.approx(expected, rel=1e-10)
    assert math.fsum(utility.shares(changes)) == pytest.approx(expected, rel=1e-10)


def test_shares_of_independent_assets_are_their_own_benefits() -> None:
    snapshot = book([0.0, 0.0], [0.5, 0.2], correlation=0.0)
    assert utility_of(snapshot).shares(np.array([0.5, 0.2])) == pytest.approx([120.0, 19.2])


def test_moments_of_an_hour_are_scaled_to_a_day() -> None:
    daily, hourly = (
        book([0.5], [0.4], volatility=0.024),
        book([0.5], [0.4], volatility=0.024, bars_per_day=24.0),
    )
    ratio = daily_risk(hourly.conditions).covariance / daily_risk(daily.conditions).covariance
    assert ratio == pytest.approx(24.0, rel=CLOSED_FORM)
    assert daily_risk(hourly.conditions).volatility == pytest.approx(0.024 * math.sqrt(24.0))


def with_gaps(volatility: list[float], missing: list[tuple[int, int]]):
    snapshot = book([0.1] * len(volatility), [0.2] * len(volatility), volatility=0.03)
    conditions = snapshot.conditions
    conditions.volatility[:] = volatility
    for row, column in missing:
        conditions.covariance[row, column] = conditions.covariance[column, row] = math.nan
    return conditions


def test_a_warming_asset_counts_with_its_own_volatility_alone() -> None:
    conditions = with_gaps([0.03, 0.03, 0.07], [(2, 0), (2, 1), (2, 2)])
    risk = daily_risk(conditions)
    assert risk.substituted == ("A2",)
    assert risk.covariance[2].tolist() == pytest.approx([0.0, 0.0, 0.07**2])
    assert risk.covariance[0, 1] == pytest.approx(0.5 * 0.03**2)
    assert math.isnan(conditions.covariance[2, 2]), "the input is left as it was"


def test_an_asset_without_volatility_gets_the_median() -> None:
    conditions = with_gaps([0.03, 0.03, math.nan], [(2, 0), (2, 1), (2, 2)])
    assert daily_risk(conditions).covariance[2, 2] == pytest.approx(0.03**2)
    assert daily_risk(conditions).volatility[2] == pytest.approx(0.03)


def test_missing_correlations_take_out_the_fewest_assets() -> None:
    conditions = with_gaps([0.03, 0.03, 0.03], [(2, 0), (2, 1)])
    risk = daily_risk(conditions)
    assert risk.substituted == ("A2",)
    assert risk.covariance[0, 1] == pytest.approx(0.5 * 0.03**2)


def test_without_any_volatility_there_is_no_benefit_to_tell() -> None:
    conditions = with_gaps([math.nan, math.nan], [(0, 0), (0, 1), (1, 1)])
    with pytest.raises(NotEnoughDataError, match="warm up"):
        daily_risk(conditions)
