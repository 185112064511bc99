"""Mails about claims, invitations and memberships."""

from __future__ import annotations

from typing import Any

from app.accounts.mailbox import deliver_noting, deliver_to
from app.accounts.queries import find_person, find_person_by_email
from app.core.db import transaction
from app.core.jobs import Sweep
from app.core.letters import compose
from app.core.mail import deliver
from app.messages.delivery import send
from app.organizations import invitations
from app.organizations.claims import find_claim, token_of
from app.organizations.members import find_membership
from app.organizations.queries import find_organization_by_id
from app.organizations.roles import ROLE_NAMES


def mail_claim_link(payload: dict[str, Any]) -> None:
    """Ask whoever reads the organization's mailbox whether this person speaks for it; nothing once it is decided."""
    claim = find_claim(payload["claim_id"])
    if claim is None or claim.status != "waiting" or claim.mailbox is None:
        return
    mail = compose(
        "organizations/claim_link",
        to=claim.mailbox,
        locale=claim.person.locale,
        person=claim.person.name,
        organization=claim.organization.name,
        token=token_of(claim),
    )
    deliver(mail, key=payload["outbox_key"])


def mail_claim_decided(payload: dict[str, Any]) -> None:
    """Tell the person who asked."""
    claim = find_claim(payload["claim_id"])
    if claim is None or not claim.person.is_active:
        return
    mail = compose(
        "organizations/claim_decided",
        to=claim.person.email,
        locale=claim.person.locale,
        name=claim.person.name,
        organization=claim.organization.name,
        slug=claim.organization.slug,
        granted=claim.status == "granted",
        reason=claim.reason,
    )
    deliver_to(claim.person, mail, key=payload["outbox_key"])


def mail_invitation(payload: dict[str, Any]) -> None:
    """Ask whoever reads the address; nothing once it is answered, or when it was sent again since. In the language of
    the account that has the address, else in that of whoever invites: only its reader sees which."""
    invitation = invitations.find_invitation(payload["invitation_id"])
    if invitation is None or invitation.status != "waiting" or invitation.sendings != payload["sending"]:
        return
    invited = find_person_by_email(invitation.email)
    mail = compose(
        "organizations/invitation",
        to=invitation.email,
        locale=(invited or invitation.invited_by).locale,
        person=invitation.invited_by.name,
        organization=invitation.organization.name,
        role=ROLE_NAMES[invitation.role],
        some_needs=not invitation.all_needs,
        token=invitations.token_of(invitation),
    )
    invitation_id, failed = invitation.id, invitation.mail_failed_at is not None
    deliver_noting(
        mail,
        key=payload["outbox_key"],
        failed=failed,
        note=lambda now: invitations.note_mail(invitation_id, sending=payload["sending"], failed=now),
    )


def mail_invitation_answered(payload: dict[str, Any]) -> None:
    """Tell whoever invited that the answer was yes or no."""
    invitation = invitations.find_invitation(payload["invitation_id"])
    if invitation is None or not invitation.invited_by.is_active:
        return
    send(
        "organizations/invitation_answered",
        to=invitation.invited_by,
        key=payload["outbox_key"],
        name=invitation.invited_by.name,
        email=invitation.email,
        organization=invitation.organization.name,
        slug=invitation.organization.slug,
        accepted=invitation.status == "accepted",
    )


def mail_membership_changed(payload: dict[str, Any]) -> None:
    """Tell a member what became of their role."""
    organization = find_organization_by_id(payload["organization_id"])
    person = find_person(payload["person_id"])
    if organization is None or person is None or not person.is_active:
        return
    send(
        "organizations/membership_changed",
        to=person,
        key=payload["outbox_key"],
        name=person.name,
        organization=organization.name,
        slug=organization.slug,
        role=ROLE_NAMES[payload["role"]] if payload["role"] else None,
        some_needs=not payload.get("all_needs", True),
    )


def mail_no_owner(payload: dict[str, Any]) -> None:
    """Tell one of the staff that nobody owns the organization any more, and what to do; not once somebody claimed it, nor
    whoever has left meanwhile."""
    organization = find_organization_by_id(payload["organization_id"])
    person = find_person(payload["person_id"])
    if organization is None or person is None or not person.is_active or organization.is_claimed:
        return
    if find_membership(organization.id, person.id) is None:
        return
    send(
        "organizations/no_owner",
        to=person,
        key=payload["outbox_key"],
        name=person.name,
        organization=organization.name,
        slug=organization.slug,
    )


def forget_invitations() -> None:
    """Addresses of people who never answered are not kept for ever."""
    with transaction():
        invitations.forget_old_invitations()


HANDLERS = {
    "mail_claim_link": mail_claim_link,
    "mail_claim_decided": mail_claim_decided,
    "mail_invitation": mail_invitation,
    "mail_invitation_answered": mail_invitation_answered,
    "mail_membership_changed": mail_membership_changed,
    "mail_no_owner": mail_no_owner,
}
SWEEPS = (Sweep("organizations.forget_invitations", 86_400, forget_invitations),)
