"""Solve for portfolio weights, each answer with its certificate; simple allocators beside the solvers.

Weights are fractions that sum to 1 and keep every bound exactly. Numpy, pandas and polars come out as they
went in.
"""

from poise.optimization.allocators import cap_weighted, equal_weights, inverse_volatility, water_fill
from poise.optimization.black_litterman import BlackLittermanPosterior, black_litterman
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
from poise.optimization.corners import CornerPortfolio, FrontierPoints
from poise.optimization.equilibrium import equilibrium_returns, implied_risk_aversion
from poise.optimization.estimators import (
    BlackLitterman,
    CapWeight,
    EqualWeight,
    HierarchicalRiskParity,
    InverseVolatility,
    Kelly,
    MaximumDiversification,
    MaximumSharpe,
    MeanReversion,
    MeanVariance,
    MinimumCDaR,
    MinimumCVaR,
    MinimumVariance,
    MomentumTilt,
    RiskParity,
)
from poise.optimization.frontier import EfficientFrontier, efficient_frontier
from poise.optimization.hierarchical import solve_hierarchical_risk_parity
from poise.optimization.kelly import solve_kelly, solve_kelly_quadratic
from poise.optimization.maximum_diversification import solve_maximum_diversification
from poise.optimization.maximum_sharpe import solve_maximum_sharpe
from poise.optimization.multi_period import TradingPlan, solve_multi_period
from poise.optimization.result import (
    BindingBound,
    ConstraintReading,
    OptimizationResult,
    OptimizationStatus,
    Relaxation,
)
from poise.optimization.risk_budgets import dynamic_risk_budgets
from poise.optimization.rolling import rolling_minimum_variance
from poise.optimization.solvers import (
    solve_mean_variance,
    solve_minimum_variance,
    solve_risk_parity,
)
from poise.optimization.tail_programs import solve_minimum_cdar, solve_minimum_cvar
from poise.optimization.tilts import mean_reversion_tilt, momentum_tilt
from poise.optimization.trading_costs import TradingCosts
from poise.optimization.views import View

__all__ = [
    "BindingBound",
    "BlackLitterman",
    "BlackLittermanPosterior",
    "Budget",
    "CapWeight",
    "Cardinality",
    "ConstraintReading",
    "CornerPortfolio",
    "EfficientFrontier",
    "EqualWeight",
    "FactorExposure",
    "FrontierPoints",
    "GroupLimit",
    "HierarchicalRiskParity",
    "InverseVolatility",
    "Kelly",
    "LinearConstraint",
    "MaximumDiversification",
    "MaximumSharpe",
    "MeanReversion",
    "MeanVariance",
    "MinimumCDaR",
    "MinimumCVaR",
    "MinimumVariance",
    "MomentumTilt",
    "OptimizationResult",
    "OptimizationStatus",
    "ParticipationLimit",
    "RegimeConstraints",
    "Relaxation",
    "RiskParity",
    "TrackingError",
    "TradingCosts",
    "TradingPlan",
    "TurnoverLimit",
    "View",
    "black_litterman",
    "cap_weighted",
    "dynamic_risk_budgets",
    "efficient_frontier",
    "equal_weights",
    "equilibrium_returns",
    "implied_risk_aversion",
    "inverse_volatility",
    "mean_reversion_tilt",
    "momentum_tilt",
    "rolling_minimum_variance",
    "solve_hierarchical_risk_parity",
    "solve_kelly",
    "solve_kelly_quadratic",
    "solve_maximum_diversification",
    "solve_maximum_sharpe",
    "solve_mean_variance",
    "solve_minimum_cdar",
    "solve_minimum_cvar",
    "solve_minimum_variance",
    "solve_multi_period",
    "solve_risk_parity",
    "water_fill",
]
