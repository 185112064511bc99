"""Mails about claims."""

from __future__ import annotations

from typing import Any

from app.core.jobs import Sweep
from app.core.letters import compose
from app.core.mail import deliver
from app.organizations.claims import find_claim, token_of


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
    deliver(mail, key=payload["outbox_key"])


HANDLERS = {"mail_claim_link": mail_claim_link, "mail_claim_decided": mail_claim_decided}
SWEEPS: tuple[Sweep, ...] = ()
