"""What weights may be beyond their bounds: limits with names, read off the final weights.

========================  ==========================================================================
constraint                what it limits
========================  ==========================================================================
``"defi <= 0.2"``         any sum of assets and groups, in words (:func:`parse_expression`)
`LinearConstraint`        a weighted sum of weights
`GroupLimit`              the weight of each group: sector, tier, any grouping
`FactorExposure`          the exposure to factors
`Budget`                  the sum of the weights; the rest is cash
`TurnoverLimit`           half the sum of the changes, cash counted as an asset
`ParticipationLimit`      each trade, by the asset's traded volume
`TrackingError`           the volatility of the difference from a benchmark
`Cardinality`             how many assets are held, and the least weight of one that is
`RegimeConstraints`       any of them, by the state of the market
a callable                what cvxpy can express: takes a ``cvxpy.Variable``, returns constraints
========================  ==========================================================================
"""

from poise.optimization.constraints.draft import Constraint, compile_constraints
from poise.optimization.constraints.linear import FactorExposure, GroupLimit, LinearConstraint
from poise.optimization.constraints.parts import ConstraintSet
from poise.optimization.constraints.regimes import RegimeConstraints
from poise.optimization.constraints.trading import (
    Budget,
    Cardinality,
    ParticipationLimit,
    TrackingError,
    TurnoverLimit,
)

__all__ = [
    "Budget",
    "Cardinality",
    "Constraint",
    "ConstraintSet",
    "FactorExposure",
    "GroupLimit",
    "LinearConstraint",
    "ParticipationLimit",
    "RegimeConstraints",
    "TrackingError",
    "TurnoverLimit",
    "compile_constraints",
]
