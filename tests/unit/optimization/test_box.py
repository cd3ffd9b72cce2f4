"""What programs over a box and a budget share: finite bounds, the best for a gain, prices of bounds."""

import numpy as np
import pytest

from poise.domain.labels import BARE
from poise.errors import InfeasibleError
from poise.optimization import OptimizationStatus, solve_minimum_cdar, solve_minimum_cvar
from poise.optimization.box import bound_prices, closed, greedy, sides_of


def test_the_budget_closes_an_open_side():
    lower, upper = closed((np.array([0.0, -0.5]), np.array([np.inf, 0.3])), BARE)
    np.testing.assert_array_equal(upper, [1.5, 0.3])
    np.testing.assert_array_equal(lower, [0.0, -0.5])
    with pytest.raises(InfeasibleError, match="asset 0 may have a weight of any size"):
        closed((np.full(2, -np.inf), np.full(2, np.inf)), BARE)


def test_the_best_asset_is_filled_first_and_bounds_are_met_exactly():
    filled = greedy(np.array([1.0, 3.0, 2.0]), np.array([0.1, 0.0, 0.0]), np.array([1.0, 0.5, 0.3]))
    np.testing.assert_allclose(filled, [0.2, 0.5, 0.3], atol=1e-15)
    assert (filled[1], filled[2]) == (0.5, 0.3)
    np.testing.assert_array_equal(greedy(np.ones(2), np.full(2, 0.6), np.ones(2)), [0.6, 0.6])


def test_prices_are_slopes_beyond_that_of_the_budget():
    lower, upper = np.array([0.0, 0.0, 0.1, 0.0]), np.array([0.4, 1.0, 0.1, 1.0])
    weights = np.array([0.4, 0.5, 0.1, 0.0])
    prices = bound_prices(np.array([1.0, 2.0, 1.5, 5.0]), weights, lower, upper)
    np.testing.assert_allclose(prices, [1.0, 0.0, 0.5, 3.0], atol=1e-15)
    assert sides_of(weights, lower, upper).tolist() == [1, 0, -1, -1]


def test_where_no_weight_is_inside_the_budget_costs_what_lies_between():
    ends = bound_prices(np.array([1.0, 3.0]), np.array([1.0, 0.0]), np.zeros(2), np.ones(2))
    np.testing.assert_array_equal(ends, [1.0, 1.0])
    alone = bound_prices(np.array([-7.0]), np.ones(1), np.zeros(1), np.ones(1))
    np.testing.assert_array_equal(alone, [0.0])
    fixed = bound_prices(np.array([1.0, -3.0]), np.full(2, 0.5), np.full(2, 0.5), np.full(2, 0.5))
    np.testing.assert_array_equal(fixed, [1.0, 3.0])


@pytest.mark.parametrize("solve", [solve_minimum_cvar, solve_minimum_cdar])
def test_a_floor_out_of_reach_leaves_the_callers_bounds_and_no_prices(solve):
    R = 0.01 * np.random.default_rng(0).normal(size=(40, 4))
    result = solve(R, minimum_return=1.0, bounds=(0.0, 0.4))
    best = np.argsort(-R.mean(axis=0))
    assert result.status is OptimizationStatus.INFEASIBLE
    assert {(bound.asset, bound.side) for bound in result.binding} == {
        (best[0], "upper"),
        (best[1], "upper"),
        (best[3], "lower"),
    }
    assert all(np.isnan(bound.price) for bound in result.binding)
    (reading,) = result.constraints
    assert reading.violation == pytest.approx(1.0 - R.mean(axis=0) @ result.weights)
    assert np.isnan(reading.price)
