"""Risk parity of returns, or of one covariance after another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from poise.domain.labels import Labels, unwrap_square
from poise.optimization.estimators.base import PortfolioEstimator, as_vector
from poise.optimization.estimators.moments import covariance_of
from poise.optimization.result import OptimizationResult, OptimizationStatus
from poise.optimization.solvers import solve_risk_parity
from poise.typing import ArrayLike, Bounds, Matrix, Vector


@dataclass(eq=False, repr=False, kw_only=True)
class RiskParity(PortfolioEstimator):
    """Weights whose assets contribute to risk equally, or by their budgets.

    Parameters
    ----------
    budgets : array_like of shape (n_assets,), optional
        As in :func:`solve_risk_parity`.
    bounds : tuple, default=(0, 1)
        As in :func:`solve_risk_parity`.
    covariance : estimator of moments, optional
        An object with ``fit`` and ``covariance_``, a callable of the returns, or a matrix;
        constant-correlation shrinkage unless given.

    Attributes
    ----------
    result_, weights_, n_features_in_, feature_names_in_
        As in `PortfolioEstimator`.

    Notes
    -----
    `fit` solves from scratch and depends on its returns alone. `fit_covariance` is for a covariance that is
    updated bar after bar: each answer is solved from the weights before where those were optimal and the
    assets are the same, matched by name or, without names, by position; see `initial_weights` of
    :func:`solve_risk_parity` for what that saves and what it costs. What is refused leaves everything as it
    was. Copies and pickles continue alike.

    Examples
    --------
    >>> parity = RiskParity()
    >>> parity.fit_covariance([[0.04, 0.01], [0.01, 0.09]]).weights_.round(4)
    array([0.6, 0.4])
    >>> parity.fit_covariance([[0.05, 0.01], [0.01, 0.09]]).weights_.round(4)
    array([0.5729, 0.4271])
    """

    budgets: ArrayLike | None = None
    bounds: Bounds | None = None
    covariance: Any = None

    def _solve(self, R: ArrayLike, returns: Matrix, labels: Labels) -> OptimizationResult:  # noqa: ARG002
        return solve_risk_parity(covariance_of(self.covariance, R), budgets=self.budgets, bounds=self.bounds)

    def fit_covariance(self, covariance: ArrayLike) -> Self:
        """Solve for the weights under this covariance, from the answer before.

        Parameters
        ----------
        covariance : array_like of shape (n_assets, n_assets)
            As in :func:`solve_risk_parity`.

        Returns
        -------
        RiskParity
            This object.

        Raises
        ------
        PoiseError
            Those of :func:`solve_risk_parity`.
        """
        matrix, labels = unwrap_square(covariance)
        result = solve_risk_parity(
            covariance,
            budgets=self.budgets,
            bounds=self.bounds,
            initial_weights=self._start(len(matrix), labels),
        )
        self._settle(result, len(matrix), labels)
        return self

    def _start(self, n_assets: int, labels: Labels) -> Vector | None:
        """Return the last weights in the order of these assets; None where they are others."""
        if not self.__sklearn_is_fitted__() or self.result_.status is not OptimizationStatus.OPTIMAL:
            return None
        before = as_vector(self.weights_)
        if labels.assets is None or self._names is None:
            return before if len(before) == n_assets else None
        assets = tuple(labels.assets)
        if assets == self._names:
            return before
        if len(assets) != len(self._names) or set(assets) != set(self._names):
            return None
        place = {asset: i for i, asset in enumerate(self._names)}
        return before[[place[asset] for asset in assets]]
