"""Limits that come from holding and trading: cash, turnover, volume, a benchmark, a count of positions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from operator import index
from typing import Any

import numpy as np

from poise.errors import ParameterError
from poise.optimization.constraints.draft import Constraint, Draft, check_limits, number
from poise.optimization.constraints.parts import Box, Count, Distance
from poise.typing import ArrayLike


@dataclass(frozen=True)
class Budget(Constraint):
    """The sum of the weights; what they leave is cash, what exceeds 1 is borrowed.

    Parameters
    ----------
    lower, upper : float, default=1.0
        Fractions of the portfolio: ``Budget(0.0, 1.0)`` lets the solver keep cash.
    name : str, default="budget"
    """

    lower: float = 1.0
    upper: float = 1.0
    name: str = "budget"

    def add_to(self, draft: Draft) -> None:
        """Set the sum of the weights."""
        check_limits(self.lower, self.upper, self.name)
        if draft.total_name:
            raise ParameterError("there are two budgets; drop one")
        draft.total = (float(self.lower), float(self.upper))
        draft.total_name = self.name


@dataclass(frozen=True, eq=False)
class TurnoverLimit(Constraint):
    """Half the sum of absolute changes from the current weights, cash counted as an asset.

    Parameters
    ----------
    limit : float
        A fraction of the portfolio, not negative; 1 exchanges everything.
    current_weights : mapping of asset to float, or array_like of shape (n_assets,)
        What is held; what a mapping leaves out is not held.
    name : str, default="turnover"
    """

    limit: float
    current_weights: ArrayLike
    name: str = "turnover"

    def add_to(self, draft: Draft) -> None:
        """Add a distance from the current weights."""
        limit = _not_negative(self.limit, f"the limit of {self.name}")
        current = draft.book(self.current_weights, "current_weights")
        draft.claim(self.name, [each.name for each in draft.turnover])
        draft.turnover.append(Distance(self.name, current, limit))


@dataclass(frozen=True, eq=False)
class TrackingError(Constraint):
    """The volatility of the difference from a benchmark.

    Parameters
    ----------
    benchmark_weights : mapping of asset to float, or array_like of shape (n_assets,)
        What a mapping leaves out has no weight there.
    limit : float
        Volatility per period of the covariance (of the returns, where a solver takes those), a positive
        fraction; not annualised.
    name : str, default="tracking error"
    """

    benchmark_weights: ArrayLike
    limit: float
    name: str = "tracking error"

    def add_to(self, draft: Draft) -> None:
        """Add a distance in volatility from the benchmark."""
        limit = _not_negative(self.limit, f"the limit of {self.name}")
        benchmark = draft.book(self.benchmark_weights, "benchmark_weights")
        draft.claim(self.name, [each.name for each in draft.tracking])
        draft.tracking.append(Distance(self.name, benchmark, limit))


@dataclass(frozen=True, eq=False)
class ParticipationLimit(Constraint):
    """No trade above a share of what is traded of the asset anyway; a box around the current weights.

    Parameters
    ----------
    volume : mapping of asset to float, or array_like of shape (n_assets,)
        Money traded per period, such as average daily dollar volume; not negative. Assets that a mapping
        leaves out are not traded.
    portfolio_value : float
        In the money of `volume`; positive.
    fraction : float, default=0.1
        Of the volume, in (0, 1].
    current_weights : mapping or array_like of shape (n_assets,)
        What is held.
    name : str, default="participation"

    Notes
    -----
    Bounds are stronger: where what is held lies so far outside its bounds that liquidity does not allow the
    way back, the participation gives way, the least possible, and the answer says so (``infeasible``).
    """

    volume: ArrayLike
    portfolio_value: float
    current_weights: ArrayLike
    fraction: float = 0.1
    name: str = "participation"

    def add_to(self, draft: Draft) -> None:
        """Add a box around the current weights."""
        value = number(self.portfolio_value, "portfolio_value")
        if not 0.0 < value < math.inf:
            raise ParameterError(f"portfolio_value is {value:g}, expected a positive amount")
        fraction = number(self.fraction, "fraction")
        if not 0.0 < fraction <= 1.0:
            raise ParameterError(f"fraction is {fraction:g}, expected 0 < fraction <= 1")
        volume = draft.vector(self.volume, "volume")
        if (volume < 0.0).any():
            raise ParameterError(
                f"volume of asset {draft.names[volume.argmin()]} is negative; pass 0 or more"
            )
        current = draft.book(self.current_weights, "current_weights")
        room = fraction * volume / value
        draft.claim(self.name, [each.name for each in draft.boxes])
        draft.boxes.append(Box(self.name, current - room, current + room))


@dataclass(frozen=True)
class Cardinality(Constraint):
    """At most so many assets, each with no weight or at least the minimum weight; long only.

    Parameters
    ----------
    at_most : int, optional
        How many assets may be held; positive. Unlimited if left out.
    minimum_weight : float, default=0.0
        The least weight of an asset that is held, a fraction below 1.
    name : str, default="cardinality"

    Notes
    -----
    Solved by branch and bound, each answer with its proven gap. Meant for tens of assets: the search ends
    after a fixed number of problems, and where the proof is then not complete the status is ``inaccurate``
    and the message says how much better another choice could at most be.
    """

    at_most: int | None = None
    minimum_weight: float = 0.0
    name: str = "cardinality"

    def add_to(self, draft: Draft) -> None:
        """Set the count of assets."""
        if draft.count is not None:
            raise ParameterError("there are two cardinality constraints; put both numbers into one")
        try:
            at_most = draft.n_assets if self.at_most is None else index(self.at_most)
        except TypeError:
            raise ParameterError(f"at_most is {self.at_most!r}, expected a whole number") from None
        minimum = number(self.minimum_weight, "minimum_weight")
        if at_most < 1:
            raise ParameterError(f"at_most is {at_most}, expected at least 1")
        if not 0.0 <= minimum < 1.0:
            raise ParameterError(f"minimum_weight is {minimum:g}, expected 0 <= minimum_weight < 1")
        if (draft.lower < 0.0).any():
            i = int(np.argmin(draft.lower))
            raise ParameterError(
                f"{self.name} counts long positions, but asset {draft.names[i]} has lower bound "
                f"{draft.lower[i]:g}; raise it to 0"
            )
        draft.count = Count(self.name, min(at_most, draft.n_assets), minimum)


def _not_negative(value: Any, name: str) -> float:
    read = number(value, name)
    if not 0.0 <= read < math.inf:
        raise ParameterError(f"{name} is {read:g}, expected a finite number of at least 0")
    return read
