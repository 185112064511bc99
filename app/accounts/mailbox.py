"""Handing a mail over for somebody with an account, and remembering when their mail server knows no such address."""

from __future__ import annotations

import smtplib
from collections.abc import Callable

from app.accounts import operations
from app.accounts.models import Person
from app.core.db import transaction
from app.core.mail import Mail, deliver
from app.core.outbox import GivenUp, is_last_try
from app.core.tokens import keyed_hash


def address_mark(person: Person) -> str:
    """What tells one address of a person from another without naming it: a link that carries it dies with the address."""
    return keyed_hash("mailbox", person.email)[:16]


def deliver_to(person: Person, mail: Mail, *, key: str) -> None:
    """Deliver `mail` to `person` under the promise `key`. Raises as `core.mail.deliver` does.

    Nothing is sent to somebody without a mailbox. Whether it arrives is noted on the person, for themselves and for the
    staff who count on them, as `deliver_noting` says.
    """
    if not person.has_mailbox:
        return
    person_id, failed = person.id, person.mail_failed_at is not None
    deliver_noting(mail, key=key, failed=failed, note=lambda now: operations.note_mail(person_id, failed=now))


def deliver_noting(mail: Mail, *, key: str, failed: bool, note: Callable[[bool], None]) -> None:
    """Deliver `mail` under the promise `key`, and `note` in a transaction of its own when it does not arrive (True), or
    arrives again after it had `failed` (False). Raises as `core.mail.deliver` does.

    It does not arrive when the server refuses the address for good (RFC 5321: a 5xx answer to it): then GivenUp ends the
    promise, because trying again would change nothing. Nor when the last of all tries fails in any other way.
    """
    try:
        deliver(mail, key=key)
    except smtplib.SMTPRecipientsRefused as refused:
        is_final = all(500 <= code < 600 for code, _said in refused.recipients.values())
        if is_final or is_last_try(key):
            with transaction():
                note(True)
        if is_final:
            raise GivenUp("address refused") from refused
        raise
    except (OSError, smtplib.SMTPException):
        if is_last_try(key):
            with transaction():
                note(True)
        raise
    if failed:
        with transaction():
            note(False)
