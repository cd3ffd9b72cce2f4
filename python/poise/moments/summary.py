"""A correlation matrix in a few numbers and names."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from operator import index
from typing import Any, TypeAlias

import numpy as np

from poise.domain.labels import Labels, unwrap_square, unwrap_vector
from poise.errors import EmptyInputError, InputError, NonFiniteError, ParameterError, ShapeError
from poise.moments.clusters import Cut, correlation_distance, cut_tree
from poise.typing import ArrayLike, Matrix, Vector

Asset: TypeAlias = Any
"""The label of an asset, or its number where there are no labels."""

_ROUNDING = 1e-6


@dataclass(frozen=True)
class CorrelatedPair:
    """Two assets and their correlation.

    Attributes
    ----------
    first, second : label
        In the order of the matrix.
    correlation : float
    """

    first: Asset
    second: Asset
    correlation: float

    def to_dict(self) -> dict[str, Any]:
        """Return the pair as plain values."""
        return asdict(self)


@dataclass(frozen=True)
class CorrelationSummary:
    """What a correlation matrix says of a universe.

    Attributes
    ----------
    assets : tuple
        Labels of the assets summarised; their numbers where there are no labels.
    left_out : tuple
        Assets whose correlations are not known (NaN).
    degenerate : tuple
        Assets that never moved, left out of every figure.
    average : float
        Mean correlation of the pairs; NaN for fewer than two assets.
    dispersion : float
        Standard deviation over the pairs, divisor the number of pairs; NaN for fewer than two assets.
    first_eigenvalue_share : float
        Largest eigenvalue over the sum of all: the share of the variance of standardised returns that one
        portfolio explains, ``1 / n_assets`` (nothing in common) to 1; NaN without an asset.
    most_correlated, least_correlated : tuple of CorrelatedPair
        The pairs of largest and of smallest correlation (sign and all), most extreme first.
    clusters : tuple of tuple
        Assets that move together, largest cluster first, each in the order of the matrix.
    silhouette : float
        How well the clusters are apart, -1 to 1; NaN for one cluster, or as many as assets.
    """

    assets: tuple[Asset, ...]
    left_out: tuple[Asset, ...]
    degenerate: tuple[Asset, ...]
    average: float
    dispersion: float
    first_eigenvalue_share: float
    most_correlated: tuple[CorrelatedPair, ...]
    least_correlated: tuple[CorrelatedPair, ...]
    clusters: tuple[tuple[Asset, ...], ...]
    silhouette: float

    def to_dict(self) -> dict[str, Any]:
        """Return the summary as plain values."""
        return asdict(self)


def correlation_summary(
    correlation: ArrayLike,
    *,
    degenerate: ArrayLike | None = None,
    n_pairs: int = 5,
    n_clusters: int | None = None,
    threshold: float | None = None,
) -> CorrelationSummary:
    """Summarise a correlation matrix: how much, how evenly, which pairs, which groups.

    Clusters are those of average linkage on the distance ``sqrt((1 - correlation) / 2)`` [1]_. How many is
    decided by the largest mean silhouette [2]_; where none reaches 0.1, which noise alone does not, assets
    stay together up to a mean distance of 0.5 (a correlation of 0.5), so that a universe that moves as one
    is one cluster and a universe without correlation is all single assets.

    Parameters
    ----------
    correlation : array_like of shape (n_assets, n_assets)
        Symmetric with ones on the diagonal. NaN where unknown: an asset whose diagonal is NaN is left out and
        named; so is, one at a time, the asset with the most unknown pairs (the last in order among equals)
        until no pair is unknown.
    degenerate : array_like of shape (n_assets,), optional
        True for assets that never moved, such as ``degenerate_`` of an estimator. Their correlations of 0 say
        nothing, so they are left out and named. Without it such zeros count as correlations.
    n_pairs : int, default=5
        Pairs to name at either end.
    n_clusters : int, optional
        At most so many clusters; fewer where merges of equal height cannot be told apart.
    threshold : float, optional
        Merge clusters up to this mean distance, 0 to 1; a distance ``d`` is a correlation of ``1 - 2 d**2``.

    Returns
    -------
    CorrelationSummary
        With names where the matrix had them. Permuting the assets permutes it.

    Raises
    ------
    EmptyInputError
        If there is no asset.
    InputError
        If a correlation is outside [-1, 1].
    NonFiniteError
        If an entry is infinite, or one of `degenerate` is no number.
    ParameterError
        If the diagonal is not one, both `n_clusters` and `threshold` are given, or a parameter is out of its
        range.
    ShapeError
        If the matrix is not square or not symmetric, or `degenerate` is of other assets.

    Notes
    -----
    ``O(n_assets ** 3)``.

    References
    ----------
    .. [1] Mantegna (1999). Hierarchical structure in financial markets. European Physical Journal B 11.
    .. [2] Rousseeuw (1987). Silhouettes: a graphical aid to the interpretation and validation of cluster
       analysis. Journal of Computational and Applied Mathematics 20.

    Examples
    --------
    >>> import numpy as np
    >>> summary = correlation_summary(np.kron(np.eye(2), np.full((2, 2), 0.8)) + 0.2 * np.eye(4))
    >>> summary.clusters
    ((0, 1), (2, 3))
    >>> round(summary.average, 4), summary.most_correlated[0].correlation
    (0.2667, 0.8)
    """
    whole, labels = unwrap_square(correlation, "correlation")
    names = _names(labels, len(whole))
    flat = _flat(degenerate, labels, len(whole))
    wanted = _count(n_pairs)
    _check(whole, names)
    known = _known(whole)
    kept = np.flatnonzero(known & ~flat)
    block = whole[np.ix_(kept, kept)]
    block = np.clip(0.5 * (block + block.T), -1.0, 1.0)
    assets = tuple(names[i] for i in kept)
    pairs = block[np.triu_indices(len(block), k=1)]
    most, least = _extremes(block, pairs, assets, wanted)
    cut = _cut(block, n_clusters, threshold)
    return CorrelationSummary(
        assets=assets,
        left_out=tuple(names[i] for i in np.flatnonzero(~known)),
        degenerate=tuple(names[i] for i in np.flatnonzero(known & flat)),
        average=float(pairs.mean()) if len(pairs) else np.nan,
        dispersion=float(pairs.std()) if len(pairs) else np.nan,
        first_eigenvalue_share=_first_share(block),
        most_correlated=most,
        least_correlated=least,
        clusters=_named_clusters(cut, assets),
        silhouette=cut.silhouette,
    )


def _names(labels: Labels, n_assets: int) -> tuple[Asset, ...]:
    return tuple(range(n_assets)) if labels.names is None else labels.names


def _flat(degenerate: Any, labels: Labels, n_assets: int) -> Any:
    if degenerate is None:
        return np.zeros(n_assets, dtype=bool)
    values, _ = unwrap_vector(degenerate, "degenerate", labels)
    if len(values) != n_assets:
        raise ShapeError(f"degenerate has shape {values.shape}, expected ({n_assets},)")
    strange = np.flatnonzero(~np.isfinite(values))
    if len(strange):
        i = int(strange[0])
        raise NonFiniteError(f"degenerate is {values[i]} at index {i}, expected True or False")
    return values.astype(bool)


def _count(n_pairs: Any) -> int:
    try:
        wanted = index(n_pairs)
    except TypeError:
        wanted = -1
    if wanted < 0:
        raise ParameterError(f"n_pairs is {n_pairs!r}, expected a whole number from 0")
    return wanted


def _check(matrix: Matrix, names: tuple[Asset, ...]) -> None:
    if len(matrix) == 0:
        raise EmptyInputError("correlation has no asset; pass at least one")
    _refuse(np.isinf(matrix), matrix, names, NonFiniteError, "a finite correlation, or NaN where unknown")
    _refuse(
        ~np.isclose(matrix, matrix.T, rtol=0.0, atol=_ROUNDING, equal_nan=True),
        matrix,
        names,
        ShapeError,
        "the same on both sides of the diagonal; pass a symmetric matrix",
    )
    away = np.diag(np.abs(np.diag(matrix) - 1.0) > _ROUNDING)
    _refuse(away, matrix, names, ParameterError, "1; divide a covariance by its volatilities first")
    beyond = np.abs(matrix) > 1.0 + _ROUNDING
    _refuse(beyond, matrix, names, InputError, "-1 to 1; mend the matrix with nearest_correlation")


def _refuse(
    wrong: Any, matrix: Matrix, names: tuple[Asset, ...], error: type[InputError], expected: str
) -> None:
    if wrong.any():
        i, j = np.argwhere(wrong)[0]
        raise error(f"correlation of {names[i]} and {names[j]} is {matrix[i, j]}, expected {expected}")


def _known(matrix: Matrix) -> Any:
    """Return which assets are left when those with the most unknown pairs have gone."""
    missing = np.isnan(matrix)
    known = ~np.diag(missing)
    while True:
        unknown = missing[:, known].sum(axis=1) * known
        if not unknown.any():
            return known
        known[np.flatnonzero(unknown == unknown.max())[-1]] = False


def _extremes(
    block: Matrix, pairs: Vector, assets: tuple[Asset, ...], wanted: int
) -> tuple[tuple[CorrelatedPair, ...], tuple[CorrelatedPair, ...]]:
    rows, columns = np.triu_indices(len(block), k=1)

    def named(places: Any) -> tuple[CorrelatedPair, ...]:
        return tuple(CorrelatedPair(assets[rows[p]], assets[columns[p]], float(pairs[p])) for p in places)

    return (
        named(np.argsort(-pairs, kind="stable")[:wanted]),
        named(np.argsort(pairs, kind="stable")[:wanted]),
    )


def _first_share(block: Matrix) -> float:
    return float(np.linalg.eigvalsh(block)[-1]) / len(block) if len(block) else np.nan


def _cut(block: Matrix, n_clusters: int | None, threshold: float | None) -> Cut:
    if len(block) == 0:
        # The parameters are checked all the same, on an asset of no consequence.
        cut_tree(np.zeros((1, 1)), n_clusters=n_clusters, threshold=threshold)
        return Cut(np.empty(0, dtype=np.int64), 0, 0.0, np.nan)
    return cut_tree(correlation_distance(block), n_clusters=n_clusters, threshold=threshold)


def _named_clusters(cut: Cut, assets: tuple[Asset, ...]) -> tuple[tuple[Asset, ...], ...]:
    members: dict[int, list[int]] = {}
    for place, group in enumerate(cut.groups):
        members.setdefault(int(group), []).append(place)
    ordered = sorted(members.values(), key=lambda places: (-len(places), places[0]))
    return tuple(tuple(assets[place] for place in places) for places in ordered)
