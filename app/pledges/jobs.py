"""What pledges promise: mails about one's promise of items, composed from the rows as they are when each is sent, and
what happens to a promise whose day is over (P3)."""

from __future__ import annotations

import decimal
from typing import Any

from flask import current_app

from app.accounts.queries import find_person
from app.core import outbox
from app.core.db import transaction
from app.core.i18n import number
from app.core.ids import encode_id
from app.core.jobs import Sweep
from app.core.letters import speaking
from app.core.when import full_day, zoned_time
from app.messages.delivery import send
from app.needs.operations import promise_thanks
from app.needs.policy import can_see_staff_page, works_on
from app.needs.queries import find_need
from app.organizations.notices import promise_to_staff
from app.pledges import dates, earlier, operations, queries
from app.pledges.models import LIVE_STATUSES, Pledge
from app.pledges.operations import outstanding
from app.pledges.policy import pledge_token
from app.pledges.quantities import with_unit


def mail_made(payload: dict[str, Any]) -> None:
    """Your promise is noted. Staff who want to hear of it at once are promised their own mails first."""
    _promise_to_staff(payload, "staff_pledges", "mail_staff_pledged")
    _send("pledges/made", payload)


def mail_changed(payload: dict[str, Any]) -> None:
    """Your promise is another quantity or day now."""
    _promise_to_staff(payload, "staff_pledges", "mail_staff_pledged")
    _send("pledges/changed", payload)


def mail_cancelled(payload: dict[str, Any]) -> None:
    """You took your promise back; not when it stands again."""
    _mail_taken_back("pledges/cancelled", payload)


def mail_cancelled_for(payload: dict[str, Any]) -> None:
    """The staff took your promise back for you, and why; not when it stands again."""
    _mail_taken_back("pledges/cancelled_for", payload)


def _mail_taken_back(name: str, payload: dict[str, Any]) -> None:
    pledge = queries.find_pledge(payload["pledge_id"])
    if pledge is None or pledge.status in LIVE_STATUSES:
        return
    _promise_to_staff(payload, "staff_cancellations", "mail_staff_taken_back")
    _send(name, payload)


def mail_received(payload: dict[str, Any]) -> None:
    """What you brought arrived, or in part could not be taken."""
    _send("pledges/received", payload)


def mail_reminder(payload: dict[str, Any]) -> None:
    """Two days before: only while it stands and its day is the same (another day has its own)."""
    pledge = queries.find_pledge(payload["pledge_id"])
    if pledge is None or pledge.status not in LIVE_STATUSES or str(pledge.deliver_by) != payload["deliver_by"]:
        return
    _send("pledges/reminder", payload, "reminder")


def mail_overdue(payload: dict[str, Any]) -> None:
    """Its day is over: still coming? Until when it stands. No choice of theirs stops it: the promise ends by silence."""
    pledge = queries.find_pledge(payload["pledge_id"])
    if pledge is None or pledge.status not in LIVE_STATUSES or not dates.is_overdue(pledge, pledge.item.need):
        return
    _send("pledges/overdue", payload)


def mail_expired(payload: dict[str, Any]) -> None:
    """It has run out, and is wanted again; the staff hear of it like of one taken back."""
    _promise_to_staff(payload, "staff_cancellations", "mail_staff_taken_back")
    _send("pledges/expired", payload)


def tell_ended(payload: dict[str, Any]) -> None:
    """It ended without the person taking it back: the staff hear of it like of one taken back."""
    _promise_to_staff(payload, "staff_cancellations", "mail_staff_taken_back")


def mail_staff_pledged(payload: dict[str, Any]) -> None:
    """One of the staff hears what somebody promised; not when it was taken back meanwhile."""
    _tell_staff(payload, "pledges/staff_pledged", "staff_pledges", live=True)


def mail_staff_taken_back(payload: dict[str, Any]) -> None:
    """One of the staff hears that a promise does not stand any more; not when it stands again."""
    _tell_staff(payload, "pledges/staff_taken_back", "staff_cancellations", live=False)


def tell_of_no_owner(payload: dict[str, Any]) -> None:
    """Nobody owns the organization any more: whoever promised something to it hears so, each promise once."""
    with transaction():
        for pledge_id in queries.list_live_ids_at(payload["organization_id"]):
            key = f"pledge_unowned:{pledge_id}:{payload['outbox_key']}"
            outbox.enqueue("pledge_unowned", {"pledge_id": pledge_id}, key=key)


def mail_unowned(payload: dict[str, Any]) -> None:
    """Your promise stands, and perhaps nobody takes it in; not once somebody claimed the organization, nor when it ended."""
    pledge = queries.find_pledge(payload["pledge_id"])
    if pledge is None or pledge.item.need.organization.is_claimed or pledge.status not in LIVE_STATUSES:
        return
    _send("pledges/unowned", payload)


def chase_overdue() -> None:
    """Sweep: ask once about each promise whose day is over, and end those whose days of grace are over too (P3)."""
    for pledge_id in [pledge.id for pledge in queries.list_overdue()]:
        with transaction():
            operations.chase(pledge_id)


def _promise_to_staff(payload: dict[str, Any], kind: str, mail: str) -> None:
    with transaction():
        pledge = queries.find_pledge(payload["pledge_id"])
        if pledge is not None:
            organization_id = pledge.item.need.organization_id
            key, about = payload["outbox_key"], {"pledge_id": pledge.id}
            promise_to_staff(
                organization_id,
                kind,
                mail,
                about,
                key=key,
                of=works_on(pledge.item.need_id),
                knowing=(pledge.person_id, pledge.cancelled_by_id),
            )


def _tell_staff(payload: dict[str, Any], name: str, kind: str, *, live: bool) -> None:
    pledge, staff = queries.find_pledge(payload["pledge_id"]), find_person(payload["person_id"])
    if pledge is None or staff is None or (pledge.status in LIVE_STATUSES) != live:
        return
    need = pledge.item.need
    if not can_see_staff_page(staff, need):
        return
    with speaking(staff.locale):
        values = {**_facts(pledge, {}), "who": pledge.person.name, "name": staff.name, "note": pledge.note}
        values["manage_path"] = f"/manage/{need.organization.slug}/needs/{encode_id(need.id)}"
    send(name, to=staff, key=payload["outbox_key"], kind=kind, zone=need.time_zone, **values)


def _send(name: str, payload: dict[str, Any], kind: str | None = None) -> None:
    pledge = queries.find_pledge(payload["pledge_id"])
    if pledge is None:
        return
    with speaking(pledge.person.locale):
        values = _facts(pledge, payload)
    zone = pledge.item.need.time_zone
    send(name, to=pledge.person, key=payload["outbox_key"], kind=kind, zone=zone, **values)


def _facts(pledge: Pledge, payload: dict[str, Any]) -> dict[str, Any]:
    settings = current_app.config["SETTINGS"]
    item, need = pledge.item, pledge.item.need
    live = pledge.status in LIVE_STATUSES
    last = dates.runs_out_on(pledge) if live else None
    return {
        "name": pledge.person.name,
        "item": item.name,
        "title": need.title,
        "organization": need.organization.name,
        "quantity": with_unit(pledge.quantity, item),
        "received": number(decimal.Decimal(payload.get("received", "0"))),
        "rejected": number(decimal.Decimal(payload.get("rejected", "0"))),
        "reason": pledge.rejected_reason,
        "why": payload.get("reason", ""),
        "live": live,
        "outstanding": with_unit(outstanding(pledge), item),
        "until": full_day(pledge.deliver_by) if pledge.deliver_by else None,
        "last": full_day(last) if last else None,
        "way": pledge.way,
        "undo_until": _undo_until(pledge),
        "need_url": f"{settings.base_url}/needs/{encode_id(need.id)}",
        "my_help_url": f"{settings.base_url}/my-help",
        # Works without a session.
        "cancel_url": f"{settings.base_url}/promises/{pledge_token(pledge)}",
    }


def _undo_until(pledge: Pledge) -> str:
    """Up to when the person can take back that they changed it or took it back; "" when they cannot."""
    at = pledge.changed_at if earlier.can_undo_change(pledge) else None
    if operations.can_undo_cancel(pledge, pledge.person):
        at = pledge.cancelled_at
    return zoned_time(at + earlier.UNDO_WITHIN, pledge.item.need.time_zone) if at is not None else ""


def thank_helpers(payload: dict[str, Any]) -> None:
    """A need was closed: everybody who helped it with things is promised their thanks."""
    with transaction():
        need = find_need(payload["need_id"])
        if need is not None:
            promise_thanks(need, queries.list_helpers(need.id))


def tell_of_place(payload: dict[str, Any]) -> None:
    """A need is somewhere else now: everybody who has promised to bring something is promised a mail."""
    with transaction():
        for pledge_id in queries.list_live_ids(payload["need_id"]):
            key = f"pledge_moved:{pledge_id}:{payload['version']}"
            outbox.enqueue("pledge_moved", {"pledge_id": pledge_id}, key=key)


def mail_moved(payload: dict[str, Any]) -> None:
    """The place to bring it to is another one; not when it was taken back or brought meanwhile."""
    pledge = queries.find_pledge(payload["pledge_id"])
    if pledge is not None and pledge.status in LIVE_STATUSES:
        _send("pledges/moved", payload)


def person_facts_changed(payload: dict[str, Any]) -> None:
    """What is known of a person changed: each of their promises is looked at again."""
    for pledge_id in [pledge.id for pledge in queries.list_live_pledges_of(payload["person_id"])]:
        with transaction():
            operations.review_standing(pledge_id)


HANDLERS: dict[str, outbox.Handler] = {
    "person_facts_changed_pledges": person_facts_changed,
    "need_moved": tell_of_place,
    "organization_unowned_pledges": tell_of_no_owner,
    "pledge_unowned": mail_unowned,
    "pledge_moved": mail_moved,
    "need_closed_pledges": thank_helpers,
    "pledge_made": mail_made,
    "pledge_changed": mail_changed,
    "pledge_cancelled": mail_cancelled,
    "pledge_cancelled_for": mail_cancelled_for,
    "pledge_received": mail_received,
    "pledge_reminder": mail_reminder,
    "pledge_overdue": mail_overdue,
    "pledge_expired": mail_expired,
    "pledge_ended": tell_ended,
    "mail_staff_pledged": mail_staff_pledged,
    "mail_staff_taken_back": mail_staff_taken_back,
}
SWEEPS = (Sweep("pledges.chase_overdue", 3600, chase_overdue),)
