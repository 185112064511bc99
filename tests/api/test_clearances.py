"""Clearances and requirements by API: recorded, listed and revoked by staff, read by the person; what a shift asks, and why
somebody cannot take it; and no place is called confirmed that does not stand."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from flask import Flask

from app.accounts.models import Person
from app.core.clock import today
from app.core.db import db, transaction
from app.core.ids import encode_id
from app.needs.models import Shift
from app.organizations.models import Organization
from app.safeguarding.models import Clearance
from app.safeguarding.operations import publish_conduct, set_profile, share_clearance
from app.safeguarding.requirements import Requirement
from app.signups.operations import sign_up
from tests.api.test_main_job import Caller, soon
from tests.factories import (
    allow_contact,
    make_clearance,
    make_member,
    make_need,
    make_organization,
    make_person,
    make_shift,
)

YESTERDAY = (today("UTC") - dt.timedelta(days=1)).isoformat()


def with_children(organization: Organization, **changes: Any) -> Shift:
    allow_contact(organization)
    return make_shift(make_need(organization), contact="children", **changes)


@pytest.mark.rule("G3", "A2")
def test_staff_record_list_and_revoke(app: Flask) -> None:
    owner, helper = make_person(), make_person()
    organization = make_organization(owner)
    staff, path = Caller(app, owner), f"/organizations/{organization.slug}/clearances"
    body = {
        "email": helper.email, "kind": "background_check", "level": "us_fitness", "reference": "NJ-1",
        "issued_on": YESTERDAY, "expires_on": None,
    }  # fmt: skip
    made = staff("POST", path, body)
    assert made.status_code == 201
    shown = made.json
    assert (shown["email"], shown["kind"], shown["level"], shown["outcome"]) == (
        helper.email, "background_check", "us_fitness", "accepted",
    )  # fmt: skip
    assert shown["consented_on"] is None, "nobody said when the person agreed, and nothing makes it up"
    assert shown["expires_on"] is not None, "no longer than the kind is good for"
    assert staff("GET", f"/clearances/{shown['id']}").json == shown
    make_clearance(make_person(), organization)
    assert len(staff("GET", path).json["data"]) == 2
    assert [row["id"] for row in staff("GET", f"{path}?email={helper.email.upper()}").json["data"]] == [shown["id"]]
    first = staff("GET", f"{path}?limit=1").json
    second = staff("GET", f"{path}?limit=1&cursor={first['next_cursor']}").json
    assert [second["data"][0]["id"], second["next_cursor"]] == [shown["id"], None]
    assert [row["id"] for row in Caller(app, helper)("GET", "/me/clearances").json["data"]] == [shown["id"]]
    revoked = staff("POST", f"/clearances/{shown['id']}/revoke", {"reason": "Withdrawn"})
    assert (revoked.status_code, revoked.json["revoked_reason"]) == (200, "Withdrawn")
    again = staff("POST", f"/clearances/{shown['id']}/revoke", {"reason": "Withdrawn"})
    assert (again.status_code, again.json["code"]) == (409, "revoked")


def test_what_cannot_be_recorded_is_said_at_its_field(app: Flask) -> None:
    owner = make_person()
    organization = make_organization(owner)
    staff, path = Caller(app, owner), f"/organizations/{organization.slug}/clearances"
    right = {"email": make_person().email, "kind": "identity", "issued_on": YESTERDAY}
    for wrong, field in (
        ({"email": "nobody@example.org"}, "email"),
        ({"kind": "palm_reading"}, "kind"),
        ({"kind": "background_check", "level": "us_palm"}, "level"),
        ({"kind": "background_check", "level": "us_fitness", "consented_on": today("UTC").isoformat()}, "consented_on"),
        ({"issued_on": (today("UTC") + dt.timedelta(days=3)).isoformat()}, "issued_on"),
        ({"expires_on": "1999-01-01"}, "expires_on"),
        ({"kind": "reference"}, "issuer"),
        ({"kind": "code_of_conduct"}, "kind"),
    ):
        answer = staff("POST", path, {**right, **wrong})
        assert answer.status_code == 422, wrong
        assert [error["field"] for error in answer.json["errors"]] == [field], wrong
    own = staff("POST", path, {**right, "email": owner.email})
    assert (own.status_code, own.json["code"]) == (409, "own_clearance")


@pytest.mark.rule("A1")
def test_nobody_else_knows_that_there_is_one(app: Flask) -> None:
    owner, helper = make_person(), make_person()
    organization, other = make_organization(owner), make_organization(make_person())
    clearance = make_clearance(helper, organization)
    outsiders = [
        make_member(organization, "coordinator"), make_member(organization, "viewer"), make_member(other, "owner"),
        make_person(platform_role="administrator"), helper,
    ]  # fmt: skip
    for person in outsiders:
        ask = Caller(app, person)
        assert ask("GET", f"/clearances/{encode_id(clearance.id)}").status_code == 404
        assert ask("POST", f"/clearances/{encode_id(clearance.id)}/revoke", {"reason": "x"}).status_code == 404
        assert ask("GET", f"/organizations/{organization.slug}/clearances").status_code == 404
    assert Caller(app, owner, ["me:read"])("GET", f"/clearances/{encode_id(clearance.id)}").status_code == 403
    with transaction():
        share_clearance(clearance.id, other.id, by=helper)
    theirs = Caller(app, make_member(other, "manager"))
    assert theirs("GET", f"/clearances/{encode_id(clearance.id)}").status_code == 200
    assert len(theirs("GET", f"/organizations/{other.slug}/clearances").json["data"]) == 1
    assert theirs("POST", f"/clearances/{encode_id(clearance.id)}/revoke", {"reason": "x"}).status_code == 404


@pytest.mark.rule("G1")
def test_a_shift_shows_all_that_it_asks(app: Flask) -> None:
    owner = make_person()
    organization = make_organization(owner)
    shift = with_children(organization)
    with transaction():
        publish_conduct(organization.id, "Two adults are always there.", by=owner)
        set_profile(organization.id, [Requirement("code_of_conduct")], by=owner)
    public, staff = Caller(app, None), Caller(app, owner)
    path, need = f"/shifts/{encode_id(shift.id)}", f"/needs/{encode_id(shift.need_id)}"
    baseline = [{"kind": "background_check", "level": "us_fitness"}, {"kind": "code_of_conduct", "level": "1"}]
    assert public("GET", path).json["requirements"] == baseline
    assert staff("PATCH", need, {"requirements": [{"kind": "identity"}]}).json["requirements"] == [
        {"kind": "identity", "level": ""}
    ]
    asked = [{"kind": "training", "level": "first_aid"}, *baseline]
    changed = staff("PATCH", path, {"requirements": asked})
    assert changed.status_code == 200, changed.json
    whole = sorted([*asked, {"kind": "identity", "level": ""}], key=lambda each: (each["kind"], each["level"]))
    assert changed.json["requirements"] == whole
    assert [each["kind"] for each in changed.json["positions"][0]["requirements"]] == [
        "background_check", "code_of_conduct", "training",
    ]  # fmt: skip
    assert public("GET", need).json["shifts"][0]["requirements"] == whole
    assert public("GET", "/needs").json["data"][0]["shifts"][0]["requirements"] == whole
    assert public("GET", f"{need}/shifts").json["data"][0]["requirements"] == whole
    assert staff("PATCH", path, {"capacity": 4}).json["requirements"] == whole, "what is not said stays"
    wrong = staff("PATCH", path, {"requirements": [{"kind": "background_check", "level": "uk_enhanced_adults"}]})
    assert (wrong.status_code, wrong.json["errors"][0]["field"]) == (422, "requirements")


def test_positions_ask_for_different_things(app: Flask) -> None:
    owner = make_person()
    need = make_need(make_organization(owner))
    made = Caller(app, owner)(
        "POST",
        f"/needs/{encode_id(need.id)}/shifts",
        {
            "starts_at": soon(1), "ends_at": soon(3), "contact": "none", "requirements": [{"kind": "identity"}],
            "positions": [
                {"name": "Driver", "capacity": 2, "requirements": [{"kind": "driving"}]}, {"name": "Cook", "capacity": 3},
            ],
        },
    )  # fmt: skip
    assert made.status_code == 201, made.json
    assert [[each["kind"] for each in position["requirements"]] for position in made.json["positions"]] == [
        ["driving"], ["identity"],
    ]  # fmt: skip
    assert [each["kind"] for each in made.json["requirements"]] == ["driving", "identity"]


@pytest.mark.rule("S11")
def test_the_caller_hears_each_rule_and_the_next_step(app: Flask) -> None:
    organization, helper = make_organization(make_person()), make_person()
    shift = with_children(organization)
    path = f"/shifts/{encode_id(shift.id)}/reasons"
    visitor = Caller(app, None)("GET", path).json
    assert visitor["may_sign_up"] is False
    assert {"age_unknown", "background_check_required"} <= {rule["code"] for rule in visitor["rules"]}
    unmet = Caller(app, helper)("GET", path).json
    assert [(rule["code"], rule["met"]) for rule in unmet["rules"]] == [
        ("age", True), ("background_check_required", False),
    ]  # fmt: skip
    assert all(rule["message"] and rule["title"] for rule in unmet["rules"])
    assert all(rule["remedy"] for rule in unmet["rules"] if not rule["met"])
    base = app.config["SETTINGS"].base_url
    assert [rule["url"] for rule in unmet["rules"]] == [None, f"{base}/my-clearances?for={organization.slug}"]
    make_clearance(helper, organization)
    met = Caller(app, helper)("GET", path).json
    assert (met["may_sign_up"], met["reasons"]) == (True, [])
    full = make_shift(capacity=0)
    answer = Caller(app, helper)("GET", f"/shifts/{encode_id(full.id)}/reasons").json
    assert (answer["may_sign_up"], [reason["code"] for reason in answer["reasons"]]) == (False, ["full"])
    draft = make_shift(make_need(organization, status="draft"))
    assert Caller(app, helper)("GET", f"/shifts/{encode_id(draft.id)}/reasons").status_code == 404


@pytest.mark.rule("G1")
def test_a_place_that_does_not_stand_is_called_confirmed_by_nobody(app: Flask) -> None:
    owner, helper = make_person(), make_person()
    organization = make_organization(owner)
    shift, clearance = with_children(organization), make_clearance(helper, organization)
    with transaction():
        signup = sign_up(shift.id, by=helper)
    place, all_of_it = f"/signups/{encode_id(signup.id)}", f"/shifts/{encode_id(shift.id)}/signups"
    viewer, own = Caller(app, make_member(organization, "viewer")), Caller(app, helper)
    assert own("GET", place).json["status"] == viewer("GET", place).json["status"] == "confirmed"
    assert own("GET", place).json["reasons"] == []
    with transaction():
        db.session.get_one(Clearance, clearance.id).expires_on = today("UTC")
    for ask, path, code in (
        (own, place, "background_check_required"),
        (own, "/me/signups", "background_check_required"),
        (own, all_of_it, "background_check_required"),
        (Caller(app, owner), place, "background_check_required"),
        (Caller(app, owner), all_of_it, "background_check_required"),
        (viewer, place, "does_not_stand"),
        (viewer, all_of_it, "does_not_stand"),
    ):
        answer = ask("GET", path).json
        body = answer["data"][0] if "data" in answer else answer
        assert body["status"] == "cancelled", path
        assert [reason["code"] for reason in body["reasons"]] == [code], path


def test_one_who_is_held_is_told_of_to_nobody(app: Flask) -> None:
    owner, helper = make_person(), make_person()
    organization = make_organization(owner)
    shift = make_shift(make_need(organization))
    with transaction():
        signup = sign_up(shift.id, by=helper)
    with transaction():
        db.session.get_one(Person, helper.id).status = "suspended"
    body = Caller(app, owner)("GET", f"/signups/{encode_id(signup.id)}").json
    assert (body["status"], [reason["code"] for reason in body["reasons"]]) == ("cancelled", ["does_not_stand"])
