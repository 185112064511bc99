"""Promised mails about clearances and guardians, and the purge (G3)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import current_app

from app.accounts.queries import find_person
from app.core import outbox, when
from app.core.db import db, transaction
from app.core.jobs import Sweep
from app.core.letters import compose, speaking
from app.core.mail import deliver
from app.learning.courses.operations import purge_attempts
from app.learning.courses.queries import find_current
from app.messages.delivery import send
from app.organizations.queries import list_deciders
from app.safeguarding import operations
from app.safeguarding.models import Clearance, Guardianship
from app.safeguarding.policy import guardian_token
from app.safeguarding.queries import find_training, list_shares
from app.safeguarding.requirements import Requirement
from app.safeguarding.standing import list_renewed


def mail_recorded(payload: dict[str, Any]) -> None:
    """The person hears what was recorded about them, and where to object."""
    _tell_person(payload, "recorded")


def mail_revoked(payload: dict[str, Any]) -> None:
    """The person hears that it does not hold any more, and why."""
    _tell_person(payload, "revoked")


def mail_ends(payload: dict[str, Any]) -> None:
    """Both sides hear that it ends soon, and every organization that it is shared with now; nobody once it was revoked or
    purged, or a course was passed again or asks everybody again, and no organization that relies on another one which
    outlasts it. The person hears it while one of them, or nobody, is left."""
    clearance = db.session.get(Clearance, payload["clearance_id"])
    if clearance is None or clearance.revoked_at is not None or clearance.is_outdated:
        return
    if clearance.course_version is not None:
        latest = find_training(clearance.person_id, clearance.course_version.course_id)
        if latest is not None and latest.id != clearance.id:
            return
    relying = [share.organization_id for share in list_shares(clearance.id)]
    if clearance.organization_id is not None:
        relying.insert(0, clearance.organization_id)
    renewed = list_renewed([(clearance, organization_id) for organization_id in relying])
    if relying and len(renewed) == len(relying):
        return
    relying = [organization_id for organization_id in relying if (clearance.id, organization_id) not in renewed]
    _promise_to_staff(clearance, relying, "ends", payload["outbox_key"])
    _tell_person(payload, "ends")


def mail_objected(payload: dict[str, Any]) -> None:
    """The staff hear that somebody says something is wrong."""
    clearance = db.session.get(Clearance, payload["clearance_id"])
    if clearance is not None and clearance.organization_id is not None:
        _promise_to_staff(clearance, [clearance.organization_id], "objected", payload["outbox_key"])


def _promise_to_staff(clearance: Clearance, organization_ids: Iterable[int], event: str, key: str) -> None:
    """A mail to each owner and manager of these organizations; whoever is in several hears it once."""
    about, whose = clearance.id, clearance.person_id
    with transaction():
        for organization_id in organization_ids:
            for person_id in list_deciders(organization_id):
                if person_id != whose:
                    payload = {
                        "clearance_id": about,
                        "organization_id": organization_id,
                        "event": event,
                        "person_id": person_id,
                    }
                    outbox.enqueue("mail_staff_clearance", payload, key=f"staff:{key}:{person_id}"[:200])


def mail_staff(payload: dict[str, Any]) -> None:
    """One of the staff hears of a clearance that ends soon or that somebody objects to; not once their organization does
    not rely on it any more."""
    clearance, staff = db.session.get(Clearance, payload["clearance_id"]), find_person(payload["person_id"])
    if clearance is None or clearance.revoked_at is not None or staff is None or not staff.is_active:
        return
    relying = [clearance.organization, *(share.organization for share in list_shares(clearance.id))]
    # What was promised before it was said for which organization is for the one that recorded it.
    told_for = payload.get("organization_id", clearance.organization_id)
    organization = next((each for each in relying if each is not None and each.id == told_for), None)
    if organization is None or staff.id not in list_deciders(organization.id):
        return
    with speaking(staff.locale):
        values: dict[str, Any] = {
            "event": payload["event"],
            "who": clearance.person.name,
            "what": Requirement(clearance.kind, clearance.level).name,
            "until": None if clearance.expires_on is None else when.full_day(clearance.expires_on),
            "slug": organization.slug,
        }
    send("safeguarding/staff_clearance", to=staff, key=payload["outbox_key"], name=staff.name, **values)


def _tell_person(payload: dict[str, Any], event: str) -> None:
    clearance = db.session.get(Clearance, payload["clearance_id"])
    if clearance is None or not clearance.person.is_active or not clearance.person.has_mailbox:
        return
    person = clearance.person
    with speaking(person.locale):
        platform = current_app.config["SETTINGS"].platform_name
        values: dict[str, Any] = {
            "event": event,
            "what": Requirement(clearance.kind, clearance.level).name,
            "organization": platform if clearance.organization is None else clearance.organization.name,
            "accepted": clearance.outcome == "accepted",
            "until": when.full_day(clearance.expires_on)
            if clearance.expires_on is not None and clearance.outcome == "accepted"
            else None,
            "reason": clearance.why_revoked if event == "revoked" else "",
            "course": _course_of(clearance),
        }
    send("safeguarding/clearance", to=person, key=payload["outbox_key"], name=person.name, **values)


def _course_of(clearance: Clearance) -> str:
    """The slug of the course that renews it, while that is offered; "" none."""
    version = clearance.course_version
    offered = None if version is None else find_current(version.course.slug)
    return "" if offered is None else offered.course.slug


def mail_guardian(payload: dict[str, Any]) -> None:
    """The link with which a guardian says yes or no; nothing once they did. In the minor's language: nobody knows
    another one of theirs."""
    guardianship = db.session.get(Guardianship, payload["guardianship_id"])
    if guardianship is None or guardianship.status != "asked":
        return
    mail = compose(
        "safeguarding/guardian_asked",
        to=guardianship.email,
        locale=guardianship.person.locale,
        name=guardianship.name,
        minor=guardianship.person.name,
        url=f"{current_app.config['SETTINGS'].base_url}/guardians/{guardian_token(guardianship)}",
    )
    deliver(mail, key=payload["outbox_key"])


def mail_answered(payload: dict[str, Any]) -> None:
    """The minor hears what their guardian said."""
    guardianship = db.session.get(Guardianship, payload["guardianship_id"])
    if guardianship is None or not guardianship.person.is_active or guardianship.status in ("asked", "replaced"):
        return
    person = guardianship.person
    send(
        "safeguarding/guardian_answered",
        to=person,
        key=payload["outbox_key"],
        name=person.name,
        answer=guardianship.status,
    )


def purge() -> None:
    """What is past its retention date is deleted."""
    deletions = (
        operations.purge_clearances,
        operations.purge_exemptions,
        purge_attempts,
    )
    for delete in deletions:
        with transaction():
            delete()


HANDLERS = {
    "clearance_recorded": mail_recorded,
    "clearance_revoked": mail_revoked,
    "clearance_ends": mail_ends,
    "clearance_objected": mail_objected,
    "mail_staff_clearance": mail_staff,
    "guardian_asked": mail_guardian,
    "guardian_answered": mail_answered,
}
SWEEPS = (Sweep("safeguarding.purge", 3600, purge),)
