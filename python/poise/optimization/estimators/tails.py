"""Portfolios of the scenarios themselves: least tail losses, least drawdowns, most growth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from poise.domain.labels import Labels
from poise.optimization.estimators.base import PortfolioEstimator
from poise.optimization.kelly import solve_kelly
from poise.optimization.result import OptimizationResult
from poise.optimization.tail_programs import solve_minimum_cdar, solve_minimum_cvar
from poise.optimization.trading_costs import TradingCosts
from poise.typing import ArrayLike, Bounds, Matrix


@dataclass(eq=False, repr=False, kw_only=True)
class MinimumCVaR(PortfolioEstimator):
    """The weights whose worst losses are smallest on average.

    Parameters
    ----------
    confidence_level : float, default=0.95
        Strictly between 0 and 1.
    expected_returns, minimum_return, bounds, constraints, groups, costs : optional
        As in :func:`poise.optimization.solve_minimum_cvar`.

    Attributes
    ----------
    result_, weights_, n_features_in_, feature_names_in_
        As in `PortfolioEstimator`.
    """

    confidence_level: float = 0.95
    expected_returns: ArrayLike | None = None
    minimum_return: float | None = None
    bounds: Bounds | None = None
    constraints: Any = None
    groups: Any = None
    costs: TradingCosts | None = None

    def _solve(self, R: ArrayLike, returns: Matrix, labels: Labels) -> OptimizationResult:  # noqa: ARG002
        return solve_minimum_cvar(
            R,
            confidence_level=self.confidence_level,
            expected_returns=self.expected_returns,
            minimum_return=self.minimum_return,
            bounds=self.bounds,
            constraints=self.constraints,
            groups=self.groups,
            costs=self.costs,
        )


@dataclass(eq=False, repr=False, kw_only=True)
class MinimumCDaR(PortfolioEstimator):
    """The weights whose deepest drawdowns are smallest on average.

    Parameters
    ----------
    confidence_level : float, default=0.95
        Strictly between 0 and 1.
    expected_returns, minimum_return, bounds, constraints, groups, costs : optional
        As in :func:`poise.optimization.solve_minimum_cdar`.

    Attributes
    ----------
    result_, weights_, n_features_in_, feature_names_in_
        As in `PortfolioEstimator`.
    """

    confidence_level: float = 0.95
    expected_returns: ArrayLike | None = None
    minimum_return: float | None = None
    bounds: Bounds | None = None
    constraints: Any = None
    groups: Any = None
    costs: TradingCosts | None = None

    def _solve(self, R: ArrayLike, returns: Matrix, labels: Labels) -> OptimizationResult:  # noqa: ARG002
        return solve_minimum_cdar(
            R,
            confidence_level=self.confidence_level,
            expected_returns=self.expected_returns,
            minimum_return=self.minimum_return,
            bounds=self.bounds,
            constraints=self.constraints,
            groups=self.groups,
            costs=self.costs,
        )


@dataclass(eq=False, repr=False, kw_only=True)
class Kelly(PortfolioEstimator):
    """A fraction of the weights of largest growth; the rest is cash.

    Parameters
    ----------
    fraction : float, default=0.25
        Above 0 and at most 1.
    risk_free_rate : float, default=0.0
        What cash earns per period; `predict` and `score` count cash as earning nothing.
    drawdown, bounds, constraints, groups, costs : optional
        As in :func:`poise.optimization.solve_kelly`.

    Attributes
    ----------
    result_, weights_, n_features_in_, feature_names_in_
        As in `PortfolioEstimator`.
    """

    fraction: float = 0.25
    risk_free_rate: float = 0.0
    drawdown: tuple[float, float] | None = None
    bounds: Bounds | None = None
    constraints: Any = None
    groups: Any = None
    costs: TradingCosts | None = None

    def _solve(self, R: ArrayLike, returns: Matrix, labels: Labels) -> OptimizationResult:  # noqa: ARG002
        return solve_kelly(
            R,
            fraction=self.fraction,
            risk_free_rate=self.risk_free_rate,
            drawdown=self.drawdown,
            bounds=self.bounds,
            constraints=self.constraints,
            groups=self.groups,
            costs=self.costs,
        )
