"""Filtered historical simulation."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from poise import Weights
from poise.errors import EmptyInputError, NonFiniteError, NotEnoughDataError, ParameterError, ShapeError
from poise.risk import TailRisk, filtered_scenarios, filtered_value_at_risk, tail_risk

RNG = np.random.default_rng(21)
R = RNG.normal(0, 0.02, size=(500, 3))
W = np.array([0.4, 0.3, 0.1])


def test_today_twice_as_wild_doubles_the_risk() -> None:
    alternating = np.where(np.arange(500) % 2, 0.01, -0.01)[:, np.newaxis]
    alternating[-200:] *= 2
    found = filtered_value_at_risk(alternating, [1.0], confidence_level=0.75)
    # Every past return, calm or wild, is worth today's size.
    assert found.value_at_risk == pytest.approx(0.02, rel=2e-3)
    assert found.method == "filtered_historical"


def test_the_shock_does_not_measure_itself() -> None:
    calm = np.where(np.arange(100) % 2, 0.01, -0.01)[:, np.newaxis]
    shocked = calm.copy()
    shocked[60] = -0.08
    scenarios = filtered_scenarios(shocked)
    assert scenarios[40, 0] / abs(scenarios[0, 0]) == pytest.approx(-8, rel=1e-12)


def test_altering_one_row_leaves_earlier_ratios_alone() -> None:
    altered = R.copy()
    altered[300] *= 5
    before, after = filtered_scenarios(R), filtered_scenarios(altered)
    # Today's volatility is one factor per asset; what a past scenario is divided by knows nothing later.
    ratios = after[:280] / before[:280]
    assert_allclose(ratios, np.broadcast_to(ratios[0], ratios.shape), rtol=1e-12)


def test_the_shape_of_the_warm_up() -> None:
    assert filtered_scenarios(R).shape == (480, 3)
    assert filtered_value_at_risk(R[:39], W) == TailRisk(
        *(getattr(tail_risk(R[:39] @ W), name) for name in ("value_at_risk", "conditional_value_at_risk")),
        "historical",
    )
    assert filtered_value_at_risk(R[:40], W).method == "filtered_historical"
    assert filtered_value_at_risk(R[:1], W).method == "historical"


def test_cash_carries_no_risk() -> None:
    half = filtered_value_at_risk(R, W / 2).conditional_value_at_risk
    assert half == pytest.approx(filtered_value_at_risk(R, W).conditional_value_at_risk / 2, rel=1e-12)
    assert filtered_value_at_risk(R, np.zeros(3)) == TailRisk(0.0, 0.0, "filtered_historical")


def test_a_coin_that_never_moved_and_one_that_did_once() -> None:
    panel = np.column_stack([R[:, 0], np.zeros(500), np.where(np.arange(500) == 400, -0.3, 0.0)])
    scenarios = filtered_scenarios(panel)
    assert_array_equal(scenarios[:, 1], 0)
    assert scenarios[380, 2] == -0.3
    assert np.isfinite(filtered_value_at_risk(panel, W).conditional_value_at_risk)


def test_labels() -> None:
    days = pd.date_range("2020-01-01", periods=500, tz="UTC")
    frame = pd.DataFrame(R, index=days, columns=["A", "B", "C"])
    found = filtered_scenarios(frame)
    assert found.index.equals(days[20:])
    assert found.columns.tolist() == ["A", "B", "C"]
    by_name = filtered_value_at_risk(frame, Weights({"C": 0.1, "A": 0.4, "B": 0.3}))
    assert by_name == filtered_value_at_risk(R, W)


def test_bad_input_is_refused() -> None:
    with pytest.raises(NotEnoughDataError, match="at least 21 observations, got 20"):
        filtered_scenarios(R[:20])
    with pytest.raises(ShapeError, match="weights"):
        filtered_value_at_risk(R, W[:2])
    for rows in (10, 100):
        for half_life in (0, -1.0, math.nan, math.inf):
            with pytest.raises(ParameterError, match="half_life"):
                filtered_value_at_risk(R[:rows], W, half_life=half_life)
        with pytest.raises(ParameterError, match="confidence_level"):
            filtered_value_at_risk(R[:rows], W, confidence_level=1.0)
        holed = R[:rows].copy()
        holed[4, 2] = math.nan
        with pytest.raises(NonFiniteError, match="row 4, column 2"):
            filtered_value_at_risk(holed, W)
    with pytest.raises(EmptyInputError):
        filtered_value_at_risk(R[:0], W)
    with pytest.raises(ParameterError, match="half_life is '21'"):
        filtered_scenarios(R, half_life="21")
