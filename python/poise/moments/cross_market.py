"""Correlation between a market that never closes and one that does."""

from __future__ import annotations

from threading import Lock
from typing import Any, Self

import numpy as np

from poise.domain.labels import BARE, Labels, unwrap_vector
from poise.domain.snapshot import pack, plain_labels, restored_labels, unpack
from poise.errors import EmptyInputError, InputError, ParameterError, ShapeError, StateError
from poise.moments.cross_inputs import read_log_prices, read_market, read_nanoseconds
from poise.moments.cross_reading import MIN_INTERVALS, CrossMarketPair, read_pairs, standard_error, use_weekly
from poise.moments.cross_state import LAGS, MarketsState
from poise.moments.decay import checked_half_life
from poise.moments.instants import read_length
from poise.moments.standardized import with_rows
from poise.typing import ArrayLike, Matrix, Vector

_KIND = "CrossMarketCorrelation"


class CrossMarketCorrelation:
    """Correlation of a 24/7 market with an exchange's, over the same intervals: from close to close.

    Both are sampled when the exchange closes, so that what a coin does at a weekend belongs to Monday and
    over a holiday to the day after. Nothing is filled forward: where one side has no price of its own, the
    pair's interval goes on until both have one. Log returns, moments about zero, exponentially weighted.

    Parameters
    ----------
    half_life : float, default=63
        Intervals between closes after which a weight has halved. Positive.
    weekly_half_life : float, default=52
        Weeks after which a weight in the weekly correlation has halved. Positive.
    bar : str, optional
        Length of the bars of the 24/7 market, such as ``1h`` or ``1d``, where their times are those at which
        they opened, as elsewhere in poise. Left out, the times are those of the prices.
    max_age : str, default="1d"
        How old a price of the 24/7 market may be at the close of the exchange.

    Attributes
    ----------
    correlation_ : ndarray of shape (n_continuous, n_exchange)
        Rows are the 24/7 market, columns the exchange; labelled where the input was. 0 beside an asset that
        never moved, NaN for a pair with fewer than 20 intervals.
    standard_error_ : ndarray of shape (n_continuous, n_exchange)
        Of `correlation_`, ``(1 - correlation ** 2) / sqrt(n_effective)``, as for Gaussian returns of one
        variance: weekends and fat tails make it larger. NaN where `correlation_` is.
    use_weekly_bars_ : ndarray of bool, shape (n_continuous, n_exchange)
        True where one market follows the other: a correlation at lag -1 or 1 is larger than half of that at
        lag 0, and than two standard errors of no correlation. Then `correlation_` misses a part that
        `weekly_correlation_` has.
    weekly_correlation_ : ndarray of shape (n_continuous, n_exchange)
        Of the returns from the last close of a week to that of the next, weeks that have ended; NaN for a
        pair with fewer than 20.
    n_intervals_ : ndarray of shape (n_continuous, n_exchange)
        Returns that each pair shares.
    pairs_ : tuple of CrossMarketPair
        All of this pair by pair, with a verdict in words.

    Raises
    ------
    ParameterError
        If a half-life is not positive, or `bar` or `max_age` no length of time.

    Notes
    -----
    An exchange's bars carry dates more often than times: its closes need the time of day in UTC, which moves
    with daylight saving; :func:`poise.market.session_closes` gives them. Daily bars of a coin end at midnight
    UTC, hours before or after the exchange closes; the lags then show what the intervals do not share. Hourly
    bars are better.

    A week is one of UTC, from Monday. It has ended when the exchange closes in a later one. A pair without a
    common price for more than two weeks starts anew.

    Batch and row by row give one result, bit for bit. A row that is refused leaves the state as it was.
    Copies and pickles are independent.

    References
    ----------
    .. [1] Epps (1979). Comovements in stock prices in the very short run. Journal of the American Statistical
       Association 74 (366).
    .. [2] Lo and MacKinlay (1990). An econometric analysis of nonsynchronous trading. Journal of Econometrics
       45 (1-2).

    Examples
    --------
    >>> hours = np.datetime64("2020-01-06T00", "ns") + np.arange(60 * 24) * np.timedelta64(1, "h")
    >>> log_price = np.cumsum(0.005 * np.random.default_rng(7).normal(size=len(hours)))
    >>> days = (hours.astype("datetime64[D]").astype(int) + 3) % 7
    >>> closing = (np.arange(len(hours)) % 24 == 21) & (days < 5)
    >>> coin, share = 100.0 * np.exp(log_price)[:, None], 50.0 * np.exp(log_price)[closing, None]
    >>> estimator = CrossMarketCorrelation().fit(coin, share, hours, hours[closing])
    >>> estimator.correlation_.round(6).tolist(), estimator.pairs_[0].verdict
    ([[1.0]], 'synchronous')
    """

    def __init__(
        self,
        half_life: float = 63.0,
        weekly_half_life: float = 52.0,
        *,
        bar: str | None = None,
        max_age: str = "1d",
    ) -> None:
        self._rule: dict[str, Any] = {
            "half_life": checked_half_life(half_life),
            "weekly_half_life": checked_half_life(weekly_half_life, "weekly_half_life"),
            "bar": bar,
            "max_age": max_age,
        }
        self._bar = 0 if bar is None else read_length(bar, "bar")
        self._decay = {
            "max_age": read_length(max_age, "max_age"),
            "decay_factor": 0.5 ** (1.0 / self._rule["half_life"]),
            "weekly_decay_factor": 0.5 ** (1.0 / self._rule["weekly_half_life"]),
        }
        self._labels = (BARE, BARE)
        self._state = MarketsState.empty(0, 0)
        self._turn = Lock()

    def __repr__(self) -> str:
        chosen = ", ".join(f"{name}={value!r}" for name, value in self._rule.items())
        return f"{type(self).__name__}({chosen})"

    @property
    def half_life(self) -> float:
        """Intervals between closes after which a weight has halved."""
        value: float = self._rule["half_life"]
        return value

    def fit(
        self,
        continuous: ArrayLike,
        exchange: ArrayLike,
        continuous_times: ArrayLike | None = None,
        exchange_times: ArrayLike | None = None,
    ) -> Self:
        """Forget what was seen and take in both markets.

        Parameters
        ----------
        continuous : array_like of shape (n_bars, n_continuous)
            Closes of the 24/7 market, positive; NaN is missing.
        exchange : array_like of shape (n_closes, n_exchange)
            Closes of the exchange, positive; NaN is missing, and what was filled forward over a weekend must
            be left out.
        continuous_times, exchange_times : array_like of shape (n_bars,) and (n_closes,), optional
            Strictly increasing; datetimes (without a zone they are UTC) or int64 nanoseconds. Left out they
            are the index of a pandas frame, the leading column of times of a polars frame. Those of the
            exchange are the moments of its closes.

        Returns
        -------
        CrossMarketCorrelation
            Itself.

        Raises
        ------
        EmptyInputError
            If a market has no row or no asset.
        InputError
            If there are no times, they do not increase, or a price is not positive; the message names where.
        NonFiniteError
            If a price is infinite or a time missing; the message names where.
        ShapeError
            If a market has not two axes, or its times are of another length.
        """
        quotes, times, quoted_labels = read_market(continuous, continuous_times, "continuous")
        closes, moments, closed_labels = read_market(exchange, exchange_times, "exchange")
        times = times + self._bar
        n_assets = quotes.shape[1]
        numbers = np.where(np.isfinite(quotes), np.arange(len(quotes))[:, np.newaxis], -1)
        latest = np.maximum.accumulate(numbers, axis=0)
        columns = np.arange(n_assets)

        def quoted(state: MarketsState, n_bars: int) -> MarketsState:
            if n_bars == 0:
                return state
            rows = latest[n_bars - 1]
            return state.quoted_at(times[rows], np.where(rows >= 0, quotes[rows, columns], np.nan))

        state = MarketsState.empty(n_assets, closes.shape[1])
        for time, row, n_bars in zip(
            moments.tolist(), closes, np.searchsorted(times, moments, side="right"), strict=True
        ):
            state = self._closed(quoted(state, n_bars), time, row)
        self._state = quoted(state, len(times)).seen_at(int(times[-1]), int(moments[-1]))
        self._labels = (quoted_labels, closed_labels)
        return self

    def partial_fit(
        self, time: Any, *, continuous: ArrayLike | None = None, exchange: ArrayLike | None = None
    ) -> Self:
        """Take in what became known at one moment.

        Parameters
        ----------
        time : datetime, datetime64 or int
            After those before; an int counts nanoseconds since 1970. A close of the exchange may come after
            the prices of the same moment, in a call of its own. With `bar` it must: prices of the 24/7 market
            then carry the time at which their bar opened.
        continuous : array_like of shape (n_continuous,), optional
            Prices of the 24/7 market; NaN is missing. A labelled row is matched by name.
        exchange : array_like of shape (n_exchange,), optional
            Closes of the exchange; NaN is missing.

        Returns
        -------
        CrossMarketCorrelation
            Itself.

        Raises
        ------
        InputError
            If the time is not after those before, nothing is passed, or a price is not positive.
        NonFiniteError
            If a price is infinite or the time missing.
        ShapeError
            If a row has other assets than the rows before.
        """
        if continuous is None and exchange is None:
            raise InputError(
                "neither continuous nor exchange is given; pass the prices of one market or both"
            )
        if self._bar and continuous is not None and exchange is not None:
            raise InputError(
                f"with bar={self._rule['bar']} the time is that of one market; pass them one by one"
            )
        now = int(read_nanoseconds([time], "time")[0]) + (self._bar if continuous is not None else 0)
        with self._turn:
            self._take(now, continuous, exchange)
        return self

    def cross_correlation(self, lag: int) -> Any:
        """Return the correlation of the 24/7 market's returns with the exchange's `lag` intervals before.

        Parameters
        ----------
        lag : {-1, 0, 1}
            1: the exchange leads; -1: the 24/7 market leads; 0 is `correlation_`.

        Returns
        -------
        ndarray of shape (n_continuous, n_exchange)
            NaN for a pair with fewer than 20 intervals.

        Raises
        ------
        ParameterError
            If `lag` is none of the three.
        StateError
            If the exchange has not closed yet.
        """
        if lag not in LAGS:
            raise ParameterError(f"lag is {lag!r}, expected -1, 0 or 1")
        return self._labelled(self._fitted().closes.correlation(lag, at_least=MIN_INTERVALS))

    @property
    def correlation_(self) -> Any:
        """Correlation over the intervals between closes."""
        return self.cross_correlation(0)

    @property
    def standard_error_(self) -> Any:
        """Standard error of `correlation_`."""
        return self._labelled(standard_error(self._fitted().closes))

    @property
    def use_weekly_bars_(self) -> Any:
        """Where one market follows the other, so that weeks say more than days."""
        return self._labelled(use_weekly(self._fitted().closes))

    @property
    def weekly_correlation_(self) -> Any:
        """Correlation over weeks."""
        return self._labelled(self._fitted().weeks.correlation(0, at_least=MIN_INTERVALS))

    @property
    def n_intervals_(self) -> Any:
        """Returns that each pair shares."""
        return self._labelled(self._fitted().closes.count)

    @property
    def pairs_(self) -> tuple[CrossMarketPair, ...]:
        """The figures of every pair, with a verdict in words."""
        state = self._fitted()
        names = [
            tuple(range(n)) if labels.names is None else labels.names
            for n, labels in zip(state.shape, self._labels, strict=True)
        ]
        return read_pairs(state.closes, state.weeks, names[0], names[1])

    def to_bytes(self) -> bytes:
        """Return parameters, labels and moments as bytes.

        Raises
        ------
        InputError
            If a label is neither text nor a whole number (pickle keeps those).
        """
        continuous, exchange = map(plain_labels, self._labels)
        described = {"rule": self._rule, "continuous": continuous, "exchange": exchange}
        return pack(_KIND, described, self._state.to_bytes())

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Return the estimator that :meth:`to_bytes` wrote; it continues bit for bit.

        Raises
        ------
        StateError
            If the bytes are short, damaged, of another estimator or written by a newer version.
        """
        described, state = unpack(_KIND, data)
        estimator = cls(**described["rule"])
        estimator._labels = restored_labels(described["continuous"]), restored_labels(described["exchange"])
        estimator._state = MarketsState.from_bytes(state)
        return estimator

    def __getstate__(self) -> Any:
        return self._rule, self._labels, self._state

    def __setstate__(self, saved: Any) -> None:
        rule, labels, state = saved
        self.__init__(**rule)  # type: ignore[misc]
        self._labels, self._state = labels, state

    def _take(self, now: int, continuous: ArrayLike | None, exchange: ArrayLike | None) -> None:
        self._check_order(now, quoted=continuous is not None, closed=exchange is not None)
        quotes, quoted_labels = self._read_row(continuous, "continuous", 0)
        closes, closed_labels = self._read_row(exchange, "exchange", 1)
        state = self._state.sized(len(quotes), len(closes))
        if continuous is not None:
            state = state.quoted_at(now, quotes)
        if exchange is not None:
            state = self._closed(state, now, closes)
        self._labels = (quoted_labels, closed_labels)
        self._state = state.seen_at(*(None if row is None else now for row in (continuous, exchange)))

    def _closed(self, state: MarketsState, time: int, closes: Vector) -> MarketsState:
        # A row without any close is no session.
        return state.closed_at(time, closes, **self._decay) if np.isfinite(closes).any() else state

    def _check_order(self, now: int, *, quoted: bool, closed: bool) -> None:
        """Refuse what comes too late to have been part of a close, or twice."""
        last_quote, last_close = (int(time) for time in self._state.clock[:2])
        late = (quoted and now <= max(last_quote, last_close)) or (closed and now <= last_close)
        if late or now < last_quote:
            last = np.datetime64(max(last_quote, last_close), "ns")
            raise InputError(f"the prices are of {np.datetime64(now, 'ns')}, expected later than {last}")

    def _read_row(self, row: ArrayLike | None, name: str, market: int) -> tuple[Vector, Labels]:
        known, n_known = self._labels[market], self._state.shape[market]
        if row is None:
            return np.full(n_known, np.nan), known
        values, labels = unwrap_vector(row, name, known)
        if len(values) == 0:
            raise EmptyInputError(f"{name} has no asset; pass at least one")
        if n_known and len(values) != n_known:
            raise ShapeError(f"{name} has shape {values.shape}, expected ({n_known},)")
        return read_log_prices(values, name), Labels(labels.kind, assets=labels.assets)

    def _fitted(self) -> MarketsState:
        if 0 in self._state.shape:
            raise StateError(
                "nothing was fitted yet; call fit, or partial_fit with the prices of both markets"
            )
        return self._state

    def _labelled(self, values: Matrix) -> Any:
        continuous, exchange = self._labels
        kind = continuous.kind if exchange.kind == "numpy" else exchange.kind
        names = range(len(values)) if continuous.names is None else continuous.names
        return with_rows(Labels(kind, assets=exchange.assets), "continuous", names).frame(values)
