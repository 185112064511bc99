"""Inviting: by mail, to an address and nobody else, told to nobody whether it is known, and as good as who sent it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from app.accounts.models import Person
from app.accounts.operations import create_token
from app.accounts.scopes import SCOPES
from app.core.audit import AuditEvent
from app.core.clock import now
from app.core.db import db, transaction
from app.core.errors import InvalidInput, Refused
from app.organizations import invitations
from app.organizations.members import change_role, remove_member
from app.organizations.models import Invitation, Organization
from app.organizations.queries import find_role
from tests.conftest import CheckingClient
from tests.factories import make_member, make_organization, make_person
from tests.smtp import Mailbox, text_of

NOAH = "noah@example.org"


@pytest.fixture
def owner(app: Flask) -> Person:
    return make_person(name="Olive Brook", email="olive.brook@example.org")


@pytest.fixture
def organization(owner: Person) -> Organization:
    return make_organization(owner, slug="kitchen", name="The Kitchen")


def invite(organization: Organization, by: Person, email: str = NOAH, role: str = "coordinator") -> Invitation:
    with transaction():
        return invitations.invite(organization.id, by=by, email=email, role=role)


def accept(invitation: Invitation, by: Person) -> None:
    with transaction():
        invitations.accept_invitation(invitations.token_of(invitation), by=by)


def codes(refused: pytest.ExceptionInfo[Refused]) -> list[str]:
    return [reason.code for reason in refused.value.reasons]


def link_in(mailbox: Mailbox, email: str = NOAH) -> str:
    """The path of the link in the latest mail to the address."""
    words = text_of(mailbox.to(email)[-1]).split()
    return next(word for word in words if "/invitations/" in word).removeprefix("http://localhost")


def test_somebody_without_an_account_is_invited_registers_and_works_there(
    client: CheckingClient,
    new_client: Callable[[], CheckingClient],
    sign_in: Callable[..., CheckingClient],
    organization: Organization,
    owner: Person,
    mailbox: Mailbox,
    work_off: Callable[[], dict[str, int]],
) -> None:
    sign_in(owner)
    answer = client.post("/manage/kitchen/members", data={"email": "Noah@Example.org", "role": "coordinator"})
    assert answer.status_code == 303
    page = client.get("/manage/kitchen/members").text
    assert "We have sent noah@example.org an invitation." in page
    assert "Withdraw" in page
    work_off()
    mail = text_of(mailbox.to(NOAH)[-1])
    assert "Olive Brook" in mail
    assert "Coordinator: rosters and receiving" in mail
    assert owner.email not in mail
    link = link_in(mailbox)
    theirs = new_client()
    page = theirs.get(link).text
    assert "Join The Kitchen" in page
    assert f"/register?next={link}" in page
    noah = make_person(email=NOAH, email_verified_at=None)
    sign_in(noah, theirs)
    assert "Say yes" in theirs.get(link).text
    answer = theirs.post(link, data={"act": "accept"})
    assert answer.headers["Location"] == "/manage/kitchen/"
    assert theirs.get("/manage/kitchen/").status_code == 200
    assert find_role(noah, organization.id) == "coordinator"
    # The link reached the address: it is proved.
    assert db.session.get_one(Person, noah.id, populate_existing=True).is_email_verified
    assert theirs.get(link).status_code == 410
    work_off()
    assert "noah@example.org joined The Kitchen" in mailbox.to(owner.email)[-1]["Subject"]


@pytest.mark.rule("A1")
def test_inviting_says_the_same_whether_the_address_has_an_account(
    client: CheckingClient, sign_in: Callable[..., CheckingClient], organization: Organization, owner: Person
) -> None:
    make_person(email="known@example.org", name="Known Person")
    sign_in(owner)
    pages = []
    for email in ("known@example.org", "never@example.org"):
        client.post("/manage/kitchen/members", data={"email": email, "role": "viewer"})
        row = client.get("/manage/kitchen/members").text
        pages.append(
            row[row.index(f'<th scope="row">{email}') :].split("</tr>")[0].replace(email, "").split("action")[0]
        )
        assert "Known Person" not in row
    assert pages[0] == pages[1]


@pytest.mark.rule("A1")
def test_only_the_address_it_was_sent_to_takes_the_role(organization: Organization, owner: Person) -> None:
    invitation = invite(organization, owner)
    with pytest.raises(Refused) as refused:
        accept(invitation, make_person(email="somebody@example.org"))
    assert codes(refused) == ["other_address"]
    # The control: the same link in the right hands.
    accept(invitation, make_person(email=NOAH))
    assert db.session.get_one(Invitation, invitation.id, populate_existing=True).status == "accepted"


@pytest.mark.parametrize("how", ["removed", "demoted", "suspended"])
def test_an_invitation_is_as_good_as_the_right_of_who_sent_it(
    organization: Organization, owner: Person, how: str
) -> None:
    manager, noah = make_member(organization, "manager"), make_person(email=NOAH)
    invitation = invite(organization, manager)
    with transaction():
        if how == "removed":
            remove_member(organization.id, manager.id, by=owner)
        elif how == "demoted":
            change_role(organization.id, manager.id, by=owner, role="viewer")
        else:
            db.session.get_one(Person, manager.id).status = "suspended"
    with pytest.raises(Refused) as refused:
        accept(invitation, noah)
    assert codes(refused) == ["does_not_hold"]
    # The control: sent again by somebody who may.
    with transaction():
        again = invitations.send_invitation_again(invitation.id, by=owner)
    accept(again, noah)
    assert find_role(noah, organization.id) == "coordinator"


def test_a_manager_invites_no_owner_and_a_viewer_nobody(organization: Organization) -> None:
    for role, given in (("manager", "owner"), ("coordinator", "viewer"), ("viewer", "viewer")):
        with pytest.raises(Refused) as refused:
            invite(organization, make_member(organization, role), role=given)
        assert codes(refused) == ["not_yours_to_give"]
    assert invite(organization, make_member(organization, "manager"), role="manager").status == "waiting"


def test_sent_again_only_the_latest_link_works(organization: Organization, owner: Person) -> None:
    invitation, noah = invite(organization, owner), make_person(email=NOAH)
    old = invitations.token_of(invitation)
    same = invite(organization, owner, role="viewer")
    assert (same.id, same.role, same.sendings) == (invitation.id, "viewer", 2)
    with pytest.raises(Refused) as refused, transaction():
        invitations.accept_invitation(old, by=noah)
    assert codes(refused) == ["answered"]
    accept(same, noah)
    assert find_role(noah, organization.id) == "viewer"


def test_it_ends_after_fourteen_days_and_when_it_is_withdrawn(organization: Organization, owner: Person) -> None:
    invitation, noah = invite(organization, owner), make_person(email=NOAH)
    with time_machine.travel(now() + dt.timedelta(days=14, minutes=1)), pytest.raises(Refused):
        accept(invitation, noah)
    with transaction():
        invitations.withdraw_invitation(invitation.id, by=owner)
    with pytest.raises(Refused):
        accept(invitation, noah)
    assert find_role(noah, organization.id) is None


def test_no_is_said_without_an_account_and_is_respected(
    client: CheckingClient,
    organization: Organization,
    owner: Person,
    mailbox: Mailbox,
    work_off: Callable[[], dict[str, int]],
) -> None:
    invitation = invite(organization, owner)
    work_off()
    link = link_in(mailbox)
    assert client.post(link, data={"act": "accept"}).status_code == 200  # nobody is signed in: nothing happens
    assert db.session.get_one(Invitation, invitation.id, populate_existing=True).status == "waiting"
    assert client.post(link, data={"act": "decline"}).status_code == 303
    work_off()
    assert "does not join" in mailbox.to(owner.email)[-1]["Subject"]
    with pytest.raises(InvalidInput) as invalid:
        invite(organization, owner)
    assert "They said no" in invalid.value.errors["email"]
    with time_machine.travel(now() + dt.timedelta(days=31)):
        assert invite(organization, owner).status == "waiting"


def test_a_member_is_not_invited_and_nonsense_is_told_at_its_field(
    client: CheckingClient, sign_in: Callable[..., CheckingClient], organization: Organization, owner: Person
) -> None:
    sign_in(owner)
    for email, message in ((owner.email, "is a member already"), ("nonsense@", "Enter an email address like")):
        answer = client.post("/manage/kitchen/members", data={"email": email, "role": "viewer"})
        assert answer.status_code == 422
        assert message in answer.text
        assert email in answer.text


def test_a_mailbox_is_not_flooded_however_many_organizations_ask(app: Flask) -> None:
    for _time in range(5):
        owner = make_person()
        invite(make_organization(owner), owner)
    owner = make_person()
    with pytest.raises(InvalidInput) as invalid:
        invite(make_organization(owner), owner)
    assert "several invitations" in invalid.value.errors["email"]


@pytest.mark.rule("A2")
def test_every_step_is_an_event_without_the_address(organization: Organization, owner: Person) -> None:
    invitation = invite(organization, owner)
    with transaction():
        again = invitations.send_invitation_again(invitation.id, by=owner)
    accept(again, make_person(email=NOAH))
    events = db.session.scalars(sa.select(AuditEvent).order_by(AuditEvent.id)).all()
    assert [event.action for event in events] == [
        "invitation.made", "invitation.sent_again", "invitation.accepted", "membership.added",
    ]  # fmt: skip
    assert not any("noah" in str(event.data) for event in events)


def test_what_was_answered_long_ago_is_forgotten(organization: Organization, owner: Person) -> None:
    accept(invite(organization, owner), make_person(email=NOAH))
    invite(organization, owner, email="late@example.org")
    for days, left in ((80, 2), (95, 1), (110, 0)):
        with time_machine.travel(now() + dt.timedelta(days=days)):
            with transaction():
                invitations.forget_old_invitations()
            assert db.session.scalar(sa.select(sa.func.count()).select_from(Invitation)) == left


def test_programs_invite_and_change_members_by_the_same_acts(
    client: CheckingClient, organization: Organization, owner: Person
) -> None:
    with transaction():
        headers = {"Authorization": f"Bearer {create_token(owner, scopes=list(SCOPES))}"}
    viewer = make_member(organization, "viewer")
    path = "/api/v1/organizations/kitchen"
    made = client.post(f"{path}/invitations", json={"email": NOAH, "role": "viewer"}, headers=headers)
    assert made.status_code == 201
    assert made.json["status"] == "waiting"
    listed = client.get(f"{path}/invitations", headers=headers).json["data"]
    assert [row["email"] for row in listed] == [NOAH]
    one = f"/api/v1/invitations/{made.json['id']}"
    assert client.post(f"{one}/send-again", headers=headers).json["status"] == "waiting"
    assert client.post(f"{one}/withdraw", headers=headers).json["status"] == "withdrawn"
    assert client.post(f"{one}/withdraw", headers=headers).json["reasons"][0]["code"] == "answered"
    person = next(
        row["person"] for row in client.get(f"{path}/members", headers=headers).json["data"] if row["role"] == "viewer"
    )
    assert client.patch(f"{path}/members/{person}", json={"role": "manager"}, headers=headers).json["role"] == "manager"
    assert client.post(f"{path}/members/{person}/remove", headers=headers).status_code == 200
    assert find_role(viewer, organization.id) is None
