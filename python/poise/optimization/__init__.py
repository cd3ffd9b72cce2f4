"""Solve for portfolio weights, each answer with its certificate; simple allocators beside the solvers.

Weights are fractions that sum to 1 and keep every bound exactly. Numpy, pandas and polars come out as they
went in.
"""

from poise.optimization.allocators import cap_weighted, equal_weights, inverse_volatility, water_fill
from poise.optimization.kelly import solve_kelly, solve_kelly_quadratic
from poise.optimization.result import (
    BindingBound,
    ConstraintReading,
    OptimizationResult,
    OptimizationStatus,
    Relaxation,
)
from poise.optimization.risk_parity import RiskParity
from poise.optimization.solvers import (
    solve_maximum_diversification,
    solve_mean_variance,
    solve_minimum_variance,
    solve_risk_parity,
)
from poise.optimization.tail_programs import solve_minimum_cdar, solve_minimum_cvar

__all__ = [
    "BindingBound",
    "ConstraintReading",
    "OptimizationResult",
    "OptimizationStatus",
    "Relaxation",
    "RiskParity",
    "cap_weighted",
    "equal_weights",
    "inverse_volatility",
    "solve_kelly",
    "solve_kelly_quadratic",
    "solve_maximum_diversification",
    "solve_mean_variance",
    "solve_minimum_cdar",
    "solve_minimum_cvar",
    "solve_minimum_variance",
    "solve_risk_parity",
    "water_fill",
]
