"""The specification's three snippets, letter for letter, and the names that they leave open."""

from __future__ import annotations

import ast
import inspect
from functools import cache
from typing import Any

import pandas as pd

from poise import Portfolio
from poise.testing import SimulatedMarket, simulated_market

STRATEGY = """\
# Initialize enhanced portfolio strategy
config = {
    'max_position_size': 0.15,
    'correlation_window': 30,
    'use_risk_parity': True,
    'momentum_weight': 0.3
}
strategy = EnhancedPortfolioStrategy(config)

# Analyze with full portfolio context
result = await strategy.analyze({
    'symbol': 'BTC/USDT',
    'price_data': price_history,
    'portfolio': current_portfolio,
    'market_data': market_context
})
"""

ASSET_MANAGER = """\
# Initialize enhanced asset manager
asset_manager = EnhancedAssetConfigManager(enable_dynamic_discovery=True)
await asset_manager.initialize()

# Get optimal allocation
allocation = await asset_manager.get_optimal_asset_allocation(
    available_capital=10000,
    market_regime='bull'
)
"""

REBALANCER = """\
# Initialize portfolio rebalancer
rebalancer = PortfolioRebalancer(config)

# Evaluate rebalancing need
proposals = await rebalancer.evaluate_rebalancing_need(
    portfolio, market_data, correlation_matrix
)

# Execute approved proposal
if proposals:
    result = await rebalancer.execute_rebalance_proposal(
        proposals[0], exchange_client
    )
"""

SNIPPETS = {"strategy": STRATEGY, "asset_manager": ASSET_MANAGER, "rebalancer": REBALANCER}

CONFIG = {
    "max_position_size": 0.15,
    "correlation_window": 30,
    "use_risk_parity": True,
    "momentum_weight": 0.3,
}

SYMBOLS = tuple(f"{coin}/USDT" for coin in ("BTC", "ETH", "BNB", "XRP", "ADA", "SOL", "LTC", "LINK"))

FOURTEEN = [
    "total_value_usd",
    "asset_count",
    "concentration_ratio",
    "correlation_matrix",
    "risk_score",
    "cash_percentage",
    "sharpe_ratio",
    "max_drawdown",
    "volatility",
    "beta_to_market",
    "diversification_ratio",
    "market_regime",
    "var_95",
    "cvar_95",
]


async def run(code: str, **names: Any) -> dict[str, Any]:
    """Execute a snippet as a notebook would, with its awaits at the top, and return every name it left."""
    compiled = compile(code, "<specification>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    pending = eval(compiled, names)  # noqa: S307 - the snippets above
    if inspect.iscoroutine(pending):
        await pending
    return names


@cache
def market() -> SimulatedMarket:
    """500 daily bars of eight coins that were never traded."""
    return simulated_market(seed=11, symbols=SYMBOLS)


def price_history(symbol: str = "BTC/USDT") -> pd.DataFrame:
    """OHLCV of one symbol, times in the index, as exchanges' candles are usually kept."""
    candles = pd.DataFrame(
        market().ohlcv(symbol), columns=["timestamp", "open", "high", "low", "close", "volume"]
    )
    candles["timestamp"] = pd.to_datetime(candles["timestamp"], unit="ms", utc=True)
    return candles.set_index("timestamp")


def wide_closes(days: int | None = None) -> pd.DataFrame:
    """Closes of all symbols, one column each; the last `days` when given."""
    panel = market().panel
    frame = pd.DataFrame(
        panel.closes, index=pd.DatetimeIndex(panel.opened, tz="UTC"), columns=list(panel.symbols)
    )
    return frame if days is None else frame.tail(days)


def lopsided() -> Portfolio:
    """A book that ran away: two coins are three quarters of it."""
    last = market().panel.last_prices()
    return Portfolio(
        cash=2_500.0,
        positions={"BTC/USDT": 4_500.0 / last["BTC/USDT"], "XRP/USDT": 3_000.0 / last["XRP/USDT"]},
    )
