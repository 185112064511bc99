"""Who may change whom in an organization, and that it keeps an owner."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.audit import AuditEvent
from app.core.db import db, transaction
from app.core.errors import Refused
from app.organizations.models import Membership
from app.organizations.operations import add_member, change_role, remove_member
from tests.factories import make_member, make_organization, make_person


def test_the_last_owner_neither_leaves_nor_is_demoted(app: Flask) -> None:
    owner = make_person()
    organization = make_organization(owner)
    with pytest.raises(Refused), transaction():
        remove_member(organization.id, owner.id, by=owner)
    with pytest.raises(Refused), transaction():
        change_role(organization.id, owner.id, by=owner, role="viewer")


@pytest.mark.rule("A1")
def test_a_manager_makes_no_owner(app: Flask) -> None:
    organization = make_organization(make_person())
    manager, viewer = make_member(organization, "manager"), make_member(organization, "viewer")
    with pytest.raises(Refused), transaction():
        change_role(organization.id, viewer.id, by=manager, role="owner")
    outsider = make_person()
    with pytest.raises(Refused), transaction():
        add_member(organization.id, by=viewer, email=outsider.email, role="viewer")


@pytest.mark.rule("A2")
def test_every_change_of_members_is_an_event(app: Flask) -> None:
    owner, person = make_person(), make_person()
    organization = make_organization(owner)
    with transaction():
        add_member(organization.id, by=owner, email=person.email, role="viewer")
    with transaction():
        change_role(organization.id, person.id, by=owner, role="manager")
    with transaction():
        remove_member(organization.id, person.id, by=owner)
    actions = db.session.scalars(sa.select(AuditEvent.action).order_by(AuditEvent.id)).all()
    assert actions == ["membership.added", "membership.changed", "membership.removed"]


def test_two_owners_who_leave_at_once_leave_one(app: Flask) -> None:
    first = make_person()
    organization = make_organization(first)
    second = make_member(organization, "owner")
    organization_id, ids = organization.id, (first.id, second.id)
    db.session.rollback()
    together, outcomes = threading.Barrier(2), []

    def leave(person_id: int) -> None:
        with app.app_context():
            try:
                together.wait(10)
                with transaction():
                    person = db.session.get_one(type(first), person_id)
                    remove_member(organization_id, person_id, by=person)
                outcomes.append("left")
            except Refused as refused:
                outcomes.append(refused.reasons[0].code)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=leave, args=(person_id,)) for person_id in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(outcomes) == ["last_owner", "left"]
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Membership)) == 1
