"""Value at risk and conditional value at risk: the convention, the methods, the labels, the refusals."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import integrate, stats

from poise.errors import (
    EmptyInputError,
    InputError,
    NonFiniteError,
    NotEnoughDataError,
    ParameterError,
    ShapeError,
)
from poise.risk import TailRisk, conditional_value_at_risk, tail_risk, value_at_risk
from tests.tolerances import CLOSED_FORM

RNG = np.random.default_rng(11)
RETURNS = 0.02 * RNG.standard_t(5, size=400)
PANEL = 0.02 * RNG.standard_t(5, size=(60, 3))


class TestConvention:
    def test_a_hundred_losses_at_99(self) -> None:
        losses = np.arange(1.0, 101.0)
        assert value_at_risk(-losses, confidence_level=0.99) == 99
        assert conditional_value_at_risk(-losses, confidence_level=0.99) == pytest.approx(
            100, rel=CLOSED_FORM
        )

    def test_ten_losses_at_97_5_give_the_worst(self) -> None:
        losses = RNG.permutation(10.0 + np.arange(10))
        assert tail_risk(-losses, confidence_level=0.975) == TailRisk(19.0, 19.0, "historical")

    @pytest.mark.parametrize("level", [0.05, 0.5, 0.9, 0.95, 0.99])
    @pytest.mark.parametrize("n", [3, 37, 400])
    def test_var_is_numpys_inverted_cdf(self, level: float, n: int) -> None:
        losses = -RETURNS[:n]
        # The smallest loss with at least that share of losses at or below it, read from the definition.
        shares = np.searchsorted(np.sort(losses), losses, side="right") / n
        by_definition = losses[shares >= level - 1e-9 / n].min()
        assert value_at_risk(-losses, confidence_level=level) == by_definition
        if level * n % 1:
            assert by_definition == np.quantile(losses, level, method="inverted_cdf")

    def test_a_mean_of_the_worst_where_the_tail_is_whole(self) -> None:
        worst = np.sort(RETURNS)[:20]
        assert_allclose(conditional_value_at_risk(RETURNS), -worst.mean(), rtol=CLOSED_FORM)

    def test_one_observation(self) -> None:
        assert tail_risk([-0.03]) == TailRisk(0.03, 0.03, "historical")

    def test_ties_and_a_gain(self) -> None:
        assert tail_risk(np.full(7, 0.01), confidence_level=0.9) == TailRisk(-0.01, -0.01, "historical")

    def test_zero_has_no_sign(self) -> None:
        assert math.copysign(1, value_at_risk([0.0, 0.0])) == 1

    def test_half_life_weights_favour_the_recent(self) -> None:
        calm_then_wild = np.concatenate([np.full(100, -0.01), np.full(100, -0.05)])
        weights = 0.5 ** (np.arange(200)[::-1] / 10)
        assert value_at_risk(calm_then_wild, confidence_level=0.5) == 0.01
        assert value_at_risk(calm_then_wild, confidence_level=0.5, weights=weights) == 0.05


class TestParametric:
    def standardised(self) -> np.ndarray:
        x = RETURNS - RETURNS.mean()
        return x / x.std(ddof=1)

    @pytest.mark.parametrize(("level", "constant"), [(0.99, 2.6652), (0.975, 2.3378)])
    def test_normal_constants(self, level: float, constant: float) -> None:
        cvar = conditional_value_at_risk(self.standardised(), confidence_level=level, method="gaussian")
        assert cvar == pytest.approx(constant, abs=5e-5)

    def test_normal_quantile_and_mean(self) -> None:
        x = RETURNS + 0.01
        expected = stats.norm(x.mean(), x.std(ddof=1)).ppf(0.05)
        assert_allclose(value_at_risk(x, method="gaussian"), -expected, rtol=CLOSED_FORM)

    @pytest.mark.parametrize("level", [0.9, 0.975])
    def test_student_t_against_scipy(self, level: float) -> None:
        mean, deviation = RETURNS.mean(), RETURNS.std(ddof=1)

        def law(degrees: float):
            return stats.t(degrees, loc=mean, scale=deviation * math.sqrt((degrees - 2) / degrees))

        grid = np.linspace(2.5, 30, 2000)
        likeliest = grid[np.argmax([law(degrees).logpdf(RETURNS).sum() for degrees in grid])]
        tail = tail_risk(RETURNS, confidence_level=level, method="student_t")
        fitted = law(likeliest)
        assert_allclose(tail.value_at_risk, -fitted.ppf(1 - level), rtol=1e-3)
        beyond, _ = integrate.quad(lambda r: -r * fitted.pdf(r), -np.inf, fitted.ppf(1 - level))
        assert_allclose(tail.conditional_value_at_risk, beyond / (1 - level), rtol=1e-3)

    def test_student_t_of_thin_tails_is_normal(self) -> None:
        uniform = np.linspace(-0.05, 0.05, 201)
        normal = tail_risk(uniform, method="gaussian")
        assert tail_risk(uniform, method="student_t").value_at_risk == normal.value_at_risk

    def test_cornish_fisher_shortfall_is_the_mean_of_its_quantiles(self) -> None:
        x = np.concatenate([RETURNS[:300] * 0.8, -0.01 + 0.0 * RETURNS[:3]])
        levels, weights = np.polynomial.legendre.leggauss(60)
        worst = [
            value_at_risk(x, confidence_level=1 - 0.05 * (u + 1) / 2, method="cornish_fisher") for u in levels
        ]
        cvar = conditional_value_at_risk(x, confidence_level=0.95, method="cornish_fisher")
        # The quantile has a logarithmic pole at 0, which the rule meets only slowly.
        assert cvar == pytest.approx(np.dot(weights, worst) / 2, rel=2e-3)

    def test_cornish_fisher_without_skewness_and_kurtosis_is_normal(self) -> None:
        # Three values with weights 1/6, 2/3, 1/6 have the normal's first four moments.
        x = 0.01 * np.array([-math.sqrt(3), 0, 0, 0, 0, math.sqrt(3)] * 50)
        x[0] *= 1 - 1e-9
        x[5] *= 1 + 1e-6
        assert value_at_risk(x, method="cornish_fisher") == pytest.approx(
            value_at_risk(x, method="gaussian"), rel=1e-4
        )

    def test_cornish_fisher_refuses_where_it_folds_back(self) -> None:
        crash = np.append(np.tile([0.01, -0.01], 100), -0.5)
        with pytest.raises(ParameterError, match=r"skewness -.*kurtosis .*use method 'student_t'"):
            value_at_risk(crash, method="cornish_fisher")

    @pytest.mark.parametrize("method", ["gaussian", "student_t", "cornish_fisher"])
    def test_no_spread_is_the_mean(self, method: str) -> None:
        assert tail_risk(np.full(9, 0.1), method=method) == TailRisk(-0.1, -0.1, method)

    @pytest.mark.parametrize(("method", "needed"), [("gaussian", 2), ("student_t", 4), ("cornish_fisher", 4)])
    def test_too_few(self, method: str, needed: int) -> None:
        with pytest.raises(NotEnoughDataError, match=f"at least {needed} observations, got {needed - 1}"):
            value_at_risk(RETURNS[: needed - 1], method=method)
        with pytest.raises(EmptyInputError):
            value_at_risk([], method=method)

    def test_nan_is_named(self) -> None:
        with pytest.raises(NonFiniteError, match="index 1"):
            value_at_risk([0.1, math.nan, 0.2, 0.3], method="gaussian")

    @pytest.mark.parametrize("level", [0.0, 1.0, math.nan])
    def test_level(self, level: float) -> None:
        with pytest.raises(ParameterError, match="strictly between 0 and 1"):
            value_at_risk(RETURNS, confidence_level=level, method="gaussian")


class TestForms:
    def test_pandas_columns_keep_their_names(self) -> None:
        frame = pd.DataFrame(PANEL, columns=["A", "B", "C"])
        for method in ("historical", "gaussian"):
            found = value_at_risk(frame, method=method)
            assert found.index.tolist() == ["A", "B", "C"]
            assert found["B"] == value_at_risk(PANEL[:, 1], method=method)
        assert isinstance(conditional_value_at_risk(frame["A"]), float)

    def test_polars(self) -> None:
        frame = pl.DataFrame(PANEL, schema=["A", "B", "C"])
        assert value_at_risk(frame)["C"].to_list() == [value_at_risk(PANEL[:, 2])]
        assert value_at_risk(frame["A"]) == value_at_risk(PANEL[:, 0])

    def test_weights_with_columns(self) -> None:
        weights = np.linspace(1, 2, 60)
        found = value_at_risk(pd.DataFrame(PANEL, columns=list("ABC")), weights=weights)
        assert found["C"] == value_at_risk(PANEL[:, 2], weights=weights)

    def test_every_layout_of_the_same_numbers(self) -> None:
        whole = np.round(PANEL * 100)
        expected = value_at_risk(whole)
        read_only = whole.copy()
        read_only.flags.writeable = False
        strided = np.repeat(np.repeat(whole, 2, axis=0), 2, axis=1)[::2, ::2]
        backwards = whole[::-1].copy()[::-1]
        for same in (
            read_only, strided, backwards, np.asfortranarray(whole), whole.astype(np.float32),
            whole.astype(int), whole.tolist(), whole.astype(">f8"),
        ):  # fmt: skip
            assert_array_equal(value_at_risk(same), expected)
            assert value_at_risk(same[0] if isinstance(same, list) else same[0, :]) == value_at_risk(whole[0])

    def test_columns_of_no_assets(self) -> None:
        assert value_at_risk(np.empty((3, 0))).shape == (0,)


class TestRefusals:
    def test_empty(self) -> None:
        for nothing in ([], np.empty((0, 3)), pd.Series([], dtype=float)):
            with pytest.raises(EmptyInputError, match="at least one observation"):
                value_at_risk(nothing)

    @pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
    def test_not_finite(self, bad: float) -> None:
        for n in (5, 5000):
            returns = np.linspace(-0.1, 0.1, n)
            returns[n - 2] = bad
            with pytest.raises(NonFiniteError, match=f"at index {n - 2};"):
                value_at_risk(returns)
        panel = PANEL.copy()
        panel[7, 2] = bad
        with pytest.raises(NonFiniteError, match="row 7, column 2"):
            value_at_risk(panel)

    @pytest.mark.parametrize("level", [0, 1, -0.1, 95, math.nan])
    def test_level_out_of_range(self, level: float) -> None:
        with pytest.raises(ParameterError, match=r"confidence_level is .* strictly between 0 and 1"):
            value_at_risk(RETURNS, confidence_level=level)

    @pytest.mark.parametrize("level", ["0.95", None, True])
    def test_level_is_no_number(self, level: object) -> None:
        with pytest.raises(ParameterError, match="confidence_level"):
            value_at_risk(RETURNS, confidence_level=level)

    def test_unknown_method(self) -> None:
        with pytest.raises(ParameterError, match="did you mean 'gaussian'"):
            value_at_risk(RETURNS, method="gausian")

    def test_weights_of_the_wrong_kind(self) -> None:
        with pytest.raises(ParameterError, match="'historical' only"):
            value_at_risk(RETURNS, method="gaussian", weights=np.ones(400))
        with pytest.raises(ParameterError, match=r"-1.0 at index 3"):
            value_at_risk(RETURNS, weights=np.where(np.arange(400) == 3, -1.0, 1.0))
        with pytest.raises(ShapeError, match="weights"):
            value_at_risk(RETURNS, weights=np.ones(3))
        with pytest.raises(ParameterError, match="sum of weights"):
            value_at_risk(RETURNS, weights=np.zeros(400))
        with pytest.raises(NonFiniteError, match="weights"):
            value_at_risk(RETURNS, weights=np.full(400, math.nan))

    def test_shapes(self) -> None:
        with pytest.raises(ShapeError, match="one series"):
            tail_risk(PANEL)
        with pytest.raises(ShapeError):
            value_at_risk(PANEL[np.newaxis])
        with pytest.raises(ShapeError):
            value_at_risk(0.1)

    def test_text(self) -> None:
        with pytest.raises(InputError):
            value_at_risk(["a", "b"])
