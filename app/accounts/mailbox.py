"""Handing a mail over for somebody with an account, and remembering when their mail server knows no such address."""

from __future__ import annotations

import smtplib

from app.accounts import operations
from app.accounts.models import Person
from app.core.db import transaction
from app.core.mail import Mail, deliver
from app.core.outbox import GivenUp
from app.core.tokens import keyed_hash


def address_mark(person: Person) -> str:
    """What tells one address of a person from another without naming it: a link that carries it dies with the address."""
    return keyed_hash("mailbox", person.email)[:16]


def deliver_to(person: Person, mail: Mail, *, key: str) -> None:
    """Deliver `mail` to `person` under the promise `key`. Raises as `core.mail.deliver` does.

    Nothing is sent to somebody without a mailbox. When the server refuses their address for good (RFC 5321: a 5xx answer
    to it), that is noted on the person, for themselves and for the staff who count on them, and GivenUp ends the promise:
    trying again would change nothing.
    """
    if not person.has_mailbox:
        return
    person_id, failed = person.id, person.mail_failed_at is not None
    try:
        deliver(mail, key=key)
    except smtplib.SMTPRecipientsRefused as refused:
        if all(500 <= code < 600 for code, _said in refused.recipients.values()):
            with transaction():
                operations.note_mail(person_id, failed=True)
            raise GivenUp("address refused") from refused
        raise
    if failed:
        with transaction():
            operations.note_mail(person_id, failed=False)
