"""One bar in, readings and proposals out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from poise.costs import CostModel
from poise.domain.proposals import Proposals, RebalanceProposal, Trigger, TriggerReading, Urgency
from poise.errors import NotEnoughDataError
from poise.rebalancing.benefit import daily_risk
from poise.rebalancing.desk import Desk
from poise.rebalancing.inputs import BookSnapshot
from poise.rebalancing.plan import Plan, plan_full, plan_partial, plan_risk_reduction
from poise.rebalancing.rounding import LotRules
from poise.rebalancing.rules import RebalanceRules
from poise.rebalancing.triggers import TriggerEngine
from poise.rebalancing.urgency import benefit_per_cost, cooldown, urgency_of
from poise.rebalancing.writing import write_proposal

_DAY = timedelta(days=1)


class RebalanceEngine:
    """Watches the triggers, weighs benefit against cost and writes proposals; it never trades.

    Copies and pickles carry all state. `propose` changes nothing; `observe` learns from a bar and
    `mark_executed` from a trade.

    Parameters
    ----------
    rules : RebalanceRules
    costs : CostModel
    lots : mapping of str to LotRules, optional
        What the venue accepts; symbols left out trade in lots of 1e-8.

    Examples
    --------
    >>> engine = RebalanceEngine(RebalanceRules(), CostModel())
    >>> engine.last_rebalance is None
    True
    """

    def __init__(
        self, rules: RebalanceRules, costs: CostModel, *, lots: Mapping[str, LotRules] | None = None
    ) -> None:
        self._rules = rules
        self._costs = costs
        self._lots = dict(lots or {})
        self._triggers = TriggerEngine(rules, costs)
        self._executed: list[tuple[datetime, float]] = []
        self._first_seen: datetime | None = None

    @property
    def last_rebalance(self) -> datetime | None:
        """Close of the bar of the last executed proposal; None before the first."""
        return self._triggers.last_rebalance

    def observe(self, snapshot: BookSnapshot) -> tuple[TriggerReading, ...]:
        """Read the seven triggers; see :meth:`TriggerEngine.observe`."""
        readings = self._triggers.observe(snapshot)
        if self._first_seen is None and snapshot.has_value:
            self._first_seen = snapshot.conditions.as_of
        return readings

    def learn(
        self,
        as_of: datetime,
        *,
        bars_per_day: float,
        book_return: float,
        exposure: float,
        average_correlation: float,
        drawdown: float,
    ) -> None:
        """Warm the volatility, correlation and drawdown triggers on history; see :meth:`TriggerEngine.learn`.

        Without it they are unavailable for their first 20 and 126 days.
        """
        self._triggers.learn(
            as_of,
            bars_per_day=bars_per_day,
            book_return=book_return,
            exposure=exposure,
            average_correlation=average_correlation,
            drawdown=drawdown,
        )

    def mark_executed(self, snapshot: BookSnapshot, proposal: RebalanceProposal) -> None:
        """Start the cooldown, count the turnover and make `snapshot` what the next bars are compared with."""
        as_of = snapshot.conditions.as_of
        self._triggers.mark_rebalanced(snapshot)
        self._executed = [(at, turnover) for at, turnover in self._executed if as_of - at < _DAY]
        self._executed.append((as_of, proposal.turnover))

    def propose(self, snapshot: BookSnapshot, readings: Sequence[TriggerReading]) -> Proposals:
        """Write up to two proposals, or say why there is none; the order of the assets does not matter.

        ``full`` takes every asset outside its no-trade region to its target; where that is not worth its
        cost, ``partial`` takes only the legs that are worth theirs. When the need is critical or the
        drawdown trigger called, ``risk_reduction``, which sells toward the target and buys nothing, is
        offered beside it: first in a drawdown, else second. A critical one is exempt from the cost-benefit
        test and the cooldown, never from the turnover cap.

        Parameters
        ----------
        snapshot : BookSnapshot
        readings : sequence of TriggerReading
            Of this bar, from :meth:`observe`.

        Returns
        -------
        Proposals
            Empty with ``no_trade_because`` when nothing is worth doing.

        Raises
        ------
        UnknownSymbolError
            If a held or wanted symbol has no conditions.
        """
        readings = tuple(readings)
        if not snapshot.has_value:
            return _none(f"the portfolio is worth {snapshot.total_value:.2f} USD", readings)
        urgency = urgency_of(readings, breaches=snapshot.breaches)
        if urgency is Urgency.NONE:
            return _none(_nothing_fired(readings), readings)
        resting = self._resting(snapshot.conditions.as_of, urgency)
        if resting and urgency is not Urgency.CRITICAL:
            return _none(resting, readings)
        try:
            desk = self._desk(snapshot.in_symbol_order())
        except NotEnoughDataError as error:
            return _none(str(error), readings)
        return _Weighing(desk, readings, urgency, resting).proposals()

    def _desk(self, snapshot: BookSnapshot) -> Desk:
        as_of = snapshot.conditions.as_of
        used = sum(turnover for at, turnover in self._executed if as_of - at < _DAY)
        return Desk(
            snapshot=snapshot,
            rules=self._rules,
            costs=self._costs,
            lots=self._lots,
            risk=daily_risk(snapshot.conditions),
            turnover_left=max(self._rules.max_daily_turnover - used, 0.0),
            purchases_left=max(snapshot.target.max_purchases - used, 0.0),
            idle_days=self._idle(as_of) / _DAY,
        )

    def _idle(self, as_of: datetime) -> timedelta:
        since = self.last_rebalance or self._first_seen
        return timedelta(0) if since is None else as_of - since

    def _resting(self, as_of: datetime, urgency: Urgency) -> str:
        """Return why to wait, or nothing."""
        last = self.last_rebalance
        if last is None:
            return ""
        until = last + cooldown(urgency, self._rules)
        if as_of >= until:
            return ""
        return (
            f"cooldown until {until:%Y-%m-%d %H:%M} UTC "
            f"(urgency {urgency}, last rebalance {last:%Y-%m-%d %H:%M})"
        )


class _Weighing:
    """The candidates for one book and which of them are worth proposing."""

    def __init__(
        self, desk: Desk, readings: tuple[TriggerReading, ...], urgency: Urgency, resting: str
    ) -> None:
        self._desk = desk
        self._readings = readings
        self._urgency = urgency
        self._resting = resting
        self._least = benefit_per_cost(urgency)
        self._full = plan_full(desk)

    def proposals(self) -> Proposals:
        chosen = [] if self._resting else self._worthwhile()
        reduction = self._risk_reduction()
        if reduction is not None and not any(reduction.same_legs(plan) for plan in chosen):
            chosen = [reduction, *chosen] if self._in_drawdown else [*chosen, reduction]
        if not chosen:
            return _none(self._why_not(), self._readings)
        return Proposals(
            [
                write_proposal(
                    self._desk,
                    plan,
                    readings=self._readings,
                    urgency=self._urgency,
                    verdict=self._verdict(plan),
                )
                for plan in chosen
            ],
            readings=self._readings,
        )

    def _worthwhile(self) -> list[Plan]:
        full = self._full
        if full.empty:
            return []
        if full.earns(self._least):
            return [full]
        partial = plan_partial(self._desk, full, benefit_per_cost=self._least)
        return [partial] if not partial.empty and partial.earns(self._least) else []

    @property
    def _in_drawdown(self) -> bool:
        return any(r.trigger is Trigger.DRAWDOWN and r.fired for r in self._readings)

    def _risk_reduction(self) -> Plan | None:
        critical = self._urgency is Urgency.CRITICAL
        if not (critical or self._in_drawdown):
            return None
        plan = plan_risk_reduction(self._desk)
        return None if plan.empty or not (critical or plan.earns(self._least)) else plan

    def _verdict(self, plan: Plan) -> str:
        numbers = (
            f"benefit {plan.benefit:.2f} USD over {self._desk.utility.horizon_days:.0f} days"
            f"{_of_signals(plan)} against a cost of {plan.cost:.2f} USD"
        )
        if plan.earns(self._least):
            return f"{numbers} ({self._least:g} times the cost is asked)"
        return f"{numbers}; sales that reduce risk are exempt from the test while the need is critical"

    def _why_not(self) -> str:
        full = self._full
        if self._resting:
            spent = self._desk.turnover_left <= 0.0
            return f"{self._resting}; " + (
                f"the {self._desk.rules.max_daily_turnover:.0%} turnover within 24 hours is used up"
                if spent
                else "no sale toward the target reduces risk"
            )
        if full.empty:
            return f"nothing to trade: {'; '.join(full.notes)}"
        earned = f"benefit {full.benefit:.2f} USD{_of_signals(full)}"
        return f"{earned} below {self._least:g} x cost {full.cost:.2f} USD"


def _of_signals(plan: Plan) -> str:
    return f" ({plan.expected_gain:+.2f} USD of it from signals)" if plan.expected_gain else ""


def _none(why: str, readings: tuple[TriggerReading, ...]) -> Proposals:
    return Proposals(no_trade_because=why, readings=readings)


def _nothing_fired(readings: tuple[TriggerReading, ...]) -> str:
    unavailable = [str(r.trigger) for r in readings if r.fired is None]
    return "no trigger fired" + (f" (unavailable: {', '.join(unavailable)})" if unavailable else "")
