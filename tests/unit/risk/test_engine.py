"""The risk engine: labels, refusals, bytes, copies, threads."""

from __future__ import annotations

import copy
import math
import pickle
import threading

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from poise import Weights
from poise.errors import (
    EmptyInputError,
    InputError,
    NonFiniteError,
    ParameterError,
    ShapeError,
    StateError,
    UnknownSymbolError,
)
from poise.moments import EwmaCovariance
from poise.risk import RiskEngine
from tests.tolerances import CLOSED_FORM

RNG = np.random.default_rng(11)
PANEL = 0.02 * RNG.standard_t(4, size=(80, 3))
NAMES = ["BTC/USDT", "ETH/USDT", "SPY"]
WEIGHTS = np.array([0.5, 0.2, 0.0])
COPIES = [copy.copy, copy.deepcopy, lambda state: pickle.loads(pickle.dumps(state))]  # noqa: S301
NUMBERS = (
    "portfolio_return",
    "portfolio_volatility",
    "value_at_risk",
    "conditional_value_at_risk",
    "drawdown",
    "max_drawdown",
    "ulcer_index",
    "drawdown_duration",
    "diversification_ratio",
    "n_observations",
    "n_returns",
    "is_warm",
)
ARRAYS = ("weights", "volatility", "covariance", "correlation", "risk_contributions")


def fed(rows: object = PANEL, assets: object = 3, **options: object) -> RiskEngine:
    options = {"weights": WEIGHTS, "window": 30, "confidence_level": 0.9, "min_observations": 5} | options
    engine = RiskEngine(assets, **options)
    for row in rows:
        engine.update(row)
    return engine


def test_fresh() -> None:
    fresh = RiskEngine(2)
    unknown = ("portfolio_return", "portfolio_volatility", "value_at_risk", "conditional_value_at_risk")
    assert all(math.isnan(getattr(fresh, name)) for name in (*unknown, "ulcer_index"))
    assert (fresh.drawdown, fresh.max_drawdown, fresh.n_observations, fresh.is_warm) == (0, 0, 0, False)
    assert np.isnan(fresh.volatility).all()
    assert_array_equal(fresh.weights, [0, 0])
    assert repr(fresh) == (
        "RiskEngine(2 assets, half_life=21.0, window=500, confidence_level=0.95, min_observations=200, "
        "n_observations=0)"
    )


def test_the_tail_is_told_from_enough_returns() -> None:
    engine = fed(PANEL[:4])
    assert math.isnan(engine.value_at_risk)
    assert not engine.is_warm
    engine.update(PANEL[4])
    assert engine.conditional_value_at_risk >= engine.value_at_risk
    assert engine.is_warm
    assert (
        fed([], confidence_level=0.99, window=4000, min_observations=None)._rule["min_observations"] == 1000
    )
    assert fed([], confidence_level=0.99, window=40, min_observations=None)._rule["min_observations"] == 40


def test_it_agrees_with_the_estimator_of_moments() -> None:
    engine, estimator = fed(half_life=13.0), EwmaCovariance(13.0, demean=False).fit(PANEL)
    assert_allclose(engine.covariance, estimator.covariance_, rtol=CLOSED_FORM, atol=1e-18)
    assert_allclose(engine.correlation, estimator.correlation_, rtol=CLOSED_FORM)
    assert_allclose(engine.volatility, estimator.volatility_, rtol=CLOSED_FORM)
    assert_allclose(engine.risk_contributions.sum(), engine.portfolio_volatility, rtol=CLOSED_FORM)
    assert engine.diversification_ratio > 1


def test_update_answers_what_the_portfolio_earned() -> None:
    engine = fed()
    row = np.array([0.1, -0.2, 0.7])
    assert engine.update(row) == pytest.approx(0.01, rel=CLOSED_FORM)
    assert engine.portfolio_return == pytest.approx(0.01, rel=CLOSED_FORM)
    assert math.isnan(engine.update([0.1, math.nan, 0.7]))
    assert math.isnan(engine.portfolio_return)


LABELLED_ROWS = {
    "list": list,
    "tuple": tuple,
    "strided": lambda row: np.repeat(row, 2)[::2],
    "read-only": lambda row: np.frombuffer(row.tobytes()),
    "misaligned": lambda row: np.frombuffer(b"x" + row.tobytes(), dtype=np.uint8)[1:].view(np.float64),
    "big-endian": lambda row: row.astype(">f8"),
    "objects": lambda row: row.astype(object),
    "masked": np.ma.MaskedArray,
    "mapping": lambda row: dict(zip(reversed(NAMES), reversed(row), strict=True)),
    "pandas": lambda row: pd.Series(row, index=NAMES)[::-1],
    "pandas row": lambda row: pd.DataFrame([row], columns=NAMES)[NAMES[::-1]],
    "polars row": lambda row: pl.DataFrame([row], schema=NAMES, orient="row").select(NAMES[::-1]),
    "polars": pl.Series,
}


@pytest.mark.parametrize("kind", LABELLED_ROWS)
def test_every_kind_of_row_means_the_same(kind: str) -> None:
    change = LABELLED_ROWS[kind]
    found = fed([change(row) for row in PANEL], NAMES)
    assert found.to_bytes() == fed(PANEL, NAMES).to_bytes()


def test_masked_and_left_out_values_are_missing() -> None:
    row = np.array([0.1, math.nan, 0.3])
    expected = fed([*PANEL, row], NAMES).to_bytes()
    masked = np.ma.MaskedArray([0.1, 9.0, 0.3], mask=[False, True, False])
    for same in (masked, {"BTC/USDT": 0.1, "SPY": 0.3}, [0.1, None, 0.3]):
        assert fed([*PANEL, same], NAMES).to_bytes() == expected


def test_float32_rows_are_converted() -> None:
    rows = PANEL.astype(np.float32)
    assert fed(rows).to_bytes() == fed(rows.astype(np.float64)).to_bytes()


@pytest.mark.parametrize(
    "weights",
    [
        list(WEIGHTS),
        {"BTC/USDT": 0.5, "ETH/USDT": 0.2, "cash": 0.3},
        Weights({"ETH/USDT": 0.2, "BTC/USDT": 0.5}),
        pd.Series(WEIGHTS, index=NAMES)[::-1],
    ],
)
def test_every_kind_of_weights_means_the_same(weights: object) -> None:
    found = fed(assets=NAMES)
    found.hold(np.zeros(3))
    found.hold(weights)
    assert_array_equal(found.weights, WEIGHTS)
    assert found.value_at_risk == fed().value_at_risk
    assert_allclose(found.portfolio_volatility, fed().portfolio_volatility, rtol=CLOSED_FORM)


def test_pandas_in_pandas_out() -> None:
    labelled, plain = fed(assets=pd.Index(NAMES)), fed()
    for name in ARRAYS:
        found = getattr(labelled, name)
        assert found.index.tolist() == NAMES
        assert_array_equal(found, getattr(plain, name))
    assert labelled.covariance.columns.tolist() == NAMES


def test_new_weights_keep_the_account() -> None:
    engine = fed()
    account = [getattr(engine, name) for name in ("drawdown", "max_drawdown", "ulcer_index")]
    tail = engine.value_at_risk
    engine.hold({"SPY": 1.0} if engine._labels.names else [0, 0, 1.0])
    assert [getattr(engine, name) for name in ("drawdown", "max_drawdown", "ulcer_index")] == account
    assert engine.value_at_risk != tail
    assert engine.diversification_ratio == 1
    engine.hold([0, 0, 0])
    assert (engine.value_at_risk, engine.portfolio_volatility, engine.max_drawdown) == (0, 0, account[1])


class TestRefused:
    @pytest.mark.parametrize(
        ("row", "error"),
        [
            ([0.1, 0.2], ShapeError),
            (np.zeros(4), ShapeError),
            (np.zeros((1, 3)), ShapeError),
            (0.1, ShapeError),
            ([0.1, math.inf, 0.0], NonFiniteError),
            (np.array([0.1, 0.0, -math.inf]), NonFiniteError),
            (np.array([1e200, 0.0, 0.0]), ParameterError),
            ({"BTC/USD": 0.1}, UnknownSymbolError),
            ({"BTC/USDT": "much"}, ParameterError),
            (["a", "b", "c"], InputError),
            (np.array([1j, 0, 0]), InputError),
            (pd.Series([0.1, 0.2, 0.3], index=["a", "b", "c"]), ShapeError),
        ],
    )
    def test_rows(self, row: object, error: type[Exception]) -> None:
        engine = fed(assets=NAMES)
        before = engine.to_bytes()
        with pytest.raises(error):
            engine.update(row)
        assert engine.to_bytes() == before

    @pytest.mark.parametrize(
        ("weights", "error"),
        [
            ([0.1, 0.2], ShapeError),
            ([0.1, 0.2, math.nan], NonFiniteError),
            ([0.1, 0.2, math.inf], NonFiniteError),
            ([0.1, 0.2, 1e120], ParameterError),
            ({"BTC": 0.1}, UnknownSymbolError),
        ],
    )
    def test_weights(self, weights: object, error: type[Exception]) -> None:
        engine = fed(assets=NAMES)
        before = engine.to_bytes()
        with pytest.raises(error):
            engine.hold(weights)
        assert engine.to_bytes() == before

    @pytest.mark.parametrize(
        ("options", "error"),
        [
            ({"half_life": 0}, ParameterError),
            ({"half_life": "long"}, ParameterError),
            ({"window": 0}, ParameterError),
            ({"window": 2.5}, ParameterError),
            ({"window": 10**30}, ParameterError),
            ({"confidence_level": 1.0}, ParameterError),
            ({"confidence_level": math.nan}, ParameterError),
            ({"min_observations": 0}, ParameterError),
            ({"min_observations": 31}, ParameterError),
            ({"assets": 0, "weights": None}, EmptyInputError),
            ({"assets": -1}, ParameterError),
            ({"assets": 10**9}, ParameterError),
            ({"assets": True}, ParameterError),
            ({"assets": "BTC"}, ParameterError),
            ({"assets": 2.5}, ParameterError),
            ({"assets": ["a", "a", "b"]}, InputError),
        ],
    )
    def test_parameters(self, options: dict[str, object], error: type[Exception]) -> None:
        with pytest.raises(error):
            fed([], **options)

    def test_rows_by_symbol_need_names(self) -> None:
        for act in (RiskEngine(3).update, RiskEngine(3).hold):
            with pytest.raises(InputError, match=r"no labels|without names"):
                act({"BTC/USDT": 0.1})


@pytest.mark.parametrize("n", [0, 3, 80])
@pytest.mark.parametrize("again", [*COPIES, lambda engine: RiskEngine.from_bytes(engine.to_bytes())])
@pytest.mark.parametrize("assets", [3, NAMES, pd.Index(NAMES)])
def test_copies_are_independent_and_equal(assets: object, again: object, n: int) -> None:
    original = fed(PANEL[:n], assets)
    before = original.to_bytes()
    twin = again(original)
    assert twin.to_bytes() == before
    assert repr(twin) == repr(original)
    for name in (*NUMBERS, *ARRAYS):
        assert_array_equal(getattr(twin, name), getattr(original, name))
        assert type(getattr(twin, name)) is type(getattr(original, name))
    twin.update([-0.5, 0.1, 0.1])
    twin.hold([0, 0, 0])
    assert original.to_bytes() == before


def test_a_subclass_stays_one() -> None:
    class Desk(RiskEngine):
        pass

    desk = Desk(3)
    assert type(Desk.from_bytes(desk.to_bytes())) is Desk
    assert type(copy.copy(desk)) is Desk


def test_damaged_bytes_are_refused() -> None:
    data = fed(PANEL[:8], NAMES, window=6).to_bytes()
    for at in range(len(data)):
        damaged = bytearray(data)
        damaged[at] ^= 0x40
        with pytest.raises(StateError):
            RiskEngine.from_bytes(bytes(damaged))
        with pytest.raises(StateError):
            RiskEngine.from_bytes(data[:at])
    with pytest.raises(StateError):
        RiskEngine.from_bytes(EwmaCovariance(3.0).fit(PANEL).to_bytes())


def test_engines_in_threads_do_not_meet() -> None:
    rows = 0.01 * np.random.default_rng(1).standard_normal((400, 3))
    expected = fed(rows).to_bytes()
    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.append(fed(rows).to_bytes())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 8


def test_one_engine_serves_several_threads() -> None:
    # Equal rows: in whichever order they come, the outcome is the same.
    engine, rows = fed([]), np.tile(PANEL[0], (500, 1))
    faults: list[Exception] = []

    def work() -> None:
        try:
            for row in rows:
                engine.update(row)
                engine.hold(WEIGHTS)
                assert engine.value_at_risk == engine.value_at_risk or engine.n_returns < 5
                assert engine.covariance.shape == (3, 3)
        except Exception as fault:  # noqa: BLE001
            faults.append(fault)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert engine.n_observations == 2000
    assert_allclose(engine.portfolio_volatility, abs(PANEL[0] @ WEIGHTS), rtol=CLOSED_FORM)
