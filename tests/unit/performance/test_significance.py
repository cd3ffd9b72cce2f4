import math
from statistics import NormalDist

import numpy as np
import pytest

from poise.errors import NonFiniteError, ParameterError
from poise.performance import (
    deflated_sharpe_ratio,
    expected_maximum_sharpe_ratio,
    minimum_track_record_length,
    probabilistic_sharpe_ratio,
    sharpe_ratio,
)
from poise.performance.significance import probability_above
from tests.tolerances import CLOSED_FORM

PUBLISHED = 5e-5
"""Bailey and López de Prado (2014) print their example to four digits."""


def two_point_sample() -> np.ndarray:
    """Daily returns over five years with skewness -3, kurtosis 10 and an annual Sharpe ratio of 2.5, nearly.

    Kurtosis is as low as this skewness allows, so only two values occur: 105 of 1250 are the low one.
    """
    sample = np.where(np.arange(1250) % 250 % 12 == 0, -1.0, 0.0)
    assert (sample < 0).sum() == 105
    standard = (sample - sample.mean()) / sample.std(ddof=1)
    return 0.01 * (standard + 2.5 / math.sqrt(250))


def test_published_expected_maximum() -> None:
    assert expected_maximum_sharpe_ratio(100, 0.5 / 250) == pytest.approx(0.1132, abs=PUBLISHED)


@pytest.mark.parametrize(
    ("n_trials", "skewness", "kurtosis", "published"),
    [(100, -3.0, 10.0, 0.9003968344), (46, -3.0, 10.0, 0.9505017069), (88, 0.0, 3.0, 0.9504908167)],
)
def test_published_deflated_sharpe_ratio(n_trials, skewness, kurtosis, published) -> None:
    """Printed as .9004, .9505 and .9505."""
    probability = probability_above(
        expected_maximum_sharpe_ratio(n_trials, 0.5 / 250),
        sharpe=2.5 / math.sqrt(250),
        n_observations=1250,
        skewness=skewness,
        kurtosis=kurtosis,
    )
    assert probability == pytest.approx(published, abs=1e-9)


def test_published_example_from_returns_and_annual_figures() -> None:
    returns = two_point_sample()
    assert sharpe_ratio(returns, periods_per_year=250) == pytest.approx(2.5, rel=CLOSED_FORM)
    probability = deflated_sharpe_ratio(returns, periods_per_year=250, n_trials=100, sharpe_variance=0.5)
    assert probability == pytest.approx(0.9004, abs=2e-4)  # skewness is -2.9994


def test_against_the_observed_sharpe_ratio_the_odds_are_even() -> None:
    returns = two_point_sample()
    observed = sharpe_ratio(returns, periods_per_year=250)
    assert probabilistic_sharpe_ratio(
        returns, periods_per_year=250, benchmark_sharpe_ratio=observed
    ) == pytest.approx(0.5, abs=1e-12)


def test_symmetric_two_point_sample_by_hand() -> None:
    # Skewness 0, kurtosis 1: the error has no correction at all.
    returns = np.array([0.03, -0.01] * 50)
    sharpe = 0.01 / (0.02 * math.sqrt(100 / 99))
    expected = NormalDist().cdf(sharpe * math.sqrt(99))
    assert probabilistic_sharpe_ratio(returns, periods_per_year=365) == pytest.approx(expected, rel=1e-12)


def test_the_year_does_not_matter_against_zero() -> None:
    returns = two_point_sample()
    daily = probabilistic_sharpe_ratio(returns, periods_per_year=250)
    assert probabilistic_sharpe_ratio(returns, periods_per_year=1) == daily


def test_it_is_the_share_of_samples_that_luck_explains() -> None:
    """On worthless normal returns the probability is uniform, as a p-value should be."""
    rng = np.random.default_rng(8)
    psr = probabilistic_sharpe_ratio(rng.normal(0.0, 0.01, (500, 2000)), periods_per_year=252)
    assert np.mean(psr > 0.95) == pytest.approx(0.05, abs=0.015)
    assert np.mean(psr) == pytest.approx(0.5, abs=0.02)


def test_expected_maximum_agrees_with_simulation() -> None:
    best = np.random.default_rng(9).normal(0.0, 2.0, (4000, 50)).max(axis=1)
    assert expected_maximum_sharpe_ratio(50, 4.0) == pytest.approx(best.mean(), rel=0.02)


def test_one_trial_needs_no_deflation() -> None:
    returns = two_point_sample()
    assert expected_maximum_sharpe_ratio(1, 9.0) == 0.0
    assert deflated_sharpe_ratio(
        returns, periods_per_year=250, n_trials=1, sharpe_variance=0.5
    ) == probabilistic_sharpe_ratio(returns, periods_per_year=250)


def test_more_trials_deflate_more() -> None:
    maxima = [expected_maximum_sharpe_ratio(n, 1.0) for n in (1, 1.1, 1.5, 2, 3, 10, 100, 1e6)]
    assert maxima == sorted(maxima)
    assert maxima[0] == 0.0
    assert maxima[-1] == pytest.approx(4.86, abs=0.1)


def test_without_volatility_there_is_nothing_to_test() -> None:
    assert math.isnan(probabilistic_sharpe_ratio([0.01] * 30, periods_per_year=252))
    assert math.isnan(probabilistic_sharpe_ratio([0.01], periods_per_year=252))


def test_what_is_refused() -> None:
    with pytest.raises(NonFiniteError, match="index 1"):
        probabilistic_sharpe_ratio([0.1, np.nan], periods_per_year=252)
    with pytest.raises(ParameterError, match="count the chosen trial"):
        deflated_sharpe_ratio([0.1, 0.2], periods_per_year=252, n_trials=0, sharpe_variance=0.5)
    with pytest.raises(ParameterError, match="sharpe_variance is -1"):
        expected_maximum_sharpe_ratio(10, -1.0)
    with pytest.raises(ParameterError, match="n_trials"):
        expected_maximum_sharpe_ratio(math.inf, 1.0)
    with pytest.raises(ParameterError, match="benchmark_sharpe_ratio"):
        probabilistic_sharpe_ratio([0.1, 0.2], periods_per_year=252, benchmark_sharpe_ratio=math.nan)


@pytest.mark.parametrize(
    ("periods", "shape", "years"),
    [
        (252, {}, 2.7309842752),
        (52, {}, 2.8288335869),
        (12, {}, 3.2398006964),
        (12, {"skewness": -0.72, "kurtosis": 5.78}, 4.9912582239),
    ],
)
def test_minimum_track_records_of_bailey_and_lopez_de_prado(periods, shape, years):
    """Sharpe ratio 2 against 1 at 95 %; published as 2.73, 2.83, 3.24 and 4.99 years."""
    found = minimum_track_record_length(2.0, benchmark_sharpe_ratio=1.0, periods_per_year=periods, **shape)
    assert found == pytest.approx(years, rel=1e-9)


def test_no_record_is_long_enough_without_an_edge():
    assert minimum_track_record_length(1.0, benchmark_sharpe_ratio=1.0, periods_per_year=12) == math.inf
    with pytest.raises(ParameterError, match="confidence_level"):
        minimum_track_record_length(1.0, periods_per_year=12, confidence_level=0.4)
