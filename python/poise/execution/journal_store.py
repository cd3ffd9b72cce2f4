"""The journal's tables, how its file is opened and checked, and how rows become nouns."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from poise.domain.orders import Fill, Order, OrderStatus
from poise.errors import OutputError, ParameterError, StateError
from poise.typing import Money, Price, Quantity

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, MetaData, Table

APPLICATION_ID = 0x706F6973  # "pois": tells a journal from somebody else's database
VERSION = 1


class Tables(NamedTuple):
    """The schema: plans claimed, orders intended, what happened to them, what was filled."""

    metadata: MetaData
    plans: Table
    orders: Table
    events: Table
    fills: Table


@cache
def tables() -> Tables:
    """Return the schema; amounts are decimal text, times ISO 8601 in UTC."""
    from sqlalchemy import (
        Column,
        ForeignKey,
        Integer,
        MetaData,
        Table,
        Text,
        UniqueConstraint,
    )

    def text(*names: str) -> list[Column[Any]]:
        return [Column(name, Text, nullable=False) for name in names]

    metadata = MetaData()
    plans = Table(
        "plans",
        metadata,
        Column("account", Text, primary_key=True),
        Column("plan", Text, primary_key=True),
        Column("begun", Text, nullable=False),
        Column("ended", Text),
    )
    orders = Table(
        "orders",
        metadata,
        Column("n", Integer, primary_key=True),
        Column("client_order_id", Text, nullable=False, unique=True),
        *text("account", "plan"),
        *(Column(name, Integer, nullable=False) for name in ("leg", "slice", "attempt")),
        *text("symbol", "side", "quantity", "reference_price", "created", "status", "filled", "reason"),
        Column("venue_order_id", Text),
    )

    def of_order() -> Column[Any]:
        return Column(
            "client_order_id", Text, ForeignKey(orders.c.client_order_id), nullable=False, index=True
        )

    events = Table(
        "events",
        metadata,
        Column("n", Integer, primary_key=True),
        of_order(),
        *text("event", "status", "at", "note"),
    )
    fills = Table(
        "fills",
        metadata,
        Column("n", Integer, primary_key=True),
        of_order(),
        *text("trade_id", "symbol", "side", "quantity", "price", "fee", "slippage", "at"),
        UniqueConstraint("client_order_id", "trade_id"),
    )
    return Tables(metadata, plans, orders, events, fills)


def file_of(url: str) -> Path | None:
    """Return the file of a ``sqlite`` URL, None for one in memory.

    Raises
    ------
    ParameterError
        If the URL names another database.
    """
    if url in ("sqlite://", "sqlite:///:memory:"):
        return None
    if url.startswith("sqlite:///") and len(url) > len("sqlite:///"):
        return Path(url.removeprefix("sqlite:///")).expanduser().absolute()
    raise ParameterError(f"journal URL is {url!r}; pass 'sqlite://' for memory or 'sqlite:///path/to/file'")


def open_engine(path: Path | None) -> Engine:
    """Open the database, check that it is whole and a journal, and create its tables if it is new.

    Raises
    ------
    StateError
        If the file is damaged, is no journal, or was written by a newer version.
    OutputError
        If it cannot be opened or written.
    """
    from sqlalchemy import URL, create_engine, exc, pool

    engine = create_engine(
        URL.create("sqlite", database=None if path is None else str(path)),
        poolclass=pool.StaticPool,
        connect_args={"check_same_thread": False},
    )

    name = path or "in memory"
    try:
        with engine.begin() as connection:
            # The pool keeps this one connection, so what is set here stays.
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
                connection.exec_driver_sql(f"PRAGMA {pragma}")
            _check(connection, name)
            tables().metadata.create_all(connection)
            connection.exec_driver_sql(f"PRAGMA application_id={APPLICATION_ID}")
            connection.exec_driver_sql(f"PRAGMA user_version={VERSION}")
    except exc.OperationalError as error:
        engine.dispose()
        raise OutputError(f"cannot open the journal {name}: {error.orig}; choose another place") from None
    except exc.DatabaseError as error:
        engine.dispose()
        raise StateError(_damaged(name, error.orig)) from None
    except StateError:
        engine.dispose()
        raise
    return engine


def _check(connection: Connection, name: Path | str) -> None:
    """Refuse a database that is broken, foreign or newer."""

    def ask(question: str) -> Any:
        return connection.exec_driver_sql(question).scalar()

    whole = ask("PRAGMA quick_check(1)")
    if whole != "ok":
        raise StateError(_damaged(name, whole))
    if ask("SELECT count(*) FROM sqlite_master") and ask("PRAGMA application_id") != APPLICATION_ID:
        raise StateError(f"{name} is a database but no journal; choose another file")
    version = ask("PRAGMA user_version")
    if version > VERSION:
        raise StateError(
            f"the journal {name} has version {version}, this poise reads up to {VERSION}; update poise"
        )


def _damaged(name: Path | str, detail: object) -> str:
    return (
        f"the journal {name} is damaged ({detail}); keep a copy, restore a backup and reconcile with the "
        "venue before trading on"
    )


def row_of_order(order: Order) -> dict[str, Any]:
    """Return the columns of ``orders`` that an order fills."""
    return {
        "client_order_id": order.client_order_id,
        "symbol": order.symbol,
        "side": order.side,
        "quantity": str(order.quantity),
        "reference_price": str(order.reference_price),
        "created": text_of(order.created),
        "status": str(order.status),
        "filled": str(order.filled),
        "reason": order.reason,
    }


def row_of_fill(trade_id: str, fill: Fill) -> dict[str, Any]:
    """Return a row of ``fills``."""
    return {
        "client_order_id": fill.client_order_id,
        "trade_id": trade_id,
        "symbol": fill.symbol,
        "side": fill.side,
        "quantity": str(fill.quantity),
        "price": str(fill.price),
        "fee": str(fill.fee),
        "slippage": str(fill.slippage),
        "at": text_of(fill.at),
    }


def order_of(row: Any) -> Order:
    """Turn a row of ``orders`` into an order."""
    try:
        return Order(
            client_order_id=row.client_order_id,
            symbol=row.symbol,
            side=row.side,
            quantity=Quantity(Decimal(row.quantity)),
            reference_price=Price(Decimal(row.reference_price)),
            created=moment_of(row.created),
            status=OrderStatus(row.status),
            filled=Quantity(Decimal(row.filled)),
            reason=row.reason,
        )
    except (ValueError, InvalidOperation) as error:
        raise StateError(f"the journal's order {row.client_order_id} cannot be read: {error}") from error


def fill_of(row: Any) -> Fill:
    """Turn a row of ``fills`` into a fill."""
    try:
        return Fill(
            client_order_id=row.client_order_id,
            symbol=row.symbol,
            side=row.side,
            quantity=Quantity(Decimal(row.quantity)),
            price=Price(Decimal(row.price)),
            fee=Money(Decimal(row.fee)),
            slippage=Money(Decimal(row.slippage)),
            at=moment_of(row.at),
        )
    except (ValueError, InvalidOperation) as error:
        raise StateError(
            f"a fill of the journal's order {row.client_order_id} cannot be read: {error}"
        ) from error


def text_of(moment: datetime) -> str:
    """Return a moment as text that sorts by time.

    Raises
    ------
    ParameterError
        If the moment has no timezone.
    """
    if moment.tzinfo is None:
        raise ParameterError(f"{moment} has no timezone; pass an aware UTC time")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def moment_of(text: str) -> datetime:
    """Return the moment that :func:`text_of` wrote."""
    return datetime.fromisoformat(text)
