"""The journal: written first, read back after a crash, held by one, never forgetful."""

from __future__ import annotations

import os
import random
import re
import sqlite3
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from poise.domain.orders import Fill, OrderEvent, OrderStatus
from poise.errors import BrokerError, OrderTransitionError, OutputError, ParameterError, StateError
from poise.execution import Journal
from poise.execution.journal import shared_journal
from poise.execution.orders import mark_sent
from poise.typing import Money, Price, Quantity
from tests.execution_makers import NOON, make_order

ROOT = Path(__file__).parents[3]


def make_fill(quantity: str, *, name: str = "p00000000000000001") -> Fill:
    return Fill(
        client_order_id=name,
        symbol="BTC/USDT",
        side="buy",
        quantity=Quantity(Decimal(quantity)),
        price=Price(Decimal("100.125")),
        fee=Money(Decimal("0.00000001")),
        slippage=Money(Decimal("-0.125")),
        at=NOON,
    )


def intended(journal: Journal, quantity: str = "1", name: str = "p00000000000000001", plan: str = "x") -> str:
    journal.intend(make_order(quantity=quantity, name=name), account="a", plan=plan, leg=0)
    return name


def test_intent_then_events_then_fills() -> None:
    with Journal() as journal:
        name = intended(journal)
        assert journal.find(name) == make_order()
        assert journal.record(name, OrderEvent.SEND, at=NOON).status is OrderStatus.SENT
        assert (
            journal.record(name, OrderEvent.ACCEPT, at=NOON, venue_order_id="77").status is OrderStatus.OPEN
        )
        part = journal.record(name, OrderEvent.FILL_PART, at=NOON, fills={"t1": make_fill("0.4")})
        assert (part.status, part.filled) == (OrderStatus.PARTIALLY_FILLED, Decimal("0.4"))
        whole = journal.record(
            name, OrderEvent.FILL_ALL, at=NOON, fills={"t2": make_fill("0.6")}, reason="done"
        )
        assert whole == journal.find(name)
        assert whole.filled == 1
        assert journal.venue_order_id(name) == "77"
        assert journal.fills(plan="x") == (make_fill("0.4"), make_fill("0.6"))
        assert [event for event, _, _ in journal.events(name)] == ["send", "accept", "fill_part", "fill_all"]


def test_a_trade_reported_three_times_counts_once() -> None:
    with Journal() as journal:
        name = intended(journal)
        journal.record(name, OrderEvent.SEND, at=NOON)
        for _ in range(3):
            order = journal.record(name, OrderEvent.FILL_PART, at=NOON, fills={"t1": make_fill("0.4")})
        assert order.filled == Decimal("0.4")
        assert len(journal.fills(client_order_id=name)) == 1


def test_an_id_is_used_once() -> None:
    with Journal() as journal:
        assert not journal.used("p00000000000000001")
        name = intended(journal)
        assert journal.used(name)
        with pytest.raises(BrokerError, match="was used before; nothing was sent"):
            intended(journal, plan="another")


def test_an_order_is_sent_once_and_only_after_its_intent() -> None:
    with Journal() as journal:
        with pytest.raises(StateError, match="intend it before sending"):
            mark_sent(journal, make_order(), at=NOON)
        intended(journal)
        mark_sent(journal, make_order(), at=NOON)
        with pytest.raises(BrokerError, match="is sent; it is not sent again"):
            mark_sent(journal, make_order(), at=NOON)


def test_only_a_planned_order_is_intended() -> None:
    with Journal() as journal, pytest.raises(StateError, match="only a planned one"):
        journal.intend(make_order().after(OrderEvent.SEND), account="a", plan="x", leg=0)


def test_what_cannot_follow_changes_nothing() -> None:
    with Journal() as journal:
        name = intended(journal)
        with pytest.raises(OrderTransitionError):
            journal.record(name, OrderEvent.FILL_ALL, at=NOON, fills={"t": make_fill("1")})
        assert journal.find(name) == make_order()
        assert journal.fills() == ()
        assert journal.events(name) == ()


@pytest.mark.parametrize(
    ("event", "filled"),
    [(OrderEvent.FILL_PART, "1.1"), (OrderEvent.FILL_ALL, "0.9"), (OrderEvent.FILL_PART, "-0.1")],
)
def test_filled_quantities_must_make_sense(event: OrderEvent, filled: str) -> None:
    with Journal() as journal:
        name = intended(journal)
        journal.record(name, OrderEvent.SEND, at=NOON)
        with pytest.raises(StateError, match="reconcile"):
            journal.record(name, event, at=NOON, filled=Quantity(Decimal(filled)))


def test_filled_never_shrinks() -> None:
    with Journal() as journal:
        name = intended(journal)
        journal.record(name, OrderEvent.SEND, at=NOON)
        journal.record(name, OrderEvent.FILL_PART, at=NOON, filled=Quantity(Decimal("0.5")))
        with pytest.raises(StateError, match=r"from 0\.5 to 0\.4"):
            journal.record(name, OrderEvent.CANCEL, at=NOON, filled=Quantity(Decimal("0.4")))


def test_questions_are_narrowed_by_plan_and_account() -> None:
    with Journal() as journal:
        first = intended(journal, name="p1", plan="x")
        second = intended(journal, name="p2", plan="y")
        journal.record(first, OrderEvent.REFUSE, at=NOON, reason="no")
        assert [o.client_order_id for o in journal.orders()] == [first, second]
        assert [o.client_order_id for o in journal.orders("y")] == [second]
        assert [o.client_order_id for o in journal.unsettled("a")] == [second]
        assert journal.unsettled("b") == ()
        assert journal.find("p3") is None
        assert journal.venue_order_id("p3") is None


def test_a_plan_is_claimed_once() -> None:
    with Journal() as journal:
        journal.begin("a", "x", at=NOON)
        with pytest.raises(BrokerError, match="begun and not finished"):
            journal.begin("a", "x", at=NOON)
        journal.begin("b", "x", at=NOON)
        intended(journal)
        journal.end("a", "x", at=NOON)
        with pytest.raises(BrokerError, match="executed until 2021-06-01"):
            journal.begin("a", "x", at=NOON)


def test_a_plan_without_orders_is_free_again() -> None:
    with Journal() as journal:
        journal.begin("a", "x", at=NOON)
        journal.end("a", "x", at=NOON)
        journal.begin("a", "x", at=NOON)


def test_everything_survives_reopening(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "journal.sqlite"
    with Journal.at(path) as journal:
        journal.begin("a", "x", at=NOON)
        journal.begin("a", "left without an order", at=NOON)
        name = intended(journal, quantity="0.000000012345")
        journal.record(name, OrderEvent.SEND, at=NOON)
        fill = make_fill("0.000000012345")
        journal.record(name, OrderEvent.FILL_ALL, at=NOON, fills={"t": fill})
        before = journal.find(name)
    with Journal(f"sqlite:///{path}") as journal:
        assert journal.find(name) == before
        assert journal.fills(client_order_id=name, since=NOON) == (fill,)
        with pytest.raises(BrokerError, match="executed once"):
            journal.begin("a", "x", at=NOON)
        # Nobody can still be at work on it: the lock was free.
        journal.begin("a", "left without an order", at=NOON)


def test_a_file_is_synced_and_written_ahead(tmp_path: Path) -> None:
    with Journal.at(tmp_path / "j") as journal, journal._engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


def test_what_was_journalled_survives_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "j"
    code = (
        "import os, signal\n"
        "from poise.execution import Journal\n"
        "from poise.domain.orders import OrderEvent\n"
        "from tests.execution_makers import NOON, make_order\n"
        f"journal = Journal.at({str(path)!r})\n"
        "journal.begin('a', 'x', at=NOON)\n"
        "journal.intend(make_order(), account='a', plan='x', leg=0)\n"
        "journal.record('p00000000000000001', OrderEvent.SEND, at=NOON)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == -9, done.stderr
    with Journal.at(path) as journal:
        assert [o.status for o in journal.unsettled("a")] == [OrderStatus.SENT]


def test_a_second_holder_is_told_who_has_it(tmp_path: Path) -> None:
    path = tmp_path / "j"
    with Journal.at(path):
        with pytest.raises(BrokerError, match=f"in use by process {os.getpid()} on .* nothing was sent"):
            Journal.at(path)
        code = f"from poise.execution import Journal\nJournal.at({str(path)!r})"
        done = subprocess.run(
            [sys.executable, "-c", code], check=False, capture_output=True, text=True, cwd=ROOT
        )
        assert done.returncode == 1
        assert re.search(f"BrokerError: .* in use by process {os.getpid()} on", done.stderr)
    Journal.at(path).close()


def test_one_process_shares_a_journal_between_its_brokers(tmp_path: Path) -> None:
    path = tmp_path / "j"
    first = shared_journal(path)
    assert shared_journal(path) is first
    first.close()
    second = shared_journal(path)
    assert second is not first
    second.close()


def test_the_shared_journal_lies_in_the_state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with shared_journal() as journal:
        assert journal.path == tmp_path / "poise" / "journal.sqlite"


def test_a_dropped_journal_frees_its_lock(tmp_path: Path) -> None:
    journal = Journal.at(tmp_path / "j")
    del journal
    Journal.at(tmp_path / "j").close()


def test_a_closed_journal_says_so() -> None:
    journal = Journal()
    journal.close()
    journal.close()
    with pytest.raises(StateError, match="closed"):
        journal.find("p1")


@pytest.mark.parametrize("damage", ["garbage", "torn", "foreign", "newer", "bad number"])
def test_a_damaged_file_is_refused(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "j"
    with Journal.at(path) as journal:
        for n in range(200):
            intended(journal, name=f"p{n}", plan=f"{n}")
    if damage == "garbage":
        path.write_bytes(b"not a database " * 1_000)
    elif damage == "torn":
        whole = bytearray(path.read_bytes())
        whole[4096:] = random.Random(1).randbytes(len(whole) - 4096)
        path.write_bytes(whole)
    elif damage == "foreign":
        path.unlink()
        with sqlite3.connect(path) as other:
            other.execute("CREATE TABLE t (x)")
        other.close()
    elif damage == "newer":
        with sqlite3.connect(path) as other:
            other.execute("PRAGMA user_version=99")
        other.close()
    else:
        with sqlite3.connect(path) as other:
            other.execute("UPDATE orders SET quantity = 'many'")
        other.close()
    with (
        pytest.raises(StateError, match=r"damaged|no journal|update poise|cannot be read"),
        Journal.at(path) as journal,
    ):
        journal.orders()


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot make"):
        Journal.at(tmp_path / "file" / "j")
    (tmp_path / "j").mkdir()
    with pytest.raises(OutputError, match="cannot open the journal"):
        Journal.at(tmp_path / "j")


def test_a_failed_write_is_told_and_nothing_is_kept(tmp_path: Path) -> None:
    with Journal.at(tmp_path / "j") as journal:
        with journal._engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA query_only=ON")
        with pytest.raises(OutputError, match="What is not journalled is not sent"):
            intended(journal)
        assert journal.orders() == ()


def test_a_forked_child_may_not_write(monkeypatch: pytest.MonkeyPatch) -> None:
    with Journal() as journal:
        monkeypatch.setattr(os, "getpid", lambda: -1)
        with pytest.raises(BrokerError, match="after forking"):
            journal.orders()


@pytest.mark.parametrize("url", ["postgresql://host/db", "sqlite:/x", "journal.sqlite", ""])
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(ParameterError, match="journal URL"):
        Journal(url)


def test_times_need_a_zone() -> None:
    with Journal() as journal, pytest.raises(ParameterError, match="no timezone"):
        journal.begin("a", "x", at=NOON.replace(tzinfo=None))
