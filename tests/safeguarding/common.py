"""What the proofs of safeguarding begin with: an organization that may place people with contact, and people it cleared."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa

from app.accounts.models import Person
from app.core.db import db, transaction
from app.core.errors import InvalidInput, Refused
from app.core.outbox import Outbox
from app.needs.models import Shift
from app.organizations.models import Organization
from app.signups import gate, operations
from app.signups.models import Signup
from tests.factories import allow_contact, make_clearance, make_need, make_organization, make_person, make_shift

DAY, HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)


def approved_organization(owner: Person | None = None, **changes: Any) -> Organization:
    """An organization that two moderators approved for contact (G3)."""
    organization = make_organization(owner, **changes)
    allow_contact(organization)
    return organization


def contact_shift(organization: Organization | None = None, *, private: bool = False, **changes: Any) -> Shift:
    """A shift with children; with `private` its need's address is."""
    need = make_need(organization or approved_organization(), private_address=private)
    return make_shift(need, **{"contact": "children", **changes})


def cleared_person(organization: Organization, **changes: Any) -> Person:
    """An adult whose background check the organization recorded."""
    person = make_person(**changes)
    make_clearance(person, organization)
    return person


def place(shift: Shift, person: Person, **values: Any) -> Signup:
    """Their confirmed place."""
    with transaction():
        return operations.sign_up(shift.id, by=person, **values)


def codes(shift: Shift, person: Person, **values: Any) -> list[str]:
    """What stands in the way of a place, as the page would say it."""
    db.session.rollback()
    db.session.expire_all()
    return [reason.code for reason in gate.check(shift, person, **values)]


def stands(signup: Signup) -> bool:
    """Whether the place is worth anything now, asked by both ways in which reads ask."""
    db.session.rollback()
    db.session.expire_all()
    found = db.session.get_one(Signup, signup.id)
    one, many = gate.stands(found), not gate.list_refusals([found])
    assert one == many or found.status not in gate.HOLDING_STATUSES
    return one


def status(row: Any) -> str:
    """The status of a signup or shift as the database has it."""
    db.session.rollback()
    return str(db.session.get_one(type(row), row.id, populate_existing=True).status)


def promised(kind: str, **payload: Any) -> list[Outbox]:
    """The rows of the outbox of this kind whose payload has these values, by when they are due."""
    db.session.rollback()
    rows = db.session.scalars(sa.select(Outbox).where(Outbox.kind == kind).order_by(Outbox.due_at, Outbox.id))
    return [row for row in rows if payload.items() <= row.payload.items()]


def refused(act: Any, *args: Any, **values: Any) -> list[str]:
    """The codes with which an act is refused; nothing is written."""
    with pytest.raises(Refused) as found, transaction():
        act(*args, **values)
    return [reason.code for reason in found.value.reasons]


def invalid(act: Any, *args: Any, **values: Any) -> list[str]:
    """The fields at which an act is refused."""
    with pytest.raises(InvalidInput) as found, transaction():
        act(*args, **values)
    return sorted(found.value.errors)


def do(act: Any, *args: Any, **values: Any) -> Any:
    """The act in a transaction of its own."""
    with transaction():
        return act(*args, **values)
