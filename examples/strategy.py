"""The specification's strategy call on a simulated market: what is the book worth, how risky, what to do?

Run it with ``python examples/strategy.py``.
"""

import asyncio

import pandas as pd

from poise import EnhancedPortfolioStrategy
from poise.testing import simulated_market

COINS = ("BTC", "ETH", "BNB", "XRP", "ADA", "SOL", "LTC", "LINK")


async def main() -> None:
    market = simulated_market(seed=11, symbols=[f"{coin}/USDT" for coin in COINS])
    candles = pd.DataFrame(
        market.ohlcv("BTC/USDT"), columns=["timestamp", "open", "high", "low", "close", "volume"]
    )
    price_history = candles.assign(timestamp=pd.to_datetime(candles["timestamp"], unit="ms", utc=True))
    current_portfolio = market.equal_portfolio(10_000.0, cash_fraction=0.10)
    market_context = market.market_data()

    # fmt: off
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
    # fmt: on

    print(f"{market.panel.source}, as of {result.as_of:%Y-%m-%d}")
    metrics, regime = result.metrics, result.regime
    print(f"regime      {regime.label}, {regime.confidence:.0%} sure, {regime.age} days old")
    print(f"value       ${metrics.total_value_usd:,.2f}, {metrics.cash_percentage:.0f}% in cash")
    print(f"one bad day {metrics.var_95:.1%} of it at 95%, {metrics.cvar_95:.1%} on average beyond that")
    print(
        "target      "
        + ", ".join(f"{symbol} {weight:.1%}" for symbol, weight in result.target_weights.items())
    )
    advice = result.recommendation
    if advice is not None:
        print(f"advice      {advice.side} {advice.symbol} for ${advice.size_usd:,.2f}")
        for reason in advice.reasons[:3]:
            print(f"            {reason}")
    for warning in result.warnings:
        print(f"warning     {warning}")


if __name__ == "__main__":
    asyncio.run(main())
