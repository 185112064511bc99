"""Mails about decisions: one promise per owner, so that one address that fails holds nobody else up."""

from __future__ import annotations

from typing import Any

from app.accounts.mailbox import deliver_to
from app.accounts.queries import find_person
from app.core.db import transaction
from app.core.jobs import Sweep
from app.core.letters import compose
from app.core.outbox import enqueue
from app.messages.delivery import send
from app.organizations.queries import (
    find_organization_by_id,
    find_remaining,
    find_role,
    find_verification_by_id,
    list_members,
)
from app.organizations.roles import ROLE_NAMES


def mail_verification_decided(payload: dict[str, Any]) -> None:
    """Promise a mail to every owner."""
    with transaction():
        verification = find_verification_by_id(payload["verification_id"])
        if verification is None:
            return
        for member in list_members(verification.organization_id):
            if member.role == "owner":
                enqueue(
                    "mail_verification_decided_to",
                    {"verification_id": verification.id, "person_id": member.person_id},
                    key=f"{payload['outbox_key']}:{member.person_id}",
                )


def mail_verification_decided_to(payload: dict[str, Any]) -> None:
    """Tell one owner what was decided."""
    verification, person = find_verification_by_id(payload["verification_id"]), find_person(payload["person_id"])
    if verification is None or person is None or not person.is_active:
        return
    mail = compose(
        "organizations/decided",
        to=person.email,
        locale=person.locale,
        name=person.name,
        organization=verification.organization.name,
        slug=verification.organization.slug,
        decision=verification.decision,
    )
    deliver_to(person, mail, key=payload["outbox_key"])


def mail_organizations_merged(payload: dict[str, Any]) -> None:
    """Tell somebody who belonged to one of two organizations that they are one, and what role they have there now."""
    duplicate, person = find_organization_by_id(payload["duplicate_id"]), find_person(payload["person_id"])
    if duplicate is None or person is None or not person.is_active:
        return
    remaining = find_remaining(duplicate)
    role = find_role(person, remaining.id)
    send(
        "moderation/merged",
        to=person,
        key=payload["outbox_key"],
        name=person.name,
        duplicate=duplicate.name,
        organization=remaining.name,
        slug=remaining.slug,
        role=ROLE_NAMES[role] if role else None,
        as_viewer=role == "viewer" and payload.get("as_viewer", False),
    )


def mail_records_moved(payload: dict[str, Any]) -> None:
    """Tell somebody that what one organization knew of them is kept by another one now, where they read it and say what is
    wrong."""
    duplicate, person = find_organization_by_id(payload["duplicate_id"]), find_person(payload["person_id"])
    if duplicate is None or person is None or not person.is_active or not person.has_mailbox:
        return
    send(
        "moderation/records_moved",
        to=person,
        key=payload["outbox_key"],
        name=person.name,
        duplicate=duplicate.name,
        organization=find_remaining(duplicate).name,
    )


HANDLERS = {
    "mail_records_moved": mail_records_moved,
    "mail_organizations_merged": mail_organizations_merged,
    "mail_verification_decided": mail_verification_decided,
    "mail_verification_decided_to": mail_verification_decided_to,
}
SWEEPS: tuple[Sweep, ...] = ()
