"""What every act on a place is made of: the locks in their order, the places taken and given back, the reminder, the record."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from app.accounts.models import Person
from app.core import audit, outbox
from app.core.clock import now
from app.core.db import db, lock
from app.core.errors import Refused, refuse
from app.core.i18n import _
from app.needs.models import Need, Position, Shift
from app.signups import gate
from app.signups.models import Signup

REMINDER_BEFORE = dt.timedelta(hours=24)


def lock_shift(person_id: int, shift_id: int) -> tuple[Person, Shift]:
    """Person, need, shift: locked in this order everywhere, and read afresh. Raises Refused when one is gone."""
    person = lock(Person, person_id)
    found = db.session.get(Shift, shift_id)
    need = lock(Need, found.need_id) if found is not None else None
    shift = lock(Shift, shift_id) if need is not None else None
    if person is None or shift is None:
        raise refuse("not_found", _("This shift is not there any more."))
    return person, shift


def lock_signup(signup_id: int) -> Signup:
    """The place itself, last of all locks. Raises Refused when it is gone."""
    signup = lock(Signup, signup_id)
    if signup is None:
        raise refuse("not_found", _("This place is not there any more."))
    return signup


def lock_whole(signup_id: int) -> tuple[Signup, Shift]:
    """Person, need, shift and then the place itself, read afresh."""
    found = db.session.get_one(Signup, signup_id)
    _person, shift = lock_shift(found.person_id, found.shift_id)
    return lock_signup(signup_id), shift


def _is_free(party_size: int) -> sa.ColumnElement[bool]:
    """The condition of the claim: capacity None takes as many as come, any other is never exceeded (S1)."""
    return sa.or_(Position.capacity.is_(None), Position.taken + party_size <= Position.capacity)


def claim_places(position: Position, party_size: int) -> None:
    """Take places, for a signup or a hold, in one statement that checks and counts at once. Raises Refused when others
    were faster."""
    claimed = db.session.execute(
        sa.update(Position)
        .where(Position.id == position.id, _is_free(party_size))
        .values(taken=Position.taken + party_size)
        .returning(Position.id),
        execution_options={"synchronize_session": False},
    ).first()
    if claimed is None:
        raise Refused([gate.full(0)])
    db.session.expire(position)


def free_places(position: Position, party_size: int) -> None:
    """Give places back, in the transaction in which whoever had them loses them."""
    db.session.execute(
        sa.update(Position).where(Position.id == position.id).values(taken=Position.taken - party_size),
        execution_options={"synchronize_session": False},
    )
    db.session.expire(position)


def promise_reminder(signup: Signup, shift: Shift) -> None:
    """Promise to remind the day before the shift as it stands now; none when that is already past or it has no time."""
    if shift.starts_at is None or shift.starts_at - REMINDER_BEFORE <= now():
        return
    outbox.enqueue(
        "signup_reminder",
        {"signup_id": signup.id, "shift_sequence": shift.sequence},
        key=reminder_key(signup, shift),
        due_at=shift.starts_at - REMINDER_BEFORE,
    )


def reminder_key(signup: Signup, shift: Shift) -> str:
    """The key of the reminder that is promised of a place on its shift as it stands now."""
    return f"signup_reminder:{signup.id}:{shift.sequence}"


def record(action: str, signup: Signup, shift: Shift, by: Person | None, **more: int | str) -> None:
    """One event about a place in the audit trail, by ids."""
    db.session.flush()
    audit.record(
        action,
        subject=signup,
        by=by,
        organization_id=shift.need.organization_id,
        data={"shift_id": shift.id, "position_id": signup.position_id, "party_size": signup.party_size, **more},
    )
