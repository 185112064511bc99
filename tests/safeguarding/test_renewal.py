"""A clearance that ends and that another one outlasts: nobody is warned of it, where the other counts as much."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from app.accounts.models import Person
from app.core.clock import now, today
from app.core.db import db, transaction
from app.core.ids import new_id
from app.organizations.models import Organization
from app.safeguarding import operations as acts
from app.safeguarding import standing
from app.safeguarding.jobs import mail_ends
from app.safeguarding.models import Clearance
from tests.conftest import CheckingClient
from tests.factories import make_clearance, make_organization, make_person, wake
from tests.safeguarding.common import DAY, approved_organization, do
from tests.safeguarding.test_operations import said
from tests.smtp import Mailbox

WorkOff = Callable[[], dict[str, int]]
SignIn = Callable[..., CheckingClient]


@pytest.fixture
def owner(app: Flask) -> Person:
    return make_person(name="Owner")


@pytest.fixture
def organization(owner: Person) -> Organization:
    return approved_organization(owner)


def test_nobody_is_warned_of_what_another_one_outlasts(
    client: CheckingClient,
    sign_in: SignIn,
    organization: Organization,
    owner: Person,
    work_off: WorkOff,
    mailbox: Mailbox,
) -> None:
    day, person = today("America/New_York"), make_person(name="Hana Helper")
    there = make_person()
    relying = make_organization(there)
    wake(person, owner, there)
    ending = do(acts.record_clearance, organization.id, **said(person, owner, expires_on=day + 40 * DAY))
    do(acts.share_clearance, ending.id, relying.id, by=person)

    def warned() -> set[str]:
        mailbox.messages.clear()
        mail_ends({"clearance_id": ending.id, "days": 30, "outbox_key": f"clearance_ends:{new_id()}"})
        work_off()
        mails = [mail for mail in mailbox.messages if "ends soon" in mail["Subject"]]
        return {mail["To"].rpartition("<")[2].rstrip(">") for mail in mails}

    work_off()
    both = {person.email, owner.email, there.email}
    assert warned() == both
    # Neither another kind, nor what ends no later, nor what was revoked, is a renewal.
    do(acts.record_clearance, organization.id, **said(person, owner, kind="identity", level=""))
    do(acts.record_clearance, organization.id, **said(person, owner, expires_on=day + 40 * DAY))
    gone = do(acts.record_clearance, organization.id, **said(person, owner, expires_on=day + 400 * DAY))
    do(acts.revoke_clearance, gone.id, by=owner, reason="A slip.")
    assert warned() == both
    newer = do(acts.record_clearance, organization.id, **said(person, owner, expires_on=day + 400 * DAY))
    assert warned() == {person.email, there.email}, "the one that it is not shared with hears it still"
    do(acts.share_clearance, newer.id, relying.id, by=person)
    assert warned() == set()
    sign_in(person)
    assert "ends on" not in client.get("/my-clearances").text
    do(acts.unshare_clearance, newer.id, relying.id, by=person)
    assert client.get("/my-clearances").text.count("ends on") == 1, "the one that is relied on there"


def test_a_reference_is_renewed_by_the_same_person_or_two_others(organization: Organization) -> None:
    person, day = make_person(), today("UTC")
    ending = make_clearance(person, organization, "reference", issuer="Ann Lee", expires_on=day + 20 * DAY)

    def is_renewed() -> bool:
        return bool(standing.list_renewed([(db.session.get_one(Clearance, ending.id), organization.id)]))

    make_clearance(person, organization, "reference", issuer="Bo Ray", expires_on=day + 90 * DAY)
    assert not is_renewed(), "one is left then, and two are asked for"
    again = make_clearance(person, organization, "reference", issuer="ann lee", expires_on=day + 90 * DAY).id
    assert is_renewed()
    with transaction():
        db.session.get_one(Clearance, again).revoked_at = now()
    assert not is_renewed()
    make_clearance(person, organization, "reference", issuer="Cy Dunn", expires_on=day + 90 * DAY)
    assert is_renewed()
