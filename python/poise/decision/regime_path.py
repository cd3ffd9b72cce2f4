"""The regimes along a history, as the cycle saw them bar by bar."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from poise.decision.history import BarHistory
from poise.decision.pro_forma import market_returns
from poise.domain.prices import PricePanel
from poise.domain.regime import RegimeState
from poise.regime import RegimeDetector
from poise.typing import Times, Vector


@dataclass(frozen=True, eq=False)
class RegimePath:
    """Filtered regimes, each from the bars up to its own.

    Attributes
    ----------
    times : ndarray of shape (n_bars,)
        Close of each bar from the first one with a regime, UTC.
    index : ndarray of shape (n_bars,)
        Value of the equal-weighted market, 1 before the first of these bars.
    states : tuple of RegimeState
    """

    times: Times
    index: Vector
    states: tuple[RegimeState, ...]


def regime_path(panel: PricePanel) -> RegimePath:
    """Return the regimes along `panel`; nothing while the detector is warming.

    Parameters
    ----------
    panel : PricePanel
        Daily bars, as :class:`poise.decision.DecisionCycle` takes them.
    """
    history, detector = BarHistory(panel.symbols, 1), RegimeDetector()
    returns = np.full(panel.closes.shape, np.nan)
    states: list[RegimeState] = []
    for row, bar in enumerate(panel.bars()):
        returns[row] = history.append(bar)
        state = detector.partial_fit(returns[row]).state_
        if state is not None:
            states.append(state)
    # Once there is a state, there is one at every bar.
    start = panel.n_observations - len(states)
    market = np.nan_to_num(market_returns(returns[start:], np.ones(len(panel.symbols))))
    index: Vector = np.cumprod(1.0 + market, dtype=np.float64)
    return RegimePath(panel.closed[start:], index, tuple(states))
