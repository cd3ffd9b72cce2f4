"""Figures that PyPortfolioOpt's tests publish for twenty stocks (data and licence: tests/data/README.md)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from poise.optimization import (
    equilibrium_returns,
    implied_risk_aversion,
    solve_hierarchical_risk_parity,
    solve_maximum_sharpe,
    solve_minimum_cvar,
    solve_minimum_variance,
)

DATA = Path(__file__).parents[2] / "data"
RISK_FREE_RATE = 0.02

# Of SPY, 1993-01-29 to 2019-12-09: 252 times the mean and the variance of its daily returns.
SPY_RETURN, SPY_VARIANCE = 0.10845581017090739, 0.03293841163103963
CAPITALISATION = [927e9, 1.19e12, 574e9, 533e9, 867e9, 96e9, 43e9, 339e9, 301e9, 51e9]
CAPITALISATION += [61e9, 78e9, 0, 295e9, 1e9, 22e9, 288e9, 212e9, 422e9, 102e9]
IMPLIED = [0.14933293, 0.2168623, 0.11219185, 0.10362374, 0.28416295, 0.12196098, 0.19036819, 0.08860159]
IMPLIED += [0.17724273, 0.08779627, 0.0791797, 0.16460474, 0.12854665, 0.08657863, 0.11230036, 0.13875465]
IMPLIED += [0.15017163, 0.09066484, 0.1696369, 0.13270213]


@pytest.fixture(scope="module")
def stocks():
    return pd.read_csv(DATA / "twenty_stocks_moments.csv", index_col="symbol")


def matrix_of(stocks, kind):
    columns = stocks.filter(like=f"{kind} ")
    return columns.set_axis(columns.columns.str.removeprefix(f"{kind} "), axis="columns")


def performance(weights, mean, covariance):
    """Annual return, volatility and Sharpe ratio, as the published figures are given."""
    earned, volatility = float(mean @ weights), float(np.sqrt(weights @ covariance @ weights))
    return earned, volatility, (earned - RISK_FREE_RATE) / volatility


@pytest.mark.parametrize(
    ("bounds", "published"),
    [
        ((0.0, 1.0), (0.15056821399482578, 0.15915084514118694, 0.8204054077060996)),
        ((-np.inf, np.inf), (0.1516319319875544, 0.1555915367269669, 0.8460095886741129)),
    ],
)
def test_minimum_variance(stocks, bounds, published):
    covariance = matrix_of(stocks, "cov")
    weights = solve_minimum_variance(covariance, bounds=bounds).weights
    np.testing.assert_allclose(
        performance(weights, stocks["compounded_return"], covariance), published, rtol=1e-9
    )


@pytest.mark.parametrize(
    ("rate", "published", "accuracy"),
    [
        (0.02, (0.3047768672819914, 0.22165566922402932, 1.2847714127003216), 1e-9),
        # Of the critical line, which looks for the ratio on a segment by golden section.
        (0.0, (0.2994470912768992, 0.21764331657015668, 1.283968171780824), 3e-9),
    ],
)
def test_maximum_sharpe(stocks, rate, published, accuracy):
    mean, covariance = stocks["compounded_return"], matrix_of(stocks, "cov")
    weights = solve_maximum_sharpe(mean, covariance, risk_free_rate=rate).weights
    np.testing.assert_allclose(performance(weights, mean, covariance), published, rtol=accuracy)


def test_hierarchical_risk_parity_along_a_tree_of_shared_days(stocks):
    """Its tree is of correlations over shared days, which those of the covariance are not."""
    covariance, correlation = matrix_of(stocks, "cov"), matrix_of(stocks, "corr")
    weights = solve_hierarchical_risk_parity(covariance, correlation=correlation).weights
    pd.testing.assert_series_equal(weights, stocks["hrp_weight"], check_names=False, rtol=1e-12)
    np.testing.assert_allclose(
        performance(weights, stocks["mean_return"], covariance),
        (0.21353402380950973, 0.17844159743748936, 1.084579081272277),
        rtol=1e-12,
    )


def test_minimum_cvar(stocks):
    prices = pd.read_csv(DATA / "twenty_stocks_prices.csv.gz", index_col="date")
    result = solve_minimum_cvar(prices.pct_change().iloc[1:])
    assert float(stocks["compounded_return"] @ result.weights) == pytest.approx(0.17745746040573562, rel=1e-8)
    assert result.objective == pytest.approx(0.017049502122532853, rel=1e-9)


def test_implied_risk_aversion_and_returns(stocks):
    sharpe_ratio = (SPY_RETURN - RISK_FREE_RATE) / np.sqrt(SPY_VARIANCE)
    risk_aversion = implied_risk_aversion([1.0], [[SPY_VARIANCE]], sharpe_ratio=sharpe_ratio)
    assert round(risk_aversion, 5) == 2.68549
    market = np.array(CAPITALISATION) / np.sum(CAPITALISATION)
    excess = equilibrium_returns(market, matrix_of(stocks, "cov"), risk_aversion=risk_aversion)
    np.testing.assert_allclose(excess + RISK_FREE_RATE, IMPLIED, atol=1e-6)
