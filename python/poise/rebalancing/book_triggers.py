"""Triggers that compare the book with its target or the last rebalance: time, deviation, momentum, regime.

Pure functions of a snapshot and a reference; nothing here remembers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from poise.domain.proposals import Trigger, TriggerReading
from poise.domain.weights import Weights
from poise.rebalancing.bands import no_trade_half_width
from poise.rebalancing.inputs import BookSnapshot
from poise.rebalancing.readings import fired, quiet, unavailable
from poise.typing import RegimeLabel, Vector

_OVERDUE_SEVERITY = 0.25
_MOST_OVERDUE = 0.5

_TREND_SHIFT = 0.4
_FLIPPED_VALUE = 0.25
_FLIP_SEVERITY = 0.5
_LEAST_COVERAGE = 0.5

_REGIME_CONFIDENCE = 0.6
_REGIME_TURNOVER = 0.25

_NO_REFERENCE = "no rebalance on record to compare with"


@dataclass(frozen=True, eq=False)
class Reference:
    """What was known when the book was last rebalanced.

    Attributes
    ----------
    as_of : datetime
    symbols : tuple of str
    trend : ndarray of shape (n_assets,)
        Aligned to `symbols`.
    regime : str or None
        The label; None while it was warming.
    target : Weights
    """

    as_of: datetime
    symbols: tuple[str, ...]
    trend: Vector
    regime: RegimeLabel | None
    target: Weights

    @classmethod
    def of(cls, snapshot: BookSnapshot) -> Reference:
        """Remember a snapshot."""
        return cls(
            as_of=snapshot.conditions.as_of,
            symbols=snapshot.symbols,
            trend=np.array(snapshot.trend, dtype=np.float64),
            regime=None if snapshot.regime is None else snapshot.regime.label,
            target=snapshot.target.weights,
        )

    def trend_of(self, symbols: tuple[str, ...]) -> Vector:
        """Return the remembered trend of `symbols`; NaN for those not known then."""
        if symbols == self.symbols:
            return self.trend
        known = dict(zip(self.symbols, self.trend, strict=True))
        return np.array([known.get(symbol, math.nan) for symbol in symbols], dtype=np.float64)


def time_reading(
    snapshot: BookSnapshot, reference: Reference | None, *, interval_days: float
) -> TriggerReading:
    """Read whether the interval is over: 0.25 per interval elapsed, 0.5 at most."""
    if reference is None:
        return fired(
            Trigger.TIME,
            "no rebalance on record",
            severity=_OVERDUE_SEVERITY,
            value=math.nan,
            threshold=interval_days,
        )
    elapsed = snapshot.conditions.as_of - reference.as_of
    days = elapsed / timedelta(days=1)
    reason = f"{days:.1f} days since the last rebalance (every {interval_days:g})"
    if days < interval_days:
        return quiet(Trigger.TIME, reason, value=days, threshold=interval_days)
    severity = min(_OVERDUE_SEVERITY * math.floor(days / interval_days), _MOST_OVERDUE)
    return fired(Trigger.TIME, reason, severity=severity, value=days, threshold=interval_days)


def deviation_reading(snapshot: BookSnapshot, rate: Vector, *, risk_aversion: float) -> TriggerReading:
    """Read the largest distance from target in units of its no-trade band: log2 of that ratio.

    Cash is left out (it is what the risky assets leave over), and so are assets without a price at this bar:
    no trade could mend them now.

    Parameters
    ----------
    snapshot : BookSnapshot
    rate : ndarray of shape (n_assets,)
        One-way proportional cost.
    risk_aversion : float
    """
    if not snapshot.has_value:
        return unavailable(Trigger.DEVIATION, f"the portfolio is worth {snapshot.total_value:.2f} USD")
    if not snapshot.tradable.any():
        return unavailable(Trigger.DEVIATION, "no asset has a price at this bar")
    target = snapshot.target_weights
    band = no_trade_half_width(target, rate, risk_aversion=risk_aversion)
    ratios = np.where(snapshot.tradable, np.abs(snapshot.weights - target) / band, -1.0)
    worst = int(ratios.argmax())
    ratio = float(ratios[worst])
    reason = (
        f"{snapshot.symbols[worst]} holds {snapshot.weights[worst]:.1%} against a target of "
        f"{target[worst]:.1%}, {ratio:.1f} times its no-trade band of {band[worst]:.1%}"
    )
    if ratio < 1.0:
        return quiet(Trigger.DEVIATION, reason, value=ratio, threshold=1.0)
    return fired(Trigger.DEVIATION, reason, severity=math.log2(ratio), value=ratio, threshold=1.0)


def momentum_reading(snapshot: BookSnapshot, reference: Reference | None) -> TriggerReading:
    """Read how far the trend of what is held has moved since the last rebalance.

    The shift is the weighted mean absolute change of the trend score, fired from 0.4; a change of sign on a
    quarter of the book's value fires too, with a severity of at least 0.5. Held assets whose trend was or is
    unknown are left out; with less than half of the invested value known there is no reading.
    """
    if reference is None:
        return unavailable(Trigger.MOMENTUM, _NO_REFERENCE)
    if not snapshot.has_value:
        return unavailable(Trigger.MOMENTUM, f"the portfolio is worth {snapshot.total_value:.2f} USD")
    then = reference.trend_of(snapshot.symbols)
    held = np.abs(snapshot.weights)
    known = np.isfinite(snapshot.trend) & np.isfinite(then)
    invested = float(held.sum())
    if float(held[known].sum()) < _LEAST_COVERAGE * invested:
        return unavailable(Trigger.MOMENTUM, "the trend of most of the invested value is unknown")
    now, before, held = snapshot.trend[known], then[known], held[known]
    shift = float(held @ np.abs(now - before))
    flipped = float(held[now * before < 0.0].sum())
    reason = (
        f"the trend of what is held has moved by {shift:.2f} since the last rebalance "
        f"and changed sign on {flipped:.0%} of the value"
    )
    if shift < _TREND_SHIFT and flipped < _FLIPPED_VALUE:
        return quiet(Trigger.MOMENTUM, reason, value=shift, threshold=_TREND_SHIFT)
    severity = max(shift / _TREND_SHIFT - 1.0, _FLIP_SEVERITY if flipped >= _FLIPPED_VALUE else 0.0)
    if shift < _TREND_SHIFT:
        return fired(Trigger.MOMENTUM, reason, severity=severity, value=flipped, threshold=_FLIPPED_VALUE)
    return fired(Trigger.MOMENTUM, reason, severity=severity, value=shift, threshold=_TREND_SHIFT)


def regime_reading(snapshot: BookSnapshot, reference: Reference | None) -> TriggerReading:
    """Read whether a confident regime differs from that of the last rebalance.

    The severity is how far the target has moved since: its turnover over 0.25.
    """
    if reference is None:
        return unavailable(Trigger.REGIME, _NO_REFERENCE)
    if snapshot.regime is None or reference.regime is None:
        when = "is" if snapshot.regime is None else "was at the last rebalance"
        return unavailable(Trigger.REGIME, f"the regime {when} still unknown")
    regime = snapshot.regime
    reason = f"regime {regime.label} with confidence {regime.confidence:.2f}"
    if regime.label == reference.regime:
        return quiet(
            Trigger.REGIME,
            f"{reason}, as at the last rebalance",
            value=regime.confidence,
            threshold=_REGIME_CONFIDENCE,
        )
    moved = reference.target.turnover_to(snapshot.target.weights)
    reason += f", {reference.regime} at the last rebalance; the target has moved by {moved:.1%}"
    if not regime.confidence >= _REGIME_CONFIDENCE:
        return quiet(Trigger.REGIME, reason, value=regime.confidence, threshold=_REGIME_CONFIDENCE)
    return fired(
        Trigger.REGIME,
        reason,
        severity=moved / _REGIME_TURNOVER,
        value=regime.confidence,
        threshold=_REGIME_CONFIDENCE,
    )
