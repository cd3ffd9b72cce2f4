"""Simulated markets with known truth, and ways to find who looks ahead."""

from poise.testing.causality import perturb_future
from poise.testing.look_ahead import assert_causal
from poise.testing.simulated import SimulatedMarket, simulated_market

__all__ = ["SimulatedMarket", "assert_causal", "perturb_future", "simulated_market"]
