"""Claiming an imported organization: by its own mailbox or a moderator, once, and by nobody else."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask

from app.accounts.models import Person
from app.core.audit import AuditEvent
from app.core.db import db, transaction
from app.core.errors import InvalidInput, Refused
from app.core.ids import encode_id
from app.moderation.operations import decide_claim
from app.organizations import claims
from app.organizations.models import Claim, Organization
from app.organizations.queries import find_role
from tests.conftest import CheckingClient
from tests.factories import make_member, make_need, make_organization, make_person, make_shift
from tests.smtp import Mailbox, text_of


@pytest.fixture
def imported(app: Flask) -> Organization:
    """A public organization that nobody runs, with a web domain of its own."""
    organization = make_organization(slug="kitchen", claimed_at=None, website="https://www.kitchen.example.org/about")
    make_shift(make_need(organization))
    return organization


@pytest.fixture
def claimant(app: Flask) -> Person:
    return make_person(name="Ana Ng")


def claim(organization: Organization, by: Person, **values: str) -> Claim:
    with transaction():
        return claims.claim_organization(organization.id, by=by, **values)


@pytest.mark.rule("A2")
def test_the_mailbox_of_the_web_domain_opens_the_page(
    client: CheckingClient,
    new_client: Callable[[], CheckingClient],
    sign_in: Callable[..., CheckingClient],
    imported: Organization,
    claimant: Person,
    mailbox: Mailbox,
    work_off: Callable[[], dict[str, int]],
) -> None:
    sign_in(claimant)
    assert "Claim this page" in client.get("/organizations/kitchen").text
    assert client.post("/organizations/kitchen/claim", data={"mailbox": "info"}).status_code == 303
    work_off()
    text = text_of(mailbox.to("info@kitchen.example.org")[-1])
    assert "Ana Ng" in text
    link = next(word for word in text.split() if "/claims/" in word).removeprefix("http://localhost")
    assert claimant.email not in text
    stranger = new_client()  # whoever reads the mailbox has no account here
    assert stranger.get(link).status_code == 200
    assert not imported.is_claimed, "a scanner that follows the link decides nothing"
    assert stranger.post(link, data={"act": "grant"}).status_code == 303
    assert stranger.post(link, data={"act": "grant"}).status_code == 410
    db.session.expire_all()
    assert imported.is_claimed
    assert find_role(claimant, imported.id) == "owner"
    work_off()
    assert "/manage/kitchen/" in text_of(mailbox.to(claimant.email)[-1])
    actions = set(db.session.scalars(sa.select(AuditEvent.action)))
    assert {"claim.made", "claim.granted", "organization.claimed", "membership.added"} <= actions


def test_a_claim_that_the_mailbox_denies_gives_nothing(app: Flask, imported: Organization, claimant: Person) -> None:
    made = claim(imported, claimant, mailbox="info")
    with transaction():
        claims.answer_claim(made.id, grant=False, by=None, reason="unknown")
    db.session.expire_all()
    assert (imported.is_claimed, find_role(claimant, imported.id)) == (False, None)


def test_a_mailbox_proves_nothing_while_anybody_belongs_to_its_staff(app: Flask, imported: Organization) -> None:
    """Its last owner is gone, and a manager can still write the web address whose mailbox would be asked."""
    waits = claim(imported, make_person(), mailbox="info")
    manager = make_member(imported, "manager")
    with pytest.raises(InvalidInput) as wrong, transaction():
        claims.claim_organization(imported.id, by=manager, mailbox="info")
    assert set(wrong.value.errors) == {"mailbox"}
    with pytest.raises(Refused), transaction():
        claims.answer_claim(waits.id, grant=True, by=None, reason="")
    made, moderator = claim(imported, manager, evidence="Call 555 0100."), make_person(platform_role="moderator")
    with transaction():
        decide_claim(made.id, by=moderator, grant=True, checked="called them")
    assert find_role(manager, imported.id) == "owner"
    actions = set(db.session.scalars(sa.select(AuditEvent.action)))
    assert "membership.changed" in actions
    assert "membership.added" not in actions


def test_a_moderator_decides_by_what_was_checked(app: Flask, imported: Organization, claimant: Person) -> None:
    moderator = make_person(platform_role="moderator")
    made = claim(imported, claimant, evidence="I run it; call 555 0100.")
    with pytest.raises(InvalidInput), transaction():
        decide_claim(made.id, by=moderator, grant=True, checked=" ")
    with transaction():
        decide_claim(made.id, by=moderator, grant=True, checked="called the number on their page")
    db.session.expire_all()
    assert find_role(claimant, imported.id) == "owner"
    with pytest.raises(Refused), transaction():
        decide_claim(made.id, by=moderator, grant=False, checked="changed my mind")


def test_nobody_decides_their_own_claim(app: Flask, imported: Organization) -> None:
    moderator = make_person(platform_role="moderator")
    made = claim(imported, moderator, evidence="me")
    with pytest.raises(Refused), transaction():
        decide_claim(made.id, by=moderator, grant=True, checked="myself")
    assert not imported.is_claimed


def test_the_first_who_is_granted_owns_it_and_the_others_are_told(
    app: Flask, imported: Organization, claimant: Person, mailbox: Mailbox, work_off: Callable[[], dict[str, int]]
) -> None:
    other = make_person()
    first, second = claim(imported, claimant, mailbox="info"), claim(imported, other, evidence="me too")
    with transaction():
        claims.answer_claim(first.id, grant=True, by=None, reason="")
    db.session.expire_all()
    assert (second.status, find_role(other, imported.id)) == ("declined", None)
    work_off()
    assert "faster" in text_of(mailbox.to(other.email)[-1])
    with pytest.raises(Refused) as refused, transaction():
        claims.claim_organization(imported.id, by=other, evidence="again")
    assert [reason.code for reason in refused.value.reasons] == ["claimed"]


@pytest.mark.parametrize("mailbox", ["info@gmail.com", "a b", "../x", "info@kitchen.example.org\r\nBcc: a@b.org", "@"])
def test_a_link_goes_nowhere_but_to_the_domain(
    app: Flask, imported: Organization, claimant: Person, mailbox: str
) -> None:
    with pytest.raises(InvalidInput) as wrong, transaction():
        claims.claim_organization(imported.id, by=claimant, mailbox=mailbox)
    assert set(wrong.value.errors) == {"mailbox"}


@pytest.mark.parametrize(
    "website", [None, "https://www.facebook.com/kitchen", "https://sites.google.com/kitchen", "http://kitchen"]
)
def test_a_page_at_somebody_elses_domain_proves_nothing(app: Flask, claimant: Person, website: str | None) -> None:
    organization = make_organization(claimed_at=None, website=website)
    assert claims.web_domain(organization) is None
    with pytest.raises(InvalidInput), transaction():
        claims.claim_organization(organization.id, by=claimant, mailbox="info")


def test_an_address_that_is_not_proved_claims_nothing(app: Flask, imported: Organization) -> None:
    person = make_person(email_verified_at=None)
    with pytest.raises(Refused), transaction():
        claims.claim_organization(imported.id, by=person, evidence="me")


@pytest.mark.rule("N1")
def test_what_the_public_cannot_see_cannot_be_claimed(
    client: CheckingClient, sign_in: Callable[..., CheckingClient], claimant: Person
) -> None:
    make_organization(slug="hidden", claimed_at=None, verified_at=None)
    sign_in(claimant)
    assert client.get("/organizations/hidden/claim").status_code == 404


def test_only_moderators_see_claims(
    client: CheckingClient, sign_in: Callable[..., CheckingClient], imported: Organization, claimant: Person
) -> None:
    made = claim(imported, claimant, evidence="Call 555 0100")
    sign_in(claimant)
    assert client.get(f"/moderation/claims/{encode_id(made.id)}").status_code == 404
    sign_in(make_person(platform_role="moderator"))
    assert "555 0100" in client.get(f"/moderation/claims/{encode_id(made.id)}").text
    assert imported.name in client.get("/moderation/").text
