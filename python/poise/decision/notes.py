"""What to keep in mind about a decision, each beginning with a stable word and a colon."""

from __future__ import annotations

import math
from collections.abc import Iterable

from poise.domain.conditions import MarketConditions
from poise.domain.regime import RegimeState
from poise.strategy import Outlook

_TOLD_ONCE = frozenset({"declared", "liquidity_unknown", "untiered"})
"""Several rooms notice these, each in its own words."""


def told_once(warnings: Iterable[str]) -> tuple[str, ...]:
    """Return the warnings without repeats; of figures that nobody knows the first to say so is enough."""
    told: dict[str, str] = {}
    for warning in warnings:
        word = warning.partition(":")[0]
        told.setdefault(word if word in _TOLD_ONCE else warning, warning)
    return tuple(told.values())


def cycle_notes(
    outlook: Outlook, conditions: MarketConditions, regime: RegimeState | None
) -> tuple[str, ...]:
    """Return the warnings of the estimators: who is warming, whose liquidity is unknown."""
    found = list(outlook.warnings)
    if regime is None:
        found.append(
            "warming: the regime detector has seen fewer than 20 bars; all regimes are as likely; "
            "pass a longer history"
        )
    unknown = [
        s
        for s, volume in zip(conditions.symbols, conditions.dollar_volume.tolist(), strict=True)
        if not math.isfinite(volume)
    ]
    if unknown:
        found.append(
            f"liquidity_unknown: no dollar volume for {_some(unknown)}; impact is taken as 0, "
            "participation unchecked; pass volumes"
        )
    return tuple(found)


def _some(symbols: list[str]) -> str:
    shown = ", ".join(symbols[:3])
    return shown if len(symbols) <= 3 else f"{shown} and {len(symbols) - 3} more"
