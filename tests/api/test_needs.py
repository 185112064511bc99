"""Needs by API: one like another, and what is only for those who come."""

from __future__ import annotations

import datetime as dt

import pytest
from flask import Flask

from app.core.clock import now
from app.core.db import transaction
from app.core.ids import encode_id
from app.needs.operations import edit_need
from app.signups.operations import sign_up
from tests.api.test_main_job import Caller
from tests.factories import make_item, make_member, make_need, make_organization, make_person, make_shift


@pytest.mark.rule("S7")
def test_a_need_is_posted_again_as_a_draft(app: Flask) -> None:
    organization = make_organization()
    manager = make_member(organization, "manager")
    need = make_need(organization, title="Sort food")
    past = now() - dt.timedelta(days=9)
    make_shift(need, starts_at=past, ends_at=past + dt.timedelta(hours=2), capacity=4)
    make_item(need, quantity="7")
    staff, path = Caller(app, manager), f"/needs/{encode_id(need.id)}/duplicate"
    made = staff("POST", path, {}, Idempotency_Key="again")
    assert (made.status_code, made.json["title"], made.json["status"]) == (201, "Sort food", "draft")
    assert made.json["id"] != encode_id(need.id)
    assert made.json["starts_at"] > now().isoformat()
    assert [shift["capacity"] for shift in made.json["shifts"]] == [4]
    assert [item["quantity"] for item in made.json["items"]] == ["7"]
    assert staff("POST", path, {}, Idempotency_Key="again").json == made.json
    assert Caller(app, make_member(organization, "coordinator"))("POST", path).status_code == 404
    assert Caller(app, manager, ["me:read"])("POST", path).status_code == 403


@pytest.mark.rule("N6")
def test_the_meeting_point_and_the_contact_of_the_day_are_in_no_answer(app: Flask) -> None:
    """Pages show them to those who come; programs of the public, of helpers and of staff read needs without them."""
    owner, helper = make_person(), make_person()
    need = make_need(make_organization(owner))
    shift = make_shift(need, days=1)
    with transaction():
        edit_need(need.id, by=owner, meeting_point="The green door", day_contact="Mo, 555 0100")
        signup = sign_up(shift.id, by=helper)
    path = f"/needs/{encode_id(need.id)}"
    for caller in (Caller(app, None), Caller(app, helper), Caller(app, owner)):
        asked = [caller("GET", each) for each in (path, "/needs", f"{path}/shifts", f"/shifts/{encode_id(shift.id)}")]
        asked.append(caller("GET", f"/signups/{encode_id(signup.id)}"))
        for answer in asked:
            assert "green door" not in answer.text
            assert "555 0100" not in answer.text
    copied = Caller(app, owner)("POST", f"{path}/duplicate")
    assert copied.status_code == 201
    assert "green door" not in copied.text
