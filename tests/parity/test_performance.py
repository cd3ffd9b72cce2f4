"""The one-pass figures of a series against their readable twin."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from poise import _native
from poise.performance import summarize
from tests.reference import performance as twin
from tests.tolerances import CLOSED_FORM

SEEDS = st.integers(0, 2**32 - 1)


def draw_returns(seed: int, n: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    returns = np.clip(rng.normal(0, 0.01) + 0.02 * rng.standard_t(4, size=n), -0.9, 2.0)
    # Ties in every second draw.
    return np.round(returns, 2) if seed % 2 else returns


def check(returns: np.ndarray, target: float) -> None:
    found, expected = _native.return_statistics(returns, target), twin.figures(returns, target)
    # The deviations from the mean carry the rounding of the values.
    spread = np.abs(returns).max() / (np.std(returns) or 1.0)
    for name, value in expected.items():
        shaped = name in ("skewness", "kurtosis", "deviation")
        tolerance = CLOSED_FORM * (max(1.0, spread) if shaped else 1.0)
        if name == "log_growth":
            tolerance *= math.sqrt(len(returns))
        assert_allclose(getattr(found, name), value, rtol=tolerance, atol=tolerance, err_msg=name)


@given(st.integers(1, 3000), SEEDS, st.sampled_from([0.0, 0.001, -0.02]))
@settings(max_examples=150, deadline=None)
def test_figures(n: int, seed: int, target: float) -> None:
    check(draw_returns(seed, n), target)


@pytest.mark.parametrize("n", [255, 256, 257, 5000, 40_001])
@pytest.mark.parametrize(
    "change", ["plain", "sorted", "reversed", "far-off start", "ruin", "strided", "tiny"]
)
def test_hostile_orders_and_sizes(n: int, change: str) -> None:
    returns = draw_returns(2 * n, n)
    if change == "sorted":
        returns = np.sort(returns)
    elif change == "reversed":
        returns = np.sort(returns)[::-1]
    elif change == "far-off start":
        returns[:64] += 30.0
    elif change == "ruin":
        returns[n // 2] = -1.0
    elif change == "strided":
        returns = np.repeat(returns, 3)[::3]
    elif change == "tiny":
        returns = returns * 1e-200 + 0.0
        returns[-1] = 0.01
    check(returns, 0.0)


@given(st.integers(1, 600), SEEDS, st.sampled_from([1.0, 252.0, 365.0]), st.sampled_from([0.0, 0.05]))
@settings(max_examples=60, deadline=None)
def test_the_table_is_made_of_the_figures(n: int, seed: int, periods: float, riskless: float) -> None:
    returns = draw_returns(seed, n)
    expected = twin.figures(returns, riskless / periods)
    found = summarize(returns, periods_per_year=periods, risk_free_rate=riskless)
    year, excess = math.sqrt(periods), expected["mean"] - riskless / periods
    varies = expected["deviation"] > 0
    assert_allclose(
        (found.annualized_volatility, found.sharpe_ratio, found.sortino_ratio),
        (
            year * expected["deviation"],
            year * excess / expected["deviation"] if varies else math.nan,
            year * excess / expected["downside_deviation"],
        ),
        rtol=1e-9, atol=1e-10,
    )  # fmt: skip
    growth = math.expm1(periods / n * expected["log_growth"])
    assert_allclose(found.annualized_return, growth, rtol=1e-9, atol=1e-10)
    assert (found.best_return, found.worst_return) == (expected["highest"], expected["lowest"])
    assert found.hit_rate == expected["n_gains"] / n
    assert found.max_drawdown_duration == expected["longest_duration"]
