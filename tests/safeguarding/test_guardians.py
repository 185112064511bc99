"""Guardians, and the word of two moderators: by whom, and what each of it ends."""

from __future__ import annotations

import datetime as dt
import decimal
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.accounts.facts import tell_facts_changed
from app.accounts.models import Person
from app.core.clock import now, today
from app.core.db import db, transaction
from app.core.ids import encode_id
from app.moderation.operations import (
    decide_claim,
    grant_contact,
    suspend_organization,
    withdraw_contact,
    withdraw_verification,
)
from app.needs import asking, promises
from app.needs.models import Need, NeedAssignment, PrivateAddress
from app.needs.operations import assign_need
from app.organizations import claims, invitations
from app.organizations.acting import acts as may_act
from app.organizations.members import add_membership, find_membership
from app.organizations.models import Membership, Organization
from app.organizations.notices import list_told
from app.organizations.queries import list_deciders
from app.pledges.models import Pledge
from app.pledges.operations import pledge
from app.safeguarding import operations as acts
from app.safeguarding import standing
from app.safeguarding.models import GuardianConfirmation
from app.safeguarding.models import Guardianship as Guardian
from app.safeguarding.queries import find_contact_permission
from app.signups import gate
from app.signups.queries import find_exact_address
from tests.api.test_main_job import Caller
from tests.conftest import CheckingClient
from tests.factories import (
    allow_contact,
    make_clearance,
    make_guardian,
    make_item,
    make_member,
    make_need,
    make_organization,
    make_person,
    make_shift,
)
from tests.safeguarding.common import (
    DAY,
    approved_organization,
    cleared_person,
    codes,
    contact_shift,
    do,
    invalid,
    place,
    promised,
    refused,
    stands,
    status,
)
from tests.smtp import Mailbox, text_of

WorkOff = Callable[[], dict[str, int]]


@pytest.fixture
def owner(app: Flask) -> Person:
    return make_person()


@pytest.fixture
def organization(owner: Person) -> Organization:
    return approved_organization(owner)


# --- guardians


def minor(**changes: Any) -> Person:
    return make_person(**{"birth_date": today("UTC") - 16 * 366 * DAY, **changes})


@pytest.mark.rule("G4")
def test_a_minor_names_an_adult_at_another_address(app: Flask) -> None:
    young = minor(email="sam.lee@example.org")
    ask = {"by": young, "name": "Robin Lee"}
    assert refused(acts.ask_guardian, make_person().id, **ask, email="x@example.org") == ["not_a_minor"]
    for email in ("sam.lee@example.org", "SAM.LEE@example.org", "samlee+mum@example.org"):
        assert invalid(acts.ask_guardian, young.id, **ask, email=email) == ["email"]
    assert invalid(acts.ask_guardian, young.id, **ask, email=minor().email) == ["email"]
    assert invalid(acts.ask_guardian, young.id, by=young, name=" ", email="robin@example.org") == ["name"]
    first = do(acts.ask_guardian, young.id, **ask, email="robin@example.org")
    assert len(promised("guardian_asked", guardianship_id=first.id)) == 1
    second = do(acts.ask_guardian, young.id, **ask, email="kim@example.org")
    assert db.session.get_one(Guardian, first.id).status == "replaced"
    assert refused(acts.answer_guardianship, first.id, consents=True) == ["answered"], "the first link is dead"
    do(acts.answer_guardianship, second.id, consents=True)
    assert refused(acts.send_guardian_link_again, second.id, by=young) == ["answered"]
    for number in range(3):
        do(acts.ask_guardian, young.id, **ask, email=f"other{number}@example.org")
    assert refused(acts.ask_guardian, young.id, **ask, email="sixth@example.org") == ["too_many"]


@pytest.mark.rule("G4")
def test_nothing_before_the_guardian_agrees_and_withdrawing_ends_what_is_ahead(app: Flask, work_off: WorkOff) -> None:
    young = minor()
    noon = dt.datetime.combine(today("UTC") + 7 * DAY, dt.time(17), dt.UTC)
    need = make_need()
    shift, item = make_shift(need, starts_at=noon, ends_at=noon + dt.timedelta(hours=3)), make_item(need)
    asked = do(acts.ask_guardian, young.id, by=young, name="Robin", email="robin@example.org")
    assert codes(shift, young) == ["guardian_consent"]
    assert refused(pledge, item.id, by=young, quantity=decimal.Decimal(2)) == ["guardian_consent"]
    do(acts.answer_guardianship, asked.id, consents=True)
    held = place(shift, young)
    promise = do(pledge, item.id, by=young, quantity=decimal.Decimal(2))
    work_off()
    assert (status(held), status(promise)) == ("confirmed", "reserved")
    do(acts.withdraw_guardianship, asked.id)
    assert not stands(held)
    work_off()
    assert (status(held), status(promise)) == ("cancelled", "cancelled")
    assert db.session.get_one(Pledge, promise.id).item.reserved == 0
    assert codes(shift, young) == ["guardian_consent"]
    assert refused(acts.answer_guardianship, asked.id, consents=True) == ["answered"]


@pytest.mark.rule("G4")
def test_before_contact_staff_confirm_the_guardian_by_a_second_means(organization: Organization, owner: Person) -> None:
    young = minor()
    make_clearance(young, organization)
    noon = dt.datetime.combine(today("UTC") + 7 * DAY, dt.time(17), dt.UTC)
    shift = contact_shift(organization, starts_at=noon, ends_at=noon + dt.timedelta(hours=2))
    guardian = make_guardian(young, status="asked", email=owner.email)
    confirm = {"means": "telephone"}
    manager = make_member(organization, "manager")
    assert refused(acts.confirm_guardian, guardian.id, organization.id, by=manager, **confirm) == ["not_consented"]
    do(acts.answer_guardianship, guardian.id, consents=True)
    assert codes(shift, young) == ["guardian_confirmation"]
    assert refused(acts.confirm_guardian, guardian.id, organization.id, by=owner, **confirm) == ["own_clearance"]
    coordinator = make_member(organization, "coordinator")
    assert refused(acts.confirm_guardian, guardian.id, organization.id, by=coordinator, **confirm) == ["not_yours"]
    assert invalid(acts.confirm_guardian, guardian.id, organization.id, by=manager, means="email") == ["means"]
    other = approved_organization(someone := make_person())
    do(acts.confirm_guardian, guardian.id, other.id, by=someone, **confirm)
    assert codes(shift, young) == ["guardian_confirmation"], "each organization speaks to them itself"
    do(acts.confirm_guardian, guardian.id, organization.id, by=manager, **confirm)
    held = place(shift, young)
    do(acts.answer_guardianship, guardian.id, consents=False)
    assert not stands(held)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(GuardianConfirmation)) == 0


@pytest.mark.rule("G4")
@pytest.mark.parametrize(
    ("age", "hours", "at", "said"),
    [
        (16, 8, 6, []), (16, 9, 6, ["minor_hours"]), (16, 2, 5, ["minor_hours"]), (16, 3, 20, ["minor_hours"]),
        (14, 3, 16, []), (14, 4, 12, ["minor_hours"]), (14, 2, 6, ["minor_hours"]), (14, 2, 18, ["minor_hours"]),
        (18, 12, 3, []),
    ],
)  # fmt: skip
def test_hours_and_times_by_age(app: Flask, age: int, hours: int, at: int, said: list[str]) -> None:
    day = today("UTC") + 7 * DAY
    young = make_person(birth_date=day.replace(day=1, month=1, year=day.year - age))
    make_guardian(young)
    need = make_need(time_zone="Etc/UTC")
    starts = dt.datetime.combine(day, dt.time(at), dt.UTC)
    shift = make_shift(need, starts_at=starts, ends_at=starts + dt.timedelta(hours=hours))
    assert codes(shift, young) == said


@pytest.mark.rule("G4")
def test_where_people_come_of_age_later_a_guardian_can_be_named_at_nineteen(app: Flask) -> None:
    young = make_person(birth_date=today("UTC") - 19 * 366 * DAY, country="US")
    need = make_need(country="NZ", time_zone="Pacific/Auckland")
    noon = dt.datetime.combine(today("UTC") + 7 * DAY, dt.time(0), dt.UTC)
    shift = make_shift(need, starts_at=noon, ends_at=noon + dt.timedelta(hours=2))
    assert codes(shift, young) == ["guardian_consent"]
    # Eighteen: by the law of the state or province of the place: as it is said, else where its point is, else where its
    # organization is; by the highest of the country where nothing says it.
    eighteen = make_person(birth_date=today("UTC") - 18 * 366 * DAY, country="US")
    newark, mobile, nowhere = (40.73, -74.17), (30.69, -88.04), (None, None)
    for country, region, point, home, is_asked in (
        ("US", "NJ", newark, "NJ", False), ("US", "AL", mobile, "NJ", True), ("CA", "ON", nowhere, None, False),
        ("CA", "NS", nowhere, "NJ", True), (None, "AL", nowhere, "NJ", False), (None, None, nowhere, None, True),
        ("US", None, newark, "AL", False), ("US", "New Jersey State", newark, "AL", False),
        ("US", None, mobile, "NJ", True), ("US", None, nowhere, "NJ", False), ("US", None, nowhere, "AL", True),
        ("US", None, nowhere, None, True), ("US", "The North", nowhere, "NJ", True), ("CA", None, nowhere, "NJ", True),
    ):  # fmt: skip
        point_of = dict(zip(("latitude", "longitude"), point, strict=True))
        its = make_organization(country="US", region=home)
        need = make_need(its, country=country, region=region, time_zone="Pacific/Auckland", remote=True, **point_of)
        # Longer than is right for a minor.
        there = make_shift(need, starts_at=noon, ends_at=noon + dt.timedelta(hours=9))
        expected = ["guardian_consent", "minor_hours"] if is_asked else []
        assert codes(there, eighteen) == expected, (country, region, point, home)
        found = gate.check(there, eighteen) + gate.check_guest(there, eighteen.birth_date)
        unknown = asking.lacks_province(there.need)
        assert [("state or province" in reason.remedy) for reason in found] == [unknown] * len(found), "what to add"
    asked = do(acts.ask_guardian, young.id, by=young, name="Robin", email="robin@example.org")
    do(acts.answer_guardianship, asked.id, consents=True)
    assert codes(shift, young) == []


@pytest.mark.rule("G4")
def test_a_minor_runs_no_organization_before_a_guardian_agrees_and_vouches_for_nobody(
    client: CheckingClient, sign_in: Callable[..., CheckingClient]
) -> None:
    young = make_person(birth_date=today("UTC") - 16 * 366 * DAY)
    owner = make_person()
    organization = approved_organization(owner)
    waits = do(invitations.invite, organization.id, by=owner, email=young.email, role="manager")
    make_organization(slug="unclaimed", claimed_at=None)
    with transaction():
        version = acts.publish_conduct(organization.id, "Be kind.", by=owner).version
    invited = f"/invitations/{invitations.token_of(waits)}"
    sign_in(young)
    for address, data in (
        ("/organizations/new", {"name": "Mine", "country": "US", "place": "Newark, NJ"}),
        ("/organizations/unclaimed/claim", {"evidence": "I run it."}),
        (invited, {"act": "accept"}),
    ):
        for answer in (client.get(address), client.post(address, data=data)):
            assert "/my-guardian" in answer.text, address
        assert answer.status_code == 409, address
    claim = {"evidence": "I run it."}
    by_token = Caller(client.application, young)("POST", "/organizations/unclaimed/claims", claim)
    assert [reason["code"] for reason in by_token.json["reasons"]] == ["guardian_consent"]
    assert refused(acts.accept_conduct, organization.id, version, by=young) == ["guardian_consent"]
    make_guardian(young)
    assert (
        client.post("/organizations/new", data={"name": "Mine", "country": "US", "place": "Newark, NJ"}).status_code
        == 303
    )
    assert client.post("/organizations/unclaimed/claim", data=claim).status_code == 303
    assert client.post(invited, data={"act": "accept"}).status_code == 303
    do(acts.accept_conduct, organization.id, version, by=young)
    other = make_person()
    values = {"by": young, "email": other.email, "kind": "identity", "issued_on": today("UTC") - DAY}
    assert refused(acts.record_clearance, organization.id, **values) == ["not_an_adult"]
    guardian = make_guardian(make_person(birth_date=today("UTC") - 15 * 366 * DAY))
    assert refused(acts.confirm_guardian, guardian.id, organization.id, by=young, means="telephone") == ["not_an_adult"]


@pytest.mark.rule("G3")
@pytest.mark.rule("G4")
def test_a_minor_runs_no_organization_once_the_guardian_takes_their_word_back(
    client: CheckingClient,
    sign_in: Callable[..., CheckingClient],
    work_off: WorkOff,
    mailbox: Mailbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    young, owner = minor(), make_person()
    guardian = make_guardian(young)
    theirs, other = approved_organization(young, website="https://theirs.example.org"), approved_organization(owner)
    with transaction():
        for organization, person in ((other, young), (theirs, owner)):
            here = db.session.get_one(Organization, organization.id)
            add_membership(here, person, "coordinator", all_needs=False)
    viewer = make_member(theirs, "viewer")
    need, shift = make_need(theirs), contact_shift(theirs, private=True, days=1.5)
    sheltered = db.session.get_one(Need, shift.need_id)
    with transaction():
        db.session.add(PrivateAddress(need_id=sheltered.id, address="7 Canary Row"))
    do(assign_need, make_need(other).id, young.id, by=owner)
    make_clearance(adult := make_person(), theirs)
    make_clearance(late := make_person(), theirs)
    held = place(shift, adult)
    eve = make_person(name="Eve")
    place(make_shift(need), eve)
    do(pledge, make_item(need, name="Soap").id, by=eve, quantity=decimal.Decimal(2))
    assert stands(held)
    assert find_exact_address(sheltered, adult) is not None
    page, notice = f"/manage/{theirs.slug}/", "Nobody owns this organization any more."
    sign_in(viewer)
    assert notice not in client.get(page).text
    do(acts.withdraw_guardianship, guardian.id)
    # No worker has run yet: nothing is granted or taken by an organization that nobody owns any more.
    plain, item = make_shift(need), make_item(need)
    assert "organization_unclaimed" in codes(shift, late)
    assert (codes(plain, late), refused(pledge, item.id, by=late, quantity=decimal.Decimal(1))) == (
        ["organization_unclaimed"],
        ["organization_unclaimed"],
    )
    assert refused(grant_contact, theirs.id, by=make_person(platform_role="moderator"), checked="it") == ["unclaimed"]
    assert (stands(held), find_exact_address(sheltered, adult)) == (False, None)
    with monkeypatch.context() as off:  # control: without the question all of it goes through until the worker comes
        for module in (standing, promises):
            off.setattr(module, "list_unowned", lambda _ids: set())
        assert (codes(shift, late), codes(plain, late), stands(held)) == ([], [], True)
        assert find_exact_address(sheltered, adult) is not None
    work_off()
    assert set(db.session.scalars(sa.select(Membership.person_id))) == {owner.id, viewer.id}
    # Whoever is left learns what happened and what to do, by mail and on their page.
    told = [mail for mail in mailbox.messages if mail["Subject"] == f"Nobody owns {theirs.name} any more"]
    assert {mail["To"].rpartition("<")[2].rstrip(">") for mail in told} == {owner.email, viewer.email}
    assert all(f"/organizations/{theirs.slug}/claim" in text_of(mail) for mail in told)
    for person in (viewer, owner):
        sign_in(person)
        shown = client.get(page).text
        assert notice in shown
        assert f'href="/organizations/{theirs.slug}/claim"' in shown
    assert notice not in client.get(f"/manage/{other.slug}/").text
    assert not db.session.scalars(sa.select(NeedAssignment)).all()
    # Whoever has a place that stays, or a promise, hears that perhaps nobody looks out for them; of the other it has ended.
    about = ["Ask before you bring it: Soap", f"Ask before you set out: {need.title}"]
    assert sorted(mail["Subject"] for mail in mailbox.to(eve.email) if mail["Subject"].startswith("Ask")) == about
    assert not any(mail["Subject"].startswith("Ask") for mail in mailbox.to(adult.email))
    help_page = sign_in(eve).get("/my-help").text
    assert "Ask them before you set out." in help_page
    assert "Ask them before you bring or send it." in help_page
    assert not db.session.get_one(Organization, theirs.id).is_claimed
    assert db.session.get_one(Organization, other.id).is_claimed
    assert len(promised("mail_membership_changed", person_id=young.id, role="")) == 2
    assert codes(make_shift(need), adult) == ["organization_unclaimed"]
    assert not stands(held), "two moderators had looked at people who are gone"
    moderator = make_person(platform_role="moderator")
    assert refused(grant_contact, theirs.id, by=moderator, checked="their policy") == ["unclaimed"]
    assert invalid(claims.claim_organization, theirs.id, by=owner, mailbox="info") == ["mailbox"]
    claim = do(claims.claim_organization, theirs.id, by=owner, evidence="I coordinated some of it.")
    stranger = do(claims.claim_organization, theirs.id, by=make_person(name="Sam Stranger"), evidence="Call me.")
    sign_in(moderator)
    assert "Who asks to run a page that nobody runs" in client.get("/moderation/").text
    # Whoever decides sees who of those who ask belongs to it, and that it lost its owner: its rosters open for that person.
    shown = {one: client.get(f"/moderation/claims/{encode_id(one.id)}").text for one in (claim, stranger)}
    assert "None: does not belong to its staff" in shown[stranger]
    assert "None: does not belong to its staff" not in shown[claim]
    assert all("Nobody: the role of its last owner ended" in page for page in shown.values())
    assert all(
        f"{owner.name} – Coordinator: rosters and receiving; {viewer.name} – Viewer: reads" in page
        for page in shown.values()
    )
    assert f'/moderation/claims/{encode_id(stranger.id)}"' in shown[claim]
    sign_in(owner)
    allow_contact(theirs)  # as an earlier version let moderators agree to it of people whom nobody knew
    do(decide_claim, claim.id, grant=True, by=moderator, checked="known")
    assert find_membership(theirs.id, owner.id).role == "owner"
    assert find_contact_permission(theirs.id) is None
    assert notice not in client.get(page).text
    do(grant_contact, theirs.id, by=moderator, checked="their policy")


@pytest.mark.rule("G4")
def test_a_guardian_who_answers_again_or_an_adult_goes_on_running_it(app: Flask, work_off: WorkOff) -> None:
    young, adult = minor(), make_person()
    organization = make_organization(young)
    guardian = make_guardian(young)
    with transaction():
        add_membership(db.session.get_one(Organization, organization.id), adult, "viewer")
        tell_facts_changed(young.id)
        tell_facts_changed(adult.id)
    do(acts.withdraw_guardianship, guardian.id)
    make_guardian(young)
    work_off()
    assert set(db.session.scalars(sa.select(Membership.person_id))) == {young.id, adult.id}
    asked = do(acts.ask_guardian, young.id, by=young, name="Their other parent", email="other.parent@example.org")
    work_off()
    assert set(db.session.scalars(sa.select(Membership.person_id))) == {young.id, adult.id}, "while somebody is asked"
    assert not may_act(db.session.get_one(Person, young.id))
    with transaction():
        db.session.get_one(Guardian, asked.id).created_at = now() - 91 * DAY
    do(acts.purge_guardianships)
    work_off()
    assert set(db.session.scalars(sa.select(Membership.person_id))) == {adult.id}


@pytest.mark.rule("G4")
@pytest.mark.parametrize("guarded", [True, False], ids=["asked", "control"])
def test_a_guardians_word_taken_back_ends_what_the_minor_does_for_an_organization(
    client: CheckingClient, sign_in: Callable[..., CheckingClient], monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    organization = make_organization()
    young = make_member(organization, "owner", birth_date=today("UTC") - 16 * 366 * DAY)
    consent = make_guardian(young)
    unclaimed = make_organization(slug="unclaimed", claimed_at=None)
    with transaction():
        claim = claims.claim_organization(unclaimed.id, by=young, evidence="I run it.")
    page = f"/manage/{organization.slug}/members"
    sign_in(young)
    assert client.get(page).status_code == 200
    assert young.id in list_told(organization.id)
    do(acts.withdraw_guardianship, consent.id)
    if not guarded:
        monkeypatch.setitem(client.application.extensions, "bars", ())
    assert (client.get(page).status_code, young.id in list_told(organization.id)) == ((404, False), (200, True))[
        not guarded
    ]
    assert (young.id in list_deciders(organization.id)) is not guarded
    moderator = make_person(platform_role="moderator")
    decided = {"by": moderator, "grant": True, "checked": "Called them."}
    if guarded:
        assert "/my-guardian" in client.get(page).text, "what to do is said"
        assert refused(decide_claim, claim.id, **decided) == ["not_active"]
        make_guardian(young)
        assert client.get(page).status_code == 200
    do(decide_claim, claim.id, **decided)


# --- two moderators


@pytest.mark.rule("G3")
def test_two_different_moderators_let_an_organization_place_people_with_contact(app: Flask, work_off: WorkOff) -> None:
    organization = make_organization()
    first, second, third = (make_person(platform_role="moderator") for _one in range(3))
    person, shift = cleared_person(organization), contact_shift(organization)
    assert codes(shift, person) == ["contact_level"]
    assert invalid(grant_contact, organization.id, by=first, checked=" ") == ["checked"]
    do(grant_contact, organization.id, by=first, checked="their policy")
    assert codes(shift, person) == ["contact_level"], "half is nothing"
    assert refused(grant_contact, organization.id, by=first, checked="again") == ["second_moderator"]
    with transaction():
        db.session.add(Membership(organization_id=organization.id, person_id=third.id, role="viewer", created_at=now()))
    assert refused(grant_contact, organization.id, by=third, checked="mine") == ["own_organization"]
    do(grant_contact, organization.id, by=second, checked="called them")
    assert refused(grant_contact, organization.id, by=first, checked="more") == ["granted"]
    held = place(shift, person)
    do(withdraw_contact, organization.id, by=first, checked="a complaint")
    assert not stands(held)
    work_off()
    assert status(held) == "cancelled"
    hidden = make_organization(verified_at=None)
    assert refused(grant_contact, hidden.id, by=first, checked="looked") == ["not_verified"]


@pytest.mark.rule("G3")
@pytest.mark.parametrize("end", [suspend_organization, withdraw_verification])
def test_an_organization_out_of_sight_places_nobody_with_contact(
    organization: Organization, work_off: WorkOff, end: Any
) -> None:
    held = place(contact_shift(organization), cleared_person(organization))
    plain = place(make_shift(make_need(organization)), make_person())
    moderator = make_person(platform_role="moderator")
    words = {"reason": "a complaint"} if end is suspend_organization else {"checked": "a complaint"}
    do(end, organization.id, by=moderator, **words)
    assert not stands(held)
    work_off()
    assert (status(held), status(plain)) == ("cancelled", "confirmed")


# --- merging


def test_two_organizations_with_the_word_of_moderators_are_each_their_own(app: Flask) -> None:
    one, other = make_organization(), make_organization()
    allow_contact(one)
    assert codes(contact_shift(other), cleared_person(other)) == ["contact_level"]
