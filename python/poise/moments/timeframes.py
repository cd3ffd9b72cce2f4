"""One base bar, several horizons: hours, four hours, days and weeks in one covariance per day."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal, Self, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from poise import _native
from poise.domain.labels import Labels, unwrap_matrix
from poise.errors import InputError, ParameterError, ShapeError
from poise.moments.decay import checked_half_life
from poise.moments.instants import read_instants, read_length
from poise.moments.online import OnlineCovariance
from poise.moments.standardized import with_rows
from poise.typing import ArrayLike

Stamps: TypeAlias = Literal["open", "close"]
"""Whether a time is that at which its bar opened or closed."""

HALF_LIVES = {"1h": (72.0, 240.0), "4h": (42.0, 126.0), "1d": (21.0, 63.0), "1w": (13.0, 52.0)}
"""Half-lives of volatility and correlation in bars of the timeframe."""

WEIGHTS = {"1h": 0.10, "4h": 0.25, "1d": 0.50, "1w": 0.15}
"""What a timeframe counts beside the others."""

_FARTHEST = 2**62
"""Nanoseconds from 1970 that leave room for a bar before and after."""


class MultiTimeframeCovariance(OnlineCovariance[Any]):
    """Covariance per day blended from several horizons, all fed by one base bar.

    Log returns of the base bar add up in buckets aligned to UTC, weeks to Monday. A bucket that closes feeds
    an :class:`IteratedEwmaCovariance` of its timeframe; volatilities and correlations of the timeframes are
    combined with fixed weights. Batch and row by row give one result, bit for bit.

    Parameters
    ----------
    base : str, default="1h"
        Length of the bars that come in: ``15m``, ``1h``, ``1d``, ... Timeframes that are no whole number of
        them are left out: a daily base has ``1d`` and ``1w``.
    stamps : {"open", "close"}, default="open"
        Whether the time of a row is that at which its bar opened (as everywhere in poise) or closed.
    half_lives : mapping, optional
        Timeframe to (volatility half-life, correlation half-life), in its own bars; for those left out
        ``1h`` (72, 240), ``4h`` (42, 126), ``1d`` (21, 63), ``1w`` (13, 52).
    weights : mapping, optional
        Timeframe to positive weight; its keys are the timeframes used. A length that is no part of a week is
        counted from Monday, 5 January 1970. Default ``1h`` 0.10, ``4h`` 0.25,
        ``1d`` 0.50, ``1w`` 0.15, as far as the base allows. Only their ratios matter.

    Attributes
    ----------
    covariance_ : ndarray of shape (n_assets, n_assets)
        Per day, of log returns. NaN beside an asset that no timeframe knows yet.
    correlation_ : ndarray of shape (n_assets, n_assets)
        Unit diagonal; 0 beside an asset that never moved. What is not NaN is positive semidefinite.
    volatility_ : ndarray of shape (n_assets,)
        Standard deviation per day, as a fraction.
    variance_ratio_ : ndarray of shape (n_timeframes, n_assets)
        Variance of the bars of a timeframe over that of the base bar times their number, each bar counting
        the same: 1 for a random walk, above where moves continue, below where they revert. NaN before the
        second bar.
    n_closed_ : ndarray of shape (n_timeframes, n_assets)
        Bars of each timeframe that counted.
    timeframes_ : tuple of str
        The timeframes, shortest first.
    degenerate_ : ndarray of shape (n_assets,)
        True for assets whose volatility is exactly zero; their correlations say nothing.
    n_observations_ : int
        Rows taken in that held at least one value.

    Raises
    ------
    ParameterError
        If `base` is no length of time, no timeframe is a multiple of it, or a half-life or weight is not
        positive.

    Notes
    -----
    NaN is missing, and so is a row that never comes. A bucket counts for an asset with at least
    four fifths of its base bars, the last among them. The count is by the clock, round the week: of an asset
    whose exchange closes at weekends a daily base gives no weeks.

    A timeframe counts for an asset from its twentieth bar on, and timeframes of up to an hour only while no
    more than a fifth of the bars stood still: an asset that seldom trades looks uncorrelated over short bars
    (Epps, 1979). Weights are renormalised over what counts, for every asset's volatility on its own.
    Correlations of assets for which the same timeframes count are one convex combination, which is positive
    semidefinite; every other asset follows with the combination over the timeframes that it shares with the
    asset on the other side, scaled down where it would not fit. Two assets that share none have the
    correlation of the timeframes that know both, or 0.

    A row that is refused leaves the state as it was. Copies and pickles are independent and continue bit for
    bit.

    References
    ----------
    .. [1] Johansson, Ogut, Pelger, Schmelzer and Boyd (2023). A simple method for predicting covariance
       matrices of financial returns.
    .. [2] Epps (1979). Comovements in stock prices in the very short run. Journal of the American Statistical
       Association 74 (366).
    .. [3] Lo and MacKinlay (1988). Stock market prices do not follow random walks. Review of Financial
       Studies 1 (1), equations 6 to 8.

    Examples
    --------
    >>> rng = np.random.default_rng(7)
    >>> times = np.datetime64("2020-01-06", "ns") + np.arange(30 * 24) * np.timedelta64(1, "h")
    >>> R = 0.002 * (rng.normal(size=(len(times), 1)) + rng.normal(size=(len(times), 2)))
    >>> estimator = MultiTimeframeCovariance().fit(R, times)
    >>> estimator.n_closed_[:, 0].astype(int).tolist()
    [720, 180, 30, 4]
    >>> bool(0.2 < estimator.correlation_[0, 1] < 0.8)
    True
    """

    _kernel = _native.TimeframesState

    def __init__(
        self,
        base: str = "1h",
        *,
        stamps: Stamps = "open",
        half_lives: Mapping[str, tuple[float, float]] | None = None,
        weights: Mapping[str, float] | None = None,
    ) -> None:
        if stamps not in get_args(Stamps):
            raise ParameterError(f"stamps is {stamps!r}, expected one of {', '.join(get_args(Stamps))}")
        self._base = read_length(base, "base")
        chosen = _checked_weights(weights, base, self._base)
        unused = set(half_lives or ()) - set(chosen)
        if unused:
            names, known = ", ".join(sorted(map(str, unused))), ", ".join(chosen)
            raise ParameterError(f"half_lives names {names}, but the timeframes are {known}")
        super().__init__(
            {
                "base": base,
                "stamps": stamps,
                "half_lives": {name: _checked_half_lives(half_lives, name) for name in chosen},
                "weights": chosen,
            }
        )

    def fit(self, R: ArrayLike, times: ArrayLike | None = None) -> Self:
        """Forget what was seen and take in all rows of `R`.

        Parameters
        ----------
        R : array_like of shape (n_observations, n_assets)
            Simple returns of the base bar; NaN is missing.
        times : array_like of shape (n_observations,), optional
            Strictly increasing times of the rows, each at a whole number of base bars: datetimes (without a
            zone they are UTC) or int64 nanoseconds. Left out they are the index of a pandas frame, the
            leading column of times of a polars frame.

        Returns
        -------
        MultiTimeframeCovariance
            Itself.

        Raises
        ------
        EmptyInputError
            If there is no observation or no asset.
        InputError
            If there are no times, or they do not increase; the message names the index.
        NonFiniteError
            If a return is infinite or a time missing; the message names where.
        ParameterError
            If a return is -1 or less, or a time no whole number of base bars.
        ShapeError
            If `R` has not two axes, or `times` is of another length.
        """
        returns, labels = unwrap_matrix(R)
        opened = self._opened(labels.times if times is None else times, given=times is not None)
        if len(opened) != len(returns):
            raise ShapeError(f"times has shape {opened.shape}, expected ({len(returns)},)")
        state = self._new_state(returns.shape[1])
        state.absorb(opened, returns)
        self._state, self._labels = state, Labels(labels.kind, assets=labels.assets)
        return self

    def partial_fit(self, row: ArrayLike, time: Any = None) -> Self:
        """Take in the next row.

        Parameters
        ----------
        row : array_like of shape (n_assets,)
            Simple returns of one base bar; NaN is missing. A labelled row is matched by name.
        time : datetime, datetime64 or int
            Its time, after that of the row before; an int counts nanoseconds since 1970. Left out it is the
            name of a pandas row.

        Returns
        -------
        MultiTimeframeCovariance
            Itself.

        Raises
        ------
        InputError
            If there is no time, or it is not after the last one.
        NonFiniteError
            If a return is infinite; the message names its index.
        ParameterError
            If a return is -1 or less, or the time no whole number of base bars.
        ShapeError
            If the row has other assets than the rows before.
        """
        opened = self._opened_at(row, time)
        return self._take(row, lambda state, values: state.update(opened, values))

    @property
    def timeframes_(self) -> tuple[str, ...]:
        """The timeframes, shortest first."""
        return tuple(self._rule["weights"])

    @property
    def correlation_(self) -> Any:
        """Correlation blended over the timeframes; NaN beside an asset that none knows yet."""
        return self._labels.matrix(self._fitted().correlation())

    @property
    def variance_ratio_(self) -> Any:
        """Variance of each timeframe over what a random walk would have, one row per timeframe."""
        return self._rows().frame(self._fitted().variance_ratio())

    @property
    def n_closed_(self) -> Any:
        """Bars that counted, one row per timeframe."""
        return self._rows().frame(self._fitted().n_closed())

    def __getstate__(self) -> Any:
        return self._base, super().__getstate__()

    def __setstate__(self, saved: Any) -> None:
        self._base, rest = saved
        super().__setstate__(rest)

    def _rows(self) -> Labels:
        return with_rows(self._labels, "timeframe", self.timeframes_)

    def _new_state(self, n_assets: int) -> Any:
        timeframes = [
            (read_length(name, "timeframe"), weight, *self._rule["half_lives"][name])
            for name, weight in self._rule["weights"].items()
        ]
        return self._kernel(n_assets, base=self._base, timeframes=timeframes)

    def _opened_at(self, row: ArrayLike, time: Any) -> int:
        """When the bar of a row opened, in nanoseconds."""
        if type(time) is int and abs(time) <= _FARTHEST:
            # Whole nanoseconds need no reading: every tick of a live loop passes here.
            return time if self._rule["stamps"] == "open" else time - self._base
        when = getattr(row, "name", None) if time is None else time
        return int(self._opened(None if when is None else [when], given=time is not None)[0])

    def _opened(self, times: Any, *, given: bool) -> npt.NDArray[np.int64]:
        """When the bars opened, in nanoseconds."""
        if times is None:
            raise InputError("there are no times; pass those of the rows")
        instants = read_instants(times, "times")
        if len(instants) == 0:
            return np.empty(0, dtype=np.int64)
        if instants.dtype.kind == "f" or (instants.dtype.kind == "i" and not given):
            raise InputError(
                f"times holds {instants.dtype} values such as {instants[0]}, expected datetimes; "
                "numbers are taken as nanoseconds only where they are whole and passed as times"
            )
        nanoseconds = instants.view(np.int64)
        return nanoseconds if self._rule["stamps"] == "open" else nanoseconds - self._base


def _checked_weights(weights: Mapping[str, float] | None, base: str, length: int) -> dict[str, float]:
    if weights is None:
        fitting = {name: weight for name, weight in WEIGHTS.items() if read_length(name, "") % length == 0}
        if not fitting:
            raise ParameterError(f"base is {base}, of which none of {', '.join(WEIGHTS)} is a multiple")
        return fitting
    if not weights:
        raise ParameterError("weights is empty; name at least one timeframe")
    chosen = {}
    for name in sorted(weights, key=lambda name: read_length(name, "timeframe")):
        if read_length(name, "timeframe") % length != 0:
            raise ParameterError(f"timeframe {name} is no whole number of base bars of {base}")
        try:
            weight = float(weights[name])
        except (TypeError, ValueError):
            raise ParameterError(f"the weight of {name} is {weights[name]!r}, expected a number") from None
        if not (math.isfinite(weight) and weight > 0.0):
            raise ParameterError(f"the weight of {name} is {weight}, expected a positive number")
        chosen[name] = weight
    return chosen


def _checked_half_lives(half_lives: Mapping[str, Any] | None, name: str) -> tuple[float, float]:
    pair = (half_lives or {}).get(name) or HALF_LIVES.get(name)
    if pair is None:
        raise ParameterError(f"timeframe {name} has no half-lives of its own; name them in half_lives")
    try:
        volatility, correlation = pair
    except (TypeError, ValueError):
        raise ParameterError(
            f"half_lives[{name!r}] is {pair!r}, expected one for volatility and one for correlation"
        ) from None
    return (
        checked_half_life(volatility, f"the volatility half-life of {name}"),
        checked_half_life(correlation, f"the correlation half-life of {name}"),
    )
