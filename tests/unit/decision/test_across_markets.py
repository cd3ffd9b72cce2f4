"""Coins beside an exchange's assets, from a panel of days."""

from __future__ import annotations

import math

import numpy as np
import pytest

from poise.decision import across_markets
from poise.domain.prices import PricePanel

DAYS = 420
OPENED = np.datetime64("2019-01-07", "ns") + np.arange(DAYS) * np.timedelta64(1, "D")
WEEKEND = np.arange(DAYS) % 7 >= 5


def mixed(seed: int = 0, *, share: float = 0.8) -> PricePanel:
    """Two coins and one share; the share moves every day with the first coin and is quoted on weekdays."""
    shocks = np.random.default_rng(seed).normal(0.0, 0.02, (DAYS, 3))
    shocks[:, 2] = share * shocks[:, 0] + math.sqrt(1.0 - share**2) * shocks[:, 2]
    closes = 100.0 * np.exp(np.cumsum(shocks, axis=0))
    closes[WEEKEND, 2] = np.nan
    return PricePanel(OPENED, ("BTC", "ETH", "SPY"), closes, 86_400.0, 365.0)


def test_the_pairs_across_are_named_and_a_weekend_belongs_to_monday() -> None:
    pairs = across_markets(mixed())
    assert [(p.continuous, p.exchange) for p in pairs] == [("BTC", "SPY"), ("ETH", "SPY")]
    assert pairs[0].correlation == pytest.approx(0.8, abs=0.1)
    assert abs(pairs[1].correlation) < 3.0 * pairs[1].standard_error
    assert [p.verdict for p in pairs] == ["synchronous", "synchronous"]
    # Sixty weeks of five closes, the first of which has none before it.
    assert pairs[0].n_intervals == 299


@pytest.mark.parametrize("columns", [("BTC", "ETH"), ("SPY",)])
def test_one_market_has_no_pair_across(columns: tuple[str, ...]) -> None:
    assert across_markets(mixed().select(columns)) == ()


def test_hours_are_not_days() -> None:
    panel = mixed()
    assert across_markets(PricePanel(panel.opened, panel.symbols, panel.closes, 3_600.0, 8_760.0)) == ()


def test_a_short_history_is_warming() -> None:
    pairs = across_markets(mixed().rows(0, 14))
    assert {p.verdict for p in pairs} == {"warming"}
    assert all(math.isnan(p.correlation) for p in pairs)
