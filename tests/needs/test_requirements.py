"""What a need and its single tasks ask of people, chosen on a page of its own."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from app.core.db import db, transaction
from app.core.ids import encode_id
from app.needs.models import Need, Position, Shift
from app.organizations.models import Organization
from app.signups.models import Signup
from app.signups.operations import sign_up
from tests.conftest import CheckingClient
from tests.factories import allow_contact, make_need, make_organization, make_person, make_shift

SignIn = Callable[..., CheckingClient]


@pytest.fixture
def organization(app: Flask, client: CheckingClient, sign_in: SignIn) -> Organization:
    owner = make_person()
    sign_in(owner)
    return make_organization(owner)


def page(need: Need) -> str:
    return f"/manage/{need.organization.slug}/needs/{encode_id(need.id)}/requirements"


def body(*positions: Position, **more: Any) -> dict[str, Any]:
    ids = {f"tasks-{number}-id": encode_id(position.id) for number, position in enumerate(positions)}
    return {**ids, **more}


def add_position(shift: Shift, name: str) -> Position:
    with transaction():
        position = Position(shift_id=shift.id, name=name, capacity=3, sort=1)
        db.session.add(position)
    db.session.expire_all()
    return db.session.get_one(Position, position.id)


def asked_of(position: Position) -> list[str]:
    return db.session.get_one(Position, position.id).requirements


def test_everybody_and_single_tasks_are_asked_for_what_was_ticked(
    client: CheckingClient, organization: Organization
) -> None:
    need = make_need(organization, title="Drive to the lake")
    shift = make_shift(need, name="Driver", capacity=2)
    driver, companion = shift.positions[0], add_position(shift, "Companion")
    assert page(need) in client.get(f"/manage/{organization.slug}/needs/{encode_id(need.id)}").text
    shown = client.get(page(need)).text
    assert "United States" in shown
    tasks = shown[shown.index('id="tasks"') :]
    assert "Driver" in tasks
    assert "background_check" not in tasks, "asked of everybody, not of one task"
    sent = body(driver, companion, requirements=["identity", "background_check:us_fitness"])
    assert client.post(page(need), data={**sent, "tasks-0-requirements": "driving"}).status_code == 303
    assert db.session.get_one(Need, need.id).requirements == ["background_check:us_fitness", "identity"]
    assert (asked_of(driver), asked_of(companion)) == (["driving"], [])
    assert client.get(page(need)).text.count(" checked") == 3
    assert client.post(page(need), data=body(companion)).status_code == 303
    assert db.session.get_one(Need, need.id).requirements == []
    assert asked_of(driver) == ["driving"], "what the page did not send stays"


@pytest.mark.rule("G1")
def test_what_the_law_does_not_let_a_role_ask_is_said_at_its_field(
    client: CheckingClient, organization: Organization
) -> None:
    allow_contact(organization)
    need = make_need(organization)
    shift = make_shift(need, contact="children")
    position = shift.positions[0]
    assert "People meet children or adults at risk here" in client.get(page(need)).text
    wrong = "background_check:uk_enhanced_adults"
    for sent in (body(position, requirements=wrong), body(position, **{"tasks-0-requirements": wrong})):
        answer = client.post(page(need), data=sent)
        assert answer.status_code == 422
        assert "The law does not let this role ask for" in answer.text
        assert f'value="{wrong}" checked' in answer.text, "what was ticked stays"
    assert (db.session.get_one(Need, need.id).requirements, asked_of(position)) == ([], [])
    nonsense = client.post(page(need), data=body(position, requirements="palm_reading"))
    assert nonsense.status_code == 422
    assert "Choose from the list only" in nonsense.text


@pytest.mark.rule("G1", "S6")
@pytest.mark.parametrize("where", ["requirements", "tasks-0-requirements"])
def test_asking_for_more_says_first_who_loses_their_place(
    client: CheckingClient, organization: Organization, work_off: Callable[[], object], where: str
) -> None:
    need, helper = make_need(organization, title="Drive to the lake"), make_person()
    shift = make_shift(need)
    with transaction():
        signup = sign_up(shift.id, by=helper)
    sent = body(shift.positions[0], **{where: "identity"})
    asked = client.post(page(need), data=sent)
    assert asked.status_code == 200
    assert "1 person cannot keep the place" in asked.text
    assert (db.session.get_one(Need, need.id).requirements, asked_of(shift.positions[0])) == ([], [])
    assert "Save" in client.post(page(need), data={**sent, "back": "1"}).text
    told = re.search(r'name="told" value="([^"]+)"', asked.text)
    assert told is not None
    assert client.post(page(need), data={**sent, "told": told[1]}).status_code == 303
    work_off()
    assert db.session.get_one(Signup, signup.id).status == "cancelled"


def test_a_draft_asks_nobody_anything_yet_and_a_closed_need_is_left_alone(
    client: CheckingClient, organization: Organization
) -> None:
    draft, closed = make_need(organization, status="draft"), make_need(organization, status="closed")
    assert client.post(page(draft), data=body(requirements="identity")).status_code == 303
    assert db.session.get_one(Need, draft.id).requirements == ["identity"]
    assert client.post(page(closed), data=body(requirements="identity")).status_code == 409
    assert db.session.get_one(Need, closed.id).requirements == []


def test_the_page_of_many_shifts_stays_within_its_budget(client: CheckingClient, organization: Organization) -> None:
    need = make_need(organization, requirements=["identity"])
    for number in range(50):
        make_shift(need, days=number + 1)
    shown = client.get(page(need))  # the client looks at every page's size
    assert shown.status_code == 200
    assert shown.text.count('name="tasks-') >= 40
