"""How far the detector's probabilities and its confidence could be believed so far."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True)
class ReliabilityBin:
    """Calls whose confidence lay in one tenth of the unit interval.

    Attributes
    ----------
    lower, upper : float
        The tenth: ``lower <= confidence < upper``, the last one closed.
    count : int
        Calls; at least 1.
    mean_confidence : float
    frequency : float
        Share of the calls whose label was right.
    """

    lower: float
    upper: float
    count: int
    mean_confidence: float
    frequency: float


@dataclass(frozen=True)
class CalibrationReport:
    """Scores of a regime detector, walk-forward: what was said at a bar against what the bar turned out as.

    The right label of a bar is the *ex-post* one: the detector's thresholds on volatility and trend of the 30
    bars before and after it. It is known 30 bars later, so the report after a bar counts the calls that are
    at least 30 bars old. What was said used the past only, so these are scores out of sample. The confidence
    is fitted to them, walk-forward; the probabilities are those of the filter and were fitted to nothing.

    Attributes
    ----------
    n : int
        Calls judged.
    brier_score : float
        Mean of the sum over the four labels of ``(probability - 1{label is right}) ** 2``, between 0 and 2;
        0.75 for four even probabilities.
    log_score : float
        Mean of ``-ln(probability of the right label)`` in nats, at least 0; 1.386 for even probabilities. A
        probability below 1e-6 counts as that.
    confidence_brier_score : float
        Mean of ``(confidence - 1{published label is right}) ** 2``, between 0 and 1.
    expected_calibration_error : float
        Mean over the calls of the distance between mean confidence and frequency of their bin.
    accuracy : float
        Share of the calls whose published label was right.
    reliability : tuple of ReliabilityBin
        By ascending confidence; bins without a call are left out.

    Notes
    -----
    Scores are NaN before the first call could be judged.

    References
    ----------
    .. [1] Brier (1950). Verification of Forecasts Expressed in Terms of Probability. Monthly Weather
       Review 78.
    .. [2] Gneiting and Raftery (2007). Strictly Proper Scoring Rules, Prediction, and Estimation. Journal of
       the American Statistical Association 102.
    .. [3] Naeini, Cooper and Hauskrecht (2015). Obtaining Well Calibrated Probabilities Using Bayesian
       Binning. AAAI.
    """

    n: int
    brier_score: float
    log_score: float
    confidence_brier_score: float
    expected_calibration_error: float
    accuracy: float
    reliability: tuple[ReliabilityBin, ...]

    @classmethod
    def from_sums(
        cls,
        n: int,
        brier: float,
        confidence_brier: float,
        log: float,
        bins: Sequence[tuple[int, float, int]],
    ) -> Self:
        """Divide the sums that the kernel keeps by what they count."""
        if n == 0:
            return cls(0, *(math.nan,) * 5, ())
        reliability = tuple(
            ReliabilityBin(i / len(bins), (i + 1) / len(bins), count, confidence / count, right / count)
            for i, (count, confidence, right) in enumerate(bins)
            if count
        )
        gaps = (each.count * abs(each.mean_confidence - each.frequency) for each in reliability)
        right = sum(right for _, _, right in bins)
        return cls(n, brier / n, log / n, confidence_brier / n, math.fsum(gaps) / n, right / n, reliability)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values."""
        return {**vars(self), "reliability": [dict(vars(each)) for each in self.reliability]}
