import math
from decimal import Decimal

import numpy as np
import pytest

from poise.costs import CostModel
from poise.errors import UnknownSymbolError
from poise.rebalancing import BookSnapshot, LotRules, RebalanceRules
from poise.rebalancing.benefit import daily_risk
from poise.rebalancing.desk import Desk
from poise.rebalancing.plan import plan_full, plan_partial, plan_risk_reduction
from tests.reference.rebalancing import book

RULES = RebalanceRules(max_daily_turnover=1.0, cash_buffer=0.0)
COSTS = CostModel(fee_bps=10.0, default_spread_bps=10.0, impact_coefficient=0.0)


def desk(
    snapshot: BookSnapshot,
    rules: RebalanceRules = RULES,
    costs: CostModel = COSTS,
    lots: dict[str, LotRules] | None = None,
    turnover_left: float = 1.0,
    purchases_left: float = math.inf,
) -> Desk:
    return Desk(
        snapshot=snapshot,
        rules=rules,
        costs=costs,
        lots=lots or {},
        risk=daily_risk(snapshot.conditions),
        turnover_left=turnover_left,
        purchases_left=purchases_left,
    )


def test_a_full_plan_goes_to_the_target_by_hand() -> None:
    plan = plan_full(desk(book([0.5, 0.1], [0.3, 0.4])))
    # 2,000 USD of A0 out and 3,000 USD of A1 in, at 100 USD each and 15 basis points.
    assert plan.quantities == pytest.approx([-20.0, 30.0])
    assert plan.notionals == pytest.approx([-2_000.0, 3_000.0])
    assert plan.costs == pytest.approx([3.0, 4.5])
    assert plan.cost == pytest.approx(7.5)
    # 10,000 * 20 * 1.5 * (0.2^2 + 0.3^2 - 2 * 0.5 * 0.2 * 0.3) * 0.04^2 = 33.6 USD.
    assert plan.benefit == pytest.approx(33.6)
    assert plan.net == pytest.approx(26.1)


def test_nothing_held_without_conditions() -> None:
    snapshot = book([0.5], [0.5], positions={"A0": 50.0, "A1": 3.0})
    with pytest.raises(UnknownSymbolError, match="A1"):
        desk(snapshot)


# --- dust and closing


def test_dust_is_left_out_and_named() -> None:
    plan = plan_full(desk(book([0.5, 0.1], [0.3, 0.16], value=100.0)))
    assert plan.quantities[0] < 0.0
    assert plan.quantities[1] == 0.0
    assert any("smallest order of 10.00 USD: A1" in note for note in plan.notes)


def test_what_is_inside_its_no_trade_region_is_left_alone() -> None:
    # Half-width at 28 % and 15 basis points: (3 * 0.0015 * 0.28^2 * 0.72^2 / 6)^(1/3) = 3.1 %.
    assert plan_full(desk(book([0.5, 0.3], [0.3, 0.28]))).quantities[1] == 0.0
    assert plan_full(desk(book([0.5, 0.32], [0.3, 0.28]))).quantities[1] == pytest.approx(-4.0)


def test_closing_a_position_may_be_smaller_than_the_smallest_order() -> None:
    plan = plan_full(desk(book([0.5, 0.0004], [0.3, 0.0])))
    assert plan.quantities[1] == pytest.approx(-0.04)


def test_a_closed_position_leaves_no_crumb() -> None:
    held = 12.345678901234
    snapshot = book([0.5], [0.0], positions={"A0": held}, prices=5_000.0 / held)
    sold = -plan_full(desk(snapshot)).quantities[0]
    assert 0.0 <= held - sold < 1e-8


def test_a_sale_that_would_leave_less_than_the_smallest_order_closes() -> None:
    plan = plan_full(desk(book([0.5, 0.1], [0.5, 0.0005])))
    assert plan.quantities[1] == pytest.approx(-10.0)


def test_the_minimum_of_the_venue_binds_closing_orders_too() -> None:
    lots = {"A1": LotRules(min_notional=5.0)}
    plan = plan_full(desk(book([0.5, 0.0004], [0.3, 0.0]), lots=lots))
    assert plan.quantities[1] == 0.0


# --- caps


def test_the_turnover_cap_scales_all_legs_alike() -> None:
    snapshot = book([0.5, 0.1], [0.3, 0.4])
    plan = plan_full(desk(snapshot, turnover_left=0.15))
    assert plan.notionals == pytest.approx([-1_000.0, 1_500.0])
    assert any("scaled to 50%" in note for note in plan.notes)


def test_a_used_up_turnover_stops_everything() -> None:
    plan = plan_full(desk(book([0.5, 0.1], [0.3, 0.4]), turnover_left=0.0))
    assert plan.empty
    assert any("used up" in note for note in plan.notes)


def test_a_cap_on_purchases_leaves_the_sales_alone() -> None:
    snapshot = book([0.5, 0.1, 0.0], [0.3, 0.3, 0.2])
    plan = plan_full(desk(snapshot, purchases_left=0.1))
    assert plan.notionals == pytest.approx([-2_000.0, 500.0, 500.0], rel=1e-8)
    assert plan.notionals[1:].sum() <= 1_000.0
    assert any(
        note.startswith("purchases scaled to 25%: ") and "in this regime" in note for note in plan.notes
    )
    spent = plan_full(desk(snapshot, purchases_left=0.0))
    assert spent.notionals == pytest.approx([-2_000.0, 0.0, 0.0])


def test_a_lot_is_not_added_beyond_the_cap_on_purchases() -> None:
    snapshot = book([0.0], [0.3], prices=[400.0])
    free = plan_full(desk(snapshot, lots={"A0": SHARES}, purchases_left=0.31))
    assert free.quantities.tolist() == [7.0]
    assert plan_full(desk(snapshot, lots={"A0": SHARES}, purchases_left=0.27)).quantities.tolist() == [6.0]


def test_the_participation_cap_cuts_a_leg() -> None:
    snapshot = book([0.5, 0.1], [0.3, 0.4], dollar_volume=[1e9, 20_000.0])
    plan = plan_full(desk(snapshot))
    assert plan.notionals == pytest.approx([-2_000.0, 2_000.0])
    assert any("10% of a day's volume: A1" in note for note in plan.notes)


def test_unknown_volume_is_told() -> None:
    plan = plan_full(desk(book([0.5, 0.1], [0.3, 0.4], dollar_volume=[1e9, math.nan])))
    assert any(note.startswith("liquidity_unknown") and note.endswith("A1") for note in plan.notes)


def test_an_asset_without_volume_is_not_traded() -> None:
    plan = plan_full(desk(book([0.5, 0.1], [0.3, 0.4], dollar_volume=[1e9, 0.0])))
    assert plan.quantities[1] == 0.0
    assert math.isfinite(plan.cost)


def test_an_asset_without_price_is_not_traded_and_told() -> None:
    plan = plan_full(desk(book([0.5, 0.2], [0.3, 0.0], prices=[100.0, math.nan])))
    assert plan.quantities.tolist() == [pytest.approx(-20.0), 0.0]
    assert any(note == "no price at this bar: A1" for note in plan.notes)


# --- cash


def test_purchases_leave_the_buffer_after_costs() -> None:
    rules = RebalanceRules(cash_buffer=0.02, max_daily_turnover=1.0)
    plan = plan_full(desk(book([0.0, 0.0], [0.5, 0.5]), rules=rules))
    spent = plan.notionals.sum() + plan.cost
    assert spent == pytest.approx(9_800.0, abs=1e-4)
    assert spent <= 9_800.0
    assert plan.notionals[0] == pytest.approx(plan.notionals[1])
    assert any("purchases scaled" in note for note in plan.notes)


def test_purchases_are_paid_by_the_sales_less_their_costs() -> None:
    plan = plan_full(desk(book([1.0, 0.0], [0.5, 0.5])))
    assert plan.quantities[0] == pytest.approx(-50.0)
    assert plan.notionals[1] + plan.costs.sum() == pytest.approx(5_000.0, abs=1e-4)


def test_without_cash_nothing_is_bought() -> None:
    plan = plan_full(desk(book([0.5, 0.0], [0.5, 0.3], cash=-100.0)))
    assert plan.empty
    assert any("no cash" in note for note in plan.notes)


def test_an_impact_that_grows_with_size_is_paid_for_too() -> None:
    costs = CostModel(impact_coefficient=1.0, participation_cap=1.0)
    snapshot = book([0.0, 0.0], [0.6, 0.4], dollar_volume=[1e4, 1e5])
    plan = plan_full(desk(snapshot, costs=costs))
    assert plan.notionals.sum() + plan.cost <= 10_000.0
    assert plan.cost > 100.0


def test_a_sale_that_costs_more_than_it_brings_is_left() -> None:
    plan = plan_full(desk(book([0.5], [0.0]), costs=CostModel(fee_bps=9_999.0)))
    assert plan.empty
    assert any("cost more than it brings: A0" in note for note in plan.notes)


def test_a_short_position_is_bought_back_never_sold() -> None:
    plan = plan_full(desk(book([-0.2, 0.4], [0.0, 0.4])))
    assert plan.quantities.tolist() == [pytest.approx(20.0), 0.0]


# --- lots

SHARES = LotRules(step=Decimal(1))


def test_whole_shares_spend_the_rest_on_the_largest_remainder() -> None:
    snapshot = book(
        [0.0, 0.0, 0.0], [0.3, 0.3, 0.3], prices=[400.0, 700.0, 1_100.0], correlation=0.0, value=10_000.0
    )
    plan = plan_full(desk(snapshot, lots=dict.fromkeys(snapshot.symbols, SHARES)))
    # 7.5, 4.29 and 2.73 shares: floored 7, 4, 2; the third and first are rounded up while it pays.
    assert plan.quantities.tolist() == [7.0, 4.0, 3.0]
    assert plan.notionals.sum() + plan.cost <= 10_000.0


def test_a_lot_is_not_added_beyond_the_cash() -> None:
    # 2.87 shares can be paid for, and a third would bring the book nearer.
    snapshot = book([0.0], [1.0], prices=[400.0], value=1_150.0)
    rules = RebalanceRules(cash_buffer=0.0, max_daily_turnover=1.0, max_position_size=1.0)
    plan = plan_full(desk(snapshot, rules=rules, lots={"A0": SHARES}))
    assert plan.quantities.tolist() == [2.0]


def test_a_lot_is_not_added_beyond_the_largest_position() -> None:
    snapshot = book([0.0], [0.35], prices=[400.0], value=2_000.0)
    lots = {"A0": SHARES}
    capped = RebalanceRules(cash_buffer=0.0, max_position_size=0.35)
    assert plan_full(desk(snapshot, rules=capped, lots=lots)).quantities.tolist() == [1.0]
    free = RebalanceRules(cash_buffer=0.0, max_position_size=1.0)
    assert plan_full(desk(snapshot, rules=free, lots=lots)).quantities.tolist() == [2.0]


def test_a_lot_does_not_stand_in_for_another_asset() -> None:
    # A0 is beyond the cap on purchases; a share of A1, its twin, would bring the book nearer and A1 farther.
    snapshot = book([0.0, 0.0], [0.3, 0.08], prices=[400.0, 200.0], correlation=0.95, value=1_000.0)
    plan = plan_full(desk(snapshot, lots=dict.fromkeys(snapshot.symbols, SHARES), purchases_left=0.25))
    assert plan.quantities.tolist() == [0.0, 0.0]
    nearer = book([0.0, 0.0], [0.3, 0.12], prices=[400.0, 200.0], correlation=0.95, value=1_000.0)
    plan = plan_full(desk(nearer, lots=dict.fromkeys(nearer.symbols, SHARES), purchases_left=0.25))
    assert plan.quantities.tolist() == [0.0, 1.0]


# --- partial and risk reduction


def test_a_partial_plan_takes_the_legs_worth_their_cost() -> None:
    # Independent assets: benefits 270 x^2 USD of 10,000 x 0.0015 x USD cost, x the gap.
    snapshot = book([0.3, 0.3, 0.3], [0.1, 0.265, 0.3], correlation=0.0, volatility=0.03)
    made = desk(snapshot)
    full = plan_full(made)
    assert full.benefits == pytest.approx([270.0 * 0.2**2, 270.0 * 0.035**2, 0.0])
    assert full.costs == pytest.approx([3.0, 0.525, 0.0])
    partial = plan_partial(made, full, benefit_per_cost=1.0)
    assert partial.quantities == pytest.approx([-20.0, 0.0, 0.0])
    assert partial.net > full.net
    assert plan_partial(made, full, benefit_per_cost=0.5).same_legs(full)
    assert plan_partial(made, full, benefit_per_cost=10.0).empty


def test_a_risk_reduction_only_sells_toward_the_target() -> None:
    plan = plan_risk_reduction(desk(book([0.5, 0.1, 0.3], [0.3, 0.4, 0.0])))
    assert plan.quantities == pytest.approx([-20.0, 0.0, -30.0])
    assert plan.scope == "risk_reduction"


def test_the_benefit_is_what_the_rounded_legs_earn() -> None:
    made = desk(book([0.5, 0.1], [0.3, 0.4]), lots=dict.fromkeys(("A0", "A1"), LotRules(step=Decimal(7))))
    plan = plan_full(made)
    assert plan.quantities.tolist() == [-14.0, 28.0]
    gap = np.array([0.2, -0.3])
    after = gap + plan.notionals / 10_000.0
    covariance = made.risk.covariance
    expected = 10_000.0 * 20.0 * 1.5 * (gap @ covariance @ gap - after @ covariance @ after)
    assert plan.benefit == pytest.approx(expected)


def test_a_hedge_is_kept_where_its_partner_cannot_be_sold() -> None:
    # A1 hedges A0. Selling both lowers risk, but a tenth of an A0 is below its lot.
    covariance = np.array([[1.0, -0.8], [-0.8, 1.0]]) * 0.04**2
    snapshot = book([0.5, 0.3], [0.49, 0.0], covariance=covariance, prices=[1_000.0, 100.0])
    both = plan_risk_reduction(desk(book([0.5, 0.3], [0.0, 0.0], covariance=covariance)))
    assert both.quantities == pytest.approx([-50.0, -30.0])
    kept = plan_risk_reduction(desk(snapshot, lots={"A0": LotRules(step=Decimal(1))}))
    assert kept.empty


def test_a_lot_is_not_added_beyond_the_participation_cap() -> None:
    lots = {"A0": SHARES}
    rules = RebalanceRules(cash_buffer=0.0, max_position_size=1.0)
    # 1.75 shares are wanted; a tenth of the volume is 900 or 700 USD.
    ample = book([0.0], [0.35], prices=[400.0], value=2_000.0, dollar_volume=9_000.0)
    assert plan_full(desk(ample, rules=rules, lots=lots)).quantities.tolist() == [2.0]
    thin = book([0.0], [0.35], prices=[400.0], value=2_000.0, dollar_volume=7_000.0)
    assert plan_full(desk(thin, rules=rules, lots=lots)).quantities.tolist() == [1.0]


def test_the_last_cent_is_never_overdrawn(rng: np.random.Generator) -> None:
    for _ in range(300):
        target = rng.dirichlet(np.ones(4))
        snapshot = book(np.zeros(4), target, prices=10.0 ** rng.uniform(-4.0, 5.0, 4))
        plan = plan_full(desk(snapshot))
        assert not plan.empty
        assert 10_000.0 - float(plan.notionals.sum()) - plan.cost >= 0.0
