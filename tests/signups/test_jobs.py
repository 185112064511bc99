"""Mails about places: what they say, what they carry and what they never carry."""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo
from collections.abc import Callable

import icalendar
import pytest
import time_machine
from flask import Flask

from app.accounts.models import Person
from app.core.clock import now, today
from app.core.db import db, transaction
from app.needs.models import Need, PrivateAddress, Shift
from app.needs.operations import PositionInput, ShiftInput, cancel_shift, edit_shift
from app.signups.models import Signup
from app.signups.operations import cancel_signup, sign_up
from tests.conftest import CheckingClient
from tests.factories import make_member, make_need, make_organization, make_person, make_shift
from tests.smtp import Mailbox, attachments_of, html_of, text_of

Work = Callable[[], dict[str, int]]
STREET = "12 Hidden Lane"


def in_the_afternoon(days: int) -> dict[str, dt.datetime]:
    """Begin and end of a shift at two, so many days from now on the clock of its place: a day before, nobody is asleep."""
    day = today("America/New_York") + dt.timedelta(days=days)
    starts_at = dt.datetime.combine(day, dt.time(14), zoneinfo.ZoneInfo("America/New_York")).astimezone(dt.UTC)
    return {"starts_at": starts_at, "ends_at": starts_at + dt.timedelta(hours=3)}


def private_need() -> Need:
    need = make_need(private_address=True, title="Open the shelter")
    with transaction():
        db.session.add(PrivateAddress(need_id=need.id, address=STREET, postal_code="07199"))
    return need


def place(shift: Shift, person: Person, **values: int) -> Signup:
    with transaction():
        return sign_up(shift.id, by=person, **values)


def calendar(box: Mailbox, number: int = -1) -> tuple[str, icalendar.Event]:
    # The staff's own mails about it carry no file.
    [(content_type, content)] = attachments_of([mail for mail in box.messages if attachments_of(mail)][number])
    file = icalendar.Calendar.from_ical(content)
    [event] = file.walk("VEVENT")
    assert f'method="{file["METHOD"]}"' in content_type or f"method={file['METHOD']}" in content_type
    return str(file["METHOD"]), event


@pytest.mark.rule("M1")
def test_a_place_is_confirmed_by_one_mail(app: Flask, mailbox: Mailbox, work_off: Work) -> None:
    person = make_person(name="Ana Öz <b>")
    shift = make_shift(make_need(title="Sort & pack"))
    place(shift, person, party_size=3)
    assert mailbox.messages == []
    assert work_off() == {"done": 1, "failed": 0, "left": 0}
    assert work_off()["done"] == 0
    [message] = mailbox.to(person.email)
    assert message["Subject"] == "Your place: Sort & pack"
    assert "You and 2 others" in text_of(message)
    assert "Ana Öz <b>" in text_of(message)
    assert "Ana Öz &lt;b&gt;" in html_of(message)


@pytest.mark.rule("M1")
def test_what_is_rolled_back_is_not_mailed(app: Flask, mailbox: Mailbox, work_off: Work) -> None:
    shift, person = make_shift(), make_person()

    def fail() -> None:
        with transaction():
            sign_up(shift.id, by=person)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    work_off()
    assert mailbox.messages == []


@pytest.mark.rule("M3")
def test_the_calendar_follows_the_place(app: Flask, mailbox: Mailbox, work_off: Work) -> None:
    organization = make_organization()
    owner = make_member(organization, "owner")
    shift = make_shift(make_need(organization))
    signup = place(shift, make_person())
    work_off()
    method, event = calendar(mailbox)
    assert method == "PUBLISH"
    assert event["STATUS"] == "CONFIRMED"
    assert event.decoded("DTSTART") == shift.starts_at
    assert b"Z" in event["DTSTART"].to_ical()
    uid, sequence = event["UID"], event["SEQUENCE"]

    later = shift.starts_at + dt.timedelta(days=1)
    values = ShiftInput(
        positions=(PositionInput(capacity=10),), starts_at=later, ends_at=later + dt.timedelta(hours=2), contact="none"
    )
    with transaction():
        edit_shift(shift.id, values, by=owner)
    work_off()
    work_off()
    method, event = calendar(mailbox)
    assert (method, event["UID"]) == ("PUBLISH", uid)
    assert event["SEQUENCE"] > sequence
    assert event.decoded("DTSTART") == later
    sequence = event["SEQUENCE"]

    with transaction():
        cancel_signup(signup.id, by=signup.person)
    work_off()
    method, event = calendar(mailbox)
    assert (method, event["UID"], event["STATUS"]) == ("CANCEL", uid, "CANCELLED")
    assert event["SEQUENCE"] > sequence


@pytest.mark.rule("N6")
def test_no_mail_carries_a_private_address(app: Flask, mailbox: Mailbox, work_off: Work) -> None:
    shift = make_shift(private_need(), **in_the_afternoon(2))
    signup = place(shift, make_person())
    work_off()
    with time_machine.travel(shift.starts_at - dt.timedelta(hours=20), tick=False):
        work_off()
    with transaction():
        cancel_signup(signup.id, by=signup.person)
    work_off()
    assert mailbox.subjects() == [
        "Your place: Open the shelter",
        "Reminder: Open the shelter",
        "Your place is cancelled: Open the shelter",
    ]
    for message in mailbox.messages:
        whole = text_of(message) + html_of(message) + "".join(body.decode() for _type, body in attachments_of(message))
        assert "Hidden" not in whole
        assert "07199" not in whole
        assert "Newark" in whole


def test_the_reminder_comes_the_day_before_and_only_for_a_place_that_stands(
    app: Flask, mailbox: Mailbox, work_off: Work
) -> None:
    shift = make_shift(**in_the_afternoon(7))
    stays, leaves = place(shift, make_person()), place(shift, make_person())
    with transaction():
        cancel_signup(leaves.id, by=leaves.person)
    work_off()
    mailbox.messages.clear()
    with time_machine.travel(shift.starts_at - dt.timedelta(hours=24, minutes=1), tick=False):
        assert work_off()["done"] == 0
    with time_machine.travel(shift.starts_at - dt.timedelta(hours=23), tick=False):
        work_off()
    assert [message["To"] for message in mailbox.messages] == [stays.person.email]
    assert mailbox.subjects()[0].startswith("Reminder")


def test_a_moved_shift_reminds_once_before_its_new_time(app: Flask, mailbox: Mailbox, work_off: Work) -> None:
    organization = make_organization()
    owner = make_member(organization, "owner")
    shift = make_shift(make_need(organization), days=3)
    place(shift, make_person())
    later = in_the_afternoon(9)["starts_at"]
    values = ShiftInput(
        positions=(PositionInput(capacity=10),), starts_at=later, ends_at=later + dt.timedelta(hours=2), contact="none"
    )
    with transaction():
        edit_shift(shift.id, values, by=owner)
    work_off()
    work_off()
    mailbox.messages.clear()
    with time_machine.travel(later - dt.timedelta(hours=23), tick=False):
        work_off()
    assert len([subject for subject in mailbox.subjects() if subject.startswith("Reminder")]) == 1


@pytest.mark.rule("S6")
def test_a_cancelled_shift_tells_everyone_on_it(app: Flask, mailbox: Mailbox, work_off: Work) -> None:
    organization = make_organization()
    owner = make_member(organization, "owner")
    shift = make_shift(make_need(organization), capacity=5)
    signups = [place(shift, make_person()) for _number in range(3)]
    work_off()
    mailbox.messages.clear()
    with transaction():
        cancel_shift(shift.id, by=owner)
    work_off()
    work_off()
    assert sorted(message["To"] for message in mailbox.messages) == sorted(signup.person.email for signup in signups)
    assert {calendar(mailbox, number)[0] for number in range(3)} == {"CANCEL"}
    assert {signup.status for signup in signups} == {"cancelled"}
    assert shift.positions[0].taken == 0
    assert work_off()["done"] == 0


@pytest.mark.rule("S6")
@pytest.mark.rule("G1")
def test_a_changed_shift_asks_the_gate_again_and_tells_everyone(app: Flask, mailbox: Mailbox, work_off: Work) -> None:
    organization = make_organization()
    owner = make_member(organization, "owner")
    shift = make_shift(make_need(organization), capacity=5)
    known, unknown = place(shift, make_person()), place(shift, make_person(birth_date=None))
    work_off()
    mailbox.messages.clear()
    values = ShiftInput(
        positions=(PositionInput(capacity=5),),
        starts_at=shift.starts_at,
        ends_at=shift.ends_at,
        contact="none",
        minimum_age=18,
    )
    with transaction():
        edit_shift(shift.id, values, by=owner)
    work_off()
    work_off()
    assert known.status == "confirmed"
    assert unknown.status == "cancelled"
    assert shift.positions[0].taken == 1
    [told_to_stay] = mailbox.to(known.person.email)
    assert "Your place stands" in text_of(told_to_stay)
    [told_to_go] = mailbox.to(unknown.person.email)
    assert "aged 18 or older" in text_of(told_to_go)


@pytest.mark.rule("M1")
def test_a_late_confirmation_never_calls_a_cancelled_place_confirmed(
    app: Flask, mailbox: Mailbox, work_off: Work
) -> None:
    signup = place(make_shift(), make_person())
    with transaction():
        cancel_signup(signup.id, by=signup.person)
    work_off()
    assert len(mailbox.messages) == 2
    for number, message in enumerate(mailbox.messages):
        assert "is confirmed" not in text_of(message)
        assert calendar(mailbox, number)[0] == "CANCEL"


@pytest.mark.rule("M1")
def test_a_server_that_says_later_is_tried_again_and_nothing_comes_twice(
    app: Flask, mailbox: Mailbox, work_off: Work
) -> None:
    answers = iter(["451 later", "451 later"])
    mailbox.before_answer = lambda _message: next(answers, None)
    place(make_shift(), make_person())
    assert work_off() == {"done": 0, "failed": 1, "left": 1}
    assert work_off() == {"done": 0, "failed": 1, "left": 1}
    assert work_off() == {"done": 1, "failed": 0, "left": 0}
    assert len(mailbox.messages) == 1


def test_the_mail_about_a_place_given_back_leads_back_without_a_session_while_that_goes(
    app: Flask, client: CheckingClient, mailbox: Mailbox, work_off: Work
) -> None:
    person, shift = make_person(), make_shift()
    with transaction():
        signup = sign_up(shift.id, by=person)
    work_off()
    with transaction():
        cancel_signup(signup.id, by=person)
    work_off()
    mail = mailbox.to(person.email)[-1]
    assert "Take it back until" in text_of(mail)
    found = re.search(r"http://localhost(/places/\S+)", text_of(mail))
    assert found is not None
    assert found.group(1) in html_of(mail)
    assert "Undo" in client.get(found.group(1)).text
    assert client.post(f"{found.group(1)}/undo", csrf=False).status_code == 303
    assert signup.status == "confirmed"
    with transaction():
        cancel_signup(signup.id, by=person)
    with time_machine.travel(now() + dt.timedelta(minutes=16), tick=False):
        work_off()
    assert "/places/" not in text_of(mailbox.to(person.email)[-1]), "no way back is offered that is none"
