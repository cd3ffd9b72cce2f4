"""Worked examples and formulas of the literature, for decay, shrinkage of noise and horizons."""

import math

import numpy as np
import pandas as pd
import pytest

from poise.moments import (
    EwmaCovariance,
    IteratedEwmaCovariance,
    MultiTimeframeCovariance,
    ewma_covariance,
    half_life_of_window,
)
from tests.tolerances import CLOSED_FORM

HOUR = np.timedelta64(1, "h")
MONDAY = np.datetime64("2018-01-01", "ns")


def half_life_of(decay_factor):
    return math.log(0.5) / math.log(decay_factor)


def recursive(R, decay_factor):
    """``S <- lambda S + (1 - lambda) x x'`` from the first product on, as the textbooks write it."""
    return ewma_covariance(R, half_life=half_life_of(decay_factor), adjust=False, bias=True, demean=False)


class TestHull:
    """Options, Futures and Other Derivatives, chapters on volatilities and correlations."""

    def test_volatility_of_yesterday_and_a_move_of_two_percent(self):
        variance = recursive(np.array([[0.01], [0.02]]), 0.9)[0, 0]
        assert variance == pytest.approx(0.00013, rel=CLOSED_FORM)
        assert math.sqrt(variance) == pytest.approx(0.0114018, abs=5e-8)

    def test_covariance_of_two_markets(self):
        decay_factor = 0.95
        before = np.array([[0.01**2, 0.6 * 0.01 * 0.02], [0.6 * 0.01 * 0.02, 0.02**2]])
        # Two rows of which the recursion makes yesterday's matrix.
        root = np.linalg.cholesky(before) / np.sqrt([decay_factor, 1.0 - decay_factor])
        S = recursive(np.vstack([root.T, [0.005, 0.025]]), decay_factor)
        np.testing.assert_allclose(S, [[9.625e-5, 1.2025e-4], [1.2025e-4, 4.1125e-4]], rtol=CLOSED_FORM)
        volatility = np.sqrt(np.diag(S))
        np.testing.assert_allclose(100.0 * volatility, [0.981071, 2.027930], atol=5e-7)
        assert S[0, 1] / volatility.prod() == pytest.approx(0.6044101661, abs=5e-11)


@pytest.mark.parametrize(
    ("decay_factor", "half_life", "effective", "tail"),
    [(0.94, 11.202, 32.33, 74.43), (0.97, 22.757, 65.67, 151.19)],
)
def test_riskmetrics_lengths_of_memory(decay_factor, half_life, effective, tail):
    """J.P. Morgan (1996), RiskMetrics: half-life, effective days, days until 1 % of the weight is left."""
    assert half_life_of(decay_factor) == pytest.approx(half_life, abs=5e-4)
    span = (1.0 + decay_factor) / (1.0 - decay_factor)
    assert span == pytest.approx(effective, abs=5e-3)
    assert half_life_of_window(span) == pytest.approx(half_life, abs=5e-4)
    # One move of 1, then rest: what is left of its square is the weight of everything as old or older.
    for days, weight in ((round(half_life), 0.5), (round(tail), 0.01)):
        R = np.zeros((days + 1, 1))
        R[0] = 1.0
        assert recursive(R, decay_factor)[0, 0] == pytest.approx(weight, rel=0.03)


@pytest.mark.parametrize("half_life", [0.5, 10.0, 500.0])
def test_moves_of_one_size_have_that_variance_from_the_first_on(half_life):
    """A start at zero that is not corrected for shows here."""
    R = np.array([[0.02], [-0.02]] * 30)
    stream = EwmaCovariance(half_life, bias=True, demean=False)
    for row in R:
        assert stream.partial_fit(row).covariance_[0, 0] == pytest.approx(0.0004, rel=CLOSED_FORM)


@pytest.mark.parametrize("correlation", [0.0, 0.6])
@pytest.mark.parametrize("half_life", [20.0, 80.0])
def test_constant_correlation_is_recovered_at_the_rate_of_the_effective_sample(half_life, correlation):
    """Errors of ``(1 - rho^2) / sqrt(n_effective)``, the asymptotic one of a Gaussian sample correlation."""
    rng = np.random.default_rng(11)
    mixing = np.linalg.cholesky(np.array([[1.0, correlation], [correlation, 1.0]]))
    n_effective = 2.0 * half_life / math.log(2.0)
    found = []
    for _ in range(300):
        R = 0.01 * rng.normal(size=(round(8 * half_life), 2)) @ mixing.T
        # Volatilities that hardly move: what is left is the error of the correlation.
        found.append(IteratedEwmaCovariance(1e6, half_life, winsor=None).fit(R).correlation_[0, 1])
    error = (1.0 - correlation**2) / math.sqrt(n_effective)
    assert abs(np.mean(found) - correlation) < 4.0 * error / math.sqrt(300) + correlation / n_effective
    assert np.std(found) == pytest.approx(error, rel=0.15)


@pytest.mark.parametrize("persistence", [-0.3, 0.0, 0.3])
def test_the_variance_ratio_is_that_of_lo_and_mackinlay(persistence):
    """Lo and MacKinlay (1988): ``VR(q)`` is ``1 + 2 sum_k (1 - k/q) rho(k)`` of a long sample."""
    rng = np.random.default_rng(2)
    n = 24 * 7 * 60
    x = rng.normal(0.0, 0.002, n)
    for t in range(1, n):
        x[t] += persistence * x[t - 1]
    times = MONDAY + np.arange(n) * HOUR
    estimator = MultiTimeframeCovariance(weights={"1h": 1.0, "4h": 1.0, "1d": 1.0}).fit(
        np.expm1(x)[:, None], times
    )
    found = dict(zip(estimator.timeframes_, estimator.variance_ratio_[:, 0], strict=True))
    assert found["1h"] == pytest.approx(1.0, abs=1e-9)
    for name, q in (("4h", 4), ("1d", 24)):
        k = np.arange(1, q)
        limit = 1.0 + 2.0 * ((1.0 - k / q) * persistence**k).sum()
        assert found[name] == pytest.approx(limit, rel=0.1)
        # The estimator itself, on buckets that pandas adds up.
        logs = pd.Series(x, index=pd.DatetimeIndex(times) + pd.Timedelta("1h"))
        bars = logs.resample(f"{q}h", label="right", closed="right").sum()
        ratio = ((bars - q * logs.mean()) ** 2).mean() / (q * ((logs - logs.mean()) ** 2).mean())
        assert found[name] == pytest.approx(ratio, rel=1e-9)
