"""Risk parity bar after bar."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from poise.domain.labels import Labels, unwrap_square
from poise.errors import StateError
from poise.optimization.result import OptimizationResult, OptimizationStatus
from poise.optimization.solvers import solve_risk_parity
from poise.typing import ArrayLike, Bounds, Vector


class RiskParity:
    """Risk parity of one covariance after another, each solved from the answer before.

    Parameters
    ----------
    budgets : array_like of shape (n_assets,), optional
        As in :func:`solve_risk_parity`.
    bounds : tuple, default=(0, 1)
        As in :func:`solve_risk_parity`.

    Attributes
    ----------
    result_ : OptimizationResult
        The last answer, with its certificate.
    weights_ : ndarray, Series or frame of shape (n_assets,)
        Its weights.

    Notes
    -----
    The first answer is solved from scratch, later ones from the weights before where those were optimal and
    the assets are the same, matched by name or, without names, by position; see `initial_weights` of
    :func:`solve_risk_parity` for what that saves and what it costs. A covariance that is refused leaves
    everything as it was. Copies and pickles continue alike.

    Examples
    --------
    >>> parity = RiskParity()
    >>> parity.fit([[0.04, 0.01], [0.01, 0.09]]).weights_.round(4)
    array([0.6, 0.4])
    >>> parity.fit([[0.05, 0.01], [0.01, 0.09]]).weights_.round(4)
    array([0.5729, 0.4271])
    """

    def __init__(self, *, budgets: ArrayLike | None = None, bounds: Bounds | None = None) -> None:
        self.budgets = budgets
        self.bounds = bounds
        self._result: OptimizationResult | None = None
        self._names: tuple[Any, ...] | None = None

    def fit(self, covariance: ArrayLike) -> Self:
        """Solve for the weights under this covariance.

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
        self._result = solve_risk_parity(
            covariance,
            budgets=self.budgets,
            bounds=self.bounds,
            initial_weights=self._start(len(matrix), labels),
        )
        self._names = None if labels.assets is None else tuple(labels.assets)
        return self

    @property
    def result_(self) -> OptimizationResult:
        """The last answer, with its certificate."""
        if self._result is None:
            raise StateError("nothing was fitted yet; call fit first")
        return self._result

    @property
    def weights_(self) -> Any:
        """The last weights."""
        return self.result_.weights

    def _start(self, n_assets: int, labels: Labels) -> Vector | None:
        """Return the last weights in the order of these assets; None where they are others."""
        if self._result is None or self._result.status is not OptimizationStatus.OPTIMAL:
            return None
        before: Vector = np.ravel(self._result.weights)
        if labels.assets is None or self._names is None:
            return before if len(before) == n_assets else None
        assets = tuple(labels.assets)
        if assets == self._names:
            return before
        if len(assets) != len(self._names) or set(assets) != set(self._names):
            return None
        place = {asset: i for i, asset in enumerate(self._names)}
        return before[[place[asset] for asset in assets]]
