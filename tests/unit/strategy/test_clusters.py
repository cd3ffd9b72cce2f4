"""Assets that are one bet, found and counted together."""

import math

import numpy as np
import pytest
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from poise.strategy.clusters import correlation_clusters


def random_correlation(seed, n_assets=14):
    rng = np.random.default_rng(seed)
    loadings = rng.normal(size=(n_assets, 3)) * rng.uniform(0.2, 3.0, (n_assets, 1))
    covariance = loadings @ loadings.T + np.diag(rng.uniform(0.1, 1.0, n_assets))
    scale = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(scale, scale)
    np.fill_diagonal(correlation, 1.0)
    return 0.5 * (correlation + correlation.T)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("threshold", [0.5, 0.8])
def test_clusters_are_those_of_complete_linkage(seed, threshold):
    correlation = random_correlation(seed)
    tree = linkage(squareform(1.0 - correlation, checks=False), method="complete")
    labels = fcluster(tree, t=1.0 - threshold, criterion="distance")
    expected = {
        tuple(np.flatnonzero(labels == label)) for label in set(labels) if (labels == label).sum() > 1
    }
    found = correlation_clusters(correlation, threshold=threshold)
    assert {tuple(members) for members in found} == expected
    for members in found:
        assert correlation[np.ix_(members, members)].min() >= threshold


@pytest.mark.parametrize("seed", range(5))
def test_permuting_the_assets_permutes_the_clusters(seed):
    correlation = random_correlation(seed)
    order = np.random.default_rng(seed).permutation(len(correlation))
    shuffled = correlation_clusters(correlation[np.ix_(order, order)], threshold=0.6)
    assert {frozenset(order[m]) for m in shuffled} == {
        frozenset(m) for m in correlation_clusters(correlation, threshold=0.6)
    }


def test_blocks_are_recovered_and_loners_left_out():
    correlation = np.full((6, 6), 0.2)
    correlation[:3, :3] = 0.9
    correlation[3:5, 3:5] = 0.85
    np.fill_diagonal(correlation, 1.0)
    assert [m.tolist() for m in correlation_clusters(correlation)] == [[0, 1, 2], [3, 4]]


def test_a_chain_is_no_cluster():
    chain = np.array([[1.0, 0.85, 0.5], [0.85, 1.0, 0.84], [0.5, 0.84, 1.0]])
    assert [m.tolist() for m in correlation_clusters(chain)] == [[0, 1]]


def test_twins_everywhere_are_one_cluster():
    assert [m.tolist() for m in correlation_clusters(np.ones((4, 4)))] == [[0, 1, 2, 3]]


def test_unknown_opposite_and_lone_assets_are_in_none():
    nothing = np.full((3, 3), np.nan)
    assert correlation_clusters(nothing) == ()
    nothing[0, 1] = nothing[1, 0] = 0.9
    assert [m.tolist() for m in correlation_clusters(nothing)] == [[0, 1]]
    nothing[1, 0] = math.nan
    assert correlation_clusters(nothing) == ()
    assert correlation_clusters(np.array([[1.0, -0.95], [-0.95, 1.0]])) == ()
    assert correlation_clusters(np.ones((1, 1))) == ()
    assert correlation_clusters(np.empty((0, 0))) == ()
