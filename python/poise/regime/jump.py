"""Clusters in time, with a price for every change: labels that last."""

from __future__ import annotations

from typing import Any, Self

from poise import _native
from poise.domain.labels import unwrap_matrix
from poise.regime._inputs import as_count, as_not_negative, as_seed
from poise.regime.model import FittedModel
from poise.typing import ArrayLike, Matrix


class JumpModel(FittedModel[_native.JumpState], _native.JumpFollower):
    """Statistical jump model: each row belongs to the nearest centroid, unless a change costs more.

    Minimises ``sum_t |x_t - centroid(s_t)|**2 / 2 + jump_penalty * (number of changes)`` over centroids and
    states. Use :meth:`predict_online` or :meth:`partial_predict` to decide anything: their labels come from
    the rows up to each.

    Parameters
    ----------
    n_states : int
        At least 1.
    jump_penalty : float
        Price of a change of state, in units of half a squared distance: depends on the scale and number of
        the features. For a handful of standardised daily features 5 to 50; 0 is k-means.
    n_restarts : int, default=10
        Starting points by k-means++; the best is kept, the first among equals. They run side by side; the
        answer does not depend on the machine.
    seed : int
        Fixes the starting points; between 0 and 2**64 - 1.

    Attributes
    ----------
    centroids_ : ndarray of shape (n_states, n_features)
        States are numbered by ascending centroid in the first feature.
    objective_ : float
        What was minimised, at its least.
    n_iterations_ : int
        Turns of the best run.
    converged_ : bool
        Whether its states stopped changing.

    Raises
    ------
    ParameterError
        If a parameter is outside its range.

    Notes
    -----
    Features are taken as they are: standardise them (and clip them at three standard deviations) with numbers
    of the training window only. The minimum is a local one. A row that is refused leaves the path as it was.
    Copies and pickles are independent and continue bit for bit.

    References
    ----------
    .. [1] Bemporad, Breschi, Piga and Boyd (2018). Fitting Jump Models. Automatica 96.
    .. [2] Nystrup, Lindstrom and Madsen (2020). Learning Hidden Markov Models with Persistent States by
       Penalizing Jumps. Expert Systems with Applications 150.
    .. [3] Shu, Yu and Mulvey (2024). Downside Risk Reduction Using Regime-Switching Signals: A Statistical
       Jump Model Approach.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[-1.0], [-1.2], [-0.8], [0.4], [-0.9], [1.1], [0.9], [1.0]])
    >>> model = JumpModel(2, jump_penalty=2.0, seed=1).fit(X)
    >>> model.predict(X)
    array([0, 0, 0, 0, 0, 1, 1, 1])
    >>> model.predict_online(X)
    array([0, 0, 0, 0, 0, 0, 1, 1])
    """

    _KIND = "JumpModel"
    _KERNEL = _native.JumpState

    def __init__(self, n_states: int, *, jump_penalty: float, n_restarts: int = 10, seed: int) -> None:
        self.n_states = as_count(n_states, "n_states")
        self.jump_penalty = as_not_negative(jump_penalty, "jump_penalty")
        self.n_restarts = as_count(n_restarts, "n_restarts")
        self.seed = as_seed(seed)
        self._state = None
        self._fit = {"objective": float("nan"), "n_iterations": 0, "converged": False}

    @classmethod
    def from_centroids(cls, centroids: ArrayLike, *, jump_penalty: float) -> JumpModel:
        """Return a model with given centroids, in the order given, its path before the first row.

        Parameters
        ----------
        centroids : array_like of shape (n_states, n_features)
            Finite.
        jump_penalty : float
            At least 0.

        Raises
        ------
        EmptyInputError, ShapeError, NonFiniteError
            If there is no centroid, the array has not two axes, or a number is NaN or infinite.
        ParameterError
            If the penalty is outside its range.
        """
        centers = unwrap_matrix(centroids, "centroids")[0]
        state = _native.JumpState(centers, as_not_negative(jump_penalty, "jump_penalty"))
        model = cls(len(centers), jump_penalty=jump_penalty, seed=0)
        model._state = state
        return model

    def fit(self, X: ArrayLike) -> Self:
        """Find centroids and states with the least cost; the online path then stands after the last row.

        Parameters
        ----------
        X : array_like of shape (n_observations, n_features)
            Oldest first, at least ``2 * n_states`` rows. Finite.

        Returns
        -------
        JumpModel
            Itself.

        Raises
        ------
        EmptyInputError
            If there is no observation or no feature.
        NotEnoughDataError
            If there are fewer than ``2 * n_states`` rows.
        NonFiniteError
            If a value is NaN or infinite; the message names row and column.
        ShapeError
            If `X` has not two axes.
        ParameterError
            If a squared distance is too large for a float64.
        """
        observations, _ = unwrap_matrix(X, "X")
        state, objective, n_iterations, converged = _native.fit_jump(
            observations,
            n_states=self.n_states,
            jump_penalty=self.jump_penalty,
            n_restarts=self.n_restarts,
            seed=self.seed,
        )
        self._state = state
        self._fit = {"objective": objective, "n_iterations": n_iterations, "converged": converged}
        return self

    def predict(self, X: ArrayLike) -> Any:
        """States of the cheapest path over all rows: **uses the future**, for study only.

        Parameters
        ----------
        X : array_like of shape (n_observations, n_features)
            Features in the order of `fit`. Finite.

        Returns
        -------
        ndarray of int64 of shape (n_observations,)
            A series for a frame. Where staying and changing cost the same, the path stays.

        Raises
        ------
        StateError
            If nothing was fitted.
        EmptyInputError, ShapeError, NonFiniteError, ParameterError
            If `X` is empty, has other features than were fitted, holds NaN or an infinity, or is too large.
        """
        observations, labels = unwrap_matrix(X, "X")
        states: Any = self._fitted().predict(observations)[0]
        return labels.series(states)

    def predict_online(self, X: ArrayLike) -> Any:
        """States in which the cheapest path ends at each row, from the rows up to it.

        Parameters, errors and what is returned are those of :meth:`predict`; the last row agrees with it. The
        path starts afresh; that of :meth:`partial_predict` is left alone.
        """
        observations, labels = unwrap_matrix(X, "X")
        states: Any = self._fitted().predict_online(observations)
        return labels.series(states)

    @property
    def centroids_(self) -> Matrix:
        """Centroids by state and feature."""
        return self._fitted().centroids

    @property
    def objective_(self) -> float:
        """The least cost found; NaN for given centroids."""
        self._fitted()
        return float(self._fit["objective"])
