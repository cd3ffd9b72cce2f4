"""The fill engine: worse than the reference, capped, and the same one by one as in bulk."""

from __future__ import annotations

import math

import numpy as np
import pytest

from poise.costs import CostModel, FillEngine
from poise.errors import NonFiniteError, ParameterError
from poise.typing import Side
from tests.reference.costs import trade_cost
from tests.tolerances import CLOSED_FORM

KNOWN = {"spread_bps": 8.0, "daily_volatility": 0.04, "dollar_volume": 5e7}
QUIET = {"spread_bps": 0.0, "daily_volatility": 0.0, "dollar_volume": math.nan}


@pytest.mark.parametrize(("side", "sign"), [("buy", 1.0), ("sell", -1.0)])
def test_the_price_is_worse_by_half_spread_and_impact(side: Side, sign: float) -> None:
    quote = FillEngine().fill(side, 100.0, 50.0, **KNOWN)
    _, half_spread, impact = trade_cost(5_000.0, **KNOWN)
    assert quote.price == pytest.approx(50.0 + sign * (half_spread + impact) / 100.0, rel=CLOSED_FORM)
    assert quote.slippage == pytest.approx(half_spread + impact, rel=CLOSED_FORM)
    assert quote.slippage == pytest.approx(sign * (quote.price - 50.0) * 100.0, rel=1e-9)
    assert quote.fee == pytest.approx(100.0 * quote.price * 1e-3, rel=CLOSED_FORM)
    assert quote.quantity == 100.0


def test_what_was_estimated_is_what_is_paid_but_for_the_fee_on_the_slippage() -> None:
    model = CostModel()
    quote = FillEngine(model).fill("buy", 100.0, 50.0, **KNOWN)
    estimate = model.estimate(5_000.0, **KNOWN)
    excess = quote.fee + quote.slippage - float(estimate.total)
    assert excess == pytest.approx(1e-3 * quote.slippage, rel=1e-9)


def test_participation_caps_the_quantity() -> None:
    engine = FillEngine(CostModel(participation_cap=0.05))
    quote = engine.fill("buy", 100.0, 50.0, spread_bps=8.0, daily_volatility=0.04, dollar_volume=20_000.0)
    assert quote.quantity * 50.0 == pytest.approx(1_000.0, rel=CLOSED_FORM)


def test_what_was_traded_before_counts_against_the_cap() -> None:
    engine = FillEngine(CostModel(participation_cap=0.1))
    market = {"spread_bps": 8.0, "daily_volatility": 0.04, "dollar_volume": 20_000.0}
    assert engine.fill("sell", 100.0, 50.0, **market, dollars_used=1_500.0).quantity == pytest.approx(10.0)
    assert engine.fill("sell", 100.0, 50.0, **market, dollars_used=2_500.0).quantity == 0.0


def test_nothing_fills_on_a_day_without_volume() -> None:
    quote = FillEngine().fill("buy", 1.0, 10.0, spread_bps=8.0, daily_volatility=0.1, dollar_volume=0.0)
    assert (quote.quantity, quote.fee, quote.slippage) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("quantity", [0.0, 1.0])
def test_a_sell_never_goes_below_zero(quantity: float) -> None:
    market = {"spread_bps": 30_000.0, "daily_volatility": 9.0, "dollar_volume": 10.0}
    quote = FillEngine(CostModel(participation_cap=1.0)).fill("sell", quantity, 1.0, **market)
    assert quote.price == 0.0
    assert quote.fee == 0.0


def test_one_by_one_and_in_bulk_are_identical() -> None:
    rng = np.random.default_rng(11)
    n = 200
    price = rng.uniform(0.001, 5e4, n)
    quantity = rng.uniform(0.0, 1e6, n) / price
    sign = rng.choice([-1.0, 1.0], n)
    spread = np.where(rng.random(n) < 0.3, np.nan, rng.uniform(0.0, 80.0, n))
    volatility = np.where(rng.random(n) < 0.2, np.nan, rng.uniform(0.0, 0.2, n))
    volume = np.where(rng.random(n) < 0.2, np.nan, rng.uniform(0.0, 1e7, n))
    used = rng.uniform(0.0, 1e5, n)
    engine = FillEngine()
    bulk = engine.fill_notional(
        sign * (quantity * price),
        spread_bps=spread,
        daily_volatility=volatility,
        dollar_volume=volume,
        dollars_used=used,
    )
    for i in range(n):
        quote = engine.fill(
            "buy" if sign[i] > 0 else "sell",
            quantity[i],
            price[i],
            spread_bps=spread[i],
            daily_volatility=volatility[i],
            dollar_volume=volume[i],
            dollars_used=used[i],
        )
        assert quote.price == price[i] * bulk.price_ratio[i]
        assert quote.fee == bulk.fee[i]
        assert quote.slippage == bulk.slippage[i]
        assert quote.quantity * price[i] == pytest.approx(abs(bulk.notional[i]), rel=CLOSED_FORM)
    assert bulk.capped.any()
    assert not bulk.capped.all()
    assert (np.abs(bulk.notional) <= quantity * price).all()


@pytest.mark.parametrize(
    ("side", "quantity", "price", "error", "message"),
    [
        ("hold", 1.0, 1.0, ParameterError, "side is 'hold'"),
        ("buy", -1.0, 1.0, ParameterError, "quantity is -1.0"),
        ("buy", 1.0, 0.0, ParameterError, "positive price"),
        ("buy", math.nan, 1.0, NonFiniteError, "quantity is nan"),
        ("buy", 1.0, math.inf, NonFiniteError, "reference_price is inf"),
    ],
)
def test_mistakes_are_refused(
    side: Side, quantity: float, price: float, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        FillEngine().fill(side, quantity, price, **QUIET)


def test_negative_dollars_used_are_refused() -> None:
    with pytest.raises(ParameterError, match="dollars_used"):
        FillEngine().fill("buy", 1.0, 1.0, **QUIET, dollars_used=-1.0)
