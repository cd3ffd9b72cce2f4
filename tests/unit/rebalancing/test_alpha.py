"""What expected returns change about a rebalance: its benefit, never its direction, and costs still rule."""

import numpy as np
import pytest

from poise.costs import CostModel
from poise.domain.proposals import Proposals, Trigger
from poise.errors import NonFiniteError, ShapeError
from poise.rebalancing import BookSnapshot, RebalanceEngine, RebalanceRules
from poise.rebalancing.benefit import TrackingUtility, daily_risk
from poise.rebalancing.readings import fired, quiet
from tests.reference.rebalancing import book, regime

RULES = RebalanceRules(holding_period_days=20.0, risk_aversion=3.0)
CALL = tuple(
    fired(t, "it is called", severity=0.25, value=1.0, threshold=1.0)
    if t is Trigger.TIME
    else quiet(t, "calm", value=0.0, threshold=1.0)
    for t in Trigger
)


def utility_of(snapshot: BookSnapshot, *, idle_days: float = 0.0) -> TrackingUtility:
    return TrackingUtility.of(
        snapshot, daily_risk(snapshot.conditions).covariance, RULES, idle_days=idle_days
    )


def proposed(snapshot: BookSnapshot, fee_bps: float = 10.0) -> Proposals:
    return RebalanceEngine(RULES, CostModel(fee_bps=fee_bps)).propose(snapshot, CALL)


def test_the_gain_by_hand() -> None:
    # 120 USD of tracking as without; 10,000 USD * 20 days * 0.0005 a day * 0.5 = 50 USD of return.
    snapshot = book([0.0], [0.5], volatility=0.04, alpha=[0.0005])
    change = np.array([0.5])
    assert utility_of(snapshot).benefit(change) == pytest.approx(170.0)
    assert utility_of(snapshot).expected_gain(change) == pytest.approx(50.0)
    # Selling what is expected to rise costs as much as buying it gains.
    assert utility_of(snapshot).expected_gain(-change) == pytest.approx(-50.0)


@pytest.mark.parametrize("idle_days", [0.0, 300.0])
def test_a_signal_is_believed_for_the_holding_period_however_long_the_gap_lasts(idle_days: float) -> None:
    snapshot = book([0.0], [0.5], alpha=[0.0005], state=regime())
    utility = utility_of(snapshot, idle_days=idle_days)
    assert utility.horizon_days == max(30.0, idle_days)
    assert utility.expected_gain(np.array([0.5])) == pytest.approx(50.0)


def test_shares_still_sum_to_the_whole() -> None:
    snapshot = book([0.1, 0.4], [0.5, 0.2], alpha=[0.001, -0.0004])
    changes = np.array([0.3, -0.1])
    utility = utility_of(snapshot)
    assert utility.shares(changes).sum() == pytest.approx(utility.benefit(changes), rel=1e-12)


def test_no_alpha_changes_nothing_to_the_last_bit() -> None:
    arguments = ([0.1, 0.5, 0.0], [0.3, 0.3, 0.2])
    without, zero = proposed(book(*arguments)), proposed(book(*arguments, alpha=[0.0, 0.0, 0.0]))
    assert without
    assert zero == without


def test_what_did_not_pay_alone_pays_with_an_expected_return() -> None:
    arguments = {"held": [0.20], "target": [0.28], "volatility": 0.02}
    assert "from signals" not in (proposed(book(**arguments)).no_trade_because or "")
    assert not proposed(book(**arguments))
    traded = proposed(book(**arguments, alpha=[0.0005]))
    assert [t.side for t in traded[0].trades] == ["buy"]
    # 10,000 USD * 20 days * 0.0005 * 0.08.
    assert any("(+8.00 USD of it from signals)" in reason for reason in traded[0].reasons)


def test_an_expected_loss_holds_a_purchase_back() -> None:
    arguments = {"held": [0.2], "target": [0.35], "volatility": 0.04}
    assert proposed(book(**arguments))
    refused = proposed(book(**arguments, alpha=[-0.002]))
    assert not refused
    assert "(-60.00 USD of it from signals)" in refused.no_trade_because


def test_costs_still_rule() -> None:
    snapshot = book([0.2], [0.28], volatility=0.02, alpha=[0.0005])
    assert proposed(snapshot)
    assert "below" in proposed(snapshot, fee_bps=200.0).no_trade_because


def test_the_partial_plan_takes_the_leg_that_is_expected_to_earn() -> None:
    # Neither pays alone; one is expected to earn 20 USD, the other to lose as much.
    arguments = {"held": [0.2, 0.2], "target": [0.3, 0.3], "volatility": 0.01, "correlation": 0.0}
    assert not proposed(book(**arguments))
    chosen = proposed(book(**arguments, alpha=[0.001, -0.001]))
    assert chosen[0].scope == "partial"
    assert [t.symbol for t in chosen[0].trades] == ["A0"]


def test_an_alpha_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ShapeError, match="alpha has shape"):
        book([0.1, 0.2], [0.2, 0.1], alpha=[0.1])
    with pytest.raises(NonFiniteError, match="alpha of A1 is nan"):
        book([0.1, 0.2], [0.2, 0.1], alpha=[0.1, np.nan])
