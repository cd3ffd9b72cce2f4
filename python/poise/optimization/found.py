"""What a route of a program hands over: weights, and what its solver knows of them."""

from __future__ import annotations

from dataclasses import dataclass

from poise.optimization.constraints.parts import ConstraintSet
from poise.optimization.result import Relaxation
from poise.typing import Vector


@dataclass(frozen=True, eq=False)
class Found:
    """Weights of a program with what their solver knows of them.

    Attributes
    ----------
    weights : ndarray of shape (n_assets,)
    gap : float
        Duality gap in the unit of the objective.
    certificate : float
        Relative, as in `OptimizationResult`.
    iterations : int
    bound_prices : ndarray of shape (n_assets,) or None
        Positive at an upper bound, negative at a lower one.
    prices : dict of str to float
        Of the other limits, by name.
    limits : ConstraintSet or None
        What was kept, where that is not what was asked.
    relaxations, fallbacks, messages : tuple
    degenerate : bool
        Whether a convention chose the answer.
    """

    weights: Vector
    gap: float
    certificate: float
    iterations: int
    bound_prices: Vector | None
    prices: dict[str, float]
    limits: ConstraintSet | None = None
    relaxations: tuple[Relaxation, ...] = ()
    fallbacks: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    degenerate: bool = False
