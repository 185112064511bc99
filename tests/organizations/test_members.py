"""Who may change whom in an organization, and that it keeps an owner."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.audit import AuditEvent
from app.core.clock import today
from app.core.db import db, transaction
from app.core.errors import Refused
from app.core.ids import encode_id
from app.organizations.invitations import invite
from app.organizations.members import change_role, leave, remove_member
from app.organizations.queries import find_role
from tests.conftest import CheckingClient
from tests.factories import make_member, make_organization, make_person
from tests.smtp import Mailbox, text_of


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
    with pytest.raises(Refused), transaction():
        invite(organization.id, by=viewer, email="outsider@example.org", role="viewer")


@pytest.mark.rule("A2")
def test_every_change_of_members_is_an_event(app: Flask) -> None:
    organization = make_organization(owner := make_person())
    person = make_member(organization, "viewer")
    with transaction():
        change_role(organization.id, person.id, by=owner, role="manager")
    with transaction():
        remove_member(organization.id, person.id, by=owner)
    actions = db.session.scalars(sa.select(AuditEvent.action).order_by(AuditEvent.id)).all()
    assert actions == ["membership.changed", "membership.removed"]


def test_the_last_owner_hands_over_and_leaves_in_one_step(
    client: CheckingClient,
    sign_in: Callable[..., CheckingClient],
    mailbox: Mailbox,
    work_off: Callable[[], dict[str, int]],
) -> None:
    owner = make_person()
    organization = make_organization(owner, slug="kitchen", name="The Kitchen")
    successor = make_member(organization, "coordinator", name="Vera Ruiz")
    make_member(organization, "viewer", name="Held Person", status="held")
    sign_in(owner)
    page = client.get("/manage/kitchen/leave").text
    assert "Vera Ruiz" in page
    assert "Held Person" not in page
    assert client.post("/manage/kitchen/leave", data={}).status_code == 422
    answer = client.post("/manage/kitchen/leave", data={"successor": encode_id(successor.id)})
    assert answer.status_code == 303
    assert (find_role(owner, organization.id), find_role(successor, organization.id)) == (None, "owner")
    assert client.get("/manage/kitchen/").status_code == 404
    work_off()
    assert "Owner: everything" in text_of(mailbox.to(successor.email)[-1])
    assert not mailbox.to(owner.email)


def test_the_only_member_is_told_to_invite_somebody_first(
    client: CheckingClient, sign_in: Callable[..., CheckingClient]
) -> None:
    owner = make_person()
    make_organization(owner, slug="kitchen")
    sign_in(owner)
    assert "Invite somebody" in client.get("/manage/kitchen/leave").text
    assert client.post("/manage/kitchen/leave", data={}).status_code == 422


def test_nobody_makes_an_owner_by_leaving(app: Flask) -> None:
    organization = make_organization(make_person())
    manager, viewer = make_member(organization, "manager"), make_member(organization, "viewer")
    with pytest.raises(Refused), transaction():
        leave(organization.id, by=manager, successor_id=viewer.id)
    with transaction():
        leave(organization.id, by=manager)
    assert find_role(manager, organization.id) is None
    assert find_role(viewer, organization.id) == "viewer"


def test_nobody_hands_over_to_a_minor_without_a_guardian(app: Flask) -> None:
    organization = make_organization(owner := make_person())
    young = make_member(organization, "manager", birth_date=today("UTC") - dt.timedelta(days=16 * 366))
    with pytest.raises(Refused) as refused, transaction():
        leave(organization.id, by=owner, successor_id=young.id)
    assert [reason.code for reason in refused.value.reasons] == ["not_active"]


def test_who_is_removed_is_told(app: Flask, mailbox: Mailbox, work_off: Callable[[], dict[str, int]]) -> None:
    organization = make_organization(owner := make_person(), name="The Kitchen")
    member = make_member(organization, "viewer")
    with transaction():
        remove_member(organization.id, member.id, by=owner)
    work_off()
    assert "do not belong to the staff of The Kitchen any more" in text_of(mailbox.to(member.email)[-1])
