"""The exact address: to whom it opens, when, and that it closes at once. Rosters. What verify finds."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from app.accounts.models import Person
from app.core.db import db, transaction
from app.needs.models import Need, Position, PrivateAddress, Shift
from app.organizations.models import Organization
from app.signups import checks
from app.signups.models import Signup
from app.signups.operations import cancel_signup, sign_up
from app.signups.queries import find_exact_address, list_roster
from tests.factories import make_member, make_need, make_organization, make_person, make_shift

HOUR = dt.timedelta(hours=1)


@dataclasses.dataclass
class Scene:
    need: Need
    shift: Shift
    person: Person
    signup: Signup

    def opens(self, viewer: Person | None = None) -> bool:
        db.session.rollback()
        return find_exact_address(self.need, viewer or self.person) is not None

    @property
    def starts_at(self) -> dt.datetime:
        assert self.shift.starts_at is not None
        return self.shift.starts_at


def make_scene(**shift: Any) -> Scene:
    need = make_need(make_organization(), private_address=True)
    with transaction():
        db.session.add(PrivateAddress(need_id=need.id, address="12 Hidden Lane", postal_code="07199"))
    made, person = make_shift(need, **shift), make_person()
    with transaction():
        signup = sign_up(made.id, by=person)
    return Scene(need, made, person, signup)


def update(model: Any, key: int, **values: Any) -> None:
    with transaction():
        db.session.execute(sa.update(model).where(model.id == key).values(**values))


@pytest.mark.rule("N6")
def test_a_private_address_is_for_nobody_else(app: Flask) -> None:
    scene = make_scene(days=1)
    assert scene.opens()
    assert not scene.opens(make_person())
    assert not scene.opens(make_person(platform_role="administrator"))
    assert not scene.opens(make_member(make_organization(), "owner"))
    db.session.rollback()
    assert find_exact_address(scene.need, None) is None


@pytest.mark.rule("N6")
@pytest.mark.parametrize("role", ["owner", "manager", "coordinator", "viewer"])
def test_the_staff_know_where_they_are(app: Flask, role: str) -> None:
    scene = make_scene(days=9)
    assert scene.opens(make_member(scene.need.organization, role))


@pytest.mark.rule("G7")
def test_it_opens_48_hours_before_and_closes_at_the_end(app: Flask) -> None:
    scene = make_scene(days=9, hours=3)
    for moment, opens in (
        (scene.starts_at - 48 * HOUR - dt.timedelta(seconds=1), False),
        (scene.starts_at - 48 * HOUR, True),
        (scene.starts_at + 3 * HOUR - dt.timedelta(seconds=1), True),
        (scene.starts_at + 3 * HOUR, False),
    ):
        with time_machine.travel(moment, tick=False):
            assert scene.opens() is opens


@pytest.mark.rule("G7")
@pytest.mark.rule("G1")
def test_what_is_revoked_is_gone_at_the_next_read(app: Flask) -> None:
    scene = make_scene(days=1)
    closing: list[tuple[Any, int, dict[str, Any], dict[str, Any]]] = [
        (Person, scene.person.id, {"status": "held"}, {"status": "active"}),
        (Shift, scene.shift.id, {"contact": "children"}, {"contact": "none"}),
        (Shift, scene.shift.id, {"contact": "not_stated"}, {"contact": "none"}),
        (Shift, scene.shift.id, {"minimum_age": 99}, {"minimum_age": None}),
        (Shift, scene.shift.id, {"status": "cannot_run"}, {"status": "scheduled"}),
        (Shift, scene.shift.id, {"status": "cancelled"}, {"status": "scheduled"}),
        (Need, scene.need.id, {"status": "closed"}, {"status": "open"}),
        (Organization, scene.need.organization_id, {"status": "suspended"}, {"status": "active"}),
        (Signup, scene.signup.id, {"status": "waitlisted"}, {"status": "confirmed"}),
    ]
    for model, key, closed, opened in closing:
        update(model, key, **closed)
        assert not scene.opens(), closed
        update(model, key, **opened)
        assert scene.opens(), opened
    update(Need, scene.need.id, status="paused")
    assert scene.opens(), "pausing stops new places, not those that stand"
    with transaction():
        cancel_signup(scene.signup.id, by=scene.person)
    assert not scene.opens()


@pytest.mark.rule("G7")
def test_a_flexible_role_opens_it_before_its_due_date_and_without_one_never(app: Flask) -> None:
    due = dt.date(2099, 5, 10)
    scene = make_scene(flexible=True, due_on=due)
    end = dt.datetime(2099, 5, 11, 4, tzinfo=dt.UTC)  # midnight after the due date in New York
    for moment, opens in ((end - 49 * HOUR, False), (end - HOUR, True), (end, False)):
        with time_machine.travel(moment, tick=False):
            assert scene.opens() is opens
    assert not make_scene(flexible=True).opens()


@pytest.mark.rule("N6")
def test_a_public_address_is_for_everybody(app: Flask) -> None:
    need = make_need(address="1 Main Street")
    found = find_exact_address(need, None)
    assert found is not None
    assert found.address == "1 Main Street"
    assert find_exact_address(make_need(), None) is None


def test_the_roster_names_who_comes(app: Flask) -> None:
    shift = make_shift()
    with transaction():
        db.session.add(Position(shift_id=shift.id, name="Cook", capacity=3, sort=1))
    names = ("zoe", "Ana", "Leaves")
    for name in names:
        person = make_person(name=name)
        with transaction():
            signup = sign_up(shift.id, by=person, party_size=2, note="hello")
        if name == "Leaves":
            with transaction():
                cancel_signup(signup.id, by=person)
    assert [(row.name, row.party_size, row.note) for row in list_roster(shift.id)] == [
        ("Ana", 2, "hello"),
        ("zoe", 2, "hello"),
    ]


def found_by_verify() -> str:
    return " ".join(problem for check in checks.CHECKS.values() for problem in check()[1])


@pytest.mark.rule("S1")
@pytest.mark.rule("S3")
def test_verify_finds_wrong_counts_and_overlaps(app: Flask) -> None:
    shift, person = make_shift(capacity=5), make_person()
    with transaction():
        sign_up(shift.id, by=person, party_size=2)
    assert found_by_verify() == ""
    position = shift.positions[0]
    update(Position, position.id, taken=3)
    assert "says 3 of 5 taken, its places are for 2" in found_by_verify()
    update(Position, position.id, taken=2)
    other = make_shift(days=20)
    with transaction():
        sign_up(other.id, by=person)
    assert found_by_verify() == ""
    update(Shift, other.id, starts_at=shift.starts_at, ends_at=shift.ends_at)
    assert "at the same time" in found_by_verify()
