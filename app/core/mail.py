"""Sending mail (M1): builds a message and hands it to the server that MAIL_URL names. Only the worker calls this."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import email.charset
import email.policy
import hashlib
import smtplib
import ssl
import sys
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from urllib.parse import unquote, urlsplit

from flask import current_app

from app.core.clock import now
from app.core.db import db, in_transaction

TIMEOUT_SECONDS = 10
# A header field without spaces, as the link of List-Unsubscribe (RFC 8058), cannot be folded: Python would write a longer
# one as encoded words, which no mail program takes for a link. A line may have 998 characters (RFC 5322, 2.1.1).
WHOLE_LINES = email.policy.default.clone(max_line_length=998)
# Text goes out as quoted-printable where a server takes 7 bits only: readable in a raw mail, where base64, which Python takes
# otherwise, is a sign of spam to many filters.
email.charset.add_charset("utf-8", email.charset.SHORTEST, email.charset.QP, "utf-8")


@dataclasses.dataclass(frozen=True)
class Attachment:
    """A file of a mail; `content_type` as MIME writes it, parameters included."""

    name: str
    content_type: str
    content: bytes


@dataclasses.dataclass(frozen=True)
class Mail:
    """What one person is written: plain text always, HTML besides when there is any."""

    to: str
    subject: str
    text: str
    html: str = ""
    attachments: tuple[Attachment, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()


def build(mail: Mail, *, sender: str, key: str, sent_at: dt.datetime | None = None) -> EmailMessage:
    """The message on the wire. Its Message-ID is derived from `key`, so that a promise kept twice after a crash is
    recognised as one message by the receiving side (RFC 5322, 3.6.4)."""
    message = EmailMessage(policy=WHOLE_LINES)
    name, address = parseaddr(sender)
    domain = address.rpartition("@")[2] or "localhost"
    message["From"] = Address(display_name=name, addr_spec=address)
    message["To"] = Address(addr_spec=mail.to)
    # A line break in a subject would begin another header.
    _set_subject(message, " ".join(mail.subject.split()))
    message["Date"] = format_datetime(sent_at or now())
    message["Message-ID"] = f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    for header, value in mail.headers:
        message[header] = value
    message.set_content(mail.text)
    if mail.html:
        message.add_alternative(mail.html, subtype="html")
    for attachment in mail.attachments:
        maintype, _, rest = attachment.content_type.partition("/")
        subtype, *parameters = [part.strip() for part in rest.split(";")]
        message.add_attachment(
            attachment.content,
            maintype=maintype,
            subtype=subtype,
            filename=attachment.name,
            params=dict(parameter.split("=", 1) for parameter in parameters),
        )
    return message


def _set_subject(message: EmailMessage, subject: str) -> None:
    """EmailMessage of Python 3.11 loses a space where it breaks a subject of other letters into two encoded words
    (RFC 2047, 6.2: what stands between them is not shown); the older Header puts it into one of them."""
    if subject.isascii():
        message["Subject"] = subject
    else:
        message.set_raw("Subject", Header(subject, "utf-8", header_name="Subject").encode())


def send(message: EmailMessage, mail_url: str) -> None:
    """Hand `message` to `mail_url`: console:, smtp://[user:password@]host:port (STARTTLS when offered) or smtps://.

    Raises OSError or smtplib.SMTPException when the server did not accept it.
    """
    url = urlsplit(mail_url)
    if url.scheme == "console":
        sys.stderr.write(f"--- mail\n{message}\n---\n")
        return
    host = url.hostname or "localhost"
    if url.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(
            host, url.port or 465, timeout=TIMEOUT_SECONDS, context=ssl.create_default_context()
        )
    else:
        server = smtplib.SMTP(host, url.port or 25, timeout=TIMEOUT_SECONDS)
    try:
        server.ehlo_or_helo_if_needed()
        if url.scheme == "smtp" and server.has_extn("starttls"):
            server.starttls(context=ssl.create_default_context())  # reads the system's certificates: 20 ms
        if url.username:
            server.login(unquote(url.username), unquote(url.password or ""))
        server.send_message(message)
        # Accepted is accepted, however the server says goodbye: an error here would send it again.
        with contextlib.suppress(smtplib.SMTPException, OSError):
            server.quit()
    finally:
        # Not smtplib's own context manager: told to stop, it would wait for a server that hangs to answer QUIT.
        server.close()


def deliver(mail: Mail, *, key: str) -> None:
    """Build `mail` under the promise's `key` and hand it to the installation's mail server. Raises as `send` does.

    Ends what was read before, so that no transaction is open while a server is waited for; RuntimeError inside one.
    """
    if in_transaction():
        raise RuntimeError("no mail is sent inside a transaction")
    db.session.rollback()
    settings = current_app.config["SETTINGS"]
    send(build(mail, sender=settings.mail_from, key=key), settings.mail_url)
