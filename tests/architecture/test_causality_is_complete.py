"""Whatever is public and reads a history has a causality case."""

import importlib

from tests.causality import COVERED, NO_HISTORY

ROOMS = ("moments", "risk", "performance", "regime", "strategy", "universe", "decision", "backtest", "market")


def test_every_public_name_has_a_case_or_a_reason_for_none() -> None:
    public = {f"{room}.{name}" for room in ROOMS for name in importlib.import_module(f"poise.{room}").__all__}
    public.add("poise.EnhancedPortfolioStrategy")
    neither = sorted(public - COVERED - set(NO_HISTORY))
    assert not neither, f"give {neither} a case in tests/causality, or a reason in exempt.py"
    assert sorted((COVERED | set(NO_HISTORY)) - public) == [], "no longer public"


def test_a_case_and_a_reason_for_none_exclude_each_other() -> None:
    assert sorted(COVERED & set(NO_HISTORY)) == []
