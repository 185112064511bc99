"""The private calendar (M3): what it tells, what it never tells, and how its address dies."""

from __future__ import annotations

import re
from collections.abc import Callable

import icalendar
import pytest
from flask import Flask

from app.accounts.models import Person
from app.core.db import db, transaction
from app.needs.models import PrivateAddress
from app.signups.operations import cancel_signup, sign_up
from tests.conftest import CheckingClient
from tests.factories import make_need, make_person, make_shift

SignIn = Callable[..., CheckingClient]
STREET = "12 Hidden Lane"


def address(client: CheckingClient) -> str:
    found = re.search(r'value="http://localhost(/my-help/calendar/[^"]+\.ics)"', client.get("/my-help/calendar").text)
    assert found is not None
    return found.group(1)


def events(client: CheckingClient, at: str) -> list[icalendar.Event]:
    answer = client.get(at)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store", "kept by nobody: who has the address reads it"
    return list(icalendar.Calendar.from_ical(answer.data).walk("VEVENT"))


@pytest.mark.rule("M3")
def test_the_calendar_has_every_place_and_strikes_what_was_given_back(
    app: Flask, sign_in: SignIn, client: CheckingClient, new_client: Callable[[], CheckingClient]
) -> None:
    person = make_person()
    kept, given_back = make_shift(make_need(title="Sort")), make_shift(days=9)
    undated = make_shift(flexible=True)
    with transaction():
        sign_up(kept.id, by=person)
        back = sign_up(given_back.id, by=person)
        sign_up(undated.id, by=person)
    sign_in(person)
    assert client.get("/my-help/calendar").status_code == 200
    assert client.post("/my-help/calendar").status_code == 303
    program = new_client()
    first = {str(event["UID"]): event for event in events(program, address(client))}
    assert sorted(str(event["STATUS"]) for event in first.values()) == ["CONFIRMED", "CONFIRMED"]
    with transaction():
        cancel_signup(back.id, by=person)
    second = {str(event["UID"]): event for event in events(program, address(client))}
    assert first.keys() == second.keys()
    changed = [uid for uid in first if str(second[uid]["STATUS"]) == "CANCELLED"]
    assert len(changed) == 1
    assert int(second[changed[0]]["SEQUENCE"]) > int(first[changed[0]]["SEQUENCE"])


@pytest.mark.rule("M3")
def test_the_address_dies_when_it_is_renewed_revoked_or_its_person_is_suspended(
    app: Flask, sign_in: SignIn, client: CheckingClient, new_client: Callable[[], CheckingClient]
) -> None:
    person, program = make_person(), new_client()
    sign_in(person)
    client.post("/my-help/calendar")
    old = address(client)
    assert program.get(old).status_code == 200
    client.post("/my-help/calendar")
    assert program.get(old).status_code == 404
    new = address(client)
    assert program.get(new[:-5] + "x.ics").status_code == 404
    with transaction():
        db.session.get_one(Person, person.id).status = "suspended"
    assert program.get(new).status_code == 404
    with transaction():
        db.session.get_one(Person, person.id).status = "active"
    assert program.get(new).status_code == 200
    client.post("/my-help/calendar", data={"off": "1"})
    assert program.get(new).status_code == 404


@pytest.mark.rule("N6")
@pytest.mark.rule("G7")
def test_an_exact_address_is_in_the_calendar_inside_its_window_only(
    app: Flask, sign_in: SignIn, client: CheckingClient, new_client: Callable[[], CheckingClient]
) -> None:
    person, program = make_person(), new_client()
    shifts = {}
    for days in (1, 5):
        need = make_need(private_address=True, title=f"In {days} days")
        with transaction():
            db.session.add(PrivateAddress(need_id=need.id, address=f"{days} {STREET}", postal_code="07199"))
        shifts[days] = make_shift(need, days=days)
    with transaction():
        soon = sign_up(shifts[1].id, by=person)
        sign_up(shifts[5].id, by=person)
    sign_in(person)
    client.post("/my-help/calendar")
    at = address(client)
    feed = program.get(at).text
    assert f"1 {STREET}" in feed
    assert f"5 {STREET}" not in feed
    with transaction():
        cancel_signup(soon.id, by=person)
    assert STREET not in program.get(at).text
