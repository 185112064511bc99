"""Taking a place and giving it back. Nothing else writes a confirmed signup (a house test looks)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from app.accounts.models import Person
from app.core import outbox
from app.core.clock import now
from app.core.db import db, lock
from app.core.errors import Reason, Refused, refuse
from app.core.i18n import _
from app.core.text import block
from app.needs.models import Position, Shift
from app.needs.operations.shared import locked_shift
from app.signups import attendance, gate, offers, two_adults
from app.signups.models import COUNTED_STATUSES, LIVE_STATUSES, WAITING_STATUSES, Signup
from app.signups.places import (
    claim_places,
    free_places,
    lock_shift,
    lock_signup,
    lock_whole,
    promise_reminder,
    record,
    reminder_key,
)

# Undo is for a slip of the finger; later one signs up again.
UNDO_CANCEL_WITHIN = dt.timedelta(minutes=15)


class SeveralRefused(Refused):
    """Some of several shifts were refused; `by_shift` has the reasons of each, by its id."""

    def __init__(self, by_shift: dict[int, list[Reason]]) -> None:
        self.by_shift = by_shift
        super().__init__([reason for reasons in by_shift.values() for reason in reasons])


def sign_up(
    shift_id: int,
    *,
    by: Person,
    person: Person | None = None,
    party_size: int = 1,
    position_id: int | None = None,
    note: str = "",
    were_held: bool = False,
) -> Signup:
    """A confirmed place for `by` and the people they bring (`party_size` counts them too), or Refused with every reason.

    With `person` it is their place, and `by` the staff who have them before them or on the telephone. Whoever waits for a
    place comes first (S5), unless these `were_held` for them.
    Locks person, need and shift in that order, asks the gate, then claims the places in one statement. Writes the
    signup, its audit event, and the promises to confirm by mail and to remind the day before.
    """
    vouched = person is not None
    person, shift = lock_shift((person or by).id, shift_id)
    if not were_held:
        offers.offer_free_places(shift)
    gate.require(shift, person, party_size=party_size, position_id=position_id, vouched=vouched)
    position = gate.find_position(shift, position_id, party_size)
    if position is None:
        raise refuse("position", _("Choose what you would do."))
    claim_places(position, party_size)
    signup = Signup(
        shift_id=shift.id,
        position_id=position.id,
        person_id=person.id,
        party_size=party_size,
        status="confirmed",
        note=block(note) or "",
        created_at=now(),
        was="added" if vouched else "",
    )
    db.session.add(signup)
    db.session.flush()
    record("signup.confirmed", signup, shift, by)
    outbox.enqueue("signup_confirmed", {"signup_id": signup.id}, key=f"signup_confirmed:{signup.id}")
    two_adults.reconsider(shift, by=by)
    promise_reminder(signup, shift)
    return signup


def cancel_signup(signup_id: int, *, by: Person | None, reason: str = "") -> Signup:
    """Give one's place back: the record stays, the places are free at once, the calendar and the mail follow (S6).

    `by` None is the system; staff give it back for the person and may say why, as a code of `promises.STAFF_REASONS`. One
    on the waitlist leaves it, and who is offered a place declines it (S5). Raises Refused when the place is not held any
    more or the shift is over.
    """
    found = db.session.get_one(Signup, signup_id)
    _person, shift = lock_shift(found.person_id, found.shift_id)
    signup = lock_signup(signup_id)
    if signup.status not in LIVE_STATUSES:
        raise refuse("not_held", _("This place is already cancelled."), _("Sign up again if you can come after all."))
    if shift.is_over:
        raise refuse("past", _("This shift is over, so the place cannot be cancelled."))
    if signup.status == "offered" and by is not None and by.id == signup.person_id:
        return offers.end(signup, shift, "declined", by=by)
    _release(signup, shift, by=by, **({"reason": reason} if reason else {}))
    for_them = by is None or by.id != signup.person_id
    kind = "signup_cancelled_for" if for_them else "signup_cancelled"
    key = f"signup_cancelled:{signup.id}:{signup.sequence}"
    outbox.enqueue(kind, {"signup_id": signup.id, "reason": reason}, key=key)
    two_adults.reconsider(shift, by=by)
    offers.offer_free_places(shift)
    return signup


def undo_cancel(signup_id: int, *, by: Person) -> Signup:
    """The place that `by` gave back a moment ago, their own or as staff, stands again as it was: same people, same note,
    same calendar entry, or the same turn on the waitlist.

    It passes the gate and claims its places like any other. Raises Refused with every reason, also when it is too late.
    """
    signup, shift = lock_whole(signup_id)
    reasons = [] if can_undo_cancel(signup, by) else [_too_late()]
    reasons += _against_standing_again(signup, by)
    if reasons:
        raise Refused(reasons)
    outbox.withdraw(f"signup_cancelled:{signup.id}:{signup.sequence}")
    if signup.was in WAITING_STATUSES:
        put_on_waitlist(signup, shift, by=by, why="again")
        offers.offer_free_places(shift)
        return signup
    return confirm_again(signup, shift, by=by)


def change_signup(
    signup_id: int,
    *,
    by: Person,
    party_size: int,
    shift_id: int | None = None,
    position_id: int | None = None,
    note: str | None = None,
) -> Signup:
    """The same place with other people, another position, or on another shift of the need, in one step: what is new
    passes the gate before what was is given up. `shift_id` None is the same shift; `note` None leaves the note.

    `by` may be the staff who have the person before them or on the telephone. The calendar entry follows, since the place
    keeps its identity. Raises Refused with every reason; then nothing is changed.
    """
    found = db.session.get_one(Signup, signup_id)
    before_id, after_id = found.shift_id, shift_id or found.shift_id
    _person, before = lock_shift(found.person_id, before_id)
    shift = lock(Shift, after_id)
    signup = lock_signup(signup_id)
    if shift is None or shift.need_id != before.need_id:
        raise refuse("not_found", _("This shift is not there any more."))
    if signup.status != "confirmed":
        raise refuse("not_held", _("This place cannot be changed any more."), _("Look at My help."))
    if before.is_over:
        raise refuse("past", _("This shift is over, so the place cannot be changed."))
    offers.offer_free_places(shift)
    free_places(signup.position, signup.party_size)
    vouched = by.id != signup.person_id
    gate.require(shift, signup.person, party_size=party_size, position_id=position_id, ignore=signup, vouched=vouched)
    position = gate.find_position(shift, position_id, party_size)
    if position is None:
        raise refuse("position", _("Choose what you would do."))
    claim_places(position, party_size)
    outbox.withdraw(reminder_key(signup, before))
    was = {"was_shift_id": before.id, "was_position_id": signup.position_id, "was_party_size": signup.party_size}
    signup.shift_id, signup.position_id, signup.party_size = shift.id, position.id, party_size
    if note is not None:
        signup.note = block(note) or ""
    # Calendars add the shift's own sequence, and the sum must rise (M3).
    signup.sequence += 1 + max(0, before.sequence - shift.sequence)
    db.session.flush()
    db.session.expire(signup, ["shift", "position"])
    record("signup.changed", signup, shift, by, **was)
    kind = "signup_changed_for" if vouched else "signup_confirmed"
    outbox.enqueue(kind, {"signup_id": signup.id}, key=f"signup_confirmed:{signup.id}:{signup.sequence}")
    promise_reminder(signup, shift)
    for each in {before.id: before, shift.id: shift}.values():
        two_adults.reconsider(each, by=by)
        offers.offer_free_places(each)
    return signup


def sign_up_for_several(
    shift_ids: list[int],
    *,
    by: Person,
    party_size: int = 1,
    note: str = "",
    positions: Mapping[int, int | None] | None = None,
) -> list[Signup]:
    """A place on each of several shifts, all or none; `positions` has what they would do, by the shift's id. Raises
    SeveralRefused."""
    wanted = positions or {}
    refusals: dict[int, list[Reason]] = {}
    made: list[Signup] = []
    for shift_id in sorted(set(shift_ids)):
        try:
            made.append(sign_up(shift_id, by=by, party_size=party_size, note=note, position_id=wanted.get(shift_id)))
        except Refused as refused:
            refusals[shift_id] = refused.reasons
    if refusals:
        raise SeveralRefused(refusals)
    return made


def can_undo_cancel(signup: Signup, by: Person) -> bool:
    """True for a quarter of an hour after a place was given back: by the person to the person, by staff to any of the
    staff. The gate still has its say."""
    given_back = signup.cancelled_at if signup.status == "cancelled" else None
    if given_back is None or now() - given_back >= UNDO_CANCEL_WITHIN or signup.cancelled_by_id is None:
        return False
    return (signup.cancelled_by_id == signup.person_id) == (by.id == signup.person_id)


def would_undo_cancel(signup: Signup, by: Person) -> bool:
    """True while `undo_cancel` would do it: in time, and the gate has nothing against it. What offers the way back asks
    this, so that none is offered when the place went to somebody who waited (S5) or is taken again."""
    return can_undo_cancel(signup, by) and not _against_standing_again(signup, by)


def _against_standing_again(signup: Signup, by: Person) -> list[Reason]:
    """What the gate has against a place that was given back, asked for by `by`. Who waits takes no room and holds no time."""
    reasons = gate.check(
        signup.shift,
        signup.person,
        party_size=signup.party_size,
        position_id=signup.position_id,
        vouched=by.id != signup.person_id,
    )
    no_matter = ("full", "overlap") if signup.was in WAITING_STATUSES else ()
    return [reason for reason in reasons if reason.code not in no_matter]


def _too_late() -> Reason:
    return Reason(
        "undo_too_late",
        _("It is too late to undo this: that goes for 15 minutes."),
        _("Sign up again, as long as there is a place."),
    )


def end_for_cancelled_shift(signup_id: int) -> bool:
    """The shift was cancelled: end this place and promise to tell the person. False when there was nothing to end."""
    return _end(signup_id, "shift_cancelled")


def end_for_closed_need(signup_id: int) -> bool:
    """The need was closed: nobody waits for a place on it any more, and the person is told. False when there was nothing to
    end, or it was opened again."""
    found = db.session.get(Signup, signup_id)
    if found is None:
        return False
    signup, shift = lock_whole(signup_id)
    if signup.status not in WAITING_STATUSES or shift.need.status != "closed":
        return False
    _release(signup, shift, by=None)
    outbox.enqueue("signup_waitlist_closed", {"signup_id": signup.id}, key=f"signup_waitlist_closed:{signup.id}:closed")
    return True


def review_after_change(signup_id: int) -> bool:
    """The shift was changed: keep the place if the gate would still let it stand, else end it; tell the person either way.

    Returns whether the place stands (G1: a change is re-evaluated and un-confirms).
    """
    found = db.session.get(Signup, signup_id)
    if found is None:
        return False
    _person, shift = lock_shift(found.person_id, found.shift_id)
    signup = lock_signup(signup_id)
    if signup.status not in gate.HOLDING_STATUSES:
        return False
    if _end_if_it_cannot_stand(signup, shift, after_change=True):
        two_adults.reconsider(shift)
        offers.offer_free_places(shift)
        return False
    key = f"{signup.id}:{shift.sequence}"
    signup.sequence += 1
    record("signup.reviewed", signup, shift, None)
    outbox.enqueue("signup_moved", {"signup_id": signup.id}, key=f"signup_moved:{key}")
    promise_reminder(signup, shift)
    return True


def review_standing(signup_id: int) -> bool:
    """Something that is known of the person, or asked by the organization, changed or ran out: end the place when the gate
    would not let it stand any more, telling both sides (G1). Returns whether it stands."""
    found = db.session.get(Signup, signup_id)
    if found is None:
        return False
    _person, shift = lock_shift(found.person_id, found.shift_id)
    signup = lock_signup(signup_id)
    if signup.status in WAITING_STATUSES and not shift.is_over:
        # Who waits may be one who can come by now, or the other way round (S5).
        if signup.status == "offered":
            offers.review(signup, shift)
        offers.offer_free_places(shift)
    if signup.status not in gate.HOLDING_STATUSES or shift.is_over:
        return False
    stands = not _end_if_it_cannot_stand(signup, shift)
    two_adults.reconsider(shift)
    offers.offer_free_places(shift)
    return stands


def review_shift(shift_id: int) -> None:
    """Write whether the shift can run (G2)."""
    _need, shift = locked_shift(shift_id)
    two_adults.reconsider(shift)


def _end_if_it_cannot_stand(signup: Signup, shift: Shift, *, after_change: bool = False) -> bool:
    reasons = gate.check_standing(shift, signup.person, ignore=signup)
    if not after_change:
        # Of two places at one time the one whose shift was moved ends, as staff were told before they saved it (S6).
        reasons = [reason for reason in reasons if reason.code != "overlap"]
    if not reasons:
        return False
    _release(signup, shift, by=None)
    codes = [reason.code for reason in reasons]
    key = f"signup_ended:{signup.id}:{signup.sequence}"
    outbox.enqueue("signup_ended", {"signup_id": signup.id, "codes": codes}, key=key)
    return True


def check_in(signup_id: int, *, by: Person) -> Signup:
    """They are here: somebody of the staff says so by name. Asks the gate again, because a place is worth only what it
    is worth now (G1). Raises Refused outside the window (`attendance.check_in_refusal`) or when the place cannot stand."""
    signup, shift = lock_whole(signup_id)
    _require_status(signup, "confirmed")
    reason = attendance.check_in_refusal(shift)
    reasons = [*([reason] if reason else []), *_reasons_not_here(signup, shift)]
    if reasons:
        raise Refused(reasons)
    signup.status = "checked_in"
    signup.checked_in_at = now()
    record("signup.checked_in", signup, shift, by)
    return signup


def _reasons_not_here(signup: Signup, shift: Shift) -> list[Reason]:
    """Why nobody can say that this person is here: the place cannot stand, or the shift cannot run (G1, G2)."""
    reasons = gate.check_again(signup)
    if (
        shift.status != "cancelled"
        and not two_adults.runs(shift)
        and "shift_cannot_run" not in {r.code for r in reasons}
    ):
        reasons.append(two_adults.not_running())
    return reasons


def mark_no_show(signup_id: int, *, by: Person) -> Signup:
    """They did not come. The places stay taken: the shift ran without them. Raises Refused before the start."""
    signup, shift = lock_whole(signup_id)
    _require_status(signup, "confirmed")
    attendance.require_begun(shift, signup.status)
    signup.status = "no_show"
    outbox.withdraw(reminder_key(signup, shift))
    record("signup.no_show", signup, shift, by)
    two_adults.reconsider(shift, by=by)
    return signup


def record_hours(signup_id: int, *, by: Person, minutes: int) -> Signup:
    """They came and gave `minutes` each. Said by the staff about somebody else it counts at once; staff who helped
    themselves have it recorded, and it counts when another one says the same or corrects it (S9).

    While the shift goes on that says they are here, too: whom check-in refuses it refuses. Raises Refused then and before
    the start, and InvalidInput for "hours" that cannot be.
    """
    signup, shift = lock_whole(signup_id)
    _require_status(signup, "confirmed", "checked_in", "completed")
    attendance.require_begun(shift, signup.status)
    attendance.require_possible(shift, minutes)
    if signup.status == "confirmed" and not shift.is_over and (reasons := _reasons_not_here(signup, shift)):
        raise Refused(reasons)
    if signup.person_id == by.id and signup.hours_approved_by_id is not None:
        raise refuse("own_hours", _("Your hours are approved already. Somebody else on the staff can correct them."))
    signup.status = "completed"
    signup.minutes = minutes
    signup.hours_approved_by_id = None if signup.person_id == by.id else by.id
    outbox.withdraw(reminder_key(signup, shift))
    kind = "signup.hours_recorded" if signup.hours_approved_by_id is None else "signup.hours_approved"
    record(kind, signup, shift, by, minutes=minutes)
    return signup


def undo_attendance(signup_id: int, *, by: Person) -> Signup:
    """Take back that somebody was here, did not come or completed: a confirmed place as before, as far as the gate lets
    it be one (they may have taken another since). Raises Refused."""
    signup, shift = lock_whole(signup_id)
    _require_status(signup, "checked_in", "no_show", "completed")
    if signup.person_id == by.id and signup.hours_approved_by_id is not None:
        raise refuse("own_hours", _("Your hours are approved already. Somebody else on the staff can correct them."))
    reasons = gate.check_again(signup)
    if reasons:
        raise Refused(reasons)
    data: dict[str, int | str] = {"was": signup.status, "minutes": signup.minutes or 0}
    signup.status = "confirmed"
    signup.checked_in_at = signup.minutes = signup.hours_approved_by_id = None
    record("signup.attendance_undone", signup, shift, by, **data)
    two_adults.reconsider(shift, by=by)
    return signup


def _require_status(signup: Signup, *allowed: str) -> None:
    """Two of the staff keep one roster: the second is told that the place stands differently by now."""
    if signup.status not in allowed:
        raise refuse(
            "changed_meanwhile", _("This place stands differently by now."), _("Look at the roster again, then decide.")
        )


def _release(signup: Signup, shift: Shift, *, by: Person | None, **more: int | str) -> None:
    """End a live place: status, free places in the same transaction, audit. The caller promises the mail that says why."""
    if signup.status in COUNTED_STATUSES:
        free_places(signup.position, signup.party_size)
    signup.was, signup.status = signup.status, "cancelled"
    signup.cancelled_at, signup.cancelled_by_id = now(), None if by is None else by.id
    signup.sequence += 1
    outbox.withdraw(reminder_key(signup, shift))
    db.session.flush()
    record("signup.cancelled", signup, shift, by, **more)


def confirm_again(signup: Signup, shift: Shift, *, by: Person) -> Signup:
    """Give a place that does not count now (cancelled, waitlisted, or offered and freed a moment ago) its places, its
    reminder and its mail. The caller holds the locks and has asked the gate. Raises Refused when others were faster."""
    claim_places(signup.position, signup.party_size)
    signup.was, signup.status = signup.status, "confirmed"
    signup.cancelled_at = signup.cancelled_by_id = None
    signup.sequence += 1
    record("signup.confirmed", signup, shift, by)
    key = f"signup_confirmed:{signup.id}:{signup.sequence}"
    outbox.enqueue("signup_confirmed", {"signup_id": signup.id, "was": signup.was}, key=key)
    promise_reminder(signup, shift)
    two_adults.reconsider(shift, by=by)
    return signup


def begin_waiting(shift: Shift, position: Position, *, by: Person, party_size: int, note: str) -> Signup:
    """A turn behind everybody who waits for the shift (S5). The caller holds the locks and has asked the gate."""
    signup = Signup(
        shift_id=shift.id,
        position_id=position.id,
        person_id=by.id,
        party_size=party_size,
        status="requested",
        note=block(note) or "",
        created_at=now(),
    )
    db.session.add(signup)
    db.session.flush()
    return put_on_waitlist(signup, shift, by=by, why="joined")


def put_on_waitlist(signup: Signup, shift: Shift, *, by: Person, why: str) -> Signup:
    """Let a place wait: it takes no room and holds no time, and its turn is by when they signed up. The person is promised
    a mail that says so, and `why`: "joined", "fewer" places, "again" after leaving it, by "mistake". The caller holds the
    locks, and offers what came free."""
    if signup.status in COUNTED_STATUSES:
        free_places(signup.position, signup.party_size)
    signup.was, signup.status = signup.status, "waitlisted"
    signup.cancelled_at = signup.cancelled_by_id = None
    signup.sequence += 1
    outbox.withdraw(reminder_key(signup, shift))
    record("signup.waitlisted", signup, shift, by)
    outbox.enqueue(
        "signup_waitlisted",
        {"signup_id": signup.id, "why": why},
        key=f"signup_waitlisted:{signup.id}:{signup.sequence}",
    )
    two_adults.reconsider(shift, by=by)
    return signup


def _end(signup_id: int, kind: str) -> bool:
    found = db.session.get(Signup, signup_id)
    if found is None:
        return False
    _person, shift = lock_shift(found.person_id, found.shift_id)
    signup = lock_signup(signup_id)
    if signup.status not in LIVE_STATUSES:
        return False
    _release(signup, shift, by=None)
    if signup.was in WAITING_STATUSES:
        kind = "waitlist_closed"
    outbox.enqueue(f"signup_{kind}", {"signup_id": signup.id}, key=f"signup_{kind}:{signup.id}")
    return True
