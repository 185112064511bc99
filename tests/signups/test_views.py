"""Pages about one's place: all their states, as a browser without JavaScript meets them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

import icalendar
import pytest
import time_machine

from app.core.clock import now
from app.core.db import db, transaction
from app.core.ids import encode_id
from app.needs.models import Position, Shift
from app.signups.models import Signup
from app.signups.operations import cancel_signup, sign_up
from tests.conftest import CheckingClient
from tests.factories import make_need, make_organization, make_person, make_shift

SignIn = Callable[..., CheckingClient]


def path(shift: Shift) -> str:
    return f"/shifts/{encode_id(shift.id)}/sign-up"


def only_signup() -> Signup:
    return db.session.query(Signup).one()


def test_a_visitor_who_has_an_account_signs_in_and_comes_back(client: CheckingClient) -> None:
    shift = make_shift()
    page = client.get(path(shift)).text
    assert f'href="/sign-in?next={path(shift)}"' in page
    assert f'href="/register?next={path(shift)}"' in page


def test_from_the_form_to_my_help_and_back(client: CheckingClient, sign_in: SignIn) -> None:
    shift = make_shift(make_need(title="Sort boxes"), capacity=3)
    sign_in(make_person())
    page = client.get(path(shift))
    assert page.status_code == 200
    assert page.headers["Cache-Control"] == "no-store"
    assert "Sign up for Sort boxes" in page.text
    assert "3 places open" in page.text
    sent = client.post(path(shift), data={"party_size": "2", "note": "I bring\r\na drill"})
    assert (sent.status_code, sent.headers["Location"]) == (303, "/my-help")
    assert (only_signup().party_size, only_signup().note) == (2, "I bring\na drill")
    mine = client.get("/my-help")
    assert "Your place on “Sort boxes” is confirmed" in mine.text
    assert "you and 1 guest" in mine.text
    cancel = f"/signups/{encode_id(only_signup().id)}/cancel"
    assert f'href="{cancel}"' in mine.text
    again = client.get(path(shift))
    assert "You have a place on this shift" in again.text
    assert "<form" not in again.text
    assert "Cancel my place" in client.get(cancel).text
    gone = client.post(cancel)
    assert (gone.status_code, gone.headers["Location"]) == (303, "/my-help")
    assert only_signup().status == "cancelled"
    mine = client.get("/my-help")
    assert "You have promised nothing yet" in mine.text
    undo = f"/signups/{encode_id(only_signup().id)}/undo-cancel"
    assert f'action="{undo}"' in mine.text
    assert f'action="{undo}"' in client.get(cancel).text
    back = client.post(undo)
    assert (back.status_code, back.headers["Location"]) == (303, "/my-help")
    assert "is yours again" in client.get("/my-help").text
    db.session.rollback()
    place = only_signup()
    db.session.refresh(place)
    assert (place.status, place.party_size, place.note, place.sequence) == ("confirmed", 2, "I bring\na drill", 2)
    assert client.post(undo).status_code == 409, "there is nothing to undo"
    assert client.post(cancel).status_code == 303
    assert "already cancelled" in client.get(cancel).text
    assert client.post(cancel).status_code == 409


@pytest.mark.rule("S1")
@pytest.mark.rule("S6")
def test_undo_says_so_when_the_place_has_gone_or_it_is_too_late(client: CheckingClient, sign_in: SignIn) -> None:
    shift = make_shift(capacity=1)
    person = make_person()
    with transaction():
        signup = sign_up(shift.id, by=person)
    with transaction():
        cancel_signup(signup.id, by=person)
    undo = f"/signups/{encode_id(signup.id)}/undo-cancel"
    faster = make_person()
    with transaction():
        other = sign_up(shift.id, by=faster)
    sign_in(person)
    gone = client.post(undo)
    assert gone.status_code == 409
    assert "This shift is full" in gone.text
    with transaction():
        cancel_signup(other.id, by=faster)
    with time_machine.travel(now() + dt.timedelta(minutes=15), tick=False):
        late = client.post(undo)
    assert late.status_code == 409
    assert "too late to undo" in late.text
    assert client.post(undo).status_code == 303
    db.session.rollback()
    assert db.session.get_one(Position, shift.positions[0].id, populate_existing=True).taken == 1


@pytest.mark.rule("A4")
@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "Enter how many people come"),
        ("two", "Enter a whole number"),
        ("1.5", "Enter a whole number"),
        ("-3", "Choose between 1 and 50 people"),
        ("51", "Choose between 1 and 50 people"),
        ("9" * 400, "Enter a "),
        ("4", "Choose 3 people or fewer: 3 places are open."),
    ],
)
def test_a_party_that_cannot_be_is_said_at_its_field_and_kept(
    client: CheckingClient, sign_in: SignIn, typed: str, said: str
) -> None:
    shift = make_shift(capacity=3)
    sign_in(make_person())
    response = client.post(path(shift), data={"party_size": typed, "note": "keep me"})
    assert response.status_code in (409, 422)
    assert "<title>Error: " in response.text
    assert 'href="#party_size"' in response.text
    assert said in response.text
    assert "keep me" in response.text
    assert f'value="{typed}"' in response.text
    assert db.session.query(Signup).count() == 0


@pytest.mark.rule("A4")
def test_a_note_too_long_or_full_of_nul_is_no_error_of_the_server(client: CheckingClient, sign_in: SignIn) -> None:
    shift = make_shift()
    sign_in(make_person())
    response = client.post(path(shift), data={"party_size": "1", "note": "x" * 501})
    assert response.status_code == 422
    assert "500 characters or fewer" in response.text
    assert client.post(path(shift), data={"party_size": "1", "note": "a\x00b"}).status_code == 303
    assert only_signup().note == "ab"


@pytest.mark.rule("S11")
def test_whoever_cannot_sign_up_is_told_every_rule_and_sees_no_form(client: CheckingClient, sign_in: SignIn) -> None:
    shift = make_shift(capacity=0, minimum_age=18)
    sign_in(make_person(birth_date=None))
    page = client.get(path(shift))
    assert "To take this shift you need" in page.text
    assert "To be 18 or older on the day of the shift" in page.text
    assert "Add your birth date to your profile" in page.text
    assert "This shift is full" in page.text
    assert "<form" not in page.text
    refused = client.post(path(shift), data={"note": ""})
    assert refused.status_code == 409
    assert "This shift is full" in refused.text


@pytest.mark.rule("G1")
def test_the_form_of_a_shift_that_asks_anything_is_for_one(client: CheckingClient, sign_in: SignIn) -> None:
    shift = make_shift(minimum_age=18)
    sign_in(make_person())
    page = client.get(path(shift))
    assert 'name="party_size"' not in page.text
    assert re.search(r"<b>[^<]+[^.<]\.</b> You are\.", page.text)  # two sentences, not one
    assert client.post(path(shift), data={"party_size": "5", "note": ""}).status_code == 303
    assert only_signup().party_size == 1


def test_with_several_positions_one_is_chosen(client: CheckingClient, sign_in: SignIn) -> None:
    shift = make_shift(capacity=1, name="Driver")
    with transaction():
        cook = Position(shift_id=shift.id, name="Cook", capacity=2, sort=1)
        db.session.add(cook)
    chosen = {"party_size": "1", "note": "", "position": encode_id(cook.id), "act": "sign_in"}
    client.post(path(shift), data=chosen)
    sign_in(make_person())
    page = client.get(path(shift))
    assert re.findall(r'<input checked [^>]*value="(\w+)"', page.text) == [encode_id(cook.id)], (
        "chosen before signing in"
    )
    page = client.get(path(shift))
    assert "Driver: 1 of 1 open" in page.text
    assert "Cook: 2 of 2 open" in page.text
    assert re.findall(r'<input checked [^>]*value="(\w+)"', page.text) == [encode_id(shift.positions[0].id)]
    page = client.get(path(shift), query_string={"party_size": "2"})
    assert re.findall(r'<input checked [^>]*value="(\w+)"', page.text) == [encode_id(cook.id)], "where two have room"
    response = client.post(path(shift), data={"party_size": "1", "note": ""})
    assert response.status_code == 422
    assert "Choose what you would do" in response.text
    response = client.post(path(shift), data={"party_size": "1", "note": "", "position": "0" * 13})
    assert response.status_code == 422
    data = {"party_size": "1", "note": "", "position": encode_id(cook.id)}
    assert client.post(path(shift), data=data).status_code == 303
    assert only_signup().position_id == cook.id


@pytest.mark.rule("S4")
def test_a_shift_that_is_over_or_cancelled_says_so(client: CheckingClient, sign_in: SignIn) -> None:
    sign_in(make_person())
    assert "This shift is over" in client.get(path(make_shift(days=-2))).text
    assert "This shift is cancelled" in client.get(path(make_shift(status="cancelled"))).text


@pytest.mark.rule("N1")
def test_what_nobody_may_see_is_not_there(client: CheckingClient, sign_in: SignIn) -> None:
    sign_in(make_person())
    for need in (make_need(status="draft"), make_need(make_organization(verified_at=None))):
        shift = make_shift(need)
        assert client.get(path(shift)).status_code == 404
        assert client.post(path(shift), data={"party_size": "1", "note": ""}).status_code == 404


@pytest.mark.rule("S2")
def test_sending_the_form_twice_takes_one_place(client: CheckingClient, sign_in: SignIn) -> None:
    shift = make_shift()
    sign_in(make_person())
    assert client.post(path(shift), data={"party_size": "1", "note": ""}).status_code == 303
    second = client.post(path(shift), data={"party_size": "1", "note": ""})
    assert second.status_code == 409
    assert "You have a place on this shift" in second.text


@pytest.mark.rule("A1")
def test_nobody_sees_or_cancels_another_persons_place(client: CheckingClient, sign_in: SignIn) -> None:
    shift = make_shift()
    other = make_person()
    with transaction():
        signup = sign_up(shift.id, by=other)
    sign_in(make_person())
    for url in ("cancel", "calendar.ics"):
        assert client.get(f"/signups/{encode_id(signup.id)}/{url}").status_code == 404
    assert client.post(f"/signups/{encode_id(signup.id)}/cancel").status_code == 404
    assert only_signup().status == "confirmed"


def test_a_form_without_its_token_changes_nothing(client: CheckingClient, sign_in: SignIn) -> None:
    shift = make_shift()
    sign_in(make_person())
    assert client.post(path(shift), data={"party_size": "1", "note": ""}, csrf=False).status_code == 400
    assert db.session.query(Signup).count() == 0


@pytest.mark.rule("M3")
def test_ones_own_calendar_file(client: CheckingClient, sign_in: SignIn) -> None:
    shift = make_shift(make_need(title="Zwölf, Kisten; & mehr"))
    person = make_person()
    with transaction():
        signup = sign_up(shift.id, by=person)
    sign_in(person)
    url = f"/signups/{encode_id(signup.id)}/calendar.ics"
    response = client.get(url)
    assert response.mimetype == "text/calendar"
    [event] = icalendar.Calendar.from_ical(response.data).walk("VEVENT")
    assert str(event["SUMMARY"]) == "Zwölf, Kisten; & mehr"
    assert event.decoded("DTSTART") == shift.starts_at
    role = make_shift(flexible=True)
    with transaction():
        endless = sign_up(role.id, by=person)
    assert client.get(f"/signups/{encode_id(endless.id)}/calendar.ics").status_code == 404
    due = make_shift(flexible=True, due_on=dt.date(2099, 5, 1))
    with transaction():
        dated = sign_up(due.id, by=person)
    [event] = icalendar.Calendar.from_ical(client.get(f"/signups/{encode_id(dated.id)}/calendar.ics").data).walk(
        "VEVENT"
    )
    assert event.decoded("DTSTART") == dt.date(2099, 5, 1)


def test_after_the_end_a_place_stays_as_it_was(client: CheckingClient, sign_in: SignIn) -> None:
    shift = make_shift(days=1)
    person = make_person()
    with transaction():
        signup = sign_up(shift.id, by=person)
    sign_in(person)
    assert shift.ends_at is not None
    with time_machine.travel(shift.ends_at + dt.timedelta(hours=1), tick=False):
        url = f"/signups/{encode_id(signup.id)}/cancel"
        assert "This shift is over" in client.get(url).text
        assert client.post(url).status_code == 409
        assert "Given before" in client.get("/my-help").text
    assert only_signup().status == "confirmed"
