"""Tests of risk models: published tables, scipy's distributions, refusals."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from poise.errors import EmptyInputError, NonFiniteError, NotEnoughDataError, ParameterError, ShapeError
from poise.risk import acerbi_szekely_test, christoffersen_test, kupiec_test, traffic_light
from tests.tolerances import CLOSED_FORM


class TestKupiec:
    @pytest.mark.parametrize(("x", "n", "published"), [(0, 250, 5.03), (7, 250, 5.50), (17, 1000, 4.09)])
    def test_published_statistics(self, x: int, n: int, published: float) -> None:
        assert round(kupiec_test(x, n, 0.99).statistic, 2) == published

    @pytest.mark.parametrize(
        ("n", "level", "lowest", "highest"),
        # Kupiec (1995), non-rejection regions at 5 %: lowest < N < highest.
        [(1000, 0.99, 4, 17), (255, 0.95, 6, 21), (1000, 0.95, 37, 65)],
    )
    def test_published_bounds(self, n: int, level: float, lowest: int, highest: int) -> None:
        accepted = [x for x in range(n + 1) if kupiec_test(x, n, level).p_value > 0.05]
        assert accepted == list(range(lowest + 1, highest))

    def test_against_the_likelihood_and_chi_squared(self) -> None:
        for x in (0, 1, 5, 30, 249, 250):
            found = kupiec_test(x, 250, 0.975)
            promised = stats.binom.logpmf(x, 250, 0.025)
            best = stats.binom.logpmf(x, 250, x / 250)
            assert_allclose(found.statistic, -2 * (promised - best), rtol=1e-10)
            assert_allclose(found.p_value, stats.chi2.sf(found.statistic, 1), rtol=CLOSED_FORM)
            assert found.exception_rate == x / 250

    def test_exactly_as_promised(self) -> None:
        found = kupiec_test(5, 100, 0.95)
        assert (found.statistic, found.p_value) == (0.0, 1.0)

    def test_a_true_model_is_rejected_as_often_as_announced(self) -> None:
        # The exact size from the binomial distribution, without drawing.
        n, p = 1000, 0.05
        x = np.arange(n + 1)
        rejected = np.array([kupiec_test(int(k), n, 1 - p).p_value < 0.05 for k in x])
        assert_allclose(stats.binom.pmf(x[rejected], n, p).sum(), 0.05, atol=0.01)

    @pytest.mark.parametrize("function", [kupiec_test, traffic_light])
    @pytest.mark.parametrize(
        ("x", "n", "level", "message"),
        [
            (1, 0, 0.99, "n_observations is 0"),
            (0, 0, 0.99, "n_observations is 0"),
            (3, 2, 0.99, "n_exceptions is 3, expected at most n_observations"),
            (-1, 2, 0.99, "n_exceptions is -1"),
            (1, 10**13, 0.99, "n_observations is 10000000000000"),
            (1.0, 2, 0.99, r"n_exceptions is 1.0 \(float\)"),
            (True, 2, 0.99, "n_exceptions is True"),
            (1, "2", 0.99, "n_observations is '2'"),
            (1, 2, 0.0, "confidence_level is 0"),
            (1, 2, 99, "confidence_level is 99"),
            (1, 2, math.nan, "confidence_level is NaN"),
            (1, 2, None, "confidence_level is None"),
        ],
    )
    def test_refused(self, function: object, x: object, n: object, level: object, message: str) -> None:
        with pytest.raises(ParameterError, match=message):
            function(x, n, level)


class TestChristoffersen:
    def test_clusters_fail_and_spread_exceptions_pass(self) -> None:
        days = np.arange(500)
        clustered = christoffersen_test((days >= 100) & (days < 105), 0.99)
        spread = christoffersen_test(days % 100 == 50, 0.99)
        assert clustered.transitions == ((493, 1), (1, 4))
        assert spread.transitions == ((489, 5), (5, 0))
        assert clustered.independence_p_value < 1e-6
        assert clustered.p_value < 1e-5
        assert spread.independence_p_value > 0.7
        assert spread.p_value > 0.9

    def test_by_hand_from_the_counts(self) -> None:
        exceptions = [0, 0, 1, 1, 0, 0, 0, 1, 0, 1, 1, 1]
        found = christoffersen_test(exceptions, 0.6)
        # n00 = 3, n01 = 3, n10 = 2, n11 = 3.
        assert found.transitions == ((3, 3), (2, 3))
        separate = 6 * math.log(1 / 2) + 2 * math.log(2 / 5) + 3 * math.log(3 / 5)
        joint = 5 * math.log(5 / 11) + 6 * math.log(6 / 11)
        assert_allclose(found.independence_statistic, 2 * (separate - joint), rtol=1e-11)
        promised = 5 * math.log(0.6) + 6 * math.log(0.4)
        assert_allclose(found.coverage_statistic, 2 * (joint - promised), rtol=1e-11)
        assert found.statistic == found.coverage_statistic + found.independence_statistic

    def test_p_values_are_chi_squared(self) -> None:
        rng = np.random.default_rng(0)
        for chance in (0.02, 0.1, 0.4):
            found = christoffersen_test(rng.random(300) < chance, 0.95)
            assert_allclose(found.p_value, stats.chi2.sf(found.statistic, 2), rtol=CLOSED_FORM)
            for part in ("coverage", "independence"):
                statistic = getattr(found, f"{part}_statistic")
                expected = stats.chi2.sf(statistic, 1)
                assert_allclose(getattr(found, f"{part}_p_value"), expected, rtol=CLOSED_FORM)

    def test_coverage_is_kupiec_from_the_second_day_on(self) -> None:
        exceptions = np.array([True] + [False] * 200 + [True] * 3)
        found = christoffersen_test(exceptions, 0.99)
        kupiec = kupiec_test(3, 203, 0.99)
        assert (found.coverage_statistic, found.coverage_p_value) == (kupiec.statistic, kupiec.p_value)

    @pytest.mark.parametrize("everyday", [False, True])
    def test_all_days_alike_say_nothing_of_independence(self, everyday: bool) -> None:
        found = christoffersen_test([everyday] * 20, 0.95)
        assert (found.independence_statistic, found.independence_p_value) == (0.0, 1.0)
        assert found.statistic == found.coverage_statistic

    def test_what_counts_as_exceptions(self) -> None:
        plain = [True, False, False, True, True, False]
        expected = christoffersen_test(plain, 0.9)
        for same in (
            np.array(plain),
            np.array(plain, dtype=float),
            np.repeat(plain, 2)[::2],
            pd.Series(plain, index=pd.date_range("2020", periods=6)),
            pl.Series(plain),
            tuple(map(int, plain)),
        ):
            assert christoffersen_test(same, 0.9) == expected

    def test_refused(self) -> None:
        with pytest.raises(NotEnoughDataError, match="at least 2 observations, got 1"):
            christoffersen_test([True], 0.99)
        with pytest.raises(ParameterError, match=r"-0.02 at index 1.*returns < -value_at_risk"):
            christoffersen_test([0, -0.02, 1], 0.99)
        with pytest.raises(NonFiniteError, match="index 2"):
            christoffersen_test([0, 1, math.nan], 0.99)
        with pytest.raises(ParameterError, match="confidence_level"):
            christoffersen_test([0, 1], 1.0)
        with pytest.raises(ShapeError):
            christoffersen_test([[0, 1]], 0.99)


class TestTrafficLight:
    def test_the_published_zones(self) -> None:
        zones = [traffic_light(n, 250).zone for n in range(251)]
        assert zones == ["green"] * 5 + ["yellow"] * 5 + ["red"] * 241

    def test_the_published_probabilities(self) -> None:
        # Basel Committee (1996), table 2: cumulative probabilities in percent.
        published = {0: 8.11, 1: 28.58, 2: 54.32, 3: 75.81, 4: 89.22, 5: 95.88, 6: 98.63, 9: 99.97, 10: 99.99}
        for n, percent in published.items():
            assert round(100 * traffic_light(n, 250).cumulative_probability, 2) == percent

    @pytest.mark.parametrize("n_observations", [1, 17, 250, 100_000])
    @pytest.mark.parametrize("level", [0.001, 0.5, 0.99, 0.9999])
    def test_against_scipy(self, n_observations: int, level: float) -> None:
        for x in sorted({0, 1, n_observations // 100, n_observations // 2, n_observations}):
            light = traffic_light(x, n_observations, level)
            binomial = stats.binom(n_observations, 1 - level)
            # scipy's own continued fraction loses some digits for many observations.
            assert_allclose(light.cumulative_probability, binomial.cdf(x), rtol=1e-9, atol=1e-290)
            assert_allclose(light.p_value, binomial.sf(x - 1), rtol=1e-9, atol=1e-290)
            assert light.statistic == x


RNG = np.random.default_rng(11)
NORMAL_VAR, NORMAL_ES = 1.959964, 2.337803


class TestAcerbiSzekely:
    def test_by_hand(self) -> None:
        found = acerbi_szekely_test([0.01, -0.03, -0.02, -0.05], 0.02, 0.04, confidence_level=0.75)
        # Exactly the value at risk is no exception; two losses of 0.08 in all, one of 0.04 expected.
        assert found.n_exceptions == 2
        assert_allclose((found.z1, found.statistic), (0, -1), atol=1e-14)

    def test_no_exception(self) -> None:
        found = acerbi_szekely_test([0.01] * 250, 0.02, 0.03)
        assert (found.statistic, found.p_value, found.n_exceptions) == (1.0, 1.0, 0)
        assert math.isnan(found.z1)

    @pytest.mark.parametrize(
        ("degrees", "published"),
        # Acerbi and Szekely (2014): -0.70 for all but the fattest tails, -0.82 for three degrees.
        [(math.inf, -0.70), (100, -0.70), (3, -0.82)],
    )
    def test_published_critical_values(self, degrees: float, published: float) -> None:
        found = acerbi_szekely_test([0.0] * 250, 0.02, 0.03, degrees_of_freedom=degrees)
        assert round(found.critical_value, 2) == published

    @pytest.mark.parametrize("degrees", [100.0, 5.0, 2.5])
    @pytest.mark.parametrize(("n", "level"), [(250, 0.975), (40, 0.9)])
    def test_p_values_against_simulation(self, degrees: float, n: int, level: float) -> None:
        law = stats.norm() if degrees == 100 else stats.t(degrees)
        draws = law.rvs((40_000, n), random_state=RNG)
        var = law.ppf(level)
        shortfall = law.expect(lambda x: x, lb=var) / (1 - level)
        z2 = 1 + np.where(draws < -var, draws / shortfall, 0).sum(axis=1) / (n * (1 - level))
        for chance in (0.01, 0.05, 0.5):
            z = np.quantile(z2, chance)
            # One exception whose size gives this statistic.
            crash = (1 - z) * n * (1 - level) * shortfall
            returns = np.append(np.zeros(n - 1), -crash)
            found = acerbi_szekely_test(
                returns, var, shortfall, confidence_level=level, degrees_of_freedom=degrees
            )
            assert_allclose(found.statistic, z)
            assert_allclose(found.p_value, chance, atol=5 * math.sqrt(chance / len(z2)) + 1e-4)

    def test_p_value_and_critical_value_agree(self) -> None:
        returns = np.zeros(250)
        critical = acerbi_szekely_test(returns, 0.02, 0.03).critical_value
        returns[7] = -(1 - critical) * 250 * 0.025 * 0.03
        assert_allclose(acerbi_szekely_test(returns, 0.02, 0.03).p_value, 0.05, atol=1e-6)

    def test_the_tail_is_read_off_the_forecasts(self) -> None:
        for degrees in (3.0, 5.0, 20.0):
            law = stats.t(degrees)
            var = law.ppf(0.975)
            shortfall = law.expect(lambda x: x, lb=var) / 0.025
            scale = RNG.uniform(0.5, 2, 250)
            found = acerbi_szekely_test(np.zeros(250), var * scale, shortfall * scale)
            assert_allclose(found.degrees_of_freedom, degrees, rtol=1e-5)
        zeros = np.zeros(250)
        assert acerbi_szekely_test(zeros, NORMAL_VAR, NORMAL_ES).degrees_of_freedom > 99
        assert acerbi_szekely_test(zeros, 1.0, 1.0).degrees_of_freedom == 100
        assert acerbi_szekely_test(zeros, 1.0, 9.0).degrees_of_freedom == 2.5
        # No loss to measure a ratio by.
        assert acerbi_szekely_test(zeros, -0.1, 0.2).degrees_of_freedom == 100

    def test_a_crash_is_rejected_whatever_its_size(self) -> None:
        for crash in (1.0, 1e6, 1e300):
            found = acerbi_szekely_test([-crash] + [0.0] * 249, 0.02, 0.03)
            assert found.p_value < 1e-3
            assert found.statistic < found.critical_value

    def test_unit_of_the_forecasts_does_not_matter(self) -> None:
        returns = RNG.standard_t(4, 250)
        small = acerbi_szekely_test(returns * 0.01, 0.02, 0.03)
        large = acerbi_szekely_test(returns * 10, 20, 30)
        assert_allclose(dataclasses.astuple(small), dataclasses.astuple(large), rtol=1e-9)

    def test_labels_must_fit(self) -> None:
        days = pd.date_range("2020-01-01", periods=30, tz="UTC")
        returns = pd.Series(RNG.permutation([-0.05, -0.03] + [0.01] * 28), index=days)
        var = pd.Series(0.02, index=days)
        found = acerbi_szekely_test(returns, var, 1.2 * var)
        assert found == acerbi_szekely_test(returns.to_numpy(), 0.02, 1.2 * 0.02)
        with pytest.raises(ShapeError, match="returns and value_at_risk have different time labels"):
            acerbi_szekely_test(returns, var.shift(freq="D"), var)
        with pytest.raises(ShapeError, match="returns has 30 observations and expected_shortfall 29"):
            acerbi_szekely_test(returns, var, var[1:])

    def test_refused(self) -> None:
        zeros = np.zeros(3)
        with pytest.raises(ParameterError, match=r"0.02 at index 1.*swapped"):
            acerbi_szekely_test(zeros, [0.01, 0.03, 0.01], [0.02, 0.02, 0.02])
        with pytest.raises(ParameterError, match=r"0.0 at index 2.*positive loss"):
            acerbi_szekely_test(zeros, -0.1, [0.02, 0.02, 0.0])
        with pytest.raises(NonFiniteError, match="value_at_risk holds nan at index 0"):
            acerbi_szekely_test(zeros, [math.nan, 0.1, 0.1], 0.2)
        with pytest.raises(NonFiniteError, match="returns holds inf at index 1"):
            acerbi_szekely_test([0, math.inf, 0], 0.1, 0.2)
        with pytest.raises(EmptyInputError):
            acerbi_szekely_test([], 0.1, 0.2)
        for level in (0.49, 1.0, math.nan):
            with pytest.raises(ParameterError, match="confidence_level is"):
                acerbi_szekely_test(zeros, 0.1, 0.2, confidence_level=level)
        for degrees in (2.0, math.nan, "five", -1):
            with pytest.raises(ParameterError, match="degrees_of_freedom is"):
                acerbi_szekely_test(zeros, 0.1, 0.2, degrees_of_freedom=degrees)


def test_results_are_frozen() -> None:
    for result in (
        kupiec_test(1, 100, 0.99),
        christoffersen_test([0, 1, 0], 0.99),
        traffic_light(1, 100),
        acerbi_szekely_test([0.0], 0.1, 0.2),
    ):
        with pytest.raises(dataclasses.FrozenInstanceError):
            result.statistic = 0.0
