"""Signing up without an account (S10), and a place by the link in a mail."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

import pytest
import time_machine
from flask import Flask

from app.accounts.models import Person
from app.accounts.passwords import hash_password
from app.core.clock import now
from app.core.db import db, transaction
from app.core.errors import Refused
from app.core.ids import encode_id
from app.needs.models import Position, Shift
from app.signups import holds
from app.signups.checks import check_capacity
from app.signups.jobs import free_holds
from app.signups.models import GuestHold, Signup
from app.signups.operations import sign_up
from tests.conftest import CheckingClient
from tests.factories import make_member, make_need, make_person, make_shift
from tests.smtp import Mailbox, attachments_of, text_of

Work = Callable[[], dict[str, int]]
SignIn = Callable[..., CheckingClient]
GAIL = {"name": "Gail", "email": "Gail@Example.org", "birth_date": "1990-05-17", "party_size": "2"}
ADULT = dt.date(1990, 5, 17)


def path(shift: Shift) -> str:
    return f"/shifts/{encode_id(shift.id)}/sign-up"


def taken(shift: Shift) -> int:
    return db.session.query(Position.taken).filter_by(shift_id=shift.id).scalar() or 0


def link_in(mailbox: Mailbox, address: str, start: str, number: int = -1) -> str:
    found = re.search(rf"http://localhost({start}\S+)", text_of(mailbox.to(address)[number]))
    assert found is not None, text_of(mailbox.to(address)[number])
    return found.group(1)


@pytest.mark.rule("S10")
@pytest.mark.rule("T1")
def test_a_guest_holds_a_place_confirms_it_and_gives_it_back_without_an_account(
    client: CheckingClient, mailbox: Mailbox, work_off: Work
) -> None:
    shift = make_shift(make_need(title="Sort boxes"), capacity=3)
    page = client.get(path(shift))
    assert page.status_code == 200
    sent = client.post(path(shift), data=GAIL)
    assert sent.status_code == 303
    held = client.get(sent.location)
    assert "gail@example.org" in held.text
    # Fifteen minutes before midnight is another day: the day and the zone are said (T1).
    assert re.search(r"Your place is held until [A-Z][a-z]+day, [^<]* (am|pm) E[SD]T\.", held.text)
    assert held.headers["Cache-Control"] == "no-store"
    assert taken(shift) == 2
    assert db.session.query(Person).filter_by(email="gail@example.org").count() == 0
    work_off()
    link = link_in(mailbox, "gail@example.org", "/guests/confirm/")
    # A mail scanner follows the link; nothing happens before the button.
    assert client.get(link).status_code == 200
    assert db.session.query(Signup).count() == 0
    done = client.post(link, csrf=False)
    assert done.status_code == 303
    place = db.session.query(Signup).one()
    assert (place.status, place.party_size, place.person.is_email_verified) == ("confirmed", 2, True)
    assert place.person.password_hash is None
    assert taken(shift) == 2
    assert "Your place is confirmed" in client.get(done.location).text
    # Pressed twice, or opened again later: the same place.
    assert client.post(link, csrf=False).location == done.location
    assert client.get(link).location == done.location
    work_off()
    confirmation = mailbox.to("gail@example.org")[-1]
    assert attachments_of(confirmation)
    cancel = link_in(mailbox, "gail@example.org", "/places/")
    assert "Cancel my place" in client.get(cancel).text
    assert client.post(f"{cancel}/cancel", csrf=False).status_code == 303
    assert (place.status, taken(shift)) == ("cancelled", 0)
    assert "Undo" in client.get(cancel).text
    assert client.post(f"{cancel}/undo", csrf=False).status_code == 303
    assert (place.status, taken(shift)) == ("confirmed", 2)
    assert check_capacity()[1] == []


@pytest.mark.rule("S10")
def test_an_unconfirmed_hold_frees_itself_and_nothing_of_the_guest_is_kept(
    client: CheckingClient, mailbox: Mailbox, work_off: Work
) -> None:
    shift = make_shift(capacity=2)
    client.post(path(shift), data=GAIL)
    work_off()
    link = link_in(mailbox, "gail@example.org", "/guests/confirm/")
    assert taken(shift) == 2
    with time_machine.travel(now() + holds.HELD_FOR + dt.timedelta(seconds=1)):
        # Its time is over before anything sweeps: the link is dead at once.
        assert client.post(link, csrf=False).status_code == 409
        work_off()
    assert taken(shift) == 0
    hold = db.session.query(GuestHold).one()
    assert (hold.status, hold.name, hold.email, hold.birth_date, hold.note) == ("expired", "", "", None, "")
    assert db.session.query(Person).filter_by(email="gail@example.org").count() == 0
    assert client.post(link, csrf=False).status_code == 409


@pytest.mark.rule("S10")
@pytest.mark.rule("S1")
def test_a_held_place_is_taken_for_everybody_else(client: CheckingClient) -> None:
    shift = make_shift(capacity=3)
    client.post(path(shift), data=GAIL)
    person = make_person()
    with pytest.raises(Refused) as refused, transaction():
        sign_up(shift.id, by=person, party_size=2)
    assert [reason.code for reason in refused.value.reasons] == ["full"]
    assert client.post(path(shift), data={**GAIL, "email": "other@example.org"}).status_code == 409


@pytest.mark.rule("S10")
@pytest.mark.parametrize(
    ("changes", "birth_date", "said"),
    [
        ({"contact": "children"}, "1990-05-17", "asks something of whoever takes it"),
        ({"contact": "not_stated"}, "1990-05-17", "asks something of whoever takes it"),
        ({"minimum_age": 18}, "1990-05-17", "asks something of whoever takes it"),
        ({}, (now().date() - dt.timedelta(days=17 * 365)).isoformat(), "aged 18 or older"),
        ({}, (now().date() - dt.timedelta(days=10 * 365)).isoformat(), "kept nothing"),
        ({}, "2090-01-01", "birth date"),
        ({}, "", "birth date"),
    ],
)
def test_a_guest_is_adult_and_takes_only_what_asks_nothing(
    client: CheckingClient, changes: dict[str, object], birth_date: str, said: str
) -> None:
    shift = make_shift(**changes)
    answer = client.post(path(shift), data={**GAIL, "birth_date": birth_date})
    assert answer.status_code in (409, 422)
    assert said in answer.text
    assert taken(shift) == 0
    assert db.session.query(GuestHold).count() == 0


@pytest.mark.rule("S10")
@pytest.mark.rule("N6")
def test_a_private_address_is_not_for_guests(client: CheckingClient) -> None:
    shift = make_shift(make_need(private_address=True))
    answer = client.post(path(shift), data=GAIL)
    assert answer.status_code == 409
    assert "people with an account only" in answer.text


@pytest.mark.rule("S10")
def test_a_slip_in_the_address_is_corrected_and_the_place_stays_held(
    client: CheckingClient, mailbox: Mailbox, work_off: Work
) -> None:
    shift = make_shift(capacity=2)
    wrong = client.post(path(shift), data={**GAIL, "email": "gial@example.org"}).location
    work_off()
    old = link_in(mailbox, "gial@example.org", "/guests/confirm/")
    assert client.post(f"{wrong}/address", data={"email": "no address"}, csrf=False).status_code == 422
    right = client.post(f"{wrong}/address", data={"email": "gail@example.org"}, csrf=False)
    assert right.status_code == 303
    assert taken(shift) == 2
    assert client.post(old, csrf=False).status_code == 409
    assert "not held any more" in client.get(wrong).text
    work_off()
    assert client.post(link_in(mailbox, "gail@example.org", "/guests/confirm/"), csrf=False).status_code == 303
    # The mail comes again as often as the throttle lets it.
    other = client.post(path(make_shift()), data={**GAIL, "email": "new@example.org"}).location
    assert client.post(f"{other}/again", csrf=False).status_code == 303
    work_off()
    assert len(mailbox.to("new@example.org")) == 2


@pytest.mark.rule("S10")
def test_the_answer_tells_nobody_who_has_an_account_and_the_place_becomes_theirs(
    client: CheckingClient, new_client: Callable[[], CheckingClient], mailbox: Mailbox, work_off: Work
) -> None:
    shift = make_shift()
    known = make_person(email="ann@example.org", name="Ann", password_hash=hash_password("seven green bicycles"))
    busy = make_person(email="bob@example.org")
    other = make_shift(starts_at=shift.starts_at, ends_at=shift.ends_at)
    with transaction():
        sign_up(other.id, by=busy)
    pages = []
    for email in ("ann@example.org", "bob@example.org", "new@example.org"):
        browser = new_client()
        sent = browser.post(path(shift), data={**GAIL, "name": "Gail", "email": email, "party_size": "1"})
        assert sent.status_code == 303
        page = browser.get(sent.location).text.replace(email, "…")
        pages.append(re.sub(r"/guests/[^\"]+|until [^.]+\.|\d places? open|.hand.*", "", page))
    assert len({re.sub(r"<svg.*?</svg>|<b>.*?</b>", "", page, flags=re.DOTALL) for page in pages}) == 1
    work_off()
    client.post(link_in(mailbox, "ann@example.org", "/guests/confirm/"), csrf=False)
    place = db.session.query(Signup).filter_by(shift_id=shift.id).one()
    assert (place.person_id, place.person.name) == (known.id, "Ann")
    # Only the mailbox of the busy one learns what stands in the way.
    refused = client.post(link_in(mailbox, "bob@example.org", "/guests/confirm/"), csrf=False)
    assert refused.status_code == 409
    assert "another commitment" in refused.text


@pytest.mark.rule("S10")
def test_a_guest_who_registers_later_finds_the_place_in_the_account(
    client: CheckingClient, mailbox: Mailbox, work_off: Work
) -> None:
    shift = make_shift(make_need(title="Sort boxes"))
    client.post(path(shift), data=GAIL)
    work_off()
    client.post(link_in(mailbox, "gail@example.org", "/guests/confirm/"), csrf=False)
    password = "seven green bicycles"
    client.post("/register", data={"name": "Gail", "email": "gail@example.org", "password": password})
    work_off()
    link = link_in(mailbox, "gail@example.org", "/reset-password/")
    client.post(link, data={"password": password})
    client.post("/sign-in", data={"email": "gail@example.org", "password": password})
    assert "Sort boxes" in client.get("/my-help").text


@pytest.mark.rule("S10")
def test_a_password_that_nobody_proved_opens_nothing_of_the_guest(
    client: CheckingClient, mailbox: Mailbox, work_off: Work
) -> None:
    # Somebody registers with another's address and waits.
    password = "seven green bicycles"
    client.post("/register", data={"name": "Eve", "email": "gail@example.org", "password": password})
    shift = make_shift()
    client.post(path(shift), data=GAIL)
    work_off()
    client.post(link_in(mailbox, "gail@example.org", "/guests/confirm/"), csrf=False)
    assert client.post("/sign-in", data={"email": "gail@example.org", "password": password}).status_code == 422


def test_the_same_guest_again_takes_the_place_of_the_first_hold(client: CheckingClient) -> None:
    shift = make_shift(capacity=3)
    first = client.post(path(shift), data=GAIL).location
    second = client.post(path(shift), data={**GAIL, "party_size": "3"}).location
    assert taken(shift) == 3
    assert "not held any more" in client.get(first).text
    assert "held until" in client.get(second).text


@pytest.mark.rule("S11")
def test_a_guest_who_has_the_place_already_is_led_to_it_without_an_account(
    client: CheckingClient, mailbox: Mailbox, work_off: Work
) -> None:
    shift = make_shift(capacity=5)
    other = make_shift(capacity=5, starts_at=shift.starts_at, ends_at=shift.ends_at)
    for wanted in (shift, shift, other):
        client.post(path(wanted), data=GAIL)
        work_off()
        answer = client.post(link_in(mailbox, "gail@example.org", "/guests/confirm/"), csrf=False)
        if wanted is other:
            assert "Give it back by the link in the mail about it" in answer.text
        elif answer.status_code == 303:
            first = answer.location
        else:
            assert f'href="{first}"' in answer.text
            assert "Your place is confirmed" in client.get(first).text
        assert "/my-help" not in answer.text.partition("<main")[2]
    assert (taken(shift), db.session.query(Signup).count()) == (4, 1)


def test_holding_is_throttled_by_address_and_by_network(client: CheckingClient) -> None:
    shift = make_shift(capacity=None, flexible=True)
    answers = [client.post(path(shift), data=GAIL).status_code for _try in range(8)]
    assert answers[0] == 303
    assert answers[-1] == 409


def test_the_link_of_a_place_dies_with_the_address_and_shows_no_private_one(
    app: Flask, client: CheckingClient, mailbox: Mailbox, work_off: Work
) -> None:
    person, shift = make_person(), make_shift()
    with transaction():
        sign_up(shift.id, by=person)
    work_off()
    link = link_in(mailbox, person.email, "/places/")
    assert client.get(link).headers["Referrer-Policy"] == "no-referrer"
    assert client.get(f"{link}/calendar.ics").status_code == 200
    assert client.get(link.replace(".", ".x")).status_code == 404
    with transaction():
        db.session.get_one(Person, person.id).email = "new@example.org"
    assert client.get(link).status_code == 404
    assert client.post(f"{link}/cancel", csrf=False).status_code == 404


def test_the_staff_see_that_the_mail_to_a_guest_does_not_arrive(
    client: CheckingClient, sign_in: SignIn, mailbox: Mailbox, work_off: Work
) -> None:
    """As they see it of everybody on the roster; what the guest typed is on no other page, and gone with the hold."""
    shift = make_shift()
    organization = shift.need.organization
    with transaction():
        hold = holds.hold_places(shift.id, name="Gail", email="gail@example.org", birth_date=ADULT, party_size=2)
    mailbox.refused = {"gail@example.org": "452 mailbox full"}
    work_off()
    sign_in(make_member(organization, "coordinator"))
    roster = f"/manage/{organization.slug}/shifts/{encode_id(shift.id)}/roster"
    shown = " ".join(client.get(roster).text.split())
    assert "Mail does not reach Gail." in re.sub(r"</?bdi>|[\u2066-\u2069]", "", shown)
    assert "2 places are held for them until" in shown
    assert "gail@example.org" not in shown
    activity = client.get(f"/manage/{organization.slug}/activity").text
    assert "Our mail does not reach a guest for whom a place is held: <a href=" in activity
    assert "something that is gone" not in activity
    assert "Gail" not in activity
    waiting = f"/guests/{holds.page_token(hold)}"
    assert "Our mail to gail@example.org does not arrive" in client.get(waiting).text
    mailbox.refused = {}
    work_off()
    assert "Mail does not reach" not in client.get(roster).text
    assert "does not arrive" not in client.get(waiting).text
    assert "Our mail reaches the guest" in client.get(f"/manage/{organization.slug}/activity").text
    mailbox.refused = {"gail@example.org": "550 no such user"}
    with transaction():
        holds.send_again(hold.id)
    work_off()
    assert "Mail does not reach" in client.get(roster).text
    with time_machine.travel(hold.expires_at):
        free_holds()
        assert "Mail does not reach" not in client.get(roster).text
