"""Contributions, diversification, components, beta."""

from __future__ import annotations

import math

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
    NotEnoughDataError,
    NotPositiveSemidefiniteError,
    ShapeError,
    UnknownSymbolError,
)
from poise.risk import (
    beta,
    component_conditional_value_at_risk,
    concentration_ratio,
    conditional_value_at_risk,
    diversification_ratio,
    effective_bets,
    effective_number_of_assets,
    portfolio_volatility,
    risk_contributions,
)
from tests.tolerances import CLOSED_FORM

RNG = np.random.default_rng(8)
R = 0.02 * RNG.standard_t(5, size=(90, 3))
COVARIANCE = np.cov(R, rowvar=False)
NAMES = ["BTC/USDT", "ETH/USDT", "SPY"]
LABELLED = pd.DataFrame(COVARIANCE, index=NAMES, columns=NAMES)
W = np.array([0.4, 0.3, 0.2])


class TestVolatility:
    def test_two_assets_by_hand(self) -> None:
        # Volatilities 20 % and 10 %, correlation 0.5, half each: variance 0.0175.
        covariance = np.array([[0.04, 0.01], [0.01, 0.01]])
        half = [0.5, 0.5]
        sigma = math.sqrt(0.0175)
        assert portfolio_volatility(half, covariance) == pytest.approx(sigma, rel=CLOSED_FORM)
        assert_allclose(
            risk_contributions(half, covariance), [0.0125 / sigma, 0.005 / sigma], rtol=CLOSED_FORM
        )
        assert diversification_ratio(half, covariance) == pytest.approx(0.15 / sigma, rel=CLOSED_FORM)

    @pytest.mark.parametrize("n", [1, 2, 7])
    def test_independent_twins_are_n_bets(self, n: int) -> None:
        weights = np.full(n, 1 / n)
        assert diversification_ratio(weights, np.eye(n)) == pytest.approx(math.sqrt(n), rel=CLOSED_FORM)
        assert effective_bets(weights, np.eye(n)) == pytest.approx(n, rel=CLOSED_FORM)
        assert effective_number_of_assets(weights) == pytest.approx(n, rel=CLOSED_FORM)
        assert concentration_ratio(weights) == pytest.approx(1 / n, rel=CLOSED_FORM)

    @pytest.mark.parametrize(
        ("weights", "covariance"),
        [
            ([0.0, 0.0], [[0.04, 0.01], [0.01, 0.01]]),
            ([0.5, 0.5], [[0.0, 0.0], [0.0, 0.0]]),
            ([1 / 3, 2 / 3], [[0.04, -0.02], [-0.02, 0.01]]),
        ],
        ids=["all cash", "nothing moves", "perfect hedge"],
    )
    def test_no_volatility(self, weights: list[float], covariance: list[list[float]]) -> None:
        assert portfolio_volatility(weights, covariance) == 0
        assert_array_equal(risk_contributions(weights, covariance), [0, 0])
        assert diversification_ratio(weights, covariance) == 1
        assert effective_bets(weights, covariance) == 0

    def test_one_asset_is_exactly_one(self) -> None:
        assert diversification_ratio([0.0, 0.7, 0.0], COVARIANCE) == 1
        assert diversification_ratio([0.7], [[0.0123]]) == 1

    def test_a_duplicated_asset_shares_its_contribution(self) -> None:
        twice = np.ix_([0, 0, 1, 2], [0, 0, 1, 2])
        shared = risk_contributions([0.2, 0.2, 0.3, 0.2], COVARIANCE[twice])
        whole = risk_contributions(W, COVARIANCE)
        assert_allclose(shared, [whole[0] / 2, whole[0] / 2, whole[1], whole[2]], rtol=CLOSED_FORM)

    def test_a_hedge_contributes_negatively(self) -> None:
        contributions = risk_contributions([1.0, -0.5], [[0.04, 0.03], [0.03, 0.04]])
        assert contributions[1] < 0 < contributions[0]

    def test_labels_and_mappings(self) -> None:
        plain = risk_contributions(W, COVARIANCE)
        shuffled = pd.Series(W, index=NAMES)[::-1]
        for weights in (W, shuffled, Weights(dict(zip(NAMES, W, strict=True)))):
            found = risk_contributions(weights, LABELLED)
            assert found.index.tolist() == NAMES
            assert_array_equal(found, plain)
        assert_array_equal(
            risk_contributions({"SPY": 0.2}, LABELLED), risk_contributions([0, 0, 0.2], COVARIANCE)
        )

    def test_mappings_refused(self) -> None:
        with pytest.raises(UnknownSymbolError, match="did you mean 'SPY'"):
            risk_contributions({"SPX": 0.2}, LABELLED)
        with pytest.raises(InputError, match="no labels"):
            risk_contributions({"SPY": 0.2}, COVARIANCE)

    def test_bad_input_is_refused(self) -> None:
        with pytest.raises(ShapeError, match="weights"):
            risk_contributions([0.5, 0.5], COVARIANCE)
        with pytest.raises(ShapeError, match="not symmetric"):
            risk_contributions([0.5, 0.5], [[1.0, 0.5], [0.1, 1.0]])
        with pytest.raises(NonFiniteError, match="index 1"):
            risk_contributions([0.5, math.nan], np.eye(2))
        with pytest.raises(NonFiniteError, match="row 0, column 1"):
            diversification_ratio([0.5, 0.5], [[1.0, math.nan], [math.nan, 1.0]])
        with pytest.raises(NotPositiveSemidefiniteError):
            portfolio_volatility([1.0, -1.0], [[1.0, 2.0], [2.0, 1.0]])
        with pytest.raises(EmptyInputError):
            risk_contributions([], np.empty((0, 0)))


class TestConcentration:
    def test_cash_is_left_out(self) -> None:
        book = Weights({"BTC/USDT": 0.3, "ETH/USDT": 0.1})
        assert concentration_ratio(book) == pytest.approx(0.75**2 + 0.25**2, rel=CLOSED_FORM)
        assert effective_number_of_assets(book) == pytest.approx(1.6, rel=CLOSED_FORM)

    def test_all_cash(self) -> None:
        for nothing in ([0.0, 0.0], [], Weights({})):
            assert concentration_ratio(nothing) == 0
            assert effective_number_of_assets(nothing) == 0

    def test_tiny_and_huge_weights(self) -> None:
        for unit in (1e-200, 1e200):
            assert effective_number_of_assets([unit, -unit]) == pytest.approx(2, rel=CLOSED_FORM)

    def test_not_finite(self) -> None:
        with pytest.raises(NonFiniteError, match="index 1"):
            concentration_ratio([0.5, math.inf])


class TestComponents:
    def test_they_sum_to_the_whole(self) -> None:
        for level in (0.5, 0.95, 0.975):
            components = component_conditional_value_at_risk(W, R, confidence_level=level)
            whole = conditional_value_at_risk(R @ W, confidence_level=level)
            assert_allclose(components.sum(), whole, rtol=CLOSED_FORM)

    def test_by_hand(self) -> None:
        # Worst portfolio scenario -0.03, then -0.02; a tail of one and a half.
        returns = [[-0.04, -0.02], [0.0, -0.04], [0.01, 0.01]]
        found = component_conditional_value_at_risk([0.5, 0.5], returns, confidence_level=0.5)
        assert_allclose(found, [0.02 / 1.5, (0.01 + 0.5 * 0.02) / 1.5], rtol=CLOSED_FORM)

    def test_labels(self) -> None:
        frame = pd.DataFrame(R, columns=NAMES)
        found = component_conditional_value_at_risk(Weights({"SPY": 0.5}), frame)
        assert found.index.tolist() == NAMES
        assert found["BTC/USDT"] == 0
        polars = component_conditional_value_at_risk(W, pl.DataFrame(R, schema=NAMES))
        assert polars.columns == NAMES

    def test_bad_input_is_refused(self) -> None:
        with pytest.raises(ShapeError, match=r"weights has shape \(2,\), expected \(3,\)"):
            component_conditional_value_at_risk([0.5, 0.5], R)
        with pytest.raises(ShapeError, match="two axes"):
            component_conditional_value_at_risk([1.0], R[:, 0])
        with pytest.raises(EmptyInputError):
            component_conditional_value_at_risk(W, np.empty((0, 3)))


class TestBeta:
    def test_of_a_line(self) -> None:
        market = R[:, 0]
        assert beta(0.01 + 1.5 * market, market) == pytest.approx(1.5, rel=CLOSED_FORM)

    def test_is_covariance_over_variance(self) -> None:
        covariance = np.cov(R[:, 1], R[:, 0])
        assert beta(R[:, 1], R[:, 0]) == pytest.approx(covariance[0, 1] / covariance[1, 1], rel=CLOSED_FORM)
        many = beta(pd.DataFrame(R, columns=NAMES), R[:, 0])
        assert many.index.tolist() == NAMES
        assert many["ETH/USDT"] == pytest.approx(beta(R[:, 1], R[:, 0]), rel=CLOSED_FORM)

    def test_tiny_moves(self) -> None:
        assert beta(R[:, 1] * 1e-200, R[:, 0] * 1e-200) == pytest.approx(beta(R[:, 1], R[:, 0]), rel=1e-9)

    def test_a_still_benchmark_has_no_beta(self) -> None:
        assert math.isnan(beta(R[:, 0], np.full(90, 0.1)))
        assert np.isnan(beta(R, np.zeros(90))).all()
        assert beta(np.full(90, 0.1), R[:, 0]) == pytest.approx(0, abs=CLOSED_FORM)

    def test_bad_input_is_refused(self) -> None:
        with pytest.raises(ShapeError, match="90 observations and benchmark 89"):
            beta(R, R[:-1, 0])
        with pytest.raises(NotEnoughDataError):
            beta(R[:1], R[:1, 0])
        with pytest.raises(NonFiniteError, match="benchmark holds nan at index 2"):
            beta(R[:4], [0.1, 0.2, math.nan, 0.1])
        days = pd.date_range("2020-01-01", periods=90, tz="UTC")
        with pytest.raises(ShapeError, match="different time labels"):
            beta(pd.Series(R[:, 0], days), pd.Series(R[:, 1], days + pd.Timedelta("1D")))
