"""The specification's rebalancer calls: is a rebalance worth it, and if so, make it on a paper broker.

Run it with ``python examples/rebalancer.py``.
"""

import asyncio

import pandas as pd

from poise import Portfolio, PortfolioRebalancer
from poise.execution import PaperBroker
from poise.moments import ewma_correlation
from poise.testing import simulated_market

COINS = ("BTC", "ETH", "BNB", "XRP", "ADA", "SOL", "LTC", "LINK")


async def main() -> None:
    market = simulated_market(seed=11, symbols=[f"{coin}/USDT" for coin in COINS])
    last = market.panel.last_prices()
    config = {"max_position_size": 0.15, "correlation_window": 30}
    # A book that ran away: two coins are three quarters of it.
    portfolio = Portfolio(
        cash=2_500.0,
        positions={"BTC/USDT": 4_500.0 / last["BTC/USDT"], "XRP/USDT": 3_000.0 / last["XRP/USDT"]},
    )
    market_data = market.market_data()
    returns = pd.DataFrame(market.panel.to_returns(), columns=list(market.symbols))
    correlation_matrix = ewma_correlation(returns, half_life=63)
    exchange_client = PaperBroker(cash=portfolio.cash, positions=portfolio.positions, prices=market.panel)

    # fmt: off
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
    # fmt: on

    print(market.panel.source)
    if not proposals:
        print(f"no trade: {proposals.no_trade_because}")
        return
    proposal = proposals[0]
    print(f"{proposal.urgency} urgency, {proposal.reasons[0]}")
    print(f"expected benefit ${proposal.expected_benefit:,.2f}, cost ${proposal.expected_cost:,.2f}")
    for order in result.orders:
        print(f"  {order.side:4} {order.filled:f} {order.symbol}: {order.status} {order.reason}")
    print(f"fees ${result.fees:,.2f}, slippage ${result.slippage:,.2f}")
    print("now " + ", ".join(f"{symbol} {weight:.1%}" for symbol, weight in result.final_weights.items()))


if __name__ == "__main__":
    asyncio.run(main())
