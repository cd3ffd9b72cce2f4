"""The covariance that measures volatilities first and correlations in their units."""

from __future__ import annotations

import math
from typing import Any, TypedDict

import numpy as np

from poise import _native
from poise.domain.labels import BARE, Labels, unwrap_matrix, unwrap_vector
from poise.errors import ParameterError, StateError
from poise.moments.decay import checked_half_life
from poise.moments.snapshot import pack, unpack
from poise.typing import ArrayLike

STALE_AFTER_HALF_LIVES = 3.0


class IteratedRule(TypedDict):
    """Keyword arguments of the kernel."""

    volatility_half_life: float
    correlation_half_life: float
    whiten_lag: int
    winsor: float | None


class IteratedEwmaCovariance:
    """Iterated EWMA covariance: zero-mean, robust to jumps, positive semidefinite whatever is missing.

    Each asset's variance decays by `volatility_half_life`; returns in units of the volatility *before* them
    make up the correlation, which decays by `correlation_half_life`. Batch and row by row give one result.

    Parameters
    ----------
    volatility_half_life : float, default=21
        Own observations after which a weight in an asset's variance has halved. Positive.
    correlation_half_life : float, default=63
        Observations after which a weight in the correlation has halved. Positive.
    whiten_lag : {1, 0}, default=1
        1 measures a return in the volatility before it, so that a jump is not part of its own measure; 0 in
        the volatility that it has already moved, as the reference code of [1]_ does.
    winsor : float or None, default=4.2
        How many volatilities a return counts at most, at least 1: in the correlation always, in the variance
        from an asset's seventh observation on. None never pulls a return in.

    Attributes
    ----------
    covariance_ : ndarray of shape (n_assets, n_assets)
        Per bar, ``volatility * correlation * volatility``; NaN where the correlation is.
    correlation_ : ndarray of shape (n_assets, n_assets)
        Unit diagonal; 0 beside an asset that never moved; NaN (diagonal too) beside an asset with less than
        20 observations of its own. What is not NaN is positive semidefinite.
    volatility_ : ndarray of shape (n_assets,)
        Standard deviation per bar about zero, as a fraction; NaN before an asset's fifth observation.
    degenerate_ : ndarray of shape (n_assets,)
        True for assets whose volatility is exactly zero; their correlations say nothing.
    stale_ : ndarray of shape (n_assets,)
        True for assets not observed for more than three half-lives of the volatility: not to be traded.
    n_observations_ : int
        Rows taken in that held at least one value.

    Raises
    ------
    ParameterError
        If a half-life is not positive, `whiten_lag` neither 0 nor 1, or `winsor` below 1.

    Notes
    -----
    NaN is missing. A row without any value changes nothing. An asset that is missing keeps its volatility,
    and what the observed ones let expect of it (with what stays open) enters the correlation, at a cost of
    ``O(n_observed ** 3)`` on such rows only.

    The assets of the first whitened row (each one's fifth observation) found the correlation. One that comes
    later has a row of its own, weighted since its listing (so that it is not pulled towards zero) and scaled
    where it would not fit the older assets; once the row is longer than a half-life and fits as it is, the
    asset joins the others. New assets of the same bar are taken in the order of the columns. A new asset has
    correlation 0 with one that it was never observed together with.

    A row that is refused leaves the state as it was. Copies and pickles are independent and continue bit for
    bit.

    References
    ----------
    .. [1] Johansson, Ogut, Pelger, Schmelzer and Boyd (2023). A simple method for predicting covariance
       matrices of financial returns.

    Examples
    --------
    >>> rng = np.random.default_rng(7)
    >>> market = rng.normal(size=(500, 1))
    >>> R = 0.01 * (market + rng.normal(size=(500, 2)))
    >>> estimator = IteratedEwmaCovariance().fit(R)
    >>> bool(0.3 < estimator.correlation_[0, 1] < 0.7)
    True
    >>> estimator.partial_fit([0.01, np.nan]).n_observations_
    501
    """

    def __init__(
        self,
        volatility_half_life: float = 21.0,
        correlation_half_life: float = 63.0,
        *,
        whiten_lag: int = 1,
        winsor: float | None = 4.2,
    ) -> None:
        if whiten_lag not in (0, 1):
            raise ParameterError(
                f"whiten_lag is {whiten_lag!r}, expected 1 (the volatility before) or 0 (reference code)"
            )
        self._rule: IteratedRule = {
            "volatility_half_life": checked_half_life(volatility_half_life, "volatility_half_life"),
            "correlation_half_life": checked_half_life(correlation_half_life, "correlation_half_life"),
            "whiten_lag": int(whiten_lag),
            "winsor": _checked_winsor(winsor),
        }
        self._state: _native.IteratedState | None = None
        self._labels = BARE

    def __repr__(self) -> str:
        chosen = ", ".join(f"{name}={value!r}" for name, value in self._rule.items())
        return f"IteratedEwmaCovariance({chosen})"

    @property
    def volatility_half_life(self) -> float:
        """Own observations after which a weight in a variance has halved."""
        return self._rule["volatility_half_life"]

    @property
    def correlation_half_life(self) -> float:
        """Observations after which a weight in the correlation has halved."""
        return self._rule["correlation_half_life"]

    def fit(self, R: ArrayLike) -> IteratedEwmaCovariance:
        """Forget what was seen and take in all rows of `R`.

        Parameters
        ----------
        R : array_like of shape (n_observations, n_assets)
            Simple returns; NaN is missing.

        Returns
        -------
        IteratedEwmaCovariance
            Itself.

        Raises
        ------
        EmptyInputError
            If there is no observation or no asset.
        NonFiniteError
            If a return is infinite; the message names row and column.
        ParameterError
            If a return is so large (1e154) that its square is infinite.
        ShapeError
            If `R` has not two axes.
        """
        returns, labels = unwrap_matrix(R)
        state = self._new_state(returns.shape[1])
        state.absorb(returns)
        self._state, self._labels = state, Labels(labels.kind, assets=labels.assets)
        return self

    def partial_fit(self, row: ArrayLike) -> IteratedEwmaCovariance:
        """Take in the next row.

        Parameters
        ----------
        row : array_like of shape (n_assets,)
            Simple returns of one bar; NaN is missing. A labelled row is matched by name.

        Returns
        -------
        IteratedEwmaCovariance
            Itself.

        Raises
        ------
        NonFiniteError
            If a return is infinite; the message names its index.
        ParameterError
            If a return is so large (1e154) that its square is infinite.
        ShapeError
            If the row has other assets than the rows before.
        """
        values, labels = unwrap_vector(row, "row", self._labels)
        if self._state is None:
            state = self._new_state(len(values))
            state.update(values)
            self._state, self._labels = state, Labels(labels.kind, assets=labels.assets)
        else:
            self._state.update(values)
        return self

    @property
    def covariance_(self) -> Any:
        """Covariance per bar."""
        return self._labels.matrix(self._fitted().covariance())

    @property
    def correlation_(self) -> Any:
        """Correlation; NaN beside an asset with less than 20 observations of its own."""
        return self._labels.matrix(self._fitted().correlation())

    @property
    def volatility_(self) -> Any:
        """Standard deviation per bar."""
        return self._labels.vector(self._fitted().volatility())

    @property
    def degenerate_(self) -> Any:
        """Which assets have a volatility of exactly zero."""
        return self._labels.vector(np.equal(self._fitted().volatility(), 0.0))

    @property
    def stale_(self) -> Any:
        """Which assets have not been observed for more than three half-lives of the volatility."""
        longest = STALE_AFTER_HALF_LIVES * self.volatility_half_life
        return self._labels.vector(np.greater(self._fitted().age(), longest))

    @property
    def n_observations_(self) -> int:
        """Rows taken in that held at least one value."""
        return 0 if self._state is None else self._state.n_observations

    def to_bytes(self) -> bytes:
        """Return parameters, labels and moments as bytes.

        Raises
        ------
        InputError
            If a label is neither text nor a whole number (pickle keeps those).
        """
        state = b"" if self._state is None else self._state.to_bytes()
        return pack(self._rule, self._labels, state)

    @classmethod
    def from_bytes(cls, data: bytes) -> IteratedEwmaCovariance:
        """Return the estimator that :meth:`to_bytes` wrote; it continues bit for bit.

        Raises
        ------
        StateError
            If the bytes are short, damaged, of another kind or written by a newer version.
        """
        rule, labels, state = unpack(data)
        if set(rule) != set(IteratedRule.__annotations__):
            raise StateError(f"the saved state has the parameters {sorted(rule)}; it is of another estimator")
        estimator = cls(**rule)
        estimator._labels = labels
        estimator._state = _native.IteratedState.from_bytes(state) if state else None
        return estimator

    def __getstate__(self) -> tuple[IteratedRule, Labels, bytes | None]:
        state = None if self._state is None else self._state.to_bytes()
        return self._rule, self._labels, state

    def __setstate__(self, saved: tuple[IteratedRule, Labels, bytes | None]) -> None:
        self._rule, self._labels, state = saved
        self._state = None if state is None else _native.IteratedState.from_bytes(state)

    def _new_state(self, n_assets: int) -> _native.IteratedState:
        return _native.IteratedState(n_assets, **self._rule)

    def _fitted(self) -> _native.IteratedState:
        if self._state is None:
            raise StateError("nothing was fitted yet; call fit or partial_fit first")
        return self._state


def _checked_winsor(winsor: Any) -> float | None:
    if winsor is None:
        return None
    refusal = f"winsor is {winsor!r}, expected at least 1 volatility, or None to leave returns as they are"
    try:
        value = float(winsor)
    except (TypeError, ValueError):
        raise ParameterError(refusal) from None
    if not (math.isfinite(value) and value >= 1.0):
        raise ParameterError(refusal)
    return value
