"""Staff take a promise back for a giver who telephones: with a reason, told, and with the way back."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
import sqlalchemy as sa
from flask import Flask

from app.accounts.operations import create_token
from app.accounts.scopes import SCOPES
from app.core.audit import AuditEvent
from app.core.clock import now
from app.core.db import db, transaction
from app.core.errors import InvalidInput, Refused
from app.core.ids import encode_id
from app.needs.models import Item
from app.organizations.models import Organization
from app.pledges import checks, operations
from app.pledges.models import Pledge
from tests.conftest import CheckingClient
from tests.factories import make_item, make_member, make_need, make_organization, make_person
from tests.smtp import Mailbox, text_of

Work = Callable[[], dict[str, int]]
SignIn = Callable[..., CheckingClient]


@pytest.fixture
def organization(app: Flask) -> Organization:
    return make_organization(make_person())


@pytest.fixture
def promise(organization: Organization) -> Pledge:
    item, person = make_item(make_need(organization), quantity="10"), make_person(name="Ada Gomez")
    with transaction():
        return operations.pledge(item.id, by=person, quantity=Decimal(4))


def page(promise: Pledge, what: str) -> str:
    return f"/manage/{promise.item.need.organization.slug}/pledges/{encode_id(promise.id)}/{what}"


def reserved(promise: Pledge) -> Decimal:
    return db.session.get_one(Item, promise.item_id, populate_existing=True).reserved


@pytest.mark.rule("P1")
def test_staff_take_a_promise_back_and_that_back(
    sign_in: SignIn,
    client: CheckingClient,
    organization: Organization,
    promise: Pledge,
    mailbox: Mailbox,
    work_off: Work,
) -> None:
    work_off()
    sign_in(make_member(organization, "coordinator"))
    need_page = f"/manage/{organization.slug}/needs/{encode_id(promise.item.need_id)}"
    assert page(promise, "cancel") in client.get(need_page).text
    assert client.post(page(promise, "cancel"), data={}).status_code == 422
    assert client.post(page(promise, "cancel"), data={"reason": "no_longer_needed"}).status_code == 303
    assert (promise.status, reserved(promise)) == ("cancelled", 0)
    event = db.session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "pledge.cancelled")).one()
    assert event.data["reason"] == "no_longer_needed"
    assert page(promise, "undo-cancel") in client.get(need_page).text
    assert client.post(page(promise, "undo-cancel")).status_code == 303
    assert (promise.status, reserved(promise)) == ("reserved", 4)
    work_off()
    assert len(mailbox.to(promise.person.email)) == 2, "taken back before anybody was told, then noted again"
    assert client.post(page(promise, "cancel"), data={"reason": "asked_by_them"}).status_code == 303
    work_off()
    last = mailbox.to(promise.person.email)[-1]
    assert "Your promise is taken back" in str(last["Subject"])
    assert "you asked" in text_of(last)
    assert all(check()[1] == [] for check in checks.CHECKS.values())


def test_each_takes_back_only_what_they_did(organization: Organization, promise: Pledge) -> None:
    keeper = make_member(organization, "manager")
    with transaction():
        operations.cancel_pledge(promise.id, by=promise.person)
    with pytest.raises(Refused), transaction():
        operations.undo_cancel(promise.id, by=keeper)
    with transaction():
        operations.undo_cancel(promise.id, by=promise.person)
        operations.cancel_pledge(promise.id, by=keeper, reason="no_longer_needed")
    with pytest.raises(Refused), transaction():
        operations.undo_cancel(promise.id, by=promise.person)
    with pytest.raises(InvalidInput), transaction():
        operations.cancel_pledge(promise.id, by=keeper, reason="rude")


@pytest.mark.rule("A1")
def test_viewers_only_read_and_programs_of_staff_may(
    sign_in: SignIn, client: CheckingClient, organization: Organization, promise: Pledge
) -> None:
    people = {role: make_member(organization, role) for role in ("viewer", "coordinator")}
    with transaction():
        tokens = {role: create_token(person, scopes=list(SCOPES)) for role, person in people.items()}
    url = f"/api/v1/pledges/{encode_id(promise.id)}"
    as_viewer, as_keeper = ({"Authorization": f"Bearer {tokens[role]}"} for role in ("viewer", "coordinator"))
    assert client.post(f"{url}/cancel", headers=as_viewer).status_code == 404
    assert client.patch(url, json={"quantity": "1"}, headers=as_keeper).status_code == 404, "not theirs to change"
    told = client.post(f"{url}/cancel", json={"reason": "asked_by_them"}, headers=as_keeper)
    assert (told.status_code, told.json["status"], told.json["name"]) == (200, "cancelled", "Ada Gomez")
    sign_in(people["viewer"])
    assert client.get(page(promise, "cancel")).status_code == 404


def test_staff_see_whom_mail_does_not_reach(
    sign_in: SignIn, client: CheckingClient, organization: Organization, promise: Pledge
) -> None:
    sign_in(make_member(organization, "viewer"))
    need_page = f"/manage/{organization.slug}/needs/{encode_id(promise.item.need_id)}"
    assert "Mail does not reach them" not in client.get(need_page).text
    with transaction():
        promise.person.mail_failed_at = now()
    assert "Mail does not reach them" in client.get(need_page).text
