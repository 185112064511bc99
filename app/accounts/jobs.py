"""Mails about accounts, and the sweep of throttles."""

from __future__ import annotations

from typing import Any

from app.accounts import throttles
from app.accounts.models import Person
from app.accounts.operations import make_link
from app.accounts.queries import find_person
from app.core.db import transaction
from app.core.jobs import Sweep
from app.core.letters import compose
from app.core.mail import deliver


def _mail_link(payload: dict[str, Any], purpose: str) -> None:
    with transaction():
        person = find_person(payload["person_id"])
        if person is None or (purpose == "verify_email" and person.is_email_verified):
            return
        token = make_link(person, purpose, promise=payload["outbox_key"])
        to, name, locale = person.email, person.name, person.locale
    path = {"verify_email": "/verify-email/", "reset_password": "/reset-password/"}[purpose]
    mail = compose(f"accounts/{purpose}", to=to, locale=locale, person_name=name, path=path + token)
    deliver(mail, key=payload["outbox_key"])


def mail_verify_email(payload: dict[str, Any]) -> None:
    """The link that proves an address; nothing when it is proved meanwhile."""
    _mail_link(payload, "verify_email")


def mail_reset_password(payload: dict[str, Any]) -> None:
    """The link to a new password; nothing when nobody has the address that was typed."""
    _mail_link(payload, "reset_password")


def mail_address_taken(payload: dict[str, Any]) -> None:
    """Somebody registered with an address that has an account: its owner is told, nobody else."""
    person: Person | None = find_person(payload["person_id"])
    if person is None:
        return
    mail = compose("accounts/address_taken", to=person.email, locale=person.locale, person_name=person.name)
    deliver(mail, key=payload["outbox_key"])


def forget_old_throttles() -> None:
    """Windows that are over tell nobody anything."""
    with transaction():
        throttles.forget_old()


HANDLERS = {
    "mail_verify_email": mail_verify_email,
    "mail_reset_password": mail_reset_password,
    "mail_address_taken": mail_address_taken,
}
SWEEPS = (Sweep("accounts.forget_throttles", 3600, forget_old_throttles),)
