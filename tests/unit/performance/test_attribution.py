"""Brinson-Fachler attribution and its linking over time."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from poise.errors import NonFiniteError, ParameterError, ShapeError
from poise.performance import brinson_fachler, link_effects

HELD, BENCHMARK = [0.4, 0.3, 0.3], [0.4, 0.2, 0.4]
EARNED, OFFERED = [0.20, -0.05, 0.06], [0.10, -0.04, 0.08]


def test_the_worked_example():
    effects = brinson_fachler(HELD, BENCHMARK, EARNED, OFFERED)
    np.testing.assert_allclose(effects.allocation, [0.0, -0.0104, -0.0016], atol=1e-15)
    np.testing.assert_allclose(effects.selection, [0.040, -0.002, -0.008], atol=1e-15)
    assert effects.interaction.sum() == pytest.approx(0.001)
    assert effects.active_return == pytest.approx(0.083 - 0.064)


weights = arrays(np.float64, 4, elements=st.floats(0.0, 1.0)).filter(lambda w: w.sum() > 0.1)
returns = arrays(np.float64, 4, elements=st.floats(-0.9, 3.0))


@given(weights, weights, returns, returns)
def test_the_effects_sum_to_the_active_return(held, benchmark, earned, offered):
    held, benchmark = held / held.sum(), benchmark / benchmark.sum()
    effects = brinson_fachler(held, benchmark, earned, offered)
    total = effects.allocation.sum() + effects.selection.sum() + effects.interaction.sum()
    assert total == pytest.approx(effects.active_return, abs=1e-12)


def test_what_one_side_does_not_hold_has_no_selection():
    effects = brinson_fachler([1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.1, np.nan, np.nan], [np.nan, 0.05, np.nan])
    np.testing.assert_array_equal(effects.selection, np.zeros(3))
    assert effects.active_return == pytest.approx(0.05)


def test_sectors_keep_their_names():
    held = pd.Series(HELD, ["a", "b", "c"])
    assert list(brinson_fachler(held, BENCHMARK, EARNED, OFFERED).allocation.index) == ["a", "b", "c"]


@pytest.mark.parametrize("method", ["carino", "menchero"])
@given(
    arrays(np.float64, 6, elements=st.floats(-0.5, 1.0)), arrays(np.float64, 6, elements=st.floats(-0.5, 1.0))
)
def test_linked_effects_close(method, portfolio, benchmark):
    parts = np.array([0.7, 0.5, -0.2])
    effects = np.outer(portfolio - benchmark, parts)
    linked = link_effects(effects, portfolio, benchmark, method=method)
    active = np.prod(1.0 + portfolio) - np.prod(1.0 + benchmark)
    assert linked.sum() == pytest.approx(active, rel=1e-9, abs=1e-11)


@pytest.mark.parametrize("method", ["carino", "menchero"])
def test_one_period_needs_no_linking(method):
    linked = link_effects([[0.02, 0.01]], [0.08], [0.05], method=method)
    np.testing.assert_allclose(linked, [0.02, 0.01], rtol=1e-12)


@pytest.mark.parametrize("method", ["carino", "menchero"])
def test_equal_returns_cancel(method):
    linked = link_effects([[0.01, -0.01], [0.02, -0.02]], [0.1, 0.2], [0.1, 0.2], method=method)
    assert linked.sum() == pytest.approx(0.0, abs=1e-15)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (([0.5, 0.4], [0.5, 0.5], [0, 0], [0, 0]), ParameterError),
        (([0.5, 0.5], [0.5, 0.5], [0, np.nan], [0, 0]), NonFiniteError),
        (([np.nan, 0.5], [0.5, 0.5], [0, 0], [0, 0]), NonFiniteError),
        (([0.5, 0.5], [1.0], [0, 0], [0, 0]), ShapeError),
    ],
)
def test_mistakes_are_named(arguments, error):
    with pytest.raises(error):
        brinson_fachler(*arguments)


@pytest.mark.parametrize(
    ("effects", "portfolio", "benchmark", "settings", "error"),
    [
        (np.zeros((0, 2)), [], [], {}, ShapeError),
        ([[0.1]], [0.1, 0.2], [0.0], {}, ShapeError),
        ([[0.1]], [-1.0], [0.0], {}, ParameterError),
        ([[np.nan]], [0.1], [0.0], {}, NonFiniteError),
        ([[0.1]], [0.1], [0.0], {"method": "sum"}, ParameterError),
    ],
)
def test_mistaken_links_are_named(effects, portfolio, benchmark, settings, error):
    with pytest.raises(error):
        link_effects(effects, portfolio, benchmark, **settings)
