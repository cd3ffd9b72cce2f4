"""A universe judged bar after bar, from the rows that matter."""

from __future__ import annotations

import numpy as np

from poise.domain.assets import AssetTable
from poise.domain.prices import Bar, PricePanel
from poise.universe.judgement import UniverseJudgement, judge_universe
from poise.universe.observations import OBSERVED_BARS, first_closes

_MOST_RECENT = 256
"""Bars kept one by one before they are put together."""


class UniverseFollower:
    """Gives after every bar the verdict of :func:`poise.universe.judge_universe` on the whole history.

    Only the end of the history is kept, and when each asset began: time and memory of a verdict do not grow.

    Parameters
    ----------
    panel : PricePanel
        Daily bars so far.

    Examples
    --------
    >>> from poise.testing import simulated_market
    >>> from poise.universe import UniverseFollower, judge_universe
    >>> panel = simulated_market(seed=1, n_assets=3, days=500).panel
    >>> follower = UniverseFollower(panel.rows(0, 400))
    >>> for row in range(400, 500):
    ...     follower.append(panel.bar(row))
    >>> follower.judge().tiers == judge_universe(panel).tiers
    True
    """

    def __init__(self, panel: PricePanel) -> None:
        self._listed = first_closes(panel)
        self._end = _end_of(panel)
        self._recent: list[Bar] = []

    @property
    def assets(self) -> AssetTable:
        """What is declared of the assets."""
        return self._end.assets

    def append(self, bar: Bar) -> None:
        """Take in the next bar, for the same symbols and later than the last one."""
        self._recent.append(bar.copied())
        if len(self._recent) >= _MOST_RECENT:
            self._put_together()

    def judge(self) -> UniverseJudgement:
        """Judge the universe at the last bar.

        Raises
        ------
        ShapeError
            If a bar was for other symbols.
        InputError
            If the bars did not move forward in time.
        """
        self._put_together()
        return judge_universe(self._end, listed=self._listed)

    def _put_together(self) -> None:
        grown = self._end.extended(self._recent)
        self._listed = np.where(np.isnat(self._listed), first_closes(grown), self._listed)
        self._end, self._recent = _end_of(grown), []


def _end_of(panel: PricePanel) -> PricePanel:
    return panel.rows(max(0, panel.n_observations - OBSERVED_BARS))
