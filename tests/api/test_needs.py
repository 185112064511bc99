"""Needs by API: one like another, and what is only for those who come."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import decimal
from collections.abc import Callable, Iterator

import pytest
from flask import Flask

from app.core.clock import now
from app.core.db import db, transaction
from app.core.ids import encode_id
from app.needs.operations import ItemInput, ShiftInput, edit_item, edit_need, edit_shift
from app.pledges.operations import change_pledge, pledge
from app.signups.operations import sign_up
from tests.api.test_main_job import Caller
from tests.factories import (
    allow_contact,
    make_item,
    make_member,
    make_need,
    make_organization,
    make_person,
    make_shift,
)


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


def between(app: Flask, monkeypatch: pytest.MonkeyPatch, module: str, act: Callable[[], object]) -> None:
    """The next act of an API module finds that `act` was done by somebody else after its guard had read."""

    @contextlib.contextmanager
    def transaction_after_it() -> Iterator[None]:
        monkeypatch.undo()
        with app.app_context(), transaction():
            act()
        with transaction():
            yield

    monkeypatch.setattr(f"app.api.{module}.transaction", transaction_after_it)


@pytest.mark.rule("G1")
def test_a_change_of_one_field_leaves_what_somebody_else_changed_at_the_same_moment(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = make_person()
    need = make_need(make_organization(owner))
    allow_contact(need.organization)
    shift, item = make_shift(need, capacity=4), make_item(need, quantity="10")
    position_id = shift.positions[0].id
    supporter = make_person()
    with transaction():
        promise = pledge(item.id, by=supporter, quantity=decimal.Decimal(2))
    staff, mine = Caller(app, owner), Caller(app, supporter)

    def state_contact() -> None:
        values = dataclasses.replace(ShiftInput.of(shift), contact="children", minimum_age=18)
        edit_shift(shift.id, values, by=owner)

    between(app, monkeypatch, "shifts", state_contact)
    changed = staff("PATCH", f"/shifts/{encode_id(shift.id)}", {"capacity": 3})
    assert (changed.json["contact"], changed.json["minimum_age"], changed.json["capacity"]) == ("children", 18, 3)

    def take_fewer() -> None:
        values = ShiftInput.of(shift)
        one = dataclasses.replace(values.positions[0], capacity=2, id=position_id)
        edit_shift(shift.id, dataclasses.replace(values, positions=(one,)), by=owner)

    between(app, monkeypatch, "shifts", take_fewer)
    changed = staff("PATCH", f"/shifts/{encode_id(shift.id)}", {"minimum_age": 16})
    assert (changed.json["minimum_age"], changed.json["capacity"]) == (16, 2)

    def want_more() -> None:
        edit_item(item.id, ItemInput(item.name, item.unit, decimal.Decimal(30), do_not_bring=False), by=owner)

    between(app, monkeypatch, "items", want_more)
    changed = staff("PATCH", f"/items/{encode_id(item.id)}", {"priority": "first"})
    assert (changed.json["priority"], changed.json["quantity"]) == ("first", "30")

    def promise_more() -> None:
        change_pledge(promise.id, by=supporter, quantity=decimal.Decimal(5), way="send")

    between(app, monkeypatch, "pledges", promise_more)
    changed = mine("PATCH", f"/pledges/{encode_id(promise.id)}", {"note": "On Friday"})
    assert (changed.json["quantity"], changed.json["note"]) == ("5", "On Friday")
    db.session.rollback()
