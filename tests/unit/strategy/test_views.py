"""Leaning the target book on views."""

import math

import cvxpy as cp
import numpy as np
import pytest

from poise.errors import InputError, ParameterError
from poise.optimization import View, black_litterman
from poise.strategy import Policy, PolicyRules, read_book_views
from tests.tolerances import SOLVER
from tests.unit.strategy.test_policy import FREE, SYMBOLS, array, look, regime, walk

DAYS = 365.0


@pytest.fixture(scope="module")
def outlook():
    return look(walk())


def decide(outlook, said=None, *, rules=FREE, exposure=0.8, **settings):
    views = read_book_views(said, periods_per_year=DAYS)
    return Policy(rules).decide(outlook, None, regime("bull"), exposure, views=views, **settings)


def implied(outlook, book, exposure=0.8):
    """What the book expects of each asset a year at the risk aversion of the views."""
    return 2.5 * DAYS * outlook.covariance @ (array(book) / exposure)


def test_no_view_is_no_change(outlook):
    assert decide(outlook, {}).weights == decide(outlook).weights
    assert read_book_views(None, periods_per_year=DAYS) is None


def test_a_view_that_agrees_makes_the_book_a_little_surer(outlook):
    """The mean stays where it is; less doubt about it lets one hold slightly more."""
    book = decide(outlook)
    leaned = decide(outlook, {"C": float(implied(outlook, book)[2])})
    assert 0.0 < array(leaned)[2] - array(book)[2] < 0.02
    np.testing.assert_allclose(array(leaned), array(book), atol=0.02)


def test_a_surer_view_moves_further_and_the_exposure_stays(outlook):
    book = array(decide(outlook))
    moves = [array(decide(outlook, {"C": (0.5, confidence)}))[2] - book[2] for confidence in (0.1, 0.5, 0.9)]
    assert 0.0 < moves[0] < moves[1] < moves[2]
    assert math.fsum(array(decide(outlook, {"C": 0.5}))) == pytest.approx(0.8, abs=1e-12)


def test_the_optimum_of_the_posterior_without_caps_in_the_way(outlook):
    """Small disagreement: no bound binds, and the answer is book plus view portfolios (He and Litterman)."""
    book = array(decide(outlook)) / 0.8
    view = View(
        {"C": 1.0, "D": -1.0}, float((2.5 * DAYS * outlook.covariance @ book)[[2, 3]] @ [1, -1]) + 0.01
    )
    leaned = array(decide(outlook, [view])) / 0.8
    change = leaned - book
    assert change[2] > 0.0 > change[3]
    np.testing.assert_allclose(change[[2, 3]].sum(), -np.delete(change, [2, 3]).sum(), atol=1e-12)
    np.testing.assert_allclose(np.delete(change, [2, 3]), 0.0, atol=2e-3)


def test_words_mappings_and_views_say_the_same(outlook):
    forms = [{"C": (0.3, 0.6)}, ["C = 30% @ 60%"], "C = 0.3 @ 0.6", [View({"C": 1.0}, 0.3, 0.6)]]
    books = [array(decide(outlook, form)) for form in forms]
    for book in books[1:]:
        np.testing.assert_allclose(book, books[0], atol=SOLVER)


def test_caps_hold_against_the_strongest_view(outlook):
    rules = PolicyRules(max_position_size=0.2, cluster_cap=1.0)
    sectors = dict.fromkeys(SYMBOLS[:4], "x") | dict.fromkeys(SYMBOLS[4:], "y")
    book = decide(outlook, dict.fromkeys(SYMBOLS[:4], (5.0, 1.0)), rules=rules, sectors=sectors)
    assert array(book).max() <= 0.2
    assert array(book)[:4].sum() <= 0.5 + 1e-12
    assert any(line.startswith("limit") for line in book.reasons)


def test_a_view_on_what_may_not_be_held_is_left_out_in_words(outlook):
    tradable = np.array([s != "C" for s in SYMBOLS])
    book = decide(outlook, {"C": 0.5}, tradable=tradable)
    assert book.weights["C"] == 0.0
    assert any("left out: C may not be held now" in line for line in book.reasons)


def test_nothing_invested_has_nothing_to_move(outlook):
    book = decide(outlook, {"C": 0.5}, exposure=0.0)
    assert book.exposure == 0.0
    assert any("nothing is invested" in line for line in book.reasons)


def test_reasons_name_what_moved(outlook):
    line = next(line for line in decide(outlook, {"C": (0.9, 0.9)}).reasons if line.startswith("views: "))
    assert "C +" in line


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ({"Z": 0.1}, ParameterError),
        (["Z = 0.1"], ParameterError),
        ({"A": "much"}, InputError),
        ({"A": (0.1, 0.2, 0.3)}, InputError),
        (0.1, InputError),
        ([3], ParameterError),
    ],
)
def test_mistakes_are_named(outlook, said, error):
    with pytest.raises(error):
        decide(outlook, said)


def test_group_caps_are_part_of_the_problem_not_cut_off_its_answer(outlook):
    """Under a sector cap that binds the answer is cvxpy's for the posterior, caps and groups at once."""
    rules = PolicyRules(max_position_size=0.35, cluster_cap=1.0)
    sectors = dict.fromkeys(SYMBOLS[:3], "x") | dict.fromkeys(SYMBOLS[3:], "y")
    said = {"A": (0.9, 0.9), "B": (0.9, 0.9), "C": (0.8, 0.5)}
    before = array(decide(outlook, rules=rules, sectors=sectors)) / 0.8
    leaned = array(decide(outlook, said, rules=rules, sectors=sectors)) / 0.8
    believed = black_litterman(
        outlook.covariance * DAYS,
        [View({SYMBOLS.index(name): 1.0}, *pair) for name, pair in said.items()],
        market_weights=before,
        risk_aversion=2.5,
        tau=0.05,
    )
    mu, S = believed.expected_returns, believed.covariance
    w = cp.Variable(len(SYMBOLS))
    risk = 0.5 * 2.5 / 1.05 * cp.quad_form(w, cp.psd_wrap(S))
    limits = [
        w >= 0.0,
        w <= 0.35 / 0.8,
        cp.sum(w) == 1.0,
        cp.sum(w[:3]) <= 0.5 / 0.8,
        cp.sum(w[3:]) <= 0.5 / 0.8,
    ]
    cp.Problem(cp.Maximize(mu @ w - risk), limits).solve(solver=cp.CLARABEL)
    assert leaned[:3].sum() == pytest.approx(0.5 / 0.8, abs=SOLVER)
    np.testing.assert_allclose(leaned, w.value, atol=1e-5)  # Clarabel's own tolerance
