"""Rolling tails and drawdowns: labels, ends, refusals."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from poise.errors import EmptyInputError, NonFiniteError, ParameterError
from poise.risk import (
    drawdowns,
    max_drawdown,
    rolling_conditional_value_at_risk,
    rolling_tail_risk,
    rolling_value_at_risk,
)

RNG = np.random.default_rng(3)
PANEL = 0.02 * RNG.standard_t(5, size=(80, 2))
DAYS = pd.date_range("2020-01-01", periods=80, tz="UTC")
FRAME = pd.DataFrame(PANEL, index=DAYS, columns=["BTC/USDT", "SPY"])


class TestRolling:
    def test_against_pandas(self) -> None:
        losses = -FRAME["SPY"]
        # 19 of 20 losses at or below: the second largest.
        expected = losses.rolling(20).apply(lambda window: np.sort(window)[-2], raw=True)
        found = rolling_value_at_risk(FRAME["SPY"], window=20)
        pd.testing.assert_series_equal(found, expected, check_freq=False)
        worst = losses.rolling(20).max()
        cvar = rolling_conditional_value_at_risk(FRAME["SPY"], window=20)
        pd.testing.assert_series_equal(cvar, worst, check_freq=False, rtol=1e-12)

    def test_frames_keep_their_labels(self) -> None:
        var, cvar = rolling_tail_risk(FRAME, window=5)
        for found in (var, cvar):
            assert found.index.equals(DAYS)
            assert found.columns.tolist() == ["BTC/USDT", "SPY"]
        assert_array_equal(var["SPY"], rolling_value_at_risk(PANEL[:, 1], window=5))
        polars = rolling_value_at_risk(pl.DataFrame(PANEL, schema=["a", "b"]), window=5)
        assert_array_equal(polars.to_numpy(), var.to_numpy())

    def test_window_of_one_is_the_loss(self) -> None:
        assert_array_equal(rolling_value_at_risk(PANEL, window=1), -PANEL)

    @pytest.mark.parametrize("window", [81, 10**30])
    def test_window_never_full(self, window: int) -> None:
        assert np.isnan(rolling_value_at_risk(PANEL, window=window)).all()

    @pytest.mark.parametrize("window", [0, -3, 2.5, 2.0, True, "20", None])
    def test_window_refused(self, window: object) -> None:
        with pytest.raises(ParameterError, match="window is"):
            rolling_value_at_risk(PANEL, window=window)

    def test_bad_input_is_named(self) -> None:
        holed = PANEL.copy()
        holed[3, 1] = math.nan
        with pytest.raises(NonFiniteError, match="row 3, column 1"):
            rolling_value_at_risk(holed, window=200)
        with pytest.raises(EmptyInputError):
            rolling_value_at_risk([], window=2)
        with pytest.raises(ParameterError, match="confidence_level"):
            rolling_value_at_risk(PANEL, window=2, confidence_level=95)

    def test_a_long_run_does_not_drift(self) -> None:
        # A window of huge losses passes through; afterwards nothing of it may remain.
        returns = np.concatenate([-1e12 * np.ones(50), np.tile([-0.01, 0.01, -0.02], 40)])
        cvar = rolling_conditional_value_at_risk(returns, window=30, confidence_level=0.9)
        assert_allclose(cvar[-1], 0.02, rtol=1e-15)


class TestDrawdowns:
    def test_initial_value_counts(self) -> None:
        assert_array_equal(drawdowns([-0.5, 1.0, 0.25, -0.25]), [0.5, 0.0, 0.0, 0.25])
        assert max_drawdown([-0.5, 1.0]) == 0.5
        assert max_drawdown([0.1, 0.2]) == 0.0

    @pytest.mark.parametrize("ruin", [-1.0, -1.5])
    def test_ruin_is_final(self, ruin: float) -> None:
        assert_array_equal(drawdowns([0.1, ruin, 3.0, -3.0, 1.0]), [0, 1, 1, 1, 1])
        assert max_drawdown(np.append(np.full(999, 0.01), ruin)) == 1

    def test_labels(self) -> None:
        found = drawdowns(FRAME)
        assert found.index.equals(DAYS)
        assert max_drawdown(FRAME).to_dict() == found.max().to_dict()
        series = drawdowns(FRAME["SPY"])
        pd.testing.assert_series_equal(series, found["SPY"])
        assert max_drawdown(FRAME["SPY"]) == series.max()
        assert drawdowns(pl.Series("x", PANEL[:, 0])).name == "x"

    def test_strided_series_agree(self) -> None:
        long = np.repeat(RNG.normal(0, 0.05, 600), 2)
        assert_allclose(max_drawdown(long[::2]), max_drawdown(long[::2].copy()), rtol=1e-13)

    def test_bad_input_is_named(self) -> None:
        with pytest.raises(NonFiniteError, match="index 600"):
            max_drawdown(np.where(np.arange(1000) == 600, np.nan, 0.01))
        with pytest.raises(NonFiniteError, match="row 1, column 0"):
            drawdowns([0.1, math.inf])
        for function in (drawdowns, max_drawdown):
            with pytest.raises(EmptyInputError):
                function([])
