"""Tolerances by name; widening one comes with the reason the error grew."""

CLOSED_FORM = 1e-12
"""Relative error of a formula without iteration."""

SOLVER = 1e-8
"""Absolute error of weights that a solver returns."""

SUM = 1e-12
"""How far weights may be from summing to one."""

REFEREE = 1e-6
"""Agreement with an independent solver of ordinary accuracy (Clarabel through cvxpy)."""

NEAR_SINGULAR = 1e-6
"""Correlations of several assets scaled to the edge of positive semidefiniteness: each row placed there
(margin 1e-6) multiplies the rounding of the next."""
