"""What every solver and frontier query returns."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, NamedTuple

SUM_TOLERANCE = 1e-12
"""How far the sum of weights may be from what was asked."""


class OptimizationStatus(StrEnum):
    """How an answer came about."""

    OPTIMAL = "optimal"
    """The stated problem is solved to its certificate."""

    DEGENERATE = "degenerate"
    """Solved, but the covariance is singular or assets carry no risk: a convention chose the answer."""

    INACCURATE = "inaccurate"
    """Rounding stopped the solver above its goal; the certificate says how far."""

    RELAXED = "relaxed"
    """What was asked has no answer; a nearby problem is solved, ``fallbacks`` says which and why."""

    INFEASIBLE = "infeasible"
    """No weights keep everything that was asked: the weights keep it as nearly as any can, ``relaxations``
    say what had to give way. Where the upper bounds sum to less than 1 the rest stays cash."""


class BindingBound(NamedTuple):
    """A bound at which a weight stands.

    Attributes
    ----------
    asset : str or int
        The asset's name; its position where the input had no names.
    side : {"lower", "upper"}
    price : float
        How fast the objective would improve if the bound gave way, per unit of weight; not negative. NaN
        where the solver knows no prices. Of a fraction of Kelly's weights it is the growth of the full
        weights that improves.
    """

    asset: str | int
    side: Literal["lower", "upper"]
    price: float = math.nan


class ConstraintReading(NamedTuple):
    """A constraint read off the final weights.

    Attributes
    ----------
    name : str
        As the caller named or wrote it, such as ``"defi <= 0.2"``.
    value : float
        What the final weights make of it, in the constraint's own unit.
    lower, upper : float
        Its limits; infinite where there is none.
    violation : float
        By how much `value` is outside; 0 where the constraint is kept.
    binding : bool
        Whether `value` stands at a limit.
    price : float
        How fast the objective would improve if the limit gave way, per unit of `value`; not negative, 0
        where nothing binds. NaN where the solver knows no prices.
    """

    name: str
    value: float
    lower: float
    upper: float
    violation: float
    binding: bool
    price: float = math.nan


class Relaxation(NamedTuple):
    """By how much one limit was relaxed, so that weights exist.

    Attributes
    ----------
    name : str
        The constraint's name, or ``"upper bound of BTC"``.
    by : float
        How far the limit gave way, in the constraint's own unit; positive.
    words : str
        The same for a reader, such as ``"defi <= 0.2 must become at least 0.35"``.
    """

    name: str
    by: float
    words: str


UNNAMED = "_name_bounds"
"""Where a result that has no `binding` yet keeps what names its bounds."""


class _Deferred:
    """Bounds are named when somebody asks: a hundred names take as long as a hundred assets' solution."""

    def __get__(
        self, result: OptimizationResult | None, owner: type | None = None
    ) -> tuple[BindingBound, ...]:
        if result is None:
            return ()  # what the dataclass takes for the default
        fields = result.__dict__
        name = fields.get(UNNAMED)
        named: tuple[BindingBound, ...] = fields.setdefault("binding", () if name is None else name())
        # Only now: another thread finds either who names them or their names.
        fields.pop(UNNAMED, None)
        return named


@dataclass(frozen=True, eq=False)
class OptimizationResult:
    """Weights with the proof of how good they are.

    Attributes
    ----------
    weights : ndarray, Series or frame
        Fractions with the labels of the input. They keep every bound exactly. Unless the status is
        ``infeasible`` they sum to the budget within 1e-12: to 1 where no `Budget` says otherwise, and to at
        most 1 where cash is part of the question (:func:`poise.optimization.solve_kelly`: at most its
        `fraction`).
    status : OptimizationStatus
    certificate : float
        How far the conditions of optimality are from holding, relative; the solver's docstring says of
        what. At most 1e-8 where the status is ``optimal``; NaN where nothing was solved.
    iterations : int
        Steps of the solver.
    binding : tuple of BindingBound
        The bounds at which weights stand, in the order of the assets.
    fallbacks : tuple of str
        What was tried before this answer and why it was given up; empty where the first attempt held.
    messages : tuple of str
        What else a reader should know, in words.
    budget_gap : float
        The largest difference between an asset's share of risk and its budget; NaN without budgets.
    constraints : tuple of ConstraintReading
        Every constraint beyond the bounds, read off the final weights, in the order given.
    relaxations : tuple of Relaxation
        The least that limits had to give way for weights to exist; empty where all were kept.
    objective : float
        The value of the objective at the weights, as the solver's docstring states it; NaN where that is
        not one number.
    duality_gap : float
        By how much the objective can at most be improved, in its own unit; NaN where no dual is at hand.
    seconds : float
        Wall time of the solution; NaN where it was not taken.
    """

    weights: Any
    status: OptimizationStatus
    certificate: float
    iterations: int
    binding: tuple[BindingBound, ...] = _Deferred()  # type: ignore[assignment]
    fallbacks: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    budget_gap: float = math.nan
    constraints: tuple[ConstraintReading, ...] = ()
    relaxations: tuple[Relaxation, ...] = ()
    objective: float = math.nan
    duality_gap: float = math.nan
    seconds: float = math.nan

    def __getstate__(self) -> dict[str, Any]:
        _ = self.binding  # what names the bounds cannot go along with a copy: their names do
        return self.__dict__

    @property
    def cash(self) -> float:
        """What the weights leave uninvested: 1 less their sum; rounding counts as 0."""
        import numpy as np

        left = 1.0 - float(np.sum(np.asarray(self.weights, dtype=np.float64)))
        return 0.0 if abs(left) <= SUM_TOLERANCE else left
