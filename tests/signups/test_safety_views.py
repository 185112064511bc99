"""What people read about who may take which place: on the way to one, about their own, and on the staff's roster."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from app.accounts.models import Person
from app.core.clock import now, today
from app.core.db import db, transaction
from app.core.ids import encode_id
from app.needs.models import Shift
from app.organizations.models import Organization
from app.safeguarding.models import Clearance
from app.safeguarding.operations import publish_conduct, set_profile
from app.safeguarding.requirements import Requirement
from app.signups import operations, two_adults
from app.signups.models import ShiftStaff, Signup
from app.signups.policy import place_token
from tests.conftest import CheckingClient
from tests.factories import (
    allow_contact,
    make_clearance,
    make_member,
    make_need,
    make_organization,
    make_person,
    make_shift,
)

SignIn = Callable[..., CheckingClient]


@pytest.fixture
def organization(app: Flask) -> Organization:
    organization = make_organization(make_person(), name="Lantern House")
    allow_contact(organization)
    return organization


@pytest.fixture
def shift(organization: Organization) -> Shift:
    return make_shift(make_need(organization, title="Dinner with families"), days=10, contact="children")


def cleared(organization: Organization, **changes: object) -> Person:
    person = make_person(**changes)
    make_clearance(person, organization)
    return person


def place(shift: Shift, person: Person) -> Signup:
    with transaction():
        return operations.sign_up(shift.id, by=person)


def lapse(person: Person) -> None:
    """Their check ends today."""
    with transaction():
        db.session.execute(
            sa.update(Clearance).where(Clearance.person_id == person.id).values(expires_on=today("Etc/GMT+12"))
        )


def way(shift: Shift) -> str:
    return f"/shifts/{encode_id(shift.id)}/sign-up"


def roster(organization: Organization, shift: Shift) -> str:
    return f"/manage/{organization.slug}/shifts/{encode_id(shift.id)}/roster"


def text_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


@pytest.mark.rule("S11")
def test_each_rule_is_told_with_its_next_step(
    client: CheckingClient, sign_in: SignIn, organization: Organization, shift: Shift
) -> None:
    owner = make_member(organization, "owner")
    with transaction():
        publish_conduct(organization.id, "Two adults are there.", by=owner)
        set_profile(organization.id, [Requirement("code_of_conduct"), Requirement("identity")], by=owner)
    visitor = client.get(way(shift))
    assert visitor.status_code == 200
    assert "To take this shift you need" in visitor.text
    for words in ("Background check", "Code of conduct", "Identity seen", "Your birth date", "Register"):
        assert words in visitor.text, words
    conduct = f"/organizations/{organization.slug}/conduct?next={way(shift)}"
    assert conduct in visitor.text, "who looks may read it"
    assert 'href="/my-clearances' not in visitor.text
    assert 'name="email"' not in visitor.text, "no form that leads to a no"
    sign_in(cleared(organization))
    page = client.get(way(shift)).text
    assert "You have it, valid until" in page
    assert f'href="/my-clearances?for={organization.slug}"' in page
    assert conduct in page
    assert "Read the code of conduct" in page, "the button is the next step"
    sign_in(make_person(birth_date=None))
    assert "Add your birth date" in client.get(way(shift)).text
    assert "This place is for you alone" not in client.get(way(shift)).text


@pytest.mark.rule("G2")
def test_a_shift_that_lacks_adults_says_so(
    client: CheckingClient, sign_in: SignIn, organization: Organization, shift: Shift
) -> None:
    sign_in(cleared(organization))
    assert "needs two cleared adults and has 0 so far" in client.get(way(shift)).text
    place(shift, cleared(organization))
    place(shift, cleared(organization))
    assert "needs two cleared adults" not in client.get(way(shift)).text
    role = make_shift(
        shift.need, flexible=True, due_on=today("America/New_York") + dt.timedelta(days=9), contact="children"
    )
    page = client.get(way(role)).text
    assert "needs two cleared adults" not in page
    assert "nobody sees to it that two cleared adults are there" in page
    plain = make_shift(shift.need, flexible=True)
    assert "nobody sees to it" not in client.get(way(plain)).text


@pytest.mark.rule("G1")
def test_a_place_that_does_not_stand_is_shown_confirmed_nowhere(
    client: CheckingClient, sign_in: SignIn, organization: Organization, shift: Shift
) -> None:
    helper = cleared(organization, name="Hana Helper")
    signup = place(shift, helper)
    by_link = f"/places/{place_token(signup)}"
    assert "Your place is confirmed" in client.get(by_link).text
    sign_in(helper)
    assert "Not confirmed at the moment" not in client.get("/my-help").text
    lapse(helper)
    for address, words in (
        (by_link, "Please do not go there before it is"),
        (way(shift), "Please do not go there before it is"),
        ("/my-help", "Please do not come"),
    ):
        page = client.get(address).text
        assert words in page, address
        assert "before the shift does" in page, address
        assert "Your place is confirmed" not in page
    assert "Confirmed" not in client.get("/my-help").text
    assert "Cancel my place" in client.get(by_link).text, "it can still be given back"
    sign_in(make_member(organization, "owner"))
    listed = client.get(f"/manage/{organization.slug}/needs/{encode_id(shift.need_id)}").text
    assert "Hana Helper" not in listed


@pytest.mark.rule("G1")
def test_the_roster_expects_only_those_whose_place_stands(
    client: CheckingClient, sign_in: SignIn, organization: Organization, shift: Shift
) -> None:
    lapsed, stays = cleared(organization, name="Lapsed Person"), cleared(organization, name="Standing Person")
    signups = [place(shift, person) for person in (lapsed, stays)]
    lapse(lapsed)
    for role, words in (("manager", "Not recorded, or not valid until the end"), ("coordinator", "do not meet what")):
        sign_in(make_member(organization, role))
        assert "1 expected" in text_of(client.get(roster(organization, shift)).text)
        assert shift.starts_at is not None
        with time_machine.travel(shift.starts_at - dt.timedelta(hours=1), tick=False):
            page = client.get(roster(organization, shift)).text
        apart = page[page.index("Not confirmed at the moment") :]
        assert "Lapsed Person" in apart
        assert words in text_of(apart), role
        assert "Yours ends" not in page, "what the person reads is theirs"
        assert page.count("Lapsed Person") == 1
        assert f"signups/{encode_id(signups[0].id)}/check-in" not in page


@pytest.mark.rule("G2")
def test_two_adults_on_the_roster(
    client: CheckingClient, sign_in: SignIn, organization: Organization, shift: Shift
) -> None:
    manager, coordinator = make_member(organization, "manager"), make_member(organization, "coordinator", name="Kofi")
    place(shift, cleared(organization))
    sign_in(coordinator)
    address = roster(organization, shift)
    assert "1 of 2 cleared adults" in client.get(address).text
    staff = f"/manage/{organization.slug}/shifts/{encode_id(shift.id)}/staff"
    outsider = cleared(organization)
    refused = client.post(staff, data={"person": encode_id(outsider.id)})
    assert refused.status_code == 409
    assert "Only members of the organization can be named" in refused.text
    uncleared = client.post(staff, data={"person": encode_id(manager.id)})
    assert uncleared.status_code == 409
    assert "They do not meet what this shift asks" in uncleared.text, "a coordinator hears no more"
    sign_in(manager)
    own = client.post(staff, data={"person": encode_id(manager.id)})
    assert "The organization has not recorded it for you" in own.text
    told = client.post(staff, data={"person": encode_id(coordinator.id)})
    assert "Background check" in told.text
    assert client.post(staff, data={"person": "nonsense"}).status_code == 409
    make_clearance(coordinator, organization)
    assert client.post(staff, data={"person": encode_id(coordinator.id)}).status_code == 303
    page = client.get(address).text
    assert "2 cleared adults are on this shift" in page
    assert "of the staff" in page
    lapse(coordinator)
    page = client.get(address).text
    assert "not cleared for it at the moment" in page
    assert "1 of 2 cleared adults" in page
    assert client.post(f"{staff}/{encode_id(coordinator.id)}/remove").status_code == 303
    assert db.session.scalars(sa.select(ShiftStaff)).all() == []
    sign_in(make_member(organization, "viewer"))
    assert client.post(staff, data={"person": encode_id(coordinator.id)}).status_code == 404
    assert "Name one of the staff" not in client.get(address).text


@pytest.mark.rule("G2")
def test_a_shift_that_cannot_run_says_so_to_both_sides(
    client: CheckingClient, sign_in: SignIn, organization: Organization, shift: Shift
) -> None:
    helper = cleared(organization)
    signup = place(shift, helper)
    with transaction():
        found = db.session.get_one(Shift, shift.id)
        found.starts_at, found.ends_at = now() + dt.timedelta(hours=1), now() + dt.timedelta(hours=4)
    with transaction():
        operations.review_shift(shift.id)
    sign_in(helper)
    for address, words in (
        ("/my-help", "Two cleared adults are needed"),
        (f"/places/{place_token(signup)}", "cannot take place as it stands"),
        (f"/shifts/{encode_id(shift.id)}/sign-up", "cannot take place as it stands"),
    ):
        page = client.get(address).text
        assert words in page, address
        assert "The staff expect you" not in page
        assert "Come at" not in page
    sign_in(make_member(organization, "coordinator"))
    page = client.get(roster(organization, shift)).text
    assert "This shift cannot take place as it stands" in page
    assert "/check-in" not in page
    answer = client.post(f"/manage/{organization.slug}/signups/{encode_id(signup.id)}/check-in")
    assert answer.status_code == 409
    second = cleared(organization)
    sign_in(second)
    assert "It runs again when another one signs up" in client.get(way(shift)).text
    assert client.post(way(shift), data={}).status_code == 303
    assert db.session.get_one(Shift, shift.id).status == "scheduled"
    db.session.rollback()
    own = db.session.scalars(sa.select(Signup).where(Signup.person_id == second.id)).one()
    # One of two reads before they cancel what it means; one of three need not.
    for is_one_of_two in (True, False):
        if not is_one_of_two:
            place(shift, cleared(organization))
        sign_in(second)
        for address in (f"/signups/{encode_id(own.id)}/cancel", f"/places/{place_token(own)}"):
            assert ("Without you this shift cannot take place" in client.get(address).text) is is_one_of_two, address
        sign_in(make_member(organization, "coordinator"))
        page = client.get(f"/manage/{organization.slug}/signups/{encode_id(own.id)}/cancel").text
        assert ("Without them this shift cannot take place" in page) is is_one_of_two


def test_a_roster_asks_the_database_as_often_for_many(
    client: CheckingClient, sign_in: SignIn, organization: Organization, shift: Shift, count_queries: list[str]
) -> None:
    sign_in(make_member(organization, "owner"))
    counted = []
    for more in (2, 6):
        for number in range(more):
            person, member = cleared(organization), make_member(organization, "viewer")
            place(shift, person)
            make_clearance(member, organization)
            with transaction():
                two_adults.name_staff(shift.id, member.id, by=person)
            if number % 2:
                lapse(person)
        client.get(roster(organization, shift))
        count_queries.clear()
        assert client.get(roster(organization, shift)).status_code == 200
        counted.append(len(count_queries))
    assert counted[0] == counted[1]
