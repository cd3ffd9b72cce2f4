"""Simulated markets with known truth, and a way to change the future."""

from poise.testing.causality import perturb_future
from poise.testing.simulated import SimulatedMarket, simulated_market

__all__ = ["SimulatedMarket", "perturb_future", "simulated_market"]
