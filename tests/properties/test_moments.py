"""What must hold of the moments whatever the returns."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from poise.moments import (
    EwmaCovariance,
    constant_correlation_shrinkage,
    ewma_correlation,
    ewma_covariance,
    sample_covariance,
)
from tests.reference.moments import largest_error
from tests.tolerances import CLOSED_FORM

checked = settings(max_examples=60, deadline=None)

# Rounding leaves a positive semidefinite matrix this far below zero, relative to its largest entry.
SEMIDEFINITE = 1e-12

shapes = st.tuples(st.integers(1, 30), st.integers(1, 6))
values = st.floats(-0.5, 0.5, width=32)
clean = arrays(np.float64, shapes, elements=values)
gapped = arrays(np.float64, shapes, elements=values | st.just(np.nan))
half_lives = st.floats(0.5, 100.0)
rules = st.fixed_dictionaries(
    {
        "half_life": half_lives,
        "adjust": st.booleans(),
        "bias": st.booleans(),
        "ignore_na": st.booleans(),
        "demean": st.booleans(),
    }
)


def smallest_eigenvalue(matrix):
    scale = np.abs(matrix).max()
    return np.linalg.eigvalsh(matrix / scale).min() if scale > 0.0 else 0.0


@checked
@given(R=clean, rule=rules)
def test_complete_returns_give_symmetric_positive_semidefinite_matrices(R, rule):
    rule["bias"] = True
    covariance = ewma_covariance(R, **rule)
    np.testing.assert_array_equal(covariance, covariance.T)
    assert smallest_eigenvalue(covariance) > -SEMIDEFINITE
    correlation = EwmaCovariance(**rule).fit(R).correlation_
    np.testing.assert_array_equal(np.diag(correlation), 1.0)
    assert smallest_eigenvalue(correlation) > -SEMIDEFINITE
    assert np.abs(correlation).max() <= 1.0


@checked
@given(R=gapped, rule=rules)
def test_correlations_stay_within_one(R, rule):
    correlation = ewma_correlation(R, last=False, **rule)
    assert not (np.abs(correlation) > 1.0).any()
    diagonal = np.diagonal(correlation, axis1=1, axis2=2)
    assert ((diagonal == 1.0) | np.isnan(diagonal)).all()


@checked
@given(R=gapped, rule=rules, seed=st.integers(0, 1000))
def test_permuting_assets_permutes_the_answer(R, rule, seed):
    order = np.random.default_rng(seed).permutation(R.shape[1])
    direct = ewma_covariance(R, **rule)
    permuted = ewma_covariance(R[:, order], **rule)
    assert largest_error(permuted, direct[np.ix_(order, order)]) < CLOSED_FORM


@checked
@given(R=gapped, rule=rules, power=st.integers(-40, 40))
def test_scaling_returns_scales_the_answer_exactly(R, rule, power):
    scale = 2.0**power
    np.testing.assert_array_equal(ewma_covariance(scale * R, **rule), scale**2 * ewma_covariance(R, **rule))
    np.testing.assert_array_equal(ewma_correlation(scale * R, **rule), ewma_correlation(R, **rule))


@checked
@given(R=gapped, rule=rules)
def test_a_duplicated_asset_is_its_twin(R, rule):
    twice = ewma_covariance(np.column_stack([R, R[:, 0]]), **rule)
    np.testing.assert_array_equal(twice[-1], twice[0])
    np.testing.assert_array_equal(twice[-1, -1], twice[0, 0])


@checked
@given(R=gapped, rule=rules, cut=st.integers(1, 30))
def test_the_future_changes_nothing(R, rule, cut):
    altered = R.copy()
    altered[cut:] = 7.0
    before, after = (ewma_covariance(rows, last=False, **rule)[:cut] for rows in (R, altered))
    assert largest_error(after, before) < CLOSED_FORM


@checked
@given(R=gapped, rule=rules, cut=st.integers(0, 30))
def test_a_saved_state_goes_on_bit_for_bit(R, rule, cut):
    whole = EwmaCovariance(**rule)
    parts = EwmaCovariance(**rule)
    for t, row in enumerate(R):
        whole.partial_fit(row)
        parts.partial_fit(row)
        if t == cut:
            parts = EwmaCovariance.from_bytes(parts.to_bytes())
    assert whole.to_bytes() == parts.to_bytes()
    np.testing.assert_array_equal(whole.covariance_, parts.covariance_)


@checked
@given(R=gapped, rule=rules)
def test_memory_layout_does_not_matter(R, rule):
    n_observations, n_assets = R.shape
    wide = np.full((2 * n_observations, 3 * n_assets), 9.0)
    wide[::2, ::3] = R
    read_only = R.copy()
    read_only.flags.writeable = False
    expected = ewma_covariance(R, last=False, **rule)
    for view in (wide[::2, ::3], np.asfortranarray(R), read_only, R[::-1].copy()[::-1], R.astype(">f8")):
        np.testing.assert_array_equal(ewma_covariance(view, last=False, **rule), expected)
        assert largest_error(ewma_covariance(view, **rule), expected[-1]) < CLOSED_FORM


@checked
@given(R=clean)
def test_sample_covariance_is_the_limit_of_long_half_lives(R):
    if len(R) > 1:
        assert largest_error(ewma_covariance(R, half_life=1e9), sample_covariance(R)) < 1e-6


@checked
@given(R=arrays(np.float64, st.tuples(st.integers(2, 30), st.integers(1, 6)), elements=values))
def test_shrinkage_keeps_variances_and_stays_positive_semidefinite(R):
    covariance, intensity = constant_correlation_shrinkage(R)
    assert 0.0 <= intensity <= 1.0
    np.testing.assert_array_equal(np.diag(covariance), np.diag(sample_covariance(R, ddof=0)))
    assert smallest_eigenvalue(covariance) > -SEMIDEFINITE
