"""One pass over the rows for several half-lives."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from poise import _native
from poise.errors import EmptyInputError, ParameterError
from poise.moments.decay import checked_half_life
from poise.moments.online import OnlineCovariance
from poise.moments.standardized import with_rows


class MultiHalfLifeCovariance(OnlineCovariance[Any]):
    """Exponentially weighted covariance under several half-lives at once.

    Each slice is what :class:`poise.moments.EwmaCovariance` gives for its half-life; one call per row serves
    all of them.

    Parameters
    ----------
    half_lives : iterable of float
        Observations after which a weight has halved. Positive, at least one, each once.
    adjust, bias, ignore_na, demean : bool
        As in :func:`poise.moments.ewma_covariance`; with `demean` each half-life has a mean of its own.

    Attributes
    ----------
    covariance_ : ndarray of shape (n_half_lives, n_assets, n_assets)
        Per bar. From a pandas frame a frame indexed by (half_life, asset), from a polars frame one with the
        columns ``half_life`` and ``asset``. NaN where there is no estimate yet.
    correlation_ : ndarray of shape (n_half_lives, n_assets, n_assets)
        Unit diagonal; 0 beside an asset that never moved, NaN where the covariance is NaN.
    volatility_ : ndarray of shape (n_half_lives, n_assets)
        Standard deviation per bar, as a fraction; of a frame one row per half-life.
    degenerate_ : ndarray of shape (n_half_lives, n_assets)
        True for assets whose variance is exactly zero; their correlations say nothing.
    n_observations_ : int
        Rows taken in that held at least one value.

    Raises
    ------
    EmptyInputError
        If there is no half-life.
    ParameterError
        If a half-life is not positive or stands twice.

    Notes
    -----
    NaN is missing, pair by pair. A row that is refused leaves the state as it was. Copies and pickles are
    independent and continue bit for bit. A row waits with a few others until a matrix is read or they are
    enough to be added in one pass; when a matrix is read changes what follows by rounding only.

    Examples
    --------
    >>> R = np.array([[0.01, 0.02], [-0.02, -0.01], [0.03, 0.00]])
    >>> estimator = MultiHalfLifeCovariance([2.0, 20.0]).fit(R)
    >>> estimator.volatility_.round(4)
    array([[0.0271, 0.0137],
           [0.0254, 0.0151]])
    """

    _kernel = _native.HalfLivesState

    def __init__(
        self,
        half_lives: Iterable[float],
        *,
        adjust: bool = True,
        bias: bool = False,
        ignore_na: bool = False,
        demean: bool = True,
    ) -> None:
        super().__init__(
            {
                "half_lives": _checked(half_lives),
                "adjust": bool(adjust),
                "bias": bool(bias),
                "ignore_na": bool(ignore_na),
                "demean": bool(demean),
            }
        )

    @property
    def half_lives(self) -> tuple[float, ...]:
        """Observations after which a weight has halved, in the order of the slices."""
        return tuple(self._rule["half_lives"])

    @property
    def covariance_(self) -> Any:
        """Covariance per bar, one slice per half-life."""
        return self._rows().panel(self._fitted().covariance())

    @property
    def correlation_(self) -> Any:
        """Correlation, one slice per half-life; 0 beside an asset that never moved."""
        return self._rows().panel(self._fitted().correlation())

    @property
    def volatility_(self) -> Any:
        """Standard deviation per bar, one row per half-life."""
        return self._rows().frame(self._fitted().volatility())

    @property
    def degenerate_(self) -> Any:
        """Which assets have a volatility of exactly zero, one row per half-life."""
        return self._rows().frame(np.equal(self._fitted().volatility(), 0.0))

    def _rows(self) -> Any:
        return with_rows(self._labels, "half_life", self.half_lives)


def _checked(half_lives: Iterable[float]) -> list[float]:
    try:
        given = list(half_lives)
    except TypeError:
        raise ParameterError(f"half_lives is {half_lives!r}, expected several; pass a list") from None
    if not given:
        raise EmptyInputError("half_lives is empty; pass at least one half-life")
    values = [checked_half_life(value, f"half_lives[{i}]") for i, value in enumerate(given)]
    twice = [value for i, value in enumerate(values) if value in values[:i]]
    if twice:
        raise ParameterError(f"half_lives holds {twice[0]} twice; pass each once")
    return values
