"""The specification's calls, run letter for letter, and what the design promises of their answers."""

import dataclasses
import itertools
import json
import math
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from poise import (
    EnhancedAssetConfigManager,
    EnhancedPortfolioMetrics,
    EnhancedPortfolioStrategy,
    Portfolio,
    PortfolioRebalancer,
    Weights,
)
from poise.config.portfolio import PortfolioSettings
from poise.domain.analysis import AllocatedAsset, AssetAllocation, StrategyAnalysis
from poise.domain.orders import ExecutionReport, Fill, Order
from poise.domain.proposals import Proposals, RebalanceProposal, Trigger, Urgency
from poise.domain.regime import RegimeState
from poise.domain.strict_json import dumps
from poise.errors import ConfigError
from poise.execution import PaperBroker
from poise.typing import REGIME_LABELS
from tests.given_api import (
    ASSET_MANAGER,
    CONFIG,
    FOURTEEN,
    REBALANCER,
    SNIPPETS,
    STRATEGY,
    SYMBOLS,
    lopsided,
    market,
    price_history,
    run,
    wide_closes,
)
from tests.tolerances import CLOSED_FORM, SOLVER, SUM

EXAMPLES = Path(__file__).parents[2] / "examples"

AS_OF = datetime(2020, 5, 15, tzinfo=UTC)
"""The close of the market's last bar, labelled 2020-05-14."""


async def analyzed() -> dict[str, Any]:
    return await run(
        STRATEGY,
        EnhancedPortfolioStrategy=EnhancedPortfolioStrategy,
        price_history=price_history(),
        current_portfolio=market().equal_portfolio(10_000.0, cash_fraction=0.10),
        market_context=market().market_data(),
    )


async def allocated() -> AssetAllocation:
    names = await run(ASSET_MANAGER, EnhancedAssetConfigManager=EnhancedAssetConfigManager)
    return names["allocation"]


async def rebalanced(
    portfolio: Portfolio | Mapping[str, Any], correlation_matrix: Any = None
) -> dict[str, Any]:
    held = Portfolio.of(portfolio)
    return await run(
        REBALANCER,
        PortfolioRebalancer=PortfolioRebalancer,
        config=CONFIG,
        portfolio=portfolio,
        market_data=market().market_data(),
        correlation_matrix=correlation_matrix,
        exchange_client=PaperBroker(cash=held.cash, positions=held.positions, prices=market().panel),
    )


def sums_to_one(weights: Mapping[str, float]) -> bool:
    return abs(math.fsum(weights.values()) - 1.0) <= SUM


class TestStrategy:
    async def test_it_answers_with_a_frozen_analysis(self) -> None:
        result = (await analyzed())["result"]
        assert isinstance(result, StrategyAnalysis)
        promised = {"metrics", "regime", "signals", "signal", "target_weights", "recommendation", "warnings"}
        assert promised | {"as_of"} <= {field.name for field in dataclasses.fields(result)}
        with pytest.raises(dataclasses.FrozenInstanceError):
            result.as_of = datetime.now(UTC)
        assert result.as_of == AS_OF
        assert isinstance(result.warnings, tuple)

    async def test_metrics_are_the_fourteen_in_order(self) -> None:
        metrics = (await analyzed())["result"].metrics
        assert isinstance(metrics, EnhancedPortfolioMetrics)
        assert list(metrics.to_dict()) == FOURTEEN
        assert list(dataclasses.asdict(metrics)) == FOURTEEN

    async def test_metrics_agree_with_a_calculation_by_hand(self) -> None:
        metrics = (await analyzed())["result"].metrics
        portfolio = market().equal_portfolio(10_000.0, cash_fraction=0.10)
        closes = wide_closes()
        values = closes.iloc[-1] * pd.Series(dict(portfolio.positions))
        weights = values / (values.sum() + portfolio.cash)
        returns = closes.pct_change().iloc[1:]
        book = (returns * weights).sum(axis=1)
        wealth = np.concatenate([[1.0], (1.0 + book).cumprod()])
        caps = pd.Series(market().market_data()["market_caps"])
        index = (returns * caps / caps.sum()).sum(axis=1)
        by_hand = {
            "total_value_usd": 10_000.0,
            "asset_count": 8,
            "concentration_ratio": float((weights**2).sum() / weights.sum() ** 2),
            "cash_percentage": 10.0,
            "volatility": float(book.std()) * math.sqrt(365.0),
            "sharpe_ratio": float(book.mean() / book.std()) * math.sqrt(365.0),
            "max_drawdown": float((1.0 - wealth / np.maximum.accumulate(wealth)).max()),
            "beta_to_market": float(book.cov(index) / index.var()),
        }
        found = {name: getattr(metrics, name) for name in by_hand}
        assert found == pytest.approx(by_hand, rel=1e3 * CLOSED_FORM)  # 499 returns are summed

    async def test_metrics_keep_their_ranges(self) -> None:
        metrics = (await analyzed())["result"].metrics
        assert 0.0 < metrics.var_95 <= metrics.cvar_95 < 1.0
        assert 0.0 < metrics.risk_score < 1.0
        assert metrics.diversification_ratio >= 1.0
        assert metrics.market_regime in REGIME_LABELS
        correlation = pd.DataFrame(metrics.correlation_matrix)
        assert set(correlation.index) == set(correlation.columns) == set(SYMBOLS)
        square = correlation.loc[list(SYMBOLS), list(SYMBOLS)].to_numpy()
        np.testing.assert_array_equal(square, square.T)
        np.testing.assert_allclose(np.diag(square), 1.0, rtol=0.0, atol=CLOSED_FORM)
        assert float(np.linalg.eigvalsh(square)[0]) > 0.0

    async def test_regime_signals_and_recommendation_fit_together(self) -> None:
        result = (await analyzed())["result"]
        assert isinstance(result.regime, RegimeState)
        assert result.regime.label == result.metrics.market_regime
        assert set(result.regime.probabilities) == set(REGIME_LABELS)
        assert math.fsum(result.regime.probabilities.values()) == pytest.approx(1.0)
        assert 0.0 <= result.regime.confidence <= 1.0
        assert set(result.signals) == set(SYMBOLS)
        named = {"momentum", "mean_reversion", "quality", "diversification", "combined"}
        assert all(set(factors) == named for factors in result.signals.values())
        assert result.signal.symbol == "BTC/USDT"
        assert dict(result.signal.factors) == result.signals["BTC/USDT"]
        advice = result.recommendation
        assert advice.symbol == result.symbol == "BTC/USDT"
        assert advice.current_weight == pytest.approx(0.9 / 8)
        assert advice.target_weight == result.target_weights["BTC/USDT"]
        assert advice.side in ("buy", "sell", "hold")
        assert (advice.size_usd > 0.0) == (advice.side != "hold")
        assert advice.reasons
        assert all(advice.reasons)

    async def test_target_weights_sum_to_one_under_the_cap(self) -> None:
        weights = (await analyzed())["result"].target_weights
        assert isinstance(weights, Weights)
        assert sums_to_one(weights)
        assert all(0.0 <= weight <= 0.15 for weight in weights.risky.values())
        assert weights.exposure > 0.0

    async def test_it_becomes_strict_json(self) -> None:
        result = (await analyzed())["result"]
        assert set(result.to_dict()) == {field.name for field in dataclasses.fields(result)}
        document = json.loads(dumps(result))
        assert list(document["metrics"]) == FOURTEEN
        assert document["as_of"] == AS_OF.isoformat()

    async def test_the_synchronous_twin_agrees(self) -> None:
        names = await analyzed()
        request = {
            "symbol": "BTC/USDT",
            "price_data": names["price_history"],
            "portfolio": names["current_portfolio"],
            "market_data": names["market_context"],
        }
        assert EnhancedPortfolioStrategy(CONFIG).analyze_now(request) == names["result"]


class TestAssetManager:
    async def test_it_answers_with_an_allocation(self) -> None:
        allocation = await allocated()
        assert isinstance(allocation, AssetAllocation)
        assert allocation.available_capital == 10_000.0
        assert allocation.market_regime == "bull"
        assert allocation.assets
        assert all(isinstance(asset, AllocatedAsset) for asset in allocation.assets)

    async def test_it_says_that_it_rests_on_the_embedded_sample(self) -> None:
        allocation = await allocated()
        assert "embedded sample" in allocation.source
        assert any(warning.startswith("embedded_sample: ") for warning in allocation.warnings)
        assert any(warning.startswith("declared: ") for warning in allocation.warnings)
        assert allocation.as_of < datetime(2022, 1, 1, tzinfo=UTC)

    async def test_capital_is_spread_and_nothing_is_lost(self) -> None:
        allocation = await allocated()
        assert sums_to_one(allocation.weights)
        assert allocation.weights.cash == pytest.approx(allocation.cash_weight)
        spread = math.fsum(asset.capital_usd for asset in allocation.assets)
        assert spread + allocation.cash_usd == pytest.approx(10_000.0)
        for asset in allocation.assets:
            assert asset.capital_usd == pytest.approx(asset.weight * 10_000.0)
            assert asset.weight <= 0.35  # the default cap
        sizes = [asset.weight for asset in allocation.assets]
        assert sizes == sorted(sizes, reverse=True)

    async def test_discovery_admits_what_a_tier_admits_and_every_line_has_its_reason(self) -> None:
        for asset in (await allocated()).assets:
            assert asset.tier in (1, 2, 3)
            assert asset.sector
            assert asset.reason

    async def test_bad_times_get_less_than_good_ones(self) -> None:
        manager = EnhancedAssetConfigManager(enable_dynamic_discovery=True)
        await manager.initialize()
        invested = {
            label: 1.0 - (await manager.get_optimal_asset_allocation(10_000, label)).cash_weight
            for label in REGIME_LABELS
        }
        assert invested["bull"] > invested["bear"]
        assert invested["bull"] > invested["high_volatility"]

    async def test_it_becomes_strict_json(self) -> None:
        document = json.loads(dumps(await allocated()))
        assert document["assets"][0]["capital_usd"] > 0.0


class TestRebalancer:
    async def test_proposals_are_a_list_most_urgent_first(self) -> None:
        proposals = (await rebalanced(lopsided()))["proposals"]
        assert isinstance(proposals, list)
        assert isinstance(proposals, Proposals)
        assert proposals
        assert proposals.no_trade_because is None
        assert [reading.trigger for reading in proposals.readings] == list(Trigger)
        ranks = [proposal.urgency.rank for proposal in proposals]
        assert ranks == sorted(ranks, reverse=True)

    async def test_a_proposal_tells_what_why_and_for_how_much(self) -> None:
        proposals = (await rebalanced(lopsided()))["proposals"]
        for proposal in proposals:
            assert isinstance(proposal, RebalanceProposal)
            assert proposal.trigger in Trigger
            assert proposal.urgency in Urgency
            assert proposal.strategy
            assert proposal.id
            assert proposal.reasons
            assert proposal.as_of == AS_OF
            assert proposal.net_benefit == proposal.expected_benefit - proposal.expected_cost
            legs = math.fsum(trade.expected_cost_usd for trade in proposal.trades)
            assert proposal.expected_cost == pytest.approx(legs)
            sides = [trade.side for trade in proposal.trades]
            assert sides == sorted(sides, reverse=True), "sells come first"
            assert sums_to_one(proposal.target_weights)
            assert all(0.0 <= w <= 0.15 for w in proposal.target_weights.risky.values())
        assert len({proposal.id for proposal in proposals}) == len(proposals)

    async def test_the_report_accounts_for_every_order_and_dollar(self) -> None:
        names = await rebalanced(lopsided())
        report, broker, proposal = names["result"], names["exchange_client"], names["proposals"][0]
        assert isinstance(report, ExecutionReport)
        promised = {"orders", "fills", "fees", "slippage", "remaining", "final_weights"}
        assert promised <= {field.name for field in dataclasses.fields(report)}
        assert report.proposal_id == proposal.id
        assert all(isinstance(order, Order) for order in report.orders)
        assert all(isinstance(fill, Fill) for fill in report.fills)
        assert [order.symbol for order in report.orders] == [trade.symbol for trade in proposal.trades]
        assert report.fees == pytest.approx(float(sum(fill.fee for fill in report.fills)))
        prices = market().panel.last_prices()
        after = broker.portfolio_now()
        lost = lopsided().total_value(prices) - after.total_value(prices)
        assert report.fees > 0.0
        assert lost == pytest.approx(report.fees + report.slippage, abs=1e-6)
        assert sums_to_one(report.final_weights)
        assert report.final_weights == pytest.approx(dict(after.weights(prices)))
        for trade in proposal.trades:
            bought = after.positions.get(trade.symbol, 0.0) - lopsided().positions.get(trade.symbol, 0.0)
            wanted = trade.quantity if trade.side == "buy" else -trade.quantity
            assert bought + report.remaining.get(trade.symbol, 0.0) == pytest.approx(wanted)
        assert json.loads(dumps(report))["mode"] == "paper"

    async def test_trading_brings_the_book_nearer_to_its_target(self) -> None:
        names = await rebalanced(lopsided())
        target = names["proposals"][0].target_weights
        before = lopsided().weights(market().panel.last_prices())
        assert names["result"].final_weights.turnover_to(target) < before.turnover_to(target)

    async def test_a_book_on_its_target_is_left_alone_and_told_why(self) -> None:
        last = market().panel.last_prices()
        target = (await rebalanced(lopsided()))["proposals"][0].target_weights
        on_target = Portfolio(
            cash=10_000.0 * target.cash,
            positions={symbol: 10_000.0 * weight / last[symbol] for symbol, weight in target.risky.items()},
        )
        names = await rebalanced(on_target)
        assert names["proposals"] == []
        assert isinstance(names["proposals"].no_trade_because, str)
        assert names["proposals"].no_trade_because
        assert "result" not in names, "the snippet executes nothing then"

    async def test_same_input_same_proposals(self) -> None:
        first, second = [(await rebalanced(lopsided()))["proposals"] for _ in range(2)]
        assert first == second

    async def test_the_portfolio_may_be_a_mapping(self) -> None:
        book = lopsided()
        as_mapping = {"cash": book.cash, "positions": dict(book.positions)}
        assert (await rebalanced(as_mapping))["proposals"] == (await rebalanced(book))["proposals"]

    async def test_a_correlation_matrix_may_be_a_frame_nested_mappings_or_an_array(self) -> None:
        frame = wide_closes(90).pct_change().iloc[1:].corr()
        shuffled = frame.loc[list(reversed(SYMBOLS)), list(reversed(SYMBOLS))]
        in_order = frame.loc[sorted(SYMBOLS), sorted(SYMBOLS)].to_numpy()  # of long bars: alphabetical
        forms = [frame, shuffled, frame.to_dict(), in_order]
        answers = [await rebalanced(lopsided(), form) for form in forms]
        for answer in answers:
            used = answer["rebalancer"].last_decision.metrics.correlation_matrix
            np.testing.assert_allclose(
                pd.DataFrame(used).loc[list(SYMBOLS), list(SYMBOLS)], frame, rtol=0.0, atol=CLOSED_FORM
            )
        for one, other in itertools.pairwise(answers):
            assert one["proposals"] == other["proposals"]
        assert answers[0]["proposals"] != (await rebalanced(lopsided()))["proposals"], "it is used"

    async def test_an_array_follows_the_columns_of_wide_prices(self) -> None:
        frame = wide_closes(90).pct_change().iloc[1:].corr()
        door = PortfolioRebalancer(CONFIG)
        prices = {"prices": wide_closes()}
        by_place = await door.evaluate_rebalancing_need(lopsided(), prices, frame.to_numpy())
        by_name = await PortfolioRebalancer(CONFIG).evaluate_rebalancing_need(lopsided(), prices, frame)
        assert by_place == by_name


class TestForms:
    """The same prices in another form give the same answer."""

    @pytest.mark.parametrize("form", ["index", "column", "candles", "wide", "long"])
    async def test_price_data(self, form: str) -> None:
        ohlcv = price_history()
        price_data = {
            "index": ohlcv,
            "column": ohlcv.reset_index(),
            "candles": market().ohlcv("BTC/USDT"),
            "wide": wide_closes(),
            "long": pd.DataFrame(market().market_data()["bars"]),
        }[form]
        request = {
            "symbol": "BTC/USDT",
            "portfolio": market().equal_portfolio(),
            "market_data": market().market_data(),
        }
        known = request
        if form == "wide":
            # Closes bring no volumes: liquidity and quality, which signals count, are unknown then.
            context = {k: v for k, v in market().market_data().items() if k not in {"bars", "volumes"}}
            known = {**request, "market_data": {**context, "prices": wide_closes()}}
        expected = await EnhancedPortfolioStrategy(CONFIG).analyze(known)
        result = await EnhancedPortfolioStrategy(CONFIG).analyze({**request, "price_data": price_data})
        # The columns may stand in another order, so a solver may end elsewhere within its tolerance.
        assert dict(result.target_weights) == pytest.approx(dict(expected.target_weights), abs=SOLVER)
        assert result.metrics.var_95 == pytest.approx(expected.metrics.var_95, rel=CLOSED_FORM)
        assert result.as_of == expected.as_of

    async def test_prices_alone_leave_out_what_they_do_not_know(self) -> None:
        result = await EnhancedPortfolioStrategy(CONFIG).analyze({"price_data": wide_closes()})
        words = {warning.split(":")[0] for warning in result.warnings}
        assert {"liquidity_unknown", "untiered", "default_portfolio"} <= words
        assert result.symbol is result.signal is result.recommendation is None
        assert sums_to_one(result.target_weights)

    async def test_without_anything_the_embedded_sample_answers_and_says_so(self) -> None:
        result = await EnhancedPortfolioStrategy().analyze({})
        assert "embedded sample" in result.source
        assert any(warning.startswith("embedded_sample: ") for warning in result.warnings)
        assert result.metrics.total_value_usd == pytest.approx(10_000.0)

    async def test_a_growing_history_gives_what_a_fresh_door_would_measure(self) -> None:
        door = EnhancedPortfolioStrategy(CONFIG)
        for days in (480, 490, 500):
            grown = await door.analyze({"price_data": wide_closes().head(days)})
        fresh = await EnhancedPortfolioStrategy(CONFIG).analyze({"price_data": wide_closes()})
        assert grown.regime == fresh.regime
        assert dumps(grown.signals) == dumps(fresh.signals)  # NaN is null here, and null is null
        assert grown.metrics == fresh.metrics
        assert grown.as_of == fresh.as_of


def door_settings(config: Any) -> list[PortfolioSettings]:
    """What each of the three doors makes of `config`."""
    return [
        EnhancedPortfolioStrategy(config).settings,
        EnhancedAssetConfigManager(config=config).settings,
        PortfolioRebalancer(config).settings,
    ]


class TestVocabulary:
    def test_every_key_is_known_to_every_door(self) -> None:
        everything = PortfolioSettings().model_dump()
        assert set(CONFIG) <= set(everything)
        assert door_settings(everything) == [PortfolioSettings()] * 3

    def test_a_settings_object_is_as_good_as_a_mapping(self) -> None:
        settings = PortfolioSettings(**CONFIG)
        assert door_settings(settings) == door_settings(CONFIG) == [settings] * 3

    @pytest.mark.parametrize(
        "make",
        [EnhancedPortfolioStrategy, lambda c: EnhancedAssetConfigManager(config=c), PortfolioRebalancer],
        ids=["strategy", "asset manager", "rebalancer"],
    )
    def test_another_key_is_refused_with_the_nearest_and_all_violations_at_once(self, make: Any) -> None:
        with pytest.raises(ConfigError, match="did you mean 'max_position_size'") as caught:
            make({"max_positon_size": 0.15, "momentum_weight": 7.0})
        assert len(caught.value.violations) == 2
        assert isinstance(caught.value, ValueError)

    def test_the_window_is_an_effective_one(self) -> None:
        assert PortfolioSettings(correlation_window=30).correlation_half_life == pytest.approx(10.4, abs=0.01)
        assert PortfolioSettings().correlation_half_life == 63.0

    @pytest.mark.parametrize(
        "other", [{"correlation_window": 120}, {"use_risk_parity": False}, {"momentum_weight": 1.0}]
    )
    async def test_each_key_of_the_specification_has_an_effect(self, other: dict[str, Any]) -> None:
        async def answer(config: dict[str, Any]) -> tuple[Any, ...]:
            door = EnhancedPortfolioStrategy(config)
            seen = await door.analyze({"price_data": wide_closes()})
            manager = EnhancedAssetConfigManager(config=config)
            await manager.initialize()
            bull = await manager.get_optimal_asset_allocation(10_000, "bull")
            return seen.signals, seen.metrics.correlation_matrix, bull.weights

        assert await answer({**CONFIG, **other}) != await answer(CONFIG)


@pytest.mark.parametrize("name", [*SNIPPETS, "notebook"])
def test_the_example_runs(name: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", EXAMPLES / f"{name}.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


@pytest.mark.parametrize("name", list(SNIPPETS))
def test_the_example_holds_the_snippet_unchanged(name: str) -> None:
    assert textwrap.indent(SNIPPETS[name], "    ") in (EXAMPLES / f"{name}.py").read_text(encoding="utf-8")
