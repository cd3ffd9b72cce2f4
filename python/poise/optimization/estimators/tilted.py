"""Portfolios that lean towards what has risen, or towards what has fallen too far."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np

from poise.domain.labels import Labels
from poise.errors import NonFiniteError, ParameterError
from poise.optimization.answer import binding_bounds
from poise.optimization.estimators.base import PortfolioEstimator, as_vector
from poise.optimization.estimators.risk_parity import RiskParity
from poise.optimization.limits import read_bounds
from poise.optimization.result import OptimizationResult
from poise.optimization.scores import momentum_scores, reversion_scores
from poise.optimization.tilts import (
    MOMENTUM_STRENGTH,
    REVERSION_STRENGTH,
    mean_reversion_tilt,
    momentum_tilt,
)
from poise.typing import ArrayLike, Bounds, Matrix, Vector


@dataclass(eq=False, repr=False, kw_only=True)
class MomentumTilt(PortfolioEstimator):
    """Another portfolio's weights, tilted towards the assets that have trended up.

    Parameters
    ----------
    base : PortfolioEstimator, optional
        What is tilted; `RiskParity` unless given.
    strength : float, default=0.5
        As in :func:`poise.optimization.momentum_tilt`.
    bounds : tuple, default=(0, 1)
        Of the tilted weights.

    Attributes
    ----------
    scores_ : ndarray of shape (n_assets,)
        Trend of each asset in standard deviations; NaN below 22 observations, which tilts nothing.
    result_, weights_, n_features_in_, feature_names_in_
        As in `PortfolioEstimator`. The certificate is NaN: a rule is evaluated, nothing is minimised.
    """

    base: PortfolioEstimator | None = None
    strength: float = MOMENTUM_STRENGTH
    bounds: Bounds | None = None

    def _solve(self, R: ArrayLike, returns: Matrix, labels: Labels) -> OptimizationResult:
        began = perf_counter()
        scores = momentum_scores(_log_returns(returns, labels))
        book = _fitted(self.base, R)
        tilted = momentum_tilt(
            as_vector(book.weights), scores, strength=self.strength, bounds=_ordered(self, returns, labels)
        )
        self.scores_: Vector = scores
        return _tilted_result(book, tilted, self.bounds, labels, began)


@dataclass(eq=False, repr=False, kw_only=True)
class MeanReversion(PortfolioEstimator):
    """Another portfolio's weights, tilted towards the assets that stand below their equilibrium.

    Parameters
    ----------
    base : PortfolioEstimator, optional
        What is tilted; `RiskParity` unless given.
    strength : float, default=0.25
        As in :func:`poise.optimization.mean_reversion_tilt`.
    bounds : tuple, default=(0, 1)
        Of the tilted weights.

    Attributes
    ----------
    distances_ : ndarray of shape (n_assets,)
        How far each asset stands above its equilibrium beside the equal-weighted market, in standard
        deviations; 0 where it shows no way of coming back.
    result_, weights_, n_features_in_, feature_names_in_
        As in `MomentumTilt`.
    """

    base: PortfolioEstimator | None = None
    strength: float = REVERSION_STRENGTH
    bounds: Bounds | None = None

    def _solve(self, R: ArrayLike, returns: Matrix, labels: Labels) -> OptimizationResult:
        began = perf_counter()
        logs = _log_returns(returns, labels)
        distances = -reversion_scores(logs, np.log1p(returns.mean(axis=1)))
        book = _fitted(self.base, R)
        tilted = mean_reversion_tilt(
            as_vector(book.weights),
            distances,
            strength=self.strength,
            bounds=_ordered(self, returns, labels),
        )
        self.distances_: Vector = distances
        return _tilted_result(book, tilted, self.bounds, labels, began)


def _fitted(base: PortfolioEstimator | None, R: ArrayLike) -> OptimizationResult:
    if base is None:
        return RiskParity().fit(R).result_
    if not isinstance(base, PortfolioEstimator):
        raise ParameterError(f"base is {base!r}, expected a portfolio estimator such as RiskParity()")
    return copy.deepcopy(base).fit(R).result_


def _log_returns(returns: Matrix, labels: Labels) -> Matrix:
    wrong = np.argwhere(~np.isfinite(returns))
    if len(wrong):
        row, column = (int(each) for each in wrong[0])
        name = column if labels.names is None else labels.names[column]
        raise NonFiniteError(f"X at row {row}, asset {name} is {returns[row, column]}; fill it or drop it")
    if (returns <= -1.0).any():
        row, column = (int(each) for each in np.argwhere(returns <= -1.0)[0])
        raise ParameterError(
            f"X at row {row}, column {column} is {returns[row, column]:g}; a tilt needs returns above -1"
        )
    logs: Matrix = np.log1p(returns)
    return logs


def _ordered(estimator: MomentumTilt | MeanReversion, returns: Matrix, labels: Labels) -> Bounds:
    return read_bounds(estimator.bounds, returns.shape[1], labels)


def _tilted_result(
    book: OptimizationResult, tilted: Vector, bounds: Bounds | None, labels: Labels, began: float
) -> OptimizationResult:
    """Return the tilted weights; of the book before them the status and what it said are kept."""
    lower, upper = read_bounds(bounds, len(tilted), labels)
    sides = (tilted >= upper).astype(np.int8)
    sides[tilted <= lower] = -1
    return replace(
        book,
        weights=labels.vector(tilted),
        certificate=math.nan,
        binding=binding_bounds(sides, labels),
        budget_gap=math.nan,
        constraints=(),
        objective=math.nan,
        duality_gap=math.nan,
        seconds=perf_counter() - began,
    )
