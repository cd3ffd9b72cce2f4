"""Hierarchical risk parity: split the book along the tree of correlations, each time by inverse variance.

No matrix is inverted, so nothing blows up where assets are nearly alike.
"""

from __future__ import annotations

import math
from time import perf_counter
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from poise import _native
from poise.domain.labels import Labels, unwrap_square, unwrap_vector
from poise.errors import (
    EmptyUniverseError,
    NonFiniteError,
    NotPositiveSemidefiniteError,
    ParameterError,
    ShapeError,
)
from poise.moments.clusters import correlation_distance
from poise.optimization.allocators import RISKLESS
from poise.optimization.answer import binding_bounds
from poise.optimization.limits import asset_name, held_at_upper, leaves_cash, read_bounds
from poise.optimization.result import OptimizationResult, OptimizationStatus
from poise.typing import ArrayLike, Bounds, Matrix, Vector

Linkage = Literal["single", "average", "complete", "ward"]
Order = npt.NDArray[np.int64]

UNIT = 1e-9
"""By so much a correlation may leave [-1, 1], as rounding makes it."""


def solve_hierarchical_risk_parity(
    covariance: ArrayLike,
    *,
    bounds: Bounds | None = None,
    linkage: Linkage = "single",
    correlation: ArrayLike | None = None,
) -> OptimizationResult:
    """Weights that split the risk of clusters, and of clusters within clusters.

    Assets are put in the order of the tree of their correlations; then the book is halved again and again,
    and each half gets weight in proportion to one over the variance it has at inverse-variance weights. A
    split never gives a half more than its assets may hold or less than they must, so every bound is kept
    exactly.

    Parameters
    ----------
    covariance : array_like of shape (n_assets, n_assets)
        Symmetric; it need not be regular.
    bounds : tuple, default=(0, 1)
        Lower and upper bound, each a scalar or one per asset.
    linkage : {"single", "average", "complete", "ward"}, default="single"
        How far two clusters are apart, out of the distances ``sqrt((1 - correlation) / 2)`` of their assets.
    correlation : array_like of shape (n_assets, n_assets), optional
        What the tree is drawn from, where it is another estimate than the covariance: denoised, or from the
        rows that two assets share. That of the covariance unless given; frames are matched by name.

    Returns
    -------
    OptimizationResult
        A rule is evaluated, nothing is minimised: the certificate is NaN. Assets without variance are treated
        like cash, with status ``degenerate``: weight 0 or what the bounds force on them; where none has
        variance, all weigh the same.

    Raises
    ------
    EmptyUniverseError
        If there are no assets.
    ShapeError
        If the covariance is not square, the correlation is of other assets, or a bound has another length.
    NonFiniteError
        If a value is NaN or infinite.
    NotPositiveSemidefiniteError
        If a variance is negative.
    ParameterError
        If the linkage is unknown, or a correlation is outside [-1, 1].
    InfeasibleError
        If the lower bounds sum to more than 1 or one exceeds its upper bound.

    References
    ----------
    .. [1] Lopez de Prado (2016). Building Diversified Portfolios that Outperform Out of Sample.

    Examples
    --------
    Twins share the weight of one asset; inverse variance would give each a third:

    >>> twins = [[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    >>> solve_hierarchical_risk_parity(twins).weights
    array([0.25, 0.25, 0.5 ])
    """
    began = perf_counter()
    matrix, labels = unwrap_square(covariance)
    _check(matrix, labels, linkage)
    tree = _read_correlation(correlation, labels, len(matrix))
    lower, upper = read_bounds(bounds, len(matrix), labels)
    if leaves_cash(upper):
        return held_at_upper(upper, labels)
    variance = matrix.diagonal()
    risky = np.flatnonzero(variance > RISKLESS * variance.max())
    riskless = np.flatnonzero(variance <= RISKLESS * variance.max())
    if not risky.size:
        weights = _native.fill(np.ones(len(matrix)), lower, upper, 1.0)
    else:
        weights, total = _seat_riskless(riskless, risky, lower, upper)
        related = _correlation(matrix, risky) if tree is None else tree[np.ix_(risky, risky)]
        order = risky[_order(correlation_distance(related), linkage)]
        # Bounds as large as a float may sum to infinity, which is room enough.
        with np.errstate(over="ignore"):
            _bisect(matrix, order, lower, upper, total, weights)
    sides = (weights >= upper).astype(np.int8)
    sides[weights <= lower] = -1
    names = ", ".join(str(asset_name(labels, int(i))) for i in riskless)
    return OptimizationResult(
        weights=labels.vector(weights),
        status=OptimizationStatus.DEGENERATE if riskless.size else OptimizationStatus.OPTIMAL,
        certificate=math.nan,
        iterations=max(risky.size - 1, 0),
        binding=binding_bounds(sides, labels),
        messages=(f"without variance: {names}",) if riskless.size else (),
        seconds=perf_counter() - began,
    )


def _check(matrix: Matrix, labels: Any, linkage: Any) -> None:
    if not len(matrix):
        raise EmptyUniverseError("the covariance has no assets; widen the universe")
    if linkage not in get_args(Linkage):
        raise ParameterError(f"linkage is {linkage!r}, expected one of {', '.join(get_args(Linkage))}")
    if not np.isfinite(matrix).all():
        i = int(np.argmin(np.isfinite(matrix).all(axis=1)))
        raise NonFiniteError(
            f"covariance of asset {asset_name(labels, i)} is not finite; fill it or drop the asset"
        )
    if (matrix.diagonal() < 0.0).any():
        i = int(np.argmin(matrix.diagonal()))
        raise NotPositiveSemidefiniteError(
            f"the variance of asset {asset_name(labels, i)} is {matrix[i, i]:g}; a variance is never negative"
        )


def _seat_riskless(riskless: Order, risky: Order, lower: Vector, upper: Vector) -> tuple[Vector, float]:
    """Give assets without variance what their bounds and the others' force on them; return what is left."""
    weights = np.zeros(len(lower))
    if not riskless.size:
        return weights, 1.0
    forced = float(np.clip(0.0, lower[riskless], upper[riskless]).sum())
    seated = min(max(forced, 1.0 - float(upper[risky].sum())), 1.0 - float(lower[risky].sum()))
    weights[riskless] = _native.fill(np.ones(riskless.size), lower[riskless], upper[riskless], seated)
    return weights, 1.0 - math.fsum(weights)


def _read_correlation(correlation: ArrayLike | None, labels: Labels, n_assets: int) -> Matrix | None:
    if correlation is None:
        return None
    matrix, own = unwrap_square(correlation, "correlation")
    if len(matrix) != n_assets:
        raise ShapeError(
            f"the correlation has {len(matrix)} assets, the covariance {n_assets}; pass the same"
        )
    # Rows and columns by name; the numbers of an unnamed one are in order already.
    places, _ = unwrap_vector(own.vector(np.arange(float(n_assets))), "correlation", labels)
    order = places.astype(np.int64)
    matrix = matrix[np.ix_(order, order)]
    if not np.isfinite(matrix).all():
        i = int(np.argmin(np.isfinite(matrix).all(axis=1)))
        raise NonFiniteError(
            f"correlation of asset {asset_name(labels, i)} is not finite; estimate it, or drop the asset"
        )
    if np.abs(matrix).max() > 1.0 + UNIT:
        worst = float(matrix.flat[int(np.abs(matrix).argmax())])
        raise ParameterError(
            f"a correlation is {worst:g}, outside [-1, 1]; pass correlations, not covariances"
        )
    return matrix


def _correlation(covariance: Matrix, assets: Order) -> Matrix:
    block = covariance[np.ix_(assets, assets)]
    volatility = np.sqrt(block.diagonal())
    correlation: Matrix = np.clip(block / np.outer(volatility, volatility), -1.0, 1.0)
    return correlation


def _order(distance: Matrix, linkage: Linkage) -> Order:
    """Return the assets in the order of the leaves of their tree."""
    from scipy.cluster.hierarchy import leaves_list
    from scipy.cluster.hierarchy import linkage as tree

    if len(distance) < 2:
        return np.zeros(len(distance), dtype=np.int64)
    order: Order = leaves_list(tree(distance[np.triu_indices(len(distance), k=1)], method=linkage))
    return order.astype(np.int64)


def _bisect(
    covariance: Matrix, order: Order, lower: Vector, upper: Vector, total: float, weights: Vector
) -> None:
    """Write into `weights` how `total` is split along `order`."""
    pending = [(order, total)]
    while pending:
        cluster, weight = pending.pop()
        if cluster.size == 1:
            weights[cluster] = weight
            continue
        left, right = cluster[: cluster.size // 2], cluster[cluster.size // 2 :]
        risk_left, risk_right = _cluster_variance(covariance, left), _cluster_variance(covariance, right)
        share = weight * (risk_right / (risk_left + risk_right) if risk_left + risk_right > 0.0 else 0.5)
        share = max(share, float(lower[left].sum()), weight - float(upper[right].sum()))
        share = min(share, float(upper[left].sum()), weight - float(lower[right].sum()))
        pending += [(left, share), (right, weight - share)]
    _settle(weights, lower, upper)


def _cluster_variance(covariance: Matrix, cluster: Order) -> float:
    """Return the variance of a cluster at inverse-variance weights."""
    block = covariance[np.ix_(cluster, cluster)]
    inverse = block.diagonal().min() / block.diagonal()
    inverse = inverse / inverse.sum()
    return max(float(inverse @ block @ inverse), 0.0)


def _settle(weights: Vector, lower: Vector, upper: Vector) -> None:
    """Undo the rounding of many splits: bounds exactly, and the sum."""
    np.clip(weights, lower, upper, out=weights)
    for i in np.argsort(-np.abs(weights), kind="stable"):
        missing = 1.0 - math.fsum(weights)
        if missing == 0.0:
            return
        weights[i] = min(max(weights[i] + missing, lower[i]), upper[i])
