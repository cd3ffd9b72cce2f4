"""Hidden states with Gaussian observations: probabilities after each bar."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np

from poise import _native
from poise.domain.arrays import float_array
from poise.domain.labels import Labels, unwrap_matrix, unwrap_vector
from poise.errors import NonFiniteError, ParameterError, ShapeError
from poise.regime._inputs import as_count, as_not_negative, as_seed
from poise.regime.model import FittedModel
from poise.typing import ArrayLike, Matrix, Vector

_MATRIX_TYPES = ("full", "diagonal")


class GaussianHMM(FittedModel[_native.HmmState], _native.HmmFollower):
    """Hidden Markov model with one Gaussian per state, fitted by expectation maximisation.

    Use :meth:`filter` or :meth:`partial_filter` to decide anything: what they say of a row comes from the
    rows up to it. On returns with fat tails more than two states change often; two states on a measure of
    volatility are the robust choice.

    Parameters
    ----------
    n_states : int
        At least 1.
    covariance_type : {"full", "diagonal"}, default="full"
        Whether features move together within a state.
    n_restarts : int, default=10
        Starting points. After 20 iterations the less likely half is given up; the best of the others is
        kept, the first among equals. They run side by side; the answer does not depend on the machine.
    sticky : float, default=0.0
        Count added to every stay of the transition matrix (a Dirichlet prior): states last longer. 50 is
        recommended for daily bars; 0 is maximum likelihood.
    max_iterations : int, default=200
        Per starting point.
    tolerance : float, default=1e-6
        A run has converged when an iteration gains less log-likelihood than this per observation.
    seed : int
        Fixes the starting points; between 0 and 2**64 - 1.

    Attributes
    ----------
    means_ : ndarray of shape (n_states, n_features)
        In units of the features. States are numbered by ascending mean of the first feature, so that they
        keep their numbers from fit to fit.
    covariances_ : ndarray of shape (n_states, n_features, n_features)
        In squared units; off the diagonal zero where `covariance_type` is ``"diagonal"``. In standardised
        features no variance (with ``"full"``, no eigenvalue) is below 1e-4.
    transition_matrix_ : ndarray of shape (n_states, n_states)
        From the row's state to the column's; rows sum to 1. A state lasts ``1 / (1 - stay)`` bars on average.
    start_probabilities_ : ndarray of shape (n_states,)
        Of the state of the first row.
    log_likelihood_ : float
        Of what was fitted, without the prior of `sticky`; NaN for given parameters.
    n_iterations_ : int
        Of the best run; 0 for given parameters.
    converged_ : bool
        Whether the best run ended before `max_iterations`.
    probabilities_ : ndarray of shape (n_states,)
        Filtered, after the last row of `fit` and `partial_filter`.

    Raises
    ------
    ParameterError
        If a parameter is outside its range.

    Notes
    -----
    Fitted on standardised features by scaled forward and backward recursions. A row that is refused leaves
    the filter as it was. Copies and pickles are independent and continue bit for bit.

    References
    ----------
    .. [1] Hamilton (1989). A New Approach to the Economic Analysis of Nonstationary Time Series and the
       Business Cycle. Econometrica 57.
    .. [2] Ryden, Terasvirta and Asbrink (1998). Stylized Facts of Daily Return Series and the Hidden Markov
       Model. Journal of Applied Econometrics 13.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(7)
    >>> calm, wild = rng.normal(0.001, 0.01, (200, 1)), rng.normal(-0.003, 0.04, (200, 1))
    >>> model = GaussianHMM(2, seed=1).fit(np.vstack([calm, wild]))
    >>> np.sqrt(model.covariances_[:, 0, 0]).round(2)
    array([0.04, 0.01])
    >>> model.partial_filter([0.05]).round(3)
    array([1., 0.])
    """

    _KIND = "GaussianHMM"
    _KERNEL = _native.HmmState

    def __init__(
        self,
        n_states: int,
        *,
        covariance_type: Literal["full", "diagonal"] = "full",
        n_restarts: int = 10,
        sticky: float = 0.0,
        max_iterations: int = 200,
        tolerance: float = 1e-6,
        seed: int,
    ) -> None:
        if covariance_type not in _MATRIX_TYPES:
            raise ParameterError(f"covariance_type is {covariance_type!r}, expected 'full' or 'diagonal'")
        self.n_states = as_count(n_states, "n_states")
        self.covariance_type = covariance_type
        self.n_restarts = as_count(n_restarts, "n_restarts")
        self.sticky = as_not_negative(sticky, "sticky")
        self.max_iterations = as_count(max_iterations, "max_iterations")
        self.tolerance = as_not_negative(tolerance, "tolerance")
        self.seed = as_seed(seed)
        self._state = None
        self._fit = {"log_likelihood": float("nan"), "n_iterations": 0, "converged": False}

    @classmethod
    def from_parameters(
        cls,
        *,
        start_probabilities: ArrayLike,
        transition_matrix: ArrayLike,
        means: ArrayLike,
        covariances: ArrayLike,
    ) -> GaussianHMM:
        """Return a model with given parameters, its filter before the first row.

        Parameters
        ----------
        start_probabilities : array_like of shape (n_states,)
        transition_matrix : array_like of shape (n_states, n_states)
        means : array_like of shape (n_states, n_features)
        covariances : array_like of shape (n_states, n_features, n_features)
            Positive definite. States keep the order given.

        Raises
        ------
        EmptyInputError
            If there is no state or no feature.
        ShapeError
            If the shapes do not fit or a covariance is not symmetric.
        NonFiniteError
            If a number is NaN or infinite.
        ParameterError
            If probabilities are negative or do not sum to 1.
        NotPositiveSemidefiniteError
            If a covariance is not positive definite.
        """
        start = unwrap_vector(start_probabilities, "start_probabilities")[0]
        transition = unwrap_matrix(transition_matrix, "transition_matrix")[0]
        centers = unwrap_matrix(means, "means")[0]
        matrices = float_array(covariances, "covariances")
        if matrices.ndim != 3:
            raise ShapeError(
                f"covariances has shape {matrices.shape}, expected (n_states, n_features, n_features)"
            )
        if not np.isfinite(matrices).all():
            k, i, j = (int(place) for place in np.argwhere(~np.isfinite(matrices))[0])
            raise NonFiniteError(
                f"the covariance of state {k} has {matrices[k, i, j]} at row {i}, column {j}; "
                "pass finite numbers"
            )
        state = _native.HmmState(start, transition, centers, matrices)
        model = cls(len(centers), seed=0)
        model._state = state
        return model

    def fit(self, X: ArrayLike) -> Self:
        """Find the parameters that make `X` likeliest; the filter then stands after its last row.

        Parameters
        ----------
        X : array_like of shape (n_observations, n_features)
            Oldest first, at least ``2 * n_states`` rows. Finite.

        Returns
        -------
        GaussianHMM
            Itself.

        Raises
        ------
        EmptyInputError
            If there is no observation or no feature.
        NotEnoughDataError
            If there are fewer than ``2 * n_states`` rows.
        NonFiniteError
            If a value is NaN or infinite; the message names row and column.
        InputError
            If a column does not vary; the message names it.
        ShapeError
            If `X` has not two axes.
        """
        observations, _ = unwrap_matrix(X, "X")
        state, log_likelihood, n_iterations, converged = _native.fit_hmm(
            observations,
            n_states=self.n_states,
            full=self.covariance_type == "full",
            n_restarts=self.n_restarts,
            sticky=self.sticky,
            max_iterations=self.max_iterations,
            tolerance=self.tolerance,
            seed=self.seed,
        )
        self._state = state
        self._fit = {"log_likelihood": log_likelihood, "n_iterations": n_iterations, "converged": converged}
        return self

    def filter(self, X: ArrayLike) -> Any:
        """Probabilities of the states after each row, from the rows up to it.

        Parameters
        ----------
        X : array_like of shape (n_observations, n_features)
            Features in the order of `fit`. Finite. The filter starts afresh; :attr:`probabilities_` is left
            alone.

        Returns
        -------
        ndarray of shape (n_observations, n_states)
            Rows sum to 1. A frame for a frame, columns numbered by state.

        Raises
        ------
        StateError
            If nothing was fitted.
        EmptyInputError, ShapeError, NonFiniteError
            If `X` is empty, has other features than were fitted, or holds NaN or an infinity.
        ParameterError
            If a row is so far off that no state could have produced it.
        """
        observations, labels = unwrap_matrix(X, "X")
        return self._by_state(labels).frame(self._fitted().filter(observations))

    def smooth(self, X: ArrayLike) -> Any:
        """Probabilities of the states at each row, from all rows: **uses the future**, for study only.

        Parameters, errors and what is returned are those of :meth:`filter`; the last row agrees with it.
        """
        observations, labels = unwrap_matrix(X, "X")
        return self._by_state(labels).frame(self._fitted().smooth(observations))

    def viterbi(self, X: ArrayLike) -> Any:
        """Return the likeliest path of states: **uses the future**, for study only.

        Parameters and errors are those of :meth:`filter`.

        Returns
        -------
        ndarray of int64 of shape (n_observations,)
            A series for a frame. Among equally likely states the lowest.
        """
        observations, labels = unwrap_matrix(X, "X")
        path: Any = self._fitted().viterbi(observations)
        return labels.series(path)

    def log_likelihood(self, X: ArrayLike) -> float:
        """Logarithm of the density of `X`, of which the first row has the start probabilities.

        Parameters and errors are those of :meth:`filter`.
        """
        return self._fitted().log_likelihood(unwrap_matrix(X, "X")[0])

    @property
    def means_(self) -> Matrix:
        """Means by state and feature."""
        return self._fitted().means

    @property
    def covariances_(self) -> Matrix:
        """One covariance per state."""
        return self._fitted().covariances

    @property
    def transition_matrix_(self) -> Matrix:
        """Probabilities of the next state (column) from this one (row)."""
        return self._fitted().transition_matrix

    @property
    def start_probabilities_(self) -> Vector:
        """Probabilities of the first row's state."""
        return self._fitted().start_probabilities

    @property
    def probabilities_(self) -> Vector:
        """Filtered probabilities after the last row."""
        return self._fitted().probabilities

    @property
    def log_likelihood_(self) -> float:
        """Log-likelihood of what was fitted."""
        self._fitted()
        return float(self._fit["log_likelihood"])

    def _by_state(self, labels: Labels) -> Labels:
        return Labels(labels.kind, assets=range(self.n_states), times=labels.times)
