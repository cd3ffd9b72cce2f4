"""What must hold of static estimators whatever the returns."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from poise.moments import (
    hayashi_yoshida,
    ledoit_wolf,
    nearest_correlation,
    nonlinear_shrinkage,
    oas,
    sample_covariance,
)
from tests.reference.moments import largest_error
from tests.tolerances import CLOSED_FORM, SOLVER

checked = settings(max_examples=60, deadline=None)

# Rounding leaves a positive semidefinite matrix this far below zero, relative to its largest entry.
SEMIDEFINITE = 1e-12

values = st.floats(-0.5, 0.5, width=32)
returns = arrays(np.float64, st.tuples(st.integers(2, 30), st.integers(1, 6)), elements=values)
long_returns = arrays(np.float64, st.tuples(st.integers(13, 30), st.integers(1, 20)), elements=values)
seeds = st.integers(0, 10_000)


def estimators(R):
    yield lambda rows: ledoit_wolf(rows).covariance
    yield lambda rows: oas(rows).covariance
    yield lambda rows: oas(rows, formula="paper").covariance
    if len(R) >= 13:
        yield nonlinear_shrinkage


def smallest_eigenvalue(matrix):
    scale = np.abs(matrix).max()
    return np.linalg.eigvalsh(matrix / scale).min() if scale > 0.0 else 0.0


def noise(seed, n_observations=40, n_assets=None):
    """Returns without accidental symmetries, for what holds only up to the rounding of eigenvalues."""
    rng = np.random.default_rng(seed)
    n_assets = n_assets or int(rng.integers(2, 60))
    return 0.01 * rng.standard_t(5, size=(n_observations, n_assets)) * rng.uniform(0.2, 3.0, size=n_assets)


@checked
@given(R=returns | long_returns)
def test_answers_are_symmetric_positive_semidefinite_and_finite(R):
    for estimate in estimators(R):
        covariance = estimate(R)
        assert np.isfinite(covariance).all()
        np.testing.assert_array_equal(covariance, covariance.T)
        assert smallest_eigenvalue(covariance) > -SEMIDEFINITE


@checked
@given(R=returns)
def test_identity_shrinkage_keeps_the_total_variance(R):
    total = np.trace(sample_covariance(R, ddof=0))
    for found in (ledoit_wolf(R), oas(R), oas(R, formula="paper")):
        assert 0.0 <= found.intensity <= 1.0
        assert np.trace(found.covariance) == pytest.approx(total, rel=CLOSED_FORM)


@checked
@given(seed=seeds)
def test_permuting_assets_permutes_the_answer(seed):
    R = noise(seed)
    order = np.random.default_rng(seed).permutation(R.shape[1])
    for estimate in estimators(R):
        assert largest_error(estimate(R[:, order]), estimate(R)[np.ix_(order, order)]) < SOLVER


@checked
@given(seed=seeds, power=st.integers(-300, 100))
def test_scaling_returns_scales_the_answer(seed, power):
    R, scale = noise(seed), 2.0**power
    for estimate in estimators(R):
        assert largest_error(estimate(scale * R) / scale / scale, estimate(R)) < SOLVER


@checked
@given(seed=seeds)
def test_rotating_the_assets_rotates_the_answer(seed):
    R = noise(seed)
    turn, _ = np.linalg.qr(np.random.default_rng(seed + 1).normal(size=(R.shape[1],) * 2))
    for estimate in estimators(R):
        assert largest_error(estimate(R @ turn), turn.T @ estimate(R) @ turn) < SOLVER


@checked
@given(seed=seeds)
def test_memory_layout_does_not_matter(seed):
    R = noise(seed)
    wide = np.full((2 * R.shape[0], 3 * R.shape[1]), 9.0)
    wide[::2, ::3] = R
    for estimate in estimators(R):
        for view in (wide[::2, ::3], np.asfortranarray(R), R.astype(">f8")):
            assert largest_error(estimate(view), estimate(R)) < CLOSED_FORM


@checked
@given(seed=seeds)
def test_nonlinear_shrinkage_draws_the_eigenvalues_together(seed):
    R = noise(seed, n_assets=20)
    raw, shrunk = (np.linalg.eigvalsh(matrix) for matrix in (sample_covariance(R), nonlinear_shrinkage(R)))
    assert shrunk[-1] / shrunk[0] < raw[-1] / raw[0]


@checked
@given(seed=seeds)
def test_a_constant_asset_changes_nothing_for_the_others(seed):
    R = noise(seed, n_assets=int(seed % 60) + 1)
    covariance = nonlinear_shrinkage(np.column_stack([R, np.full(len(R), 0.25)]))
    np.testing.assert_array_equal(covariance[-1], 0.0)
    assert largest_error(covariance[:-1, :-1], nonlinear_shrinkage(R)) < SOLVER


def symmetric_with_unit_diagonal(seed, n_assets):
    rng = np.random.default_rng(seed)
    matrix = rng.uniform(-1.2, 1.2, size=(n_assets, n_assets))
    matrix = (matrix + matrix.T) / 2.0
    np.fill_diagonal(matrix, 1.0)
    return matrix


def random_correlation(rng, n_assets):
    factors = rng.normal(size=(n_assets, int(rng.integers(1, n_assets + 2))))
    covariance = factors @ factors.T
    deviations = np.sqrt(np.diag(covariance))
    return covariance / np.outer(deviations, deviations)


@checked
@given(seed=seeds, n_assets=st.integers(1, 12))
def test_the_nearest_correlation_is_one_and_none_is_nearer(seed, n_assets):
    matrix = symmetric_with_unit_diagonal(seed, n_assets)
    near = nearest_correlation(matrix)
    np.testing.assert_array_equal(near, near.T)
    np.testing.assert_array_equal(np.diag(near), 1.0)
    assert np.abs(near).max() <= 1.0
    assert np.linalg.eigvalsh(near)[0] > 0.5e-8
    # The projection on a convex set sees every other member at an obtuse angle.
    rng = np.random.default_rng(seed)
    for _ in range(20):
        other = random_correlation(rng, n_assets)
        assert np.sum((matrix - near) * (other - near)) < 1e-6 * n_assets**2


@checked
@given(seed=seeds, n_assets=st.integers(1, 12))
def test_the_nearest_correlation_of_a_correlation_is_itself(seed, n_assets):
    near = nearest_correlation(symmetric_with_unit_diagonal(seed, n_assets))
    assert np.abs(nearest_correlation(near) - near).max() < 2 * SOLVER
    proper = 0.9 * random_correlation(np.random.default_rng(seed), n_assets) + 0.1 * np.eye(n_assets)
    np.fill_diagonal(proper, 1.0)
    np.testing.assert_array_equal(nearest_correlation((proper + proper.T) / 2.0), (proper + proper.T) / 2.0)


def observed(rng, n):
    times = np.cumsum(rng.integers(1, 10, size=n))
    return times, np.exp(np.cumsum(rng.normal(scale=0.02, size=n)))


@checked
@given(seed=seeds)
def test_hayashi_yoshida_knows_no_first_and_no_unit(seed):
    rng = np.random.default_rng(seed)
    (t, x), (u, y) = observed(rng, 30), observed(rng, 20)
    found = hayashi_yoshida(t, x, u, y)
    assert hayashi_yoshida(u, y, t, x) == pytest.approx(found, rel=CLOSED_FORM)
    assert hayashi_yoshida(60 * t - 999, x, 60 * u - 999, y) == found
    assert hayashi_yoshida(t / 7 - 3, x, u / 7 - 3, y) == found
    assert hayashi_yoshida(t, 3.0 * x, u, 0.1 * y) == pytest.approx(found, rel=1e-9, abs=1e-12)


@checked
@given(seed=seeds)
def test_hayashi_yoshida_of_a_series_with_itself_is_its_own_variance(seed):
    t, x = observed(np.random.default_rng(seed), 30)
    found = hayashi_yoshida(t, x, t, x)
    assert found.covariance == pytest.approx(np.sum(np.diff(np.log(x)) ** 2), rel=CLOSED_FORM)
    assert found.correlation == pytest.approx(1.0, rel=CLOSED_FORM)
