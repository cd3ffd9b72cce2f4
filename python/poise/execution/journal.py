"""The journal: intent before the order leaves, then everything that became of it."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from poise.domain.orders import FINAL, Fill, Order, OrderEvent, OrderStatus
from poise.errors import BrokerError, OutputError, StateError
from poise.execution.journal_store import (
    file_of,
    fill_of,
    open_engine,
    order_of,
    row_of_fill,
    row_of_order,
    tables,
    text_of,
)
from poise.execution.locks import acquire_lock, release_lock
from poise.typing import Quantity

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine


class Journal:
    """What was meant, sent, answered and filled; written before the world is touched.

    Every change is one transaction. A file is written ahead (WAL) and synced before a method returns, and
    only one journal object on the machine can hold it.

    Parameters
    ----------
    url : str, default="sqlite://"
        ``sqlite://`` for memory or ``sqlite:///path``. Missing folders are made.

    Raises
    ------
    BrokerError
        If another process (or another journal object) holds the file; the message says who.
    StateError
        If the file is damaged, no journal, or newer than this version.
    OutputError
        If the file cannot be opened, locked or written.
    """

    def __init__(self, url: str = "sqlite://") -> None:
        self.path: Path | None = file_of(url)
        descriptor = None
        if self.path is not None:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            except OSError as error:
                raise OutputError(f"cannot make {self.path.parent}: {error.strerror}") from error
            descriptor = acquire_lock(self.path)
        try:
            self._engine = open_engine(self.path)
        except BaseException:
            _shut(None, descriptor)
            raise
        self._pid = os.getpid()
        self._mutex = threading.RLock()
        self._closer = weakref.finalize(self, _shut, self._engine, descriptor)
        self._forget_empty_plans()

    @classmethod
    def at(cls, path: str | Path) -> Journal:
        """Open the journal in the file `path`."""
        return cls(f"sqlite:///{Path(path).expanduser().absolute()}")

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return not self._closer.alive

    def close(self) -> None:
        """Close the database and free its lock; closing twice does nothing."""
        self._closer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Plans: each is executed once.

    def begin(self, account: str, plan: str, *, at: datetime) -> None:
        """Claim a plan; of many callers exactly one succeeds.

        Raises
        ------
        BrokerError
            If the plan was begun before, finished or not.
        """
        plans = tables().plans
        with self._transaction() as connection:
            row = connection.execute(
                plans.select().where(plans.c.account == account, plans.c.plan == plan)
            ).one_or_none()
            if row is not None:
                state = f"executed until {row.ended}" if row.ended else "begun and not finished"
                raise BrokerError(
                    f"proposal {plan} was {state} on account {account} (begun {row.begun}); a proposal is "
                    "executed once and nothing was sent now. Evaluate again for a fresh one"
                )
            connection.execute(plans.insert().values(account=account, plan=plan, begun=text_of(at)))

    def end(self, account: str, plan: str, *, at: datetime) -> None:
        """Close a plan; one that led to no order is freed and may be executed later."""
        plans, orders = tables().plans, tables().orders
        mine = (plans.c.account == account) & (plans.c.plan == plan)
        with self._transaction() as connection:
            sent = connection.execute(
                orders.select().where(orders.c.account == account, orders.c.plan == plan).limit(1)
            ).first()
            change = plans.delete() if sent is None else plans.update().values(ended=text_of(at))
            connection.execute(change.where(mine))

    # Orders: intent first, then what happened.

    def intend(
        self, order: Order, *, account: str, plan: str, leg: int, slice_: int = 0, attempt: int = 0
    ) -> None:
        """Write down an order that is about to be sent.

        Raises
        ------
        BrokerError
            If its client order id was used before.
        StateError
            If the order is not ``planned``.
        OutputError
            If it cannot be written; then it must not be sent.
        """
        if order.status is not OrderStatus.PLANNED:
            raise StateError(
                f"order {order.client_order_id} is {order.status}; only a planned one is intended"
            )
        values = row_of_order(order) | {
            "account": account,
            "plan": plan,
            "leg": leg,
            "slice": slice_,
            "attempt": attempt,
        }
        with self._transaction() as connection:
            if self._row(connection, order.client_order_id) is not None:
                raise BrokerError(
                    f"client order id {order.client_order_id} was used before; nothing was sent. "
                    "Look that order up instead of sending it again"
                )
            connection.execute(tables().orders.insert().values(**values))

    def record(
        self,
        client_order_id: str,
        event: OrderEvent,
        *,
        at: datetime,
        filled: Quantity | None = None,
        fills: Mapping[str, Fill] | None = None,
        reason: str = "",
        venue_order_id: str | None = None,
    ) -> Order:
        """Move an order by one event and return it as it stands now.

        Parameters
        ----------
        client_order_id : str
        event : OrderEvent
        at : datetime
            UTC.
        filled : Quantity, optional
            Units filled so far in all; by default what stood before plus the new `fills`.
        fills : mapping of str to Fill, optional
            By the venue's trade id; one that is known already is ignored.
        reason : str
        venue_order_id : str, optional
            The venue's own id, once it is known.

        Raises
        ------
        StateError
            If the order was never intended, or its filled quantity would shrink or exceed the order.
        OrderTransitionError
            If the event cannot follow the order's state.
        """
        t = tables()
        with self._transaction() as connection:
            row = self._row(connection, client_order_id)
            if row is None:
                raise StateError(f"order {client_order_id} is not in the journal; intend it before sending")
            before = order_of(row)
            fresh = self._fresh(connection, client_order_id, fills or {})
            total = before.filled + sum((f.quantity for f in fresh.values()), Decimal(0))
            after = before.after(
                event, filled=filled if filled is not None else Quantity(total), reason=reason
            )
            _check_filled(before, after)
            connection.execute(
                t.orders.update()
                .where(t.orders.c.client_order_id == client_order_id)
                .values(
                    status=str(after.status),
                    filled=str(after.filled),
                    reason=after.reason,
                    venue_order_id=venue_order_id or row.venue_order_id,
                )
            )
            connection.execute(
                t.events.insert().values(
                    client_order_id=client_order_id,
                    event=str(event),
                    status=str(after.status),
                    at=text_of(at),
                    note=reason,
                )
            )
            for trade_id, fill in fresh.items():
                connection.execute(t.fills.insert().values(**row_of_fill(trade_id, fill)))
        return after

    # Questions.

    def find(self, client_order_id: str) -> Order | None:
        """Return the order as it stands, or None."""
        with self._transaction() as connection:
            row = self._row(connection, client_order_id)
        return None if row is None else order_of(row)

    def used(self, client_order_id: str) -> bool:
        """Return whether the id was ever intended; :meth:`intend` refuses it then."""
        return self.find(client_order_id) is not None

    def venue_order_id(self, client_order_id: str) -> str | None:
        """Return the venue's id of an order, None while unknown."""
        with self._transaction() as connection:
            row = self._row(connection, client_order_id)
        return None if row is None else row.venue_order_id

    def orders(self, plan: str | None = None, *, account: str | None = None) -> tuple[Order, ...]:
        """Return the orders in the order they were intended, of one plan or account or all."""
        orders = tables().orders
        query = orders.select().order_by(orders.c.n)
        if plan is not None:
            query = query.where(orders.c.plan == plan)
        if account is not None:
            query = query.where(orders.c.account == account)
        with self._transaction() as connection:
            return tuple(order_of(row) for row in connection.execute(query))

    def unsettled(self, account: str) -> tuple[Order, ...]:
        """Return the account's orders whose end is not known."""
        return tuple(order for order in self.orders(account=account) if order.status not in FINAL)

    def fills(
        self,
        *,
        client_order_id: str | None = None,
        plan: str | None = None,
        account: str | None = None,
        since: datetime | None = None,
    ) -> tuple[Fill, ...]:
        """Return fills as they were recorded, narrowed by what is given."""
        t = tables()
        query = t.fills.select().join(t.orders).order_by(t.fills.c.n)
        if client_order_id is not None:
            query = query.where(t.fills.c.client_order_id == client_order_id)
        if plan is not None:
            query = query.where(t.orders.c.plan == plan)
        if account is not None:
            query = query.where(t.orders.c.account == account)
        if since is not None:
            query = query.where(t.fills.c.at >= text_of(since))
        with self._transaction() as connection:
            return tuple(fill_of(row) for row in connection.execute(query))

    def events(self, client_order_id: str) -> tuple[tuple[OrderEvent, datetime, str], ...]:
        """Return what happened to an order: event, when, note."""
        events = tables().events
        query = events.select().where(events.c.client_order_id == client_order_id).order_by(events.c.n)
        with self._transaction() as connection:
            rows = connection.execute(query).all()
        return tuple((OrderEvent(row.event), datetime.fromisoformat(row.at), row.note) for row in rows)

    # Within.

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        from sqlalchemy import exc

        if self.closed:
            raise StateError("the journal is closed; open it again")
        if os.getpid() != self._pid:
            raise BrokerError(
                "the journal belongs to the parent process; open it after forking, in one of the two"
            )
        name = self.path or "in memory"
        with self._mutex:
            try:
                with self._engine.begin() as connection:
                    yield connection
            except exc.OperationalError as error:
                raise OutputError(
                    f"the journal {name} cannot be written: {error.orig}; free space or mend its disk. "
                    "What is not journalled is not sent"
                ) from None
            except exc.DatabaseError as error:
                raise StateError(
                    f"the journal {name} is damaged: {error.orig}; reconcile before trading on"
                ) from None

    def _forget_empty_plans(self) -> None:
        """Free plans that a process claimed and left without any order: the lock proves it is gone."""
        t = tables()
        begun = t.orders.select().where(
            t.orders.c.account == t.plans.c.account, t.orders.c.plan == t.plans.c.plan
        )
        with self._transaction() as connection:
            connection.execute(t.plans.delete().where(t.plans.c.ended.is_(None), ~begun.exists()))

    @staticmethod
    def _row(connection: Connection, client_order_id: str) -> Any:
        orders = tables().orders
        return connection.execute(
            orders.select().where(orders.c.client_order_id == client_order_id)
        ).one_or_none()

    @staticmethod
    def _fresh(connection: Connection, client_order_id: str, fills: Mapping[str, Fill]) -> dict[str, Fill]:
        if not fills:
            return {}
        table = tables().fills
        query = table.select().where(table.c.client_order_id == client_order_id)
        known = {row.trade_id for row in connection.execute(query)}
        return {trade_id: fill for trade_id, fill in fills.items() if trade_id not in known}


_SHARED: weakref.WeakValueDictionary[Path, Journal] = weakref.WeakValueDictionary()


def shared_journal(path: Path | None = None) -> Journal:
    """Return this process's journal in `path`, opening it if no broker holds it yet.

    Parameters
    ----------
    path : Path, optional
        ``journal.sqlite`` in the user's state folder by default.

    Raises
    ------
    BrokerError, StateError, OutputError
        As :class:`Journal`.
    """
    if path is None:
        from platformdirs import user_state_path

        path = user_state_path("poise") / "journal.sqlite"
    journal = _SHARED.get(path)
    if journal is None or journal.closed:
        journal = Journal.at(path)
        _SHARED[path] = journal
    return journal


def _shut(engine: Engine | None, descriptor: int | None) -> None:
    """Close the database before its lock is freed."""
    if engine is not None:
        engine.dispose()
    if descriptor is not None:
        release_lock(descriptor)


def _check_filled(before: Order, after: Order) -> None:
    """Refuse a filled quantity that shrinks, exceeds the order or contradicts its status."""
    whole = after.status is OrderStatus.FILLED and after.filled != after.quantity
    if whole or not before.filled <= after.filled <= after.quantity:
        raise StateError(
            f"order {after.client_order_id} over {after.quantity} would go from {before.filled} to "
            f"{after.filled} filled and be {after.status}; reconcile with the venue"
        )
