"""A row in every table, made from the columns themselves: what a revision must carry up and down."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import sqlalchemy as sa

from app.core.db import Base, Quantity, UtcDateTime, db

START = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
# Where a CHECK needs columns to agree, the row says them; where it lists words, the first one is taken.
AGREED: dict[str, dict[str, Any]] = {
    "person": {"email": "row@example.org"},
    "shift": {"flexible": False},
    "need": {"private_address": True, "remote": True},
    "different_organizations": {"first_id": 1, "second_id": 2},
    "exemption": {"asked_by_id": 2},
    "follower": {"email": "follower@example.org"},
    "follow": {"organization_id": 1, "next_at": START},
    "fundraiser_picture": {"content": b"x"},
    "follow_request": {"email": "asked@example.org", "organization_id": 1},
}
# What another table points at twice.
SECOND: dict[str, dict[str, Any]] = {
    "organization": {"id": 2, "slug": "y"},
    "person": {"id": 2, "email": "second@example.org"},
}
ONE_OF = re.compile(r"(\w+) IN \('(\w+)'")


def _value(column: sa.Column[Any], keys: dict[str, Any]) -> Any:
    """A value that fits the column's type; foreign keys point at the row made before."""
    for key in column.foreign_keys:
        return keys[f"{key.column.table.name}.{key.column.name}"]
    kind = column.type
    if isinstance(kind, UtcDateTime):
        return START + dt.timedelta(hours=1 if column.name == "ends_at" else 0)
    if isinstance(kind, sa.Date):
        return START.date()
    if isinstance(kind, Quantity):
        return 1
    if isinstance(kind, sa.Boolean):
        return True
    if isinstance(kind, sa.LargeBinary):
        return b"x"
    if isinstance(kind, sa.JSON):
        return []
    if isinstance(kind, sa.Integer | sa.BigInteger):
        return 1
    if isinstance(kind, sa.Float):
        return 1.0
    return "x"


def fill_every_table() -> set[str]:
    """Insert one row into each table of the models, in foreign-key order; the names of the tables that have one now."""
    keys: dict[str, Any] = {}
    with db.engine.begin() as connection:
        for table in Base.metadata.sorted_tables:
            checks = [str(rule.sqltext) for rule in table.constraints if isinstance(rule, sa.CheckConstraint)]
            agreed = dict(ONE_OF.findall(" ".join(checks))) | AGREED.get(table.name, {})
            values = {
                column.name: agreed[column.name] if column.name in agreed else _value(column, keys)
                for column in table.columns
                if column.name in agreed
                or not (column.nullable or column.server_default is not None)
                or column.primary_key
            }
            if table.name == "shift":
                values |= {"starts_at": START, "ends_at": START + dt.timedelta(hours=1)}
            connection.execute(table.insert().values(**values))
            if table.name in SECOND:
                connection.execute(table.insert().values(**values | SECOND[table.name]))
            keys |= {f"{table.name}.{name}": value for name, value in values.items()}
        return {
            table.name
            for table in Base.metadata.sorted_tables
            if connection.scalar(sa.select(sa.func.count()).select_from(table))
        }
