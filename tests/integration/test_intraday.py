"""Intraday bars: days are decided on, four-hour bars validate, and live, backtest and analysis agree."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from poise import EnhancedPortfolioStrategy
from poise.backtest import Backtest
from poise.decision import Decision, DecisionCycle, equal_book, follow
from poise.domain.prices import Bar, PricePanel
from poise.domain.strict_json import dumps
from poise.errors import InputError, NonFiniteError, ShapeError
from poise.market import BarFeed, MarketData, panel_from, to_daily
from poise.strategy import measure_intraday_trend
from poise.testing import perturb_future, simulated_market

DAYS = 90


@pytest.fixture(scope="module")
def hourly() -> PricePanel:
    return simulated_market(seed=31, n_assets=5, days=DAYS, bar_seconds=3600).panel


def data_of(panel: PricePanel) -> MarketData:
    import pandas as pd

    frame = pd.DataFrame(panel.closes, index=pd.DatetimeIndex(panel.opened, tz="UTC"), columns=panel.symbols)
    return panel_from(None, market_data={"prices": frame})


def plain(value: object) -> object:
    return json.loads(dumps(value))


def stepped(panel: PricePanel, start: int) -> Decision:
    """Warm up on the first hours, look at the others one by one, decide at the last."""
    strategy = EnhancedPortfolioStrategy()
    strategy.warm_up(panel.rows(0, start))
    for row in range(start, panel.n_observations - 1):
        strategy.observe(panel.bar(row))
    return strategy.step(panel.bar(panel.n_observations - 1), equal_book(to_daily(panel)))


# The end of a day, an hour into the next one and the middle of a four-hour bar.
@pytest.mark.parametrize("rows", [24 * DAYS, 24 * (DAYS - 1) + 1, 24 * (DAYS - 1) + 6])
@pytest.mark.parametrize("start", [24 * 3 + 5, 24 * (DAYS - 2)])
def test_hours_one_by_one_decide_what_analyze_decides(hourly: PricePanel, rows: int, start: int) -> None:
    data = data_of(hourly.rows(0, rows))
    book = equal_book(to_daily(data.panel))
    whole = EnhancedPortfolioStrategy().analyze_data(data, portfolio=book)
    decision = stepped(data.panel, start)
    assert decision.as_of == whole.as_of == to_daily(data.panel).as_of
    assert plain(dict(decision.signals)) == plain(whole.verdicts)
    assert decision.target.weights == whole.target_weights
    assert decision.regime == whole.regime


def backtested_signals(panel: PricePanel, monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    seen = []
    decide = DecisionCycle.decide

    def noting(cycle: DecisionCycle, **arguments: object) -> Decision:
        decision = decide(cycle, **arguments)
        seen.append(decision.signals.validation)
        return decision

    monkeypatch.setattr(DecisionCycle, "decide", noting)
    Backtest(panel, warm_up=63).run()
    return seen


def test_a_backtest_validates_by_the_four_hour_bars_closed_by_then(
    hourly: PricePanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = backtested_signals(hourly, monkeypatch)
    days = to_daily(hourly)
    assert len(seen) == days.n_observations - 63
    cut = hourly.rows(0, 24 * 81)
    trend = measure_intraday_trend(cut)
    assert trend is not None
    live = follow(to_daily(cut)).decide(intraday_trend=trend)
    without = follow(to_daily(cut)).decide()
    # The live cycle holds nothing, so diversification differs; what validates does not.
    agreed = np.sign(live.signals.score) == np.sign(without.signals.score)
    assert agreed.all()
    assert (live.signals.validation != without.signals.validation).any()
    np.testing.assert_allclose(np.abs(live.signals.validation - without.signals.validation).max(), 0.1)
    by_days = backtested_signals(days, monkeypatch)
    assert any((one != other).any() for one, other in zip(seen, by_days, strict=True))


def test_backtest_and_live_steps_agree(hourly: PricePanel) -> None:
    result = Backtest(hourly, warm_up=63).run()
    strategy = EnhancedPortfolioStrategy()
    strategy.warm_up(hourly.rows(0, 24 * 63), {"cash": 10_000.0})
    for row in range(24 * 63, 24 * 64 - 1):
        strategy.observe(hourly.bar(row))
    first = strategy.step(hourly.bar(24 * 64 - 1))
    rehearsed = result.rebalances[0].proposal
    assert rehearsed.as_of == first.as_of
    assert first.proposals[0].trades == rehearsed.trades
    assert len(result.times) == DAYS - 63


def test_a_backtest_of_hours_does_not_look_ahead(hourly: PricePanel) -> None:
    changed = perturb_future(hourly, 24 * 75 - 1, rng=np.random.default_rng(3))
    one, other = Backtest(hourly, warm_up=63).run(), Backtest(changed, warm_up=63).run()
    np.testing.assert_array_equal(one.equity[:12], other.equity[:12])
    np.testing.assert_array_equal(one.weights[:12], other.weights[:12])
    assert (one.equity[12:] != other.equity[12:]).any()


def test_what_is_held_stays_when_hours_add_up_to_a_day(hourly: PricePanel) -> None:
    strategy = EnhancedPortfolioStrategy()
    strategy.warm_up(hourly.rows(0, 24 * 70), {"cash": 500.0})
    for row in range(24 * 70, 24 * 72):
        strategy.observe(hourly.bar(row))
    assert strategy.measure().metrics.total_value_usd == 500.0


def shifted(bar: Bar, hours: int) -> Bar:
    return dataclasses.replace(bar, closed=bar.opened + np.timedelta64(hours, "h"))


def test_bars_that_do_not_fit_are_refused_and_change_nothing(hourly: PricePanel) -> None:
    feed, bar = BarFeed(hourly.rows(0, 100)), hourly.bar(100)
    for wrong, error, words in (
        (shifted(bar, 4), InputError, "14400 seconds long"),
        (hourly.bar(99), InputError, "not later"),
        (dataclasses.replace(bar, symbols=bar.symbols[::-1]), ShapeError, "symbols"),
        (dataclasses.replace(bar, closes=-bar.closes), NonFiniteError, "drop the bar"),
    ):
        with pytest.raises(error, match=words):
            feed.take(wrong)
    assert feed.panel.n_observations == 100
    feed.take(bar)
    assert feed.panel.n_observations == 101
    np.testing.assert_array_equal(feed.panel.closes, hourly.closes[:101])


def test_an_hour_is_not_taken_for_a_day(hourly: PricePanel) -> None:
    strategy = EnhancedPortfolioStrategy()
    strategy.warm_up(to_daily(hourly.rows(0, 24 * 80 + 1)))
    strategy.observe(hourly.bar(24 * 80))
    with pytest.raises(InputError, match="the history is daily"):
        strategy.observe(hourly.bar(24 * 80 + 1))
