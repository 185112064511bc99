"""Registering, proving an address, signing in and new passwords, through the pages."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from argon2 import PasswordHasher
from flask import Flask

from app import create_app
from app.accounts import throttles
from app.accounts.models import LinkToken, Person
from app.accounts.passwords import hash_password
from app.core.clock import now
from app.core.db import Base, db, transaction
from app.core.outbox import Outbox
from tests.conftest import CheckingClient, close, make_settings, migrate
from tests.factories import make_person
from tests.smtp import Mailbox, text_of

Work = Callable[[], dict[str, int]]
PASSWORD = "seven green bicycles"
CHILD = {"name": "Zebulon Quill", "email": "zebulon@example.org", "password": PASSWORD}


def everything_kept() -> str:
    rows = [str(row) for table in Base.metadata.sorted_tables for row in db.session.execute(sa.select(table))]
    return "\n".join(rows).lower()


def tries_until_refused(client: CheckingClient, path: str, bodies: Iterator[dict[str, str]]) -> int:
    """How many were taken before the first 429."""
    return next(number for number, body in enumerate(bodies) if client.post(path, data=body).status_code == 429)


def link_in(mailbox: Mailbox, address: str) -> str:
    found = re.search(r"/(?:verify-email|reset-password)/[0-9a-f]+", text_of(mailbox.to(address)[-1]))
    assert found is not None
    return found.group()


def test_a_link_proves_the_address_once_by_its_button(client: CheckingClient, mailbox: Mailbox, work_off: Work) -> None:
    client.post("/register", data={"name": "Ana", "email": "Ana@Example.org", "password": PASSWORD})
    person = db.session.scalars(sa.select(Person)).one()
    assert (person.email, person.birth_date, person.email_verified_at) == ("ana@example.org", None, None)
    work_off()
    link = link_in(mailbox, person.email)
    assert link.rpartition("/")[2] not in everything_kept()
    assert client.get(link).status_code == 200
    assert not person.is_email_verified
    assert client.post(link).status_code == 303
    assert person.is_email_verified
    assert client.post(link).status_code == 410


@pytest.mark.parametrize("case", ["expired", "moved"])
def test_a_link_that_is_late_or_of_another_address_is_refused(
    client: CheckingClient, mailbox: Mailbox, work_off: Work, case: str
) -> None:
    client.post("/register", data={"name": "Ana", "email": "ana@example.org", "password": PASSWORD})
    work_off()
    link = link_in(mailbox, "ana@example.org")
    with transaction():
        row = db.session.scalars(sa.select(LinkToken)).one()
        if case == "expired":
            row.expires_at = now() - dt.timedelta(seconds=1)
        else:
            row.email = "other@example.org"
    assert client.post(link).status_code == 410
    assert not db.session.scalars(sa.select(Person)).one().is_email_verified


@pytest.mark.rule("G4")
def test_of_a_child_nothing_is_kept(client: CheckingClient) -> None:
    before = everything_kept()
    born = (now() - dt.timedelta(days=12 * 365)).date().isoformat()
    answer = client.post("/register", data={**CHILD, "birth_date": born})
    assert answer.status_code == 422
    assert "13 or older" in answer.text
    assert everything_kept() == before


@pytest.mark.parametrize("path", ["/register", "/sign-in", "/forgotten-password"])
def test_known_and_unknown_addresses_get_the_same_answer_statements_and_hashing(
    app: Flask,
    new_client: Callable[[], CheckingClient],
    count_queries: list[str],
    monkeypatch: pytest.MonkeyPatch,
    path: str,
) -> None:
    make_person(email="known@example.org", password_hash=hash_password(PASSWORD))
    new_client().post("/sign-in", data={"email": "first@example.org", "password": "whoever comes first"})
    hashed: list[str] = []
    for name in ("hash", "verify"):
        of_argon2 = getattr(PasswordHasher, name)
        monkeypatch.setattr(PasswordHasher, name, _noting(hashed, name, of_argon2))
    answers = []
    for email in ("known@example.org", "nobody@example.org"):
        browser = new_client()
        count_queries.clear()
        hashed.clear()
        data = {"name": "Ana", "email": email, "password": "not the one at all"}
        answer = browser.post(path, data=data)
        text = re.sub(r'name="csrf_token"[^>]*>', "", answer.text).replace(email, "")
        answers.append((answer.status_code, answer.location, text, list(count_queries), list(hashed)))
    assert answers[0] == answers[1]
    assert answers[0][3]
    assert answers[0][4] == {"/register": ["hash"], "/sign-in": ["verify"], "/forgotten-password": []}[path]


def _noting(calls: list[str], name: str, of_argon2: Callable[..., Any]) -> Callable[..., Any]:
    def noted(*arguments: Any) -> Any:
        calls.append(name)
        return of_argon2(*arguments)

    return noted


def test_a_reset_password_ends_every_session(
    client: CheckingClient,
    new_client: Callable[[], CheckingClient],
    sign_in: Callable[..., CheckingClient],
    mailbox: Mailbox,
    work_off: Work,
) -> None:
    person = make_person()
    other = sign_in(person, new_client())
    client.post("/forgotten-password", data={"email": person.email})
    work_off()
    assert client.post(link_in(mailbox, person.email), data={"password": PASSWORD}).status_code == 303
    assert other.get("/profile").status_code == 303
    assert client.post("/sign-in", data={"email": person.email, "password": PASSWORD}).status_code == 303
    assert client.get("/profile").status_code == 200


def test_a_changed_password_keeps_this_browser_only(
    client: CheckingClient, new_client: Callable[[], CheckingClient], sign_in: Callable[..., CheckingClient]
) -> None:
    person = make_person(password_hash=hash_password(PASSWORD))
    sign_in(person)
    other = sign_in(person, new_client())
    client.post("/profile/password", data={"current": PASSWORD, "password": "eight blue tricycles"})
    assert client.get("/profile").status_code == 200
    assert other.get("/profile").status_code == 303


@pytest.mark.rule("A5")
def test_sign_in_is_throttled_until_the_window_ends(client: CheckingClient) -> None:
    person = make_person(password_hash=hash_password(PASSWORD))
    wrong, right = ({"email": person.email, "password": word} for word in ("not this one", PASSWORD))
    with time_machine.travel(now(), tick=False) as clock:
        assert [client.post("/sign-in", data=wrong).status_code for _try in range(10)] == [422] * 10
        assert client.post("/sign-in", data=right).status_code == 429
        clock.shift(dt.timedelta(minutes=15))
        assert client.post("/sign-in", data=right).status_code == 303
    assert person.email not in str(db.session.execute(sa.text("SELECT * FROM throttle")).all())


@pytest.mark.rule("A5")
@pytest.mark.parametrize(
    ("tries_from", "other"),
    [("2001:db8:2:2::{:x}", "2001:db8:1:1::1"), ("::ffff:203.0.113.9", "::ffff:203.0.113.10")],
    ids=["IPv6", "IPv4 told as IPv6"],
)
def test_a_stranger_who_tries_keeps_nobody_out_but_himself(
    client: CheckingClient, mailbox: Mailbox, work_off: Work, tries_from: str, other: str
) -> None:
    person = make_person(password_hash=hash_password(PASSWORD))
    elsewhere = {"REMOTE_ADDR": other}
    wrong, right = ({"email": person.email, "password": word} for word in ("not this one", PASSWORD))
    with time_machine.travel(now(), tick=False):
        for number in range(30):  # with every address of a household's network
            mine = {"REMOTE_ADDR": tries_from.format(number)}
            client.post("/sign-in", data=wrong, environ_base=mine)
            client.post("/forgotten-password", data={"email": person.email}, environ_base=mine)
            client.post("/sign-in/link", data={"email": person.email}, environ_base=mine)
        mine = {"REMOTE_ADDR": tries_from.format(0xFFFF)}
        assert client.post("/sign-in", data=right, environ_base=mine).status_code == 429
        assert (
            client.post("/forgotten-password", data={"email": person.email}, environ_base=elsewhere).status_code == 303
        )
        assert client.post("/sign-in", data=right, environ_base=elsewhere).status_code == 303
    work_off()
    assert len(mailbox.to(person.email)) <= 5 + 1


@pytest.mark.rule("A5")
def test_an_address_is_not_tried_from_everywhere(client: CheckingClient) -> None:
    person = make_person(password_hash=hash_password(PASSWORD))
    with time_machine.travel(now(), tick=False):
        for number in range(10):
            with transaction():
                waits = [throttles.count("sign_in.email", person.email) for _try in range(10)]
            assert waits == [None] * 10, number
        right = {"email": person.email, "password": PASSWORD}
        assert client.post("/sign-in", data=right).status_code == 429


@pytest.mark.parametrize("target", ["https://evil.example", "//evil.example", "/\\evil.example"])
def test_next_leads_nowhere_else(client: CheckingClient, target: str) -> None:
    person = make_person(password_hash=hash_password(PASSWORD))
    data = {"email": person.email, "password": PASSWORD}
    answer = client.post("/sign-in", query_string={"next": target}, data=data)
    assert answer.location == "/my-help"
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_a_suspended_person_is_signed_out_and_stays_out(
    client: CheckingClient, sign_in: Callable[..., CheckingClient]
) -> None:
    person = make_person(password_hash=hash_password(PASSWORD))
    sign_in(person)
    with transaction():
        person.status = "suspended"
    assert client.get("/profile").status_code == 303
    assert client.post("/sign-in", data={"email": person.email, "password": PASSWORD}).status_code == 422


def test_a_post_without_token_is_refused(client: CheckingClient) -> None:
    data = {"email": "ana@example.org", "password": PASSWORD}
    assert client.post("/sign-in", data=data, csrf=False).status_code == 400


@pytest.mark.rule("M1")
def test_a_promise_kept_twice_sends_the_same_link(client: CheckingClient, mailbox: Mailbox, work_off: Work) -> None:
    person = make_person()
    client.post("/forgotten-password", data={"email": person.email})
    work_off()
    first = link_in(mailbox, person.email)
    with transaction():
        db.session.execute(sa.update(Outbox).values(done_at=None, leased_by=None, leased_until=None))
    work_off()
    assert len(mailbox.to(person.email)) == 2
    assert link_in(mailbox, person.email) == first


@pytest.mark.rule("A5")
def test_links_by_mail_are_throttled_per_address_and_per_network(client: CheckingClient) -> None:
    with time_machine.travel(now(), tick=False):
        same = ({"email": "ana@example.org"} for _try in range(30))
        assert tries_until_refused(client, "/forgotten-password", same) == 5
        others = ({"email": f"ana{number}@example.org"} for number in range(30))
        assert tries_until_refused(client, "/forgotten-password", others) == 20 - 5


@pytest.mark.rule("A5")
@pytest.mark.rule("G4")
def test_while_it_is_filled_in_fields_are_looked_at_and_nothing_is_kept_or_counted(client: CheckingClient) -> None:
    for _look in range(100):  # more than anybody may register
        page = client.post("/register", data={"email": "ana", "password": "short", "look": "1"})
        assert page.status_code == 200
    for message in ("Enter an email address", "Use 10 characters or more"):
        assert page.text.count(message) == 2, message
    for age in (7, 12, 40):  # nobody learns here which date would do
        born = (now() - dt.timedelta(days=366 * age)).date()
        parts = {"birth_date-year": born.year, "birth_date-month": born.month, "birth_date-day": born.day}
        page = client.post("/register", data={**CHILD, **parts, "birth_date": born.isoformat(), "look": "1"})
        assert "There is a problem" not in page.text, age
    assert "zebulon" not in everything_kept()
    assert db.session.query(Person).count() == 0
    taken = make_person(email="ana@example.org", password_hash=hash_password(PASSWORD))
    page = client.post("/register", data={"name": "Ana", "email": taken.email, "password": PASSWORD, "look": "1"})
    assert "There is a problem" not in page.text  # whether an address has an account is told to nobody


def test_registrations_are_throttled_per_address_and_per_network(client: CheckingClient) -> None:
    with time_machine.travel(now(), tick=False):
        same = ({"name": "A", "email": "ana@example.org", "password": PASSWORD} for _try in range(30))
        assert tries_until_refused(client, "/register", same) == 5
        many = ({"name": "A", "email": f"a{number}@example.org", "password": PASSWORD} for number in range(30))
        assert tries_until_refused(client, "/register", many) == 20 - 5


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("short", "10 characters"),
        ("x" * 201, "200 characters"),
        ("password123", "first that anybody"),
        ("aaaaaaaaaaaa", "first that anybody"),
        ("ana@example.org", "Use something else"),
    ],
)
@pytest.mark.rule("A4")
def test_a_weak_password_is_refused_at_its_field(client: CheckingClient, password: str, said: str) -> None:
    page = client.post("/register", data={"name": "Ana", "email": "ana@example.org", "password": password})
    assert page.status_code == 422
    assert said in page.text
    assert 'value="Ana"' in page.text
    assert f'value="{password}"' not in page.text or password == "ana@example.org"
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Person)) == 0


def test_a_profile_keeps_what_is_said_and_unknown_stays_unknown(
    client: CheckingClient, sign_in: Callable[..., CheckingClient]
) -> None:
    person = make_person(birth_date=None)
    sign_in(person)
    said = {"name": "Ana Ng", "place": "Newark, NJ", "birth_date": "", "skills": ["cooking", "driving"]}
    assert client.post("/profile", data=said).status_code == 303
    db.session.refresh(person)
    assert (person.name, person.birth_date, person.place) == ("Ana Ng", None, "Newark, NJ")
    assert sorted(skill.skill for skill in person.skills) == ["cooking", "driving"]
    page = client.post("/profile", data={**said, "name": "Ana", "place": "Nowhere at all on earth"})
    assert page.status_code == 422
    assert "Nowhere at all on earth" in page.text
    assert client.post("/profile", data={**said, "skills": ["flying"]}).status_code == 422
    db.session.refresh(person)
    assert person.name == "Ana Ng"


def test_in_production_the_session_travels_over_tls_only(tmp_path: Path) -> None:
    settings = make_settings(tmp_path, f"sqlite:///{tmp_path / 'test.db'}", base_url="https://help.example.org")
    app = create_app(settings)
    try:
        migrate(app)
        cookie = app.test_client().get("/sign-in", base_url="https://help.example.org").headers["Set-Cookie"]
        assert {"Secure", "HttpOnly", "SameSite=Lax"} <= {part.strip() for part in cookie.split(";")}
    finally:
        close(app)


def test_over_tls_a_form_is_taken_from_a_page_that_tells_nobody_where_it_was(tmp_path: Path) -> None:
    """Pages of link tokens and of what is sensitive send no Referer, not even to us; the token proves the form all the same."""
    site = "https://help.example.org"
    app = create_app(make_settings(tmp_path, f"sqlite:///{tmp_path / 'test.db'}", base_url=site))
    try:
        migrate(app)
        visitor = app.test_client()
        page = visitor.get("/forgotten-password", base_url=site)
        token = re.search(r'name="csrf_token"[^>]* value="([^"]+)"', page.text)
        assert token is not None
        sent = {"email": "nobody@example.org", "csrf_token": token[1]}
        assert visitor.post("/forgotten-password", base_url=site, data=sent).status_code in (200, 303)
        forged = {**sent, "csrf_token": token[1][:-4] + "AAAA"}
        assert visitor.post("/forgotten-password", base_url=site, data=forged).status_code == 400
        assert visitor.post("/forgotten-password", base_url=site, data={"email": sent["email"]}).status_code == 400
    finally:
        close(app)
