"""A universe judged bar after bar."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from poise.domain.prices import PricePanel
from poise.errors import ShapeError
from poise.testing import simulated_market
from poise.universe import UniverseFollower, judge_universe

DAYS = 900


@pytest.fixture(scope="module")
def panel() -> PricePanel:
    """Three hard cases: listed late, halted for longer than a year and back, gone for good."""
    panel = simulated_market(seed=3, n_assets=6, days=DAYS).panel
    closes = panel.closes.copy()
    closes[:700, 1] = np.nan
    closes[300:860, 2] = np.nan
    closes[350:, 3] = np.nan
    closes[:, 4] = np.nan
    return dataclasses.replace(panel, closes=closes)


@pytest.mark.parametrize("start", [1, 200, 500, 890])
def test_it_gives_the_verdict_on_the_whole_history(panel: PricePanel, start: int) -> None:
    follower = UniverseFollower(panel.rows(0, start))
    judged = {start, start + 1, 320, 720, 859, 861, 870, DAYS}
    for row in range(start, DAYS):
        follower.append(panel.bar(row))
        if row + 1 in judged:
            found, expected = follower.judge(), judge_universe(panel.rows(0, row + 1))
            # As text: NaN is NaN.
            assert str(found.observations) == str(expected.observations)
            assert str(found.quality) == str(expected.quality)
            assert found.assignments.keys() == expected.assignments.keys()
            assert found.tiers == expected.tiers
            assert found.warnings == expected.warnings


def test_a_buffer_may_be_used_again(panel: PricePanel) -> None:
    follower = UniverseFollower(panel.rows(0, 30))
    buffer = np.empty(panel.n_assets)
    for row in range(30, 330):
        buffer[:] = panel.closes[row]
        follower.append(dataclasses.replace(panel.bar(row), closes=buffer))
    assert str(follower.judge().observations) == str(judge_universe(panel.rows(0, 330)).observations)


def test_memory_does_not_grow(panel: PricePanel) -> None:
    follower = UniverseFollower(panel.rows(0, 100))
    for row in range(100, DAYS):
        follower.append(panel.bar(row))
    follower.judge()
    assert follower._end.n_observations == 366
    assert not follower._recent


def test_a_bar_for_other_symbols_is_refused(panel: PricePanel) -> None:
    follower = UniverseFollower(panel.rows(0, 100))
    follower.append(dataclasses.replace(panel.bar(100), symbols=panel.symbols[::-1]))
    with pytest.raises(ShapeError):
        follower.judge()
