"""Portfolios with the manners of scikit-learn: ``fit`` takes returns, ``weights_`` has the answer.

They work in its ``Pipeline``, ``GridSearchCV`` and ``clone`` and need none of it.
"""

from poise.optimization.estimators.base import PortfolioEstimator
from poise.optimization.estimators.returns import BlackLitterman, MaximumSharpe, MeanVariance
from poise.optimization.estimators.risk import MaximumDiversification, MinimumVariance
from poise.optimization.estimators.risk_parity import RiskParity
from poise.optimization.estimators.rules import (
    CapWeight,
    EqualWeight,
    HierarchicalRiskParity,
    InverseVolatility,
)
from poise.optimization.estimators.tails import Kelly, MinimumCDaR, MinimumCVaR
from poise.optimization.estimators.tilted import MeanReversion, MomentumTilt

__all__ = [
    "BlackLitterman",
    "CapWeight",
    "EqualWeight",
    "HierarchicalRiskParity",
    "InverseVolatility",
    "Kelly",
    "MaximumDiversification",
    "MaximumSharpe",
    "MeanReversion",
    "MeanVariance",
    "MinimumCDaR",
    "MinimumCVaR",
    "MinimumVariance",
    "MomentumTilt",
    "PortfolioEstimator",
    "RiskParity",
]
