"""Solve for portfolio weights, each answer with its certificate; simple allocators beside the solvers.

Weights are fractions that sum to 1 and keep every bound exactly. Numpy, pandas and polars come out as they
went in.
"""

from poise.optimization.allocators import cap_weighted, equal_weights, inverse_volatility, water_fill
from poise.optimization.constraints import (
    Budget,
    Cardinality,
    FactorExposure,
    GroupLimit,
    LinearConstraint,
    ParticipationLimit,
    RegimeConstraints,
    TrackingError,
    TurnoverLimit,
)
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
from poise.optimization.trading_costs import TradingCosts

__all__ = [
    "BindingBound",
    "Budget",
    "Cardinality",
    "ConstraintReading",
    "FactorExposure",
    "GroupLimit",
    "LinearConstraint",
    "OptimizationResult",
    "OptimizationStatus",
    "ParticipationLimit",
    "RegimeConstraints",
    "Relaxation",
    "RiskParity",
    "TrackingError",
    "TradingCosts",
    "TurnoverLimit",
    "cap_weighted",
    "equal_weights",
    "inverse_volatility",
    "solve_maximum_diversification",
    "solve_mean_variance",
    "solve_minimum_variance",
    "solve_risk_parity",
    "water_fill",
]
