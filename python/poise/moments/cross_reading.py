"""What the moments of two markets say, pair by pair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from poise.moments.cross_state import PairMoments
from poise.typing import Matrix

Verdict: TypeAlias = Literal["warming", "synchronous", "use weekly bars"]

MIN_INTERVALS = 20
"""Returns that a pair must share before a correlation is shown."""

FOLLOWING_SHARE = 0.5
"""Lagged over contemporaneous correlation beyond which one market follows the other."""

NOISE = 2.0
"""Standard errors of no correlation that a lagged one must exceed; half of almost nothing is noise."""


@dataclass(frozen=True)
class CrossMarketPair:
    """One asset of either market.

    Attributes
    ----------
    continuous, exchange : label
        The asset that trades round the clock, and the one of the exchange.
    correlation : float
        Over the intervals between closes; NaN below 20.
    standard_error : float
        Of `correlation`.
    exchange_leads, continuous_leads : float
        Correlation with the return of the exchange one interval before, and of the 24/7 market.
    verdict : {"warming", "synchronous", "use weekly bars"}
    weekly_correlation : float
        Over weeks; NaN below 20 of them.
    n_intervals, n_weeks : int
    """

    continuous: Any
    exchange: Any
    correlation: float
    standard_error: float
    exchange_leads: float
    continuous_leads: float
    verdict: Verdict
    weekly_correlation: float
    n_intervals: int
    n_weeks: int

    def to_dict(self) -> dict[str, Any]:
        """Return the pair as plain values."""
        return asdict(self)


def standard_error(moments: PairMoments) -> Matrix:
    """Return ``(1 - correlation ** 2) / sqrt(n_effective)``; NaN where there is no correlation yet."""
    correlation = moments.correlation(0, at_least=MIN_INTERVALS)
    error: Matrix = (1.0 - correlation**2) / np.sqrt(np.maximum(moments.n_effective, 1.0))
    return error


def use_weekly(moments: PairMoments) -> Any:
    """Return for each pair whether one side follows the other; False while that is not known."""
    now, *lagged = (np.abs(moments.correlation(lag, at_least=MIN_INTERVALS)) for lag in (0, 1, -1))
    noise = NOISE / np.sqrt(np.maximum(moments.n_effective, 1.0))
    return np.maximum(*lagged) > np.maximum(FOLLOWING_SHARE * now, noise)


def read_pairs(
    closes: PairMoments, weeks: PairMoments, continuous: Sequence[Any], exchange: Sequence[Any]
) -> tuple[CrossMarketPair, ...]:
    """Return all pairs, row by row."""
    now, leads, follows = (closes.correlation(lag, at_least=MIN_INTERVALS) for lag in (0, 1, -1))
    weekly, error, following = (
        weeks.correlation(0, at_least=MIN_INTERVALS),
        standard_error(closes),
        use_weekly(closes),
    )

    def pair(i: int, j: int) -> CrossMarketPair:
        verdict: Verdict = "use weekly bars" if following[i, j] else "synchronous"
        return CrossMarketPair(
            continuous=continuous[i],
            exchange=exchange[j],
            correlation=float(now[i, j]),
            standard_error=float(error[i, j]),
            exchange_leads=float(leads[i, j]),
            continuous_leads=float(follows[i, j]),
            verdict="warming" if np.isnan(now[i, j]) else verdict,
            weekly_correlation=float(weekly[i, j]),
            n_intervals=int(closes.count[i, j]),
            n_weeks=int(weeks.count[i, j]),
        )

    return tuple(pair(i, j) for i in range(len(continuous)) for j in range(len(exchange)))
