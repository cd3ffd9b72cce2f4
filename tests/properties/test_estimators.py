"""What must hold of the rolling, shrunk, multi-horizon and regime covariances whatever the returns."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from poise.moments import (
    MultiHalfLifeCovariance,
    MultiTimeframeCovariance,
    RegimeCovariance,
    RollingCovariance,
    ShrunkEwmaCovariance,
    rolling_covariance,
)
from tests.reference.estimators import rolling_covariance as exact_rolling
from tests.reference.moments import largest_error
from tests.tolerances import CLOSED_FORM, SOLVER

checked = settings(max_examples=60, deadline=None)

# Rounding leaves a positive semidefinite matrix this far below zero, relative to its largest entry.
SEMIDEFINITE = 1e-12

half_lives = st.floats(0.5, 100.0)
HOUR = np.timedelta64(1, "h")


@st.composite
def listings(draw, most=80):
    """Returns with few degrees of freedom, gaps, repeats, standstills and assets listed late."""
    n_observations, n_assets = draw(st.integers(1, most)), draw(st.integers(1, 6))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    n_factors = draw(st.integers(1, n_assets + 1))
    R = rng.normal(size=(n_observations, n_factors)) @ rng.normal(size=(n_factors, n_assets))
    R[rng.random(R.shape) < draw(st.sampled_from([0.0, 0.05, 0.4]))] = np.nan
    for asset in range(n_assets):
        kind = draw(st.sampled_from(["as it is", "still", "late", "twin", "constant"]))
        turn = draw(st.integers(0, n_observations))
        if kind == "still":
            R[:turn, asset] = 0.0
        elif kind == "late":
            R[:turn, asset] = np.nan
        elif kind == "twin":
            R[:, asset] = R[:, 0]
        elif kind == "constant":
            R[turn:, asset] = 0.5
    return 0.01 * R


def check_semidefinite(matrix):
    known = ~np.isnan(np.diag(matrix))
    np.testing.assert_array_equal(np.isnan(matrix), ~np.outer(known, known))
    part = matrix[np.ix_(known, known)]
    np.testing.assert_array_equal(part, part.T)
    scale = np.abs(part).max(initial=0.0)
    if scale > 0.0:
        assert np.linalg.eigvalsh(part / scale).min() > -SEMIDEFINITE


def weights_of_regimes(n_observations, seed):
    return np.random.default_rng(seed).dirichlet([0.2, 0.5, 1.0], size=n_observations)


@checked
@given(R=listings(), window=st.integers(2, 12), ddof=st.integers(0, 1))
def test_rolling_is_exact_and_semidefinite_at_every_row(R, window, ddof):
    exact = exact_rolling(R, window, ddof=ddof)
    path = rolling_covariance(R, window=window, ddof=ddof)
    stream = RollingCovariance(window, ddof=ddof)
    for t, row in enumerate(R):
        covariance = stream.partial_fit(row).covariance_
        known = ~np.isnan(np.diag(exact[t]))
        for found in (path[t], covariance):
            check_semidefinite(found)
            assert largest_error(found, np.where(np.outer(known, known), exact[t], np.nan)) < CLOSED_FORM
    np.testing.assert_array_equal(stream.volatility_, np.sqrt(np.diag(stream.covariance_)))


@checked
@given(R=listings(), half_life=half_lives, ignore_na=st.booleans())
def test_shrinking_keeps_the_diagonal_and_is_semidefinite(R, half_life, ignore_na):
    estimator = ShrunkEwmaCovariance(half_life, ignore_na=ignore_na).fit(R)
    if estimator.n_observations_ < 2:
        assert np.isnan(estimator.covariance_).all()
        assert np.isnan(estimator.shrinkage_)
        return
    assert 0.0 <= estimator.shrinkage_ <= 1.0
    covariance = estimator.covariance_
    check_semidefinite(covariance)
    assert largest_error(np.diag(covariance), estimator.volatility_**2) < CLOSED_FORM
    correlation = estimator.correlation_
    assert ((np.diag(correlation) == 1.0) | np.isnan(np.diag(correlation))).all()


@checked
@given(R=listings(), half_life=half_lives, seed=st.integers(0, 1000))
def test_permuting_assets_permutes_the_shrunk_covariance(R, half_life, seed):
    order = np.random.default_rng(seed).permutation(R.shape[1])
    direct, permuted = (
        ShrunkEwmaCovariance(half_life).fit(R),
        ShrunkEwmaCovariance(half_life).fit(R[:, order]),
    )
    # A target that all but is the sample makes the intensity a quotient of roundings; the covariance stays.
    assert largest_error(permuted.covariance_, direct.covariance_[np.ix_(order, order)]) < SOLVER


@checked
@given(R=listings(), rule=st.fixed_dictionaries({"adjust": st.booleans(), "demean": st.booleans()}))
def test_half_lives_give_semidefinite_slices_where_nothing_is_missing(R, rule):
    R = np.nan_to_num(R)
    estimator = MultiHalfLifeCovariance([1.0, 30.0], **rule).fit(R)
    for slice_ in estimator.covariance_:
        check_semidefinite(slice_)
    assert estimator.covariance_.shape == (2, R.shape[1], R.shape[1])


@settings(max_examples=25, deadline=None)
@given(R=listings(most=700), start=st.integers(0, 400), came=st.floats(0.5, 1.0), seed=st.integers(0, 1000))
def test_timeframes_are_semidefinite_whatever_is_missing(R, start, came, seed):
    times = np.datetime64("2020-01-01", "ns") + (start + np.arange(len(R))) * HOUR
    kept = np.random.default_rng(seed).random(len(R)) < came
    kept[0] = True
    estimator = MultiTimeframeCovariance().fit(R[kept], times[kept])
    for matrix in (estimator.correlation_, estimator.covariance_):
        check_semidefinite(matrix)
    correlation = estimator.correlation_
    assert not (np.abs(correlation) > 1.0).any()
    np.testing.assert_array_equal(np.isnan(np.diag(correlation)), np.isnan(estimator.volatility_))
    assert not (estimator.variance_ratio_ < 0.0).any()


@checked
@given(R=listings(), cut=st.floats(0.0, 1.0), seed=st.integers(0, 1000))
def test_the_rolling_past_does_not_know_the_future(R, cut, seed):
    n_past = max(1, int(cut * len(R)))
    other = R.copy()
    other[n_past:] = np.random.default_rng(seed).normal(size=other[n_past:].shape) * 0.01
    path, changed = rolling_covariance(R, window=5), rolling_covariance(other, window=5)
    np.testing.assert_array_equal(path[:n_past], changed[:n_past])


@checked
@given(R=listings(), seed=st.integers(0, 1000), half_life=st.floats(5.0, 80.0))
def test_regimes_are_semidefinite_and_mix_to_the_whole(R, seed, half_life):
    P = weights_of_regimes(len(R), seed)
    estimator = RegimeCovariance(
        ["a", "b", "c"], stress_regime="c", volatility_half_life=half_life, correlation_half_life=half_life
    ).fit(R, P)
    conditional = [estimator.conditional_correlation(name) for name in estimator.regimes]
    for matrix in (estimator.correlation_, estimator.covariance_, estimator.stress_covariance_, *conditional):
        check_semidefinite(matrix)
    mixed = sum(p * matrix for p, matrix in zip(P[-1], conditional, strict=True))
    assert largest_error(estimator.correlation_, mixed) < CLOSED_FORM
    assert (estimator.n_effective_ >= 0.0).all()
    assert estimator.n_effective_.sum() <= len(R) + 1e-9


@checked
@given(R=listings(), seed=st.integers(0, 1000), cut=st.floats(0.0, 1.0))
def test_states_restored_anywhere_continue_bit_for_bit(R, seed, cut):
    n_first = max(1, int(cut * len(R)))
    P = weights_of_regimes(len(R), seed)
    times = np.datetime64("2020-01-01", "ns") + np.arange(len(R)) * HOUR
    regimes = RegimeCovariance(["a", "b", "c"], stress_regime="a")
    for fresh, extra in (
        (MultiHalfLifeCovariance([2.0, 9.0]), None),
        (RollingCovariance(4), None),
        (ShrunkEwmaCovariance(9.0), None),
        (MultiTimeframeCovariance(), times),
        (regimes, P),
    ):
        arguments = [() if extra is None else (extra[t],) for t in range(len(R))]
        straight = fresh
        for t in range(n_first):
            straight.partial_fit(R[t], *arguments[t])
        restored = type(fresh).from_bytes(straight.to_bytes())
        for t in range(n_first, len(R)):
            straight.partial_fit(R[t], *arguments[t])
            restored.partial_fit(R[t], *arguments[t])
        assert restored.to_bytes() == straight.to_bytes()
