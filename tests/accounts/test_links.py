"""Links by mail instead of passwords: signing in, another address, a guest's account; and what was begun before."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from urllib.parse import unquote

import pytest
import sqlalchemy as sa
import time_machine

from app.accounts.feeds import find_feed_token
from app.accounts.models import ApiToken, LinkToken, Person
from app.accounts.operations import change_password, create_token, make_link
from app.accounts.passwords import hash_password
from app.core.clock import now
from app.core.db import db, transaction
from app.core.ids import encode_id
from tests.conftest import CheckingClient
from tests.factories import make_item, make_person
from tests.smtp import Mailbox, text_of

Work = Callable[[], dict[str, int]]
SignIn = Callable[..., CheckingClient]
PASSWORD = "seven green bicycles"


def link_in(mailbox: Mailbox, address: str) -> str:
    found = re.search(r"http://localhost(/(?:[a-z]+-)*[a-z]+/[0-9a-f]{64}\S*)", text_of(mailbox.to(address)[-1]))
    assert found is not None
    return found.group(1)


def signed_in_as(client: CheckingClient) -> str:
    found = re.search(r'name="name"[^>]*value="([^"]*)"', client.get("/profile").text)
    return "" if found is None else found.group(1)


def test_a_link_signs_in_once_by_its_button_and_leads_on(
    client: CheckingClient, new_client: Callable[[], CheckingClient], mailbox: Mailbox, work_off: Work
) -> None:
    person = make_person(name="Ana", email_verified_at=None)
    way = "/needs?near=Newark"
    client.post("/sign-in/link?next=/needs?near%3DNewark", data={"email": person.email.upper()})
    work_off()
    link = link_in(mailbox, person.email)
    assert client.get(link).status_code == 200
    assert signed_in_as(client) == ""
    answer = client.post(link)
    assert (answer.status_code, answer.location) == (303, way)
    assert signed_in_as(client) == "Ana"
    assert person.is_email_verified
    assert new_client().post(link).status_code == 410


def test_the_link_to_sign_in_dies_after_half_an_hour_and_with_a_suspension(
    client: CheckingClient, mailbox: Mailbox, work_off: Work
) -> None:
    person = make_person()
    client.post("/sign-in/link", data={"email": person.email})
    work_off()
    link = link_in(mailbox, person.email)
    with time_machine.travel(now() + dt.timedelta(minutes=31)):
        assert client.get(link).status_code == 410
    with transaction():
        db.session.get_one(Person, person.id).status = "suspended"
    assert client.post(link).status_code == 410
    assert signed_in_as(client) == ""


def test_links_are_forgotten_a_week_after_they_could_open_anything(client: CheckingClient, work_off: Work) -> None:
    person = make_person(email_verified_at=None)
    with transaction():
        used, _expires, _waits = (
            make_link(person, purpose, promise=str(number))
            for number, purpose in enumerate(("verify_email", "sign_in", "verify_email"))
        )
    # It leads on to another one, to a first password.
    client.post(f"/verify-email/{used}")
    for days, left in ((6, 4), (8, 1), (15, 0)):
        with time_machine.travel(now() + dt.timedelta(days=days)):
            work_off()
            assert db.session.query(LinkToken).count() == left


@pytest.mark.parametrize("way_in", ["verify-email", "sign-in", "both registered"])
def test_whoever_registered_an_address_first_is_out_when_its_owner_comes(
    client: CheckingClient, new_client: Callable[[], CheckingClient], mailbox: Mailbox, work_off: Work, way_in: str
) -> None:
    account = {"name": "Ana", "email": "ana@example.org", "password": PASSWORD}
    squatter, elsewhere = new_client(), "twelve quiet harbours"
    squatter.post("/register", data=account)
    squatter.post("/sign-in", data=account)
    squatter.post("/my-help/calendar", data={})
    squatter.post("/profile/email", data={"email": "thief@example.org"})
    person = db.session.scalars(sa.select(Person)).one()
    feed = find_feed_token(person.id)
    with transaction():
        create_token(person, scopes=["signups:read"])
    assert feed is not None
    work_off()
    first = link_in(mailbox, person.email)
    if way_in == "both registered":
        client.post("/register", data={**account, "password": elsewhere})
    elif way_in == "sign-in":
        client.post("/sign-in/link", data={"email": person.email})
        work_off()
        first = link_in(mailbox, person.email)
    answer = client.post(first)
    assert answer.status_code == 303
    assert signed_in_as(client) == "Ana"
    assert person.is_email_verified
    # What was opened with the password of somebody who never showed that the address is theirs is dead.
    assert signed_in_as(squatter) == ""
    assert squatter.post("/sign-in", data=account).status_code == 422
    assert squatter.get(f"/my-help/calendar/{feed}.ics").status_code == 404
    assert squatter.post(link_in(mailbox, "thief@example.org")).status_code == 410
    assert db.session.scalars(sa.select(ApiToken.revoked_at)).one() is not None
    if way_in != "sign-in":
        # They are asked for a password of their own.
        assert answer.location.startswith("/reset-password/")
        assert client.post(answer.location, data={"password": elsewhere}).status_code == 303
        assert signed_in_as(client) == "Ana"


def test_whoever_registered_keeps_their_password_where_they_registered_or_are_signed_in(
    client: CheckingClient, new_client: Callable[[], CheckingClient], mailbox: Mailbox, work_off: Work
) -> None:
    account = {"name": "Ana", "email": "ana@example.org", "password": PASSWORD}
    client.post("/register", data=account)
    other = {**account, "email": "bea@example.org"}
    phone = new_client()
    new_client().post("/register", data=other)
    phone.post("/sign-in", data=other)
    work_off()
    for browser, email in ((client, "ana@example.org"), (phone, "bea@example.org")):
        answer = browser.post(link_in(mailbox, email))
        assert (answer.status_code, answer.location) == (303, "/my-help")
        assert signed_in_as(browser) == "Ana"
        browser.post("/sign-out")
        assert browser.post("/sign-in", data={"email": email, "password": PASSWORD}).status_code == 303


def test_a_new_password_ends_the_calendar_and_one_by_a_link_the_tokens_too(
    client: CheckingClient, mailbox: Mailbox, work_off: Work, sign_in: SignIn
) -> None:
    person = make_person(password_hash=hash_password(PASSWORD))
    with transaction():
        create_token(person, scopes=["signups:read"])
    sign_in(person)
    for by_link in (False, True):
        client.post("/my-help/calendar", data={})
        feed = find_feed_token(person.id)
        if by_link:
            client.post("/forgotten-password", data={"email": person.email})
            work_off()
            client.post(link_in(mailbox, person.email), data={"password": "eight blue tricycles"})
        else:
            page = client.get("/profile/password").text
            assert "Your calendar gets no address any more" in page
            client.post("/profile/password", data={"current": PASSWORD, "password": "nine red rowing boats"})
        assert client.get(f"/my-help/calendar/{feed}.ics").status_code == 404
        assert (db.session.scalars(sa.select(ApiToken.revoked_at)).one() is not None) == by_link
        assert client.get("/my-help/calendar").status_code == 200, "this browser stays signed in"


def test_asking_for_a_link_tells_nobody_who_has_an_account(
    client: CheckingClient, new_client: Callable[[], CheckingClient], mailbox: Mailbox, work_off: Work
) -> None:
    person = make_person()
    known = client.post("/sign-in/link", data={"email": person.email})
    unknown = new_client().post("/sign-in/link", data={"email": "nobody@example.org"})
    assert (known.status_code, known.location) == (unknown.status_code, unknown.location)
    work_off()
    assert len(mailbox.messages) == 1


def test_a_slip_in_the_address_is_corrected_before_it_was_proved(
    client: CheckingClient, mailbox: Mailbox, work_off: Work, sign_in: SignIn
) -> None:
    client.post("/register", data={"name": "Ana", "email": "ana@exmaple.org", "password": PASSWORD})
    client.post("/sign-in", data={"email": "ana@exmaple.org", "password": PASSWORD})
    assert "correct your address" in client.get("/verify-email").text
    assert client.post("/profile/email", data={"email": "ana@example.org"}).status_code == 303
    work_off()
    assert not [message for message in mailbox.to("ana@exmaple.org") if "changed" in message["Subject"]]
    link = link_in(mailbox, "ana@example.org")
    person = db.session.query(Person).one()
    assert person.email == "ana@exmaple.org"
    assert client.post(link).status_code == 303
    assert (person.email, person.is_email_verified) == ("ana@example.org", True)
    assert client.get("/my-help").status_code == 200
    assert client.post(link).status_code == 410


def test_the_present_address_hears_of_another_and_a_taken_one_is_not_told_of(
    client: CheckingClient, mailbox: Mailbox, work_off: Work, sign_in: SignIn
) -> None:
    person, other = make_person(), make_person(password_hash=hash_password(PASSWORD))
    sign_in(person)
    free = client.post("/profile/email", data={"email": "new@example.org"})
    taken = client.post("/profile/email", data={"email": other.email})
    assert (free.status_code, free.location) == (taken.status_code, taken.location)
    work_off()
    assert [str(message["Subject"]) for message in mailbox.to(person.email)] == ["Your address is to be changed"] * 2
    assert [str(message["Subject"]) for message in mailbox.to(other.email)] == ["You have an account already"]
    # The first link died with the second.
    assert mailbox.to("new@example.org") == []
    assert client.post("/profile/email", data={"email": person.email}).status_code == 422


def test_a_new_password_stops_the_change_of_address_that_somebody_else_asked_for(
    client: CheckingClient, mailbox: Mailbox, work_off: Work, sign_in: SignIn
) -> None:
    person = make_person(password_hash=hash_password(PASSWORD))
    sign_in(person)
    client.post("/profile/email", data={"email": "thief@example.org"})
    work_off()
    link = link_in(mailbox, "thief@example.org")
    assert client.get(link).status_code == 200
    assert "/forgotten-password" in text_of(mailbox.to(person.email)[0])
    with transaction():
        change_password(person.id, current=PASSWORD, password="eight blue tricycles")
    assert client.get(link).status_code == 410
    assert client.post(link).status_code == 410


@pytest.mark.rule("S10")
def test_whoever_has_no_password_yet_gets_the_way_to_one_by_registering(
    client: CheckingClient, mailbox: Mailbox, work_off: Work
) -> None:
    guest = make_person(email_verified_at=None, name="Gus")
    client.post("/register", data={"name": "Gus", "email": guest.email, "password": PASSWORD})
    assert guest.password_hash is None
    work_off()
    [message] = mailbox.to(guest.email)
    assert message["Subject"] == "Finish your account"
    link = link_in(mailbox, guest.email)
    page = client.get(link).text
    assert "<h1>Finish your account</h1>" in page
    # Whoever staff wrote down, or proved an address elsewhere than they registered, was no guest.
    assert "guest" not in page
    assert "guest" not in text_of(message)
    assert client.post(link, data={"password": PASSWORD}).status_code == 303
    client.post("/sign-in", data={"email": guest.email, "password": PASSWORD})
    assert signed_in_as(client) == "Gus"


def test_registering_leads_back_to_what_was_begun_with_what_was_typed(
    client: CheckingClient, mailbox: Mailbox, work_off: Work
) -> None:
    item = make_item()
    way = f"/items/{encode_id(item.id)}/pledge"
    sent = client.post(way, data={"quantity": "7", "note": "With the blue van"})
    assert (sent.status_code, unquote(sent.location)) == (303, f"/sign-in?next={way}")
    client.post(f"/register?next={way}", data={"name": "Ana", "email": "ana@example.org", "password": PASSWORD})
    work_off()
    link = link_in(mailbox, "ana@example.org")
    answer = client.post(link)
    assert (answer.status_code, answer.location) == (303, way)
    form = client.get(answer.location).text
    assert re.search(r'name="quantity"[^>]*value="7"', form)
    assert "With the blue van" in form
    assert signed_in_as(client) == "Ana"


def test_what_was_typed_before_the_session_ended_is_in_the_form_afterwards_once(
    client: CheckingClient, sign_in: SignIn
) -> None:
    person = make_person(name="Ana")
    typed = {"name": "Ana Maria", "place": "Newark, NJ", "password": "secret of mine"}
    sent = client.post("/profile", data=typed)
    assert sent.location == "/sign-in?next=%2Fprofile"
    with client.session_transaction() as session:
        assert "secret of mine" not in str(dict(session))
    sign_in(person)
    assert 'value="Ana Maria"' in client.get("/profile").text
    assert 'value="Ana Maria"' not in client.get("/profile").text
    assert person.name == "Ana"


def test_a_link_never_leads_to_another_site(client: CheckingClient, mailbox: Mailbox, work_off: Work) -> None:
    person = make_person()
    client.post("/sign-in/link?next=https://evil.example/x", data={"email": person.email})
    work_off()
    link = link_in(mailbox, person.email)
    assert "evil" not in link
    assert client.post(f"{link}?next=//evil.example/x").location == "/my-help"
