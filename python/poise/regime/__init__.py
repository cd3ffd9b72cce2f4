"""Which regime the market is in: :class:`RegimeDetector`; also hidden Markov and jump models."""

from poise.domain.regime import RegimeState
from poise.regime.detector import RegimeDetector
from poise.regime.hmm import GaussianHMM
from poise.regime.jump import JumpModel

__all__ = ["GaussianHMM", "JumpModel", "RegimeDetector", "RegimeState"]
