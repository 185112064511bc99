"""What `flask verify` recomputes about places: counts against rows (S1), one live place (S2), no overlap (S3)."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.core.db import db
from app.core.ids import encode_id
from app.core.outbox import Outbox
from app.needs.models import Position, Shift
from app.signups.gate import HOLDING_STATUSES
from app.signups.models import COUNTED_STATUSES, LIVE_STATUSES, GuestHold, Signup

SHOWN = 20


def check_capacity() -> tuple[int, list[str]]:
    """`taken` is the sum of the party sizes on each position, those offered and those held for guests included, and within its
    capacity."""
    places = sa.union_all(
        sa.select(Signup.position_id, Signup.party_size).where(Signup.status.in_(COUNTED_STATUSES)),
        sa.select(GuestHold.position_id, GuestHold.party_size).where(GuestHold.status == "held"),
    ).subquery()
    counted = (
        sa.select(places.c.position_id, sa.func.sum(places.c.party_size).label("people"))
        .group_by(places.c.position_id)
        .subquery()
    )
    people = sa.func.coalesce(counted.c.people, 0)
    wrong = (
        sa.select(Position.id, Position.taken, Position.capacity, people)
        .outerjoin(counted, counted.c.position_id == Position.id)
        .where(sa.or_(Position.taken != people, people > Position.capacity))
        .limit(SHOWN)
    )
    misplaced = (
        sa.select(Signup.id)
        .join(Position, Position.id == Signup.position_id)
        .where(Position.shift_id != Signup.shift_id)
        .limit(SHOWN)
    )
    found = [
        f"capacity: position {encode_id(key)} says {taken} of {capacity} taken, its places are for {real}"
        for key, taken, capacity, real in db.session.execute(wrong)
    ]
    found += [
        f"capacity: place {encode_id(key)} is on another shift's position" for key in db.session.scalars(misplaced)
    ]
    return _count(Position), found


def check_one_live_signup() -> tuple[int, list[str]]:
    """At most one live place per person and shift: the constraint says so, and so do the rows."""
    double = (
        sa.select(Signup.person_id, Signup.shift_id)
        .where(Signup.status.in_(LIVE_STATUSES))
        .group_by(Signup.person_id, Signup.shift_id)
        .having(sa.func.count() > 1)
        .limit(SHOWN)
    )
    return _count(Signup), [
        f"signups: person {encode_id(person)} is on shift {encode_id(shift)} twice"
        for person, shift in db.session.execute(double)
    ]


def check_overlaps() -> tuple[int, list[str]]:
    """Nobody holds two places at the same time. A shift that was moved a moment ago is left out while its review, which
    ends a place that cannot stand any more, waits in the outbox."""
    first, second = aliased(Signup), aliased(Signup)
    one, other = aliased(Shift), aliased(Shift)
    pairs = (
        sa.select(first.person_id, first.shift_id, second.shift_id)
        .join(second, sa.and_(second.person_id == first.person_id, second.id > first.id))
        .join(one, one.id == first.shift_id)
        .join(other, other.id == second.shift_id)
        .where(first.status.in_(HOLDING_STATUSES), second.status.in_(HOLDING_STATUSES))
        .where(one.status != "cancelled", other.status != "cancelled")
        .where(one.starts_at < other.ends_at, other.starts_at < one.ends_at)
    )
    waiting = sa.select(Outbox.payload).where(
        Outbox.kind == "shift_changed", Outbox.done_at.is_(None), Outbox.given_up_at.is_(None)
    )
    changed = {payload["shift_id"] for payload in db.session.scalars(waiting)}
    found = [
        f"overlap: person {encode_id(person)} is on shifts {encode_id(a)} and {encode_id(b)} at the same time"
        for person, a, b in db.session.execute(pairs)
        if a not in changed and b not in changed
    ]
    return _count(Signup), found[:SHOWN]


def _count(model: type[Position] | type[Signup]) -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(model)) or 0


CHECKS = {"capacity": check_capacity, "signups": check_one_live_signup, "overlaps": check_overlaps}
