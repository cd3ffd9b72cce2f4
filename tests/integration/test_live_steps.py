"""The strategy door one bar at a time: the same decisions as on a whole history."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from poise import EnhancedPortfolioStrategy, Portfolio
from poise.decision import Decision, equal_book
from poise.domain.prices import PricePanel
from poise.domain.strict_json import dumps
from poise.errors import InputError, NonFiniteError, ShapeError, StateError, UnknownSymbolError
from poise.market import Benchmark, MarketData, panel_from
from poise.testing import perturb_future, simulated_market

DAYS = 320


@pytest.fixture(scope="module")
def panel() -> PricePanel:
    return simulated_market(seed=12, n_assets=5, days=DAYS, late_listings=1).panel


def stepped(panel: PricePanel, start: int) -> Decision:
    strategy = EnhancedPortfolioStrategy()
    strategy.warm_up(panel.rows(0, start))
    for row in range(start, panel.n_observations - 1):
        strategy.observe(panel.bar(row))
    return strategy.step(panel.bar(panel.n_observations - 1), equal_book(panel))


def data_of(panel: PricePanel) -> MarketData:
    import pandas as pd

    frame = pd.DataFrame(panel.closes, index=pd.DatetimeIndex(panel.opened, tz="UTC"), columns=panel.symbols)
    return panel_from(None, market_data={"prices": frame})


def plain(value: object) -> object:
    return json.loads(dumps(value))


@pytest.mark.parametrize("start", [2, 60, DAYS - 1])
def test_steps_decide_what_analyze_decides(panel: PricePanel, start: int) -> None:
    data = data_of(panel)
    whole = EnhancedPortfolioStrategy().analyze_data(data, portfolio=equal_book(data.panel))
    decision = stepped(data.panel, start)
    assert decision.as_of == whole.as_of
    assert plain(decision.metrics) == plain(whole.metrics)
    assert plain(decision.risk) == plain(whole.risk)
    assert decision.regime == whole.regime
    assert decision.target.weights == whole.target_weights
    factors = {s: signal.factors for s, signal in decision.signals.items()}
    assert plain(factors) == plain(whole.signals)


def test_analyze_and_steps_can_be_mixed(panel: PricePanel) -> None:
    data = data_of(panel)
    book = equal_book(data.panel)
    strategy = EnhancedPortfolioStrategy()
    strategy.warm_up(data.panel.rows(0, 200))
    for row in range(200, DAYS):
        strategy.observe(data.panel.bar(row))
    mixed = strategy.analyze_data(data, portfolio=book)
    fresh = EnhancedPortfolioStrategy().analyze_data(data, portfolio=book)
    assert mixed.target_weights == fresh.target_weights
    assert plain(mixed.risk) == plain(fresh.risk)


def test_the_measurement_on_demand_is_that_of_the_decision(panel: PricePanel) -> None:
    strategy = EnhancedPortfolioStrategy()
    strategy.warm_up(panel.rows(0, DAYS - 1), equal_book(panel.rows(0, DAYS - 1)))
    decision = strategy.step(panel.bar(DAYS - 1))
    measurement = strategy.measure()
    assert plain(measurement.metrics) == plain(decision.metrics)
    assert plain(measurement.assessment) == plain(decision.risk)
    quick, careful = strategy.metrics().to_dict(), measurement.metrics.to_dict()
    assert quick.keys() == careful.keys()
    table = pd.DataFrame(quick.pop("correlation_matrix"))
    pd.testing.assert_frame_equal(table, pd.DataFrame(careful.pop("correlation_matrix")))
    assert quick.pop("market_regime") == careful.pop("market_regime")
    assert quick == pytest.approx(careful, rel=1e-9, nan_ok=True)


def test_a_later_bar_changes_no_earlier_decision(panel: PricePanel) -> None:
    changed = perturb_future(panel, 249, rng=np.random.default_rng(1))
    one, other = stepped(panel.rows(0, 250), 245), stepped(changed.rows(0, 250), 245)
    assert plain(one.to_dict()) == plain(other.to_dict())


def test_deposits_are_no_performance(panel: PricePanel) -> None:
    strategy = EnhancedPortfolioStrategy()
    strategy.warm_up(panel.rows(0, 300), {"cash": 1_000.0})
    strategy.hold({"cash": 5_000.0})
    decision = strategy.step(panel.bar(300))
    assert decision.metrics.total_value_usd == 5_000.0
    assert decision.risk.account_max_drawdown == 0.0
    strategy.hold(Portfolio(cash=4_500.0), cash_flow=0.0)
    assert strategy.step(panel.bar(301)).risk.account_max_drawdown == pytest.approx(0.1)


def test_without_a_history_it_says_what_to_do(panel: PricePanel) -> None:
    strategy = EnhancedPortfolioStrategy()
    for call in (
        lambda: strategy.step(panel.bar(0)),
        lambda: strategy.observe(panel.bar(0)),
        lambda: strategy.hold({"cash": 1.0}),
        strategy.measure,
        strategy.metrics,
    ):
        with pytest.raises(StateError, match="warm_up"):
            call()


def test_a_bad_bar_is_refused_and_changes_nothing(panel: PricePanel) -> None:
    strategy = EnhancedPortfolioStrategy()
    strategy.warm_up(panel.rows(0, 300), equal_book(panel.rows(0, 300)))
    before = plain(strategy.measure().metrics)
    bar = panel.bar(300)
    with pytest.raises(InputError, match="not later"):
        strategy.step(panel.bar(299))
    with pytest.raises(ShapeError):
        strategy.observe(dataclasses.replace(bar, symbols=bar.symbols[::-1]))
    with pytest.raises(NonFiniteError):
        strategy.observe(dataclasses.replace(bar, closes=-bar.closes))
    assert plain(strategy.measure().metrics) == before
    with pytest.raises(UnknownSymbolError):
        strategy.step(bar, {"positions": {"NOPE": 1.0}})
    assert strategy.measure().metrics.total_value_usd > 0.0


def test_the_embedded_sample_warms_up_too() -> None:
    strategy = EnhancedPortfolioStrategy()
    assert any(w.startswith("embedded_sample: ") for w in strategy.warm_up())
    assert strategy.measure().metrics.total_value_usd == 0.0


def with_benchmark(panel: PricePanel, closes: np.ndarray, name: str = "INDEX") -> MarketData:
    return dataclasses.replace(data_of(panel), benchmark=Benchmark(name, panel.opened, closes))


@pytest.mark.parametrize("known", [True, False])
def test_steps_know_the_benchmark(panel: PricePanel, known: bool) -> None:
    rng = np.random.default_rng(4)
    closes = 100.0 * np.cumprod(1.0 + 0.02 * rng.standard_normal(DAYS))
    closes[250] = np.nan
    if not known:
        closes[280:] = np.nan
    data = with_benchmark(panel, closes)
    book = equal_book(data.panel)
    whole = EnhancedPortfolioStrategy().analyze_data(data, portfolio=book)
    strategy = EnhancedPortfolioStrategy()
    strategy.warm_up(with_benchmark(data.panel.rows(0, 240), closes[:240]))
    for row in range(240, DAYS - 1):
        strategy.observe(data.panel.bar(row), benchmark_close=closes[row] if row < 280 or known else None)
    decision = strategy.step(data.panel.bar(DAYS - 1), book, benchmark_close=closes[-1] if known else None)
    assert plain(decision.metrics) == plain(whole.metrics)
    assert plain(strategy.measure().metrics) == plain(whole.metrics)
    unaware = stepped(data.panel, DAYS - 1)
    assert unaware.metrics.beta_to_market != pytest.approx(decision.metrics.beta_to_market, abs=0.1)


def test_a_benchmark_that_is_traded_needs_no_telling(panel: PricePanel) -> None:
    name = panel.symbols[0]
    data = with_benchmark(panel, panel.closes[:, 0], name)
    book = equal_book(data.panel)
    whole = EnhancedPortfolioStrategy().analyze_data(data, portfolio=book)
    strategy = EnhancedPortfolioStrategy()
    strategy.warm_up(with_benchmark(data.panel.rows(0, 300), panel.closes[:300, 0], name))
    for row in range(300, DAYS - 1):
        strategy.observe(data.panel.bar(row))
    assert plain(strategy.step(data.panel.bar(DAYS - 1), book).metrics) == plain(whole.metrics)


def test_a_bad_benchmark_is_refused_and_changes_nothing(panel: PricePanel) -> None:
    strategy = EnhancedPortfolioStrategy()
    strategy.warm_up(panel.rows(0, 300))
    with pytest.raises(InputError, match="no benchmark"):
        strategy.observe(panel.bar(300), benchmark_close=5.0)
    strategy.warm_up(with_benchmark(panel.rows(0, 300), panel.closes[:300, 0]))
    for bad in (0.0, -1.0, np.inf):
        with pytest.raises(NonFiniteError, match="INDEX"):
            strategy.observe(panel.bar(300), benchmark_close=bad)
    strategy.observe(panel.bar(300), benchmark_close=5.0)


def test_many_ticks_are_put_together(panel: PricePanel) -> None:
    strategy = EnhancedPortfolioStrategy()
    strategy.warm_up(panel.rows(0, 30))
    buffer = np.empty(panel.n_assets)
    for row in range(30, DAYS):
        buffer[:] = panel.closes[row]
        strategy.observe(dataclasses.replace(panel.bar(row), closes=buffer))
    assert len(strategy._feed._recent) < 256
    grown = strategy._feed.panel
    np.testing.assert_array_equal(grown.closes, panel.closes)
    np.testing.assert_array_equal(grown.opened, panel.opened)
    if panel.dollar_volumes is not None:
        np.testing.assert_array_equal(grown.dollar_volumes, panel.dollar_volumes)
