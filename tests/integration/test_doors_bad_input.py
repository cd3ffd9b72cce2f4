"""What a user can get wrong at the doors: each mistake has its error, and poor data still gets an answer."""

import asyncio
import math
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest

from poise import EnhancedAssetConfigManager, EnhancedPortfolioStrategy, Portfolio, PortfolioRebalancer
from poise.domain.proposals import RebalanceProposal
from poise.domain.strict_json import dumps
from poise.errors import (
    BrokerError,
    ConfigError,
    DataError,
    InputError,
    NonFiniteError,
    NotPositiveSemidefiniteError,
    ParameterError,
    ProposalExpiredError,
    ShapeError,
    StateError,
    UnknownSymbolError,
)
from poise.execution import PaperBroker
from tests.execution_makers import FixedClock
from tests.given_api import CONFIG, SYMBOLS, lopsided, market, price_history, wide_closes
from tests.tolerances import SUM


async def analyze(**request: Any) -> Any:
    return await EnhancedPortfolioStrategy(CONFIG).analyze(request)


async def evaluate(*arguments: Any) -> Any:
    return await PortfolioRebalancer(CONFIG).evaluate_rebalancing_need(*arguments)


def words(warnings: tuple[str, ...]) -> set[str]:
    """The stable words that warnings begin with."""
    return {warning.split(":")[0] for warning in warnings}


class TestRequest:
    async def test_an_unknown_key_is_refused_with_the_nearest(self) -> None:
        with pytest.raises(InputError, match="'pricedata'; did you mean 'price_data'"):
            await analyze(pricedata=price_history())

    async def test_a_request_that_is_no_mapping_is_refused(self) -> None:
        with pytest.raises(InputError, match="request is a str"):
            await EnhancedPortfolioStrategy().analyze("BTC/USDT")  # type: ignore[arg-type]

    @pytest.mark.parametrize("symbol", [7, ["BTC/USDT"]])
    async def test_a_symbol_that_is_no_word_is_refused(self, symbol: Any) -> None:
        with pytest.raises(InputError, match="symbol"):
            await analyze(symbol=symbol, market_data={"prices": wide_closes()})

    async def test_an_unknown_key_of_market_data_is_refused_with_the_nearest(self) -> None:
        with pytest.raises(InputError, match="'sector'; did you mean 'sectors'"):
            await analyze(market_data={"prices": wide_closes(), "sector": {}})

    async def test_a_symbol_without_prices_is_named_with_the_nearest(self) -> None:
        with pytest.raises(UnknownSymbolError, match="BTC/USD is not in the prices; did you mean 'BTC/USDT'"):
            await analyze(symbol="BTC/USD", market_data={"prices": wide_closes()})

    async def test_a_symbol_outside_the_embedded_sample_asks_for_prices(self) -> None:
        with pytest.raises(UnknownSymbolError, match=r"not in the embedded sample.*price_data"):
            await analyze(symbol="BTC/USDT")

    async def test_a_view_that_cannot_be_read_is_refused(self) -> None:
        with pytest.raises(ParameterError, match="did you mean 'BTC/USDT'"):
            await analyze(market_data={"prices": wide_closes(), "views": ["BTC/USD = 5%"]})
        with pytest.raises(InputError, match="view of BTC/USDT is 'high'"):
            await analyze(market_data={"prices": wide_closes(), "views": {"BTC/USDT": "high"}})
        with pytest.raises(InputError, match="views are a float"):
            await analyze(market_data={"prices": wide_closes(), "views": 0.05})

    async def test_market_data_may_be_prices_alone(self) -> None:
        alone = await analyze(market_data=wide_closes(), portfolio=lopsided())
        named = await analyze(market_data={"prices": wide_closes()}, portfolio=lopsided())
        assert alone.target_weights == named.target_weights
        assert await evaluate(lopsided(), wide_closes()) == await evaluate(
            lopsided(), {"prices": wide_closes()}
        )


class TestPortfolio:
    BOOK: ClassVar = {"cash": 100.0, "positions": {"DOGE/USDT": 5.0}}

    async def test_a_held_symbol_without_prices_is_named(self) -> None:
        with pytest.raises(UnknownSymbolError, match="DOGE/USDT"):
            await analyze(portfolio=self.BOOK, market_data={"prices": wide_closes()})
        with pytest.raises(UnknownSymbolError, match="DOGE/USDT"):
            await evaluate(self.BOOK, {"prices": wide_closes()})

    async def test_a_held_symbol_whose_prices_are_all_missing_is_named(self) -> None:
        blank = wide_closes().assign(**{"DOGE/USDT": np.nan})
        with pytest.raises(UnknownSymbolError, match="DOGE/USDT"):
            await analyze(portfolio=self.BOOK, market_data={"prices": blank})

    @pytest.mark.parametrize(
        ("book", "error"),
        [
            ({"cash": math.nan}, NonFiniteError),
            ({"cash": 1.0, "positions": {"BTC/USDT": math.inf}}, NonFiniteError),
            ({"cash": "plenty"}, InputError),
            ({"position": {"BTC/USDT": 1.0}}, InputError),
            ({"positions": ["BTC/USDT"]}, InputError),
            ([1, 2], InputError),
        ],
    )
    async def test_what_is_no_portfolio_is_refused(self, book: Any, error: type[Exception]) -> None:
        with pytest.raises(error):
            await analyze(portfolio=book, market_data={"prices": wide_closes()})
        with pytest.raises(error):
            await evaluate(book, {"prices": wide_closes()})

    async def test_a_mistake_leaves_the_door_usable(self) -> None:
        door = PortfolioRebalancer(CONFIG)
        with pytest.raises(UnknownSymbolError):
            await door.evaluate_rebalancing_need(self.BOOK, {"prices": wide_closes()})
        after = await door.evaluate_rebalancing_need(lopsided(), {"prices": wide_closes()})
        assert after == await evaluate(lopsided(), {"prices": wide_closes()})

    async def test_an_empty_book_has_metrics_of_cash(self) -> None:
        result = await analyze(portfolio={"cash": 500.0}, market_data={"prices": wide_closes()})
        metrics = result.metrics
        assert (metrics.total_value_usd, metrics.asset_count, metrics.cash_percentage) == (500.0, 0, 100.0)
        assert (metrics.concentration_ratio, metrics.diversification_ratio) == (0.0, 1.0)
        assert (metrics.var_95, metrics.cvar_95, metrics.risk_score, metrics.max_drawdown) == (0, 0, 0, 0)
        assert math.isnan(metrics.sharpe_ratio), "no volatility, no Sharpe ratio"

    async def test_a_book_worth_nothing_gets_an_answer(self) -> None:
        result = await analyze(portfolio={"cash": 0.0}, market_data={"prices": wide_closes()})
        assert result.metrics.total_value_usd == 0.0
        proposals = await evaluate({"cash": 0.0}, {"prices": wide_closes()})
        assert proposals == []
        assert proposals.no_trade_because


class TestPrices:
    @pytest.mark.parametrize("frame", [pd.DataFrame(), wide_closes().head(0), price_history().head(0)])
    async def test_an_empty_frame_is_refused(self, frame: pd.DataFrame) -> None:
        with pytest.raises(DataError):
            await analyze(symbol="BTC/USDT", price_data=frame)
        with pytest.raises(DataError):
            await evaluate({"cash": 1_000.0}, {"prices": frame})

    async def test_one_bar_is_refused(self) -> None:
        with pytest.raises(DataError, match="two bars"):
            await analyze(price_data=wide_closes(1))

    @pytest.mark.parametrize("bad", [0.0, -1.0, math.inf, "n/a"])
    async def test_a_close_that_is_no_price_is_named_by_symbol_and_row(self, bad: Any) -> None:
        frame = wide_closes(50).astype(object)
        frame.iloc[20, 3] = bad
        with pytest.raises(DataError, match="XRP/USDT"):
            await analyze(price_data=frame)

    async def test_two_bars_are_an_answer_with_warnings(self) -> None:
        result = await analyze(symbol="BTC/USDT", price_data=wide_closes(2))
        assert {"short_history", "warming"} <= words(result.warnings)
        assert abs(math.fsum(result.target_weights.values()) - 1.0) <= SUM
        assert all(weight <= 0.15 for weight in result.target_weights.risky.values())
        assert math.isnan(result.metrics.var_95)
        assert '"var_95": null' in dumps(result)

    async def test_one_asset_is_an_answer_with_warnings(self) -> None:
        result = await analyze(symbol="BTC/USDT", price_data=price_history()[["close"]])
        assert set(result.signals) == {"BTC/USDT"}
        assert result.target_weights["BTC/USDT"] <= 0.15
        assert result.metrics.diversification_ratio == 1.0
        assert result.metrics.correlation_matrix == {"BTC/USDT": {"BTC/USDT": 1.0}}
        assert "untiered" in words(result.warnings)

    async def test_an_asset_without_a_value_beside_good_ones_is_a_warning(self) -> None:
        blank = wide_closes().assign(**{"DOGE/USDT": np.nan})
        result = await analyze(symbol="BTC/USDT", price_data=blank)
        assert any(w.startswith("no_values: ") and "DOGE/USDT" in w for w in result.warnings)
        assert result.target_weights.get("DOGE/USDT", 0.0) == 0.0
        assert result.target_weights.exposure > 0.0
        assert math.isfinite(result.metrics.var_95)
        proposals = await evaluate(lopsided(), {"prices": blank})
        assert all(trade.symbol != "DOGE/USDT" for p in proposals for trade in p.trades)

    async def test_asking_about_an_asset_without_a_value_is_advice_to_hold(self) -> None:
        blank = wide_closes().assign(**{"DOGE/USDT": np.nan})
        advice = (await analyze(symbol="DOGE/USDT", price_data=blank)).recommendation
        assert (advice.side, advice.size_usd, advice.target_weight) == ("hold", 0.0, 0.0)

    async def test_prices_that_never_move_are_an_answer(self) -> None:
        still = wide_closes().assign(**{"XRP/USDT": 1.0})
        result = await analyze(price_data=still)
        assert result.target_weights.get("XRP/USDT", 0.0) == 0.0
        assert result.metrics.correlation_matrix["XRP/USDT"]["BTC/USDT"] == 0.0

    async def test_twins_are_an_answer(self) -> None:
        twins = wide_closes().assign(**{"BTC2/USDT": wide_closes()["BTC/USDT"]})
        result = await analyze(price_data=twins)
        assert abs(math.fsum(result.target_weights.values()) - 1.0) <= SUM


class TestCorrelationMatrix:
    @staticmethod
    def good() -> pd.DataFrame:
        return wide_closes(90).pct_change().iloc[1:].corr()

    async def refused(self, matrix: Any, error: type[Exception], match: str) -> None:
        with pytest.raises(error, match=match):
            await evaluate(lopsided(), {"prices": wide_closes()}, matrix)

    async def test_a_missing_symbol_is_named(self) -> None:
        matrix = self.good().drop(index="ADA/USDT", columns="ADA/USDT")
        await self.refused(matrix, UnknownSymbolError, "ADA/USDT")

    async def test_a_wrong_shape_is_refused(self) -> None:
        await self.refused(np.eye(3), ShapeError, r"\(3, 3\), expected \(8, 8\)")
        await self.refused(np.ones(8), ShapeError, "shape")

    async def test_a_covariance_is_refused(self) -> None:
        await self.refused(0.04 * self.good(), ShapeError, "diagonal")

    async def test_an_asymmetric_matrix_is_refused(self) -> None:
        matrix = self.good().to_numpy(copy=True)
        matrix[0, 1] += 0.1
        await self.refused(matrix, ShapeError, "symmetric")

    async def test_a_matrix_of_no_market_is_refused(self) -> None:
        matrix = np.eye(8)
        matrix[0, 1] = matrix[1, 0] = matrix[1, 2] = matrix[2, 1] = 0.9
        await self.refused(matrix, NotPositiveSemidefiniteError, "eigenvalue")

    async def test_words_are_refused(self) -> None:
        await self.refused("high", InputError, "correlation_matrix")
        await self.refused(np.full((8, 8), "a"), InputError, "correlation_matrix")


class TestAllocation:
    async def test_it_needs_initializing_first(self) -> None:
        with pytest.raises(StateError, match="initialize"):
            await EnhancedAssetConfigManager().get_optimal_asset_allocation(10_000)

    @pytest.mark.parametrize("capital", [0, -5.0, math.nan, math.inf])
    async def test_capital_is_positive(self, capital: float) -> None:
        manager = EnhancedAssetConfigManager()
        await manager.initialize()
        with pytest.raises(ParameterError, match="available_capital"):
            await manager.get_optimal_asset_allocation(capital)

    async def test_an_unknown_regime_is_refused_with_the_nearest(self) -> None:
        manager = EnhancedAssetConfigManager()
        await manager.initialize()
        with pytest.raises(ParameterError, match="did you mean 'bull'"):
            await manager.get_optimal_asset_allocation(10_000, "bullish")

    async def test_capital_too_small_to_trade_stays_in_cash(self) -> None:
        manager = EnhancedAssetConfigManager()
        await manager.initialize()
        allocation = await manager.get_optimal_asset_allocation(5.0, "bull")
        assert allocation.assets == ()
        assert allocation.cash_usd == 5.0
        assert "too_small" in words(allocation.warnings)

    @pytest.mark.parametrize("config", [{"max_position_size": 0.0}, {"momentum_weight": math.nan}, [1]])
    def test_a_setting_out_of_range_is_refused(self, config: Any) -> None:
        for make in (EnhancedPortfolioStrategy, PortfolioRebalancer):
            with pytest.raises(ConfigError):
                make(config)
        with pytest.raises(ConfigError):
            EnhancedAssetConfigManager(config=config)


class TestExecution:
    @pytest.fixture
    async def rebalancer(self) -> PortfolioRebalancer:
        door = PortfolioRebalancer(CONFIG)
        await door.evaluate_rebalancing_need(lopsided(), {"prices": wide_closes()})
        return door

    @pytest.fixture
    def proposal(self, rebalancer: PortfolioRebalancer) -> RebalanceProposal:
        assert rebalancer.last_decision is not None
        return rebalancer.last_decision.proposals[0]

    @staticmethod
    def broker(**rest: Any) -> PaperBroker:
        book = lopsided()
        return PaperBroker(cash=book.cash, positions=book.positions, prices=market().panel, **rest)

    async def test_a_proposal_is_executed_once(
        self, rebalancer: PortfolioRebalancer, proposal: RebalanceProposal
    ) -> None:
        broker = self.broker()
        report = await rebalancer.execute_rebalance_proposal(proposal, broker)
        assert report.fills
        held = broker.portfolio_now()
        with pytest.raises(BrokerError, match=proposal.id):
            await rebalancer.execute_rebalance_proposal(proposal, broker)
        assert broker.portfolio_now() == held, "nothing was traded the second time"

    async def test_two_at_once_are_executed_once(
        self, rebalancer: PortfolioRebalancer, proposal: RebalanceProposal
    ) -> None:
        broker = self.broker()
        outcomes = await asyncio.gather(
            *(rebalancer.execute_rebalance_proposal(proposal, broker) for _ in range(2)),
            return_exceptions=True,
        )
        assert sum(isinstance(outcome, BrokerError) for outcome in outcomes) == 1
        assert sum(hasattr(outcome, "fills") for outcome in outcomes) == 1

    async def test_an_old_proposal_is_refused_and_nothing_is_sent(
        self, rebalancer: PortfolioRebalancer, proposal: RebalanceProposal
    ) -> None:
        broker = self.broker(clock=FixedClock(proposal.as_of + timedelta(hours=25)))
        with pytest.raises(ProposalExpiredError, match=r"25\.0 hours old"):
            await rebalancer.execute_rebalance_proposal(proposal, broker)
        assert broker.portfolio_now() == lopsided()

    async def test_a_proposal_of_the_future_is_refused(
        self, rebalancer: PortfolioRebalancer, proposal: RebalanceProposal
    ) -> None:
        broker = self.broker(clock=FixedClock(datetime(2020, 1, 1, tzinfo=UTC)))
        with pytest.raises(BrokerError, match="future"):
            await rebalancer.execute_rebalance_proposal(proposal, broker)
        assert broker.portfolio_now() == lopsided()

    async def test_a_client_that_cannot_trade_is_refused(
        self, rebalancer: PortfolioRebalancer, proposal: RebalanceProposal
    ) -> None:
        with pytest.raises(BrokerError, match="no exchange client"):
            await rebalancer.execute_rebalance_proposal(proposal, object())

    async def test_what_is_no_proposal_is_refused(self, rebalancer: PortfolioRebalancer) -> None:
        with pytest.raises(InputError, match="proposal is a list"):
            await rebalancer.execute_rebalance_proposal([], self.broker())  # type: ignore[arg-type]

    async def test_the_gate_still_stands(
        self, rebalancer: PortfolioRebalancer, proposal: RebalanceProposal
    ) -> None:
        moved = {symbol: 1.2 * price for symbol, price in market().panel.last_prices().items()}
        book = lopsided()
        broker = PaperBroker(cash=book.cash, positions=book.positions, prices=moved)
        report = await rebalancer.execute_rebalance_proposal(proposal, broker)
        assert report.fills == ()
        assert len(report.refused) == len(proposal.trades)
        assert all("price_collar" in order.reason for order in report.refused)
        assert broker.portfolio_now() == book
        again = await rebalancer.evaluate_rebalancing_need(lopsided(), {"prices": wide_closes()})
        assert again[0].id == proposal.id, "what was refused starts no cooldown"

    async def test_what_was_executed_starts_a_cooldown(
        self, rebalancer: PortfolioRebalancer, proposal: RebalanceProposal
    ) -> None:
        broker = self.broker()
        await rebalancer.execute_rebalance_proposal(proposal, broker)
        again = await rebalancer.evaluate_rebalancing_need(broker.portfolio_now(), {"prices": wide_closes()})
        assert again == []
        assert "cooldown" in (again.no_trade_because or "")

    async def test_a_paper_book_with_less_than_the_plan_thought_sells_no_more_than_it_has(
        self, rebalancer: PortfolioRebalancer, proposal: RebalanceProposal
    ) -> None:
        broker = PaperBroker(cash=100.0, positions={}, prices=market().panel)
        report = await rebalancer.execute_rebalance_proposal(proposal, broker)
        assert all(order.reason for order in report.refused)
        assert all(fill.side == "buy" for fill in report.fills)
        assert all(quantity >= 0.0 for quantity in broker.portfolio_now().positions.values())
        assert broker.portfolio_now().cash >= 0.0


async def test_one_door_serves_many_at_once() -> None:
    door = EnhancedPortfolioStrategy(CONFIG)
    requests = [
        {"symbol": symbol, "price_data": wide_closes(), "portfolio": lopsided()} for symbol in SYMBOLS
    ]
    together = await asyncio.gather(*(door.analyze(request) for request in requests))
    alone = [await EnhancedPortfolioStrategy(CONFIG).analyze(request) for request in requests]
    assert [dumps(result) for result in together] == [dumps(result) for result in alone]


async def test_a_book_of_two_halves_is_not_mixed_up_between_calls() -> None:
    door = EnhancedPortfolioStrategy(CONFIG)
    books = [lopsided(), Portfolio(cash=777.0)]
    together = await asyncio.gather(
        *(door.analyze({"price_data": wide_closes(), "portfolio": book}) for book in books)
    )
    values = [result.metrics.total_value_usd for result in together]
    assert values == pytest.approx([10_000.0, 777.0])
