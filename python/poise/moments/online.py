"""What every covariance estimator that takes rows one at a time does alike: labels, state, bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar

import numpy as np

from poise.domain.arrays import float_array
from poise.domain.labels import BARE, Labels, unwrap_matrix, unwrap_vector
from poise.domain.snapshot import pack, plain_labels, restored_labels, unpack
from poise.errors import StateError
from poise.typing import ArrayLike, Matrix, Vector


class Kernel(Protocol):
    """The compiled state behind an estimator."""

    @property
    def n_observations(self) -> int:
        """Rows that held at least one value."""
        ...

    def update(self, row: Vector) -> None:
        """Take in one row, or refuse it and stay as it was."""
        ...

    def absorb(self, returns: Matrix) -> None:
        """Take in all rows, or refuse them and stay as it was."""
        ...

    def covariance(self) -> Matrix:
        """Return the covariance per bar."""
        ...

    def volatility(self) -> Vector:
        """Return the standard deviation per bar."""
        ...

    def to_bytes(self) -> bytes:
        """Return the state as bytes."""
        ...


State = TypeVar("State", bound=Kernel)


class OnlineCovariance(Generic[State]):
    """Base of the covariance estimators; a subclass names its kernel and reads its own correlation."""

    _kernel: ClassVar[Any]

    def __init__(self, rule: Mapping[str, Any]) -> None:
        self._rule = dict(rule)
        self._state: State | None = None
        self._labels = BARE
        self._starting = Lock()

    def __repr__(self) -> str:
        chosen = ", ".join(f"{name}={value!r}" for name, value in self._rule.items())
        return f"{type(self).__name__}({chosen})"

    def fit(self, R: ArrayLike) -> Self:
        """Forget what was seen and take in all rows of `R`.

        Parameters
        ----------
        R : array_like of shape (n_observations, n_assets)
            Simple returns; NaN is missing.

        Returns
        -------
        OnlineCovariance
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
        self._labels, self._state = Labels(labels.kind, assets=labels.assets), state
        return self

    def partial_fit(self, row: ArrayLike) -> Self:
        """Take in the next row.

        Parameters
        ----------
        row : array_like of shape (n_assets,)
            Simple returns of one bar; NaN is missing. A labelled row is matched by name.

        Returns
        -------
        OnlineCovariance
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
        return self._take(row, lambda state, values: state.update(values))

    def _take(self, row: ArrayLike, feed: Callable[[State, Vector], None]) -> Self:
        """Hand the row to the state; the first row makes the state and gives it its labels."""
        if self._state is not None and type(row) is np.ndarray and row.ndim == 1:
            # Without names, an array is in the order of the assets: most ticks of a live loop end here.
            feed(self._state, float_array(row, "row"))
            return self
        values, labels = unwrap_vector(row, "row", self._labels)
        if self._state is None:
            with self._starting:
                if self._state is None:
                    state = self._new_state(len(values))
                    feed(state, values)
                    self._labels, self._state = Labels(labels.kind, assets=labels.assets), state
                    return self
            # Another thread brought the first row meanwhile; its labels count.
            values, _ = unwrap_vector(row, "row", self._labels)
        feed(self._state, values)
        return self

    @property
    def covariance_(self) -> Any:
        """Covariance per bar."""
        return self._labels.matrix(self._fitted().covariance())

    @property
    def volatility_(self) -> Any:
        """Standard deviation per bar."""
        return self._labels.vector(self._fitted().volatility())

    @property
    def degenerate_(self) -> Any:
        """Which assets have a volatility of exactly zero."""
        return self._labels.vector(np.equal(self._fitted().volatility(), 0.0))

    @property
    def n_observations_(self) -> int:
        """Rows taken in that held at least one value."""
        return 0 if self._state is None else self._state.n_observations

    @property
    def kernel(self) -> State:
        """The compiled state, for a kernel that feeds several estimators at once."""
        return self._fitted()

    def to_bytes(self) -> bytes:
        """Return parameters, labels and moments as bytes.

        Raises
        ------
        InputError
            If a label is neither text nor a whole number (pickle keeps those).
        """
        state = b"" if self._state is None else self._state.to_bytes()
        return pack(type(self).__name__, {"rule": self._rule, "labels": plain_labels(self._labels)}, state)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Return the estimator that :meth:`to_bytes` wrote; it continues bit for bit.

        Raises
        ------
        StateError
            If the bytes are short, damaged, of another kind or written by a newer version.
        """
        described, state = unpack(cls.__name__, data)
        try:
            estimator = cls(**described["rule"])
        except TypeError as error:
            raise StateError(f"the saved state does not fit this version: {error}") from error
        estimator._labels = restored_labels(described["labels"])
        estimator._state = cls._kernel.from_bytes(state) if state else None
        return estimator

    def __getstate__(self) -> tuple[dict[str, Any], Labels, bytes | None]:
        state = None if self._state is None else self._state.to_bytes()
        return self._rule, self._labels, state

    def __setstate__(self, saved: tuple[dict[str, Any], Labels, bytes | None]) -> None:
        self._rule, self._labels, state = saved
        self._state = None if state is None else self._kernel.from_bytes(state)
        self._starting = Lock()

    def _new_state(self, n_assets: int) -> State:
        state: State = self._kernel(n_assets, **self._rule)
        return state

    def _fitted(self) -> State:
        if self._state is None:
            raise StateError("nothing was fitted yet; call fit or partial_fit first")
        return self._state
