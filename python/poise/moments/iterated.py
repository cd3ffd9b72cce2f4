"""The covariance that measures volatilities first and correlations in their units."""

from __future__ import annotations

import math
from threading import Lock
from typing import Any, NamedTuple, Self, TypedDict

import numpy as np

from poise import _native
from poise.domain.arrays import float_array
from poise.domain.labels import unwrap_vector
from poise.errors import ParameterError
from poise.moments.decay import checked_half_life
from poise.moments.online import OnlineCovariance
from poise.typing import ArrayLike

STALE_AFTER_HALF_LIVES = 3.0


class IteratedRule(TypedDict):
    """Keyword arguments of the kernel."""

    volatility_half_life: float
    correlation_half_life: float
    whiten_lag: int
    winsor: float | None


def iterated_rule(
    volatility_half_life: Any, correlation_half_life: Any, *, whiten_lag: int, winsor: Any
) -> IteratedRule:
    """Return the choices as plain values.

    Raises
    ------
    ParameterError
        If a half-life is not positive, `whiten_lag` neither 0 nor 1, or `winsor` below 1.
    """
    if whiten_lag not in (0, 1):
        raise ParameterError(
            f"whiten_lag is {whiten_lag!r}, expected 1 (the volatility before) or 0 (reference code)"
        )
    return {
        "volatility_half_life": checked_half_life(volatility_half_life, "volatility_half_life"),
        "correlation_half_life": checked_half_life(correlation_half_life, "correlation_half_life"),
        "whiten_lag": int(whiten_lag),
        "winsor": _checked_winsor(winsor),
    }


class BookMoments(NamedTuple):
    """What a correlation ``C`` says of a book; its exposures ``x`` are weights times volatilities.

    Attributes
    ----------
    variance : float
        ``x'Cx``, per bar.
    exposure, squares, gross : float
        The sums of ``x``, ``x ** 2`` and ``abs(x)``.
    n_held : int
        Assets with a weight.
    mean_correlation_held : float
        Of their pairs; NaN for fewer than two.
    mean_correlation : float
        Of all pairs; NaN for one asset.
    """

    variance: float
    exposure: float
    squares: float
    gross: float
    n_held: int
    mean_correlation_held: float
    mean_correlation: float


class IteratedEwmaCovariance(OnlineCovariance[_native.IteratedState]):
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

    _kernel = _native.IteratedState

    def __init__(
        self,
        volatility_half_life: float = 21.0,
        correlation_half_life: float = 63.0,
        *,
        whiten_lag: int = 1,
        winsor: float | None = 4.2,
    ) -> None:
        super().__init__(
            iterated_rule(volatility_half_life, correlation_half_life, whiten_lag=whiten_lag, winsor=winsor)
        )

    @property
    def volatility_half_life(self) -> float:
        """Own observations after which a weight in a variance has halved."""
        value: float = self._rule["volatility_half_life"]
        return value

    @property
    def correlation_half_life(self) -> float:
        """Observations after which a weight in the correlation has halved."""
        value: float = self._rule["correlation_half_life"]
        return value

    @property
    def correlation_(self) -> Any:
        """Correlation; NaN beside an asset with less than 20 observations of its own."""
        return self._labels.matrix(self._fitted().correlation())

    def book_moments(self, weights: ArrayLike) -> BookMoments | None:
        """Return what the correlation says of a book, without writing it out.

        Parameters
        ----------
        weights : array_like of shape (n_assets,)
            Finite; a labelled one is matched by name.

        Returns
        -------
        BookMoments or None
            None where an asset has no correlation yet, never moved, or came late and has a row of its own.

        Raises
        ------
        NonFiniteError
            If a weight is NaN or infinite; the message names its index.
        ParameterError
            If a weight is absurdly large.
        ShapeError
            If there is not one weight per asset.
        """
        state = self._fitted()
        # The common case first: a live loop asks with every bar.
        plain = type(weights) is np.ndarray and weights.ndim == 1
        values = (
            float_array(weights, "weights") if plain else unwrap_vector(weights, "weights", self._labels)[0]
        )
        found = state.book(values)
        return None if found is None else BookMoments(*found)

    def __copy__(self) -> Self:
        twin = type(self).__new__(type(self))
        state = None if self._state is None else self._state.__copy__()
        vars(twin).update(vars(self), _state=state, _starting=Lock())
        return twin

    @property
    def stale_(self) -> Any:
        """Which assets have not been observed for more than three half-lives of the volatility."""
        longest = STALE_AFTER_HALF_LIVES * self.volatility_half_life
        return self._labels.vector(np.greater(self._fitted().age(), longest))


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
