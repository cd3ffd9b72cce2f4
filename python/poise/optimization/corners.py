"""What the efficient frontier is told by: its corner portfolios, and points along it."""

from __future__ import annotations

from typing import Any, NamedTuple

from poise.typing import Vector


class CornerPortfolio(NamedTuple):
    """A portfolio at which an asset reaches or leaves a bound.

    Attributes
    ----------
    weights : ndarray, Series or frame
        Fractions with the labels of the input.
    expected_return, volatility : float
        Per period of the covariance.
    risk_tolerance : float
        The least ``lambda`` at which it minimises ``w'Sw / 2 - lambda * mu'w``: 0 at the least variance.
    certificate : float
        How far the conditions of optimality are from holding, relative to the terms they are made of.
    """

    weights: Any
    expected_return: float
    volatility: float
    risk_tolerance: float
    certificate: float


class FrontierPoints(NamedTuple):
    """Portfolios along the frontier, from the least variance up.

    Attributes
    ----------
    expected_returns, volatilities : ndarray of shape (n_points,)
    weights : ndarray or frame of shape (n_points, n_assets)
    """

    expected_returns: Vector
    volatilities: Vector
    weights: Any
