"""What is asked of the weights: objectives in numbers, to be minimised, with their values as documented."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from poise.typing import Matrix, Vector

RIDGE = 1e-10
"""A part of the mean variance that keeps a ratio finite where a covariance is singular."""


class Frictions(NamedTuple):
    """What trading costs, in the unit of the objective: ``linear * |x| + impact * |x| ** 1.5`` per asset.

    `x` is the change from `current`, a weight.
    """

    current: Vector
    linear: Vector
    impact: Vector

    def cost(self, weights: Vector) -> float:
        """Return what the way from the current weights costs."""
        size = np.abs(weights - self.current)
        return float(self.linear @ size + self.impact @ size**1.5)


def root_of(covariance: Matrix) -> Matrix:
    """Return ``F`` with ``F'F`` the covariance; directions that rounding made negative count as 0."""
    values, vectors = np.linalg.eigh(0.5 * (covariance + covariance.T))
    root: Matrix = np.sqrt(np.clip(values, 0.0, None))[:, np.newaxis] * vectors.T
    return root


@dataclass(frozen=True, eq=False)
class Quadratic:
    """Minimise ``aversion / 2 * w'Sw - linear'w`` and costs.

    Attributes
    ----------
    covariance : ndarray of shape (n_assets, n_assets)
    aversion : float
    linear : ndarray of shape (n_assets,)
    sign : float
        1 where the documented objective is what is minimised, -1 where it is a utility.
    """

    kind: ClassVar[str] = "quadratic"
    covariance: Matrix
    aversion: float
    linear: Vector
    sign: float = 1.0

    @property
    def scale(self) -> float:
        """A size of the objective; dividing by it makes solvers' tolerances relative."""
        mean = float(np.trace(self.covariance)) / len(self.covariance)
        return max(self.aversion * mean, float(np.abs(self.linear).max(initial=0.0))) or 1.0

    def figures(self) -> dict[str, Any]:
        """Return the numbers that an expression is made of."""
        return {
            "root": np.sqrt(self.aversion / self.scale) * root_of(self.covariance),
            "linear": self.linear / self.scale,
        }

    def expression(self, weights: Any, figures: dict[str, Any], costs: Any) -> tuple[Any, list[Any]]:
        """Return what cvxpy is to minimise, in units of the scale, and constraints that define it."""
        from poise.optimization.expressing import cp

        return 0.5 * cp.sum_squares(figures["root"] @ weights) - figures["linear"] @ weights + costs, []

    def loss(self, weights: Vector) -> float:
        """Return what is minimised, without costs."""
        return 0.5 * self.aversion * float(weights @ self.covariance @ weights) - float(self.linear @ weights)

    def gradient(self, weights: Vector) -> Vector:
        """Return the slope of the loss."""
        slope: Vector = self.aversion * (self.covariance @ weights) - self.linear
        return slope


@dataclass(frozen=True, eq=False)
class Ratio:
    """Maximise ``(excess'w - costs) / sqrt(w'Sw)`` by minimising ``tilt * sqrt(w'Sw) - excess'w + costs``.

    Where the tilt is the largest ratio the two have one answer.

    Attributes
    ----------
    covariance : ndarray of shape (n_assets, n_assets)
    excess : ndarray of shape (n_assets,)
    tilt : float
        The ratio of the weights before.

    References
    ----------
    .. [1] Dinkelbach (1967). On Nonlinear Fractional Programming.
    """

    kind: ClassVar[str] = "ratio"
    covariance: Matrix
    excess: Vector
    tilt: float = 0.0
    sign: float = -1.0

    @property
    def scale(self) -> float:
        """A size of the objective."""
        mean = float(np.trace(self.covariance)) / len(self.covariance)
        return max(float(np.abs(self.excess).max(initial=0.0)), self.tilt * float(np.sqrt(mean))) or 1.0

    def figures(self) -> dict[str, Any]:
        """Return the numbers that an expression is made of."""
        return {"root": self.tilt / self.scale * root_of(self.covariance), "linear": self.excess / self.scale}

    def expression(self, weights: Any, figures: dict[str, Any], costs: Any) -> tuple[Any, list[Any]]:
        """Return what cvxpy is to minimise, in units of the scale, and constraints that define it."""
        from poise.optimization.expressing import cp

        return cp.norm(figures["root"] @ weights, 2) - figures["linear"] @ weights + costs, []

    def loss(self, weights: Vector) -> float:
        """Return what is minimised, without costs."""
        volatility = float(np.sqrt(np.maximum(weights @ self.covariance @ weights, 0.0)))
        return self.tilt * volatility - float(self.excess @ weights)

    def gradient(self, weights: Vector) -> Vector:
        """Return the slope of the loss; without volatility that of the excess alone."""
        pull = self.covariance @ weights
        volatility = float(np.sqrt(np.maximum(weights @ pull, 0.0)))
        slope: Vector = (self.tilt / volatility * pull if volatility > 0.0 else 0.0) - self.excess
        return slope


def loss_after_costs(goal: Any, weights: Vector, costs: Frictions | None) -> float:
    """Return what is minimised: the loss and what the way there costs."""
    if costs is None:
        return float(goal.loss(weights))
    if hasattr(goal, "loss_after"):
        return float(goal.loss_after(weights, costs.cost(weights)))
    return float(goal.loss(weights) + costs.cost(weights))


Goal = Any
"""Something with the attributes of `Quadratic`: kind, covariance, scale, figures, expression, loss, sign."""
