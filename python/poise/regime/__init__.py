"""Which regime the market is in: :class:`RegimeDetector`; also hidden Markov and jump models."""

from poise.domain.regime import RegimeState
from poise.regime.detector import RegimeDetector
from poise.regime.hmm import GaussianHMM
from poise.regime.jump import JumpModel
from poise.regime.report import CalibrationReport, ReliabilityBin

__all__ = [
    "CalibrationReport",
    "GaussianHMM",
    "JumpModel",
    "RegimeDetector",
    "RegimeState",
    "ReliabilityBin",
]
