"""The efficient frontier: published corners, queries, degenerate inputs, labels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest

from poise.errors import (
    EmptyUniverseError,
    InfeasibleError,
    NonFiniteError,
    NotPositiveSemidefiniteError,
    ParameterError,
    ShapeError,
)
from poise.optimization import (
    OptimizationStatus,
    efficient_frontier,
    solve_maximum_sharpe,
    solve_mean_variance,
    solve_minimum_variance,
)
from tests.tolerances import CLOSED_FORM, SOLVER, SUM
from tests.unit.optimization.test_published import BAILEY

MU = np.array([1.175, 1.19, 0.396, 1.12, 0.346, 0.679, 0.089, 0.73, 0.481, 1.08])

# Bailey and Lopez de Prado (2013): return, volatility, lambda and weights of the distinct corners.
CORNERS = """
1.19         .9520003676 58.3030853333 0 1 0 0 0 0 0 0 0 0
1.1802594589 .5456568743 4.1742728459 .6493694071 .3506305929 0 0 0 0 0 0 0 0
1.1600564524 .4172556504 1.9455661415 .4339841341 .2312475007 0 .3347683652 0 0 0 0 0 0
1.1112622643 .2667196142 .1645811749 .1268878539 .0723433472 0 .2812537493 0 0 0 0 0 .5195150497
1.1083602384 .2650169953 .1473887509 .1232010041 .0704440713 0 .2789935668 0 0 0 .0064355644 0 .5209257935
1.0224838894 .2296800736 .0561722040 .0869215493 .0504510423 0 .2235940174 0 .1738316151 0 .0301730156 0 .4350287604
1.0153059205 .2279827484 .0520481907 .0846709412 .0492538587 0 .2196339034 0 .1800392346 0 .0310298019 .0064857024 .4288865578
.9727204340 .2195548801 .0365216137 .0737892530 .0438286608 0 .1989756081 .0261581599 .1981518723 0 .0334195864 .0279029660 .3977738936
.9499368158 .2160245717 .0309711689 .0683440048 .0413870268 .0152152596 .1881344311 .0341624860 .2023194321 0 .0339293236 .0336326496 .3828753865
.8032153599 .2052376198 0 .0369685815 .0269008378 .0949424306 .1257759522 .0767460810 .2193556713 .0299870969 .0359632846 .0613498377 .2920102264
"""  # noqa: E501 - as printed
PUBLISHED = np.array([line.split() for line in CORNERS.strip().splitlines()], dtype=float)
TANGENT = [0.0839731895, 0.0489059861, 0.0, 0.2183092595, 0.0016773042, 0.1812006467, 0.0, 0.0311830388]
TANGENT += [0.0078590125, 0.4268915627]


def bailey():
    return efficient_frontier(MU, BAILEY)


def test_the_ten_corners_of_bailey_and_lopez_de_prado():
    frontier = bailey()
    assert len(frontier) == len(PUBLISHED)
    np.testing.assert_allclose(frontier.returns, PUBLISHED[:, 0], atol=6e-11)
    np.testing.assert_allclose(frontier.volatilities, PUBLISHED[:, 1], atol=6e-11)
    tolerances = [corner.risk_tolerance for corner in frontier.corners]
    np.testing.assert_allclose(tolerances, PUBLISHED[:, 2], atol=6e-11)
    np.testing.assert_allclose(frontier.weights, PUBLISHED[:, 3:], atol=6e-11)
    assert max(corner.certificate for corner in frontier.corners) <= CLOSED_FORM


def test_the_published_maximum_sharpe():
    for result in [solve_maximum_sharpe(MU, BAILEY), bailey().maximum_sharpe()]:
        assert result.status is OptimizationStatus.OPTIMAL
        np.testing.assert_allclose(result.weights, TANGENT, atol=6e-11)
        assert result.objective == pytest.approx(4.4535334766, abs=6e-11)
        assert result.certificate <= CLOSED_FORM


def test_three_assets_of_kwan_under_a_cap():
    # Kwan, "A simple spreadsheet-based exposition of the Markowitz critical line method"; cap 0.7.
    S = [[0.0004, 0.0004, 0.0002], [0.0004, 0.0025, 0.001], [0.0002, 0.001, 0.01]]
    frontier = efficient_frontier([0.05, 0.08, 0.12], S, bounds=(0.0, 0.7))
    expected = [
        [0.0, 0.3, 0.7],
        [0.0, 0.6485013624, 0.3514986376],
        [0.7, 0.183106267, 0.116893733],
        [0.7, 0.2438095238, 0.0561904762],
    ]
    np.testing.assert_allclose(frontier.weights, expected, atol=6e-10)
    tolerances = [corner.risk_tolerance for corner in frontier.corners]
    np.testing.assert_allclose(tolerances, [0.14625, 0.0547683924, 0.0159346049, 0.0], atol=6e-11)
    assert frontier.corners[2].weights[0] == 0.7


def test_two_best_returns_share_by_least_variance():
    # lequant40/portfolio_allocation_js, corner portfolios with equal returns.
    S = [[1, 0.1, 0.2], [0.1, 1, -0.1], [0.2, -0.1, 1]]
    frontier = efficient_frontier([2, 2, 1], S)
    corners = [[0.5, 0.5, 0.0], [0.261904762, 0.380952381, 0.357142857]]
    np.testing.assert_allclose(frontier.weights, corners, atol=6e-10)


def test_queries_lie_on_the_frontier_and_meet_their_targets():
    frontier = bailey()
    for target in np.linspace(0.81, 1.18, 30):
        result = frontier.at_return(target)
        assert result.weights @ MU == pytest.approx(target, abs=CLOSED_FORM)
        assert result.certificate <= CLOSED_FORM
        assert 0.0 <= result.duality_gap <= CLOSED_FORM
        volatility = np.sqrt(result.weights @ BAILEY @ result.weights)
        again = frontier.at_risk(volatility)
        np.testing.assert_allclose(again.weights, result.weights, atol=1e-11)
    for aversion in [0.02, 0.5, 3.0, 20.0, 1e4]:
        found = frontier.at_risk_aversion(aversion)
        solved = solve_mean_variance(MU, BAILEY, risk_aversion=aversion)
        np.testing.assert_allclose(found.weights, solved.weights, atol=1e-11)
        assert found.objective * -aversion == pytest.approx(solved.objective, rel=1e-12)
    least = solve_minimum_variance(BAILEY).weights
    for found in [frontier.minimum_variance(), frontier.at_risk_aversion(np.inf)]:
        np.testing.assert_allclose(found.weights, least, atol=CLOSED_FORM)


@pytest.mark.parametrize(
    ("query", "target", "end", "words"),
    [
        ("at_risk", 0.1, -1, "volatility 0.1 must become at least 0.205238"),
        ("at_risk", 1.0, 0, "volatility 1 must become at most 0.952"),
        ("at_return", 0.5, -1, "expected return 0.5 must become at least 0.803215"),
        ("at_return", 1.5, 0, "expected return 1.5 must become at most 1.19"),
    ],
)
def test_a_target_off_the_frontier_gets_the_nearest_end_in_words(query, target, end, words):
    frontier = bailey()
    result = getattr(frontier, query)(target)
    assert result.status is OptimizationStatus.RELAXED
    np.testing.assert_allclose(result.weights, frontier.weights[end], atol=CLOSED_FORM)
    (relaxation,) = result.relaxations
    assert relaxation.words == words
    assert relaxation.by > 0.0


def test_points_for_a_plot_run_up_the_frontier():
    frontier = bailey()
    points = frontier.points(25)
    assert (np.diff(points.volatilities) > 0.0).all()
    np.testing.assert_allclose(np.diff(points.expected_returns, 2), 0.0, atol=CLOSED_FORM)
    for mean, weights in zip(points.expected_returns, points.weights, strict=True):
        np.testing.assert_allclose(frontier.at_return(mean).weights, weights, atol=1e-11)
    np.testing.assert_allclose(frontier.points(1).weights[0], frontier.weights[-1], atol=CLOSED_FORM)


def test_prices_say_what_a_wider_cap_would_bring():
    S, mu, upper, step = BAILEY, MU, np.full(10, 0.2), 1e-6
    result = solve_minimum_variance(S, bounds=(0.02, upper))
    assert result.objective == pytest.approx(result.weights @ S @ result.weights, rel=CLOSED_FORM)
    for bound in result.binding:
        lower_now, upper_now = np.full(10, 0.02), upper.copy()
        if bound.side == "upper":
            upper_now[bound.asset] += step
        else:
            lower_now[bound.asset] -= step
        better = solve_minimum_variance(S, bounds=(lower_now, upper_now)).objective
        assert bound.price >= 0.0
        assert (result.objective - better) / step == pytest.approx(bound.price, abs=1e-5)
    utility = solve_mean_variance(mu, S, risk_aversion=2.0, bounds=(0.0, upper))
    assert utility.objective == pytest.approx(utility.weights @ mu - utility.weights @ S @ utility.weights)
    for bound in utility.binding:
        wider = upper + step * (np.arange(10) == bound.asset)
        if bound.side == "upper":
            better = solve_mean_variance(mu, S, risk_aversion=2.0, bounds=(0.0, wider)).objective
            assert (better - utility.objective) / step == pytest.approx(bound.price, abs=1e-4)
    assert 0.0 <= utility.duality_gap <= CLOSED_FORM
    assert utility.seconds >= 0.0


def test_any_start_leads_to_the_same_answer():
    for solve in [
        lambda **start: solve_minimum_variance(BAILEY, bounds=(0.0, 0.3), **start),
        lambda **start: solve_mean_variance(MU, BAILEY, risk_aversion=3.0, bounds=(-0.1, 0.3), **start),
    ]:
        cold = solve()
        for start in [cold.weights, np.zeros(10), np.eye(10)[3], np.full(10, 7.0), -np.ones(10)]:
            warm = solve(initial_weights=start)
            np.testing.assert_allclose(warm.weights, cold.weights, atol=1e-12)
            assert abs(warm.weights.sum() - 1.0) <= SUM
        assert solve(initial_weights=cold.weights).iterations <= 2
        with pytest.raises(NonFiniteError, match="initial_weights"):
            solve(initial_weights=np.full(10, np.nan))
        with pytest.raises(ShapeError, match="initial_weights"):
            solve(initial_weights=np.ones(9))


def test_one_asset_and_bounds_that_leave_no_choice():
    frontier = efficient_frontier([0.1], [[0.04]])
    assert len(frontier) == 1
    assert frontier.at_risk(0.2).weights.tolist() == [1.0]
    assert frontier.points(3).weights.tolist() == [[1.0]] * 3
    fixed = efficient_frontier([0.1, 0.2], [[0.04, 0.0], [0.0, 0.09]], bounds=([0.3, 0.7], [0.3, 0.7]))
    assert fixed.weights.tolist() == [[0.3, 0.7]]
    assert solve_maximum_sharpe([0.1, 0.2], np.eye(2), bounds=([0.3, 0.7], [0.3, 0.7])).weights[0] == 0.3


def test_upper_bounds_that_leave_cash_are_held():
    frontier = efficient_frontier([0.1, 0.2], [[0.04, 0.0], [0.0, 0.09]], bounds=(0.0, 0.4))
    for result in [
        frontier.at_risk(0.1),
        frontier.at_return(0.1),
        frontier.at_risk_aversion(3.0),
        frontier.minimum_variance(),
        frontier.maximum_sharpe(),
    ]:
        assert result.status is OptimizationStatus.INFEASIBLE
        assert result.weights.tolist() == [0.4, 0.4]
    assert frontier.points(2).weights.tolist() == [[0.4, 0.4]] * 2
    assert frontier.volatilities[0] == pytest.approx(0.4 * np.sqrt(0.13))


def test_short_positions_and_open_bounds():
    S = np.array([[0.04, 0.006, 0.0], [0.006, 0.01, 0.0], [0.0, 0.0, 0.09]])
    mu = np.array([0.10, 0.05, 0.12])
    short = efficient_frontier(mu, S, bounds=(-0.3, 0.8))
    assert short.weights.min() < 0.0
    assert short.weights.min() >= -0.3
    assert short.weights.max() <= 0.8
    endless = efficient_frontier(mu, S, bounds=(-np.inf, np.inf))
    assert len(endless) == 1
    assert endless.at_return(0.7).weights @ mu == pytest.approx(0.7, abs=CLOSED_FORM)
    assert endless.points(5).expected_returns[-1] == pytest.approx(0.12)
    x = np.linalg.solve(S, mu - 0.02)
    tangent = endless.maximum_sharpe(0.02)
    np.testing.assert_allclose(tangent.weights, x / x.sum(), atol=CLOSED_FORM)
    unattained = endless.maximum_sharpe(0.2)
    assert unattained.status is OptimizationStatus.RELAXED
    assert "for ever" in unattained.messages[-1]


def test_below_the_rate_the_least_variance_is_degenerate():
    result = solve_maximum_sharpe([0.01, 0.02], [[0.04, 0.006], [0.006, 0.01]], risk_free_rate=0.02)
    assert result.status is OptimizationStatus.DEGENERATE
    assert "earns more than the rate of 0.02" in result.messages[-1]
    least = solve_minimum_variance([[0.04, 0.006], [0.006, 0.01]]).weights
    np.testing.assert_allclose(result.weights, least, atol=CLOSED_FORM)


def test_beside_a_rate_an_asset_without_variance_is_cash():
    S = np.diag([0.04, 0.09, 0.0])
    result = solve_maximum_sharpe([0.1, 0.1, 0.03], S, risk_free_rate=0.02)
    assert result.status is OptimizationStatus.DEGENERATE
    np.testing.assert_allclose(result.weights, [9 / 13, 4 / 13, 0.0], atol=CLOSED_FORM)
    assert result.messages == ("without variance: 2",)
    frontier = efficient_frontier([0.1, 0.1, 0.03], S)
    assert frontier.volatilities[-1] < 1e-9
    np.testing.assert_allclose(frontier.maximum_sharpe(0.02).weights, result.weights, atol=SOLVER)


def test_twins_share_and_a_perfect_hedge_ends_without_risk():
    twins = [[0.04, 0.04, 0.01], [0.04, 0.04, 0.01], [0.01, 0.01, 0.09]]
    frontier = efficient_frontier([0.1, 0.1, 0.2], twins)
    np.testing.assert_array_equal(frontier.weights[:, 0], frontier.weights[:, 1])
    assert frontier.minimum_variance().status is OptimizationStatus.DEGENERATE
    hedge = efficient_frontier([0.1, 0.05], [[0.04, -0.04], [-0.04, 0.04]])
    np.testing.assert_allclose(hedge.minimum_variance().weights, [0.5, 0.5], atol=SOLVER)


def test_labels_come_back():
    names = ["A", "B", "C"]
    S = np.array([[0.04, 0.006, 0.0], [0.006, 0.01, 0.0], [0.0, 0.0, 0.09]])
    mu = pd.Series([0.12, 0.10, 0.05], index=["C", "A", "B"])
    frontier = efficient_frontier(mu, pd.DataFrame(S, names, names), bounds=(0.0, 0.9))
    assert list(frontier.weights.columns) == names
    assert list(frontier.corners[0].weights.index) == names
    assert frontier.corners[0].weights["C"] == 0.9
    for result in [frontier.at_risk(0.15), frontier.maximum_sharpe(), frontier.minimum_variance()]:
        assert list(result.weights.index) == names
    assert {bound.asset for bound in frontier.at_return(0.118).binding} == {"C", "B"}
    assert list(frontier.points(4).weights.columns) == names
    polars = efficient_frontier([0.10, 0.05, 0.12], pl.DataFrame(S, schema=names))
    assert polars.weights.columns == names
    assert polars.maximum_sharpe().weights.columns == names
    assert "corners" in repr(frontier)


def test_every_broken_promise_has_its_error():
    S = np.eye(2)
    with pytest.raises(EmptyUniverseError):
        efficient_frontier([], np.zeros((0, 0)))
    with pytest.raises(ShapeError, match="expected_returns"):
        efficient_frontier([0.1], S)
    with pytest.raises(NonFiniteError, match="expected_returns"):
        efficient_frontier([0.1, np.nan], S)
    with pytest.raises(NotPositiveSemidefiniteError):
        efficient_frontier([0.1, 0.2], [[1.0, 2.0], [2.0, 1.0]])
    with pytest.raises(InfeasibleError, match=r"sum to 1\.2"):
        efficient_frontier([0.1, 0.2], S, bounds=(0.6, 1.0))
    with pytest.raises(ParameterError, match="largest of expected_returns"):
        efficient_frontier([-1e308, 1e308], S)
    with pytest.raises(ParameterError, match="range of expected_returns"):
        efficient_frontier([0.0, 1e149], 1e-170 * S)
    frontier = efficient_frontier([0.1, 0.2], S)
    for query, wrong in [
        ("at_risk", -0.1),
        ("at_risk", np.inf),
        ("at_return", np.nan),
        ("at_risk_aversion", 0.0),
        ("at_risk_aversion", "three"),
        ("points", 0),
    ]:
        with pytest.raises(ParameterError):
            getattr(frontier, query)(wrong)
    for rate in [np.nan, np.inf, "low"]:
        with pytest.raises(ParameterError, match="risk_free_rate"):
            solve_maximum_sharpe([0.1, 0.2], S, risk_free_rate=rate)
