"""Tails, drawdowns and the account, along a history."""

from __future__ import annotations

import numpy as np

from poise import risk
from tests.causality.case import Case, returns

WEIGHTS = np.array([0.5, 0.3, 0.2])


def tracker(r):
    found, entries = risk.DrawdownTracker(), []
    for x in r:
        found.update(x)
        entries.append((found.drawdown, found.max_drawdown, found.ulcer_index, found.duration))
    return entries


def rolling_tail(r):
    found, entries = risk.RollingTailRisk(20), []
    for x in r:
        found.push(x)
        entries.append((found.value_at_risk, found.conditional_value_at_risk))
    return entries


def engine(R):
    found, entries = risk.RiskEngine(3, weights=WEIGHTS, half_life=10.0, window=25), []
    for row in R:
        found.update(row)
        entries.append(
            {
                "volatility": found.volatility,
                "covariance": found.covariance,
                "contributions": found.risk_contributions,
                "tail": (found.value_at_risk, found.conditional_value_at_risk),
                "account": (found.drawdown, found.max_drawdown),
            }
        )
    return entries


def filtered_history(R):
    found, entries = risk.FilteredHistory(3, window=40), []
    for row in R:
        found.push(row)
        entries.append({"volatility": found.volatility, "scenarios": found.scenarios()})
    return entries


def trial(r):
    """Each forecast from the returns before, judged by the return that followed."""
    found, entries = risk.VarBacktest(), []
    for t, x in enumerate(r):
        if t >= 20:
            tails = [risk.tail_risk(r[t - 20 : t], confidence_level=a) for a in risk.BACKTEST_LEVELS]
            found.observe(
                x, [tail.value_at_risk for tail in tails], [tail.conditional_value_at_risk for tail in tails]
            )
        entries.append(found.report())
    return entries


R = returns(70, gaps=False)
r = R[:, 0]

PATHS = {
    "drawdowns": risk.drawdowns,
    "rolling_value_at_risk": lambda r: risk.rolling_value_at_risk(r, window=20),
    "rolling_conditional_value_at_risk": lambda r: risk.rolling_conditional_value_at_risk(r, window=20),
    "rolling_tail_risk": lambda r: dict(
        zip(("value", "shortfall"), risk.rolling_tail_risk(r, window=20), strict=True)
    ),
}

CASES = {
    **{f"risk.{name}": Case(path, r, (f"risk.{name}",)) for name, path in PATHS.items()},
    "risk.DrawdownTracker": Case(tracker, r, ("risk.DrawdownTracker",)),
    "risk.RollingTailRisk": Case(rolling_tail, r, ("risk.RollingTailRisk",)),
    "risk.RiskEngine": Case(engine, R, ("risk.RiskEngine",)),
    "risk.FilteredHistory": Case(filtered_history, returns(), ("risk.FilteredHistory",)),
    "risk.VarBacktest": Case(
        trial, returns(300, seed=4, gaps=False)[:, 0], ("risk.VarBacktest",), rows=(280,)
    ),
}
