"""What every solver and frontier query returns."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, NamedTuple


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
    """The upper bounds sum to less than 1: the weights stand at them, the rest stays cash."""


class BindingBound(NamedTuple):
    """A bound at which a weight stands.

    Attributes
    ----------
    asset : str or int
        The asset's name; its position where the input had no names.
    side : {"lower", "upper"}
    """

    asset: str | int
    side: Literal["lower", "upper"]


@dataclass(frozen=True, eq=False)
class OptimizationResult:
    """Weights with the proof of how good they are.

    Attributes
    ----------
    weights : ndarray, Series or frame
        Fractions with the labels of the input. They keep every bound exactly and, unless the status is
        ``infeasible``, sum to 1 within 1e-12.
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
    """

    weights: Any
    status: OptimizationStatus
    certificate: float
    iterations: int
    binding: tuple[BindingBound, ...] = ()
    fallbacks: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    budget_gap: float = math.nan
