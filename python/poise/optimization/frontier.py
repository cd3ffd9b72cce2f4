"""The efficient frontier, exactly: corner portfolios, and every portfolio between them by a query."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from poise import _native
from poise.domain.labels import BARE, Labels, unwrap_vector
from poise.errors import ParameterError
from poise.optimization.answer import to_result
from poise.optimization.corners import CornerPortfolio, FrontierPoints
from poise.optimization.inputs import read_covariance, read_real
from poise.optimization.limits import held_at_upper, leaves_cash, read_bounds
from poise.optimization.maximum_sharpe import solve_maximum_sharpe
from poise.optimization.result import OptimizationResult, OptimizationStatus, Relaxation
from poise.typing import ArrayLike, Bounds, Matrix, Vector


class EfficientFrontier:
    """All portfolios that no other beats in both expected return and variance.

    Made by :func:`efficient_frontier`. Between neighbouring corners the weights are a straight line, so every
    query is exact and takes no solver. A query's certificate, prices, objective and duality gap are those of
    minimising ``w'Sw / 2 - risk_tolerance * mu'w`` at the risk tolerance that leads to its answer.

    Attributes
    ----------
    corners : tuple of CornerPortfolio
        From the highest expected return to the least variance; where open bounds leave no highest, from
        the last corner on, beyond which the frontier goes straight on for ever.
    returns, volatilities : ndarray of shape (n_corners,)
        Of the corners, per period of the covariance.
    weights : ndarray or frame of shape (n_corners, n_assets)
        Of the corners.
    """

    def __init__(
        self,
        native: _native.Frontier | None,
        inputs: tuple[Vector, Matrix, Any],
        labels: Labels,
    ) -> None:
        self._native, self._inputs, self._labels = native, inputs, labels
        self.seconds = math.nan if native is None else native.seconds

    # Figures are taken over from the core once they are asked for: ten assets' take as long as their corners.

    @cached_property
    def _rows(self) -> Matrix:
        if self._native is not None:
            return self._native.weights
        upper: Vector = self._inputs[2][1]
        return upper[np.newaxis] + 0.0

    @cached_property
    def weights(self) -> Any:  # noqa: D102 - told above, among the attributes
        return self._labels.frame(self._rows)

    @cached_property
    def returns(self) -> Vector:  # noqa: D102 - told above, among the attributes
        if self._native is not None:
            return self._native.expected_returns
        held: Vector = self._rows @ self._inputs[0]
        return held

    @cached_property
    def volatilities(self) -> Vector:  # noqa: D102 - told above, among the attributes
        if self._native is not None:
            return np.sqrt(self._native.variances)
        held: Vector = np.einsum("ki,ij,kj->k", self._rows, self._inputs[1], self._rows)
        return np.sqrt(np.maximum(held, 0.0))

    @cached_property
    def corners(self) -> tuple[CornerPortfolio, ...]:  # noqa: D102 - told above, among the attributes
        vector, native = self._labels.vector, self._native
        tolerances = np.zeros(1) if native is None else native.risk_tolerances
        certificates = np.array([math.nan]) if native is None else native.certificates
        figures = np.column_stack([self.returns, self.volatilities, tolerances, certificates])
        return tuple(
            CornerPortfolio(vector(row), *rest)
            for row, rest in zip(self._rows, figures.tolist(), strict=True)
        )

    def __len__(self) -> int:
        return len(self._rows)

    def __repr__(self) -> str:
        low, high = self.volatilities[-1], self.volatilities[0]
        return f"EfficientFrontier({len(self)} corners, volatility {low:.6g} to {high:.6g})"

    def at_risk(self, volatility: float) -> OptimizationResult:
        """Return the portfolio of highest expected return with this volatility.

        Parameters
        ----------
        volatility : float
            Per period of the covariance. Off the frontier the nearest end is returned with status
            ``relaxed``.

        Raises
        ------
        ParameterError
            If it is negative or not finite.
        """
        target = read_real(volatility, "volatility")
        if not 0.0 <= target < math.inf:
            raise ParameterError(f"volatility is {target:g}, expected a finite number that is not negative")
        if self._native is None:
            return self._held()
        return self._ended(self._native.at_variance(target * target), "volatility", target)

    def at_return(self, mean: float) -> OptimizationResult:
        """Return the portfolio of least variance with this expected return.

        Parameters
        ----------
        mean : float
            Per period of the covariance. Off the frontier the nearest end is returned with status
            ``relaxed``.

        Raises
        ------
        ParameterError
            If it is not finite.
        """
        target = read_real(mean, "mean")
        if not math.isfinite(target):
            raise ParameterError(f"mean is {target:g}, expected a finite number")
        if self._native is None:
            return self._held()
        return self._ended(self._native.at_return(target), "expected return", target)

    def at_risk_aversion(self, risk_aversion: float) -> OptimizationResult:
        """Return the portfolio that maximises ``mu'w - risk_aversion / 2 * w'Sw``.

        Parameters
        ----------
        risk_aversion : float
            Positive; infinite for the least variance.

        Raises
        ------
        ParameterError
            If it is not positive.
        """
        aversion = read_real(risk_aversion, "risk_aversion")
        if not aversion > 0.0:
            raise ParameterError(f"risk_aversion is {aversion:g}, expected a positive number")
        if self._native is None:
            return self._held()
        solution = self._native.at_risk_tolerance(1.0 / aversion)
        return to_result(solution, self._labels, "efficient frontier")

    def minimum_variance(self) -> OptimizationResult:
        """Return the portfolio of least variance, of highest expected return among those."""
        if self._native is None:
            return self._held()
        return to_result(self._native.minimum_variance(), self._labels, "efficient frontier")

    def maximum_sharpe(self, risk_free_rate: float = 0.0) -> OptimizationResult:
        """Return the portfolio of largest Sharpe ratio, as :func:`solve_maximum_sharpe` does.

        Parameters
        ----------
        risk_free_rate : float, default=0.0
            Per period of the covariance, as a fraction.
        """
        means, covariance, bounds = self._inputs
        result = solve_maximum_sharpe(means, covariance, risk_free_rate=risk_free_rate, bounds=bounds)
        return replace(result, weights=self._labels.vector(result.weights)) if self._named else result

    def points(self, n_points: int = 50) -> FrontierPoints:
        """Return portfolios at even steps of expected return, for a plot.

        Parameters
        ----------
        n_points : int, default=50
            At least 1. Where open bounds leave no highest return the largest of an asset takes its place.

        Raises
        ------
        ParameterError
            If it is not positive.
        """
        if not (isinstance(n_points, int) and n_points > 0):
            raise ParameterError(f"n_points is {n_points!r}, expected a positive integer")
        means, covariance, _ = self._inputs
        low, high = self.returns[-1], self.returns[0]
        if self._native is None or (n_points > 1 and low == high and not self._native.is_endless):
            rows = np.repeat(self._rows[-1:], n_points, axis=0)
        elif self._native.is_endless:
            targets = np.linspace(low, max(float(means.max()), high), n_points)
            rows = np.array([self._native.at_return(target).weights for target in targets])
        else:
            rows = self._interpolated(np.linspace(low, high, n_points))
        variances = np.einsum("ki,ki->k", rows @ covariance, rows)
        return FrontierPoints(rows @ means, np.sqrt(np.maximum(variances, 0.0)), self._labels.frame(rows))

    def _interpolated(self, targets: Vector) -> Matrix:
        upwards, rows = self.returns[::-1], self._rows[::-1]
        k = np.clip(np.searchsorted(upwards, targets, side="right"), 1, len(upwards) - 1)
        span = upwards[k] - upwards[k - 1]
        part = np.clip((targets - upwards[k - 1]) / np.where(span > 0.0, span, 1.0), 0.0, 1.0)[:, np.newaxis]
        mixed: Matrix = rows[k - 1] + part * (rows[k] - rows[k - 1])
        return mixed

    @property
    def _named(self) -> bool:
        return self._labels.kind != "numpy"

    def _held(self) -> OptimizationResult:
        _, _, (_, upper) = self._inputs
        return held_at_upper(upper, self._labels)

    def _ended(self, solution: _native.Solution, name: str, target: float) -> OptimizationResult:
        """Say which end of the frontier stands in for a target beyond it."""
        result = to_result(solution, self._labels, "efficient frontier")
        if result.status is not OptimizationStatus.RELAXED:
            return result
        ends = self.volatilities if name == "volatility" else self.returns
        above = target > ends[0]
        end = float(ends[0] if above else ends[-1])
        words = f"{name} {target:g} must become {'at most' if above else 'at least'} {end:.6g}"
        return replace(result, fallbacks=(), relaxations=(Relaxation(name, abs(end - target), words),))


def efficient_frontier(
    expected_returns: ArrayLike, covariance: ArrayLike, *, bounds: Bounds | None = None
) -> EfficientFrontier:
    """Find every corner portfolio of the efficient frontier by the critical line.

    Ties of expected returns, singular covariances, fixed weights, assets without variance and bounds of
    either sign have their answer; an asset without variance takes part, as in :func:`solve_mean_variance`.

    Parameters
    ----------
    expected_returns : array_like of shape (n_assets,)
        Per period of the covariance, as fractions.
    covariance : array_like of shape (n_assets, n_assets)
        Positive semidefinite; a singular one gets a ridge, and its answers status ``degenerate``.
    bounds : tuple, default=(0, 1)
        Lower and upper bound, each a scalar or one per asset; negative and infinite ones are allowed. Where
        the upper bounds sum to less than 1 every query holds them, status ``infeasible``.

    Returns
    -------
    EfficientFrontier

    Raises
    ------
    EmptyUniverseError
        If there are no assets.
    ShapeError
        If the covariance is not square or not symmetric, or a vector has another length.
    NonFiniteError
        If a value is NaN or infinite.
    NotPositiveSemidefiniteError
        If the covariance has a clearly negative direction.
    ParameterError
        If the expected returns and the covariance are too far apart to be traded off.
    InfeasibleError
        If the lower bounds sum to more than 1 or one exceeds its upper bound.

    Examples
    --------
    >>> frontier = efficient_frontier([0.05, 0.10], [[0.01, 0.0], [0.0, 0.04]])
    >>> [corner.weights.round(3).tolist() for corner in frontier.corners]
    [[0.0, 1.0], [0.8, 0.2]]
    >>> frontier.at_return(0.08).weights.round(3).tolist()
    [0.4, 0.6]

    References
    ----------
    .. [1] Markowitz (1956). The Optimization of a Quadratic Function Subject to Linear Constraints.
    .. [2] Niedermayer and Niedermayer (2010). Applying Markowitz's Critical Line Algorithm.
    """
    plain = _native.plain_efficient_frontier(expected_returns, covariance, bounds)
    if plain is not None:
        return EfficientFrontier(plain, (expected_returns, covariance, bounds), BARE)
    matrix, labels = read_covariance(covariance)
    means, labels = unwrap_vector(expected_returns, "expected_returns", labels)
    lower, upper = read_bounds(bounds, len(matrix), labels)
    inputs = (means, matrix, (lower, upper))
    if leaves_cash(upper):
        _native.efficient_frontier(means, matrix, np.zeros(len(matrix)), np.ones(len(matrix)))
        return EfficientFrontier(None, inputs, labels)
    return EfficientFrontier(_native.efficient_frontier(means, matrix, lower, upper), inputs, labels)
