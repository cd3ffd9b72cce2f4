"""Filtered historical simulation that takes in one row at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from poise import _native
from poise.domain.arrays import float_array
from poise.domain.labels import unwrap_vector
from poise.errors import ParameterError
from poise.risk._inputs import as_bounded_length, as_length, as_level, as_number
from poise.risk._state import Online
from poise.typing import ArrayLike, Matrix, Vector


class FilteredHistory(Online[_native.FilteredHistory]):
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

    _kernel = _native.FilteredHistory

    def __init__(self, n_assets: int, *, window: int = 500, half_life: float = 21.0) -> None:
        decay = as_number(half_life, "half_life")
        if not decay > 0.0:
            raise ParameterError(f"half_life is {half_life}, expected a positive number of observations")
        self._state = _native.FilteredHistory(
            as_length(n_assets, "n_assets"), as_bounded_length(window), decay
        )

    @property
    def n_assets(self) -> int:
        """Assets in a row."""
        return self._state.n_assets

    @property
    def window(self) -> int:
        """Rows kept."""
        return self._state.window

    @property
    def half_life(self) -> float:
        """Of the volatility."""
        return self._state.half_life

    @property
    def volatility(self) -> Vector:
        """Of each asset, expected for the next row."""
        return self._state.volatility()

    @property
    def observations(self) -> npt.NDArray[np.int64]:
        """Own returns of each asset seen."""
        return self._state.observations()

    @property
    def n_observations(self) -> int:
        """Rows seen."""
        return self._state.n_observations

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
        self._state.push(_plain(row, "row"))

    def scenarios(self) -> Matrix:
        """Return the kept rows at today's volatility.

        Returns
        -------
        ndarray of shape (n_rows, n_assets)
            Newest last; rows before the first scenario are left out. NaN where an asset has none.
        """
        return self._state.scenarios()

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
        return self._state.outcomes(_plain(weights, "weights"))

    def tails(
        self, weights: ArrayLike, confidence_levels: Sequence[float], *, min_scenarios: int = 1
    ) -> list[tuple[float, float]]:
        """Return value at risk and conditional value at risk of a portfolio over its :meth:`outcomes`.

        Parameters
        ----------
        weights : array_like of shape (n_assets,)
            As for :meth:`outcomes`.
        confidence_levels : sequence of float
            Each strictly between 0 and 1.
        min_scenarios : int, default=1
            Fewer scenarios say nothing.

        Returns
        -------
        list of tuple of float
            One pair of positive losses per level; empty where there are fewer scenarios.

        Raises
        ------
        ShapeError, NonFiniteError
            As :meth:`outcomes`.
        ParameterError
            As :meth:`outcomes`, and if a level is outside its range.
        """
        levels = [as_level(level) for level in confidence_levels]
        return self._state.tails(
            _plain(weights, "weights"), levels, as_length(min_scenarios, "min_scenarios")
        )

    def __repr__(self) -> str:
        return (
            f"FilteredHistory({self.n_assets}, window={self.window}, half_life={self.half_life:g}, "
            f"n_observations={self.n_observations})"
        )


def _plain(given: ArrayLike, name: str) -> Vector:
    # The common case first: every tick of a live loop passes here.
    if type(given) is np.ndarray and given.ndim == 1:
        return float_array(given, name)
    return unwrap_vector(given, name)[0]
