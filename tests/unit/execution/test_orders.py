"""Client order ids, and the literal table of what may happen to an order."""

from __future__ import annotations

import itertools
import re

import pytest

from poise.domain.orders import FINAL, TRANSITIONS, OrderEvent, OrderStatus
from poise.errors import OrderTransitionError, ParameterError
from poise.execution import client_order_id
from tests.execution_makers import make_order


def test_an_id_is_what_every_venue_accepts() -> None:
    for leg in range(200):
        assert re.fullmatch(r"p[0-9a-z]{17}", client_order_id("binance", "plan", leg))


def test_the_same_order_has_the_same_id_in_every_process() -> None:
    assert client_order_id("paper", "plan-1", 0) == "paja1d3vwy1ga6taux"


def test_any_difference_gives_another_id() -> None:
    ids = {
        client_order_id(account, plan, leg, slice_, attempt)
        for account, plan, leg, slice_, attempt in itertools.product(
            ("a", "b"), ("x", "y"), range(5), range(5), range(5)
        )
    }
    assert len(ids) == 2 * 2 * 5**3
    assert client_order_id("a", "bc", 0) != client_order_id("ab", "c", 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("", "x", 0), "account"),
        (("a", "", 0), "plan"),
        (("a", "x", -1), "leg"),
        (("a", "x", 0, 0, -2), "attempt"),
    ],
)
def test_ids_need_names_and_counts(arguments: tuple[str, str, int], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        client_order_id(*arguments)


@pytest.mark.parametrize("status", OrderStatus)
@pytest.mark.parametrize("event", OrderEvent)
def test_an_order_moves_by_the_table_and_not_otherwise(status: OrderStatus, event: OrderEvent) -> None:
    order = make_order()
    object.__setattr__(order, "status", status)
    if (status, event) in TRANSITIONS:
        assert order.after(event).status is TRANSITIONS[status, event]
    else:
        with pytest.raises(OrderTransitionError, match=f"is {status}"):
            order.after(event)


def test_nothing_follows_a_final_state_and_every_other_state_has_an_end() -> None:
    assert not {status for status, _ in TRANSITIONS} & FINAL
    assert {status for status, _ in TRANSITIONS} | FINAL == set(OrderStatus)
    for status in set(OrderStatus) - FINAL:
        reached, frontier = set(), {status}
        while frontier:
            reached |= frontier
            frontier = {to for (at, _), to in TRANSITIONS.items() if at in frontier} - reached
        assert reached & FINAL


def test_an_unknown_order_is_never_sent_again() -> None:
    assert [s for s, e in TRANSITIONS if e is OrderEvent.SEND] == [OrderStatus.PLANNED]
