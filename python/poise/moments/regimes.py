"""The covariance that knows which regime it is in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from poise import _native
from poise.domain.labels import Labels, unwrap_matrix, unwrap_vector
from poise.errors import ParameterError, ShapeError
from poise.moments.iterated import iterated_rule
from poise.moments.online import OnlineCovariance
from poise.typing import ArrayLike, Matrix, Vector

REGIMES = ("bull", "bear", "sideways", "high_volatility")
"""The regimes that poise tells apart."""


class RegimeCovariance(OnlineCovariance[Any]):
    """Iterated EWMA covariance whose correlation is mixed from one of each regime.

    Every regime ``k`` has a correlation ``R_k`` of its own, to which a row belongs by the probability of the
    regime in it. The correlation of now is ``sum_k p_k (v_k R_k + (1 - v_k) R)`` with the probabilities ``p``
    of the last row, the correlation ``R`` of all rows, and ``v_k = n_k / (n_k + 5 n_assets)``: the less a
    regime was seen, the more it speaks with the voice of the whole (``n_assets`` are those with 20
    observations or more). Volatilities are those of :class:`IteratedEwmaCovariance`.

    Parameters
    ----------
    regimes : sequence of str, default=("bull", "bear", "sideways", "high_volatility")
        Names of the regimes, in the order of probabilities without names.
    stress_regime : str, default="high_volatility"
        The regime of `stress_covariance_`; one of `regimes`.
    volatility_half_life, correlation_half_life, whiten_lag, winsor
        As in :class:`IteratedEwmaCovariance`. A regime forgets by its own probability: a weight in ``R_k``
        halves after `correlation_half_life` rows that are all its own.

    Attributes
    ----------
    covariance_ : ndarray of shape (n_assets, n_assets)
        Per bar, under the probabilities of the last row; NaN where the correlation is.
    correlation_ : ndarray of shape (n_assets, n_assets)
        Unit diagonal; 0 beside an asset that never moved; NaN beside an asset with less than 20 observations.
        What is not NaN is positive semidefinite, of every regime too.
    stress_covariance_ : ndarray of shape (n_assets, n_assets)
        Per bar, at the volatilities of now and the correlation of the stress regime.
    n_effective_ : ndarray of shape (n_regimes,)
        Observations that each regime can speak of (``n_k``), each counted by its probability and by how
        recent it is; at most ``1 / (1 - 0.5 ** (1 / correlation_half_life))``.
    volatility_ : ndarray of shape (n_assets,)
        Standard deviation per bar about zero, as a fraction; NaN before an asset's fifth observation.
    degenerate_ : ndarray of shape (n_assets,)
        True for assets whose volatility is exactly zero; their correlations say nothing.
    n_observations_ : int
        Rows taken in that held at least one value.

    Raises
    ------
    ParameterError
        If `regimes` is empty or names one twice, `stress_regime` is none of them, or a parameter of
        :class:`IteratedEwmaCovariance` is out of its range.

    Notes
    -----
    NaN is missing; gaps are filled in every regime by what the observed assets let expect under
    the correlation of all rows. A row without any value changes nothing but the probabilities. An asset that
    joins later is given in each regime what the others let expect of it, not zero.

    A row that is refused leaves the state as it was. Copies and pickles are independent and continue bit for
    bit.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(7)
    >>> R = 0.01 * (rng.normal(size=(300, 1)) + rng.normal(size=(300, 2)))
    >>> calm = rng.random(300)
    >>> estimator = RegimeCovariance(["calm", "wild"], stress_regime="wild")
    >>> estimator.fit(R, np.column_stack([calm, 1.0 - calm])).correlation_.shape
    (2, 2)
    >>> estimator.partial_fit([0.01, -0.02], {"calm": 0.2, "wild": 0.8}).n_observations_
    301
    """

    _kernel = _native.RegimesState

    def __init__(
        self,
        regimes: Sequence[str] = REGIMES,
        *,
        stress_regime: str = "high_volatility",
        volatility_half_life: float = 21.0,
        correlation_half_life: float = 63.0,
        whiten_lag: int = 1,
        winsor: float | None = 4.2,
    ) -> None:
        names = _checked_names(regimes)
        if stress_regime not in names:
            raise ParameterError(f"stress_regime is {stress_regime!r}, expected one of {', '.join(names)}")
        whole = iterated_rule(
            volatility_half_life, correlation_half_life, whiten_lag=whiten_lag, winsor=winsor
        )
        super().__init__({"regimes": names, "stress_regime": stress_regime, **whole})

    def fit(self, R: ArrayLike, probabilities: Any = None) -> Self:
        """Forget what was seen and take in all rows of `R`.

        Parameters
        ----------
        R : array_like of shape (n_observations, n_assets)
            Simple returns; NaN is missing.
        probabilities : array_like of shape (n_observations, n_regimes)
            The probability of each regime in each row, each row summing to 1 within 1e-9. The columns of a
            frame are matched by name; rows are those of `R`, in its order.

        Returns
        -------
        RegimeCovariance
            Itself.

        Raises
        ------
        EmptyInputError
            If there is no observation or no asset.
        NonFiniteError
            If a return is infinite or a probability is no number; the message names where.
        ParameterError
            If a probability is negative, a row of them does not sum to 1, or a return is beyond 1e154.
        ShapeError
            If a shape does not fit or a frame has other regimes.
        """
        returns, labels = unwrap_matrix(R)
        given = self._probabilities(probabilities)
        state = self._new_state(returns.shape[1])
        state.absorb(returns, given)
        self._state, self._labels = state, Labels(labels.kind, assets=labels.assets)
        return self

    def partial_fit(self, row: ArrayLike, probabilities: Any = None) -> Self:
        """Take in the next row.

        Parameters
        ----------
        row : array_like of shape (n_assets,)
            Simple returns of one bar; NaN is missing. A labelled row is matched by name.
        probabilities : mapping or array_like of shape (n_regimes,)
            The probability of each regime in this bar, by name or in the order of the regimes; summing to 1
            within 1e-9.

        Returns
        -------
        RegimeCovariance
            Itself.

        Raises
        ------
        NonFiniteError
            If a return is infinite or a probability is no number; the message names the index.
        ParameterError
            If a probability is negative, they do not sum to 1, or a return is beyond 1e154.
        ShapeError
            If the row has other assets than the rows before, or the probabilities are of other regimes.
        """
        given = self._probabilities_of_row(probabilities)
        return self._take(row, lambda state, values: state.update(values, given))

    def conditional_correlation(self, regime: str) -> Any:
        """Return the correlation ``v_k R_k + (1 - v_k) R`` of one regime.

        Parameters
        ----------
        regime : str
            One of the regimes.

        Returns
        -------
        ndarray of shape (n_assets, n_assets)
            With the labels of what was fitted; that of all rows for a regime never seen.

        Raises
        ------
        ParameterError
            If there is no such regime.
        StateError
            If nothing was fitted yet.
        """
        return self._labels.matrix(self._fitted().conditional_correlation(self._number(regime)))

    @property
    def regimes(self) -> tuple[str, ...]:
        """The names of the regimes."""
        return tuple(self._rule["regimes"])

    @property
    def correlation_(self) -> Any:
        """Correlation under the probabilities of the last row."""
        return self._labels.matrix(self._fitted().correlation())

    @property
    def stress_covariance_(self) -> Any:
        """Covariance per bar at the volatilities of now and the correlation of the stress regime."""
        number = self._number(self._rule["stress_regime"])
        return self._labels.matrix(self._fitted().conditional_covariance(number))

    @property
    def n_effective_(self) -> Vector:
        """Observations that each regime can speak of, in the order of the regimes."""
        counts: Vector = self._fitted().n_effective()
        return counts

    def _new_state(self, n_assets: int) -> Any:
        rule = {name: value for name, value in self._rule.items() if name not in {"regimes", "stress_regime"}}
        return self._kernel(n_assets, n_regimes=len(self.regimes), **rule)

    def _number(self, regime: str) -> int:
        if regime not in self.regimes:
            raise ParameterError(f"regime is {regime!r}, expected one of {', '.join(self.regimes)}")
        return self.regimes.index(regime)

    def _probabilities(self, given: Any) -> Matrix:
        if given is None:
            raise ShapeError("probabilities are missing; pass one row of them per row of R")
        values, labels = unwrap_matrix(given, "probabilities")
        # Row by row in memory, so that a sum has one order.
        values = np.ascontiguousarray(values)
        if labels.assets is None:
            return values
        names = list(labels.assets)
        if sorted(map(str, names)) != sorted(self.regimes):
            raise ShapeError(f"probabilities has the columns {names}, expected {', '.join(self.regimes)}")
        return values[:, [names.index(name) for name in self.regimes]]

    def _probabilities_of_row(self, given: Any) -> Vector:
        if given is None:
            raise ShapeError("probabilities are missing; pass one for each regime")
        if isinstance(given, Mapping):
            if set(given) != set(self.regimes):
                raise ShapeError(f"probabilities are of {list(given)}, expected {', '.join(self.regimes)}")
            given = [given[name] for name in self.regimes]
        values, _ = unwrap_vector(given, "probabilities", Labels(assets=self.regimes))
        return values


def _checked_names(regimes: Any) -> tuple[str, ...]:
    if isinstance(regimes, str) or not all(isinstance(name, str) for name in regimes):
        raise ParameterError(f"regimes is {regimes!r}, expected several names; pass a list of text")
    names = tuple(regimes)
    if not names or len(set(names)) < len(names):
        raise ParameterError(f"regimes is {list(names)}, expected at least one name and each once")
    return names
