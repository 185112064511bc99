"""Alembic's environment: the models' metadata, batch mode (SQLite cannot alter), and our own column types."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import context
from flask import current_app

from app.core.db import Quantity, UtcDateTime

migrate = current_app.extensions["migrate"]
engine = migrate.db.engine
metadata = migrate.db.metadatas[None]
# SQLite keeps a full-text table in shadow tables of its own; its triggers and virtual tables are in the migrations.
UNMANAGED_PREFIXES = ("need_text_", "learn_words")
UNMANAGED_INDEXES = ("need_cell_best",)  # only PostgreSQL has it (0003)


def include_object(item: Any, name: str | None, kind: str, reflected: bool, compare_to: Any) -> bool:
    """Tables and indexes that only one engine has are managed by hand in the migrations."""
    if kind == "table" and reflected and compare_to is None and name is not None:
        return not name.startswith(UNMANAGED_PREFIXES)
    if kind == "index" and reflected and name in UNMANAGED_INDEXES:
        return False
    return not (item.info or {}).get("unmanaged", False)


def render_item(kind: str, item: Any, _context: Any) -> str | bool:
    """Our column types are written as what they are in the database, so that old revisions need no app code."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, Quantity):
        return "sa.BigInteger()"
    return False


@contextlib.contextmanager
def keys_checked_at_the_end(connection: sa.Connection) -> Iterator[None]:
    """SQLite alters a table by making it anew; what points at it must not notice. Source: the twelve steps of "Making
    Other Kinds Of Table Schema Changes" in SQLite's ALTER TABLE: keys off, change, check every key, keys on."""
    if connection.dialect.name != "sqlite":
        yield
        return
    driver: Any = connection.connection.dbapi_connection
    driver.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
        broken = driver.execute("PRAGMA foreign_key_check").fetchall()
    finally:
        driver.execute("PRAGMA foreign_keys=ON")
    if broken:
        raise RuntimeError(f"after the migration rows point at nothing: {broken[:5]}")


def run() -> None:
    """Run online; there is no offline mode, because some steps look at the engine."""
    with engine.connect() as connection, keys_checked_at_the_end(connection):
        context.configure(
            connection=connection,
            target_metadata=metadata,
            render_as_batch=True,
            compare_type=True,
            compare_server_default=False,
            include_object=include_object,
            render_item=render_item,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()


run()
