"""Portfolios of least risk and of most diversification."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from poise.domain.labels import Labels
from poise.optimization.estimators.base import PortfolioEstimator
from poise.optimization.estimators.moments import covariance_of
from poise.optimization.maximum_diversification import solve_maximum_diversification
from poise.optimization.result import OptimizationResult
from poise.optimization.solvers import solve_minimum_variance
from poise.optimization.trading_costs import TradingCosts
from poise.typing import ArrayLike, Bounds, Matrix


@dataclass(eq=False, repr=False, kw_only=True)
class MinimumVariance(PortfolioEstimator):
    """The weights of least variance.

    Parameters
    ----------
    covariance : estimator of moments, optional
        An object with ``fit`` and ``covariance_``, a callable of the returns, or a matrix;
        constant-correlation shrinkage unless given.
    bounds, constraints, groups, costs : optional
        As in :func:`poise.optimization.solve_minimum_variance`.

    Attributes
    ----------
    result_, weights_, n_features_in_, feature_names_in_
        As in `PortfolioEstimator`.
    """

    covariance: Any = None
    bounds: Bounds | None = None
    constraints: Any = None
    groups: Any = None
    costs: TradingCosts | None = None

    def _solve(self, R: ArrayLike, returns: Matrix, labels: Labels) -> OptimizationResult:  # noqa: ARG002
        return solve_minimum_variance(
            covariance_of(self.covariance, R),
            bounds=self.bounds,
            constraints=self.constraints,
            groups=self.groups,
            costs=self.costs,
        )


@dataclass(eq=False, repr=False, kw_only=True)
class MaximumDiversification(PortfolioEstimator):
    """The weights with the largest ratio of mean volatility to portfolio volatility.

    Parameters
    ----------
    covariance : estimator of moments, optional
        As in `MinimumVariance`.
    bounds, constraints, groups : optional
        As in :func:`poise.optimization.solve_maximum_diversification`.

    Attributes
    ----------
    result_, weights_, n_features_in_, feature_names_in_
        As in `PortfolioEstimator`.
    """

    covariance: Any = None
    bounds: Bounds | None = None
    constraints: Any = None
    groups: Any = None

    def _solve(self, R: ArrayLike, returns: Matrix, labels: Labels) -> OptimizationResult:  # noqa: ARG002
        return solve_maximum_diversification(
            covariance_of(self.covariance, R),
            bounds=self.bounds,
            constraints=self.constraints,
            groups=self.groups,
        )
