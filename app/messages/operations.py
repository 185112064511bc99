"""Choosing what mail one gets."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from app.accounts.models import Person
from app.core import audit
from app.core.db import db, lock
from app.core.errors import InvalidInput, refuse
from app.core.i18n import _
from app.messages.kinds import NEVER, find_kind
from app.messages.models import MailPreference, QuietHours


def choose_mail(
    person_id: int, *, by: Person | None, choices: Mapping[str, str], quiet: tuple[int, int] | None = None
) -> None:
    """Keep what the person chose: a choice for each kind in `choices`, and when given their quiet hours (minutes of the
    day, the same twice for none). Raises InvalidInput for a choice that a kind has not."""
    person = _locked(person_id)
    for code, choice in choices.items():
        kind = find_kind(code)
        if kind is None or choice not in kind.choices:
            raise InvalidInput({code: _("Choose one of the list")})
        _keep(person.id, code, choice)
    if quiet is not None:
        hours = db.session.get(QuietHours, person.id) or QuietHours(person_id=person.id, begins=0, ends=0)
        hours.begins, hours.ends = quiet
        db.session.add(hours)
    db.session.flush()
    audit.record("person.mail_chosen", subject=person, by=by, data={"kinds": sorted(choices)})


def stop_mail(person_id: int, code: str) -> str:
    """One click: no more mail of this kind (M2). Returns what was chosen before, for the way back.

    Whoever holds the link may do it: it came to the person's own address.
    """
    person = _locked(person_id)
    before = db.session.scalar(
        sa.select(MailPreference.choice).where(MailPreference.person_id == person.id, MailPreference.kind == code)
    )
    kind = find_kind(code)
    if kind is None:
        raise refuse("not_found", _("There is no such kind of mail any more."))
    choose_mail(person.id, by=person, choices={code: NEVER})
    return before or kind.default


def _keep(person_id: int, code: str, choice: str) -> None:
    row = db.session.get(MailPreference, (person_id, code))
    if row is None:
        db.session.add(MailPreference(person_id=person_id, kind=code, choice=choice))
    else:
        row.choice = choice


def _locked(person_id: int) -> Person:
    person = lock(Person, person_id)
    if person is None:
        raise refuse("not_found", _("This account is not there any more."))
    return person
