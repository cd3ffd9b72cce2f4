"""Portfolios that rest on expected returns: shrunk ones, or a market's with views."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from poise.domain.labels import Labels
from poise.optimization.black_litterman import TAU, BlackLittermanPosterior, black_litterman
from poise.optimization.equilibrium import RISK_AVERSION
from poise.optimization.estimators.base import PortfolioEstimator
from poise.optimization.estimators.moments import covariance_of, expected_returns_of
from poise.optimization.maximum_sharpe import solve_maximum_sharpe
from poise.optimization.result import OptimizationResult
from poise.optimization.solvers import solve_mean_variance
from poise.optimization.trading_costs import TradingCosts
from poise.typing import ArrayLike, Bounds, Matrix


@dataclass(eq=False, repr=False, kw_only=True)
class MeanVariance(PortfolioEstimator):
    """The best trade of expected return against variance.

    Parameters
    ----------
    risk_aversion : float, default=3.0
        Positive. It has no period: means and variances grow with it alike.
    expected_returns : estimator of moments, optional
        An object with ``fit`` and ``expected_returns_``, a callable of the returns, or a vector per period;
        :func:`poise.moments.james_stein_means` unless given.
    covariance : estimator of moments, optional
        As in `MinimumVariance`.
    bounds, constraints, groups, costs : optional
        As in :func:`poise.optimization.solve_mean_variance`.

    Attributes
    ----------
    result_, weights_, n_features_in_, feature_names_in_
        As in `PortfolioEstimator`.
    """

    risk_aversion: float = 3.0
    expected_returns: Any = None
    covariance: Any = None
    bounds: Bounds | None = None
    constraints: Any = None
    groups: Any = None
    costs: TradingCosts | None = None

    def _solve(self, R: ArrayLike, returns: Matrix, labels: Labels) -> OptimizationResult:  # noqa: ARG002
        covariance = covariance_of(self.covariance, R)
        return solve_mean_variance(
            expected_returns_of(self.expected_returns, R, covariance),
            covariance,
            risk_aversion=self.risk_aversion,
            bounds=self.bounds,
            constraints=self.constraints,
            groups=self.groups,
            costs=self.costs,
        )


@dataclass(eq=False, repr=False, kw_only=True)
class MaximumSharpe(PortfolioEstimator):
    """The largest expected return above the riskless rate per unit of volatility.

    Parameters
    ----------
    risk_free_rate : float, default=0.0
        Per period of the returns, as a fraction.
    expected_returns, covariance : estimators of moments, optional
        As in `MeanVariance`.
    bounds, constraints, groups, costs : optional
        As in :func:`poise.optimization.solve_maximum_sharpe`.

    Attributes
    ----------
    result_, weights_, n_features_in_, feature_names_in_
        As in `PortfolioEstimator`.
    """

    risk_free_rate: float = 0.0
    expected_returns: Any = None
    covariance: Any = None
    bounds: Bounds | None = None
    constraints: Any = None
    groups: Any = None
    costs: TradingCosts | None = None

    def _solve(self, R: ArrayLike, returns: Matrix, labels: Labels) -> OptimizationResult:  # noqa: ARG002
        covariance = covariance_of(self.covariance, R)
        return solve_maximum_sharpe(
            expected_returns_of(self.expected_returns, R, covariance),
            covariance,
            risk_free_rate=self.risk_free_rate,
            bounds=self.bounds,
            constraints=self.constraints,
            groups=self.groups,
            costs=self.costs,
        )


@dataclass(eq=False, repr=False, kw_only=True)
class BlackLitterman(PortfolioEstimator):
    """What a market's returns and views on them ask for.

    Parameters
    ----------
    views : sequence, default=()
        As in :func:`poise.optimization.black_litterman`.
    market_weights, prior : array_like of shape (n_assets,), optional
        As there; equal market weights where neither is given.
    risk_aversion : float, default=2.5
        Of the market and of this portfolio; positive.
    tau : float, default=0.05
        Variance of the prior mean as a part of the covariance.
    covariance : estimator of moments, optional
        As in `MinimumVariance`.
    bounds, constraints, groups, costs : optional
        As in :func:`poise.optimization.solve_mean_variance`.

    Attributes
    ----------
    posterior_ : BlackLittermanPosterior
        Expected returns and covariance after the views.
    result_, weights_, n_features_in_, feature_names_in_
        As in `PortfolioEstimator`.
    """

    views: Sequence[Any] = ()
    market_weights: ArrayLike | None = None
    prior: ArrayLike | None = None
    risk_aversion: float = RISK_AVERSION
    tau: float = TAU
    covariance: Any = None
    bounds: Bounds | None = None
    constraints: Any = None
    groups: Any = None
    costs: TradingCosts | None = None

    def _solve(self, R: ArrayLike, returns: Matrix, labels: Labels) -> OptimizationResult:  # noqa: ARG002
        posterior = black_litterman(
            covariance_of(self.covariance, R),
            self.views,
            market_weights=self.market_weights,
            prior=self.prior,
            risk_aversion=self.risk_aversion,
            tau=self.tau,
        )
        result = solve_mean_variance(
            posterior.expected_returns,
            posterior.covariance,
            risk_aversion=self.risk_aversion,
            bounds=self.bounds,
            constraints=self.constraints,
            groups=self.groups,
            costs=self.costs,
        )
        self.posterior_: BlackLittermanPosterior = posterior
        return result
