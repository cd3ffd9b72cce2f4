"""poise: multi-asset portfolios that hold their balance while things move.

The three doors and the nouns they speak in import from here; the rooms by their own names (``poise.moments``,
``poise.risk``, ``poise.optimization``, ...). Importing poise loads NumPy and the native core, nothing else:
everything heavier is loaded when it is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from poise._native import __version__
from poise.domain.metrics import EnhancedPortfolioMetrics
from poise.domain.portfolio import Portfolio
from poise.domain.weights import Weights

if TYPE_CHECKING:
    from poise.enhanced_asset_config_manager import EnhancedAssetConfigManager
    from poise.enhanced_portfolio_strategy import EnhancedPortfolioStrategy
    from poise.portfolio_rebalancer import PortfolioRebalancer

__all__ = [
    "EnhancedAssetConfigManager",
    "EnhancedPortfolioMetrics",
    "EnhancedPortfolioStrategy",
    "Portfolio",
    "PortfolioRebalancer",
    "Weights",
    "__version__",
]

_DOORS = {
    "EnhancedPortfolioStrategy": "poise.enhanced_portfolio_strategy",
    "EnhancedAssetConfigManager": "poise.enhanced_asset_config_manager",
    "PortfolioRebalancer": "poise.portfolio_rebalancer",
}
_ROOMS = (
    "backtest",
    "bench",
    "costs",
    "decision",
    "errors",
    "execution",
    "market",
    "moments",
    "optimization",
    "performance",
    "rebalancing",
    "regime",
    "report",
    "risk",
    "strategy",
    "testing",
    "universe",
)


def __getattr__(name: str) -> Any:
    """Load a door or a room on first use."""
    if name in _DOORS:
        door = getattr(import_module(_DOORS[name]), name)
        globals()[name] = door
        return door
    if name in _ROOMS:
        return import_module(f"poise.{name}")
    if name.startswith("__"):
        raise AttributeError(f"module 'poise' has no attribute '{name}'")
    from poise.errors import did_you_mean

    raise AttributeError(f"module 'poise' has no attribute '{name}'{did_you_mean(name, [*__all__, *_ROOMS])}")


def __dir__() -> list[str]:
    return sorted([*__all__, *_ROOMS])
