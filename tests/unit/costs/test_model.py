"""The cost model against its twin, its edges and its refusals."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from poise.costs import CostModel
from poise.errors import NonFiniteError, ParameterError, ShapeError
from tests.reference.costs import trade_cost
from tests.tolerances import CLOSED_FORM

KNOWN = {"spread_bps": 8.0, "daily_volatility": 0.04, "dollar_volume": 5e7}


def test_the_vector_agrees_with_the_twin_asset_by_asset() -> None:
    rng = np.random.default_rng(7)
    n = 40
    x = rng.normal(scale=1e5, size=n)
    spread = np.where(rng.random(n) < 0.3, np.nan, rng.uniform(0.0, 50.0, n))
    volatility = np.where(rng.random(n) < 0.2, np.nan, rng.uniform(0.0, 0.1, n))
    volume = np.where(rng.random(n) < 0.2, np.nan, rng.uniform(1e5, 1e9, n))
    model = CostModel(fee_bps=7.5, default_spread_bps=12.0, impact_coefficient=0.8)
    cost = model.estimate(x, spread_bps=spread, daily_volatility=volatility, dollar_volume=volume)
    for i in range(n):
        twin = trade_cost(
            x[i],
            spread_bps=spread[i],
            daily_volatility=volatility[i],
            dollar_volume=volume[i],
            fee_bps=7.5,
            default_spread_bps=12.0,
            impact_coefficient=0.8,
        )
        got = (cost.fee[i], cost.half_spread[i], cost.impact[i])
        assert got == pytest.approx(twin, rel=CLOSED_FORM)
        assert cost.total[i] == pytest.approx(sum(twin), rel=CLOSED_FORM)
    assert np.array_equal(cost.spread_assumed, np.isnan(spread))
    assert np.array_equal(cost.liquidity_unknown, np.isnan(volume))
    assert np.array_equal(cost.volatility_unknown, np.isnan(volatility))


def test_selling_costs_what_buying_costs() -> None:
    model = CostModel()
    assert model.estimate(-5e4, **KNOWN).total == model.estimate(5e4, **KNOWN).total


def test_four_times_the_size_has_twice_the_impact_per_dollar() -> None:
    model = CostModel()
    small, large = model.estimate(1e4, **KNOWN), model.estimate(4e4, **KNOWN)
    assert float(large.impact) / 4e4 == pytest.approx(2.0 * float(small.impact) / 1e4, rel=CLOSED_FORM)


def test_nothing_traded_costs_nothing_even_without_volume() -> None:
    cost = CostModel().estimate(0.0, spread_bps=1.0, daily_volatility=0.1, dollar_volume=0.0)
    assert float(cost.total) == 0.0


@pytest.mark.parametrize("volatility", [0.0, 0.05])
def test_a_day_without_volume_has_no_finite_price(volatility: float) -> None:
    cost = CostModel().estimate(1.0, spread_bps=1.0, daily_volatility=volatility, dollar_volume=0.0)
    assert math.isinf(float(cost.impact))


def test_impact_can_be_switched_off() -> None:
    model = CostModel(impact_coefficient=0.0)
    market = {"spread_bps": [1.0, 1.0], "daily_volatility": 0.1, "dollar_volume": [0.0, 1e6]}
    assert np.array_equal(model.estimate([1.0, 1e5], **market).impact, [0.0, 0.0])


def test_the_rate_is_the_marginal_cost_of_a_small_trade() -> None:
    model = CostModel(fee_bps=6.0, default_spread_bps=20.0)
    rate = model.rate(np.array([4.0, np.nan]))
    assert rate == pytest.approx([8e-4, 16e-4], rel=CLOSED_FORM)
    tiny = model.estimate(1e-9, spread_bps=4.0, daily_volatility=0.05, dollar_volume=1e9)
    assert float(tiny.total) / 1e-9 == pytest.approx(rate[0], rel=1e-6)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("fee_bps", -1.0),
        ("fee_bps", math.nan),
        ("fee_bps", 10_000.0),
        ("default_spread_bps", -0.1),
        ("impact_coefficient", math.inf),
        ("participation_cap", 0.0),
        ("participation_cap", 1.5),
        ("participation_cap", math.nan),
    ],
)
def test_parameters_outside_their_range_are_named(name: str, value: float) -> None:
    with pytest.raises(ParameterError, match=name):
        CostModel(**{name: value})


def test_the_model_is_a_value() -> None:
    assert CostModel() == CostModel()
    with pytest.raises(FrozenInstanceError):
        CostModel().fee_bps = 0.0  # type: ignore[misc]


def test_bad_inputs_are_refused_with_their_index() -> None:
    model = CostModel()
    with pytest.raises(NonFiniteError, match=r"notional\[1\] is nan"):
        model.estimate([1.0, math.nan], **KNOWN)
    with pytest.raises(NonFiniteError, match=r"dollar_volume is inf"):
        model.estimate(1.0, **{**KNOWN, "dollar_volume": math.inf})
    with pytest.raises(ParameterError, match=r"spread_bps\[0\] is -2"):
        model.estimate([1.0, 2.0], **{**KNOWN, "spread_bps": [-2.0, 1.0]})
    with pytest.raises(ShapeError, match="notional \\(2,\\)"):
        model.estimate([1.0, 2.0], **{**KNOWN, "spread_bps": [1.0, 1.0, 1.0]})
