"""What whoever keeps the roster does for somebody who telephones: give their place back, change it, and take each back again
while it is fresh; and what they note of those who came, told no more of them than the roster says. The person is told by mail
when they have a mailbox; the gate is asked as for everybody (G1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.accounts.models import Person
from app.core.db import db
from app.core.errors import InvalidInput, Refused, refuse
from app.core.i18n import _
from app.needs.models import Shift
from app.needs.promises import STAFF_REASONS
from app.safeguarding.policy import can_keep_clearances
from app.signups import gate, operations
from app.signups.models import Signup
from app.signups.places import lock_whole
from app.signups.told import reasons_for_staff
from app.signups.undo import is_fresh, take_back
from app.signups.volunteers import as_staff_may_know

# Why nobody on this roster can be noted so, or this place not any more: nothing of it is about the person.
ABOUT_THE_ROSTER = (
    "check_in_not_open",
    "check_in_closed",
    "not_begun",
    "changed_meanwhile",
    "own_hours",
    "already_signed_up",
    "shift_cancelled",
    "shift_cannot_run",
    "past",
    "not_found",
)


def require_for_staff(shift: Shift, person: Person, **wanted: Any) -> None:
    """`gate.require` for staff who have `person` before them or on the telephone. Raises Refused with what they may know:
    of somebody without a mailbox, whom staff wrote down, everything."""
    reasons = gate.check(shift, person, vouched=True, **wanted)
    if reasons:
        raise Refused(as_staff_may_know(reasons) if person.has_mailbox else reasons)


def cancel_place(signup_id: int, *, by: Person, reason: str) -> Signup:
    """Give a place on a shift ahead back for the person, who is told; `reason` is a code of `promises.STAFF_REASONS`.

    Raises InvalidInput for another reason, and Refused as `operations.cancel_signup` does.
    """
    if reason not in STAFF_REASONS:
        raise InvalidInput({"reason": _("Choose one of the list")})
    return operations.cancel_signup(signup_id, by=by, reason=reason)


def undo_cancel(signup_id: int, *, by: Person) -> Signup:
    """The place that staff gave back a moment ago stands again. Raises Refused with what staff may know."""
    return _telling_staff(signup_id, lambda: operations.undo_cancel(signup_id, by=by))


def change_place(signup_id: int, *, by: Person, party_size: int, shift_id: int, position_id: int) -> Signup:
    """The same place with other people, another position or another shift of the need, for the person, who is told. Raises
    Refused with what staff may know; then nothing is changed."""
    return _telling_staff(
        signup_id,
        lambda: operations.change_signup(
            signup_id, by=by, party_size=party_size, shift_id=shift_id, position_id=position_id
        ),
    )


def undo_add(signup_id: int, *, by: Person) -> Signup:
    """Somebody was written down by mistake a moment ago: the place is given back. Nobody is written to, unless a mail has
    left already. Raises Refused when it is too late, or the place stands differently by now."""
    signup, _shift = lock_whole(signup_id)
    # Whatever happened to it since raised its sequence.
    if signup.was != "added" or signup.status != "confirmed" or signup.sequence or not is_fresh(signup):
        raise refuse(
            "undo_too_late",
            _("It is too late to undo this, or the place stands differently by now."),
            _("Look at the roster, and cancel the place there."),
        )
    return take_back(signup.id, by=by)


def check_in(signup_id: int, *, by: Person) -> Signup:
    """`operations.check_in`. Raises Refused with what the roster may say of the person."""
    return _as_on_the_roster(signup_id, by, lambda: operations.check_in(signup_id, by=by))


def record_hours(signup_id: int, *, by: Person, minutes: int) -> Signup:
    """`operations.record_hours`. Raises InvalidInput, and Refused with what the roster may say of the person."""
    return _as_on_the_roster(signup_id, by, lambda: operations.record_hours(signup_id, by=by, minutes=minutes))


def undo_attendance(signup_id: int, *, by: Person) -> Signup:
    """`operations.undo_attendance`. Raises Refused with what the roster may say of the person."""
    return _as_on_the_roster(signup_id, by, lambda: operations.undo_attendance(signup_id, by=by))


def _as_on_the_roster(signup_id: int, by: Person, act: Callable[[], Signup]) -> Signup:
    try:
        return act()
    except Refused as refused:
        signup = db.session.get_one(Signup, signup_id)
        if signup.person_id == by.id:
            raise
        plain = [reason for reason in refused.reasons if reason.code in ABOUT_THE_ROSTER]
        of_them = [reason for reason in refused.reasons if reason.code not in ABOUT_THE_ROSTER]
        if of_them:
            keeps = can_keep_clearances(by, signup.shift.need.organization)
            plain += reasons_for_staff(of_them, keeps_clearances=keeps)
        raise Refused(plain) from refused


def _telling_staff(signup_id: int, act: Callable[[], Signup]) -> Signup:
    try:
        return act()
    except Refused as refused:
        if not db.session.get_one(Signup, signup_id).person.has_mailbox:
            raise
        raise Refused(as_staff_may_know(refused.reasons)) from refused
