"""The specification's asset manager call: which assets there are, and how to spread capital over them.

Without a source of its own the manager works on the embedded sample, and says so. Run it with
``python examples/asset_manager.py``.
"""

import asyncio

from poise import EnhancedAssetConfigManager


async def main() -> None:
    # fmt: off
    # Initialize enhanced asset manager
    asset_manager = EnhancedAssetConfigManager(enable_dynamic_discovery=True)
    await asset_manager.initialize()

    # Get optimal allocation
    allocation = await asset_manager.get_optimal_asset_allocation(
        available_capital=10000,
        market_regime='bull'
    )
    # fmt: on

    print(f"{allocation.source}, as of {allocation.as_of:%Y-%m-%d}")
    print(f"for a {allocation.market_regime} market:")
    for asset in allocation.assets:
        amount = f"{asset.weight:6.1%} ${asset.capital_usd:9,.2f}"
        print(f"  {asset.symbol:5} {amount}  tier {asset.tier}, {asset.sector}")
    print(f"  cash  {allocation.cash_weight:6.1%} ${allocation.cash_usd:9,.2f}")
    for warning in allocation.warnings:
        print(f"warning: {warning}")


if __name__ == "__main__":
    asyncio.run(main())
