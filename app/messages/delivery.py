"""Writing to a person: in their language, within what they chose, not at night, and with the way out in every mail that
they may choose about (M2). Only the worker calls this.

The header fields are those of RFC 2369 and RFC 8058: a mail program shows its own button, which posts to our link.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import zoneinfo
from typing import Any

from flask import current_app

from app.accounts.mailbox import address_mark, deliver_to
from app.accounts.models import Person
from app.core.clock import now
from app.core.i18n import _
from app.core.letters import compose, speaking
from app.core.mail import Attachment, Mail
from app.core.outbox import Postponed
from app.core.tokens import seal
from app.messages.kinds import NEVER, get_kind
from app.messages.models import USUAL_QUIET
from app.messages.queries import find_choice, find_quiet_hours


def send(
    name: str,
    /,
    *,
    to: Person,
    key: str,
    kind: str | None = None,
    zone: str | None = None,
    attachments: tuple[Attachment, ...] = (),
    **values: Any,
) -> bool:
    """Write `to` the mail `name` ("signups/reminder") with `values`, under the promise `key`; False when they want none.

    `kind` None is a service message: always, at once. Another kind goes by their choice and, in their quiet hours, waits
    (raises Postponed): on the clock of their profile, else of `zone`. Raises as `core.mail.deliver` does; GivenUp when
    their mail server knows no such address.
    """
    settings = current_app.config["SETTINGS"]
    link = None
    if kind is not None:
        if find_choice(to.id, kind) == NEVER:
            return False
        wait = until_morning(to, zone)
        if wait:
            raise Postponed(wait)
        link = f"{settings.base_url}/mail/stop/{unsubscribe_token(to, kind)}"
    mail = write(name, to=to.email, locale=to.locale, kind=kind, stop_url=link, **values)
    deliver_to(to, dataclasses.replace(mail, attachments=attachments), key=key)
    return True


def write(
    name: str, /, *, to: str, locale: str | None, kind: str | None = None, stop_url: str | None = None, **values: Any
) -> Mail:
    """The mail `name` as it leaves: with the way out by `stop_url` when it is of a `kind` that can be stopped. Arguments
    else as `core.letters.compose` takes them."""
    mail = compose(name, to=to, locale=locale, unsubscribe_url=stop_url, **values)
    if kind is None or stop_url is None:
        return mail
    with speaking(locale):
        words = _("No more mails of this kind (%(kind)s):", kind=get_kind(kind).words)
    way_out = (("List-Unsubscribe", f"<{stop_url}>"), ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
    return dataclasses.replace(
        mail, text=f"{mail.text.rstrip()}\n\n{words}\n{stop_url}\n", headers=(*mail.headers, *way_out)
    )


def unsubscribe_token(person: Person, kind: str) -> str:
    """What the link that stops `kind` carries. It works as long as the address it was sent to is the person's."""
    return seal("unsubscribe", [person.id, kind, address_mark(person)])


def until_morning(person: Person, zone: str | None = None, at: dt.datetime | None = None) -> dt.timedelta | None:
    """How long a mail that can wait has to, at `at` (aware; now by default); None outside the person's quiet hours, or
    when nobody knows their clock."""
    return end_of_quiet(person.time_zone or zone, find_quiet_hours(person.id), at)


def end_of_quiet(
    zone: str | None, quiet: tuple[int, int] = USUAL_QUIET, at: dt.datetime | None = None
) -> dt.timedelta | None:
    """How long it is quiet yet at `at` (aware; now by default) on the clock of `zone`; None outside the hours `quiet`, in
    minutes of the day, or when there is no clock."""
    begins, ends = quiet
    if zone is None or begins == ends:
        return None
    at = at or now()
    local = at.astimezone(zoneinfo.ZoneInfo(zone))
    minute = local.hour * 60 + local.minute
    if not (begins <= minute < ends if begins < ends else minute >= begins or minute < ends):
        return None
    day = local.date() + dt.timedelta(days=0 if minute < ends else 1)
    morning = dt.datetime.combine(day, dt.time(ends // 60, ends % 60), local.tzinfo)
    return morning.astimezone(dt.UTC) - at
