"""Two markets sampled together: what is remembered between two closes of the exchange.

Every value is replaced, never written into, so that a refused row changes nothing and copies share no state.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np

from poise.errors import StateError
from poise.typing import Matrix, Vector

DAY = 86_400 * 10**9
NEVER = np.iinfo(np.int64).min

LAGS = (0, 1, -1)
"""Intervals by which the exchange is ahead, in the order of the sums."""

LONGEST_INTERVAL = 14 * DAY
"""A pair not seen together for longer starts anew: months in one return would outweigh all others."""

_SIZES = struct.Struct("<QQ")


@dataclass(frozen=True, eq=False)
class PairMoments:
    """Exponentially weighted sums over the returns of pairs, each pair on the intervals it shares.

    Attributes
    ----------
    sums : ndarray of shape (3, 3, n_continuous, n_exchange)
        Of the lags 0, 1 and -1, the products, the squares of the one and those of the other.
    weight, squared_weight, count : ndarray of shape (n_continuous, n_exchange)
        Sum of the weights of the intervals, of their squares, and how many there were.
    last : ndarray of shape (2, n_continuous, n_exchange)
        The returns of the interval before; NaN where there is none.
    """

    sums: Any
    weight: Matrix
    squared_weight: Matrix
    count: Matrix
    last: Any

    @classmethod
    def empty(cls, shape: tuple[int, int]) -> Self:
        """Return the moments of nothing."""
        zero = np.zeros(shape)
        return cls(np.zeros((3, 3, *shape)), zero, zero, zero, np.full((2, *shape), np.nan))

    def updated(self, x: Matrix, y: Matrix, decay_factor: float) -> PairMoments:
        """Return the moments after one interval; NaN where a pair has no return in it."""
        seen = np.isfinite(x)
        terms = _products(np.array([x, x, self.last[0]]), np.array([y, self.last[1], y]))
        factor = np.where(seen, decay_factor, 1.0)
        return PairMoments(
            self.sums * factor + terms,
            self.weight * factor + seen,
            self.squared_weight * factor**2 + seen,
            self.count + seen,
            np.where(seen, np.array([x, y]), self.last),
        )

    def restarted(self, pairs: Any) -> PairMoments:
        """Return the moments with nothing before the next interval of the marked pairs."""
        last = np.where(pairs, np.nan, self.last)
        return PairMoments(self.sums, self.weight, self.squared_weight, self.count, last)

    def correlation(self, lag: int, *, at_least: int) -> Matrix:
        """Return the correlation at a lag: 0 where an asset never moved, NaN below `at_least` intervals."""
        products, left, right = self.sums[LAGS.index(lag)]
        scale = np.sqrt(left) * np.sqrt(right)
        correlation = np.divide(products, scale, out=np.zeros_like(scale), where=scale > 0.0)
        return np.where(self.count >= at_least, np.clip(correlation, -1.0, 1.0), np.nan)

    @property
    def n_effective(self) -> Matrix:
        """Intervals that the weights amount to, ``sum(w) ** 2 / sum(w ** 2)``."""
        nothing = np.zeros_like(self.weight)
        return np.divide(self.weight**2, self.squared_weight, out=nothing, where=self.count > 0)


def _products(x: Any, y: Any) -> Any:
    """Return the products, and the squares of either side, where both are known."""
    both = np.isfinite(x) & np.isfinite(y)
    x, y = np.where(both, x, 0.0), np.where(both, y, 0.0)
    return np.stack([x * y, x * x, y * y], axis=1)


@dataclass(frozen=True, eq=False)
class MarketsState:
    """Everything between two events.

    Attributes
    ----------
    quotes, quoted : ndarray of shape (n_continuous,)
        Last log price of the continuous market, and when it was made, in nanoseconds.
    anchors : ndarray of shape (2, n_continuous, n_exchange)
        Log prices of both sides at the last close that a pair shares; NaN before the first.
    anchored : ndarray of shape (n_continuous, n_exchange)
        When that was.
    week_returns : ndarray of shape (2, n_continuous, n_exchange)
        Log returns of this week so far; NaN where there was none.
    clock : ndarray of shape (3,)
        Times of the last row of the continuous market and of the exchange, and the week of the last close.
    """

    quotes: Vector
    quoted: Any
    anchors: Any
    anchored: Any
    week_returns: Any
    clock: Any
    closes: PairMoments
    weeks: PairMoments

    @classmethod
    def empty(cls, n_continuous: int, n_exchange: int) -> Self:
        """Return the state before the first event."""
        shape = (n_continuous, n_exchange)
        nowhere = np.full((2, *shape), np.nan)
        return cls(
            np.full(n_continuous, np.nan),
            np.full(n_continuous, NEVER),
            nowhere,
            np.full(shape, NEVER),
            nowhere,
            np.array([NEVER, NEVER, NEVER]),
            PairMoments.empty(shape),
            PairMoments.empty(shape),
        )

    @property
    def shape(self) -> tuple[int, int]:
        """Assets of either market."""
        n_continuous, n_exchange = self.anchored.shape
        return n_continuous, n_exchange

    def sized(self, n_continuous: int, n_exchange: int) -> MarketsState:
        """Return the state with room for markets of which nothing was seen before."""
        if self.shape == (n_continuous, n_exchange):
            return self
        blank = MarketsState.empty(n_continuous, n_exchange)
        quotes, quoted = (self.quotes, self.quoted) if len(self.quotes) else (blank.quotes, blank.quoted)
        return blank.replaced(quotes=quotes, quoted=quoted, clock=self.clock)

    def quoted_at(self, times: Any, quotes: Vector) -> MarketsState:
        """Return the state after log prices of the continuous market; NaN where there is none."""
        fresh = np.isfinite(quotes)
        return self.replaced(
            quotes=np.where(fresh, quotes, self.quotes), quoted=np.where(fresh, times, self.quoted)
        )

    def closed_at(
        self, time: int, closes: Vector, *, max_age: int, decay_factor: float, weekly_decay_factor: float
    ) -> MarketsState:
        """Return the state after a close of the exchange; log prices, NaN where an asset has none."""
        week = (time // DAY + 3) // 7  # 1 January 1970 was a Thursday; weeks begin on Monday.
        state = self if week == self.clock[2] else self._week_closed(weekly_decay_factor)
        quotes, quoted = self.quotes[:, np.newaxis], self.quoted[:, np.newaxis]
        # A price already used, or too old, would enter as a return of zero or of another interval.
        fresh = (quoted > self.anchored) & (quoted >= time - max_age)
        joint = fresh & np.isfinite(quotes) & np.isfinite(closes)
        prices = np.array([np.broadcast_to(quotes, joint.shape), np.broadcast_to(closes, joint.shape)])
        late = joint & (self.anchored != NEVER) & (self.anchored < time - LONGEST_INTERVAL)
        returns = np.where(joint & ~late, prices - self.anchors, np.nan)
        moved = np.isfinite(returns)
        before = np.where(np.isnan(state.week_returns), 0.0, state.week_returns)
        so_far = np.where(moved, before + returns, state.week_returns)
        return state.replaced(
            anchors=np.where(joint, prices, self.anchors),
            anchored=np.where(joint, time, self.anchored),
            week_returns=so_far,
            clock=np.array([*self.clock[:2], week]),
            closes=state.closes.restarted(late).updated(returns[0], returns[1], decay_factor),
        )

    def _week_closed(self, decay_factor: float) -> MarketsState:
        weeks = self.weeks.updated(self.week_returns[0], self.week_returns[1], decay_factor)
        return self.replaced(weeks=weeks, week_returns=np.full_like(self.week_returns, np.nan))

    def seen_at(self, continuous: int | None, exchange: int | None) -> MarketsState:
        """Return the state with the times of the last rows moved on."""
        times = [
            old if new is None else new for old, new in zip(self.clock, (continuous, exchange), strict=False)
        ]
        return self.replaced(clock=np.array([*times, self.clock[2]]))

    def replaced(self, **changes: Any) -> MarketsState:
        """Return the state with some of its values changed."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return MarketsState(**{**values, **changes})

    def to_bytes(self) -> bytes:
        """Return the state as bytes: both sizes, then every array in the order of the fields."""
        return _SIZES.pack(*self.shape) + b"".join(array.tobytes() for array in _arrays(self))

    @classmethod
    def from_bytes(cls, data: bytes) -> MarketsState:
        """Return the state that :meth:`to_bytes` wrote.

        Raises
        ------
        StateError
            If the bytes are of another length.
        """
        sizes = _SIZES.unpack_from(data)
        blank = cls.empty(*sizes)
        arrays, start = [], _SIZES.size
        for like in _arrays(blank):
            arrays.append(np.frombuffer(data, like.dtype, like.size, start).reshape(like.shape))
            start += like.nbytes
        if start != len(data):
            raise StateError(f"the saved state has {len(data)} bytes, expected {start}; restore another copy")
        own = len(arrays) - 2 * len(fields(PairMoments))
        closes, weeks = np.split(np.arange(own, len(arrays)), 2)
        moments = [PairMoments(*(arrays[i] for i in part)) for part in (closes, weeks)]
        values: dict[str, Any] = dict(
            zip((field.name for field in fields(cls)), [*arrays[:own], *moments], strict=True)
        )
        return cls(**values)


def _arrays(state: MarketsState) -> list[Any]:
    own = [state.quotes, state.quoted, state.anchors, state.anchored, state.week_returns, state.clock]
    moments = [getattr(part, f.name) for part in (state.closes, state.weeks) for f in fields(PairMoments)]
    return own + moments
