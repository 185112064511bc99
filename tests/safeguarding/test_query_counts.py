"""The gate is in every read of places and costs no more for fifty people than for five."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask

from app.accounts.feeds import renew_feed
from app.accounts.models import Person
from app.core.clock import now
from app.core.db import db, transaction
from app.core.ids import encode_id
from app.needs.models import DayFacts, PrivateAddress, Shift
from app.safeguarding.models import ClearanceShare
from app.signups import safety_jobs, two_adults
from app.signups.operations import sign_up
from app.signups.two_adults import name_staff
from tests.api.test_main_job import Caller
from tests.conftest import CheckingClient
from tests.factories import make_clearance, make_member, make_need, make_person, make_shift
from tests.safeguarding.common import approved_organization, contact_shift

SignIn = Callable[..., CheckingClient]


def crowded(owner: Person, count: int) -> tuple[str, str, str]:
    """A shift with children that begins tomorrow, so many cleared people on it and the staff: its organization's slug, its
    need and itself, as addresses name them."""
    organization = approved_organization(owner)
    shift = contact_shift(organization, private=True, days=0.9, capacity=count + 5)
    elsewhere = approved_organization()
    people = [make_person() for _one in range(count)]
    for number, person in enumerate(people):
        recorded = make_clearance(person, elsewhere if number % 2 else organization)
        if number % 2:
            with transaction():
                db.session.add(
                    ClearanceShare(clearance_id=recorded.id, organization_id=organization.id, consented_at=now())
                )
    staff = [make_member(organization, "coordinator") for _one in range(count // 5)]
    for person in staff:
        make_clearance(person, organization)
    with transaction():
        for person in people:
            sign_up(shift.id, by=person)
        for person in staff:
            name_staff(shift.id, person.id, by=owner)
    return organization.slug, encode_id(shift.need_id), encode_id(shift.id)


@pytest.mark.rule("G1")
@pytest.mark.parametrize("what", ["roster", "need", "api"])
def test_who_comes(app: Flask, client: CheckingClient, sign_in: SignIn, count_queries: list[str], what: str) -> None:
    counted = []
    for count in (5, 25):
        owner = make_person()
        slug, need, shift = crowded(owner, count)
        sign_in(owner)
        ask = Caller(app, owner)
        db.session.remove()
        count_queries.clear()
        if what == "api":
            answer = ask("GET", f"/shifts/{shift}/signups?limit=100")
            assert [row["status"] for row in answer.json["data"]] == ["confirmed"] * count
        else:
            page = f"/manage/{slug}/shifts/{shift}/roster" if what == "roster" else f"/manage/{slug}/needs/{need}"
            answer = client.get(page)
            assert answer.text.count("Person ") >= count
        assert answer.status_code == 200
        counted.append(len(count_queries))
    assert counted[0] == counted[1] <= 35


def scattered(person: Person, count: int) -> None:
    """The person has so many places on shifts with children, each of a need of its own with a private address."""
    organization = approved_organization()
    make_clearance(person, organization, expires_on=None)
    for number in range(count):
        need = make_need(organization, private_address=True)
        # Two of them in the window of their addresses, one of those within a day.
        shift = make_shift(need, contact="children", days=0.7 + number, hours=2)
        with transaction():
            db.session.add(PrivateAddress(need_id=need.id, address="7 Canary Row"))
            db.session.add(DayFacts(need_id=need.id, meeting_point="Blue door", contact="Kim"))
            sign_up(shift.id, by=person)


@pytest.mark.rule("G1")
@pytest.mark.rule("G7")
@pytest.mark.parametrize("what", ["my help", "feed", "api"])
def test_what_one_promised(
    app: Flask, client: CheckingClient, sign_in: SignIn, count_queries: list[str], what: str
) -> None:
    counted = []
    for count in (5, 25):
        person = make_person()
        scattered(person, count)
        with transaction():
            feed = renew_feed(person.id, by=person)
        ask = Caller(app, person)
        sign_in(person)
        db.session.remove()
        count_queries.clear()
        if what == "api":
            answer = ask("GET", "/me/signups?limit=100")
        else:
            answer = client.get("/my-help" if what == "my help" else f"/my-help/calendar/{feed}.ics")
            assert answer.text.replace("\r\n ", "").count("7 Canary Row") == 1, "the one tomorrow lacks a second adult"
        assert answer.status_code == 200
        counted.append(len(count_queries))
    assert counted[0] == counted[1] <= 37


@pytest.mark.rule("G2")
def test_the_sweep_of_every_minute(app: Flask, count_queries: list[str]) -> None:
    """Where every shift stays as it is, looking at all of them costs as much as looking at a few; one that turns is found."""
    organization = approved_organization()
    two = [make_person() for _one in range(2)]
    for person in two:
        make_clearance(person, organization)
    counted = []
    for hours in (range(2, 4), range(4, 12)):
        for hour in hours:
            shift = contact_shift(organization, days=hour / 24, hours=0.5)
            with transaction():
                for person in two:
                    sign_up(shift.id, by=person)
        db.session.expire_all()
        count_queries.clear()
        safety_jobs.review_near_shifts()
        counted.append(len(count_queries))
    assert counted[0] == counted[1] <= 12
    with transaction():
        db.session.get_one(Person, two[1].id).status = "held"
    assert len(two_adults.list_turning()) == 10
    safety_jobs.review_near_shifts()
    assert two_adults.list_turning() == []
    assert {shift.status for shift in db.session.scalars(sa.select(Shift))} == {"cannot_run"}
