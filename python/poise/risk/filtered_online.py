"""Filtered historical simulation that takes in one row at a time."""

from __future__ import annotations

import math
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from poise.domain.labels import unwrap_vector
from poise.domain.snapshot import pack, unpack
from poise.errors import NonFiniteError, ParameterError, ShapeError
from poise.risk._inputs import (
    LARGEST,
    as_bounded_length,
    as_length,
    as_number,
    require_finite,
    require_squares,
)
from poise.typing import ArrayLike, Matrix, Vector

MIN_OBSERVATIONS = 20
"""Own returns that only start an asset's volatility and give no scenario."""

NEGLIGIBLE = 1e-8
"""A past volatility below this fraction of today's counts as zero."""

_WORST_FACTOR = 1e6
"""A return of so many volatilities came after one that counts, or soon will count, as zero."""


class FilteredHistory:
    """The scenarios of :func:`poise.risk.filtered_scenarios`, row by row, for the last `window` rows.

    Parameters
    ----------
    n_assets : int
    window : int, default=500
        Rows kept.
    half_life : float, default=21.0
        Of the volatility, in an asset's own observations.

    Attributes
    ----------
    n_assets, n_observations : int
        Assets; rows seen.
    volatility : ndarray of shape (n_assets,)
        Expected for the next row; 0 before an asset's first return.
    observations : ndarray of int, shape (n_assets,)
        Own returns seen.

    Raises
    ------
    ParameterError
        If a parameter is outside its range.

    Notes
    -----
    The volatility goes on from row to row, so that the scenarios are the last of those that the function
    gives for everything seen so far. NaN is a missing value: it gives no scenario and leaves the volatility
    alone. Copies continue on their own, bit for bit.

    Examples
    --------
    >>> import numpy as np
    >>> from poise.risk import FilteredHistory, filtered_scenarios
    >>> R = 0.01 * np.random.default_rng(0).standard_normal((100, 2))
    >>> history = FilteredHistory(2, window=50)
    >>> for row in R:
    ...     history.push(row)
    >>> bool(np.allclose(history.scenarios(), filtered_scenarios(R)[-50:], rtol=1e-12))
    True
    """

    def __init__(self, n_assets: int, *, window: int = 500, half_life: float = 21.0) -> None:
        self.n_assets = as_length(n_assets, "n_assets")
        self.window = as_bounded_length(window)
        self.half_life = as_number(half_life, "half_life")
        if not self.half_life > 0.0:
            raise ParameterError(f"half_life is {half_life}, expected a positive number of observations")
        self._decay = 2.0 ** (-1.0 / self.half_life)
        # Twice the window: what is kept is one contiguous slice, moved back once every `window` rows.
        shape = (2 * self.window, self.n_assets)
        self._returns = np.full(shape, np.nan)
        self._before = np.full(shape, np.nan)
        self._ratios = np.full(shape, np.nan)
        self._largest = np.full(2 * self.window, math.nan)
        self._end = 0
        self._variance = np.zeros(self.n_assets)
        self._mass = np.zeros(self.n_assets)
        self._observations: npt.NDArray[np.int64] = np.zeros(self.n_assets, dtype=np.int64)
        self._volatility: Vector = np.zeros(self.n_assets)
        # Whether every asset gives scenarios; once it does, it goes on doing so.
        self._seasoned = False
        self._n_observations = 0

    @property
    def volatility(self) -> Vector:
        """Of each asset, expected for the next row."""
        return self._volatility

    @property
    def observations(self) -> npt.NDArray[np.int64]:
        """Own returns of each asset seen."""
        return self._observations

    @property
    def n_observations(self) -> int:
        """Rows seen."""
        return self._n_observations

    def push(self, row: ArrayLike) -> None:
        """Take in the returns of one row.

        Parameters
        ----------
        row : array_like of shape (n_assets,)
            Simple returns, as fractions; NaN where missing.

        Raises
        ------
        ShapeError
            If there is not one value per asset.
        NonFiniteError
            If a return is infinite; nothing is changed then.
        ParameterError
            If a return is so large that its square would be infinite.
        """
        values = self._one_each(row, "row")
        magnitudes = np.abs(values)
        # The maximum passes NaN on: most rows end here.
        whole = bool(np.maximum.reduce(magnitudes) <= LARGEST)
        if not whole and (magnitudes > LARGEST).any():
            _refuse(values, magnitudes)
        self._remember(values)
        self._learn(values, whole=whole)
        self._n_observations += 1

    def _one_each(self, given: ArrayLike, name: str) -> Vector:
        if type(given) is np.ndarray and given.dtype == np.float64:
            values: Vector = given
        else:
            values, _ = unwrap_vector(given, name)
        if values.shape != (self.n_assets,):
            raise ShapeError(f"{name} has shape {values.shape}, expected ({self.n_assets},)")
        return values

    def _remember(self, values: Vector) -> None:
        if self._end == len(self._returns):
            for ring in (self._returns, self._before, self._ratios, self._largest):
                ring[: self.window] = ring[self.window :]
            self._end = self.window
        end = self._end
        self._returns[end] = values
        before, ratios = self._before[end], self._ratios[end]
        before[:] = self._volatility
        if not self._seasoned:
            young = self._observations < MIN_OBSERVATIONS
            self._seasoned = not young.any()
            before[young] = np.nan
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            np.divide(values, before, out=ratios)
        self._largest[end] = _largest_loss(ratios)
        self._end = end + 1

    def _learn(self, values: Vector, *, whole: bool) -> None:
        if whole:
            self._mass *= self._decay
            self._mass += 1.0
            self._variance += (values * values - self._variance) / self._mass
            self._observations += 1
        else:
            seen = np.isfinite(values)
            self._mass[seen] = self._decay * self._mass[seen] + 1.0
            self._variance[seen] += (values[seen] ** 2 - self._variance[seen]) / self._mass[seen]
            self._observations += seen
        self._volatility = np.sqrt(self._variance)

    def scenarios(self) -> Matrix:
        """Return the kept rows at today's volatility.

        Returns
        -------
        ndarray of shape (n_rows, n_assets)
            Newest last; rows before the first scenario are left out. NaN where an asset has none.
        """
        kept = slice(max(0, self._end - self.window), self._end)
        returns, before = self._returns[kept], self._before[kept]
        known = np.flatnonzero(~np.isnan(before).all(axis=1))
        if len(known):
            returns, before = returns[known[0] :], before[known[0] :]
        else:
            returns, before = returns[:0], before[:0]
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            scaled = np.maximum(returns * (self._volatility / before), np.minimum(returns, -1.0))
        # A volatility that is missing is no small one: it stays missing.
        return np.where(before <= NEGLIGIBLE * self._volatility, returns, scaled)

    def outcomes(self, weights: ArrayLike) -> Vector:
        """Return what a portfolio earns in the scenarios that all of its assets have.

        Parameters
        ----------
        weights : array_like of shape (n_assets,)
            Fractions of total value; what they miss to 1 is cash and earns nothing. Finite.

        Returns
        -------
        ndarray of shape (n_scenarios,)
            Newest last.

        Raises
        ------
        ShapeError
            If there is not one weight per asset.
        NonFiniteError
            If a weight is NaN or infinite; the message names the first index.
        ParameterError
            If a weight is absurdly large.
        """
        weights = self._one_each(weights, "weights")
        if not np.maximum.reduce(np.abs(weights)) <= LARGEST:
            require_finite(weights, "weights")
            require_squares(weights, "weights")
        kept = slice(max(0, self._end - self.window), self._end)
        largest = float(np.maximum.reduce(self._largest[kept], initial=0.0))
        if largest * float(np.maximum.reduce(self._volatility)) < 1.0:
            # Every ratio is an ordinary number and no asset can lose all of its value: one product will do.
            return np.asarray(self._ratios[kept] @ (weights * self._volatility))
        held = np.flatnonzero(weights)
        scenarios = self.scenarios()[:, held]
        return np.asarray(scenarios[np.isfinite(scenarios).all(axis=1)] @ weights[held])

    def to_bytes(self) -> bytes:
        """Return parameters and state as bytes."""
        kept = slice(max(0, self._end - self.window), self._end)
        parts = (
            self._returns[kept],
            self._before[kept],
            self._variance,
            self._mass,
            self._observations.astype(np.float64),
        )
        rule = {
            "n_assets": self.n_assets,
            "window": self.window,
            "half_life": self.half_life,
            "n_observations": self.n_observations,
            "n_rows": kept.stop - kept.start,
        }
        return pack("FilteredHistory", rule, b"".join(np.ascontiguousarray(part).tobytes() for part in parts))

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Return the history that :meth:`to_bytes` wrote; it continues bit for bit.

        Raises
        ------
        StateError
            If the bytes are short, damaged, of another kind or written by a newer version.
        """
        rule, state = unpack("FilteredHistory", data)
        history = cls(rule["n_assets"], window=rule["window"], half_life=rule["half_life"])
        history._restore(np.frombuffer(state), rule["n_rows"], rule["n_observations"])
        return history

    def _restore(self, numbers: Vector, n_rows: int, n_observations: int) -> None:
        cuts = np.cumsum([n_rows * self.n_assets] * 2 + [self.n_assets] * 2)
        returns, before, variance, mass, seen = np.split(numbers, cuts)
        self._returns[:n_rows] = returns.reshape(n_rows, self.n_assets)
        self._before[:n_rows] = before.reshape(n_rows, self.n_assets)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            np.divide(self._returns[:n_rows], self._before[:n_rows], out=self._ratios[:n_rows])
        self._largest[:n_rows] = [_largest_loss(ratios) for ratios in self._ratios[:n_rows]]
        self._variance, self._mass = variance.copy(), mass.copy()
        self._observations = seen.astype(np.int64)
        self._volatility = np.sqrt(self._variance)
        self._end, self._n_observations = n_rows, n_observations

    def __copy__(self) -> Self:
        twin = self.__class__.__new__(self.__class__)
        for name, value in vars(self).items():
            setattr(twin, name, value.copy() if isinstance(value, np.ndarray) else value)
        return twin

    def __repr__(self) -> str:
        return (
            f"FilteredHistory({self.n_assets}, window={self.window}, half_life={self.half_life:g}, "
            f"n_observations={self._n_observations})"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).from_bytes, (self.to_bytes(),)


def _largest_loss(ratios: Vector) -> float:
    """Return the largest loss of a row in volatilities; infinite where a ratio is missing or too large."""
    largest, smallest = float(np.maximum.reduce(ratios)), float(np.minimum.reduce(ratios))
    return max(-smallest, 0.0) if largest < _WORST_FACTOR and smallest > -_WORST_FACTOR else math.inf


def _refuse(values: Vector, magnitudes: Vector) -> None:
    column = int(np.argmax(np.nan_to_num(magnitudes, nan=0.0, posinf=math.inf) > LARGEST))
    if math.isinf(values[column]):
        raise NonFiniteError(f"row holds {values[column]} at column {column}; pass NaN where it is missing")
    raise ParameterError(f"row holds {values[column]} at column {column}, expected at most {LARGEST:g}")
