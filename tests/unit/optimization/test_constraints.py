"""Constraints by name: what each of them means, which mistakes are refused, what is read off the weights."""

from __future__ import annotations

import itertools
import math

import cvxpy as cp
import numpy as np
import pandas as pd
import pytest

from poise.domain.regime import RegimeState
from poise.errors import NonFiniteError, ParameterError, ShapeError, UnknownSymbolError
from poise.optimization import (
    Budget,
    Cardinality,
    FactorExposure,
    GroupLimit,
    LinearConstraint,
    OptimizationStatus,
    ParticipationLimit,
    RegimeConstraints,
    TrackingError,
    TradingCosts,
    TurnoverLimit,
    solve_maximum_diversification,
    solve_maximum_sharpe,
    solve_mean_variance,
    solve_minimum_variance,
)
from tests.tolerances import REFEREE, SUM

NAMES = ["BTC/USDT", "ETH/USDT", "UNI", "AAVE", "LINK"]
GROUPS = {"store": ["BTC/USDT"], "layer": ["ETH/USDT"], "defi": ["UNI", "AAVE", "LINK"]}
BY_ASSET = {asset: group for group, members in GROUPS.items() for asset in members}


def market(seed: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    returns = rng.normal(size=(400, 5)) * [0.02, 0.03, 0.04, 0.05, 0.06] + 0.02 * rng.normal(size=(400, 1))
    return pd.DataFrame(np.cov(returns.T), index=NAMES, columns=NAMES)


COVARIANCE = market()


def referee(covariance: pd.DataFrame, rules, total: float | None = 1.0) -> float:
    """The least variance by cvxpy alone, written without a word of ours."""
    w = cp.Variable(len(covariance))
    problem = cp.Problem(
        cp.Minimize(1e4 * cp.quad_form(w, cp.psd_wrap(covariance.to_numpy()))),
        [w >= 0, w <= 1, *([] if total is None else [cp.sum(w) == total]), *rules(w)],
    )
    problem.solve(solver=cp.CLARABEL)
    return float(problem.value) / 1e4


def variance(weights: pd.Series) -> float:
    return float(weights @ COVARIANCE @ weights)


HELD = pd.Series([0.0, 0.0, 0.3, 0.3, 0.4], index=NAMES)
ROOT = np.linalg.cholesky(COVARIANCE.to_numpy()).T

CASES = {
    "words": (["defi >= 40%", "BTC/USDT + ETH/USDT <= 0.5"], lambda w: [w[2] + w[3] + w[4] >= 0.5]),
    "coefficients": ("0.5 * AAVE - UNI >= 0.1", lambda w: [0.5 * w[3] - w[2] >= 0.1]),
    "between": ("10% <= LINK <= 30%", lambda w: [w[4] >= 0.1]),
    "linear": (LinearConstraint({"LINK": 1.0, "UNI": 2.0}, 0.6), lambda w: [w[4] + 2 * w[2] >= 0.6]),
    "linear vector": (LinearConstraint([0, 0, 2.0, 0, 1], 0.6), lambda w: [w[4] + 2 * w[2] >= 0.6]),
    "groups": (
        GroupLimit(GROUPS, {"store": 0.3, "defi": (0.0, 0.2)}),
        lambda w: [w[0] <= 0.3, w[2] + w[3] + w[4] <= 0.2],
    ),
    "groups by asset": (GroupLimit(BY_ASSET, {"store": 0.3}), lambda w: [w[0] <= 0.3]),
    "factor": (FactorExposure([1.0, 1.0, 2.0, 2.0, 3.0], lower=1.5), lambda w: [w @ [1, 1, 2, 2, 3] >= 1.5]),
    "turnover": (TurnoverLimit(0.2, HELD), lambda w: [cp.norm1(w - HELD.to_numpy()) <= 0.4]),
    "tracking": (TrackingError(HELD, 0.01), lambda w: [cp.norm(ROOT @ (w - HELD.to_numpy())) <= 0.01]),
    "participation": (
        ParticipationLimit([1e6] * 5, 1e6, HELD, 0.35),
        lambda w: [cp.abs(w - HELD.to_numpy()) <= 0.35],
    ),
    "own": (lambda w: [w[4] >= 0.2], lambda w: [w[4] >= 0.2]),
    "own with a variable": (
        lambda w: [w[4] >= 0.1 + cp.Variable(nonneg=True, name="more")],
        lambda w: [w[4] >= 0.1],
    ),
    "all at once": (
        ["defi >= 0.4", TurnoverLimit(0.6, HELD), TrackingError(HELD, 0.03), lambda w: [w[0] <= 0.2]],
        lambda w: [
            w[2] + w[3] + w[4] >= 0.4,
            cp.norm1(w - HELD.to_numpy()) <= 1.2,
            cp.norm(ROOT @ (w - HELD.to_numpy())) <= 0.03,
            w[0] <= 0.2,
        ],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_each_constraint_means_what_it_says(case):
    constraints, rules = CASES[case]
    result = solve_minimum_variance(COVARIANCE, constraints=constraints, groups=GROUPS)
    assert result.status is OptimizationStatus.OPTIMAL
    assert result.certificate <= 1e-8
    assert list(result.weights.index) == NAMES
    assert abs(result.weights.sum() - 1.0) <= SUM
    assert (result.weights >= 0.0).all()
    best = referee(COVARIANCE, rules)
    assert result.objective == pytest.approx(variance(result.weights), rel=1e-12)
    assert abs(result.objective - best) <= REFEREE * best
    assert len(result.constraints) >= 1
    assert all(reading.violation == 0.0 for reading in result.constraints)
    assert result.seconds > 0.0


def test_a_budget_lets_cash_be_kept():
    result = solve_minimum_variance(COVARIANCE, constraints=[Budget(0.2, 1.0), "BTC/USDT >= 0.1"])
    assert result.weights.sum() == pytest.approx(0.2, abs=1e-8)
    assert result.weights.sum() >= 0.2 - SUM
    assert result.cash == pytest.approx(0.8, abs=1e-8)
    assert result.constraints[0].name == "budget"
    assert result.constraints[0].binding
    borrowed = solve_minimum_variance(COVARIANCE, constraints=Budget(1.5, 1.5, name="gross"))
    assert borrowed.weights.sum() == pytest.approx(1.5, abs=SUM)


def test_prices_say_what_a_limit_costs():
    limit, step = 0.5, 1e-4
    solve = lambda at: solve_minimum_variance(COVARIANCE, constraints=LinearConstraint({"LINK": 1}, at))  # noqa: E731
    result = solve(limit)
    slope = (solve(limit + step).objective - solve(limit - step).objective) / (2 * step)
    assert result.constraints[0].price == pytest.approx(slope, rel=1e-5)
    capped = solve_minimum_variance(COVARIANCE, bounds=(0, 0.5), constraints="LINK >= 0.1")
    wider = solve_minimum_variance(
        COVARIANCE, bounds=(0, [0.5 + step, 0.5, 0.5, 0.5, 0.5]), constraints="LINK >= 0.1"
    )
    assert capped.binding[0].asset == "BTC/USDT"
    assert capped.binding[0].price == pytest.approx((capped.objective - wider.objective) / step, rel=1e-2)


def test_constraints_that_do_not_matter_leave_the_exact_answer():
    result = solve_minimum_variance(COVARIANCE, constraints="LINK <= 0.9")
    np.testing.assert_array_equal(result.weights, solve_minimum_variance(COVARIANCE).weights)
    assert result.constraints[0].price == 0.0
    spread = solve_maximum_diversification(COVARIANCE, constraints="LINK <= 0.9")
    np.testing.assert_array_equal(spread.weights, solve_maximum_diversification(COVARIANCE).weights)


def test_a_repeated_structure_is_compiled_once():
    from poise.optimization import convex

    convex._compiled.clear()
    answers = [
        solve_minimum_variance(market(seed), constraints=[TrackingError(HELD, limit), "LINK >= 0.2"])
        for seed, limit in [(3, 0.02), (4, 0.01), (3, 0.02)]
    ]
    assert len(convex._compiled) == 1
    np.testing.assert_allclose(answers[0].weights, answers[2].weights, atol=REFEREE)
    again = referee(
        market(4),
        lambda w: [
            w[4] >= 0.2,
            cp.norm(np.linalg.cholesky(market(4).to_numpy()).T @ (w - HELD.to_numpy())) <= 0.01,
        ],
    )
    assert answers[1].objective == pytest.approx(again, rel=REFEREE)


def test_the_largest_diversification_within_limits():
    result = solve_maximum_diversification(COVARIANCE, constraints=["LINK = 0.1", TurnoverLimit(0.6, HELD)])
    deviations = np.sqrt(np.diag(COVARIANCE))
    # By homogenisation, the other way to the same ratio.
    y, t = cp.Variable(5), cp.Variable()
    rules = [deviations @ y == 1, cp.sum(y) == t, y[4] == 0.1 * t, y >= 0]
    rules += [cp.norm1(y - t * HELD.to_numpy()) <= 1.2 * t]
    problem = cp.Problem(cp.Minimize(cp.sum_squares(ROOT @ y)), rules)
    problem.solve(solver=cp.CLARABEL)
    assert result.objective == pytest.approx(1.0 / math.sqrt(problem.value), rel=REFEREE)
    assert result.status is OptimizationStatus.OPTIMAL


@pytest.mark.parametrize(
    ("constraints", "rules"),
    [
        (
            ["LINK >= 0.2", TurnoverLimit(0.7, HELD)],
            lambda y, t: [y[4] >= 0.2 * t, cp.norm1(y - t * HELD.to_numpy()) <= 1.4 * t],
        ),
        (
            TrackingError(HELD, 0.015),
            lambda y, t: [cp.norm(ROOT @ (y - t * HELD.to_numpy())) <= 0.015 * t],
        ),
        (lambda w: [w[0] <= 0.3], lambda y, t: [y[0] <= 0.3 * t]),
        (Budget(0.5, 1.0), lambda y, t: []),
    ],
)  # fmt: skip
def test_the_largest_sharpe_ratio_within_limits(constraints, rules):
    means = pd.Series([0.002, 0.003, 0.006, 0.004, 0.005], index=NAMES)
    result = solve_maximum_sharpe(means, COVARIANCE, risk_free_rate=0.001, constraints=constraints)
    y, t = cp.Variable(5), cp.Variable(nonneg=True)
    kept = [(means.to_numpy() - 0.001) @ y == 1, cp.sum(y) == t, y >= 0, *rules(y, t)]
    problem = cp.Problem(cp.Minimize(cp.sum_squares(ROOT @ y)), kept)
    problem.solve(solver=cp.CLARABEL)
    assert result.objective == pytest.approx(1.0 / math.sqrt(problem.value), rel=REFEREE)
    assert result.status is OptimizationStatus.OPTIMAL
    found = result.weights
    ratio = (means - 0.001) @ found / math.sqrt(variance(found))
    assert result.objective == pytest.approx(ratio, rel=1e-12)
    assert all(reading.violation == 0.0 for reading in result.constraints)


def test_costs_lower_the_sharpe_ratio_and_hold_the_book():
    means = pd.Series([0.002, 0.003, 0.006, 0.004, 0.005], index=NAMES)
    free = solve_maximum_sharpe(means, COVARIANCE)
    paid = solve_maximum_sharpe(means, COVARIANCE, costs=TradingCosts(HELD, fee=0.02, holding_periods=20))
    trade = np.abs(paid.weights - HELD).sum()
    ratio = (means @ paid.weights - 0.001 * trade) / math.sqrt(variance(paid.weights))
    assert paid.objective == pytest.approx(ratio, rel=1e-12)
    assert paid.objective < free.objective
    assert trade < np.abs(free.weights - HELD).sum()
    # No other weights on the way from one to the other do better.
    for share in np.linspace(-0.2, 1.0, 25):
        other = paid.weights + share * (free.weights - paid.weights)
        if (other >= 0.0).all():
            earned = means @ other - 0.001 * np.abs(other - HELD).sum()
            assert earned / math.sqrt(variance(other)) <= paid.objective + 1e-9
    dear = solve_maximum_sharpe(means, COVARIANCE, costs=TradingCosts(HELD, fee=1.0))
    np.testing.assert_array_equal(dear.weights, HELD)


def test_infeasible_is_an_answer_with_the_least_that_must_give_way():
    result = solve_minimum_variance(
        COVARIANCE, bounds=(0, [0.35, 0.3, 1, 1, 1]), constraints="defi <= 0.2", groups=GROUPS
    )
    assert result.status is OptimizationStatus.INFEASIBLE
    assert [each.words for each in result.relaxations] == ["defi <= 0.2 must become at least 0.35"]
    assert result.relaxations[0].by == pytest.approx(0.15, abs=REFEREE)
    assert result.constraints[0].violation == pytest.approx(0.15, abs=REFEREE)
    assert abs(result.weights.sum() - 1.0) <= SUM
    assert "no weights meet" in result.fallbacks[0]
    # The words are true: with what they ask for, weights exist.
    mended = solve_minimum_variance(
        COVARIANCE, bounds=(0, [0.35, 0.3, 1, 1, 1]), constraints="defi <= 0.35", groups=GROUPS
    )
    assert mended.status is OptimizationStatus.OPTIMAL
    np.testing.assert_allclose(mended.weights, result.weights, atol=1e-5)


@pytest.mark.parametrize(
    ("constraints", "words"),
    [
        (["UNI >= 0.7", "AAVE >= 0.5"], "must become at most"),
        ([TurnoverLimit(0.1, HELD), "BTC/USDT >= 0.5"], "must become at"),
        ([TrackingError(HELD, 0.0), "BTC/USDT >= 0.5"], "must become at"),
        ([Budget(0.5, 0.5), GroupLimit(GROUPS, {"defi": (0.6, 0.7)})], "must become at"),
        ([LinearConstraint({"UNI": 1}, 2.0, name="much")], "much >= 2 must become at most 1"),
    ],
)
def test_whatever_contradicts_gives_way_in_words(constraints, words):
    result = solve_minimum_variance(COVARIANCE, constraints=constraints)
    assert result.status is OptimizationStatus.INFEASIBLE
    assert any(words in each.words for each in result.relaxations)
    assert (result.weights >= 0.0).all()
    assert (result.weights <= 1.0).all()


def test_bounds_are_stronger_than_liquidity():
    stuck = ParticipationLimit([1e6] * 5, 1e7, {"LINK": 1.0})
    result = solve_minimum_variance(COVARIANCE, bounds=(0, 0.9), constraints=stuck)
    assert result.status is OptimizationStatus.INFEASIBLE
    assert result.weights["LINK"] == 0.9
    assert any("participation of LINK" in each.name for each in result.relaxations)
    assert result.constraints[0].value == pytest.approx(10.0)


def test_few_assets_are_the_best_few():
    S = COVARIANCE.to_numpy()
    result = solve_minimum_variance(COVARIANCE, constraints=Cardinality(2, 0.35))
    best = math.inf
    for size in (1, 2):
        for chosen in itertools.combinations(range(5), size):
            some = np.ix_(chosen, chosen)
            bounded = solve_minimum_variance(S[some], bounds=(0.35, 1.0)).weights
            best = min(best, bounded @ S[some] @ bounded)
    assert result.objective == pytest.approx(best, rel=REFEREE)
    assert (np.asarray(result.weights) > 0).sum() <= 2
    assert result.status is OptimizationStatus.OPTIMAL
    assert {reading.name: reading.value for reading in result.constraints}["cardinality"] == 2.0


def test_too_few_assets_say_how_many_there_must_be():
    rules = ["UNI >= 0.2", "AAVE >= 0.2", "LINK >= 0.2", Cardinality(2)]
    result = solve_minimum_variance(COVARIANCE, constraints=rules)
    assert result.status is OptimizationStatus.INFEASIBLE
    assert "cardinality <= 2 must become at least 3" in result.messages
    assert (np.asarray(result.weights) > 0).sum() == 3
    never = solve_minimum_variance(COVARIANCE, bounds=(0, 0.3), constraints=Cardinality(minimum_weight=0.4))
    assert "whatever the count" in never.relaxations[0].words


def test_an_unfinished_search_says_so(monkeypatch):
    from poise.optimization import branching

    monkeypatch.setattr(branching, "NODES", 3)
    rng = np.random.default_rng(2)
    returns = rng.normal(size=(200, 12)) + rng.normal(size=(200, 1))
    result = solve_minimum_variance(np.cov(returns.T), constraints=Cardinality(4))
    assert result.status is OptimizationStatus.INACCURATE
    assert any("proof is incomplete" in message for message in result.messages)
    assert result.duality_gap > 0.0
    assert (result.weights > 0).sum() <= 4


BULL = [GroupLimit(GROUPS, {"defi": (0.5, 1.0)})]
CALM = [GroupLimit(GROUPS, {"defi": (0.3, 1.0)})]


def test_regimes_choose_and_blend():
    sets = {"bull": BULL, "bear": CALM}
    for label, least in [("bull", 0.5), ("bear", 0.3), ("sideways", None)]:
        result = solve_minimum_variance(COVARIANCE, constraints=RegimeConstraints(sets, label))
        defi = result.weights[GROUPS["defi"]].sum()
        plain = solve_minimum_variance(COVARIANCE).weights[GROUPS["defi"]].sum()
        assert defi == pytest.approx(plain if least is None else max(least, plain), abs=REFEREE)
    mixed = RegimeConstraints(sets, {"bull": 0.25, "bear": 0.75})
    result = solve_minimum_variance(COVARIANCE, constraints=mixed)
    assert result.constraints[0].lower == pytest.approx(0.35, abs=1e-15)
    assert result.constraints[0].name == "0.35 <= defi <= 1"
    # None at all counts as the loosest that the bounds allow, which is 0 here.
    state = RegimeState(
        "bull", {"bull": 0.5, "bear": 0.0, "sideways": 0.5, "high_volatility": 0.0}, 0.5, 1, 2.0
    )
    half = solve_minimum_variance(COVARIANCE, constraints=mixed.at(state))
    assert half.constraints[0].lower == pytest.approx(0.25, abs=1e-15)


def test_regimes_blend_budgets_turnover_and_participation():
    sets = {
        "bull": [Budget(1.0, 1.0), TurnoverLimit(0.8, HELD), ParticipationLimit([1e6] * 5, 1e6, HELD, 0.8)],
        "bear": [Budget(0.4, 0.4), TurnoverLimit(0.4, HELD), ParticipationLimit([1e6] * 5, 1e6, HELD, 0.4)],
    }
    result = solve_minimum_variance(
        COVARIANCE, constraints=RegimeConstraints(sets, {"bull": 0.5, "bear": 0.5})
    )
    readings = {reading.name: reading for reading in result.constraints}
    assert readings["budget"].value == pytest.approx(0.7, abs=SUM)
    assert readings["turnover"].upper == pytest.approx(0.6)
    assert np.abs(result.weights - HELD).max() <= 0.6 + SUM


MISTAKES = [
    ("BTC + ETH/USDT <= 0.5", ParameterError, "known are AAVE, BTC/USDT"),
    ("defl <= 0.2", ParameterError, "defi"),
    ("defi <= ", ParameterError, "empty"),
    (LinearConstraint({"DOGE": 1}, 0.1), UnknownSymbolError, "DOGE"),
    (LinearConstraint([1, 2, 3], 0.1), ShapeError, "3 values for 5 assets"),
    (LinearConstraint([1, 2, 3, 4, np.nan], 0.1), NonFiniteError, "LINK"),
    (LinearConstraint({"UNI": 0.0}, 0.1), ParameterError, "no coefficient"),
    (LinearConstraint({"UNI": 1.0}), ParameterError, "limits nothing"),
    (LinearConstraint({"UNI": 1.0}, 0.5, 0.2), ParameterError, "no number is between"),
    (LinearConstraint({"UNI": 1.0}, math.nan), NonFiniteError, "NaN"),
    (LinearConstraint({"UNI": 1.0}, "much"), ParameterError, "expected a number"),
    (GroupLimit({"defi": []}, {"defi": 0.2}), ParameterError, "empty"),
    (GroupLimit({"defi": ["UNI", "UNI"]}, {"defi": 0.2}), ParameterError, "twice"),
    (GroupLimit({"defi": ["UNI", "DOGE"]}, {"defi": 0.2}), UnknownSymbolError, "DOGE"),
    (GroupLimit(GROUPS, {"def": 0.2}), UnknownSymbolError, "did you mean 'defi'"),
    (GroupLimit(GROUPS, {}), ParameterError, "no limits"),
    (GroupLimit(["defi"] * 5, {"defi": 0.2}), ParameterError, "mapping"),
    (FactorExposure(np.ones((4, 2)), 0.1), ShapeError, "one row per asset"),
    (FactorExposure({"size": [1, 2, 3, 4, 5]}, {"sise": 0.1}), UnknownSymbolError, "size"),
    (FactorExposure(np.ones((5, 2)), [0.1, 0.2, 0.3]), ShapeError, "one per factor"),
    (["UNI <= 0.5", "UNI <= 0.5"], ParameterError, "two constraints"),
    ([Budget(0, 1), Budget(0, 1)], ParameterError, "two budgets"),
    (TurnoverLimit(-0.1, HELD), ParameterError, "at least 0"),
    (TurnoverLimit(0.1, HELD.rename({"UNI": "DOGE"})), ShapeError, "DOGE"),
    (ParticipationLimit([1e6] * 5, 0.0, HELD), ParameterError, "positive"),
    (ParticipationLimit([-1.0] * 5, 1.0, HELD), ParameterError, "negative"),
    (ParticipationLimit([1.0] * 5, 1.0, HELD, 1.5), ParameterError, "fraction"),
    (Cardinality(0), ParameterError, "at least 1"),
    (Cardinality(2.5), ParameterError, "whole"),
    (Cardinality(2, 1.0), ParameterError, "minimum_weight"),
    ([Cardinality(2), Cardinality(3)], ParameterError, "two cardinality"),
    (RegimeConstraints({"bull": BULL}, "bul"), ParameterError, "did you mean 'bull'"),
    (RegimeConstraints({"bul": BULL}, {"bull": 1.0}), ParameterError, "no probability"),
    (RegimeConstraints({"bull": BULL}, {"bull": 0.5}), ParameterError, "sum to 1"),
    (42, ParameterError, "expected a constraint"),
    ([42], ParameterError, "no constraint"),
]


@pytest.mark.parametrize(("constraints", "error", "words"), MISTAKES)
def test_mistakes_are_refused_loudly(constraints, error, words):
    with pytest.raises(error, match=words):
        solve_minimum_variance(COVARIANCE, constraints=constraints, groups=GROUPS)


def test_numbers_stand_for_assets_without_names():
    S = COVARIANCE.to_numpy()
    by_position = solve_minimum_variance(S, constraints=["alt >= 0.4"], groups={"alt": [2, 3, 4]})
    named = solve_minimum_variance(COVARIANCE, constraints="defi >= 0.4", groups=GROUPS)
    np.testing.assert_array_equal(by_position.weights, named.weights)
    with pytest.raises(ParameterError, match="needs names"):
        solve_minimum_variance(S, constraints="alt >= 0.4")
    with pytest.raises(UnknownSymbolError, match="no asset"):
        solve_minimum_variance(S, constraints=LinearConstraint({5: 1.0}, 0.1))
    with pytest.raises(ParameterError, match="an asset and a group"):
        solve_minimum_variance(COVARIANCE, constraints="UNI >= 0.4", groups={"UNI": ["UNI", "AAVE"]})


def test_counting_is_for_long_positions():
    with pytest.raises(ParameterError, match="long"):
        solve_minimum_variance(COVARIANCE, bounds=(-1, 1), constraints=Cardinality(2))


def test_factors_of_a_frame_are_matched_by_name():
    loadings = pd.DataFrame({"size": [1.0, 0.5, 0, 0, 0], "risk": [0, 0, 1.0, 1.0, 2.0]}, index=NAMES)
    forwards = solve_minimum_variance(COVARIANCE, constraints=FactorExposure(loadings, {"risk": 0.8}))
    backwards = solve_minimum_variance(COVARIANCE, constraints=FactorExposure(loadings[::-1], {"risk": 0.8}))
    np.testing.assert_array_equal(forwards.weights, backwards.weights)
    assert forwards.constraints[0].name == "risk >= 0.8"
    assert forwards.weights @ loadings["risk"] == pytest.approx(0.8, abs=REFEREE)


def test_polars_keeps_its_labels_beside_constraints():
    import polars as pl

    frame = pl.DataFrame(COVARIANCE.to_numpy(), schema=NAMES)
    weights = solve_mean_variance([0.01] * 5, frame, risk_aversion=2.0, constraints="LINK >= 0.2").weights
    assert weights.columns == NAMES
