"""What a need was at one moment, so that an import can be taken back and what somebody changed since can be told.

Read by column, not by hand: a column that a need gets later is part of what it was from its first day.
"""

from __future__ import annotations

import collections
import datetime as dt
import decimal
import hashlib
import json
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from app.core.db import db
from app.needs.models import Item, Need, Position, PrivateAddress, Shift

# What changes without anybody changing the need: its counters, and what others have promised.
_MOVING = frozenset({"version", "sequence", "updated_at", "taken", "received", "reserved", "in_transit"})
Snapshot = dict[str, Any]


def _plain(value: Any) -> Any:
    """A value as JSON keeps it."""
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    return str(value) if isinstance(value, decimal.Decimal) else value


def _rows(model: Any, column: Any, ids: Iterable[int]) -> dict[int, list[Snapshot]]:
    """The rows of `model` by the value of `column`, in the order of their keys."""
    table = model.__table__
    query = sa.select(table).where(column.in_(ids)).order_by(*table.primary_key.columns)
    found: dict[int, list[Snapshot]] = collections.defaultdict(list)
    for row in db.session.execute(query).mappings():
        values = {name: _plain(value) for name, value in row.items() if name not in _MOVING}
        found[row[column.name]].append(values)
    return found


def snapshots(need_ids: Iterable[int]) -> dict[int, Snapshot]:
    """Each need with its shifts, their positions, its items and its private address; needs that are gone are left out."""
    ids = list(need_ids)
    if not ids:
        return {}
    db.session.flush()
    needs = _rows(Need, Need.__table__.c.id, ids)
    shifts = _rows(Shift, Shift.__table__.c.need_id, ids)
    of_shift = [shift["id"] for rows in shifts.values() for shift in rows]
    positions = _rows(Position, Position.__table__.c.shift_id, of_shift)
    items = _rows(Item, Item.__table__.c.need_id, ids)
    private = _rows(PrivateAddress, PrivateAddress.__table__.c.need_id, ids)
    return {
        key: {
            "need": rows[0],
            "shifts": [{**shift, "positions": positions.get(shift["id"], [])} for shift in shifts.get(key, [])],
            "items": items.get(key, []),
            "private": next(iter(private.get(key, [])), None),
        }
        for key, rows in needs.items()
    }


def fingerprint(snapshot: Snapshot) -> str:
    """Equal while nobody changed anything of it."""
    return hashlib.blake2b(json.dumps(snapshot, sort_keys=True).encode(), digest_size=20).hexdigest()


_OF_SHIFT = ("starts_at", "ends_at", "flexible", "contact", "capacity")
_OF_NEED = (
    "title", "description", "urgency", "causes", "skills", "remote", "ends_on", "time_zone", "address", "city", "region",
    "postal_code", "country", "latitude",
)  # fmt: skip


def changes(before: Snapshot, after: Snapshot) -> list[str]:
    """In which of the columns of a file two states of a need differ."""
    found = [name for name in _OF_NEED if before["need"][name] != after["need"][name]]
    if "city" in found or "postal_code" in found or "address" in found:
        found = [name for name in found if name != "latitude"]  # a point says nothing that the town does not
    one, other = _shifts(before), _shifts(after)
    found += [name for name in _OF_SHIFT if [shift[name] for shift in one] != [shift[name] for shift in other]]
    if before["items"] != after["items"]:
        found.append("items")
    return found


def _shifts(snapshot: Snapshot) -> list[Snapshot]:
    """Its shifts, each with how many people its positions are for."""
    live = [shift for shift in snapshot["shifts"] if shift["status"] != "cancelled"]
    return [{**shift, "capacity": [position["capacity"] for position in shift["positions"]]} for shift in live]
