"""A problem of plain arrays and numbers crosses the border once; nobody may see a difference."""

from __future__ import annotations

import copy
import math
import pickle
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poise import _native
from poise.errors import PoiseError
from poise.optimization import (
    OptimizationResult,
    efficient_frontier,
    solve_maximum_diversification,
    solve_maximum_sharpe,
    solve_mean_variance,
    solve_minimum_variance,
    solve_risk_parity,
)

lane_settings = settings(max_examples=150, deadline=None)

NUMBERS = st.sampled_from([0, 1, 0.0, 0.5, 1.0, -0.25, 2.0, 1e-300, 1e200, math.nan, math.inf, -math.inf])
FIELDS = ("status", "certificate", "iterations", "binding", "fallbacks", "messages")
FIGURES = ("budget_gap", "objective", "duality_gap")


def sample(n, rank, rng):
    x = rng.normal(size=(rank, n)) * 10.0 ** rng.uniform(-1, 1, size=n)
    return x.T @ x / rank


@st.composite
def covariances(draw, *, flawed):
    """Ordinary and singular ones, or ones with a flaw."""
    n = draw(st.integers(1, 6))
    S = sample(
        n, draw(st.sampled_from([1, 4 * n, 4 * n])), np.random.default_rng(draw(st.integers(0, 10**6)))
    )
    flaw = (
        draw(st.sampled_from(["nan", "inf", "skew", "negative", "still", "wide", "empty"])) if flawed else ""
    )
    if flaw in {"nan", "inf"}:
        S[0, -1] = S[-1, 0] = float(flaw)
    elif flaw == "skew":
        S[0, -1] += S[0, 0]
    elif flaw == "negative":
        S[0, 0] = -S[0, 0]
    elif flaw == "still":
        S[0], S[:, 0] = 0.0, 0.0
    elif flaw == "wide":
        S = np.ascontiguousarray(S[: n - 1])
    elif flaw == "empty":
        S = np.empty((0, 0))
    return S


def vectors(n, low, high, *, flawed):
    """One number per asset; with a flaw too many, none, or one that is no ordinary number."""
    rows = st.lists(st.floats(low, high), min_size=n, max_size=n)
    if flawed:
        long = st.lists(st.floats(low, high), min_size=n + 1, max_size=n + 1)
        spoiled = st.tuples(rows, NUMBERS).map(lambda pair: [*pair[0][:-1], float(pair[1])])
        rows = st.one_of(long, st.just([]), spoiled)
    return rows.map(np.array)


@st.composite
def boxes(draw, n, *, flawed):
    """Caps and floors with room, in numbers or row by row, or pairs of anything."""
    if flawed:
        sides = st.one_of(NUMBERS, vectors(n, -1.0, 2.0, flawed=False), vectors(n, -1.0, 2.0, flawed=True))
        return draw(sides), draw(sides)
    lower, upper = draw(st.floats(-0.5, 0.9)) / max(n, 1), draw(st.floats(1.1, 3.0)) / max(n, 1)
    if draw(st.booleans()):
        return lower, upper
    return lower * draw(vectors(n, 0.0, 1.0, flawed=False)), np.full(n, upper)


@st.composite
def problems(draw):
    """A solver with its arguments, as plain as can be; now and then one of them is flawed."""
    flaw = draw(st.sampled_from(["", "", "", "matrix", "box", "means", "start", "number"]))
    S = draw(covariances(flawed=flaw == "matrix"))
    n = len(S)
    bounds = draw(st.one_of(st.none(), boxes(n, flawed=False)))
    bounds = draw(boxes(n, flawed=True)) if flaw == "box" else bounds
    mu = draw(vectors(n, -0.1, 0.3, flawed=flaw == "means"))
    start = draw(st.one_of(st.none(), vectors(n, 0.0, 1.0, flawed=flaw == "start")))
    number = draw(NUMBERS if flaw == "number" else st.floats(0.1, 9.0))
    begun = {"bounds": bounds, "initial_weights": start}
    choices = [
        (solve_minimum_variance, (S,), begun),
        (solve_maximum_diversification, (S,), begun),
        (solve_risk_parity, (S,), begun),
        (solve_risk_parity, (S,), {"bounds": bounds, "budgets": mu}),
        (solve_maximum_sharpe, (mu, S), {"bounds": bounds, "risk_free_rate": number / 100.0}),
        (solve_mean_variance, (mu, S), begun | {"risk_aversion": number}),
        (shown_frontier, (mu, S), {"bounds": bounds}),
    ]
    return draw(st.sampled_from(choices))


def shown_frontier(*args, **options):
    frontier = efficient_frontier(*args, **options)
    shown = [getattr(frontier, name).tolist() for name in ("returns", "volatilities", "weights")]
    corners = [(corner.weights.tolist(), *corner[1:]) for corner in frontier.corners]
    return repr((shown, corners, frontier.at_risk_aversion(3.0).weights.tolist()))


def in_lists(value):
    """The same numbers in a form that is read with care."""
    if isinstance(value, tuple):
        return [in_lists(each) for each in value]
    if isinstance(value, np.ndarray):
        return value.reshape(value.shape).astype(object) if not value.size else value.tolist()
    return value


def outcome(solve):
    try:
        answer = solve()
    except PoiseError as error:
        return type(error), str(error)
    if not isinstance(answer, OptimizationResult):
        return answer
    return answer.weights.tolist(), repr([getattr(answer, name) for name in FIELDS + FIGURES])


@lane_settings
@given(problems())
def test_the_way_an_input_is_read_changes_nothing(problem):
    solve, args, options = problem
    plain = outcome(partial(solve, *args, **options))
    careful = {name: in_lists(value) for name, value in options.items()}
    assert outcome(partial(solve, *map(in_lists, args), **careful)) == plain


S = sample(4, 40, np.random.default_rng(5))
MU = np.array([0.02, 0.05, 0.01, 0.04])
TAKEN = [
    lambda S, box=None, mu=MU: _native.plain_minimum_variance(S, box, None),
    lambda S, box=None, mu=MU: _native.plain_mean_variance(mu, S, 2.0, box, None),
    lambda S, box=None, mu=MU: _native.plain_maximum_sharpe(mu, S, 0, box),
    lambda S, box=None, mu=MU: _native.plain_maximum_diversification(S, box, None),
    lambda S, box=None, mu=MU: _native.plain_risk_parity(S, mu, box, None),
    lambda S, box=None, mu=MU: _native.plain_efficient_frontier(mu, S, box),
]


@pytest.mark.parametrize("solve", TAKEN)
def test_plain_problems_are_taken_at_once_and_others_left(solve):
    for box in [None, (0, 1), (0.0, 0.6), (np.zeros(4), 0.5), (-0.1, np.full(4, 0.4))]:
        assert solve(S, box) is not None, box
    assert solve(np.asfortranarray(S)) is not None
    masked, swapped = np.ma.array(S, mask=np.eye(4) > 1.0), S.astype(S.dtype.newbyteorder())
    for other in [
        S.tolist(),
        masked,
        swapped,
        S.astype(np.float32),
        S.astype(object),
        S[::-1, ::-1],
        S[0],
        None,
    ]:
        assert solve(other) is None, other
    for box in [[0, 1], (0, 1, 2), (False, True), ("0", 1), (0.25, 1.0), (0.0, 0.25), (0.0, math.inf), "01"]:
        assert solve(S, box) is None, box
    for box in [
        (0.0, math.nan),
        (0.6, 0.4),
        (np.zeros(3), 1.0),
        (0.0, np.ones(5)),
        (10**400, 1),
        (None, None),
    ]:
        assert solve(S, box) is None, box


@pytest.mark.parametrize("flaw", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("solve", TAKEN)
def test_flawed_numbers_are_left_to_who_names_them(solve, flaw):
    spoiled = S.copy()
    spoiled[1, 2] = spoiled[2, 1] = flaw
    assert solve(spoiled) is None
    assert solve(-S) is None


def pickled(result):
    return pickle.loads(pickle.dumps(result))  # noqa: S301 - its own


@pytest.mark.parametrize("make", [copy.copy, copy.deepcopy, pickled])
def test_bounds_without_names_yet_travel_too(make):
    made = make(solve_minimum_variance(S, bounds=(0.0, 0.3)))
    assert made.binding == solve_minimum_variance(S.tolist(), bounds=[0.0, 0.3]).binding != ()
    assert set(vars(made)) == set(vars(pickled(made)))
    assert "binding" in repr(made)


def test_an_argument_is_left_as_it_was_and_the_answer_is_its_own():
    kept, upper = S.copy(), np.full(4, 0.3)
    result = solve_minimum_variance(S, bounds=(0.0, upper))
    weights = result.weights.copy()
    result.weights[:] = 7.0
    np.testing.assert_array_equal(S, kept)
    np.testing.assert_array_equal(upper, np.full(4, 0.3))
    np.testing.assert_array_equal(solve_minimum_variance(S, bounds=(0.0, upper)).weights, weights)


def test_the_time_is_that_of_the_solution():
    assert 0.0 < solve_minimum_variance(S).seconds < 1.0
    assert 0.0 < efficient_frontier(MU, S).seconds < 1.0
    assert 0.0 < efficient_frontier(MU, S).at_return(0.03).seconds < 1.0
    assert math.isnan(efficient_frontier(MU, S, bounds=(0.0, 0.1)).seconds)
