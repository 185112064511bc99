"""The way back to what was begun, with what was typed: by registering, proving an address, and a new password."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import unquote

import pytest
import sqlalchemy as sa

from app.accounts.models import Person
from app.accounts.operations import MAXIMUM_WAY, kept_way
from app.accounts.passwords import hash_password
from app.core.clock import now
from app.core.db import Base, db
from app.core.ids import encode_id
from app.needs.models import Shift
from app.signups.models import Signup
from tests.conftest import CheckingClient
from tests.factories import make_item, make_organization, make_person, make_shift
from tests.smtp import Mailbox, text_of

Work = Callable[[], dict[str, int]]
SignIn = Callable[..., CheckingClient]
PASSWORD = "seven green bicycles"
TYPED = {
    "name": "Gail Weber",
    "email": "gail@example.org",
    "birth_date": "1990-05-17",
    "party_size": "3",
    "note": "By bus",
}


def path(shift: Shift) -> str:
    return f"/shifts/{encode_id(shift.id)}/sign-up"


def link_in(mailbox: Mailbox, address: str, start: str) -> str:
    found = re.search(rf"http://localhost({start}\S*)", text_of(mailbox.to(address)[-1]))
    assert found is not None, text_of(mailbox.to(address)[-1])
    return found.group(1)


def value_of(page: str, name: str) -> str:
    """What stands in the field of that name."""
    found = re.search(rf'<input[^>]*\bname="{name}"[^>]*>', page)
    assert found is not None, name
    value = re.search(r'\bvalue="([^"]*)"', found.group())
    return "" if value is None else value.group(1)


@pytest.mark.parametrize(("act", "leads_to"), [("register", "/register"), ("sign_in", "/sign-in")])
def test_what_a_guest_typed_comes_along_to_the_account_and_back(
    client: CheckingClient, mailbox: Mailbox, work_off: Work, act: str, leads_to: str
) -> None:
    shift = make_shift(capacity=5)
    if act == "sign_in":
        make_person(email=TYPED["email"], name=TYPED["name"], password_hash=hash_password(PASSWORD))
    way = f"{path(shift)}?party_size=2"
    sent = client.post(way, data={**TYPED, "act": act})
    assert sent.status_code == 303
    assert unquote(sent.location) == f"{leads_to}?next={way}"
    assert db.session.query(Signup).count() == 0
    page = client.get(sent.location).text
    assert value_of(page, "email") == "gail@example.org"
    if act == "register":
        assert (value_of(page, "name"), value_of(page, "birth_date")) == ("Gail Weber", "1990-05-17")
        client.post(sent.location, data={**TYPED, "password": PASSWORD})
        work_off()
        answer = client.post(link_in(mailbox, "gail@example.org", "/verify-email/"))
    else:
        answer = client.post(sent.location, data={"email": TYPED["email"], "password": PASSWORD})
    assert (answer.status_code, answer.location) == (303, way)
    form = client.get(answer.location).text
    assert value_of(form, "party_size") == "3"
    assert "By bus</textarea>" in form
    assert "By bus" not in client.get(path(shift)).text


def test_what_was_typed_is_kept_until_the_address_is_proved(
    client: CheckingClient, sign_in: SignIn, mailbox: Mailbox, work_off: Work
) -> None:
    """Whoever signs in before they looked at their mail reads why they must, and loses nothing by it."""
    shift, person = make_shift(capacity=5), make_person(email_verified_at=None)
    client.post(path(shift), data={**TYPED, "act": "sign_in"})
    sign_in(person)
    assert "We do not know yet that your email address is yours." in client.get(path(shift)).text
    client.post(f"/verify-email?next={path(shift)}")
    work_off()
    back = client.post(link_in(mailbox, person.email, "/verify-email/")).location
    form = client.get(back).text
    assert value_of(form, "party_size") == "3"
    assert "By bus</textarea>" in form
    assert "By bus" not in client.get(back).text


def test_coming_back_as_a_guest_finds_it_still_there(client: CheckingClient) -> None:
    shift = make_shift()
    client.post(path(shift), data={**TYPED, "act": "register"})
    for _time in range(2):
        assert value_of(client.get(path(shift)).text, "name") == "Gail Weber"


def test_what_was_refused_to_a_guest_comes_along_too(client: CheckingClient, sign_in: SignIn, mailbox: Mailbox) -> None:
    shift = make_shift(capacity=2)
    assert client.post(path(shift), data=TYPED).status_code == 409
    sign_in(make_person())
    assert value_of(client.get(path(shift)).text, "party_size") == "3"


def test_whoever_adds_what_a_shift_asks_of_their_profile_goes_on_with_it(
    client: CheckingClient, sign_in: SignIn
) -> None:
    shift = make_shift(minimum_age=16)
    sign_in(make_person(birth_date=None))
    page = unquote(client.get(f"{path(shift)}?party_size=1").text)
    way = f"/profile?next={path(shift)}?party_size=1"
    assert page.count(f'href="{way}"') == 2, "at the rule, and as the next step"
    wrong = client.post(way, data={"name": "Noor", "birth_date": "31.02.1990"})
    assert wrong.status_code == 422
    sent = client.post(way, data={"name": "Noor", "birth_date": "1990-02-03"})
    assert (sent.status_code, sent.location) == (303, f"{path(shift)}?party_size=1")
    assert "Add your birth date" not in client.get(sent.location).text


@pytest.mark.rule("G4")
def test_of_what_a_child_typed_nothing_is_left_anywhere(client: CheckingClient) -> None:
    shift = make_shift()
    child = {**TYPED, "name": "Zebulon Quill", "birth_date": f"{now().year - 9}-05-17"}
    sent = client.post(path(shift), data={**child, "act": "register"})
    assert client.post(sent.location, data={**child, "password": PASSWORD}).status_code == 422
    rows = [str(row) for table in Base.metadata.sorted_tables for row in db.session.execute(sa.select(table))]
    assert "Quill" not in " ".join(rows)
    with client.session_transaction() as session:
        assert "Quill" not in str(dict(session))


def test_whoever_signs_out_leaves_nothing_typed_behind(client: CheckingClient, sign_in: SignIn) -> None:
    shift = make_shift()
    client.post(path(shift), data={**TYPED, "act": "sign_in"})
    client.post("/sign-out")
    assert value_of(client.get(path(shift)).text, "name") == ""


def test_a_long_text_is_kept_and_one_that_no_cookie_holds_is_told_of(client: CheckingClient, sign_in: SignIn) -> None:
    organization = make_organization(owner := make_person())
    where = f"/manage/{organization.slug}/settings"
    words = "We give families with children a safe room for the night. " * 60
    client.post(where, data={"name": "Kept", "description": words})
    assert "too long" not in client.get("/sign-in").text
    sign_in(owner)
    page = client.get(where).text
    assert value_of(page, "name") == "Kept"
    assert words.strip() in page
    client.post("/sign-out")
    unpackable = " ".join(encode_id(number * 7919**5 % 2**62) for number in range(1, 900))
    answer = client.post(where, data={"name": "Still kept", "description": unpackable})
    assert answer.status_code == 303
    assert len(answer.headers.get("Set-Cookie", "")) < 4000
    assert "too long to keep while you sign in" in client.get(answer.location).text
    sign_in(owner)
    page = client.get(where).text
    assert value_of(page, "name") == "Still kept"
    assert "We help our neighbours.</textarea>" in page  # as it was: it was said that the new one was not kept


def test_a_link_that_is_sent_again_leads_back(
    client: CheckingClient, sign_in: SignIn, mailbox: Mailbox, work_off: Work
) -> None:
    shift = make_shift()
    person = make_person(email_verified_at=None)
    sign_in(person)
    page = client.get(f"{path(shift)}?party_size=2").text
    ask = f"/verify-email?next={path(shift)}?party_size%3D2"
    assert f'href="{ask}"' in page.replace("%3F", "?")
    sent = client.post(ask)
    assert sent.location.replace("%3F", "?") == ask
    work_off()
    answer = client.post(link_in(mailbox, person.email, "/verify-email/"))
    assert answer.location == f"{path(shift)}?party_size=2"
    assert path(shift) in client.get(ask).text


def test_a_corrected_address_leads_back(
    client: CheckingClient, sign_in: SignIn, mailbox: Mailbox, work_off: Work
) -> None:
    shift = make_shift()
    sign_in(make_person(email_verified_at=None))
    page = client.get(f"/verify-email?next={path(shift)}").text
    assert f"/profile/email?next={path(shift)}" in page
    sent = client.post(f"/profile/email?next={path(shift)}", data={"email": "right@example.org"})
    assert sent.location == path(shift)
    work_off()
    link = link_in(mailbox, "right@example.org", "/change-email/")
    answer = client.post(link)
    assert answer.location == path(shift)


def test_a_mailbox_gives_its_address_to_nobody_elses_account(
    client: CheckingClient, sign_in: SignIn, new_client: Callable[[], CheckingClient], mailbox: Mailbox, work_off: Work
) -> None:
    """Whoever asked is signed in as whoever asked; the owner of the mailbox is not, and presses nothing that gives it away."""
    asking, owner = make_person(password_hash=hash_password(PASSWORD)), make_person()
    sign_in(asking).post("/profile/email", data={"email": "owner@example.org"})
    work_off()
    link = link_in(mailbox, "owner@example.org", "/change-email/")
    for somebody in (new_client(), sign_in(owner, new_client())):
        page = somebody.post(link)
        assert page.status_code == 200
        assert "If somebody else asked, do nothing" in page.text
        assert "This address is mine" not in page.text
    assert db.session.get_one(Person, asking.id).email != "owner@example.org"
    elsewhere = new_client()
    way = re.search(r'href="(/sign-in\?next=[^"]+)"', elsewhere.get(link).text)
    assert way is not None
    back = elsewhere.post(way[1], data={"email": asking.email, "password": PASSWORD})
    assert elsewhere.post(back.location).status_code == 303
    assert db.session.get_one(Person, asking.id, populate_existing=True).email == "owner@example.org"


@pytest.mark.rule("S10")
def test_a_guest_who_registers_chooses_a_password_and_goes_on_signed_in(
    client: CheckingClient, mailbox: Mailbox, work_off: Work
) -> None:
    shift, guest = make_shift(), make_person(name="Gus")
    way = f"{path(shift)}?party_size=2"
    client.post(f"/register?next={way}", data={"name": "Gus", "email": guest.email, "password": PASSWORD})
    work_off()
    assert mailbox.to(guest.email)[-1]["Subject"] == "Finish your account"
    answer = client.post(link_in(mailbox, guest.email, "/reset-password/"), data={"password": PASSWORD})
    assert (answer.status_code, answer.location) == (303, way)
    assert client.get("/profile").status_code == 200


def test_a_forgotten_password_and_a_known_address_lead_back(
    client: CheckingClient, mailbox: Mailbox, work_off: Work
) -> None:
    shift, person = make_shift(), make_person(password_hash=hash_password("some other words"))
    client.post(f"/register?next={path(shift)}", data={"name": "A", "email": person.email, "password": PASSWORD})
    work_off()
    for start in ("/sign-in", "/forgotten-password"):
        link = link_in(mailbox, person.email, start)
        assert unquote(link) == f"{start}?next={path(shift)}"
    assert f"/forgotten-password?next={path(shift)}" in client.get(f"/sign-in?next={path(shift)}").text
    sent = client.post(f"/forgotten-password?next={path(shift)}", data={"email": person.email})
    assert sent.location == f"/sign-in?next={path(shift)}"
    work_off()
    link = link_in(mailbox, person.email, "/reset-password/")
    assert client.post(link, data={"password": PASSWORD}).location == path(shift)
    gone = client.get(link)
    assert gone.status_code == 410
    assert f"/forgotten-password?next={path(shift)}" in gone.text


def test_a_suspended_person_gets_no_session_by_a_new_password(
    client: CheckingClient, mailbox: Mailbox, work_off: Work
) -> None:
    person = make_person(status="suspended")
    client.post("/forgotten-password", data={"email": person.email})
    work_off()
    client.post(link_in(mailbox, person.email, "/reset-password/"), data={"password": PASSWORD})
    assert client.get("/profile").status_code == 303
    assert db.session.get_one(Person, person.id).password_hash is not None


def test_no_part_of_an_address_is_taken_for_an_address() -> None:
    assert kept_way("/needs?q=" + "x" * 20) == "/needs?q=" + "x" * 20
    assert kept_way("/needs?q=" + "x" * MAXIMUM_WAY) == "/needs"
    assert kept_way("/" + "x" * MAXIMUM_WAY) == ""


def test_a_button_pressed_without_a_session_leads_back_to_its_page(client: CheckingClient) -> None:
    item = make_item()
    button = f"/manage/somewhere/needs/{encode_id(item.need_id)}/confirm"
    came_from = f"http://localhost/needs/{encode_id(item.need_id)}"
    pressed = client.post(button, headers={"Referer": came_from})
    assert unquote(pressed.location) == f"/sign-in?next=/needs/{encode_id(item.need_id)}"
    elsewhere = client.post(button, headers={"Referer": "https://evil.example/needs"})
    assert unquote(elsewhere.location) == "/sign-in?next=/"


def test_the_menu_leads_back_to_the_page_one_looks_at_and_sets_no_cookie(client: CheckingClient) -> None:
    shift = make_shift()
    where = f"/needs/{encode_id(shift.need_id)}"
    page = client.get(where)
    assert f'href="/register?next={where}"' in page.text
    assert "Set-Cookie" not in page.headers
    assert 'href="/sign-in"' in client.get("/").text
