"""What to keep in mind about a decision, each beginning with a stable word and a colon."""

from __future__ import annotations

import math

from poise.domain.conditions import MarketConditions
from poise.domain.regime import RegimeState
from poise.strategy import Outlook


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
