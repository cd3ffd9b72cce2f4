"""The regimes along a history."""

from __future__ import annotations

import numpy as np
import pytest

from poise.decision import equal_book, follow, regime_path
from poise.domain.prices import PricePanel
from poise.testing import perturb_future, simulated_market


@pytest.fixture(scope="module")
def panel() -> PricePanel:
    return simulated_market(seed=9, n_assets=4, days=160, late_listings=1).panel


def test_each_state_is_what_the_cycle_saw_at_that_bar(panel: PricePanel) -> None:
    path = regime_path(panel)
    for rows in (60, 120, 160):
        cycle = follow(panel.rows(0, rows))
        cycle.hold(equal_book(panel.rows(0, rows)))
        seen = path.states[len(path.states) - (panel.n_observations - rows) - 1]
        assert cycle.decide().regime == seen


def test_times_and_index_belong_to_the_states(panel: PricePanel) -> None:
    path = regime_path(panel)
    assert len(path.times) == len(path.index) == len(path.states) > 100
    np.testing.assert_array_equal(path.times, panel.closed[-len(path.states) :])
    returns = panel.to_returns()
    assert path.index[-1] / path.index[-2] - 1.0 == pytest.approx(np.nanmean(returns[-1]))


def test_a_warming_history_has_none_and_the_future_changes_nothing(panel: PricePanel) -> None:
    assert regime_path(panel.rows(0, 5)).states == ()
    assert len(regime_path(panel.rows(0, 5)).times) == 0
    changed = perturb_future(panel, 119, rng=np.random.default_rng(0))
    one, other = regime_path(panel), regime_path(changed)
    assert one.states[:-40] == other.states[:-40]
    assert one.states != other.states
