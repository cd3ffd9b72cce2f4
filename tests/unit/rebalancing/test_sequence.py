import numpy as np
import pytest

from poise.rebalancing.sequence import select_risk_reducing, select_worthwhile, sequence_legs
from tests.reference.rebalancing import quadratic_form

COSTS = np.ones(4)


def diagonal(*variances: float) -> np.ndarray:
    return np.diag(np.array(variances, dtype=float))


def test_sales_that_reduce_risk_come_first_then_other_sales_then_purchases() -> None:
    weights = np.array([0.5, 0.1, 0.0, 0.0])
    covariance = diagonal(1.0, 1.0, 1.0, 1.0)
    # The second asset hedges the first: selling it adds risk.
    covariance[0, 1] = covariance[1, 0] = -0.9
    changes = np.array([-0.1, -0.1, 0.2, 0.05])
    order = sequence_legs(changes, COSTS, weights=weights, gap=-changes, covariance=covariance)
    assert order == [0, 1, 2, 3]
    order = sequence_legs(
        changes[::-1], COSTS, weights=weights[::-1], gap=-changes[::-1], covariance=covariance[::-1, ::-1]
    )
    assert order == [3, 2, 1, 0]


def test_within_a_class_the_most_reduction_per_dollar_comes_first() -> None:
    changes = np.array([0.1, 0.1, 0.1, 0.0])
    order = sequence_legs(
        changes,
        np.array([1.0, 4.0, 0.5, 1.0]),
        weights=np.zeros(4),
        gap=-changes,
        covariance=diagonal(1.0, 8.0, 1.0, 1.0),
    )
    # Per dollar 1, 2 and 2: the tie goes to the earlier asset.
    assert order == [1, 2, 0]


def test_what_legs_are_worth_is_worked_out_again_after_each() -> None:
    # The first two are twins: once one is bought the other is worth less than the third.
    covariance = diagonal(1.0, 1.0, 0.5, 1.0)
    covariance[0, 1] = covariance[1, 0] = 0.99
    gap = np.array([-0.1, 0.0, -0.1, 0.0])
    changes = np.array([0.1, 0.1, 0.1, 0.0])
    order = sequence_legs(changes, COSTS, weights=np.zeros(4), gap=gap, covariance=covariance)
    assert order == [0, 2, 1]


def test_worthwhile_legs_stop_where_the_next_one_earns_too_little() -> None:
    changes = np.array([0.3, 0.2, 0.1, 0.0])
    arguments = {"gap": -changes, "covariance": diagonal(1.0, 1.0, 1.0, 1.0)}
    # They reduce the form by 0.09, 0.04 and 0.01 at a dollar each.
    assert select_worthwhile(changes, COSTS, least=0.05, **arguments) == [0]
    assert select_worthwhile(changes, COSTS, least=0.04, **arguments) == [0, 1]
    assert select_worthwhile(changes, COSTS, least=0.001, **arguments) == [0, 1, 2]
    assert select_worthwhile(changes, COSTS, least=1.0, **arguments) == []


def test_a_free_leg_that_leads_away_is_not_taken() -> None:
    changes = np.array([0.1, 0.0, 0.0, 0.0])
    taken = select_worthwhile(
        changes, np.zeros(4), gap=changes, covariance=diagonal(1.0, 1.0, 1.0, 1.0), least=0.0
    )
    assert taken == []


def test_an_expected_return_counts_beside_the_form() -> None:
    changes = np.array([0.3, 0.2, 0.1, 0.0])
    arguments = {"gap": -changes, "covariance": diagonal(1.0, 1.0, 1.0, 1.0)}
    nothing = select_worthwhile(changes, COSTS, least=0.05, premium=np.zeros(4), **arguments)
    assert nothing == [0]
    # 0.04 + 0.2 * 0.05 = 0.05 for the second; 0.09 - 0.3 * 0.15 = 0.045 for the first.
    promised = np.array([-0.15, 0.06, 0.0, 5.0])
    assert select_worthwhile(changes, COSTS, least=0.05, premium=promised, **arguments) == [1]


def test_risk_reducing_sales_lower_the_variance_one_by_one(rng: np.random.Generator) -> None:
    for _ in range(50):
        loadings = rng.normal(size=(4, 4))
        covariance = loadings @ loadings.T
        weights = rng.dirichlet(np.ones(4))
        sales = -weights * rng.uniform(0.1, 1.0, 4)
        variances = [quadratic_form(weights, covariance)]
        for asset in select_risk_reducing(sales, weights=weights, covariance=covariance):
            weights = weights.copy()
            weights[asset] += sales[asset]
            variances.append(quadratic_form(weights, covariance))
        assert variances == sorted(variances, reverse=True)
        # None is left out that would still lower it.
        taken = select_risk_reducing(sales, weights=weights, covariance=covariance)
        assert len(variances) > 1 or not taken


def test_a_hedge_is_kept() -> None:
    covariance = diagonal(1.0, 1.0)
    covariance[0, 1] = covariance[1, 0] = -0.95
    taken = select_risk_reducing(np.array([0.0, -0.2]), weights=np.array([0.6, 0.2]), covariance=covariance)
    assert taken == []


@pytest.mark.parametrize("least", [0.0, 0.02])
def test_no_legs_no_choice(least: float) -> None:
    nothing = np.zeros(4)
    identity = diagonal(1.0, 1.0, 1.0, 1.0)
    assert select_worthwhile(nothing, COSTS, gap=nothing, covariance=identity, least=least) == []
    assert sequence_legs(nothing, COSTS, weights=nothing, gap=nothing, covariance=identity) == []


def test_purchases_are_ranked_in_the_book_the_sales_leave() -> None:
    # Asset 1 moves with asset 0: while that is overweight there is no use in it, afterwards it is best.
    covariance = diagonal(1.0, 1.2, 1.0)
    covariance[0, 1] = covariance[1, 0] = 0.9
    changes = np.array([-0.3, 0.1, 0.1])
    order = sequence_legs(
        changes, np.ones(3), weights=np.array([0.6, 0.0, 0.0]), gap=-changes, covariance=covariance
    )
    assert order == [0, 1, 2]
