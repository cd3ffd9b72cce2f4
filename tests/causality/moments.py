"""Covariances and correlations, along a history."""

from __future__ import annotations

import numpy as np

from poise import moments
from tests.causality.case import Case, returns
from tests.tolerances import CLOSED_FORM

HOUR = np.timedelta64(1, "h")
START = np.datetime64("2020-01-06", "ns")
REGIMES = ("bull", "bear", "sideways", "high_volatility")


def streamed(make):
    """After each row; every twentieth the batch of the rows so far must have said the same."""

    def path(R):
        estimator, entries = make(), []
        for t, row in enumerate(R):
            covariance = estimator.partial_fit(row).covariance_
            if t % 20 == 19:
                batch = make().fit(R[: t + 1]).covariance_
                np.testing.assert_allclose(
                    batch, covariance, rtol=0.0, atol=CLOSED_FORM * np.nan_to_num(covariance).max()
                )
            entries.append({"covariance": covariance, "volatility": estimator.volatility_})
        return entries

    return path


def timeframes(R):
    estimator = moments.MultiTimeframeCovariance(weights={"1h": 1.0, "4h": 1.0})
    return [
        {
            "covariance": estimator.partial_fit(row, START + t * HOUR).covariance_,
            "variance_ratio": estimator.variance_ratio_,
            "n_closed": estimator.n_closed_,
        }
        for t, row in enumerate(R)
    ]


def regimes(R):
    """The probabilities follow the returns, as those of a detector do."""
    estimator, entries = moments.RegimeCovariance(REGIMES), []
    for row in R:
        calm = 1.0 / (1.0 + np.nansum(row**2) / 1e-3)
        estimator.partial_fit(row, [calm, 0.0, 0.0, 1.0 - calm])
        entries.append({"covariance": estimator.covariance_, "stress": estimator.stress_covariance_})
    return entries


def cross_market(log_returns):
    """A coin every eight hours, a share that closes at 16:00 on weekdays; read after each price."""
    prices = 100.0 * np.exp(np.cumsum(log_returns, axis=0))
    estimator, entries = moments.CrossMarketCorrelation(half_life=10.0), []
    for t, (coin, share) in enumerate(prices):
        time = START + 8 * t * HOUR
        closes = t % 3 == 2 and t // 3 % 7 < 5
        estimator.partial_fit(time, continuous=[coin], exchange=[share] if closes else None)
        if closes:
            last = {"correlation": estimator.correlation_, "n": estimator.n_intervals_}
        entries.append(last if t >= 2 else None)
    return entries


R = returns()
COMPLETE = returns(60, gaps=False)
EIGHT_HOURS = returns(180, 2, gaps=False) / 3.0

ONLINE = {
    "EwmaCovariance": lambda: moments.EwmaCovariance(half_life=10.0),
    "IteratedEwmaCovariance": lambda: moments.IteratedEwmaCovariance(10.0, 20.0),
    "MultiHalfLifeCovariance": lambda: moments.MultiHalfLifeCovariance([5.0, 20.0]),
    "RollingCovariance": lambda: moments.RollingCovariance(12),
    "ShrunkEwmaCovariance": lambda: moments.ShrunkEwmaCovariance(15.0),
}

ON_COMPLETE_ROWS = {"RollingCovariance"}

PATHS = {
    "ewma_covariance": lambda R: moments.ewma_covariance(R, half_life=10.0, last=False),
    "ewma_correlation": lambda R: moments.ewma_correlation(R, half_life=10.0, last=False),
    "rolling_covariance": lambda R: moments.rolling_covariance(R, window=12),
}

CASES = {
    **{
        f"moments.{name}": Case(
            streamed(make), COMPLETE if name in ON_COMPLETE_ROWS else R, (f"moments.{name}",)
        )
        for name, make in ONLINE.items()
    },
    **{
        f"moments.{name}": Case(path, COMPLETE if name == "rolling_covariance" else R, (f"moments.{name}",))
        for name, path in PATHS.items()
    },
    "moments.MultiTimeframeCovariance": Case(
        timeframes, returns(160), ("moments.MultiTimeframeCovariance",), rows=(50, 110)
    ),
    "moments.RegimeCovariance": Case(regimes, R, ("moments.RegimeCovariance",)),
    "moments.CrossMarketCorrelation": Case(
        cross_market, EIGHT_HOURS, ("moments.CrossMarketCorrelation",), rows=(100, 150)
    ),
}
