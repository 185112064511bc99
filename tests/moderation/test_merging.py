"""Duplicates: found with their reason, told apart for good, and merged without a surprise."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask

from app.accounts.models import Person
from app.core.audit import AuditEvent
from app.core.clock import now
from app.core.db import Base, db, transaction
from app.core.errors import InvalidInput, Refused
from app.core.ids import encode_id
from app.core.money import Money
from app.donations.operations.giving import start_donation
from app.moderation import merging
from app.needs import index
from app.needs.models import Need, NeedAssignment
from app.needs.operations import assign_need
from app.needs.operations.needs import create_need
from app.needs.policy import can_receive, list_worked_on
from app.organizations import claims, invitations
from app.organizations.likeness import list_alike, list_public_like
from app.organizations.members import add_membership
from app.organizations.models import Claim, Invitation, Membership, Organization
from app.organizations.queries import find_organizations_by_key, find_role
from app.signups.operations import sign_up
from tests.conftest import CheckingClient
from tests.factories import (
    make_fundraiser,
    make_member,
    make_need,
    make_organization,
    make_person,
    make_shift,
)
from tests.smtp import Mailbox, text_of


@pytest.fixture
def moderator(app: Flask) -> Person:
    return make_person(platform_role="moderator")


def named(name: str, owner: Person | None = None, **values: object) -> Organization:
    slug = re.sub(r"\W+", "-", name.lower()).strip("-")
    return make_organization(owner, **{"slug": slug, "name": name, "name_key": name.lower(), **values})


def merge(
    duplicate: Organization, remaining: Organization, by: Person, *, with_members: bool = True, typed: str | None = None
) -> None:
    with transaction():
        merging.merge_organizations(
            duplicate.id,
            remaining.id,
            by=by,
            typed_name=duplicate.name if typed is None else typed,
            with_members=with_members,
        )


def codes(duplicate: Organization, remaining: Organization, by: Person) -> list[str]:
    with pytest.raises(Refused) as refused:
        merge(duplicate, remaining, by)
    return [reason.code for reason in refused.value.reasons]


# --- finding them ---------------------------------------------------------------------------------------------------


def test_pairs_are_found_with_their_reasons_and_strangers_are_not(app: Flask) -> None:
    named("The Ironbound Pantry, Inc.", website="https://www.ironbound.example.org/about")
    named("Ironbound pantry", website="http://ironbound.example.org")
    named("Ironbound Pantry Network", city="Newark")
    named("Ironbound Pantry Friends", city="Denver")
    named("Ironbound", city="Newark")
    named("Page one", website="https://facebook.com/one")
    named("Another", website="https://facebook.com/two")
    found = {frozenset((pair.first.name, pair.second.name)): pair.reasons for pair in list_alike()}
    assert found == {
        frozenset(("The Ironbound Pantry, Inc.", "Ironbound pantry")): ("name", "website"),
        frozenset(("Ironbound pantry", "Ironbound Pantry Network")): ("within",),
        frozenset(("The Ironbound Pantry, Inc.", "Ironbound Pantry Network")): ("within",),
    }


def test_a_name_that_a_whole_chain_shares_says_nothing(app: Flask) -> None:
    for number in range(13):
        named("Habitat", slug=f"habitat-{number}", city=f"Town {number}")
    assert list_alike() == []


def test_whoever_registers_is_asked_whether_it_is_there_already(
    client: CheckingClient, sign_in: Callable[..., CheckingClient]
) -> None:
    named("Ironbound Pantry", claimed_at=None)
    named("Ironbound Pantry in secret", verified_at=None)
    sign_in(make_person())
    typed = {"name": "The Ironbound Pantry, Inc.", "country": "US", "place": "Newark, NJ"}
    answer = client.post("/organizations/new", data=typed)
    assert answer.status_code == 409
    assert "Is it one of these?" in answer.text
    assert "/organizations/ironbound-pantry/claim" in answer.text
    assert "secret" not in answer.text
    assert 'value="The Ironbound Pantry, Inc."' in answer.text
    assert client.post("/organizations/new", data={**typed, "is_new": "y"}).status_code == 303


@pytest.mark.rule("N1")
def test_only_public_organizations_are_told_of(app: Flask) -> None:
    organization = named("Ironbound Pantry", verified_at=None)
    assert list_public_like("Ironbound Pantry", None) == []
    with transaction():
        db.session.get_one(Organization, organization.id).verified_at = now()
    assert [one.id for one in list_public_like("Ironbound Pantry", None)] == [organization.id]


def test_told_apart_they_are_not_shown_again_until_somebody_asks(
    client: CheckingClient, sign_in: Callable[..., CheckingClient], moderator: Person
) -> None:
    one, other = named("Pantry One", slug="a"), named("Pantry One", slug="b")
    sign_in(moderator)
    assert "Pantry One" in client.get("/moderation/duplicates").text
    path = f"/moderation/duplicates/{encode_id(one.id)}/{encode_id(other.id)}"
    assert client.post(f"{path}/different").status_code == 303
    page = client.get("/moderation/duplicates").text
    assert "No two look alike" in page
    assert f"{path}/ask-again" in page or f"{encode_id(other.id)}/{encode_id(one.id)}/ask-again" in page
    assert client.post(f"{path}/ask-again").status_code == 303
    assert len(list_alike()) == 1


def test_any_two_are_compared_by_their_addresses(
    client: CheckingClient, sign_in: Callable[..., CheckingClient], moderator: Person
) -> None:
    named("Alpha"), named("Beta")
    sign_in(moderator)
    answer = client.get("/moderation/duplicates?one=https://help.example.org/organizations/alpha&other=beta")
    assert answer.status_code == 303
    page = client.get(answer.headers["Location"]).text
    assert "Neither name nor website looks alike" in page
    answer = client.get("/moderation/duplicates?one=alpha&other=gamma")
    assert answer.status_code == 422
    assert "gamma" in answer.text
    assert "This is one organization" in client.get("/moderation/duplicates?one=alpha&other=alpha").text


# --- making them one ------------------------------------------------------------------------------------------------


def test_every_column_that_points_at_an_organization_has_its_fate(app: Flask) -> None:
    pointing = {
        f"{table.name}.{key.parent.name}"
        for table in Base.metadata.sorted_tables
        for key in table.foreign_keys
        if key.column.table.name == "organization"
    }
    fates = [*merging.MOVED, *merging.DECIDED_HERE, *merging.LEFT_BEHIND]
    assert sorted(fates) == sorted(pointing)


def test_everything_of_the_duplicate_is_part_of_the_other_and_its_address_leads_there(
    client: CheckingClient,
    sign_in: Callable[..., CheckingClient],
    moderator: Person,
    mailbox: Mailbox,
    work_off: Callable[[], dict[str, int]],
) -> None:
    owner, theirs, supporter = make_person(), make_person(), make_person()
    remaining, duplicate = named("Ironbound Pantry", owner), named("Ironbound Pantry Inc", theirs)
    both = make_member(duplicate, "owner")
    with transaction():
        db.session.add(Membership(organization_id=remaining.id, person_id=both.id, role="viewer", created_at=now()))
    need = make_need(duplicate, title="Sort the winter coats")
    shift = make_shift(need)
    page = make_fundraiser(duplicate, need_id=need.id)
    with transaction():
        signup = sign_up(shift.id, by=supporter)
        invitations.invite(duplicate.id, by=theirs, email="new@example.org", role="viewer")
    sign_in(moderator)
    path = f"/moderation/duplicates/{encode_id(duplicate.id)}/{encode_id(remaining.id)}"
    text = client.get(path).text
    assert "One name within" not in text
    assert "The same name" in text
    assert theirs.email in text
    chosen = {"remaining": encode_id(remaining.id), "with_members": "y"}
    wrong = client.post(path, data={**chosen, "typed_name": "Ironbound"})
    assert wrong.status_code == 422
    assert "Type the name of the one that goes: Ironbound Pantry Inc" in wrong.text
    assert client.post(path, data={**chosen, "typed_name": "ironbound PANTRY inc"}).status_code == 303
    db.session.expire_all()
    assert {db.session.get_one(type(row), row.id).organization_id for row in (need, page)} == {remaining.id}
    assert signup.status == "confirmed"
    # An owner becomes a manager where there is an owner; whoever was in both keeps the role there.
    assert [find_role(person, remaining.id) for person in (owner, theirs, both)] == ["owner", "manager", "viewer"]
    assert find_role(theirs, duplicate.id) is None
    assert db.session.scalars(sa.select(Invitation.status)).all() == ["withdrawn"]
    gone = client.get(f"/organizations/{duplicate.slug}")
    assert (gone.status_code, gone.headers["Location"]) == (301, f"/organizations/{remaining.slug}")
    # Whatever else was printed or bookmarked leads on too; what neither of them has is not found.
    for page_of in ("/follow/organizations/{}", "/share/organization/{}", "/organizations/{}/poster"):
        gone = client.get(page_of.format(duplicate.slug) + "?a=b%20c")
        assert (gone.status_code, gone.headers["Location"]) == (301, page_of.format(remaining.slug) + "?a=b%20c")
    sign_in(theirs)
    assert f"{remaining.name} asks for something." in client.get(f"/my-clearances?for={duplicate.slug}").text
    gone = client.get(f"/manage/{duplicate.slug}/needs")
    assert (gone.status_code, gone.headers["Location"]) == (301, f"/manage/{remaining.slug}/needs")
    assert client.get(f"/manage/{remaining.slug}/needs/{encode_id(1)}").status_code == 404
    assert client.post(f"/manage/{duplicate.slug}/leave").status_code == 404
    told = client.get(f"/manage/{remaining.slug}/activity").text
    assert f"{duplicate.name} was the same organization" in told
    assert f"{theirs.name} belongs to the staff now" in told
    assert "something that is gone" not in told
    sign_in(moderator)
    assert "Sort the winter coats" in client.get(f"/organizations/{remaining.slug}").text
    listed = client.get("/needs?q=winter+coats").text
    assert remaining.name in listed
    assert duplicate.name not in client.get("/organizations").text
    assert "was a duplicate" in client.get(f"/moderation/organizations/{duplicate.slug}").text
    assert "Decided already" in client.get(path).text
    assert index.compare() == (1, [])
    work_off()
    assert "Manager: listings" in text_of(mailbox.to(theirs.email)[-1])
    assert "Owner: everything" in text_of(mailbox.to(owner.email)[-1])
    event = db.session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "organization.merged")).one()
    assert (event.subject_id, event.organization_id, event.data["needs"]) == (duplicate.id, remaining.id, 1)


@pytest.mark.rule("F2")
def test_money_stays_in_the_books_it_was_given_to(app: Flask, moderator: Person) -> None:
    remaining, duplicate = named("Pantry"), named("Pantry Inc")
    page = make_fundraiser(duplicate)
    with transaction():
        start_donation(page.id, amount=Money(2500, "USD"), name="Dee", email="d@example.org", mode="demo", by=None)
    assert codes(duplicate, remaining, moderator) == ["money"]
    # The other way round it is done.
    merge(remaining, duplicate, moderator)


def test_what_was_out_of_sight_stays_out_of_sight(app: Flask, moderator: Person) -> None:
    hidden, remaining = named("Pantry", verified_at=None), named("Pantry Inc")
    need, draft = make_need(hidden), make_need(hidden, status="draft")
    merge(hidden, remaining, moderator)
    db.session.expire_all()
    states = [db.session.get_one(Need, one.id).status for one in (need, draft)]
    assert states == ["paused", "draft"]
    assert index.compare()[1] == []


@pytest.mark.rule("N1")
def test_what_stands_in_the_way_is_said_with_a_remedy(app: Flask, moderator: Person) -> None:
    public, hidden = named("Pantry"), named("Pantry Inc", verified_at=None)
    assert codes(public, hidden, moderator) == ["not_public"]
    suspended = named("Pantry e.V.", status="suspended")
    assert codes(suspended, public, moderator) == ["suspended"]
    foreign = named("Pantry Ltd", currency="GBP")
    make_fundraiser(foreign)
    assert codes(foreign, public, moderator) == ["currency"]
    own = named("Pantry ngo", moderator)
    assert codes(own, public, moderator) == ["own_organization"]
    assert codes(public, public, moderator) == ["same"]
    with pytest.raises(InvalidInput):
        merge(hidden, public, moderator, typed="")
    merge(hidden, public, moderator)
    assert codes(hidden, public, moderator) == ["suspended"]


def test_without_members_nobody_comes_to_rights_and_an_unclaimed_page_stays_unclaimed(
    app: Flask, moderator: Person
) -> None:
    owner = make_person()
    duplicate, remaining = named("Pantry", owner), named("Pantry Inc", claimed_at=None)
    merge(duplicate, remaining, moderator, with_members=False)
    assert find_role(owner, remaining.id) is None
    assert db.session.get_one(Organization, remaining.id, populate_existing=True).claimed_at is None
    third = named("Pantry ngo", owner)
    merge(third, remaining, moderator)
    assert find_role(owner, remaining.id) == "owner"
    assert db.session.get_one(Organization, remaining.id, populate_existing=True).is_claimed


@pytest.mark.rule("A1")
@pytest.mark.parametrize("with_members", [True, False])
def test_coordinators_of_assigned_needs_keep_these_and_get_no_others(
    app: Flask, moderator: Person, *, with_members: bool
) -> None:
    owner = make_person()
    duplicate, remaining = named("Pantry", owner), named("Pantry Inc", make_person())
    theirs, others, ours = make_need(duplicate), make_need(duplicate), make_need(remaining)
    comes = make_member(duplicate, "coordinator", all_needs=False)
    both = make_member(duplicate, "coordinator", all_needs=False)
    manages = make_member(duplicate, "coordinator", all_needs=False)
    with transaction():
        for person, role, all_needs in ((both, "coordinator", False), (manages, "manager", True)):
            add_membership(remaining, person, role, all_needs=all_needs)
        for person in (comes, both, manages):
            assign_need(theirs.id, person.id, by=owner)
    merge(duplicate, remaining, moderator, with_members=with_members)
    db.session.expire_all()
    rows = set(db.session.scalars(sa.select(NeedAssignment.person_id).where(NeedAssignment.need_id == theirs.id)))
    # Whoever is in both keeps the role there, and what was assigned to them came along; nothing idle is left.
    assert rows == ({comes.id, both.id} if with_members else {both.id})
    everything = {theirs.id, others.id, ours.id}
    seen = {comes: {theirs.id} if with_members else set(), both: {theirs.id}, manages: everything}
    for person, ids in seen.items():
        assert list_worked_on([theirs, others, ours], person) == ids
        assert {need.id for need in (theirs, others, ours) if can_receive(person, need)} == ids


def test_claims_end_with_a_reason_and_rows_of_one_file_do_not_collide(app: Flask, moderator: Person) -> None:
    duplicate, remaining = named("Pantry", claimed_at=None), named("Pantry Inc", claimed_at=None)
    claimant = make_person()
    with transaction():
        claims.claim_organization(duplicate.id, by=claimant, evidence="I run it")
    first, second = make_need(remaining, external_id="7"), make_need(duplicate, external_id="7")
    third = make_need(duplicate, external_id="8")
    merge(duplicate, remaining, moderator)
    claim = db.session.scalars(sa.select(Claim)).one()
    assert (claim.status, "part of Pantry Inc now" in claim.reason) == ("declined", True)
    db.session.expire_all()
    assert [db.session.get_one(Need, one.id).external_id for one in (first, second, third)] == ["7", None, "8"]


def test_nothing_is_added_to_a_duplicate_and_a_file_that_names_it_finds_the_other(
    app: Flask, moderator: Person
) -> None:
    first, second, third = named("Pantry"), named("Pantry Inc"), named("Pantry Ltd")
    merge(first, second, moderator)
    merge(second, third, moderator)
    with pytest.raises(Refused) as refused, transaction():
        create_need(first.id, by=moderator, title="Late", remote=True)
    assert refused.value.reasons[0].code == "merged"
    found = find_organizations_by_key(["pantry", "pantry inc", "pantry ltd"])
    assert {row.id for row in found.values()} == {third.id}
    assert len(found) == 3


def test_causes_are_kept_and_taken_where_there_are_none(app: Flask, moderator: Person) -> None:
    chosen, without = named("Maple Row", causes=["food"]), named("Maple Row Lunch", causes=[])
    merge(chosen, without, moderator)
    assert db.session.get_one(Organization, without.id).causes == ["food"]
    other = named("Maple Row Club", causes=["health"])
    merge(other, without, moderator)
    assert db.session.get_one(Organization, without.id).causes == ["food"]
