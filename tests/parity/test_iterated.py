"""The iterated EWMA covariance against its reference code, pandas and its twin, and online against batch."""

from __future__ import annotations

import copy

import numpy as np
import pandas as pd
import pytest

from poise.moments import IteratedEwmaCovariance
from tests.reference.iterated import IteratedTwin, reference_code
from tests.reference.moments import largest_error
from tests.tolerances import CLOSED_FORM, NEAR_SINGULAR


def heavy_tails(n_observations=200, n_assets=5, seed=0):
    rng = np.random.default_rng(seed)
    market = rng.standard_t(3, size=(n_observations, 1))
    return 0.01 * (market + rng.standard_t(3, size=(n_observations, n_assets)))


def with_gaps(share, seed=1):
    """Gaps everywhere, a missing row, one asset that stands still and two that are listed late."""
    R = heavy_tails(seed=seed)
    R[:, 2] = 0.0
    R[np.random.default_rng(seed).random(R.shape) < share] = np.nan
    R[120] = np.nan
    R[:60, 3] = np.nan
    R[:90, 4] = np.nan
    return R


def waves():
    t = np.arange(120.0)[:, np.newaxis]
    R = 0.01 * (np.sin(1.7 * t) + np.cos(t * [1.1, 2.3, 3.1]))
    R[60, 1], R[90] = 0.2, -0.3
    return R


# iterated_ewma(pd.DataFrame(waves()), 10, 30, min_periods_vola=5, min_periods_cov=1, clip_at=...) of
# cvxcovariance 0.1.9, its last covariance, lower triangle by rows.
GOLDEN = {
    4.2: [
        0.00012711400130051528,
        6.570684496042164e-05,
        0.00010154128679458422,
        6.9515823920409e-05,
        5.8522560992722436e-05,
        9.098207318162283e-05,
    ],
    None: [
        0.0009175068706987667,
        0.0005340491186629311,
        0.0009371636392300484,
        0.0005621179500833377,
        0.0005145002099300473,
        0.0008767015346430847,
    ],
}


@pytest.mark.parametrize("winsor", [4.2, None])
def test_equals_the_reference_code_on_golden_numbers(winsor):
    estimator = IteratedEwmaCovariance(10, 30, whiten_lag=0, winsor=winsor).fit(waves())
    actual = estimator.covariance_[np.tril_indices(3)]
    assert largest_error(actual, GOLDEN[winsor]) < CLOSED_FORM
    assert (
        largest_error(reference_code(waves(), 10, 30, winsor)[np.tril_indices(3)], GOLDEN[winsor])
        < CLOSED_FORM
    )


@pytest.mark.parametrize("winsor", [4.2, 2.0, None])
@pytest.mark.parametrize("half_lives", [(21, 63), (2.5, 7.0), (63, 21)])
def test_equals_the_documented_recursion(winsor, half_lives):
    for seed in range(5):
        R = heavy_tails(seed=seed)
        estimator = IteratedEwmaCovariance(*half_lives, whiten_lag=0, winsor=winsor).fit(R)
        assert largest_error(estimator.covariance_, reference_code(R, *half_lives, winsor)) < CLOSED_FORM


def test_without_winsor_both_stages_are_those_of_pandas():
    R = pd.DataFrame(heavy_tails())
    volatility = np.sqrt((R**2).ewm(halflife=21).mean())
    z = (R / volatility.shift(1)).iloc[4:]
    products = pd.DataFrame({(i, j): z[i] * z[j] for i in z for j in z})
    S = products.ewm(halflife=63).mean().iloc[-1].to_numpy().reshape(5, 5)
    deviation = np.sqrt(np.diag(S))
    estimator = IteratedEwmaCovariance(winsor=None).fit(R)
    assert largest_error(estimator.correlation_, S / np.outer(deviation, deviation)) < CLOSED_FORM
    assert largest_error(estimator.volatility_, volatility.iloc[-1]) < CLOSED_FORM


@pytest.mark.parametrize("whiten_lag", [1, 0])
@pytest.mark.parametrize("winsor", [4.2, 1.5, None])
@pytest.mark.parametrize("share", [0.0, 0.05, 0.4])
def test_equals_the_twin_after_every_row(share, winsor, whiten_lag):
    rule = {"whiten_lag": whiten_lag, "winsor": winsor}
    R = with_gaps(share)
    twin = IteratedTwin(5, 15.0, 30.0, **rule)
    estimator = IteratedEwmaCovariance(15.0, 30.0, **rule)
    for row in R:
        twin.update(row)
        estimator.partial_fit(row)
        assert largest_error(estimator.correlation_, twin.correlation()) < CLOSED_FORM
        assert largest_error(estimator.covariance_, twin.covariance()) < CLOSED_FORM
        assert largest_error(estimator.volatility_, twin.volatility()) < CLOSED_FORM
    assert {3, 4} <= set(twin.members)  # the late ones did join, so that rule was compared too


def test_scaled_rows_equal_the_twin():
    """Three new assets beside twenty older ones, of whose many correlations a short row cannot be sure."""
    R = heavy_tails(110, 23, seed=5)
    R[:70, 21:] = np.nan
    R[:65, 20] = np.nan
    twin = IteratedTwin(23, 15.0, 30.0)
    estimator = IteratedEwmaCovariance(15.0, 30.0)
    scaled = 0
    for row in R:
        twin.update(row)
        estimator.partial_fit(row)
        assert largest_error(estimator.correlation_, twin.correlation()) < NEAR_SINGULAR
        R_members, order = twin.correlation_of_members()
        scaled += sum(not twin.fitted_row(i, R_members, order)[1] for i in twin.newcomers)
    assert scaled > 10


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_stream_batch_and_restored_state_are_one_bit_for_bit(share):
    R = with_gaps(share)
    stream = IteratedEwmaCovariance(15.0, 30.0)
    for t, row in enumerate(R):
        stream.partial_fit(row)
        if t % 23 == 0:
            stream = IteratedEwmaCovariance.from_bytes(stream.to_bytes())
            batch = IteratedEwmaCovariance(15.0, 30.0).fit(R[: t + 1])
            assert stream.to_bytes() == batch.to_bytes()
            np.testing.assert_array_equal(stream.covariance_, batch.covariance_)
    assert stream.to_bytes() == IteratedEwmaCovariance(15.0, 30.0).fit(R).to_bytes()


def test_layout_does_not_matter():
    R = with_gaps(0.2)
    expected = IteratedEwmaCovariance().fit(R).to_bytes()
    wide = np.full((200, 10), 9.0)
    wide[:, ::2] = R
    for view in (np.asfortranarray(R), wide[:, ::2], R[::-1][::-1]):
        assert IteratedEwmaCovariance().fit(view).to_bytes() == expected


@pytest.mark.parametrize("n_assets", [2, 7, 8, 31])
def test_what_a_book_is_told_is_what_the_matrix_says(n_assets):
    estimator = IteratedEwmaCovariance().fit(heavy_tails(120, n_assets, seed=n_assets))
    rng = np.random.default_rng(n_assets)
    for held in (n_assets, n_assets - 1, 1, 0):
        weights = np.zeros(n_assets)
        weights[rng.permutation(n_assets)[:held]] = rng.normal(size=held)
        found = estimator.book_moments(weights)
        exposures, correlation = weights * estimator.volatility_, estimator.correlation_
        block = correlation[np.ix_(weights != 0.0, weights != 0.0)]
        pairs = block[np.triu_indices(held, 1)]
        np.testing.assert_allclose(
            found.variance, exposures @ correlation @ exposures, rtol=1e-12, atol=1e-20
        )
        np.testing.assert_allclose(
            found[1:4],
            [exposures.sum(), (exposures**2).sum(), np.abs(exposures).sum()],
            rtol=1e-12,
            atol=1e-18,
        )
        assert found.n_held == held
        np.testing.assert_allclose(
            found.mean_correlation_held, pairs.mean() if held > 1 else np.nan, atol=1e-14
        )
        everyone = correlation[np.triu_indices(n_assets, 1)].mean()
        np.testing.assert_allclose(found.mean_correlation, everyone, atol=1e-14)


def test_a_book_is_told_nothing_where_the_matrix_is_not_whole():
    young, late, still = heavy_tails(15), heavy_tails(60), heavy_tails(60)
    late[:30, 4], still[:, 1] = np.nan, 0.0
    for R in (young, late, still):
        assert IteratedEwmaCovariance().fit(R).book_moments(np.full(5, 0.2)) is None


def test_a_copy_goes_on_alone():
    estimator = IteratedEwmaCovariance().fit(heavy_tails(60))
    twin = copy.copy(estimator)
    before = estimator.correlation_
    twin.partial_fit(heavy_tails(1, seed=3)[0])
    assert np.array_equal(estimator.correlation_, before)
    estimator.partial_fit(heavy_tails(1, seed=3)[0])
    assert np.array_equal(estimator.covariance_, twin.covariance_)
