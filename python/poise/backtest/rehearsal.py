"""The loop of a backtest: fill what was decided, look, decide, write down."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

import numpy as np

from poise.backtest.account import Account, Leg, SimulatedFill
from poise.backtest.baseline import StaticBaseline
from poise.backtest.result import BacktestResult, ExecutedRebalance
from poise.decision import Decision, DecisionCycle
from poise.domain.prices import Bar, PricePanel
from poise.domain.proposals import RebalanceProposal
from poise.errors import StateError
from poise.typing import RegimeLabel, Vector


class Rehearsal:
    """One account and its baseline, moved forward bar by bar.

    Parameters
    ----------
    cycle : DecisionCycle
        Warmed up.
    account : Account
    baseline : StaticBaseline
    delay : int
        Bars between a decision and its fill.
    """

    def __init__(
        self, cycle: DecisionCycle, account: Account, baseline: StaticBaseline, *, delay: int
    ) -> None:
        self._cycle = cycle
        self._account = account
        self._baseline = baseline
        self._delay = delay
        # None where a bar led to no trade: the queue's length is the delay.
        self._pending: deque[tuple[Decision, RebalanceProposal] | None] = deque()
        self._last: Decision | None = None
        self._prices = np.full(len(cycle.symbols), np.nan)
        self._times: list[np.datetime64] = []
        self._equity: list[float] = []
        self._baseline_equity: list[float] = []
        self._weights: list[Vector] = []
        self._regimes: list[RegimeLabel] = []
        self._confidences: list[float] = []
        self._fills: list[SimulatedFill] = []
        self._rebalances: list[ExecutedRebalance] = []

    def advance(self, bar: Bar, *, intraday_trend: Vector | None = None) -> None:
        """Take in one bar: fill, decide (on the trend of the four-hour bars up to it, too), record."""
        known = np.isfinite(bar.closes)
        self._prices[known] = bar.closes[known]
        filled = self._fill_due(bar)
        held = self._account.portfolio() if filled else None
        decision = self._cycle.step(bar, held, intraday_trend=intraday_trend)
        self._last = decision
        waiting = any(entry is not None for entry in self._pending)
        chosen = decision.proposals[0] if decision.proposals and not waiting else None
        self._pending.append(None if chosen is None else (decision, chosen))
        self._times.append(bar.closed)
        self._equity.append(self._account.value(self._prices))
        self._baseline_equity.append(self._baseline.advance(bar, decision.conditions, self._prices))
        self._weights.append(self._account.weights(self._prices))
        self._regimes.append(decision.regime.label)
        self._confidences.append(decision.regime.confidence)

    def _fill_due(self, bar: Bar) -> bool:
        if len(self._pending) < self._delay:
            return False
        due = self._pending.popleft()
        if due is None:
            return False
        decision, proposal = due
        # The close of this bar, and of everything else only what was known when the order was written.
        conditions = replace(decision.conditions, as_of=bar.as_of, prices=bar.closes)
        before = self._account.fees + self._account.slippage
        legs = [Leg(trade.symbol, trade.side, trade.quantity) for trade in proposal.trades]
        self._fills += self._account.execute(legs, conditions, proposal.id)
        spent = self._account.fees + self._account.slippage - before
        self._rebalances.append(ExecutedRebalance(proposal, bar.as_of, spent))
        self._cycle.executed(proposal)
        return True

    def result(self, panel: PricePanel) -> BacktestResult:
        """Return what was recorded.

        Raises
        ------
        StateError
            If no bar was taken in.
        """
        if self._last is None:
            raise StateError("nothing was rehearsed; advance over at least one bar")
        static = self._baseline.account
        return BacktestResult(
            times=np.array(self._times),
            equity=np.array(self._equity),
            baseline=np.array(self._baseline_equity),
            weights=np.array(self._weights),
            regimes=tuple(self._regimes),
            confidences=np.array(self._confidences),
            symbols=panel.symbols,
            rebalances=tuple(self._rebalances),
            fills=tuple(self._fills),
            last_decision=self._last,
            final_portfolio=self._account.portfolio(),
            periods_per_year=panel.periods_per_year,
            costs={
                "fees": self._account.fees,
                "slippage": self._account.slippage,
                "baseline_fees": static.fees,
                "baseline_slippage": static.slippage,
            },
            warnings=self._last.warnings,
            source=panel.source,
        )
