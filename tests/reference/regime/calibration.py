"""How often the label turned out right, given how sure the filter was."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from tests.reference.regime.features import log_ratio
from tests.reference.regime.rules import Thresholds, hard_label

SIDE = 30
"""Bars before and after a bar that the ex-post label looks at."""

FIRST_FIT = 500
"""Index observations before the first calibration."""

_REFIT_EVERY = 90
_MAX_PAIRS = 2520
_GROUP = 25


class IsotonicMap:
    """Least-squares non-decreasing fit: pool adjacent violators, linear between the blocks.

    Parameters
    ----------
    x, y : sequence of float
        Not empty, equally long; equal `x` are pooled first.

    References
    ----------
    .. [1] Barlow, Bartholomew, Bremner and Brunk (1972). Statistical Inference under Order Restrictions.
    """

    def __init__(self, x: Sequence[float], y: Sequence[float]) -> None:
        blocks: list[tuple[float, float, float, int]] = []  # first x, last x, sum of y, number
        for at, tied in groupby(sorted(zip(x, y, strict=True)), key=itemgetter(0)):
            values = [value for _, value in tied]
            block = (at, at, math.fsum(values), len(values))
            while blocks and _mean(blocks[-1]) >= _mean(block):
                first, _, total, number = blocks.pop()
                block = (first, block[1], total + block[2], number + block[3])
            blocks.append(block)
        self._x = [edge for block in blocks for edge in block[:2]]
        self._y = [_mean(block) for block in blocks for _ in range(2)]

    def __call__(self, at: float) -> float:
        """Return the fitted value; constant beyond the ends."""
        right = bisect_right(self._x, at)
        if right == 0:
            return self._y[0]
        if right == len(self._x):
            return self._y[-1]
        low, high = self._x[right - 1], self._x[right]
        share = (at - low) / (high - low)
        return self._y[right - 1] + share * (self._y[right] - self._y[right - 1])


def _mean(block: tuple[float, float, float, int]) -> float:
    return block[2] / block[3]


class Call(NamedTuple):
    """What was said at a bar, kept until the bar can be judged."""

    probability: float
    label: int
    normal_volatility: float
    thresholds: Thresholds
    vote: Any = None


class Calibration:
    """Walk-forward map from the filter's probability to the chance that the label is right.

    A label is right when it equals the *ex-post* label: the same rules on the 30 bars before and after
    (root mean square against the normal volatility, t-statistic of the mean, the thresholds of the bar
    itself). It is known 30 bars later and used from then on, so nothing here looks ahead. The map is fitted
    at observation 500 and every 90 after that, on the last 2520 calls, neighbours averaged by 25 so that no
    confidence rests on fewer; before, it is a straight line through (0.25, 0.25) with slope three quarters.
    """

    def __init__(self) -> None:
        self._returns: deque[float] = deque(maxlen=2 * SIDE + 1)
        self._squares: deque[float] = deque(maxlen=2 * SIDE + 1)
        self._calls: deque[Call | None] = deque(maxlen=SIDE + 1)
        self._probabilities: deque[float] = deque(maxlen=_MAX_PAIRS)
        self._hits: deque[float] = deque(maxlen=_MAX_PAIRS)
        self._n_observations = 0
        self._map: IsotonicMap | None = None

    def confidence(self, probability: float) -> float:
        """Return the chance that a label held with this probability is right."""
        if self._map is None:
            return 0.25 + 0.75 * (probability - 0.25)
        return min(1.0, max(0.0, self._map(probability)))

    def warm(self, index_return: float) -> None:
        """Let an observation without a call pass."""
        self._observe(index_return, None)

    @property
    def is_due(self) -> bool:
        """Whether maps and engines are fitted at the last observation."""
        since = self._n_observations - FIRST_FIT
        return since >= 0 and since % _REFIT_EVERY == 0

    def observe(
        self,
        index_return: float,
        *,
        probability: float,
        label: int,
        normal_volatility: float,
        thresholds: Thresholds,
        vote: Any = None,
    ) -> tuple[Call, int] | None:
        """Remember a call; return the one made 30 observations ago, if any, and the label that was right."""
        return self._observe(index_return, Call(probability, label, normal_volatility, thresholds, vote))

    def _observe(self, index_return: float, call: Call | None) -> tuple[Call, int] | None:
        self._returns.append(index_return)
        self._squares.append(index_return * index_return)
        self._calls.append(call)
        self._n_observations += 1
        answer = None
        if len(self._returns) == 2 * SIDE + 1 and (judged := self._calls[0]) is not None:
            right = self._ex_post_label(judged)
            self._probabilities.append(judged.probability)
            self._hits.append(float(judged.label == right))
            answer = judged, right
        if self.is_due:
            self._map = self._fitted()
        return answer

    def _fitted(self) -> IsotonicMap:
        pairs = sorted(zip(self._probabilities, self._hits, strict=True))
        edges = range(0, len(pairs) - _GROUP + 1, _GROUP)
        coarse: list[float] = []
        for edge in edges:
            group = pairs[edge : None if edge == edges[-1] else edge + _GROUP]  # the last takes what is left
            coarse += [math.fsum(p for p, _ in group) / len(group)] * len(group)
        return IsotonicMap(coarse, [hit for _, hit in pairs])

    def _ex_post_label(self, call: Call) -> int:
        squares = math.fsum(self._squares)
        volatility = math.sqrt(squares / len(self._squares))
        trend = math.fsum(self._returns) / math.sqrt(squares) if squares > 0.0 else 0.0
        return hard_label(log_ratio(volatility, call.normal_volatility), trend, call.thresholds)
