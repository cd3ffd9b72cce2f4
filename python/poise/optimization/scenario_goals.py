"""Goals over scenarios: conditional value at risk, conditional drawdown at risk, growth."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from poise.typing import Matrix, Vector


def scenario_covariance(returns: Matrix, probabilities: Vector) -> Matrix:
    """Return the covariance of the scenarios, for limits that need one."""
    centred = (returns - probabilities @ returns) * np.sqrt(probabilities)[:, np.newaxis]
    matrix: Matrix = centred.T @ centred
    return matrix


def tail_mean(losses: Vector, probabilities: Vector, confidence_level: float) -> float:
    """Return the mean loss of the worst ``1 - confidence_level``, the scenario at its edge in part."""
    order = np.argsort(-losses, kind="stable")
    tail = 1.0 - confidence_level
    before = np.cumsum(probabilities[order]) - probabilities[order]
    counted = np.clip(tail - before, 0.0, probabilities[order])
    return float(counted @ losses[order] / counted.sum())


def falls(returns: Vector) -> Vector:
    """Return how far the running sum of returns is below its highest value, the start (0) counted."""
    path = np.cumsum(returns)
    depth: Vector = np.maximum(np.maximum.accumulate(path), 0.0) - path
    return depth


@dataclass(frozen=True, eq=False)
class ConditionalValueAtRisk:
    """Minimise the mean of the worst losses, and costs.

    Attributes
    ----------
    returns : ndarray of shape (n_observations, n_assets)
    probabilities : ndarray of shape (n_observations,)
        Sum 1.
    confidence_level : float

    References
    ----------
    .. [1] Rockafellar and Uryasev (2002). Conditional value-at-risk for general loss distributions.
    """

    kind: ClassVar[str] = "conditional value at risk"
    returns: Matrix
    probabilities: Vector
    confidence_level: float
    sign: float = 1.0
    covariance: Matrix = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "covariance", scenario_covariance(self.returns, self.probabilities))

    @property
    def scale(self) -> float:
        """A size of the objective: the mean absolute return."""
        return float(np.abs(self.returns).mean()) or 1.0

    def figures(self) -> dict[str, Any]:
        """Return the numbers that an expression is made of."""
        return {"scenarios": self.returns / self.scale}

    def expression(self, weights: Any, figures: dict[str, Any], costs: Any) -> tuple[Any, list[Any]]:
        """Return what cvxpy is to minimise, in units of the scale, and constraints that define it."""
        losses = -figures["scenarios"] @ weights
        tail, defining = _tail_expression(losses, self.probabilities, self.confidence_level)
        return tail + costs, defining

    def loss(self, weights: Vector) -> float:
        """Return what is minimised, without costs."""
        return tail_mean(-self.returns @ weights, self.probabilities, self.confidence_level)


@dataclass(frozen=True, eq=False)
class ConditionalDrawdownAtRisk(ConditionalValueAtRisk):
    """Minimise the mean of the deepest drawdowns of the path of summed simple returns, and costs.

    References
    ----------
    .. [1] Chekhlov, Uryasev and Zabarankin (2005). Drawdown measure in portfolio optimization.
    """

    kind: ClassVar[str] = "conditional drawdown at risk"

    def expression(self, weights: Any, figures: dict[str, Any], costs: Any) -> tuple[Any, list[Any]]:
        """Return what cvxpy is to minimise, in units of the scale, and constraints that define it."""
        from poise.optimization.expressing import cp

        path = np.cumsum(figures["scenarios"], axis=0) @ weights
        peak = cp.Variable(len(self.returns))
        # The path begins at 0, a peak to fall from.
        defining = [peak >= path, peak[0] >= 0.0, peak[1:] >= peak[:-1]]
        tail, more = _tail_expression(peak - path, self.probabilities, self.confidence_level)
        return tail + costs, defining + more

    def loss(self, weights: Vector) -> float:
        """Return what is minimised, without costs."""
        return tail_mean(falls(self.returns @ weights), self.probabilities, self.confidence_level)


@dataclass(frozen=True, eq=False)
class Growth:
    """Maximise the expected logarithm of growth at ``1 / fraction`` times the weights, after costs.

    Attributes
    ----------
    returns : ndarray of shape (n_observations, n_assets)
        In excess of the riskless rate.
    probabilities : ndarray of shape (n_observations,)
        Sum 1.
    riskless : float
        Growth of cash.
    fraction : float
        Of full Kelly that the weights are.
    drawdown_power : float
        ``lambda`` of the limit ``E growth ** -lambda <= 1``; 0 for none.

    References
    ----------
    .. [1] Kelly (1956). A New Interpretation of Information Rate.
    .. [2] Busseti, Ryu and Boyd (2016). Risk-Constrained Kelly Gambling.
    """

    kind: ClassVar[str] = "growth"
    returns: Matrix
    probabilities: Vector
    riskless: float = 1.0
    fraction: float = 1.0
    drawdown_power: float = 0.0
    sign: float = -1.0
    covariance: Matrix = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "covariance", scenario_covariance(self.returns, self.probabilities))

    @property
    def scale(self) -> float:
        """A size of the objective: the mean absolute return."""
        return float(np.abs(self.returns).mean()) or 1.0

    def figures(self) -> dict[str, Any]:
        """Return the numbers that an expression is made of."""
        return {"scenarios": self.returns / self.fraction}

    def expression(self, weights: Any, figures: dict[str, Any], costs: Any) -> tuple[Any, list[Any]]:
        """Return what cvxpy is to minimise, in units of the scale, and constraints that define it."""
        from poise.optimization.expressing import cp

        growth = self.riskless + figures["scenarios"] @ weights - self.scale * costs
        defining = []
        if self.drawdown_power > 0.0:
            log_powers = np.log(self.probabilities) - self.drawdown_power * cp.log(growth)
            defining = [cp.log_sum_exp(log_powers) <= 0.0]
        return -(self.probabilities / self.scale) @ cp.log(growth), defining

    def loss(self, weights: Vector) -> float:
        """Return what is minimised, without costs; infinite where a scenario ruins."""
        return self.loss_after(weights, 0.0)

    def loss_after(self, weights: Vector, spent: float) -> float:
        """Return what is minimised where trading takes `spent` off the growth of every scenario."""
        growth = self.riskless + self.returns @ weights / self.fraction - spent
        if (growth <= 0.0).any():
            return float("inf")
        return -float(self.probabilities @ np.log(growth))


def _tail_expression(losses: Any, probabilities: Vector, confidence_level: float) -> tuple[Any, list[Any]]:
    """Return the mean of the worst losses by the linear program of Rockafellar and Uryasev."""
    from poise.optimization.expressing import cp

    edge, beyond = cp.Variable(), cp.Variable(len(probabilities), nonneg=True)
    tail = edge + (probabilities / (1.0 - confidence_level)) @ beyond
    return tail, [beyond >= losses - edge]
