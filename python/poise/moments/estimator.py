"""The covariance that takes in one row at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from poise import _native
from poise.domain.labels import BARE, Labels, unwrap_matrix, unwrap_vector
from poise.errors import StateError
from poise.moments.rule import EwmaRule, ewma_rule
from poise.moments.snapshot import pack, unpack
from poise.typing import ArrayLike


class EwmaCovariance:
    """Exponentially weighted covariance and correlation, in batch or row by row with one result.

    Parameters
    ----------
    half_life : float
        Observations after which a weight has halved. Positive.
    adjust, bias, ignore_na, demean : bool
        As in :func:`poise.moments.ewma_covariance`.

    Attributes
    ----------
    covariance_ : ndarray of shape (n_assets, n_assets)
        Per bar, with the labels of what was fitted. NaN where there is no estimate yet.
    correlation_ : ndarray of shape (n_assets, n_assets)
        Unit diagonal; 0 beside an asset that never moved, NaN where the covariance is NaN.
    volatility_ : ndarray of shape (n_assets,)
        Standard deviation per bar, as a fraction.
    degenerate_ : ndarray of shape (n_assets,)
        True for assets whose variance is exactly zero; their correlations say nothing.
    n_observations_ : int
        Rows taken in that held at least one value.

    Raises
    ------
    ParameterError
        If `half_life` is not positive.

    Notes
    -----
    NaN is missing, pair by pair; the first row with a gap moves the state from one chain of weights to
    one per pair, which takes nine times the memory. A row that is refused leaves the state as it was.
    Copies and pickles are independent and continue bit for bit.

    Examples
    --------
    >>> estimator = EwmaCovariance(half_life=2.0)
    >>> for row in [[0.01, 0.02], [-0.02, -0.01], [0.03, 0.00]]:
    ...     _ = estimator.partial_fit(row)
    >>> estimator.correlation_.round(4)
    array([[1.    , 0.4066],
           [0.4066, 1.    ]])
    """

    def __init__(
        self,
        half_life: float,
        *,
        adjust: bool = True,
        bias: bool = False,
        ignore_na: bool = False,
        demean: bool = True,
    ) -> None:
        self._rule = ewma_rule(half_life, adjust=adjust, bias=bias, ignore_na=ignore_na, demean=demean)
        self._state: _native.EwmaState | None = None
        self._labels = BARE

    def __repr__(self) -> str:
        chosen = ", ".join(f"{name}={value!r}" for name, value in self._rule.items())
        return f"EwmaCovariance({chosen})"

    @property
    def half_life(self) -> float:
        """Observations after which a weight has halved."""
        return self._rule["half_life"]

    def fit(self, R: ArrayLike) -> EwmaCovariance:
        """Forget what was seen and take in all rows of `R`.

        Parameters
        ----------
        R : array_like of shape (n_observations, n_assets)
            Simple returns; NaN is missing.

        Returns
        -------
        EwmaCovariance
            Itself.

        Raises
        ------
        EmptyInputError
            If there is no observation or no asset.
        NonFiniteError
            If a return is infinite; the message names row and column.
        ShapeError
            If `R` has not two axes.
        """
        returns, labels = unwrap_matrix(R)
        state = self._new_state(returns.shape[1])
        state.absorb(returns)
        self._state, self._labels = state, Labels(labels.kind, assets=labels.assets)
        return self

    def partial_fit(self, row: ArrayLike) -> EwmaCovariance:
        """Take in the next row.

        Parameters
        ----------
        row : array_like of shape (n_assets,)
            Simple returns of one bar; NaN is missing. A labelled row is matched by name.

        Returns
        -------
        EwmaCovariance
            Itself.

        Raises
        ------
        NonFiniteError
            If a return is infinite; the message names its index.
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
        """Correlation; 0 beside an asset that never moved."""
        return self._labels.matrix(self._fitted().correlation(degenerate_as_zero=True))

    @property
    def volatility_(self) -> Any:
        """Standard deviation per bar."""
        return self._labels.vector(self._fitted().volatility())

    @property
    def degenerate_(self) -> Any:
        """Which assets have a variance of exactly zero."""
        return self._labels.vector(np.equal(self._fitted().volatility(), 0.0))

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
    def from_bytes(cls, data: bytes) -> EwmaCovariance:
        """Return the estimator that :meth:`to_bytes` wrote; it continues bit for bit.

        Raises
        ------
        StateError
            If the bytes are short, damaged, of another kind or written by a newer version.
        """
        rule, labels, state = unpack(data)
        if set(rule) != set(EwmaRule.__annotations__):
            raise StateError(f"the saved state has the parameters {sorted(rule)}; it is of another estimator")
        estimator = cls(**rule)
        estimator._labels = labels
        estimator._state = _native.EwmaState.from_bytes(state) if state else None
        return estimator

    def __getstate__(self) -> tuple[EwmaRule, Labels, bytes | None]:
        state = None if self._state is None else self._state.to_bytes()
        return self._rule, self._labels, state

    def __setstate__(self, saved: tuple[EwmaRule, Labels, bytes | None]) -> None:
        rule, self._labels, state = saved
        self._rule = rule
        self._state = None if state is None else _native.EwmaState.from_bytes(state)

    def _new_state(self, n_assets: int) -> _native.EwmaState:
        return _native.EwmaState(n_assets, **self._rule)

    def _fitted(self) -> _native.EwmaState:
        if self._state is None:
            raise StateError("nothing was fitted yet; call fit or partial_fit first")
        return self._state
