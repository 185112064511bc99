"""The waitlist of a shift (S5): supporters join it where a shift is full, and accept or decline what they are offered; staff
move the latest to it when there are to be fewer places than are taken (S1), and give somebody on it a place. Who waits takes
no room and holds no time (S3); their turn is by when they signed up. `offers` says who is asked next."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from app.accounts.models import Person
from app.core import outbox, when
from app.core.clock import now
from app.core.db import db, lock
from app.core.errors import Reason, Refused, refuse
from app.core.i18n import _, ngettext
from app.core.text import block
from app.needs import promises
from app.needs.models import Position, Shift
from app.needs.operations import ShiftInput, edit_shift
from app.needs.operations.shared import locked_shift
from app.needs.operations.shifts import named
from app.signups import gate, offers
from app.signups.models import WAITING_STATUSES, Signup
from app.signups.operations import begin_waiting, confirm_again, put_on_waitlist, sign_up
from app.signups.places import free_places, lock_shift, lock_whole, record
from app.signups.staff import require_for_staff

# What does not keep anybody from waiting: that is what they wait for, and who waits holds no time (S3).
NO_REASON_NOT_TO_WAIT = ("full", "overlap")


def join(shift_id: int, *, by: Person, party_size: int = 1, position_id: int | None = None, note: str = "") -> Signup:
    """A turn on the waitlist of a shift that is full, behind everybody who waits; where there is room, and nobody in line who
    could have it, a confirmed place at once.

    Asks the gate: whom it would not let have a place does not wait for one (G1). Raises Refused with every reason.
    """
    person, shift = lock_shift(by.id, shift_id)
    offers.offer_free_places(shift)
    reasons = gate.check(shift, person, party_size=party_size, position_id=position_id)
    if not reasons:
        return sign_up(shift_id, by=by, party_size=party_size, position_id=position_id, note=note)
    position = gate.find_position(shift, position_id, party_size)
    most = None if position is None else position.capacity
    if most == 0 or not any(reason.code == "full" for reason in reasons):
        raise Refused(reasons)
    left = [reason for reason in reasons if reason.code not in NO_REASON_NOT_TO_WAIT]
    if most is not None and party_size > most:
        left.append(too_many(most))
    if left or position is None:
        raise Refused(left or reasons)
    return begin_waiting(shift, position, by=by, party_size=party_size, note=note)


def too_many(most: int) -> Reason:
    """A party that never fits, however many places come free."""
    return Reason(
        "party_size",
        ngettext(
            "Choose 1 person: the shift has 1 place.", "Choose %(num)s people or fewer: the shift has no more.", most
        ),
        _("Ask the others to sign up, too."),
    )


def accept(signup_id: int, *, by: Person) -> Signup:
    """Whoever was offered a place takes it; close to the start, whoever waits takes a free one. The gate is asked again (G1).

    Raises Refused with every reason, and when the offer is over or there is none; an offer that cannot be accepted at the
    moment stands up to its deadline.
    """
    signup, shift = lock_whole(signup_id)
    if _no_offer_any_more(signup, shift):
        raise Refused(_no_offer(signup, shift))
    if signup.status == "offered":
        free_places(signup.position, signup.party_size)
    gate.require(shift, signup.person, party_size=signup.party_size, position_id=signup.position_id, ignore=signup)
    return confirm_again(signup, shift, by=by)


def decline(signup_id: int, *, by: Person) -> Signup:
    """Whoever was offered a place does not take it: the next in line is asked. Raises Refused when there is no offer."""
    signup, shift = lock_whole(signup_id)
    if signup.status != "offered" or _is_late(signup):
        raise Refused(_no_offer(signup, shift))
    return offers.end(signup, shift, "declined", by=by)


def _no_offer_any_more(signup: Signup, shift: Shift) -> bool:
    """Looked at under the locks: of two who answer at once, or of an answer and the deadline, the second comes too late."""
    if signup.status == "offered":
        return _is_late(signup)
    return signup.status != "waitlisted" or not offers.is_first_come(shift)


def _is_late(signup: Signup) -> bool:
    return signup.offer_expires_at is None or signup.offer_expires_at <= now()


def _no_offer(signup: Signup, shift: Shift) -> list[Reason]:
    """Why there is nothing to accept or decline, as it stands."""
    again = _("Sign up again, or join the waitlist, as long as the shift is ahead.")
    if signup.status in gate.HOLDING_STATUSES:
        return [Reason("already_accepted", _("This place is yours already."), _("See it on My help."), "/my-help")]
    if shift.status == "cancelled":
        another = _("Look for another time on the same page.")
        return [Reason("shift_cancelled", _("This shift is cancelled, and its waitlist is closed."), another)]
    if closed := promises.check_need(shift.need):
        return closed
    if signup.status == "waitlisted":
        turn = _("We write to you at once when a place is yours.")
        return [Reason("not_offered", _("You wait for a place, and none is offered to you at the moment."), turn)]
    if signup.status in ("offered", "expired") and signup.offer_expires_at is not None:
        until = when.moment(signup.offer_expires_at, shift.time_zone)
        message = _("This place was yours until %(moment)s. Now the next person is asked.", moment=until)
        return [Reason("offer_expired", message, again)]
    if signup.status == "declined":
        return [Reason("offer_declined", _("You declined this place, and the next person was asked."), again)]
    return [Reason("offer_over", _("This place is not offered to you any more."), again)]


def expire_offer(signup_id: int) -> bool:
    """The deadline of an offer is over: its place goes to the next in line. False when there is nothing to end."""
    if db.session.get(Signup, signup_id) is None:
        return False
    signup, shift = lock_whole(signup_id)
    return offers.expire(signup, shift)


def offer_on_shift(shift_id: int) -> None:
    """Whatever is free on the shift is offered to those who wait for it."""
    _need, shift = locked_shift(shift_id)
    offers.offer_free_places(shift)


def change_waiting(signup_id: int, *, by: Person, party_size: int, note: str | None = None) -> Signup:
    """Somebody who waits comes with fewer people, so that they fit sooner: at the same turn. Raises Refused for more people
    than they waited with, and when they do not wait any more."""
    signup, shift = lock_whole(signup_id)
    if signup.status != "waitlisted":
        raise refuse("not_held", _("This place cannot be changed any more."), _("Look at My help."))
    if not 1 <= party_size <= signup.party_size:
        raise refuse(
            "party_size",
            _("Choose between 1 and %(most)s people.", most=signup.party_size),
            _("To wait with more people, leave the waitlist and join it again, at its end."),
        )
    was = {"was_party_size": signup.party_size}
    signup.party_size = party_size
    if note is not None:
        signup.note = block(note) or ""
    signup.sequence += 1
    record("signup.changed", signup, shift, by, **was)
    offers.offer_free_places(shift)
    return signup


def edit_shift_moving_latest(shift_id: int, values: ShiftInput, *, by: Person) -> Shift:
    """Change a shift; where a position is to have fewer places than are taken, the latest confirmed places, each with its
    whole party, move to the waitlist until the rest fits, and each of them is told (S1).

    Places that are only offered are taken back first: whoever was asked keeps their turn. Who is here already and places
    held for guests stay: when those alone are too many, it is Refused (`below_taken`) as `needs.operations.edit_shift` does.
    Raises InvalidInput, too.
    """
    _need, shift = locked_shift(shift_id)
    capacities = {position.id: position.capacity for position in named(shift, values.positions)}
    had_one: list[int] = []
    for position in shift.positions:
        capacity = capacities.get(position.id)
        if capacity is not None and capacity < position.taken:
            had_one += _make_fit(shift, position, capacity, by=by)
    edited = edit_shift(shift_id, values, by=by)
    offers.offer_free_places(edited, had_one=had_one)
    return edited


def _make_fit(shift: Shift, position: Position, capacity: int, *, by: Person) -> list[int]:
    """The ids of the places that were confirmed and wait now. Need and shift are locked, so nobody else takes or gives back a
    place of `position` meanwhile."""
    had_one = []
    latest = db.session.scalars(
        sa.select(Signup.id)
        .where(Signup.position_id == position.id, Signup.status.in_(("offered", "confirmed")))
        .order_by(Signup.status != "offered", Signup.created_at.desc(), Signup.id.desc())
    ).all()
    for signup_id in latest:
        if position.taken <= capacity:
            break
        signup = lock(Signup, signup_id)
        if signup is not None and signup.status in ("offered", "confirmed"):
            if signup.status == "confirmed":
                had_one.append(signup.id)
            put_on_waitlist(signup, shift, by=by, why="withdrawn" if signup.status == "offered" else "fewer")
    return had_one


def give_place(signup_id: int, *, by: Person) -> Signup:
    """Somebody on the waitlist gets their places, through the gate, and is told. Raises Refused with every reason that staff
    may know, and when they do not wait any more."""
    signup, shift = lock_whole(signup_id)
    if signup.status not in WAITING_STATUSES:
        raise _changed()
    if signup.status == "offered":
        free_places(signup.position, signup.party_size)
    require_for_staff(shift, signup.person, party_size=signup.party_size, position_id=signup.position_id, ignore=signup)
    return confirm_again(signup, shift, by=by)


def undo_give_place(signup_id: int, *, by: Person) -> Signup:
    """The place was given by mistake: they wait again, at the same turn, and are told when they had been told of the place;
    what had been offered to them is offered as before.
    Raises Refused when the place did not come from the waitlist, stands differently by now, or the shift is over."""
    signup, shift = lock_whole(signup_id)
    if signup.status != "confirmed" or signup.was not in WAITING_STATUSES:
        raise _changed()
    if shift.is_over:
        raise refuse("past", _("This shift is over."))
    unsent = outbox.withdraw(f"signup_confirmed:{signup.id}:{signup.sequence}")
    if signup.was == "offered" and not _is_late(signup):
        return offers.restore(signup, shift, by=by, tell=not unsent)
    put_on_waitlist(signup, shift, by=by, why="mistake")
    if unsent:
        outbox.withdraw(f"signup_waitlisted:{signup.id}:{signup.sequence}")
    offers.offer_free_places(shift)
    return signup


def list_waiting(shift_ids: Sequence[int]) -> list[Signup]:
    """Who waits for a place on the shifts, or is asked whether they take one, whoever signed up first first. For staff only:
    the caller's guard makes sure."""
    return list(
        db.session.scalars(
            sa.select(Signup)
            .options(joinedload(Signup.person), joinedload(Signup.position))
            .where(Signup.shift_id.in_(shift_ids), Signup.status.in_(WAITING_STATUSES))
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
    """The shift of somebody who waits, or is offered a place, was changed: promise a mail with its facts (S6); an offer is
    asked again by the gate. False when they do not wait."""
    found = db.session.get(Signup, signup_id)
    if found is None or found.status not in WAITING_STATUSES:
        return False
    # Looked at again under the lock.
    signup, shift = lock_whole(signup_id)
    if signup.status == "offered":
        offers.review(signup, shift, moved=True)
        return True
    if signup.status != "waitlisted":
        return False
    signup.sequence += 1
    outbox.enqueue(
        "signup_waitlisted",
        {"signup_id": signup.id, "why": "moved"},
        key=f"signup_waitlisted:{signup.id}:{signup.sequence}:{shift.sequence}",
    )
    offers.offer_free_places(shift)
    return True


def list_waiting_on_need(need_id: int) -> Sequence[int]:
    """Ids of the places that wait, or are offered, on any shift of the need."""
    return db.session.scalars(
        sa.select(Signup.id)
        .join(Shift, Shift.id == Signup.shift_id)
        .where(Shift.need_id == need_id, Signup.status.in_(WAITING_STATUSES))
        .order_by(Signup.id)
    ).all()


def _changed() -> Refused:
    return refuse(
        "changed_meanwhile", _("This place stands differently by now."), _("Look at the roster again, then decide.")
    )
