"""Places by API: changed in one step, given back and taken again, several at once, and what staff note of those who came."""

from __future__ import annotations

import datetime as dt

import pytest
from flask import Flask

from app.accounts.models import NO_MAILBOX, Person
from app.core.clock import now
from app.core.db import db, transaction
from app.core.ids import encode_id
from app.needs.models import Position, Shift
from app.signups.models import Signup
from app.signups.operations import sign_up
from tests.api.test_main_job import Caller
from tests.factories import make_member, make_need, make_organization, make_person, make_shift

# Undo goes for a quarter of an hour.
LONG_AGO = dt.timedelta(minutes=15, seconds=1)


def take(shift: Shift, person: Person, party_size: int = 1) -> str:
    """The address of a new place."""
    with transaction():
        return f"/signups/{encode_id(sign_up(shift.id, by=person, party_size=party_size).id)}"


def taken(shift: Shift) -> int:
    db.session.expire_all()
    return db.session.query(Position.taken).filter_by(shift_id=shift.id).scalar() or 0


@pytest.mark.rule("S1")
def test_a_place_changes_people_and_shift_in_one_step(app: Flask) -> None:
    need = make_need()
    one, two, full = make_shift(need, days=3), make_shift(need, days=5), make_shift(need, days=6, capacity=0)
    person = make_person()
    path, mine = take(one, person), Caller(app, person)
    more = mine("PATCH", path, {"party_size": 3})
    assert (more.status_code, more.json["party_size"], more.json["shift"]) == (200, 3, encode_id(one.id))
    said = mine("PATCH", path, {"note": "With a car"})
    assert (said.json["note"], said.json["party_size"], said.json["position"]) == (
        "With a car",
        3,
        more.json["position"],
    )
    moved = mine("PATCH", path, {"shift": encode_id(two.id)})
    assert (moved.json["shift"], moved.json["party_size"]) == (encode_id(two.id), 3)
    assert (taken(one), taken(two)) == (0, 3)
    refused = mine("PATCH", path, {"shift": encode_id(full.id)})
    assert (refused.status_code, refused.json["code"]) == (409, "full")
    assert mine("PATCH", path, {"shift": encode_id(make_shift().id)}).status_code == 409
    assert mine("PATCH", path, {"party_size": 51}).status_code == 422
    assert (taken(two), taken(full)) == (3, 0)
    assert Caller(app, make_person())("PATCH", path, {"party_size": 1}).status_code == 404
    assert Caller(app, person, ["signups:read"])("PATCH", path, {"party_size": 1}).status_code == 403


def test_another_position_is_named_or_found(app: Flask) -> None:
    need = make_need()
    shift = make_shift(need, name="Driver", capacity=2)
    with transaction():
        cook = Position(shift_id=shift.id, name="Cook", capacity=1, sort=1)
        db.session.add(cook)
    person = make_person()
    path, mine = take(shift, person), Caller(app, person)
    assert mine("PATCH", path, {"position": encode_id(cook.id)}).json["position"] == encode_id(cook.id)
    assert mine("PATCH", path, {"party_size": 2}).json["code"] == "full"
    anywhere = mine("PATCH", path, {"party_size": 2, "position": None})
    assert anywhere.json["position"] != encode_id(cook.id)


def test_a_place_that_changed_meanwhile_is_not_changed_over(app: Flask) -> None:
    person = make_person()
    path, mine = take(make_shift(), person), Caller(app, person)
    tag = mine("GET", path).headers["ETag"]
    assert mine("GET", path, If_None_Match=tag).status_code == 304
    assert mine("PATCH", path, {"party_size": 2}, If_Match=tag).status_code == 200
    assert mine("PATCH", path, {"party_size": 4}, If_Match=tag).status_code == 412
    fresh = mine("GET", path)
    assert fresh.json["party_size"] == 2
    assert mine("PATCH", path, {"party_size": 4}, If_Match=fresh.headers["ETag"]).status_code == 200


@pytest.mark.rule("S6")
def test_a_place_given_back_is_taken_again_for_a_while_through_the_gate(app: Flask) -> None:
    shift, person = make_shift(capacity=1), make_person()
    path, mine = take(shift, person), Caller(app, person)
    assert mine("POST", f"{path}/undo").status_code == 409
    mine("POST", f"{path}/cancel")
    again = mine("POST", f"{path}/undo", {}, Idempotency_Key="again")
    assert (again.status_code, again.json["status"], taken(shift)) == (200, "confirmed", 1)
    assert mine("POST", f"{path}/undo", {}, Idempotency_Key="again").json == again.json
    mine("POST", f"{path}/cancel")
    take(shift, make_person())
    assert {reason["code"] for reason in mine("POST", f"{path}/undo").json["reasons"]} == {"full"}
    with transaction():
        db.session.query(Signup).filter_by(status="cancelled").update({"cancelled_at": now() - LONG_AGO})
    assert {reason["code"] for reason in mine("POST", f"{path}/undo").json["reasons"]} == {"undo_too_late", "full"}
    assert Caller(app, make_person())("POST", f"{path}/undo").status_code == 404


@pytest.mark.rule("S3")
@pytest.mark.rule("S11")
def test_several_shifts_at_once_all_or_none(app: Flask) -> None:
    need = make_need()
    one, two, full = make_shift(need, days=3), make_shift(need, days=4), make_shift(need, days=5, capacity=1)
    same_time = make_shift(need, starts_at=one.starts_at, ends_at=one.ends_at)
    mine = Caller(app, make_person())
    path = f"/needs/{encode_id(need.id)}/signups"

    def wanted(*shifts: Shift) -> dict[str, object]:
        return {"shifts": [encode_id(shift.id) for shift in shifts], "party_size": 2, "note": "Both of us"}

    refused = mine("POST", path, wanted(one, full, same_time), Idempotency_Key="all")
    assert refused.status_code == 409
    said = {(reason["about"], reason["code"]) for reason in refused.json["reasons"]}
    overlapping = max(one, same_time, key=lambda shift: shift.id)
    assert said == {(encode_id(full.id), "full"), (encode_id(overlapping.id), "overlap")}
    assert db.session.query(Signup).count() == 0
    assert mine("POST", path, wanted(one, full, same_time), Idempotency_Key="all").json == refused.json
    made = mine("POST", path, wanted(one, two), Idempotency_Key="some")
    assert made.status_code == 201
    assert {row["shift"] for row in made.json["data"]} == {encode_id(one.id), encode_id(two.id)}
    assert {(row["status"], row["party_size"], row["note"]) for row in made.json["data"]} == {
        ("confirmed", 2, "Both of us")
    }
    assert mine("POST", path, wanted(one, two), Idempotency_Key="some").json == made.json
    assert (taken(one), taken(two), taken(full)) == (2, 2, 0)


@pytest.mark.rule("A4")
def test_only_shifts_of_the_need_are_taken_at_once(app: Flask) -> None:
    need, mine = make_need(), Caller(app, make_person())
    make_shift(need)
    path = f"/needs/{encode_id(need.id)}/signups"
    for shifts in ([], ["nonsense"], [encode_id(make_shift().id)], [encode_id(1)] * 61):
        answer = mine("POST", path, {"shifts": shifts})
        assert (answer.status_code, answer.json["errors"][0]["field"].split(".")[0]) == (422, "shifts")
    hidden = make_need(status="draft")
    assert mine("POST", f"/needs/{encode_id(hidden.id)}/signups", {"shifts": []}).status_code == 404


@pytest.mark.rule("S1")
@pytest.mark.rule("G1")
def test_staff_write_down_who_telephones_through_the_gate(app: Flask) -> None:
    organization = make_organization()
    coordinator, viewer = make_member(organization, "coordinator"), make_member(organization, "viewer")
    need = make_need(organization)
    shift, full = make_shift(need, capacity=3), make_shift(need, capacity=0)
    staff, path = Caller(app, coordinator), f"/shifts/{encode_id(shift.id)}/volunteers"
    gus = {"name": "Gus", "birth_date": "1960-01-02", "phone": "555 0100", "note": "Knows the van"}
    made = staff("POST", path, gus, Idempotency_Key="gus")
    assert (made.status_code, made.json["name"], made.json["status"]) == (201, "Gus", "confirmed")
    assert made.json["note"] == "Telephone: 555 0100\nKnows the van"
    assert staff("POST", path, gus, Idempotency_Key="gus").json == made.json
    assert (taken(shift), db.session.query(Person).filter(Person.email.endswith(NO_MAILBOX)).count()) == (1, 1)
    assert Caller(app, viewer)("POST", path, gus).status_code == 404
    refused = staff("POST", f"/shifts/{encode_id(full.id)}/volunteers", gus)
    assert (refused.status_code, refused.json["code"]) == (409, "full")
    contact = make_shift(need, contact="children")
    assert staff("POST", f"/shifts/{encode_id(contact.id)}/volunteers", gus).status_code == 409
    for wrong, field in (
        ({"birth_date": "2020-05-05"}, "birth_date"),
        ({"email": "no address"}, "email"),
        ({"name": " "}, "name"),
    ):
        answer = staff("POST", path, {**gus, **wrong})
        assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, field)


@pytest.mark.rule("S3")
def test_staff_are_not_told_what_a_person_does_elsewhere(app: Flask) -> None:
    organization, busy = make_organization(), make_person()
    shift = make_shift(make_need(organization))
    take(make_shift(starts_at=shift.starts_at, ends_at=shift.ends_at), busy)
    staff = Caller(app, make_member(organization, "owner"))
    body = {"name": "B", "birth_date": "1990-05-17", "email": busy.email}
    answer = staff("POST", f"/shifts/{encode_id(shift.id)}/volunteers", body)
    assert [reason["code"] for reason in answer.json["reasons"]] == ["ask_them"]


@pytest.mark.rule("S11")
def test_staff_hear_no_more_of_a_place_that_does_not_stand_than_the_roster_says(app: Flask) -> None:
    """Neither what is about the person, nor that they are held, nor what they do elsewhere."""
    organization = make_organization()
    coordinator = make_member(organization, "coordinator")
    keeper, staff = Caller(app, make_member(organization, "owner")), Caller(app, coordinator)
    need, began = make_need(organization), now() - dt.timedelta(hours=1)
    shift, person = make_shift(need, days=2), make_person(birth_date=None)
    path, own = take(shift, person), take(shift, coordinator)
    taken_back, absent = take(shift, make_person()), make_person(birth_date=None)
    gone = take(shift, absent)

    def change(**values: object) -> None:
        with transaction():
            db.session.query(Shift).update(values)

    def codes(caller: Caller, address: str, body: object = None) -> list[str]:
        answer = caller("POST", address, body)
        assert answer.status_code == 409
        assert "Write to the people who run this site" not in answer.text
        return [reason["code"] for reason in answer.json["reasons"]]

    assert staff("POST", f"{taken_back}/cancel", {"reason": "asked_by_them"}).status_code == 200
    with transaction():
        db.session.query(Person).filter(Person.id != coordinator.id).update({"status": "suspended"})
    assert codes(staff, f"{taken_back}/undo") == ["ask_them"]
    change(starts_at=began, minimum_age=18)
    with transaction():
        db.session.query(Signup).filter(Signup.person_id == absent.id).update({"status": "no_show"})
        db.session.query(Person).filter(Person.id == coordinator.id).update({"birth_date": None})
    for address, body in ((f"{path}/check-in", None), (f"{path}/hours", {"hours": "1"})):
        assert codes(staff, address, body) == ["does_not_stand"]
    assert codes(staff, f"{gone}/undo-attendance") == ["does_not_stand"]
    with transaction():
        db.session.query(Person).update({"status": "active"})
    assert codes(staff, f"{path}/check-in") == ["does_not_stand"]
    assert codes(keeper, f"{path}/check-in") == ["age_unknown"]
    assert keeper("POST", f"{path}/check-in").json["reasons"][0]["message"] == "Their birth date is not known"
    assert staff("POST", f"{own}/check-in").json["reasons"][0]["message"].endswith("we do not know your birth date.")
    assert codes(staff, f"{gone}/check-in") == ["changed_meanwhile"]


def test_staff_note_who_came_and_take_it_back(app: Flask) -> None:
    organization = make_organization()
    staff, viewer = Caller(app, make_member(organization, "coordinator")), make_member(organization, "viewer")
    shift, person = make_shift(make_need(organization)), make_person()
    path = take(shift, person)
    assert staff("POST", f"{path}/no-show").json["code"] == "not_begun"
    with transaction():
        db.session.query(Shift).update({"starts_at": now() - dt.timedelta(hours=1)})
    absent = staff("POST", f"{path}/no-show")
    assert (absent.status_code, absent.json["status"], absent.json["name"]) == (200, "no_show", person.name)
    assert staff("POST", f"{path}/no-show").json["code"] == "changed_meanwhile"
    assert staff("POST", f"{path}/undo-attendance").json["status"] == "confirmed"
    assert staff("POST", f"{path}/check-in").json["status"] == "checked_in"
    assert staff("POST", f"{path}/hours", {"hours": "1.5"}).json["hours"] == "1.5"
    undone = staff("POST", f"{path}/undo-attendance").json
    assert (undone["status"], undone["hours"], undone["checked_in_at"]) == ("confirmed", None, None)
    for who in (viewer, person):
        assert Caller(app, who)("POST", f"{path}/no-show").status_code == 404
        assert Caller(app, who)("POST", f"{path}/undo-attendance").status_code == 404
