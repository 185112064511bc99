"""Which needs are filled (N5), asked of many at once and computed from the rows as they are: nothing stores it, so that it
is true the moment a place or an item is taken or frees, whoever does it.

`standing.is_filled` says the same of one need whose shifts and items are read already.
"""

from __future__ import annotations

import collections

import sqlalchemy as sa

from app.core.clock import now, today
from app.core.db import db
from app.needs.models import Item, Need, Position, Shift


def list_filled(*which: sa.ColumnElement[bool]) -> set[int]:
    """The ids of the open needs of `which` (conditions over Need) that are filled: they ask for something countable, and
    nothing of that is open any more. Two statements at most, however many there are."""
    at = now()
    ahead = sa.and_(Shift.status == "scheduled", Shift.flexible.is_(False), Shift.ends_at > at)
    places = sa.select(Position.id).join(Shift, Shift.id == Position.shift_id).where(Shift.need_id == Need.id, ahead)
    items = sa.select(Item.id).where(Item.need_id == Need.id, Item.do_not_bring.is_(False))
    promised = Item.received + Item.reserved + Item.in_transit
    counts = sa.or_(places.where(Position.capacity > 0).exists(), items.where(Item.quantity > 0).exists())
    candidates = dict(
        list(
            db.session.execute(
                sa.select(Need.id, counts).where(
                    *which,
                    Need.status == "open",
                    ~places.where(Position.capacity > Position.taken).exists(),
                    ~items.where(Item.quantity > promised).exists(),
                )
            )
        )
    )
    if not candidates:
        return set()
    countable, unfilled = _roles(candidates)
    return {
        need_id
        for need_id, has_any in candidates.items()
        if (has_any or countable[need_id]) and need_id not in unfilled
    }


def _roles(need_ids: collections.abc.Collection[int]) -> tuple[collections.Counter[int], set[int]]:
    """Of flexible roles that are not over on the calendar of their own place: how many can be counted, and the needs with a
    place open on one."""
    countable: collections.Counter[int] = collections.Counter()
    unfilled: set[int] = set()
    last_on = sa.func.coalesce(Shift.due_on, Need.ends_on)
    rows = db.session.execute(
        sa.select(Shift.need_id, Shift.time_zone, last_on, Position.capacity - Position.taken)
        .join(Position, Position.shift_id == Shift.id)
        .join(Need, Need.id == Shift.need_id)
        .where(Shift.need_id.in_(need_ids), Shift.status == "scheduled", Shift.flexible, Position.capacity > 0)
    )
    for need_id, zone, last, free in rows:
        if last is None or last >= today(zone):
            countable[need_id] += 1
            if free:
                unfilled.add(need_id)
    return countable, unfilled
