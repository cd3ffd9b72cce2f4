"""Which regime the market is in: :class:`RegimeDetector`."""

from poise.domain.regime import RegimeState
from poise.regime.detector import RegimeDetector

__all__ = ["RegimeDetector", "RegimeState"]
