"""The seven triggers, read once per bar."""

from __future__ import annotations

from datetime import datetime

from poise.costs import CostModel
from poise.domain.proposals import TriggerReading
from poise.errors import StateError
from poise.rebalancing.book_triggers import (
    Reference,
    deviation_reading,
    momentum_reading,
    regime_reading,
    time_reading,
)
from poise.rebalancing.inputs import BookSnapshot
from poise.rebalancing.market_triggers import CorrelationWatch, DrawdownWatch, VolatilityWatch
from poise.rebalancing.rules import RebalanceRules


class TriggerEngine:
    """Reads every trigger at every bar and remembers what they need; it can be copied and pickled.

    Parameters
    ----------
    rules : RebalanceRules
    costs : CostModel
        Its one-way rate sets the no-trade bands.
    """

    def __init__(self, rules: RebalanceRules, costs: CostModel) -> None:
        self._rules = rules
        self._costs = costs
        self._reference: Reference | None = None
        self._bars_per_day: float | None = None
        self._volatility = VolatilityWatch(1.0)
        self._correlation = CorrelationWatch(1.0)
        self._drawdown = DrawdownWatch(rules.drawdown_budget)
        self._as_of: datetime | None = None
        self._learned: tuple[TriggerReading, TriggerReading, TriggerReading] | None = None

    @property
    def last_rebalance(self) -> datetime | None:
        """When the book was last rebalanced; None when there is no rebalance on record."""
        return None if self._reference is None else self._reference.as_of

    def observe(self, snapshot: BookSnapshot) -> tuple[TriggerReading, ...]:
        """Read the seven triggers in the order of :class:`~poise.domain.proposals.Trigger`.

        The same bar may be read again, after trades say: what was learned from it then stands, and the
        triggers that look at the book are read anew.

        Raises
        ------
        StateError
            If the bar is older than the last one, or the bars per day have changed.
        """
        volatility, correlation, drawdown = self.learn(
            snapshot.conditions.as_of,
            bars_per_day=snapshot.conditions.bars_per_day,
            book_return=snapshot.book_return,
            exposure=snapshot.exposure,
            average_correlation=snapshot.average_correlation,
            drawdown=snapshot.drawdown,
        )
        rules = self._rules
        rate = self._costs.rate(snapshot.conditions.spread_bps)
        return (
            time_reading(snapshot, self._reference, interval_days=rules.rebalance_interval_days),
            deviation_reading(snapshot, rate, risk_aversion=rules.risk_aversion),
            volatility,
            correlation,
            momentum_reading(snapshot, self._reference),
            drawdown,
            regime_reading(snapshot, self._reference),
        )

    def mark_rebalanced(self, snapshot: BookSnapshot) -> None:
        """Make `snapshot` what the next bars are compared with."""
        self._reference = Reference.of(snapshot)

    def learn(
        self,
        as_of: datetime,
        *,
        bars_per_day: float,
        book_return: float,
        exposure: float,
        average_correlation: float,
        drawdown: float,
    ) -> tuple[TriggerReading, TriggerReading, TriggerReading]:
        """Learn from a bar without reading the book: what warming up on history needs.

        Parameters
        ----------
        as_of : datetime
            Close of the bar.
        bars_per_day : float
            The same at every call.
        book_return, average_correlation, drawdown : float
            As in :class:`BookSnapshot`; NaN where unknown.
        exposure : float
            Sum of absolute risky weights.

        Returns
        -------
        tuple of TriggerReading
            Volatility, correlation, drawdown. A bar seen before gives the readings it gave then.

        Raises
        ------
        StateError
            If the bar is older than the last one, or `bars_per_day` has changed.
        """
        if self._as_of is not None and as_of < self._as_of:
            raise StateError(
                f"the bar of {as_of.isoformat()} comes after that of {self._as_of.isoformat()}; "
                "feed bars in order, or start a new engine"
            )
        if self._learned is not None and as_of == self._as_of:
            return self._learned
        self._set_pace(bars_per_day)
        self._learned = (
            self._volatility.observe(book_return, exposure),
            self._correlation.observe(average_correlation),
            self._drawdown.observe(drawdown),
        )
        self._as_of = as_of
        return self._learned

    def _set_pace(self, bars_per_day: float) -> None:
        if self._bars_per_day is None:
            self._bars_per_day = bars_per_day
            self._volatility = VolatilityWatch(bars_per_day)
            self._correlation = CorrelationWatch(bars_per_day)
        elif bars_per_day != self._bars_per_day:
            raise StateError(
                f"bars_per_day was {self._bars_per_day:g} and is now {bars_per_day:g}; "
                "half-lives count bars, so start a new engine"
            )
