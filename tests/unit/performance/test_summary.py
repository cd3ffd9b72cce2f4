import dataclasses
import json
import math

import numpy as np
import pandas as pd
import pytest

from poise.domain.strict_json import dumps
from poise.errors import NonFiniteError, ParameterError, ShapeError
from poise.performance import PerformanceSummary, sortino_ratio, summarize

BENCHMARK_FIELDS = ("active_return", "tracking_error", "information_ratio", "beta", "alpha")


def test_by_hand() -> None:
    # Values 1, 1.5, 1.2, 0.9, 1.35, 1.62: peak 1.5, trough 0.9, new high after three bars below.
    summary = summarize([0.5, -0.2, -0.25, 0.5, 0.2], periods_per_year=5)
    assert summary.total_return == pytest.approx(0.62, rel=1e-12)
    assert summary.annualized_return == pytest.approx(0.62, rel=1e-12)
    assert summary.max_drawdown == pytest.approx(0.4, rel=1e-12)
    assert summary.max_drawdown_duration == 3
    assert summary.calmar_ratio == pytest.approx(1.55, rel=1e-12)
    assert (summary.best_return, summary.worst_return) == (0.5, -0.25)
    assert summary.hit_rate == 0.6
    assert summary.n_observations == 5
    assert summary.value_at_risk_95 == summary.conditional_value_at_risk_95 == 0.25
    assert [getattr(summary, name) for name in BENCHMARK_FIELDS] == [None] * 5


def test_a_drawdown_that_never_ends_counts_to_the_end() -> None:
    assert summarize([0.1, -0.05, 0.01, 0.01], periods_per_year=252).max_drawdown_duration == 3
    assert summarize([-0.05, 0.01], periods_per_year=252).max_drawdown_duration == 2
    assert summarize([0.1, 0.1], periods_per_year=252).max_drawdown_duration == 0


def test_a_recovery_to_the_cent_is_a_recovery() -> None:
    recovered = summarize([-0.1, 1 / 9, -0.3, 3 / 7, 0.0], periods_per_year=252)
    assert recovered.max_drawdown_duration == 1


def test_moments_of_a_small_sample() -> None:
    # 0, 0, 0, 4: deviations -1, -1, -1, 3.
    summary = summarize([0.0, 0.0, 0.0, 4.0], periods_per_year=1)
    assert summary.skewness == pytest.approx(6 / 3**1.5, rel=1e-12)
    assert summary.excess_kurtosis == pytest.approx(21 / 9 - 3, rel=1e-12)


def test_the_benchmark_beside_itself() -> None:
    returns = np.random.default_rng(3).normal(0.001, 0.02, 400)
    summary = summarize(returns, periods_per_year=365, benchmark=returns)
    assert summary.beta == pytest.approx(1.0, rel=1e-12)
    assert summary.alpha == pytest.approx(0.0, abs=1e-14)
    assert (summary.active_return, summary.tracking_error) == (0.0, 0.0)
    assert summary.information_ratio is not None
    assert math.isnan(summary.information_ratio)


def test_half_the_market() -> None:
    market = np.random.default_rng(4).normal(0.001, 0.02, 400)
    half = summarize(0.5 * market, periods_per_year=365, benchmark=market)
    whole = summarize(market, periods_per_year=365)
    assert half.beta == pytest.approx(0.5, rel=1e-12)
    assert half.sharpe_ratio == pytest.approx(whole.sharpe_ratio, rel=1e-12)
    assert half.annualized_volatility == pytest.approx(0.5 * whole.annualized_volatility, rel=1e-12)
    assert half.skewness == pytest.approx(whole.skewness, rel=1e-10)


def test_the_riskless_rate_reaches_every_ratio() -> None:
    returns = np.random.default_rng(5).normal(0.001, 0.02, 300)
    market = np.random.default_rng(6).normal(0.001, 0.02, 300)
    plain = summarize(returns, periods_per_year=252, benchmark=market)
    charged = summarize(returns, periods_per_year=252, benchmark=market, risk_free_rate=0.1)
    assert charged.sharpe_ratio == pytest.approx(
        plain.sharpe_ratio - 0.1 / plain.annualized_volatility, rel=1e-10
    )
    assert charged.sortino_ratio == sortino_ratio(
        returns, periods_per_year=252, minimum_acceptable_return=0.1
    )
    assert plain.alpha is not None
    assert plain.beta is not None
    assert charged.alpha == pytest.approx(plain.alpha - 0.1 * (1 - plain.beta), rel=1e-10)


def test_as_json() -> None:
    summary = summarize([0.0, 0.0], periods_per_year=252)
    plain = summary.to_dict()
    assert list(plain) == [field.name for field in dataclasses.fields(PerformanceSummary)]
    written = json.loads(dumps(summary))
    assert written["sharpe_ratio"] is None
    assert written["annualized_volatility"] == 0.0
    assert written["max_drawdown_duration"] == 0


def test_one_bar() -> None:
    summary = summarize([-0.1], periods_per_year=1, benchmark=[0.1])
    assert summary.total_return == pytest.approx(-0.1, rel=1e-12)
    assert summary.max_drawdown == pytest.approx(0.1, rel=1e-12)
    for value in (summary.sharpe_ratio, summary.beta, summary.alpha, summary.tracking_error):
        assert value is not None
        assert math.isnan(value)


def test_labelled_series() -> None:
    index = pd.date_range("2020-01-01", periods=3)
    own = pd.Series([0.1, -0.1, 0.05], index=index)
    market = pd.Series([0.05, -0.05, 0.02], index=index)
    labelled = summarize(own, periods_per_year=252, benchmark=market)
    assert labelled == summarize(own.to_numpy(), periods_per_year=252, benchmark=market.to_numpy())


def test_what_is_refused() -> None:
    with pytest.raises(NonFiniteError, match="index 1"):
        summarize([0.1, np.nan], periods_per_year=252)
    with pytest.raises(ShapeError):
        summarize(np.zeros((5, 2)), periods_per_year=252)
    with pytest.raises(ShapeError):
        summarize([0.1, 0.2], periods_per_year=252, benchmark=[0.1])
    with pytest.raises(ParameterError):
        summarize([0.1, 0.2], periods_per_year=0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        summarize([0.1], periods_per_year=252).beta = 1.0  # type: ignore[misc]
