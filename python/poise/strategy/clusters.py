"""Clusters: assets that are one bet, whatever they are called."""

from __future__ import annotations

from typing import Any

import numpy as np

from poise.strategy.conflicts import SAME_BET_CORRELATION
from poise.typing import Matrix

Members = np.ndarray[Any, np.dtype[np.intp]]


def correlation_clusters(
    correlation: Matrix, *, threshold: float = SAME_BET_CORRELATION
) -> tuple[Members, ...]:
    """Return groups of two or more assets of which *every* pair is correlated by at least `threshold`.

    Agglomerative with complete linkage: the two clusters whose least correlated pair is correlated most are
    joined while that pair reaches the threshold. (Single linkage would chain assets that hardly know each
    other; average linkage would admit pairs below the threshold.) An unknown correlation joins nothing.

    Parameters
    ----------
    correlation : ndarray of shape (n_assets, n_assets)
        NaN where a pair is unknown.
    threshold : float, default=0.8

    Returns
    -------
    tuple of ndarray of int
        Disjoint, positions ascending, in the order of their first member; assets alone are left out.

    References
    ----------
    .. [1] Mantegna (1999). Hierarchical Structure in Financial Markets.
    """
    likeness = np.where(np.isfinite(correlation), correlation, -1.0)
    likeness = np.minimum(likeness, likeness.T)
    np.fill_diagonal(likeness, -1.0)
    near = np.flatnonzero((likeness >= threshold).any(axis=0))
    likeness = likeness[np.ix_(near, near)]
    groups = [[int(i)] for i in near]
    while likeness.size:
        a, b = sorted(int(i) for i in divmod(int(likeness.argmax()), len(likeness)))
        if likeness[a, b] < threshold:
            break
        joined = np.minimum(likeness[a], likeness[b])
        likeness[a], likeness[:, a] = joined, joined
        likeness[a, a] = -1.0
        likeness[b], likeness[:, b] = -1.0, -1.0
        groups[a], groups[b] = groups[a] + groups[b], []
    found = sorted(sorted(group) for group in groups if len(group) > 1)
    return tuple(np.array(group, dtype=np.intp) for group in found)
