"""The summary of a correlation matrix: figures, names, clusters, refusals."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pandas as pd
import polars as pl
import pytest

from poise.domain.strict_json import dumps
from poise.errors import EmptyInputError, InputError, NonFiniteError, ParameterError, ShapeError
from poise.moments import CorrelatedPair, IteratedEwmaCovariance, correlation_summary
from tests.tolerances import CLOSED_FORM

NAMES = ["A", "B", "C", "D"]
MATRIX = np.array([[1.0, 0.9, 0.1, 0.0], [0.9, 1.0, 0.2, -0.3], [0.1, 0.2, 1.0, 0.7], [0.0, -0.3, 0.7, 1.0]])
FRAME = pd.DataFrame(MATRIX, index=NAMES, columns=NAMES)


def blocks(sizes, within, across):
    group = np.repeat(np.arange(len(sizes)), sizes)
    matrix = np.where(group[:, np.newaxis] == group, within, across)
    np.fill_diagonal(matrix, 1.0)
    return matrix


def test_figures_and_names():
    summary = correlation_summary(FRAME, n_pairs=2)
    pairs = np.array([0.9, 0.1, 0.0, 0.2, -0.3, 0.7])
    assert summary.assets == ("A", "B", "C", "D")
    assert summary.average == pytest.approx(pairs.mean(), rel=CLOSED_FORM)
    assert summary.dispersion == pytest.approx(pairs.std(), rel=CLOSED_FORM)
    assert summary.first_eigenvalue_share == pytest.approx(np.linalg.eigvalsh(MATRIX)[-1] / 4.0)
    assert summary.most_correlated == (CorrelatedPair("A", "B", 0.9), CorrelatedPair("C", "D", 0.7))
    assert summary.least_correlated == (CorrelatedPair("B", "D", -0.3), CorrelatedPair("A", "D", 0.0))
    assert summary.clusters == (("A", "B"), ("C", "D"))
    assert 0.0 < summary.silhouette < 1.0


def test_bare_and_polars_matrices_say_the_same():
    bare = correlation_summary(MATRIX)
    assert bare.clusters == ((0, 1), (2, 3))
    assert bare.most_correlated[0] == CorrelatedPair(0, 1, 0.9)
    polars = correlation_summary(pl.DataFrame(MATRIX, schema=NAMES))
    assert polars == correlation_summary(FRAME)


def test_the_silhouette_is_that_of_scikit_learn():
    from sklearn.metrics import silhouette_score

    rng = np.random.default_rng(3)
    matrix = np.corrcoef(
        (rng.normal(size=(200, 3)) @ rng.normal(size=(3, 12)) + rng.normal(size=(200, 12))).T
    )
    for n_clusters in (2, 3, 5, 11):
        summary = correlation_summary(matrix, n_clusters=n_clusters)
        labels = np.empty(12, dtype=int)
        for group, members in enumerate(summary.clusters):
            labels[list(members)] = group
        distance = np.sqrt(np.clip(0.5 * (1.0 - matrix), 0.0, 1.0))
        np.fill_diagonal(distance, 0.0)
        expected = silhouette_score(distance, labels, metric="precomputed")
        assert len(summary.clusters) == n_clusters
        assert summary.silhouette == pytest.approx(expected, rel=1e-10)


def test_clusters_are_those_of_scipy():
    from scipy.cluster.hierarchy import fcluster, linkage

    rng = np.random.default_rng(4)
    matrix = np.corrcoef(rng.normal(size=(60, 15)).T)
    upper = np.sqrt(0.5 * (1.0 - matrix[np.triu_indices(15, 1)]))
    tree = linkage(upper, method="average")
    for threshold in (0.5, 0.62, 0.68, 0.71):
        labels = fcluster(tree, threshold, criterion="distance")
        expected = {tuple(np.flatnonzero(labels == k)) for k in np.unique(labels)}
        assert set(correlation_summary(matrix, threshold=threshold).clusters) == expected


@pytest.mark.parametrize(
    ("sizes", "within", "across"),
    [((3, 3, 3), 0.7, 0.2), ((8, 5, 4, 3), 0.8, 0.6), ((10, 10), 0.6, 0.3), ((4, 1, 5), 0.9, 0.0)],
)
def test_blocks_are_recovered(sizes, within, across):
    matrix = blocks(sizes, within, across)
    ends = np.cumsum(sizes)
    expected = {tuple(range(end - size, end)) for size, end in zip(sizes, ends, strict=True)}
    assert set(correlation_summary(matrix).clusters) == expected


def test_blocks_are_recovered_from_a_sample():
    truth = blocks((5, 5, 5, 5), 0.6, 0.3)
    factor = np.linalg.cholesky(truth).T
    for seed in range(20):
        R = 0.01 * np.random.default_rng(seed).normal(size=(182, 20)) @ factor
        found = correlation_summary(np.corrcoef(R.T)).clusters
        assert set(found) == {tuple(range(k, k + 5)) for k in (0, 5, 10, 15)}


@pytest.mark.parametrize(("correlation", "n_clusters"), [(0.0, 6), (0.3, 6), (0.6, 1), (1.0, 1)])
def test_equal_correlations_have_no_groups(correlation, n_clusters):
    summary = correlation_summary(blocks((6,), correlation, 0.0))
    assert len(summary.clusters) == n_clusters
    assert summary.average == pytest.approx(correlation)
    assert summary.dispersion == pytest.approx(0.0, abs=1e-15)
    assert summary.first_eigenvalue_share == pytest.approx((1.0 + 5.0 * correlation) / 6.0)
    assert math.isnan(summary.silhouette)


def test_noise_about_equal_correlations_is_no_group():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        R = np.sqrt(0.7) * rng.normal(size=(182, 1)) + np.sqrt(0.3) * rng.normal(size=(182, 10))
        assert len(correlation_summary(np.corrcoef(R.T)).clusters) == 1


def test_merges_of_one_height_are_not_torn_apart():
    equal = blocks((6,), 0.3, 0.0)
    assert len(correlation_summary(equal, n_clusters=3).clusters) == 1
    assert len(correlation_summary(equal, n_clusters=9).clusters) == 6


def test_one_asset():
    summary = correlation_summary([[1.0]])
    assert summary.clusters == ((0,),)
    assert summary.first_eigenvalue_share == 1.0
    assert summary.most_correlated == summary.least_correlated == ()
    assert math.isnan(summary.average)
    assert math.isnan(summary.dispersion)


@pytest.mark.parametrize(("correlation", "clusters"), [(0.9, ((0, 1),)), (0.2, ((0,), (1,)))])
def test_two_assets(correlation, clusters):
    summary = correlation_summary([[1.0, correlation], [correlation, 1.0]])
    assert summary.average == correlation
    assert summary.dispersion == 0.0
    assert summary.clusters == clusters
    assert summary.most_correlated == summary.least_correlated == (CorrelatedPair(0, 1, correlation),)


def test_permuting_assets_permutes_the_answer():
    rng = np.random.default_rng(5)
    for _ in range(20):
        matrix = np.corrcoef(
            (rng.normal(size=(50, 4)) @ rng.normal(size=(4, 9)) + rng.normal(size=(50, 9))).T
        )
        names = [f"N{i}" for i in range(9)]
        frame = pd.DataFrame(matrix, index=names, columns=names)
        order = list(rng.permutation(names))
        direct, permuted = correlation_summary(frame), correlation_summary(frame.loc[order, order])
        assert {frozenset(c) for c in direct.clusters} == {frozenset(c) for c in permuted.clusters}
        assert permuted.average == pytest.approx(direct.average, rel=CLOSED_FORM)
        assert permuted.dispersion == pytest.approx(direct.dispersion, rel=CLOSED_FORM)
        for ours, theirs in (
            (direct.most_correlated, permuted.most_correlated),
            (direct.least_correlated, permuted.least_correlated),
        ):
            assert [p.correlation for p in ours] == [p.correlation for p in theirs]
            assert [{p.first, p.second} for p in ours] == [{p.first, p.second} for p in theirs]


def test_unknown_assets_are_left_out_and_named():
    wide = np.full((5, 5), np.nan)
    wide[np.ix_([0, 1, 3, 4], [0, 1, 3, 4])] = MATRIX
    names = ["A", "B", "new", "C", "D"]
    summary = correlation_summary(pd.DataFrame(wide, index=names, columns=names))
    assert summary.left_out == ("new",)
    assert dataclasses.replace(summary, left_out=()) == correlation_summary(FRAME)


def test_a_pair_that_never_met_costs_one_asset():
    holed = FRAME.copy()
    holed.loc["A", "C"] = holed.loc["C", "A"] = np.nan
    assert correlation_summary(holed).left_out == ("C",)
    holed.loc["A", "D"] = holed.loc["D", "A"] = np.nan
    assert correlation_summary(holed).left_out == ("A",)


def test_nothing_known():
    summary = correlation_summary(np.full((2, 2), np.nan))
    assert summary.left_out == (0, 1)
    assert summary.assets == summary.clusters == ()
    assert math.isnan(summary.average)
    assert math.isnan(summary.first_eigenvalue_share)
    with pytest.raises(ParameterError, match="threshold is 2"):
        correlation_summary(np.full((2, 2), np.nan), threshold=2)


def test_constant_assets_are_left_out_where_they_are_told():
    R = 0.01 * np.random.default_rng(6).normal(size=(100, 4)) + 0.01
    R[:, 1] = 0.0
    estimator = IteratedEwmaCovariance().fit(pd.DataFrame(R, columns=NAMES))
    summary = correlation_summary(estimator.correlation_, degenerate=estimator.degenerate_)
    assert summary.degenerate == ("B",)
    assert summary.assets == ("A", "C", "D")
    others = correlation_summary(estimator.correlation_.drop(index="B", columns="B"))
    assert summary.average == others.average
    assert correlation_summary(estimator.correlation_).average == pytest.approx(0.5 * others.average)


def test_it_is_plain_json():
    text = dumps(correlation_summary(FRAME, n_pairs=1).to_dict())
    assert '"most_correlated": [{"first": "A", "second": "B", "correlation": 0.9}]' in text
    assert '"average": null' in dumps(correlation_summary([[1.0]]))


@pytest.mark.parametrize(
    ("matrix", "arguments", "error", "message"),
    [
        (np.empty((0, 0)), {}, EmptyInputError, "no asset"),
        ([[1.0, 0.5]], {}, ShapeError, "square"),
        ([[1.0, 0.5], [0.4, 1.0]], {}, ShapeError, "of 0 and 1 is 0.5, expected the same"),
        ([[1.0, np.nan], [0.4, 1.0]], {}, ShapeError, "of 0 and 1 is nan"),
        ([[2.0, 0.5], [0.5, 1.0]], {}, ParameterError, "of 0 and 0 is 2.0, expected 1; divide"),
        ([[1.0, 1.5], [1.5, 1.0]], {}, InputError, "nearest_correlation"),
        ([[1.0, np.inf], [np.inf, 1.0]], {}, NonFiniteError, "of 0 and 1 is inf"),
        (FRAME, {"n_clusters": 0}, ParameterError, "n_clusters is 0"),
        (FRAME, {"n_clusters": 2.5}, ParameterError, r"n_clusters is 2\.5"),
        (FRAME, {"threshold": np.nan}, ParameterError, "threshold is nan"),
        (FRAME, {"threshold": "near"}, ParameterError, "threshold is 'near'"),
        (FRAME, {"threshold": 0.5, "n_clusters": 2}, ParameterError, "pass one of them"),
        (FRAME, {"n_pairs": -1}, ParameterError, "n_pairs is -1"),
        (FRAME, {"n_pairs": "all"}, ParameterError, "n_pairs is 'all'"),
        (FRAME, {"degenerate": [0.0, np.nan, 0.0, 1.0]}, NonFiniteError, "degenerate is nan at index 1"),
        (FRAME, {"degenerate": [True]}, ShapeError, r"\(1,\), expected \(4,\)"),
    ],
)
def test_refusals(matrix, arguments, error, message):
    with pytest.raises(error, match=message):
        correlation_summary(matrix, **arguments)
