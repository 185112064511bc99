"""The waitlist of a shift, as far as staff keep it by hand: the latest move to it when there are to be fewer places than are
taken (S1), and somebody on it is given a place when there is room. Who waits takes no room and holds no time (S3); their
turn is by when they signed up. `operations` writes."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from app.accounts.models import Person
from app.core import outbox
from app.core.db import db, lock
from app.core.errors import Refused, refuse
from app.core.i18n import _
from app.needs.models import Position, Shift
from app.needs.operations import ShiftInput, edit_shift
from app.needs.operations.shared import locked_shift
from app.needs.operations.shifts import named
from app.signups.models import Signup
from app.signups.operations import confirm_again, lock_whole, put_on_waitlist
from app.signups.staff import require_for_staff


def edit_shift_moving_latest(shift_id: int, values: ShiftInput, *, by: Person) -> Shift:
    """Change a shift; where a position is to have fewer places than are taken, the latest confirmed places, each with its
    whole party, move to the waitlist until the rest fits, and each of them is told (S1).

    Who is here already and places held for guests stay: when those alone are too many, it is Refused (`below_taken`) as
    `needs.operations.edit_shift` does. Raises InvalidInput, too.
    """
    _need, shift = locked_shift(shift_id)
    capacities = {position.id: position.capacity for position in named(shift, values.positions)}
    for position in shift.positions:
        capacity = capacities.get(position.id)
        if capacity is not None and capacity < position.taken:
            _make_fit(shift, position, capacity, by=by)
    return edit_shift(shift_id, values, by=by)


def _make_fit(shift: Shift, position: Position, capacity: int, *, by: Person) -> None:
    """Need and shift are locked, so nobody else takes or gives back a place of `position` meanwhile."""
    latest = db.session.scalars(
        sa.select(Signup.id)
        .where(Signup.position_id == position.id, Signup.status == "confirmed")
        .order_by(Signup.created_at.desc(), Signup.id.desc())
    ).all()
    for signup_id in latest:
        if position.taken <= capacity:
            return
        signup = lock(Signup, signup_id)
        if signup is not None and signup.status == "confirmed":
            put_on_waitlist(signup, shift, by=by, why="fewer")


def give_place(signup_id: int, *, by: Person) -> Signup:
    """Somebody on the waitlist gets their places, through the gate, and is told. Raises Refused with every reason that staff
    may know, and when they do not wait any more."""
    signup, shift = lock_whole(signup_id)
    if signup.status != "waitlisted":
        raise _changed()
    require_for_staff(shift, signup.person, party_size=signup.party_size, position_id=signup.position_id, ignore=signup)
    return confirm_again(signup, shift, by=by)


def undo_give_place(signup_id: int, *, by: Person) -> Signup:
    """The place was given by mistake: they wait again, at the same turn, and are told when they had been told of the place.
    Raises Refused when the place did not come from the waitlist, stands differently by now, or the shift is over."""
    signup, shift = lock_whole(signup_id)
    if signup.status != "confirmed" or signup.was != "waitlisted":
        raise _changed()
    if shift.is_over:
        raise refuse("past", _("This shift is over."))
    unsent = outbox.withdraw(f"signup_confirmed:{signup.id}:{signup.sequence}")
    put_on_waitlist(signup, shift, by=by, why="mistake")
    if unsent:
        outbox.withdraw(f"signup_waitlisted:{signup.id}:{signup.sequence}")
    return signup


def list_waiting(shift_ids: Sequence[int]) -> list[Signup]:
    """Who waits for a place on the shifts, whoever signed up first first. For staff only: the caller's guard makes sure."""
    return list(
        db.session.scalars(
            sa.select(Signup)
            .options(joinedload(Signup.person), joinedload(Signup.position))
            .where(Signup.shift_id.in_(shift_ids), Signup.status == "waitlisted")
            .order_by(Signup.created_at, Signup.id)
        )
    )


def count_waiting(shift_ids: Sequence[int]) -> dict[int, int]:
    """How many places wait on each of the shifts, by its id; those on which nobody waits are not in it."""
    if not shift_ids:
        return {}
    counted = (
        sa.select(Signup.shift_id, sa.func.count())
        .where(Signup.shift_id.in_(shift_ids), Signup.status == "waitlisted")
        .group_by(Signup.shift_id)
    )
    return {row[0]: row[1] for row in db.session.execute(counted)}


def tell_of_change(signup_id: int) -> bool:
    """The shift of somebody who waits was changed: promise a mail with its facts (S6). False when they do not wait."""
    found = db.session.get(Signup, signup_id)
    if found is None or found.status != "waitlisted":
        return False
    # Looked at again under the lock.
    signup, shift = lock_whole(signup_id)
    if signup.status != "waitlisted":
        return False
    signup.sequence += 1
    outbox.enqueue(
        "signup_waitlisted",
        {"signup_id": signup.id, "why": "moved"},
        key=f"signup_waitlisted:{signup.id}:{signup.sequence}:{shift.sequence}",
    )
    return True


def _changed() -> Refused:
    return refuse(
        "changed_meanwhile", _("This place stands differently by now."), _("Look at the roster again, then decide.")
    )
