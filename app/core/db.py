"""Database: the declarative base, the one visible transaction, column types, and what SQLite and PostgreSQL do differently.

One `with transaction():` per act. It ends the reads a guard made, begins a write transaction (SQLite: BEGIN IMMEDIATE,
so that a lock is taken before anything is checked) and expires what was loaded, so that operations read again under the lock.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import decimal
import functools
import operator
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar, cast

import sqlalchemy as sa
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, registry
from sqlalchemy.sql.operators import OperatorType

from app.core.ids import new_id

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

# 64 bits on both engines; on SQLite the plain INTEGER is needed for a key to be the rowid.
BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
QUANTITY_STEP = decimal.Decimal("0.001")
MAXIMUM_QUANTITY = decimal.Decimal("1000000000")
_WRITE = "manyhands_write"


class UtcDateTime(sa.TypeDecorator[dt.datetime]):
    """An instant: aware UTC in Python, UTC in the database (T1). A naive value is a mistake and raises ValueError."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: sa.Dialect) -> dt.datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs its zone")
        value = value.astimezone(dt.UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: dt.datetime | None, dialect: sa.Dialect) -> dt.datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


class Quantity(sa.TypeDecorator[decimal.Decimal]):
    """An exact decimal of an item's unit, kept as whole thousandths so that sums are exact on both engines (P1)."""

    impl = sa.BigInteger
    cache_ok = True

    class Comparator(sa.BigInteger.Comparator[decimal.Decimal]):
        """Sums and differences of quantities are quantities: SQLAlchemy would take them for plain integers, and bind the
        next number without its thousandths."""

        def operate(self, op: OperatorType, *other: Any, **kwargs: Any) -> sa.ColumnElement[Any]:
            """The expression, typed."""
            found = super().operate(op, *other, **kwargs)
            return sa.type_coerce(found, self.type) if op in (operator.add, operator.sub) else found

    comparator_factory = Comparator

    def coerce_compared_value(self, op: OperatorType | None, value: Any) -> sa.types.TypeEngine[Any]:
        """A number beside a quantity is one too."""
        return self

    def process_bind_param(self, value: decimal.Decimal | int | None, dialect: sa.Dialect) -> int | None:
        if value is None:
            return None
        thousandths = decimal.Decimal(value) * 1000
        if thousandths != thousandths.to_integral_value():
            raise ValueError("a quantity has at most three decimals")
        return int(thousandths)

    def process_result_value(self, value: int | None, dialect: sa.Dialect) -> decimal.Decimal | None:
        return None if value is None else (decimal.Decimal(value) / 1000).normalize() + 0


class Base(DeclarativeBase):
    """Our own declarative base: typed columns, named constraints."""

    registry = registry(
        metadata=sa.MetaData(naming_convention=NAMING_CONVENTION),
        type_annotation_map={dt.datetime: UtcDateTime, decimal.Decimal: Quantity, int: sa.Integer, str: sa.Text},
    )


class HasId:
    """A random 63-bit primary key, shown outside through core.ids."""

    id: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False, default=new_id)


db = SQLAlchemy(
    model_class=Base,
    # An error of the database must not carry what people typed into a log.
    engine_options={"hide_parameters": True},
    session_options={"autoflush": True, "expire_on_commit": False},
)

Row = TypeVar("Row", bound=Base)

# SQLite lets one writer in at a time; threads of one process queue here instead of sleeping in its busy handler,
# so that none starves. Other processes wait in busy_timeout.
_sqlite_writers = threading.Lock()


@contextlib.contextmanager
def transaction() -> Iterator[None]:
    """Everything inside commits together or not at all.

    Whatever was read before is forgotten first: a guard's read is no basis for a write. Raises RuntimeError when
    one is already open (an act has exactly one) or when unsaved changes were made outside.
    """
    session = db.session()
    if session.info.get("in_transaction"):
        raise RuntimeError("an act has one transaction; this one is inside another")
    if session.new or session.dirty or session.deleted:
        raise RuntimeError("something was changed outside a transaction")
    session.rollback()
    on_sqlite = db.engine.dialect.name == "sqlite"
    if on_sqlite:
        _sqlite_writers.acquire()
    session.info["in_transaction"] = True
    try:
        session.connection(execution_options={_WRITE: True})
        session.expire_all()
        yield
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        session.info["in_transaction"] = False
        if on_sqlite:
            _sqlite_writers.release()


def in_transaction() -> bool:
    """True inside `with transaction():` of this context."""
    return db.session.registry.has() and bool(db.session().info.get("in_transaction"))


def write_alone(statements: Sequence[sa.Executable], values: Mapping[str, Any]) -> None:
    """Run the statements, each with `values`, as an act of their own, and commit: for what comes by the hundred a second
    and needs nothing that a session knows. It is as durable as `transaction()`, and costs a third of it, as the driver is
    told directly: what SQLAlchemy does about a statement costs more than the database does.

    PostgreSQL commits a statement by itself when no transaction is open, and saves the questions that begin and end one; so
    there it must be exactly one, or they would not be kept or lost together. Raises RuntimeError otherwise, and within a
    transaction; what the database refuses, it raises as the driver does.
    """
    if in_transaction():
        raise RuntimeError("an act has one transaction; this one is inside another")
    if uses_sqlite():
        with _sqlite_writers, _lent_driver() as driver:
            driver.execute("BEGIN IMMEDIATE")
            for statement in statements:
                _tell(driver, statement, values)
            driver.execute("COMMIT")
        return
    if len(statements) != 1:
        raise RuntimeError("only one statement is kept or lost as a whole without a transaction")
    with _lent_driver() as driver:
        driver.autocommit = True
        _tell(driver, statements[0], values)
        driver.autocommit = False


@contextlib.contextmanager
def _lent_driver() -> Iterator[Any]:
    """The driver's own connection of one of the pool's. One with which anything went wrong is not used again, so that
    whatever it had begun ends with it."""
    lent = db.engine.raw_connection()
    try:
        yield lent.driver_connection
    except BaseException:
        lent.invalidate()
        raise
    # A connection does not see its own commits in SQLite (PRAGMA data_version): what this process keeps (core.cache) is
    # given up by whoever uses it next.
    lent.info.pop("data_version", None)
    lent.close()


def _tell(driver: Any, statement: sa.Executable, values: Mapping[str, Any]) -> None:
    """Have a driver's connection run a statement with `values`, put as their types put them."""
    text, fixed, processors = _as_driver_reads(statement, uses_sqlite())
    told = {name: processors[name](value) if name in processors else value for name, value in values.items()}
    driver.execute(text, {**fixed, **told})


@functools.lru_cache(maxsize=64)
def _as_driver_reads(statement: Any, on_sqlite: bool) -> tuple[str, dict[str, Any], dict[str, Callable[[Any], Any]]]:
    """The statement's text, the values it brings itself, and what its types do to the values that it is given; its places
    for values are named, which each driver understands."""
    dialect: sa.Dialect = sqlite.dialect(paramstyle="named") if on_sqlite else db.engine.dialect
    compiled = statement.compile(dialect=dialect)
    found = {name: bind.type.dialect_impl(dialect).bind_processor(dialect) for name, bind in compiled.binds.items()}
    processors = {name: processor for name, processor in found.items() if processor is not None}
    fixed = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
    return compiled.string, {n: processors[n](v) if n in processors else v for n, v in fixed.items()}, processors


def lock(model: type[Row], key: int) -> Row | None:
    """The row read afresh and held until the transaction ends, or None.

    PostgreSQL takes its row lock; SQLite already holds the only write lock. Take locks in the order person, need,
    then shift or item. Raises RuntimeError outside a transaction.
    """
    if not in_transaction():
        raise RuntimeError("a lock is taken inside a transaction")
    return db.session.get(model, key, with_for_update=True, populate_existing=True)


def hold(model: type[Row], key: int) -> Row | None:
    """The row read afresh; until the transaction ends nobody locks it, while others may hold it too. For an act that adds
    rows which point at it. None when there is none. Raises RuntimeError outside a transaction."""
    if not in_transaction():
        raise RuntimeError("a row is held inside a transaction")
    kept = {"read": True, "key_share": True}
    return db.session.get(model, key, with_for_update=kept, populate_existing=True)


def changed_one(statement: sa.Update | sa.Insert | sa.Delete) -> bool:
    """Run a claim (one conditional statement) and say whether it changed its row. ORM objects are not refreshed."""
    result = db.session.execute(statement, execution_options={"synchronize_session": False})
    return cast("sa.CursorResult[Any]", result).rowcount == 1


def uses_sqlite() -> bool:
    """True when this installation runs on SQLite, False on PostgreSQL."""
    return db.engine.dialect.name == "sqlite"


def configure_engine(engine: sa.Engine) -> None:
    """Attach what each new connection needs; called once by the factory for each engine."""
    if engine.dialect.name != "sqlite":

        @sa.event.listens_for(engine, "connect")
        def without_jit(connection: DBAPIConnection, _record: Any) -> None:
            # Compiling a plan costs more than any of our short statements.
            cursor = connection.cursor()
            cursor.execute("SET jit = off")
            cursor.close()
            connection.commit()

        return

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: DBAPIConnection, _record: Any) -> None:
        # We say BEGIN ourselves (below): the driver's own idea of when to begin takes the lock too late.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "busy_timeout=15000",
            "mmap_size=2147483648",
            "cache_size=-16000",
            "temp_store=MEMORY",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        write = connection.get_execution_options().get(_WRITE, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


__all__ = [
    "Base",
    "BigInt",
    "HasId",
    "Quantity",
    "UtcDateTime",
    "changed_one",
    "configure_engine",
    "db",
    "in_transaction",
    "lock",
    "new_id",
    "transaction",
    "uses_sqlite",
    "write_alone",
]
