"""What a rehearsal produced, bar by bar."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from poise import performance
from poise.backtest.account import SimulatedFill
from poise.decision import Decision
from poise.domain.portfolio import Portfolio
from poise.domain.proposals import RebalanceProposal
from poise.performance import PerformanceSummary
from poise.typing import Matrix, RegimeLabel, Times, Vector

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class ExecutedRebalance:
    """A proposal and what its execution really cost.

    Attributes
    ----------
    proposal : RebalanceProposal
    filled_at : datetime
    realised_cost : float
        Fees and slippage, dollars.
    """

    proposal: RebalanceProposal
    filled_at: datetime
    realised_cost: float


@dataclass(frozen=True)
class BacktestResult:
    """Equity, weights and reasons of one run; costs are included everywhere.

    Attributes
    ----------
    times : ndarray of shape (n_bars,)
        Close of each bar, UTC, from the first bar on which trading was possible.
    equity, baseline : ndarray of shape (n_bars,)
        Value in dollars of the strategy and of the static baseline.
    weights : ndarray of shape (n_bars, n_assets)
        Risky fractions; what is missing to 1 is cash.
    regimes : tuple of str
    confidences : ndarray of shape (n_bars,)
    symbols : tuple of str
    rebalances : tuple of ExecutedRebalance
    fills : tuple of SimulatedFill
    last_decision : Decision
    final_portfolio : Portfolio
    periods_per_year : float
    costs : mapping of str to float
        ``fees`` and ``slippage`` of the strategy, ``baseline_fees`` and ``baseline_slippage``; dollars.
    warnings : tuple of str
    source : str
    """

    times: Times
    equity: Vector
    baseline: Vector
    weights: Matrix
    regimes: tuple[RegimeLabel, ...]
    confidences: Vector
    symbols: tuple[str, ...]
    rebalances: tuple[ExecutedRebalance, ...]
    fills: tuple[SimulatedFill, ...]
    last_decision: Decision
    final_portfolio: Portfolio
    periods_per_year: float
    costs: Mapping[str, float]
    warnings: tuple[str, ...]
    source: str

    @property
    def returns(self) -> Vector:
        """Simple returns of the strategy, shape ``(n_bars - 1,)``."""
        return np.asarray(self.equity[1:] / self.equity[:-1] - 1.0)

    @property
    def baseline_returns(self) -> Vector:
        """Simple returns of the baseline, shape ``(n_bars - 1,)``."""
        return np.asarray(self.baseline[1:] / self.baseline[:-1] - 1.0)

    def performance(self) -> dict[str, PerformanceSummary]:
        """Return the summaries of ``strategy`` (against the baseline) and ``baseline``.

        Raises
        ------
        NotEnoughDataError
            With fewer than two bars.
        """
        return {
            "strategy": performance.summarize(
                self.returns, periods_per_year=self.periods_per_year, benchmark=self.baseline_returns
            ),
            "baseline": performance.summarize(self.baseline_returns, periods_per_year=self.periods_per_year),
        }

    def exposure(self) -> Vector:
        """Return the invested fraction of each bar, shape ``(n_bars,)``."""
        return np.asarray(self.weights.sum(axis=1))

    def annual_turnover(self) -> float:
        """Return turnover per year: half the sum of absolute weight changes, cash counted."""
        years = len(self.times) / self.periods_per_year
        return sum(r.proposal.turnover for r in self.rebalances) / years if years > 0.0 else float("nan")

    def to_frame(self) -> pd.DataFrame:
        """Return equity, baseline, regime, confidence, exposure and weights as one pandas frame."""
        import pandas as pd

        index = pd.DatetimeIndex(self.times, tz="UTC", name="closed")
        head = pd.DataFrame(
            {
                "equity": self.equity,
                "baseline": self.baseline,
                "regime": list(self.regimes),
                "confidence": self.confidences,
                "exposure": self.exposure(),
            },
            index=index,
        )
        return head.join(pd.DataFrame(self.weights, index=index, columns=list(self.symbols)).add_prefix("w:"))

    def to_dict(self) -> dict[str, Any]:
        """Return the headline as plain values; the paths are in :meth:`to_frame`."""
        return {
            **self.performance(),
            "start": str(self.times[0].astype("datetime64[s]")) + "+00:00",
            "end": str(self.times[-1].astype("datetime64[s]")) + "+00:00",
            "n_rebalances": len(self.rebalances),
            "annual_turnover": self.annual_turnover(),
            "mean_exposure": float(self.exposure().mean()),
            "costs": dict(self.costs),
        }
