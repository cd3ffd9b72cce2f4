"""Signals, limits and targets, along a history."""

from __future__ import annotations

import numpy as np

from poise.domain.prices import as_datetime
from poise.regime import RegimeDetector
from poise.strategy import (
    ExposureRule,
    FactorSkill,
    OutlookEstimator,
    Policy,
    PolicyRules,
    measure_intraday_trend,
    position_limits,
    score_signals,
)
from poise.testing import simulated_market
from poise.universe import judge_universe
from tests.causality.case import Case, daily


def chain(panel):
    """Everything between returns and weights, each part fed by the one before; read at every bar."""
    symbols, returns = panel.symbols, np.vstack([np.full((1, panel.n_assets), np.nan), panel.to_returns()])
    outlooks, detector = OutlookEstimator(symbols), RegimeDetector()
    exposures = ExposureRule(periods_per_year=panel.periods_per_year)
    skills, policy, target = FactorSkill(horizon=5), Policy(), None
    path = {name: [] for name in ("outlook", "regime", "signals", "skill", "exposure", "limits", "target")}
    for t, row in enumerate(returns):
        closes = panel.closes[: t + 1]
        outlook = outlooks.partial_fit(row).outlook()
        regime = detector.partial_fit(row).state_
        skill = skills.learn(t, closes)
        book = score_signals(
            symbols, closes, regime=regime, outlook=outlook, target=target, skill=skill, sectors=SECTORS
        )
        skills.remember(t, book.scores)
        exposure = exposures.update(outlooks.base_return, regime=regime)
        limits = position_limits(symbols, PolicyRules(), correlation=outlook.correlation, sectors=SECTORS)
        book_target = policy.decide(outlook, book, regime, exposure)
        target = book_target.weights
        entries = (outlook, regime, dict(book), skill, exposure, limits, book_target)
        for name, entry in zip(path, entries, strict=True):
            path[name].append(entry)
    return path


def intraday(panel):
    """The trend of four hours as it was at every close, out of the whole panel."""
    return [
        measure_intraday_trend(panel, until=as_datetime(closed)) if row % 6 == 0 else None
        for row, closed in enumerate(panel.closed)
    ]


def universe(panel):
    """Judged again every ten days, each judgement following the tiers of the one before."""
    entries, tiers, judgement = [], None, None
    for n in range(1, panel.n_observations + 1):
        if n % 10 == 0:
            judgement = judge_universe(panel.rows(0, n), previous=tiers)
            tiers = judgement.tiers
        entries.append(judgement)
    return entries


DAILY = daily(170)
SECTORS = dict(zip(DAILY.symbols, ("a", "a", "b", "b"), strict=True))
HOURLY = simulated_market(seed=4, n_assets=2, days=8, bar_seconds=3600.0).panel

CASES = {
    "strategy": Case(
        chain,
        DAILY,
        (
            "strategy.OutlookEstimator",
            "strategy.ExposureRule",
            "strategy.FactorSkill",
            "strategy.Policy",
            "strategy.position_limits",
            "strategy.score_signals",
        ),
        rows=(80, 160),
        scale=0.05,
    ),
    "strategy.measure_intraday_trend": Case(
        intraday, HOURLY, ("strategy.measure_intraday_trend",), rows=(101, 150), scale=0.05
    ),
    "universe": Case(
        universe,
        daily(120),
        (
            "universe.judge_universe",
            "universe.observe_assets",
            "universe.quality_scores",
            "universe.assign_tiers",
        ),
        rows=(59, 104),
        scale=0.05,
    ),
}
