"""Telling the staff what happens to what they asked for, as each of them chose."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from app.accounts.models import Person
from app.core import outbox
from app.core.db import db
from app.messages.kinds import AT_ONCE
from app.messages.queries import choosers
from app.organizations.acting import list_acting
from app.organizations.models import Membership

# Viewers look; these act on what they hear.
TOLD_ROLES = ("owner", "manager", "coordinator")


def list_told(organization_id: int, of: sa.ColumnElement[bool] | None = None) -> list[int]:
    """Ids of the people who act and are told what happens, in a stable order; of them those of `of`, a condition over
    Membership (who works on a need), when given."""
    query = (
        sa.select(Person)
        .join(Membership, Membership.person_id == Person.id)
        .where(Membership.organization_id == organization_id, Membership.role.in_(TOLD_ROLES))
        .where(Person.status == "active", sa.true() if of is None else of)
        .order_by(Person.id)
    )
    return [person.id for person in list_acting(db.session.scalars(query).all())]


def is_told_anywhere(person_id: int) -> bool:
    """True for whoever is told what happens at some organization."""
    query = sa.select(Membership.person_id).where(Membership.person_id == person_id, Membership.role.in_(TOLD_ROLES))
    return db.session.scalar(query.limit(1)) is not None


def promise_to_staff(
    organization_id: int,
    kind: str,
    mail: str,
    payload: dict[str, Any],
    *,
    key: str,
    of: sa.ColumnElement[bool],
    knowing: Collection[int | None] = (),
) -> None:
    """Promise the mail `mail` (an outbox kind) to each of the staff who chose to hear of `kind` at once and work on the
    need it is about (`of`, a condition over Membership), but not to those of `knowing`, ids of people whose own act
    it was. The same `key` again promises nothing new."""
    told = [person_id for person_id in list_told(organization_id, of) if person_id not in knowing]
    for person_id in choosers(told, kind, AT_ONCE):
        outbox.enqueue(mail, {**payload, "person_id": person_id}, key=f"{mail}:{key}:{person_id}"[:200])
