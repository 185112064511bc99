"""What signups promise: mails about one's place, and what a changed or cancelled shift means for everybody on it.

Every mail is composed from the rows as they are when it is sent; a place that was cancelled meanwhile is never called
confirmed, and no mail carries the exact address of a private place (N6).
"""

from __future__ import annotations

import smtplib
from typing import Any

from flask import current_app

from app.accounts.mailbox import deliver_noting
from app.accounts.queries import find_person
from app.core import outbox
from app.core.clock import local_date, now
from app.core.db import db, transaction
from app.core.ids import encode_id
from app.core.jobs import Sweep
from app.core.letters import compose, speaking
from app.core.when import full_day, moment, time_left, times, zoned_time
from app.messages.delivery import send
from app.needs.operations import promise_thanks
from app.needs.policy import can_see_staff_page, is_visible, works_on
from app.needs.queries import find_need
from app.organizations.notices import promise_to_staff
from app.signups import gate, holds, offers, operations, queries, safety_jobs, two_adults, waitlist
from app.signups.calendar import calendar_attachment, describe_area
from app.signups.models import WAITING_STATUSES, GuestHold, Signup
from app.signups.policy import place_token


def mail_confirmed(payload: dict[str, Any]) -> None:
    """The place is yours, with its calendar file; or, when it was given back meanwhile, that it was. Staff who want to
    hear of it at once are promised their own mails first. Not when it waits meanwhile: that has its own."""
    if _waits(payload):
        return
    _promise_to_staff(payload, "staff_signups", "mail_staff_signup")
    was = payload.get("was", "")
    _send("signups/confirmed", payload, was="waitlisted" if was in WAITING_STATUSES else was)


def mail_changed_for(payload: dict[str, Any]) -> None:
    """The staff changed your place for you."""
    if _waits(payload):
        return
    _promise_to_staff(payload, "staff_signups", "mail_staff_signup")
    _send("signups/changed_for", payload)


def mail_waitlisted(payload: dict[str, Any]) -> None:
    """You wait for a place now, or the shift you wait for is another; not when that is over meanwhile."""
    if _waits(payload):
        _send("signups/waitlisted", payload, why=payload["why"])


def mail_offered(payload: dict[str, Any]) -> None:
    """A place is yours until then; not when it is answered or over meanwhile."""
    signup = queries.find_signup(payload["signup_id"])
    if signup is None or signup.status != "offered" or signup.offer_expires_at is None:
        return
    if signup.offer_expires_at > now():
        _send_plain("signups/offered", payload, signup, why=payload["why"])


def mail_offer_expired(payload: dict[str, Any]) -> None:
    """Nobody answered, and the next was asked."""
    signup = queries.find_signup(payload["signup_id"])
    if signup is not None and signup.status == "expired":
        _send_plain("signups/offer_expired", payload, signup)


def mail_first_come(payload: dict[str, Any]) -> None:
    """So close to the start a free place goes to the first who takes it: to everybody who waits, once."""
    signup = queries.find_signup(payload["signup_id"])
    if signup is not None and signup.status == "waitlisted" and not signup.shift.is_over:
        _send_plain("signups/first_come", payload, signup)


def mail_passed_over(payload: dict[str, Any]) -> None:
    """A place came free that you could not have, and why: your turn stays. Not when nothing stands in the way any more."""
    signup = queries.find_signup(payload["signup_id"])
    if signup is None or signup.status != "waitlisted" or not signup.person.is_active or signup.shift.is_over:
        return
    with speaking(signup.person.locale):
        found = gate.check(signup.shift, signup.person, party_size=signup.party_size, position_id=signup.position_id,
                           ignore=signup)  # fmt: skip
        reasons = [f"{reason.message} {reason.remedy}".strip() for reason in found if reason.code in payload["codes"]]
    party = "party" in payload["codes"]
    if reasons or party:
        _send_plain("signups/passed_over", payload, signup, reasons=reasons, party=party)


def mail_waitlist_closed(payload: dict[str, Any]) -> None:
    """Nobody waits for this shift any more: it, or its need, is over."""
    signup = queries.find_signup(payload["signup_id"])
    if signup is not None and signup.status == "cancelled":
        _send_plain("signups/waitlist_closed", payload, signup, called_off=signup.shift.status == "cancelled")


def end_offer(payload: dict[str, Any]) -> None:
    """The deadline of an offer: over unless it was answered, and then the next is asked."""
    with transaction():
        waitlist.expire_offer(payload["signup_id"])


def end_due_offers() -> None:
    """Sweep: offers whose deadline is over."""
    for signup_id in offers.list_due():
        with transaction():
            waitlist.expire_offer(signup_id)


def serve_waitlists() -> None:
    """Sweep: whatever is free, whoever can come by now is asked."""
    for shift_id in offers.list_shifts_with_line():
        with transaction():
            waitlist.offer_on_shift(shift_id)


def offer_more_places(payload: dict[str, Any]) -> None:
    """A shift has more places than before: whoever waits is asked."""
    with transaction():
        waitlist.offer_on_shift(payload["shift_id"])


def close_waitlists(payload: dict[str, Any]) -> None:
    """A need was closed: nobody waits for its shifts any more."""
    for signup_id in waitlist.list_waiting_on_need(payload["need_id"]):
        with transaction():
            operations.end_for_closed_need(signup_id)


def _waits(payload: dict[str, Any]) -> bool:
    signup = queries.find_signup(payload["signup_id"])
    return signup is not None and signup.status == "waitlisted"


def mail_cancelled(payload: dict[str, Any]) -> None:
    """You gave your place back; the calendar forgets it. Not when it was taken back before this was sent."""
    _mail_cancelled("signups/cancelled", payload)


def mail_cancelled_for(payload: dict[str, Any]) -> None:
    """The staff gave your place back for you, and why."""
    _mail_cancelled("signups/cancelled_for", payload, reason=payload["reason"])


def _mail_cancelled(name: str, payload: dict[str, Any], **values: Any) -> None:
    signup = queries.find_signup(payload["signup_id"])
    if signup is None or signup.status != "cancelled":
        return
    # Who only waited, or was asked, had no place: that is no news for the staff.
    waited = signup.was in WAITING_STATUSES
    if not waited:
        _promise_to_staff(payload, "staff_cancellations", "mail_staff_cancelled")
    _send(name, payload, was="waitlisted" if waited else signup.was, **values)


def _promise_to_staff(payload: dict[str, Any], kind: str, mail: str) -> None:
    with transaction():
        signup = queries.find_signup(payload["signup_id"])
        if signup is not None:
            promise_to_staff(
                signup.shift.need.organization_id,
                kind,
                mail,
                {"signup_id": signup.id},
                key=payload["outbox_key"],
                of=works_on(signup.shift.need_id),
                knowing=(signup.person_id, signup.cancelled_by_id),
            )


def mail_staff_signup(payload: dict[str, Any]) -> None:
    """One of the staff hears that somebody signed up or changed their place; not when it was given back meanwhile."""
    _tell_staff(payload, "signups/staff_signup", "staff_signups", held=True)


def mail_staff_cancelled(payload: dict[str, Any]) -> None:
    """One of the staff hears that somebody does not come; not when they took their place back meanwhile."""
    _tell_staff(payload, "signups/staff_cancelled", "staff_cancellations", held=False)


def mail_staff_ended(payload: dict[str, Any]) -> None:
    """One of the staff hears that somebody's place could not stay."""
    _tell_staff(payload, "signups/staff_cancelled", "staff_cancellations", held=False, ended=True)


def _tell_staff(payload: dict[str, Any], name: str, kind: str, *, held: bool, ended: bool = False) -> None:
    signup, staff = queries.find_signup(payload["signup_id"]), find_person(payload["person_id"])
    if signup is None or staff is None or (signup.status in gate.HOLDING_STATUSES) != held:
        return
    organization, shift = signup.shift.need.organization, signup.shift
    if not can_see_staff_page(staff, shift.need):
        return
    counted = [position.capacity for position in shift.positions]
    with speaking(staff.locale):
        values: dict[str, Any] = {
            "who": signup.person.name,
            "taken": sum(position.taken for position in shift.positions),
            "capacity": None if None in counted else sum(capacity or 0 for capacity in counted),
            "note": signup.note,
            "ended": ended,
            "roster_path": f"/manage/{organization.slug}/shifts/{encode_id(shift.id)}/roster",
            **_facts(signup),
        }
    send(name, to=staff, key=payload["outbox_key"], kind=kind, zone=shift.time_zone, **{**values, "name": staff.name})


def mail_guest_hold(payload: dict[str, Any]) -> None:
    """The link that confirms a guest's place; nothing when the hold has ended."""
    hold = db.session.get(GuestHold, payload["hold_id"])
    if hold is None or hold.status != "held" or hold.expires_at <= now():
        return
    settings = current_app.config["SETTINGS"]
    shift, need = hold.shift, hold.shift.need
    with speaking(hold.locale):
        mail = compose(
            "signups/guest_hold",
            to=hold.email,
            locale=hold.locale,
            name=hold.name,
            title=need.title,
            position=hold.position.name,
            organization=need.organization.name,
            shift=shift,
            day=full_day,
            span=times,
            local_date=local_date,
            area=describe_area(need),
            party_size=hold.party_size,
            until=zoned_time(hold.expires_at, shift.time_zone),
            confirm_url=f"{settings.base_url}/guests/confirm/{holds.confirm_token(hold)}",
        )
    hold_id, failed = hold.id, hold.mail_failed_at is not None

    def note(failed_now: bool) -> None:
        holds.note_mail(hold_id, failed=failed_now)

    try:
        deliver_noting(mail, key=payload["outbox_key"], failed=failed, note=note)
    except (OSError, smtplib.SMTPException):
        # The staff see it at once, not at the last try: a hold is shorter than all tries.
        with transaction():
            note(True)
        raise


def free_holds() -> None:
    """Sweep: places that were held for guests who never followed their link are free again (S10)."""
    for hold_id in queries.list_expired_holds():
        with transaction():
            holds.end_expired_hold(hold_id)


def mail_shift_cancelled(payload: dict[str, Any]) -> None:
    """The organization cancelled the shift."""
    _send("signups/shift_cancelled", payload)


def mail_moved(payload: dict[str, Any]) -> None:
    """The shift was changed and the place stands."""
    _send("signups/moved", payload)


def mail_ended(payload: dict[str, Any]) -> None:
    """The shift, what is known of the person, or what is asked changed, and the place could not stand; says why. The staff
    hear it too, as they chose: not why, which is between the person and whoever recorded it."""
    signup = queries.find_signup(payload["signup_id"])
    if signup is None:
        return
    _promise_to_staff(payload, "staff_cancellations", "mail_staff_ended")
    with speaking(signup.person.locale):
        reasons = gate.check_standing(signup.shift, signup.person)
    _send("signups/ended", payload, reasons=[reason.message for reason in reasons if reason.code in payload["codes"]])


def mail_reminder(payload: dict[str, Any]) -> None:
    """The day before: only while the place stands, and the shift is when it was (a moved one has its own)."""
    signup = queries.find_signup(payload["signup_id"])
    if signup is None or signup.status != "confirmed" or signup.shift.status != "scheduled":
        return
    if signup.shift.sequence != payload["shift_sequence"] or signup.shift.is_over:
        return
    if gate.check_standing(signup.shift, signup.person, ignore=signup) or not two_adults.runs(signup.shift):
        return
    _send("signups/reminder", payload, "reminder")


def fan_out_cancelled(payload: dict[str, Any]) -> None:
    """A shift was cancelled: end every place on it, one transaction and one mail each (S6)."""
    for signup_id in queries.list_ids_on_shift(payload["shift_id"]):
        with transaction():
            operations.end_for_cancelled_shift(signup_id)


def fan_out_changed(payload: dict[str, Any]) -> None:
    """A shift was changed: ask the gate again about every place on it, and tell each person, those who wait for one, too
    (S6, G1); then whether it can run (G2)."""
    for signup_id in queries.list_ids_on_shift(payload["shift_id"]):
        with transaction():
            if not waitlist.tell_of_change(signup_id):
                operations.review_after_change(signup_id)
    with transaction():
        operations.review_shift(payload["shift_id"])


def tell_of_no_owner(payload: dict[str, Any]) -> None:
    """Nobody owns the organization any more: whoever has a place there hears so, each once."""
    with transaction():
        for signup_id in queries.list_ids_held_at(payload["organization_id"]):
            key = f"signup_unowned:{signup_id}:{payload['outbox_key']}"
            outbox.enqueue("signup_unowned", {"signup_id": signup_id}, key=key)


def mail_unowned(payload: dict[str, Any]) -> None:
    """Your place stays, and perhaps nobody looks out for you; not once somebody claimed the organization, nor of a place that
    ended meanwhile or, being with children or adults at risk, ends for it."""
    signup = queries.find_signup(payload["signup_id"])
    if signup is None or signup.shift.need.organization.is_claimed or not gate.stands(signup):
        return
    _send("signups/unowned", payload)


def thank_helpers(payload: dict[str, Any]) -> None:
    """A need was closed: everybody who helped it with their time is promised their thanks."""
    with transaction():
        need = find_need(payload["need_id"])
        if need is not None:
            promise_thanks(need, queries.list_helpers(need.id))


def _send_plain(name: str, payload: dict[str, Any], signup: Signup, **values: Any) -> None:
    """A mail about a place that is not one yet: without a calendar file."""
    person, zone = signup.person, signup.shift.time_zone
    with speaking(person.locale):
        values |= _facts(signup)
    send(name, to=person, key=payload["outbox_key"], zone=zone, **values)


def _send(name: str, payload: dict[str, Any], kind: str | None = None, **values: Any) -> None:
    signup = queries.find_signup(payload["signup_id"])
    if signup is None:
        return
    settings, person = current_app.config["SETTINGS"], signup.person
    with speaking(person.locale):
        values |= _facts(signup)
        attachments = calendar_attachment(signup, base_url=settings.base_url, sender=settings.mail_from)
    zone = signup.shift.time_zone
    send(name, to=person, key=payload["outbox_key"], kind=kind, zone=zone, attachments=attachments, **values)


def _facts(signup: Signup) -> dict[str, Any]:
    settings = current_app.config["SETTINGS"]
    shift, need, person = signup.shift, signup.shift.need, signup.person
    facts = queries.find_day_facts(need, person)
    return {
        "name": person.name,
        "title": need.title,
        "position": signup.position.name,
        "organization": need.organization.name,
        "shift": shift,
        "day": full_day,
        "span": times,
        "local_date": local_date,
        "area": describe_area(need),
        "private": need.private_address,
        "bring": need.bring,
        # No mail carries the exact place of a private need (N6).
        "meeting_point": facts.meeting_point if facts and not need.private_address else "",
        "contact": facts.contact if facts else "",
        "party_size": signup.party_size,
        "held": gate.stands(signup),
        "over": shift.is_over,
        "undo_until": _undo_until(signup),
        "offer_until": moment(signup.offer_expires_at, shift.time_zone) if signup.offer_expires_at else "",
        "offer_left": time_left(signup.offer_expires_at) if signup.offer_expires_at else "",
        "is_guest": person.password_hash is None,
        "need_url": f"{settings.base_url}/needs/{encode_id(need.id)}",
        # Nobody is sent to a page that is not there for them (N1).
        "need_shown": is_visible(need),
        "my_help_url": f"{settings.base_url}/my-help",
        "register_url": f"{settings.base_url}/register",
        # Works without a session: whoever is on the way opens it from the mail.
        "cancel_url": f"{settings.base_url}/places/{place_token(signup)}",
    }


def _undo_until(signup: Signup) -> str:
    """Up to when the person can take their place back; "" when they cannot."""
    if signup.cancelled_at is None or not operations.would_undo_cancel(signup, signup.person):
        return ""
    return zoned_time(signup.cancelled_at + operations.UNDO_CANCEL_WITHIN, signup.shift.time_zone)


HANDLERS: dict[str, outbox.Handler] = {
    "organization_unowned": tell_of_no_owner,
    "signup_unowned": mail_unowned,
    "signup_confirmed": mail_confirmed,
    "signup_cancelled": mail_cancelled,
    "signup_cancelled_for": mail_cancelled_for,
    "signup_changed_for": mail_changed_for,
    "signup_waitlisted": mail_waitlisted,
    "signup_shift_cancelled": mail_shift_cancelled,
    "signup_moved": mail_moved,
    "signup_ended": mail_ended,
    "signup_reminder": mail_reminder,
    "signup_offered": mail_offered,
    "signup_offer_due": end_offer,
    "signup_offer_expired": mail_offer_expired,
    "signup_first_come": mail_first_come,
    "signup_passed_over": mail_passed_over,
    "signup_waitlist_closed": mail_waitlist_closed,
    "shift_has_more_places": offer_more_places,
    "need_closed_waitlists": close_waitlists,
    "shift_cancelled": fan_out_cancelled,
    "shift_changed": fan_out_changed,
    "need_closed_signups": thank_helpers,
    "mail_staff_signup": mail_staff_signup,
    "mail_staff_cancelled": mail_staff_cancelled,
    "mail_guest_hold": mail_guest_hold,
    "mail_staff_ended": mail_staff_ended,
    **safety_jobs.HANDLERS,
}
SWEEPS = (
    Sweep("signups.free_holds", 60, free_holds),
    Sweep("signups.end_due_offers", 60, end_due_offers),
    Sweep("signups.serve_waitlists", 300, serve_waitlists),
    *safety_jobs.SWEEPS,
)
