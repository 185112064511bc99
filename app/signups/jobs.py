"""What signups promise: mails about one's place, and what a changed or cancelled shift means for everybody on it.

Every mail is composed from the rows as they are when it is sent; a place that was cancelled meanwhile is never called
confirmed, and no mail carries the exact address of a private place (N6).
"""

from __future__ import annotations

import dataclasses
from typing import Any

from flask import current_app

from app.core import outbox
from app.core.clock import local_date
from app.core.db import transaction
from app.core.ids import encode_id
from app.core.letters import compose, speaking
from app.core.mail import Mail, deliver
from app.core.when import full_day, times
from app.signups import gate, operations, queries
from app.signups.calendar import calendar_attachment, describe_area
from app.signups.models import Signup


def mail_confirmed(payload: dict[str, Any]) -> None:
    """The place is yours, with its calendar file; or, when it was given back meanwhile, that it was."""
    _send("signups/confirmed", payload)


def mail_cancelled(payload: dict[str, Any]) -> None:
    """You gave your place back; the calendar forgets it. Not when it was taken back before this was sent."""
    signup = queries.find_signup(payload["signup_id"])
    if signup is None or signup.status in gate.HOLDING_STATUSES:
        return
    _send("signups/cancelled", payload)


def mail_shift_cancelled(payload: dict[str, Any]) -> None:
    """The organization cancelled the shift."""
    _send("signups/shift_cancelled", payload)


def mail_moved(payload: dict[str, Any]) -> None:
    """The shift was changed and the place stands."""
    _send("signups/moved", payload)


def mail_ended(payload: dict[str, Any]) -> None:
    """The shift was changed and the place could not stand; says why."""
    signup = queries.find_signup(payload["signup_id"])
    if signup is None:
        return
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
    if gate.check_standing(signup.shift, signup.person, ignore=signup):
        return
    _send("signups/reminder", payload)


def fan_out_cancelled(payload: dict[str, Any]) -> None:
    """A shift was cancelled: end every place on it, one transaction and one mail each (S6)."""
    for signup_id in queries.list_ids_on_shift(payload["shift_id"]):
        with transaction():
            operations.end_for_cancelled_shift(signup_id)


def fan_out_changed(payload: dict[str, Any]) -> None:
    """A shift was changed: ask the gate again about every place on it, and tell each person (S6, G1)."""
    for signup_id in queries.list_ids_on_shift(payload["shift_id"]):
        with transaction():
            operations.review_after_change(signup_id)


def _send(name: str, payload: dict[str, Any], **values: Any) -> None:
    signup = queries.find_signup(payload["signup_id"])
    if signup is None:
        return
    mail = _compose(name, signup, **values)
    deliver(mail, key=payload["outbox_key"])


def _compose(name: str, signup: Signup, **values: Any) -> Mail:
    settings = current_app.config["SETTINGS"]
    shift, need, person = signup.shift, signup.shift.need, signup.person
    with speaking(person.locale):
        mail = compose(
            name,
            to=person.email,
            locale=person.locale,
            name=person.name,
            title=need.title,
            position=signup.position.name,
            organization=need.organization.name,
            shift=shift,
            day=full_day,
            span=times,
            local_date=local_date,
            area=describe_area(need),
            private=need.private_address,
            party_size=signup.party_size,
            held=signup.status in gate.HOLDING_STATUSES and shift.status != "cancelled",
            over=shift.is_over,
            need_url=f"{settings.base_url}/needs/{encode_id(need.id)}",
            my_help_url=f"{settings.base_url}/my-help",
            cancel_url=f"{settings.base_url}/signups/{encode_id(signup.id)}/cancel",
            **values,
        )
        attachments = calendar_attachment(signup, base_url=settings.base_url, sender=settings.mail_from)
    return dataclasses.replace(mail, attachments=attachments)


HANDLERS: dict[str, outbox.Handler] = {
    "signup_confirmed": mail_confirmed,
    "signup_cancelled": mail_cancelled,
    "signup_shift_cancelled": mail_shift_cancelled,
    "signup_moved": mail_moved,
    "signup_ended": mail_ended,
    "signup_reminder": mail_reminder,
    "shift_cancelled": fan_out_cancelled,
    "shift_changed": fan_out_changed,
}
SWEEPS = ()
