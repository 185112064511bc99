"""Every visible string passes the catalogue: every page, form error, mail and problem, read in a language made on the fly."""

from __future__ import annotations

import ast
import collections
import dataclasses
import datetime as dt
import decimal
import re
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from flask import Flask, render_template, render_template_string
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import create_app
from app.accounts.models import Person
from app.accounts.operations import make_link, register_person, request_email_change, request_link
from app.core import jobs
from app.core.clock import now, today
from app.core.db import db, transaction
from app.core.ids import encode_id
from app.core.money import Money
from app.core.outbox import Outbox, enqueue
from app.donations.operations import start_donation
from app.fundraisers.models import Fundraiser
from app.fundraisers.operations import decline_fundraiser, start_fundraiser
from app.messages.operations import choose_mail
from app.moderation.operations import verify_organization
from app.needs.models import Shift
from app.needs.operations.closing import close_need
from app.needs.operations.inputs import PlaceInput, PositionInput, ShiftInput
from app.needs.operations.needs import edit_need, pause_need
from app.needs.operations.shifts import cancel_shift, edit_shift
from app.organizations.claims import answer_claim, claim_organization
from app.organizations.operations import register_organization
from app.pages import demo
from app.pledges.operations import cancel_pledge, pledge, receive_pledge
from app.signups.holds import hold_places
from app.signups.models import GuestHold
from app.signups.operations import cancel_signup, sign_up
from tests.conftest import close, make_settings, migrate
from tests.factories import make_fundraiser, make_item, make_need, make_organization, make_person, make_shift
from tests.house import pseudo
from tests.house.bodies import BODIES, PASSWORD
from tests.house.world import World, build
from tests.smtp import html_of, mail_server, text_of

HEBREW = {"Accept-Language": pseudo.LOCALE}
STARTS = (
    "/",
    "/needs",
    "/needs?near=Newark%2C+NJ&radius_km=50&q=books",
    "/organizations",
    "/organizations/maple-row-lunch-club",
    "/fundraisers",
    "/my-help",
    "/design",
)
TYPED_HERE = [
    "kitchen.example.org",
    "maplerow.example.org",
    "books",
    "nowhere at all",
    "best, soonest, nearest, newest, urgent",
] + [value for body in BODIES.values() for value in body.values() if isinstance(value, str) and " " in value]
READERS = ("anonymous", "supporter", "coordinator", "owner", "administrator")
NO_PAGES = frozenset(
    {
        "pages.healthz",
        "pages.readyz",
        "pages.calendar",
        "sharing.need_code",
        "sharing.fundraiser_code",
        "signups.calendar",
        "accounts.well_known_change_password",
    }
)
LINKS = {
    "verify_email": "/verify-email/",
    "reset_password": "/reset-password/",
    "sign_in": "/sign-in/",
    "change_email": "/change-email/",
}
EACH = 3  # pages of one route that one person reads


@dataclasses.dataclass
class House:
    """The application in the made language, full of people and needs."""

    app: Flask
    world: World
    reader: pseudo.Reader
    unlinked: list[str]

    def client(self, caller: str) -> FlaskClient:
        """The browser of a caller of the world."""
        client = self.app.test_client()
        if caller != "anonymous":
            with client.session_transaction() as session:
                session["_user_id"], session["_fresh"] = self.world.sessions[caller], True
        return client


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    directory = tmp_path_factory.mktemp("translation")
    settings = make_settings(
        directory,
        f"sqlite:///{directory / 'all.db'}",
        supported_locales=("en", pseudo.LOCALE),
        rate_limits=False,
        **pseudo.PAYMENTS,
    )
    app = create_app(settings)
    app.config["WTF_CSRF_ENABLED"] = False
    migrate(app)
    pseudo.speak(app, directory / "translations")
    with app.app_context():
        demo.load()
        world = build()
        askers = {purpose: make_person(email_verified_at=None) for purpose in LINKS}
        with transaction():
            for whose in (Person, GuestHold):
                db.session.execute(sa.update(whose).values(locale=pseudo.LOCALE))
            links = {purpose: make_link(askers[purpose], purpose, promise=purpose) for purpose in LINKS}
        unlinked = [f"{LINKS[purpose]}{token}" for purpose, token in links.items()]
        unlinked += [f"{path}no-such-token" for path in LINKS.values()]
        unlinked += [
            f"/guests/{world.values['hold_token']}",
            f"/guests/confirm/{world.values['confirm_token']}",
            f"/places/{world.values['place_token']}",
            f"/promises/{world.values['pledge_token']}",
            f"/items/{world.values['item_id']}/pledge",
        ]
        unlinked += ["/registered", f"/mail/stop/{world.values['mail_token']}"]
        unlinked += ["/verify-email", "/sign-in", f"/donations/{world.values['token']}"]
        unlinked += [f"/claims/{world.values['claim_token']}", "/claims/no-such-token"]
        starter = sa.select(Fundraiser.started_by_id).where(Fundraiser.slug == world.values["fundraiser"])
        over = make_fundraiser(started_by_id=db.session.execute(starter).scalar_one(), status="ended", ended_at=now())
        unlinked += [f"/fundraisers/{over.slug}", f"/fundraisers/{over.slug}/outcome"]
        reader = pseudo.Reader([*pseudo.typed_by_people(), *TYPED_HERE])
        db.session.remove()
    yield House(app, world, reader, unlinked)
    close(app)


def read(house: House, caller: str) -> Iterator[tuple[str, TestResponse]]:
    """What `caller` meets by following links, some pages of every route."""
    starts = [*STARTS, *house.unlinked]
    client, waiting, seen = house.client(caller), collections.deque(starts), set(starts)
    read_of: collections.Counter[str] = collections.Counter()
    urls = house.app.url_map.bind("localhost")
    while waiting:
        address = waiting.popleft()
        response = client.get(address, headers=HEBREW)
        yield address, response
        if response.mimetype != "text/html":
            continue
        for link in re.findall(r'href="(/[^"#]*)', response.get_data(as_text=True)):
            link = link.replace("&amp;", "&")
            path = urlsplit(link).path
            if link in seen or path.startswith("/static/") or not urls.test(path, "GET"):
                continue
            endpoint, _arguments = urls.match(path, "GET")
            if read_of[endpoint] < EACH:
                read_of[endpoint] += 1
                seen.add(link)
                waiting.append(link)


@pytest.mark.parametrize("caller", READERS)
def test_no_page_shows_a_word_that_passed_no_catalogue(house: House, caller: str) -> None:
    found: dict[str, str] = {}
    pages = 0
    for address, response in read(house, caller):
        pages += response.mimetype == "text/html"
        if response.mimetype == "text/html" and response.status_code // 100 != 3:
            for fault in house.reader.faults(response.get_data(as_text=True)):
                found.setdefault(fault, address)
    assert not found, pseudo.told(found)
    assert pages > 10


def test_the_readers_meet_every_page_there_is(house: House) -> None:
    """Whoever adds a page that no link leads to has to name it in STARTS or `unlinked`."""
    urls = house.app.url_map.bind("localhost")
    met = {
        urls.match(urlsplit(address).path, "GET")[0]
        for caller in READERS
        for address, response in read(house, caller)
        if response.status_code == 200
    }
    pages = {
        rule.endpoint
        for rule in house.app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and not rule.rule.startswith("/api/v1/") and rule.endpoint not in NO_PAGES
    }
    assert pages - met == set()


def test_no_form_refuses_in_words_that_passed_no_catalogue(house: House) -> None:
    """Every form of every page, sent empty and sent with nonsense, by whoever may send it."""
    found: dict[str, str] = {}
    refused = 0
    for caller in ("anonymous", "supporter", "owner", "moderator"):
        client = house.client(caller)
        for address in {address for address, _response in read(house, caller)}:
            page = client.get(address, headers=HEBREW)
            if (
                page.mimetype != "text/html"
                or 'method="post"' not in page.get_data(as_text=True)
                or "sign-out" in address
            ):
                continue
            for body in ({}, *nonsense(page.get_data(as_text=True))):
                answer = client.post(address, data=body, headers=HEBREW)
                if answer.status_code == 405:
                    break
                if answer.mimetype == "text/html" and answer.status_code in (200, 400, 409, 422):
                    refused += 1
                    for fault in house.reader.faults(answer.get_data(as_text=True)):
                        found.setdefault(fault, f"POST {address}")
    assert not found, pseudo.told(found)
    assert refused > 40


def nonsense(page: str) -> Iterator[dict[str, str]]:
    """Bodies for the fields that a page names: too little, too much, and of the wrong kind."""
    names = [
        name for name in re.findall(r'<(?:input|select|textarea)[^>]* name="([^"]+)"', page) if name != "csrf_token"
    ]
    for value in ("-7", "99999999999999999999", "#" * 6000):
        yield dict.fromkeys(names, value)


def test_no_error_page_speaks_another_language(house: House) -> None:
    client = house.client("supporter")
    found: dict[str, str] = {}
    for method, address in [
        ("GET", "/nothing-here"),
        ("POST", "/needs"),
        ("GET", "/needs?cursor=broken"),
        ("GET", "/needs?near=nowhere+at+all"),
    ]:
        for fault in house.reader.faults(client.open(address, method=method, headers=HEBREW).get_data(as_text=True)):
            found.setdefault(fault, address)
    with house.app.test_request_context("/", headers=HEBREW):
        for code in (400, 401, 403, 404, 405, 409, 410, 413, 415, 422, 429, 500, 503):
            for fault in house.reader.faults(render_template("errors/error.html", code=code)):
                found.setdefault(fault, str(code))
    assert not found, pseudo.told(found)


def send_every_mail(house: House) -> list[EmailMessage]:
    """Do everything that somebody is written about, and keep the promises; what arrived."""
    app = house.app
    before = app.config["SETTINGS"]
    with mail_server() as box, app.app_context():
        app.config["SETTINGS"] = dataclasses.replace(before, mail_url=box.url)
        owner, helper, young = (make_person(birth_date=dt.date(year, 5, 17)) for year in (1980, 1985, 2005))
        moderator, organization = make_person(platform_role="moderator"), make_organization(owner)
        need = make_need(organization, ends_on=today("UTC") + dt.timedelta(days=20))
        shifts = [make_shift(need, days=days) for days in (3, 5, 7)]
        items = [make_item(need) for _one in range(2)]
        fundraiser = make_fundraiser(organization, started_by_id=helper.id)
        with transaction():
            db.session.execute(sa.update(Person).values(locale=pseudo.LOCALE))
            for shift in shifts[:2]:
                sign_up(shift.id, by=helper)
            sign_up(shifts[2].id, by=young)
            cancelled = sign_up(shifts[2].id, by=helper)
            late = pledge(items[0].id, by=young, quantity=decimal.Decimal(1))
            kept, given_back = (pledge(item.id, by=helper, quantity=decimal.Decimal(4)) for item in items)
            hold_places(
                shifts[1].id, name="Gail", email="gail@example.org", birth_date=owner.birth_date, locale=pseudo.LOCALE
            )
            choose_mail(
                owner.id,
                by=owner,
                choices=dict.fromkeys(("staff_signups", "staff_cancellations", "staff_pledges"), "at_once"),
                quiet=(0, 0),
            )
            for known in (helper, young):
                choose_mail(known.id, by=known, choices={}, quiet=(0, 0))
            gift = start_donation(
                fundraiser.id, amount=Money(250000, "USD"), name="Dee", email="dee@example.org", mode="test", by=None,
                locale=pseudo.LOCALE,
            )  # fmt: skip
            owner.password_hash = "of some password"
            for known in (helper, owner):
                register_person(email=known.email, name="Again", password=PASSWORD)
            for purpose in ("reset_password", "sign_in"):
                request_link(helper.email, purpose)
            request_email_change(helper.id, "moved@example.org")
            register_person(email="new@example.org", name="New", password=PASSWORD, locale=pseudo.LOCALE)
            imported = register_organization(
                name="Imported",
                by=None,
                owner=None,
                country="US",
                place="Newark, NJ",
                website="https://kitchen.example.org",
            )
            claim = claim_organization(imported.id, by=helper, mailbox="info")
            start_fundraiser(organization.id, by=helper, title="Walk", story="Why I walk.", goal=Money(100000, "USD"))
        jobs.work_off(app.extensions["outbox_handlers"], ())
        with transaction():
            cancel_signup(cancelled.id, by=helper)
            pledge(items[0].id, by=helper, quantity=decimal.Decimal(1), mode="add")
            cancel_pledge(given_back.id, by=helper)
            cancel_shift(shifts[0].id, by=owner)
            edit_need(
                need.id, by=owner, place=PlaceInput(city="Newark", region="NJ", country="US", address="1 Broad St")
            )
            edit_shift(shifts[1].id, moved(shifts[1], hours=1), by=owner)
            edit_shift(shifts[2].id, moved(shifts[2], minimum_age=30), by=owner)
            verify_organization(organization.id, by=moderator, checked="register")
            enqueue("mail_fundraiser_goal_reached", {"fundraiser_id": fundraiser.id}, key="goal")
            gift.status, gift.problem = "failed", "insufficient_funds"
            enqueue("mail_donation_failed", {"donation_id": gift.id}, key="failed")
        jobs.work_off(app.extensions["outbox_handlers"], ())
        with transaction():
            receive_pledge(kept.id, by=owner, received=decimal.Decimal(3), rejected=decimal.Decimal(1), reason="wet")
            decline_fundraiser(fundraiser.id, by=owner, reason="later")
            answer_claim(claim.id, grant=True, by=None, reason="")
            need.confirm_by = today("UTC")
            about = {"need_id": need.id, "person_id": owner.id, "confirm_by": need.confirm_by.isoformat()}
            enqueue("mail_need_confirm", about, key="confirm")
            db.session.execute(sa.update(Outbox).where(Outbox.done_at.is_(None)).values(due_at=now()))
            gift.status = "paid"
            enqueue("mail_donation_thanks", {"donation_id": gift.id}, key="thanks")
        jobs.work_off(app.extensions["outbox_handlers"], ())
        with transaction():
            pause_need(need.id, by=owner)
            enqueue("mail_need_unconfirmed", about, key="unconfirmed")
            gift.status = "processing"
            enqueue("mail_donation_processing", {"donation_id": gift.id}, key="processing")
            tomorrow = today("America/New_York") + dt.timedelta(days=1)
            daily = {"person_id": owner.id, "organization_id": organization.id, "day": tomorrow.isoformat()}
            choose_mail(owner.id, by=owner, choices={"staff_signups": "daily"})
            enqueue("staff_digest", daily, key="digest")
            late.deliver_by = today("UTC") - dt.timedelta(days=2)
            enqueue("pledge_overdue", {"pledge_id": late.id}, key="overdue")
            expired = {"pledge_id": given_back.id}
            enqueue("pledge_expired", expired, key="expired")
            enqueue("pledge_reminder", {"pledge_id": late.id, "deliver_by": str(late.deliver_by)}, key="reminder")
        jobs.work_off(app.extensions["outbox_handlers"], ())
        with transaction():
            close_need(need.id, by=owner, outcome="Why I walk.", people_helped=2, thanks="later", tell=True)
            db.session.execute(sa.update(Outbox).where(Outbox.kind.like("need_closed%")).values(due_at=now()))
        outcome = jobs.work_off(app.extensions["outbox_handlers"], ())
        assert not outcome["failed"], outcome
        house.reader = pseudo.Reader([*pseudo.typed_by_people(), *TYPED_HERE])
        db.session.remove()
        app.config["SETTINGS"] = before
    return box.messages


def moved(shift: Shift, *, hours: float = 0, minimum_age: int | None = None) -> ShiftInput:
    """The values of `shift`, later or for older people."""
    assert shift.starts_at is not None
    assert shift.ends_at is not None
    later, position = dt.timedelta(hours=hours), shift.positions[0]
    return ShiftInput(
        positions=(PositionInput(name=position.name, capacity=position.capacity, id=position.id),),
        starts_at=shift.starts_at + later, ends_at=shift.ends_at + later, contact=shift.contact, minimum_age=minimum_age,
        time_zone=shift.time_zone,
    )  # fmt: skip


def test_every_mail_speaks_the_language_of_whoever_gets_it(house: House) -> None:
    """The worker serves nobody's request: whatever it says in its own language stands in Latin letters."""
    loaded: Any = house.app.jinja_env.cache
    loaded.clear()
    mails = send_every_mail(house)
    found: dict[str, str] = {}
    for mail in mails:
        for fault in house.reader.faults(html_of(mail)):
            found.setdefault(fault, f"html of {mail['Subject']}")
        for line in [str(mail["Subject"]), *text_of(mail).splitlines()]:
            if house.reader.words(line):
                found.setdefault(line, f"text of {mail['Subject']}")
        assert '<html lang="he" dir="rtl">' in html_of(mail), mail["Subject"]
    assert not found, pseudo.told(found)
    used = {name for _loader, name in loaded if name.startswith("emails/")}
    folder = pseudo.ROOT / "templates"
    assert used == {str(path.relative_to(folder)) for path in (folder / "emails").rglob("*.*")}


@pytest.mark.parametrize(
    "bare",
    [
        "<p>Sign up</p>", '<img alt="A hand" src="/x.svg">', '<input aria-label="Amount" value="5">', "<p>ץא at the door</p>",
        '<button title="Close">x</button>', "<input type='submit' value='Send'>", "<title>Needs</title>", "<b>12</b> places",
        '<p class="toasts" data-close="Close"></p>', '<p>{{ _("%(state)s now", state="open") }}</p>',
    ],
)  # fmt: skip
def test_a_bare_string_is_found(house: House, bare: str) -> None:
    """The checker itself: a page with one string that nobody translated."""
    template = '<!doctype html><p>{{ _("Sign up") }} {{ name }}, 5, a@b.org, https://example.org/needs</p>'
    with house.app.test_request_context("/", headers=HEBREW):
        assert house.reader.faults(render_template_string(template, name="books")) == []
        assert len(house.reader.faults(render_template_string(template + bare, name="books"))) == 1


def test_what_the_code_offers_to_translators_is_whole_and_can_be_found() -> None:
    """A message is one literal; it neither begins nor ends in the middle of a sentence's spaces."""
    found = []
    for path in sorted((pseudo.ROOT / "app").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            literals = node.args[: {"_": 1, "lazy": 1, "ngettext": 2}.get(node.func.id, 0)]
            if any(not (isinstance(one, ast.Constant) and isinstance(one.value, str)) for one in literals):
                found.append(f"{path.relative_to(pseudo.ROOT)}:{node.lineno} no literal")
    for message, places in pseudo.messages().items():
        for text in (message,) if isinstance(message, str) else message:
            if text != text.strip() or not text:
                found.append(f"{places[0]} spaces around {text!r}")
    glued = re.compile(r"\b_\([^()]*\)\s*[~+]\s*(_\(|\w)|[\w\])\"']\s*[~+]\s*_\(")
    for path in sorted((pseudo.ROOT / "templates").rglob("*.*")):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if glued.search(line):
                found.append(f"{path.relative_to(pseudo.ROOT)}:{number} glued from pieces")
    assert not found, "\n" + "\n".join(found)


def test_scripts_say_nothing_of_their_own() -> None:
    """What a script shows comes from the page, which is translated: no literal with two words, none put into the page."""
    shown = re.compile(
        r"(textContent|innerText|innerHTML|placeholder|title|alt|ariaLabel)\s*=\s*[\"'`]\s*\w|\b(alert|confirm|prompt)\("
        r"|[\"'`][A-Z][a-z]+ [a-z]+"
    )
    found = []
    for path in sorted((pseudo.ROOT / "app" / "static" / "js").glob("*.js")):
        code = re.sub(r"//.*", "", path.read_text())
        found += [f"{path.name}: {match[0]}" for match in shown.finditer(code)]
    assert not found
    assert shown.search('button.textContent = "Close";')


def test_no_reader_is_given_a_page_in_the_language_of_another(house: House) -> None:
    """The cache of public pages, and the pieces of pages that are kept, are asked by both in turn."""
    client = house.client("anonymous")
    for path in ("/", "/needs", "/needs?near=Newark%2C+NJ&q=books", "/organizations", "/fundraisers"):
        pages = [
            client.get(path, headers={"Accept-Language": language})
            for language in ("en", pseudo.LOCALE, "en", pseudo.LOCALE, "fr, he;q=0.5")
        ]
        texts = [page.get_data(as_text=True) for page in pages]
        for page, text, language in zip(pages, texts, ("en", "he", "en", "he", "he"), strict=True):
            assert f'<html lang="{language}" dir="{"rtl" if language == "he" else "ltr"}">' in text, path
            assert (pseudo.OPEN in text) == (language == "he"), path
            assert "Accept-Language" in page.vary, path
            assert bool(house.reader.faults(text)) == (language == "en"), path
        english = pages[0].get_etag()[0]
        again = client.get(path, headers={"Accept-Language": pseudo.LOCALE, "If-None-Match": f'"{english}"'})
        assert again.status_code == 200, path


def test_the_profile_decides_before_the_browser_and_both_before_the_first_language(house: House) -> None:
    page = house.client("supporter").get("/my-help", headers={"Accept-Language": "en"})
    assert '<html lang="he" dir="rtl">' in page.get_data(as_text=True)
    page = house.client("anonymous").get("/sign-in", headers={"Accept-Language": "xx"})
    assert '<html lang="en" dir="ltr">' in page.get_data(as_text=True)


@pytest.mark.rule("S11")
def test_programs_are_refused_in_the_language_they_ask_for(house: House) -> None:
    """Details, reasons and messages of problem documents are for people; names and codes are for programs."""
    client, token = house.app.test_client(), house.world.tokens["supporter"]
    headers = {**HEBREW, "Authorization": f"Bearer {token}"}
    values = house.world.values
    found: dict[str, str] = {}
    calls: list[tuple[str, str, Any]] = [
        ("GET", "/api/v1/needs/0000000000000", None),
        ("POST", f"/api/v1/shifts/{values['shift_id']}/signups", {"party_size": 1}),
        ("POST", f"/api/v1/shifts/{values['shift_id']}/signups", {"party_size": "many", "surplus": 1}),
        ("POST", f"/api/v1/items/{values['item_id']}/pledges", {"quantity": "-1"}),
        ("POST", f"/api/v1/items/{values['item_id']}/pledges", {"quantity": "1"}),
        ("POST", "/api/v1/needs", {}),
        ("POST", "/api/v1/fundraisers", {"title": "x" * 500, "goal": 5}),
        ("PATCH", "/api/v1/me", {"name": ""}),
        ("PATCH", "/api/v1/me", ["no object"]),
        ("DELETE", "/api/v1/me", None),
        ("GET", "/api/v1/needs?limit=5000&sort=worst", None),
    ]
    for method, path, body in calls:
        answer = client.open(path, method=method, json=body, headers=headers)
        problem = answer.get_json()
        assert answer.status_code >= 400, path
        said = [problem["detail"]]
        said += [reason[key] for reason in problem.get("reasons", []) for key in ("message", "remedy")]
        said += [error["message"] for error in problem.get("errors", [])]
        for text in said:
            if house.reader.words(text):
                found[text] = f"{method} {path}"
    assert not found, pseudo.told(found)


def test_numbers_money_and_dates_are_written_as_the_language_does(app_in_german: tuple[Flask, dict[str, str]]) -> None:
    """1.250,5 and never 1250.5, on every page that shows how much or how many, and in what a worker writes."""
    app, addresses = app_in_german
    wrong = re.compile(r"(?<![\d.,])(\d{4,}(?:[.,]\d+)?|\d+\.\d{1,2}|\d{1,3},\d{3})(?![\d.,])")
    # Years, a postal code, addresses, and the names that the factories number.
    typed = r"\b20\d\d\b|\b07102\b|https?://\S+|(?i:\b(?:organization|need|fundraiser|person)[ -]\d+)"
    found, seen = {}, ""
    for address, session_id in addresses.items():
        client = app.test_client()
        with client.session_transaction() as session:
            session["_user_id"], session["_fresh"] = session_id, True
        page = client.get(address, headers={"Accept-Language": "de"})
        assert page.status_code == 200, address
        for place, text in pseudo.visible(page.get_data(as_text=True)):
            seen += f" {text}"
            for match in wrong.findall(re.sub(typed, "", text)):
                found[f"{place} {match} in {' '.join(text.split())[:80]}"] = address
    assert not found, pseudo.told(found)
    plain = seen.replace("\u00a0", " ").replace("\u202f", " ")
    for written in ("1.250,5", "2,5", "12.500 $", "1.499", "November", "Vereinigte Staaten"):
        assert written in plain, written


@pytest.fixture(scope="module")
def app_in_german(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Flask, dict[str, str]]]:
    """An application with large and broken numbers, and the pages that show them: address -> who reads it."""
    directory = tmp_path_factory.mktemp("german")
    app = create_app(make_settings(directory, f"sqlite:///{directory / 'all.db'}", supported_locales=("en", "de")))
    migrate(app)
    with app.app_context():
        owner, helper = make_person(locale="de"), make_person(locale="de")
        organization = make_organization(owner)
        need = make_need(organization, ends_on=dt.date(2031, 11, 23))
        shift = make_shift(need, capacity=1500)
        item = make_item(need, quantity="1250.5")
        fundraiser = make_fundraiser(organization, goal_minor=1_250_000, need_id=need.id)
        with transaction():
            sign_up(shift.id, by=helper)
            promise = pledge(item.id, by=helper, quantity=decimal.Decimal("2.5"))
        need_id, slug = encode_id(need.id), organization.slug
        mine, theirs = helper.get_id(), owner.get_id()
        addresses = {
            "/": mine, "/needs": mine, f"/needs/{need_id}": mine, f"/fundraisers/{fundraiser.slug}": mine, "/my-help": mine,
            "/fundraisers": mine, f"/organizations/{slug}": mine, f"/items/{encode_id(item.id)}/pledge": mine,
            f"/pledges/{encode_id(promise.id)}/cancel": mine, f"/manage/{slug}/": theirs,
            f"/manage/{slug}/needs/{need_id}": theirs, f"/manage/{slug}/fundraisers": theirs,
            f"/pledges/{encode_id(promise.id)}/receive": theirs,
        }  # fmt: skip
        db.session.remove()
    yield app, addresses
    close(app)
