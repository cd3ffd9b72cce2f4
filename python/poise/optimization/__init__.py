"""Solve for portfolio weights, each answer with its certificate; simple allocators beside the solvers.

Weights are fractions that sum to 1 and keep every bound exactly. Numpy, pandas and polars come out as they
went in.
"""

from poise.optimization.allocators import cap_weighted, equal_weights, inverse_volatility, water_fill
from poise.optimization.corners import CornerPortfolio, FrontierPoints
from poise.optimization.frontier import EfficientFrontier, efficient_frontier
from poise.optimization.maximum_sharpe import solve_maximum_sharpe
from poise.optimization.result import (
    BindingBound,
    ConstraintReading,
    OptimizationResult,
    OptimizationStatus,
    Relaxation,
)
from poise.optimization.risk_parity import RiskParity
from poise.optimization.rolling import rolling_minimum_variance
from poise.optimization.solvers import (
    solve_maximum_diversification,
    solve_mean_variance,
    solve_minimum_variance,
    solve_risk_parity,
)

__all__ = [
    "BindingBound",
    "ConstraintReading",
    "CornerPortfolio",
    "EfficientFrontier",
    "FrontierPoints",
    "OptimizationResult",
    "OptimizationStatus",
    "Relaxation",
    "RiskParity",
    "cap_weighted",
    "efficient_frontier",
    "equal_weights",
    "inverse_volatility",
    "rolling_minimum_variance",
    "solve_maximum_diversification",
    "solve_maximum_sharpe",
    "solve_mean_variance",
    "solve_minimum_variance",
    "solve_risk_parity",
    "water_fill",
]
