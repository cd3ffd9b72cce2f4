"""What must hold of the iterated EWMA covariance whatever is missing, and what it recovers of the truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from poise.moments import IteratedEwmaCovariance
from tests.reference.moments import largest_error
from tests.tolerances import SOLVER

checked = settings(max_examples=80, deadline=None)

# Rounding leaves a positive semidefinite matrix this far below zero, relative to its largest entry.
SEMIDEFINITE = 1e-12

half_lives = st.floats(0.5, 100.0)
rules = st.fixed_dictionaries(
    {
        "volatility_half_life": half_lives,
        "correlation_half_life": half_lives,
        "whiten_lag": st.sampled_from([0, 1]),
        "winsor": st.none() | st.floats(1.0, 10.0),
    }
)


@st.composite
def listings(draw):
    """Returns with few degrees of freedom, gaps, repeats, standstills and assets listed late."""
    n_observations, n_assets = draw(st.integers(1, 90)), draw(st.integers(1, 7))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    n_factors = draw(st.integers(1, n_assets + 1))
    R = rng.normal(size=(n_observations, n_factors)) @ rng.normal(size=(n_factors, n_assets))
    R[rng.random(R.shape) < draw(st.sampled_from([0.0, 0.1, 0.5, 0.8]))] = np.nan
    for asset in range(n_assets):
        kind = draw(st.sampled_from(["as it is", "still", "late", "twin", "delisted"]))
        turn = draw(st.integers(0, n_observations))
        if kind == "still":
            R[:turn, asset] = 0.0
        elif kind == "late":
            R[:turn, asset] = np.nan
        elif kind == "twin":
            R[:, asset] = R[:, 0]
        elif kind == "delisted":
            R[turn:, asset] = np.nan
    return 0.01 * R


def check_shown_part(estimator, R):
    correlation = estimator.correlation_
    enough = (~np.isnan(R)).sum(axis=0) >= 20
    np.testing.assert_array_equal(np.isnan(correlation), ~np.outer(enough, enough))
    shown = correlation[np.ix_(enough, enough)]
    np.testing.assert_array_equal(np.diag(shown), 1.0)
    np.testing.assert_array_equal(shown, shown.T)
    assert (np.abs(shown) <= 1.0).all()
    covariance = estimator.covariance_[np.ix_(enough, enough)]
    assert largest_error(np.diag(covariance), estimator.volatility_[enough] ** 2) < SEMIDEFINITE
    for matrix in (shown, covariance):
        scale = np.abs(matrix).max(initial=0.0)
        if scale > 0.0:
            assert np.linalg.eigvalsh(matrix / scale).min() > -SEMIDEFINITE


@checked
@given(R=listings(), rule=rules)
def test_what_is_shown_is_positive_semidefinite_after_every_row(R, rule):
    estimator = IteratedEwmaCovariance(**rule)
    for t, row in enumerate(R):
        estimator.partial_fit(row)
        if t >= 18:
            check_shown_part(estimator, R[: t + 1])


@checked
@given(
    R=arrays(
        np.float64,
        st.tuples(st.integers(1, 60), st.integers(1, 5)),
        elements=st.floats(-0.5, 0.5) | st.just(np.nan),
    ),
    rule=rules,
)
def test_no_returns_break_it(R, rule):
    check_shown_part(IteratedEwmaCovariance(**rule).fit(R), R)


@checked
@given(
    seed=st.integers(0, 10_000),
    share=st.sampled_from([0.0, 0.2, 0.5]),
    half_lives=st.tuples(st.floats(10.0, 100.0), st.floats(10.0, 100.0)),
)
def test_permuting_assets_of_one_age_permutes_the_answer(seed, share, half_lives):
    rng = np.random.default_rng(seed)
    R = rng.normal(size=(80, 5)) @ rng.normal(size=(5, 5))
    R[20:][rng.random((60, 5)) < share] = np.nan
    order = rng.permutation(5)
    direct = IteratedEwmaCovariance(*half_lives).fit(R)
    permuted = IteratedEwmaCovariance(*half_lives).fit(R[:, order])
    # Another order of elimination: rounding grows with the condition of what is solved.
    assert largest_error(permuted.covariance_, direct.covariance_[np.ix_(order, order)]) < SOLVER


@checked
@given(seed=st.integers(0, 10_000))
def test_permuting_assets_of_different_ages_does_too(seed):
    rng = np.random.default_rng(seed)
    R = rng.normal(size=(90, 6)) @ rng.normal(size=(6, 6))
    for asset, listed in ((3, 20), (4, 35), (5, 50)):
        R[:listed, asset] = np.nan
    order = rng.permutation(6)
    direct = IteratedEwmaCovariance(10.0, 15.0).fit(R)
    permuted = IteratedEwmaCovariance(10.0, 15.0).fit(R[:, order])
    assert largest_error(permuted.covariance_, direct.covariance_[np.ix_(order, order)]) < SOLVER


@checked
@given(R=listings(), rule=rules, power=st.integers(-20, 20))
def test_scaling_one_asset_scales_its_row_exactly(R, rule, power):
    direct = IteratedEwmaCovariance(**rule).fit(R)
    scale = np.ones(R.shape[1])
    scale[0] = 2.0**power
    scaled = IteratedEwmaCovariance(**rule).fit(R * scale)
    np.testing.assert_array_equal(scaled.correlation_, direct.correlation_)
    np.testing.assert_array_equal(scaled.covariance_, direct.covariance_ * np.outer(scale, scale))


@checked
@given(R=listings(), rule=rules, cut=st.floats(0.0, 1.0))
def test_a_state_restored_anywhere_continues_bit_for_bit(R, rule, cut):
    cut = max(1, int(cut * len(R)))
    parts = IteratedEwmaCovariance.from_bytes(IteratedEwmaCovariance(**rule).fit(R[:cut]).to_bytes())
    for row in R[cut:]:
        parts.partial_fit(row)
    assert parts.to_bytes() == IteratedEwmaCovariance(**rule).fit(R).to_bytes()


TRUTH = np.array([[1.0, 0.8, 0.5], [0.8, 1.0, 0.6], [0.5, 0.6, 1.0]])


def drawn(truth, n_observations, seed):
    rng = np.random.default_rng(seed)
    return 0.01 * rng.normal(size=(n_observations, len(truth))) @ np.linalg.cholesky(truth).T


def test_gaps_do_not_bias_the_correlation():
    """Three tenths missing: filling with zeros would show 0.80 as 0.56."""
    found = []
    for seed in range(20):
        R = drawn(TRUTH, 2500, seed)
        R[np.random.default_rng(seed + 1000).random(R.shape) < 0.3] = np.nan
        found.append(IteratedEwmaCovariance(60, 250).fit(R).correlation_)
    # Twenty runs with 720 effective rows each: a standard error of 0.003 to 0.008.
    assert np.abs(np.mean(found, axis=0) - TRUTH).max() < 0.02


@pytest.mark.parametrize("n_own", [25, 40, 80])
def test_a_late_listing_is_not_pulled_towards_zero(n_own):
    """Half-lives of 40: a row that began at zero with the others would show 0.60 as 0.43 after 40 bars."""
    truth = np.full((5, 5), 0.6) + 0.4 * np.eye(5)
    found = []
    for seed in range(200):
        R = drawn(truth, 300 + n_own, seed)
        R[:300, 4] = np.nan
        found.append(IteratedEwmaCovariance(40, 40).fit(R).correlation_[4, :4].mean())
    assert abs(np.mean(found) - 0.6) < 0.03


def test_joining_moves_nothing():
    """The bar on which a new asset joins the others is a bar like any other."""
    truth = np.full((5, 5), 0.6) + 0.4 * np.eye(5)
    for seed in range(20):
        R = drawn(truth, 300, seed)
        R[:200, 4] = np.nan
        estimator = IteratedEwmaCovariance(40, 40).fit(R[:235])
        before = estimator.correlation_
        steps = []
        for row in R[235:255]:
            after = estimator.partial_fit(row).correlation_
            steps.append(np.abs(after - before).max())
            before = after
        assert max(steps) < 0.2


def test_an_asset_that_stands_still_has_no_correlation():
    R = drawn(TRUTH, 100, 3)
    R[:, 1] = 0.0
    gapped = R.copy()
    gapped[50:60, 0] = np.nan
    gapped[70, 1] = np.nan
    for rows in (R, gapped):
        estimator = IteratedEwmaCovariance().fit(rows)
        np.testing.assert_array_equal(estimator.correlation_[1], [0.0, 1.0, 0.0])
        np.testing.assert_array_equal(estimator.covariance_[1], 0.0)
        np.testing.assert_array_equal(estimator.degenerate_, [False, True, False])
        assert estimator.volatility_[1] == 0.0


def test_a_stablecoin_that_breaks_its_peg_is_noticed():
    R = drawn(TRUTH, 200, 4)
    R[:100, 1] = 0.0
    estimator = IteratedEwmaCovariance().fit(R)
    assert estimator.volatility_[1] > 0.005
    assert estimator.correlation_[0, 1] > 0.5
