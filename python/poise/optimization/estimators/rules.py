"""Portfolios by rules: equal, by size, by volatility, along the tree of correlations."""

from __future__ import annotations

import math
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from poise.domain.labels import Labels, unwrap_vector
from poise.errors import ShapeError
from poise.optimization.allocators import cap_weighted, equal_weights, inverse_volatility
from poise.optimization.answer import binding_bounds
from poise.optimization.estimators.base import PortfolioEstimator
from poise.optimization.estimators.moments import covariance_of
from poise.optimization.hierarchical import Linkage, solve_hierarchical_risk_parity
from poise.optimization.limits import held_at_upper, leaves_cash, read_bounds
from poise.optimization.result import OptimizationResult, OptimizationStatus
from poise.typing import ArrayLike, Bounds, Matrix, Vector


@dataclass(eq=False, repr=False, kw_only=True)
class EqualWeight(PortfolioEstimator):
    """The same weight for every asset, as far as the bounds allow.

    Parameters
    ----------
    bounds : tuple, default=(0, 1)
        Lower and upper bound, each a scalar or one per asset.

    Attributes
    ----------
    result_, weights_, n_features_in_, feature_names_in_
        As in `PortfolioEstimator`.

    Examples
    --------
    >>> EqualWeight(bounds=(0, [0.2, 1.0])).fit([[0.01, 0.02], [0.0, 0.01]]).weights_
    array([0.2, 0.8])
    """

    bounds: Bounds | None = None

    def _solve(self, R: ArrayLike, returns: Matrix, labels: Labels) -> OptimizationResult:  # noqa: ARG002
        began = perf_counter()
        return by_rule(
            equal_weights(returns.shape[1], bounds=_plain(self, labels)), self.bounds, labels, began
        )


@dataclass(eq=False, repr=False, kw_only=True)
class CapWeight(PortfolioEstimator):
    """Weights by a power of market capitalisation, capped.

    Parameters
    ----------
    market_caps : array_like of shape (n_assets,), optional
        Not negative, in any currency; named ones are matched by name. All the same unless given.
    exponent : float, default=0.5
        1 weighs by size, 0.5 damps it.
    bounds : tuple, default=(0, 1)
        Lower and upper bound, each a scalar or one per asset.

    Attributes
    ----------
    result_, weights_, n_features_in_, feature_names_in_
        As in `PortfolioEstimator`.
    """

    market_caps: ArrayLike | None = None
    exponent: float = 0.5
    bounds: Bounds | None = None

    def _solve(self, R: ArrayLike, returns: Matrix, labels: Labels) -> OptimizationResult:  # noqa: ARG002
        began = perf_counter()
        n_assets = returns.shape[1]
        caps = np.ones(n_assets)
        if self.market_caps is not None:
            caps, _ = unwrap_vector(self.market_caps, "market_caps", labels)
        if caps.shape != (n_assets,):
            raise ShapeError(f"there are {caps.size} market caps for {n_assets} assets; pass one per asset")
        weights = cap_weighted(caps, exponent=self.exponent, bounds=_plain(self, labels))
        return by_rule(weights, self.bounds, labels, began)


@dataclass(eq=False, repr=False, kw_only=True)
class InverseVolatility(PortfolioEstimator):
    """Weights by one over volatility: risk parity where all correlations are the same.

    Parameters
    ----------
    covariance : estimator of moments, optional
        An object with ``fit`` and ``covariance_``, a callable of the returns, or a matrix;
        constant-correlation shrinkage unless given.
    bounds : tuple, default=(0, 1)
        Lower and upper bound, each a scalar or one per asset.

    Attributes
    ----------
    result_, weights_, n_features_in_, feature_names_in_
        As in `PortfolioEstimator`.
    """

    covariance: Any = None
    bounds: Bounds | None = None

    def _solve(self, R: ArrayLike, returns: Matrix, labels: Labels) -> OptimizationResult:  # noqa: ARG002
        began = perf_counter()
        weights = inverse_volatility(covariance_of(self.covariance, R), bounds=self.bounds)
        values, _ = unwrap_vector(weights, "weights", labels)
        return by_rule(values, self.bounds, labels, began)


@dataclass(eq=False, repr=False, kw_only=True)
class HierarchicalRiskParity(PortfolioEstimator):
    """Risk split between clusters of assets, and clusters within clusters.

    Parameters
    ----------
    covariance : estimator of moments, optional
        As in `InverseVolatility`.
    bounds : tuple, default=(0, 1)
        Lower and upper bound, each a scalar or one per asset; kept exactly.
    linkage : {"single", "average", "complete", "ward"}, default="single"
        As in :func:`poise.optimization.solve_hierarchical_risk_parity`.

    Attributes
    ----------
    result_, weights_, n_features_in_, feature_names_in_
        As in `PortfolioEstimator`.
    """

    covariance: Any = None
    bounds: Bounds | None = None
    linkage: Linkage = "single"

    def _solve(self, R: ArrayLike, returns: Matrix, labels: Labels) -> OptimizationResult:  # noqa: ARG002
        return solve_hierarchical_risk_parity(
            covariance_of(self.covariance, R), bounds=self.bounds, linkage=self.linkage
        )


def by_rule(weights: Vector, bounds: Bounds | None, labels: Labels, began: float) -> OptimizationResult:
    """Return what a rule gave as a result: nothing was minimised, so there is no certificate."""
    lower, upper = read_bounds(bounds, len(weights), labels)
    if leaves_cash(upper):
        return held_at_upper(upper, labels)
    sides = (weights >= upper).astype(np.int8)
    sides[weights <= lower] = -1
    return OptimizationResult(
        weights=labels.vector(weights),
        status=OptimizationStatus.OPTIMAL,
        certificate=math.nan,
        iterations=0,
        binding=binding_bounds(sides, labels),
        seconds=perf_counter() - began,
    )


def _plain(estimator: EqualWeight | CapWeight, labels: Labels) -> Bounds | None:
    """Return bounds in the order of the assets."""
    if estimator.bounds is None or labels.assets is None:
        return estimator.bounds
    return read_bounds(estimator.bounds, len(labels.assets), labels)
