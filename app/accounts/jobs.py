"""Mails about accounts, and the sweeps of throttles and of links that open nothing any more."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from app.accounts import throttles
from app.accounts.mailbox import deliver_to
from app.accounts.models import Person
from app.accounts.operations import forget_old_links, make_link
from app.accounts.queries import find_email_change, find_person, find_person_by_email
from app.core.db import transaction
from app.core.jobs import Sweep
from app.core.letters import compose
from app.core.mail import Mail, deliver
from app.core.tokens import keyed_hash

# The page each link leads to.
PATHS = {
    "verify_email": "/verify-email/",
    "reset_password": "/reset-password/",
    "sign_in": "/sign-in/",
    "change_email": "/change-email/",
}


def _with_way(path: str, payload: dict[str, Any]) -> str:
    """The path with the page that it leads on to, when somebody came from one."""
    way = payload.get("way") or ""
    return path + (f"?{urlencode({'next': way})}" if way else "")


def _mail_link(payload: dict[str, Any], purpose: str, name: str | None = None) -> None:
    with transaction():
        person = find_person(payload["person_id"])
        if person is None or (purpose == "verify_email" and person.is_email_verified):
            return
        token = make_link(person, purpose, promise=payload["outbox_key"])
    path = _with_way(PATHS[purpose] + token, payload)
    mail = compose(
        f"accounts/{name or purpose}", to=person.email, locale=person.locale, person_name=person.name, path=path
    )
    deliver_to(person, mail, key=payload["outbox_key"])


def mail_verify_email(payload: dict[str, Any]) -> None:
    """The link that proves an address; nothing when it is proved meanwhile."""
    _mail_link(payload, "verify_email")


def mail_reset_password(payload: dict[str, Any]) -> None:
    """The link to a new password; nothing when nobody has the address that was typed."""
    _mail_link(payload, "reset_password")


def mail_sign_in(payload: dict[str, Any]) -> None:
    """The link that signs in; nothing when nobody has the address that was typed."""
    _mail_link(payload, "sign_in")


def mail_address_taken(payload: dict[str, Any]) -> None:
    """Somebody registered with an address that is known here: its owner is told, nobody else. Whoever helped as a guest
    and has no password yet gets the link to choose one: their places are in that account (S10)."""
    person: Person | None = find_person(payload["person_id"])
    if person is None:
        return
    if person.password_hash is None:
        _mail_link(payload, "reset_password", "finish_account")
        return
    deliver_to(person, _address_taken(person, payload), key=payload["outbox_key"])


def _address_taken(person: Person, payload: dict[str, Any]) -> Mail:
    return compose(
        "accounts/address_taken",
        to=person.email,
        locale=person.locale,
        person_name=person.name,
        sign_in_path=_with_way("/sign-in", payload),
        forgotten_path=_with_way("/forgotten-password", payload),
    )


def mail_change_email(payload: dict[str, Any]) -> None:
    """The link that makes a new address one's own goes to that address; who has an account with it already is told that."""
    person = find_person(payload["person_id"])
    token = keyed_hash("link", payload["outbox_key"])
    link = find_email_change(token)
    if person is None or link is None:
        return
    other = find_person_by_email(link.email)
    if other is not None:
        # The way is of whoever typed the address.
        deliver_to(other, _address_taken(other, {}), key=payload["outbox_key"])
        return
    path = _with_way(PATHS["change_email"] + token, payload)
    mail = compose("accounts/change_email", to=link.email, locale=person.locale, person_name=person.name, path=path)
    deliver(mail, key=payload["outbox_key"])


def mail_email_change_asked(payload: dict[str, Any]) -> None:
    """Their present address hears that another is to take its place."""
    person = find_person(payload["person_id"])
    if person is None:
        return
    mail = compose("accounts/email_change_asked", to=person.email, locale=person.locale, person_name=person.name)
    deliver_to(person, mail, key=payload["outbox_key"])


def forget_old_throttles() -> None:
    """Windows that are over tell nobody anything."""
    with transaction():
        throttles.forget_old()


def forget_links() -> None:
    """Each names the address that it was sent to, which is kept no longer than it is of use."""
    with transaction():
        forget_old_links()


HANDLERS = {
    "mail_verify_email": mail_verify_email,
    "mail_reset_password": mail_reset_password,
    "mail_address_taken": mail_address_taken,
    "mail_sign_in": mail_sign_in,
    "mail_change_email": mail_change_email,
    "mail_email_change_asked": mail_email_change_asked,
}
SWEEPS = (
    Sweep("accounts.forget_throttles", 3600, forget_old_throttles),
    Sweep("accounts.forget_links", 86_400, forget_links),
)
