"""Published values of backtests of value at risk."""

import numpy as np
import pytest
from scipy import stats

from poise.risk import christoffersen_test, kupiec_test, traffic_light


@pytest.mark.parametrize(
    ("failures", "level", "ratio", "p_value"),
    [
        (57, 0.95, 0.46147, 0.49694),
        (59, 0.95, 0.91023, 0.340053),
        (12, 0.99, 0.22768, 0.633251),
        (17, 0.99, 3.51181, 0.060933),
        (22, 0.99, 9.82980, 0.001717),
    ],
)
def test_kupiec_of_matlabs_varbacktest(failures, level, ratio, p_value):
    """MATLAB's documentation of `varbacktest` prints the first; 1043 days."""
    found = kupiec_test(failures, 1043, level)
    assert found.statistic == pytest.approx(ratio, abs=6e-6)
    assert found.p_value == pytest.approx(p_value, abs=6e-6)


@pytest.mark.parametrize(
    ("n", "failures", "level", "ratio"),
    [
        (250, 5, 0.99, 1.956809788),
        (250, 7, 0.99, 5.496990448),
        (250, 10, 0.99, 12.955491062),
        (255, 7, 0.99, 5.316341341),
        (1000, 15, 0.99, 2.189248389),
        (1000, 20, 0.99, 7.827239153),
        (500, 35, 0.95, 3.765076008),
        (252, 0, 0.99, 5.065369270),
    ],
)
def test_kupiec_proportion_of_failures(n, failures, level, ratio):
    assert kupiec_test(failures, n, level).statistic == pytest.approx(ratio, abs=6e-10)


def days_with(n00, n01, n10, n11):
    """A sequence of exceptions with these transitions; it begins and ends without one."""
    assert n01 == n10
    spells = [1] * n01
    spells[0] += n11
    return [False, *(day for spell in spells for day in [True] * spell + [False]), *[False] * (n00)]


@pytest.mark.parametrize(
    ("counts", "ratio", "p_value"),
    [
        ((940, 45, 45, 12), 17.7692292666, 2.4938e-5),
        ((938, 47, 47, 10), 11.4324113337, 7.2174e-4),
        ((935, 50, 50, 7), 4.1474089589, 0.0416983),
        ((1010, 15, 15, 2), 4.8278811135, 0.0280026),
    ],
)
def test_christoffersen_independence(counts, ratio, p_value):
    found = christoffersen_test(days_with(*counts), 0.95)
    assert found.transitions == (counts[:2], counts[2:])
    assert found.independence_statistic == pytest.approx(ratio, abs=6e-10)
    assert found.independence_p_value == pytest.approx(p_value, rel=3e-5)
    assert found.statistic == found.coverage_statistic + found.independence_statistic


def test_critical_values_of_the_two_tests():
    assert stats.chi2.isf(0.05, 1) == pytest.approx(3.841458821, abs=6e-10)
    assert stats.chi2.isf(0.05, 2) == pytest.approx(5.991464547, abs=6e-10)
    # The p-values cross 5 % between the counts whose ratios lie on either side of the critical value.
    assert kupiec_test(6, 250, 0.99).statistic < 3.841458821 < kupiec_test(7, 250, 0.99).statistic
    assert kupiec_test(7, 250, 0.99).p_value < 0.05 < kupiec_test(6, 250, 0.99).p_value


def test_traffic_light_table_of_the_basel_committee():
    """Basel Committee (1996), table 2: 250 days at 99 %, cumulative probabilities in percent."""
    published = [8.11, 28.58, 54.32, 75.81, 89.22, 95.88, 98.63, 99.60, 99.89, 99.97, 99.99]
    zones = ["green"] * 5 + ["yellow"] * 5 + ["red"]
    for exceptions, (percent, zone) in enumerate(zip(published, zones, strict=True)):
        found = traffic_light(exceptions, 250)
        assert round(100.0 * found.cumulative_probability, 2) == percent
        assert found.zone == zone
    everything = [traffic_light(k, 250).p_value for k in range(12)]
    np.testing.assert_allclose(everything, stats.binom.sf(np.arange(12) - 1, 250, 0.01), rtol=1e-10)
