"""Reads of what people chose about their mail."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from app.core.db import db
from app.messages.kinds import KINDS, get_kind
from app.messages.models import USUAL_QUIET, MailPreference, QuietHours


def find_choice(person_id: int, code: str) -> str:
    """What the person chose about the kind `code`, or its default. Raises KeyError for a kind that does not exist."""
    chosen = db.session.get(MailPreference, (person_id, code))
    return get_kind(code).default if chosen is None else chosen.choice


def list_choices(person_id: int) -> dict[str, str]:
    """The person's choice about every kind."""
    chosen = db.session.execute(
        sa.select(MailPreference.kind, MailPreference.choice).where(MailPreference.person_id == person_id)
    )
    return {kind.code: kind.default for kind in KINDS} | {row.kind: row.choice for row in chosen}


def choosers(person_ids: Iterable[int], code: str, choice: str) -> list[int]:
    """Those of `person_ids` whose choice about the kind `code` is `choice`, in the order given."""
    wanted = list(person_ids)
    rows = db.session.execute(
        sa.select(MailPreference.person_id, MailPreference.choice).where(
            MailPreference.person_id.in_(wanted), MailPreference.kind == code
        )
    )
    chosen = {row.person_id: row.choice for row in rows}
    default = get_kind(code).default
    return [person_id for person_id in wanted if chosen.get(person_id, default) == choice]


def find_quiet_hours(person_id: int) -> tuple[int, int]:
    """When the person's quiet hours begin and end, in minutes of their day; the same twice when they want none."""
    hours = db.session.get(QuietHours, person_id)
    return USUAL_QUIET if hours is None else (hours.begins, hours.ends)
