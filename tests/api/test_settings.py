"""What people and organizations set, by API: mail, quiet hours, the calendar's address, settings, locations, claims."""

from __future__ import annotations

import pytest
from flask import Flask

from app.accounts.feeds import find_feed_token
from app.core.db import db, transaction
from app.core.ids import encode_id
from app.messages.queries import find_choice, find_quiet_hours
from app.organizations.models import Claim, Location
from app.organizations.operations import add_location
from tests.api.test_main_job import Caller
from tests.factories import (
    make_fundraiser,
    make_member,
    make_need,
    make_organization,
    make_person,
    make_shift,
)


@pytest.mark.rule("M2")
def test_mail_and_quiet_hours_are_read_and_chosen(app: Flask) -> None:
    person = make_person()
    mine = Caller(app, person)
    before = mine("GET", "/me/mail").json
    assert (before["choices"]["reminder"], before["quiet_from"], before["quiet_until"]) == ("at_once", "21:00", "08:00")
    changed = mine("PATCH", "/me/mail", {"choices": {"reminder": "never"}, "quiet_from": "22:30"})
    assert changed.status_code == 200
    assert changed.json == {
        "choices": {**before["choices"], "reminder": "never"},
        "quiet_from": "22:30",
        "quiet_until": "08:00",
    }
    assert mine("PATCH", "/me/mail", {"choices": {"thanks": "never"}}).json["quiet_from"] == "22:30"
    assert (find_choice(person.id, "reminder"), find_quiet_hours(person.id)) == ("never", (22 * 60 + 30, 8 * 60))
    none = mine("PATCH", "/me/mail", {"quiet_from": None, "quiet_until": None}).json
    assert (none["quiet_from"], none["quiet_until"]) == (None, None)
    assert mine("GET", "/me/mail").json == none


@pytest.mark.rule("A4")
@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"choices": {"reminder": "daily"}}, "choices.reminder"),
        ({"choices": {"gossip": "never"}}, "choices.gossip"),
        ({"quiet_from": "24:00"}, "quiet_from"),
        ({"quiet_from": "9:00"}, "quiet_from"),
        ({"quiet_until": None}, "quiet_until"),
        ({"quiet": "no"}, "quiet"),
    ],
)
def test_a_choice_that_there_is_not_is_told_at_its_field(app: Flask, body: dict[str, object], field: str) -> None:
    answer = Caller(app, make_person())("PATCH", "/me/mail", body)
    assert (answer.status_code, [entry["field"] for entry in answer.json["errors"]]) == (422, [field])


@pytest.mark.rule("A1")
def test_the_calendar_has_an_address_another_one_and_none(app: Flask) -> None:
    person = make_person()
    make_shift(make_need(title="Sort food"))
    mine = Caller(app, person)
    assert mine("GET", "/me/calendar").json == {"url": None}
    first = mine("POST", "/me/calendar/revoke").json["url"]
    assert first.endswith(f"/my-help/calendar/{find_feed_token(person.id)}.ics")
    assert mine("GET", "/me/calendar").json == {"url": first}
    read = app.test_client()
    assert read.get(first).status_code == 200
    second = mine("POST", "/me/calendar/revoke", {}, Idempotency_Key="new").json["url"]
    assert mine("POST", "/me/calendar/revoke", {}, Idempotency_Key="new").json["url"] == second
    assert (read.get(first).status_code, read.get(second).status_code) == (404, 200)
    gone = mine("DELETE", "/me/calendar")
    assert (gone.status_code, gone.data) == (204, b"")
    assert read.get(second).status_code == 404
    assert mine("DELETE", "/me/calendar").status_code == 204


@pytest.mark.rule("A1")
def test_the_address_is_told_to_those_only_who_may_read_the_places_in_it(app: Flask) -> None:
    person = make_person()
    assert Caller(app, person, ["me:read", "me:write"])("GET", "/me/calendar").status_code == 403
    writes = Caller(app, person, ["signups:write"])
    assert writes("POST", "/me/calendar/revoke").status_code == 403
    assert find_feed_token(person.id) is None
    assert writes("DELETE", "/me/calendar").status_code == 204
    assert Caller(app, person, ["signups:read", "signups:write"])("POST", "/me/calendar/revoke").status_code == 200


def test_what_one_started_is_listed_in_any_state(app: Flask) -> None:
    person = make_person()
    mine = [
        make_fundraiser(make_organization(), started_by_id=person.id, status=status)
        for status in ("live", "awaiting_approval", "declined")
    ]
    make_fundraiser(make_organization(), started_by_id=make_person().id)
    page = Caller(app, person)("GET", "/me/fundraisers?limit=2").json
    rest = Caller(app, person)("GET", f"/me/fundraisers?limit=2&cursor={page['next_cursor']}").json
    rows = [*page["data"], *rest["data"]]
    assert [row["slug"] for row in rows] == [one.slug for one in reversed(mine)]
    assert {row["status"] for row in rows} == {"live", "awaiting_approval", "declined"}
    assert rest["next_cursor"] is None


def test_who_approves_fundraisers_is_set_and_told_to_staff_only(app: Flask) -> None:
    owner = make_person()
    organization = make_organization(owner)
    path, staff = f"/organizations/{organization.slug}", Caller(app, owner)
    tag = staff("GET", path).headers["ETag"]
    assert staff("GET", path).json["auto_approve_fundraisers"] is False
    body = {"auto_approve_fundraisers": True, "website": "https://pantry.example.org", "description": "Food."}
    changed = staff("PATCH", path, body, If_Match=tag)
    assert changed.status_code == 200
    assert {name: changed.json[name] for name in body} == body
    assert staff("PATCH", path, {"auto_approve_fundraisers": False}, If_Match=tag).status_code == 412
    for other in (Caller(app, None), Caller(app, make_person())):
        assert other("GET", path).json["auto_approve_fundraisers"] is None
    wrong = staff("PATCH", path, {"website": "javascript:alert(1)"})
    assert (wrong.status_code, wrong.json["errors"][0]["field"]) == (422, "website")


@pytest.mark.rule("N6")
def test_locations_are_made_changed_and_forgotten_by_whoever_posts_needs(app: Flask) -> None:
    organization = make_organization()
    staff = Caller(app, make_member(organization, "manager"))
    path = f"/organizations/{organization.slug}/locations"
    body = {"name": "Hall", "address": "25 Sample Street", "city": "Newark", "region": "NJ", "private": True}
    made = staff("POST", path, body, Idempotency_Key="hall")
    assert (made.status_code, made.json["city"], made.json["time_zone"]) == (201, "Newark", "America/New_York")
    assert staff("POST", path, body, Idempotency_Key="hall").json == made.json
    assert "Sample Street" not in made.text
    place = f"/locations/{made.json['id']}"
    renamed = staff("PATCH", place, {"name": "Parish hall"}).json
    assert (renamed["name"], renamed["city"], renamed["private"]) == ("Parish hall", "Newark", True)
    moved = staff("PATCH", place, {"city": "Chicago", "region": "IL", "address": "", "private": False}).json
    assert (moved["city"], moved["time_zone"], moved["private"]) == ("Chicago", "America/Chicago", False)
    assert [row["id"] for row in staff("GET", path).json["data"]] == [made.json["id"]]
    assert db.session.query(Location.address, Location.name).one() == ("", "Parish hall")
    for wrong, field in (({"city": "Nowhere at all"}, "city"), ({"name": ""}, "name"), ({"street": "x"}, "street")):
        for method, where in (("POST", path), ("PATCH", place)):
            answer = staff(method, where, {**body, **wrong} if method == "POST" else wrong)
            assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, field)
    assert staff("POST", path, {"name": "Nowhere"}).status_code == 422
    for role in ("coordinator", "viewer"):
        member = Caller(app, make_member(organization, role))
        assert member("PATCH", place, {"name": "No"}).status_code == member("DELETE", place).status_code == 404
    assert (staff("DELETE", place).status_code, staff("DELETE", place).status_code) == (204, 404)
    assert staff("GET", path).json["data"] == []


@pytest.mark.rule("A1")
def test_a_location_of_another_organization_is_not_there(app: Flask) -> None:
    owner = make_person()
    organization = make_organization(owner)
    with transaction():
        location = add_location(organization.id, by=owner, name="Hall", address="", place="Newark, NJ", private=False)
    stranger = make_person()
    make_organization(stranger)
    assert Caller(app, stranger)("DELETE", f"/locations/{encode_id(location.id)}").status_code == 404
    assert db.session.query(Location).count() == 1


@pytest.mark.rule("A1")
def test_an_organization_that_an_import_made_is_claimed(app: Flask) -> None:
    kitchen = make_organization(claimed_at=None, website="https://kitchen.example.org")
    person = make_person()
    mine, path = Caller(app, person), f"/organizations/{kitchen.slug}/claims"
    made = mine("POST", path, {"mailbox": "Info"}, Idempotency_Key="claim")
    assert made.status_code == 201
    assert {name: made.json[name] for name in ("organization", "status", "mailbox")} == {
        "organization": kitchen.slug,
        "status": "waiting",
        "mailbox": "info@kitchen.example.org",
    }
    assert mine("POST", path, {"mailbox": "Info"}, Idempotency_Key="claim").json == made.json
    assert db.session.query(Claim).count() == 1
    for body, field in (({}, "evidence"), ({"mailbox": "a b"}, "mailbox"), ({"evidence": "x" * 2001}, "evidence")):
        answer = mine("POST", path, body)
        assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, field)
    taken = mine("POST", f"/organizations/{make_organization().slug}/claims", {"evidence": "I run it."})
    assert (taken.status_code, taken.json["code"]) == (409, "claimed")
    unproved = Caller(app, make_person(email_verified_at=None))("POST", path, {"evidence": "I run it."})
    assert (unproved.status_code, unproved.json["code"]) == (409, "email_unverified")
    hidden = make_organization(claimed_at=None, verified_at=None)
    assert mine("POST", f"/organizations/{hidden.slug}/claims", {"evidence": "x"}).status_code == 404
    assert Caller(app, person, ["me:write"])("POST", path, {"evidence": "x"}).status_code == 403


def test_asking_for_an_organization_again_and_again_has_to_wait(app: Flask) -> None:
    kitchen = make_organization(claimed_at=None)
    mine, path = Caller(app, make_person()), f"/organizations/{kitchen.slug}/claims"
    answers = [mine("POST", path, {"evidence": f"I run it, {number}."}) for number in range(6)]
    assert [answer.status_code for answer in answers] == [201] * 5 + [429]
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 3601
    assert answers[-1].json["code"] == "too_many_requests"
    assert db.session.query(Claim).filter_by(status="waiting").count() == 1
