"""Every visible string passes the catalogue: every page, form error, mail and problem, read in a language made on the fly."""

from __future__ import annotations

import ast
import collections
import dataclasses
import datetime as dt
import decimal
import html
import re
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from flask import Flask, render_template, render_template_string
from flask.testing import FlaskClient

from app import create_app
from app.accounts.models import Person
from app.accounts.operations import make_link
from app.core.clock import now
from app.core.db import db, transaction
from app.core.ids import encode_id
from app.core.letters import MAIL_HEADER
from app.core.tokens import unseal
from app.discovery.models import Follower, FollowRequest
from app.fundraisers.models import Fundraiser
from app.learning.asked_models import AskedClaim
from app.pages.mail_samples import SAMPLES
from app.pledges.operations import pledge
from app.signups.models import GuestHold
from app.signups.operations import sign_up
from tests.conftest import close, make_settings, migrate
from tests.factories import make_fundraiser, make_item, make_need, make_organization, make_person, make_shift
from tests.house import pseudo
from tests.house.bodies import BODIES
from tests.house.every_mail import send_every_mail
from tests.house.world import World, build
from tests.journeys.installation import DATABASE, prepare
from tests.smtp import html_of, text_of

HEBREW = {"Accept-Language": pseudo.LOCALE}
STARTS = (
    "/",
    "/needs",
    "/needs?near=Newark%2C+NJ&radius_km=50&q=books",
    "/organizations",
    "/organizations/maple-row-lunch-club",
    "/fundraisers",
    "/my-help",
    "/manage/",
    "/design",
)
TYPED_HERE = [
    "kitchen.example.org",
    "maplerow.example.org",
    "books",
    "nowhere at all",
    "America/New_York",  # a name of the IANA, said back to whoever typed it
    "best, soonest, nearest, newest, urgent",
    *SAMPLES,
] + [value for body in BODIES.values() for value in body.values() if isinstance(value, str) and " " in value]
READERS = ("anonymous", "supporter", "coordinator", "owner", "administrator")
NO_PAGES = frozenset(
    {
        "pages.healthz",
        "pages.readyz",
        "pages.sitemap",
        "pages.robots",
        "pages.security_txt",
        "admin.metrics",
        "pages.calendar",
        "learning.report_json",
        "learning.feed",
        "design.mail_frame",  # a mail: see below
        "organizations.logo",
        "donations.return_payments",  # where Stripe sends people on from
        "donations.refresh_payments",
        "fundraising.picture",
        "embedding.oembed",
        *(f"feeds.{what}_{kind}" for what in ("organization", "topic") for kind in ("atom", "json")),
        *(
            f"sharing.{what}_{kind}"
            for what in ("need", "fundraiser", "organization")
            for kind in ("code", "drawn_code", "card")
        ),
        *(f"sharing.{what}_card" for what in ("fact", "article", "question")),
        "signups.calendar",
        "accounts.well_known_change_password",
        "ways.short",
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
    read: dict[str, list[Seen]] = dataclasses.field(default_factory=dict)

    def client(self, caller: str) -> FlaskClient:
        """The browser of a caller of the world."""
        client = self.app.test_client()
        if caller != "anonymous":
            with client.session_transaction() as session:
                session["_user_id"], session["_fresh"] = self.world.sessions[caller], True
        return client


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, shared_directory: Path) -> Iterator[House]:
    directory = tmp_path_factory.mktemp("translation")
    prepare(directory, shared_directory, demonstration=True)
    settings = make_settings(
        directory,
        f"sqlite:///{directory / DATABASE}",
        supported_locales=("en", pseudo.LOCALE),
        rate_limits=False,
        **pseudo.PAYMENTS,
    )
    app = create_app(settings)
    app.config["WTF_CSRF_ENABLED"] = False
    pseudo.speak(app, directory / "translations")
    with app.app_context():
        world = build()
        askers = {purpose: make_person(email_verified_at=None) for purpose in LINKS}
        with transaction():
            for whose in (Person, GuestHold, AskedClaim, Follower, FollowRequest):
                db.session.execute(sa.update(whose).values(locale=pseudo.LOCALE))
            links = {purpose: make_link(askers[purpose], purpose, promise=purpose) for purpose in LINKS}
        unlinked = [f"{LINKS[purpose]}{token}" for purpose, token in links.items()]
        unlinked += [f"{path}no-such-token" for path in LINKS.values()]
        unlinked += [
            f"/guests/{world.values['hold_token']}",
            f"/guests/confirm/{world.values['confirm_token']}",
            f"/places/{world.values['place_token']}",
            f"/places/{world.values['place_token']}/decline",
            f"/promises/{world.values['pledge_token']}",
            f"/items/{world.values['item_id']}/pledge",
        ]
        unlinked += [f"/guardians/{world.values['guardian_token']}", "/guardians/no-such-token", "/my-guardian"]
        unlinked += [
            f"/follow/asked/{world.values['request_token']}",
            f"/follow/confirm/{world.values['follow_token']}",
        ]
        unlinked += [f"/follow/stop-one/{world.values['one_token']}", f"/follow/stop/{world.values['all_token']}"]
        unlinked += ["/follow/confirm/no-such-token", f"/follow/topics/{world.values['topic_slug']}"]
        unlinked += ["/registered", f"/mail/stop/{world.values['mail_token']}"]
        unlinked += ["/verify-email", "/sign-in", f"/donations/{world.values['token']}"]
        unlinked += [f"/monthly/{world.values['monthly_token']}"]
        paid, statement = world.values["paid_token"], world.values["statement_token"]
        unlinked += [f"/donations/{paid}", f"/donations/{paid}/receipts/{world.values['receipt_id']}"]
        unlinked += [f"/statements/{statement}"]
        unlinked += [f"/manage/{world.values['slug']}/donations/{world.values['donation_id']}/refund"]
        # A button does it, except for whoever says their age with it.
        unlinked += [f"/manage/{world.values['slug']}/exemptions/{world.values['exemption_id']}/agree"]
        # The sheet of components shows facts that are none.
        of_fact = (f"{start}/{world.values['fact_slug']}" for start in ("/share/fact", "/learn/facts", "/embed/facts"))
        unlinked += of_fact
        unlinked += [f"/learn/questions/{world.values['question_slug']}"]
        unlinked += [f"/learn/check/tell/{world.values['asked_token']}", "/learn/check/asked?wait=mail"]
        unlinked += [f"/claims/{world.values['claim_token']}", "/claims/no-such-token"]
        unlinked += [f"/invitations/{world.values['invitation_token']}", "/invitations/no-such-token"]
        starter = sa.select(Fundraiser.started_by_id).where(Fundraiser.slug == world.values["fundraiser"])
        over = make_fundraiser(started_by_id=db.session.execute(starter).scalar_one(), status="ended", ended_at=now())
        unlinked += [f"/fundraisers/{over.slug}", f"/fundraisers/{over.slug}/outcome"]
        reader = pseudo.Reader([*pseudo.typed_by_people(), *TYPED_HERE])
        db.session.remove()
    yield House(app, world, reader, unlinked)
    close(app)


@dataclasses.dataclass(frozen=True)
class Seen:
    """What one caller met: a page, or something else without text."""

    address: str
    endpoint: str
    status: int
    text: str


def read(house: House, caller: str) -> list[Seen]:
    """The pages that `caller` meets by following links, some of every route. Read once for all tests."""
    if caller not in house.read:
        house.read[caller] = list(_follow_links(house, caller))
    return house.read[caller]


def _follow_links(house: House, caller: str) -> Iterator[Seen]:
    starts = [*STARTS, *house.unlinked]
    client, waiting, seen = house.client(caller), collections.deque(starts), set(starts)
    read_of: collections.Counter[str] = collections.Counter()
    urls = house.app.url_map.bind("localhost")
    while waiting:
        address = waiting.popleft()
        response = client.get(address, headers=HEBREW)
        text = response.get_data(as_text=True) if response.mimetype == "text/html" else ""
        yield Seen(address, urls.match(urlsplit(address).path, "GET")[0], response.status_code, text)
        for link in re.findall(r'href="(/[^"#]*)', text):
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
    for page in read(house, caller):
        if page.status // 100 != 3:
            for fault in house.reader.faults(page.text):
                found.setdefault(fault, page.address)
    assert not found, pseudo.told(found)
    assert sum(page.text != "" for page in read(house, caller)) > 10


def test_the_readers_meet_every_page_there_is(house: House) -> None:
    """Whoever adds a page that no link leads to has to name it in STARTS or `unlinked`."""
    met = {page.endpoint for caller in READERS for page in read(house, caller) if page.status == 200}
    pages = {
        rule.endpoint
        for rule in house.app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and not rule.rule.startswith("/api/v1/") and rule.endpoint not in NO_PAGES
    }
    assert pages - met == set()


def test_no_form_refuses_in_words_that_passed_no_catalogue(house: House) -> None:
    """A page of every route with a form, sent empty and sent with nonsense, by whoever may send it."""
    found: dict[str, str] = {}
    refused = 0
    seen: set[str] = set()
    for caller in ("owner", "moderator", "supporter", "anonymous"):
        client = house.client(caller)
        forms = {page.endpoint: page for page in reversed(read(house, caller)) if 'method="post"' in page.text}
        for page in (page for page in forms.values() if page.endpoint not in seen):
            seen.add(page.endpoint)
            if "sign-out" in page.address:
                continue
            for body in ({}, *nonsense(page.text)):
                answer = client.post(page.address, data=body, headers=HEBREW)
                if answer.status_code == 405:
                    break
                if answer.mimetype == "text/html" and answer.status_code in (200, 400, 409, 422):
                    refused += 1
                    for fault in house.reader.faults(answer.get_data(as_text=True)):
                        found.setdefault(fault, f"POST {page.address}")
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


@pytest.fixture(scope="module")
def mails(house: House) -> list[EmailMessage]:
    """Everything that anybody is written, from acts done in this house."""
    found = send_every_mail(house.app)
    with house.app.app_context():
        house.reader = pseudo.Reader([*pseudo.typed_by_people(), *TYPED_HERE])
        db.session.remove()
    return found


def test_every_mail_speaks_the_language_of_whoever_gets_it(house: House, mails: list[EmailMessage]) -> None:
    """The worker serves nobody's request: whatever it says in its own language stands in Latin letters."""
    found: dict[str, str] = {}
    for mail in mails:
        for fault in house.reader.faults(html_of(mail)):
            found.setdefault(fault, f"html of {mail['Subject']}")
        for line in [str(mail["Subject"]), *text_of(mail).splitlines()]:
            if house.reader.words(line):
                found.setdefault(line, f"text of {mail['Subject']}")
        assert '<html lang="he" dir="rtl">' in html_of(mail), mail["Subject"]
    assert not found, pseudo.told(found)


@pytest.mark.rule("M2")
def test_every_mail_is_sent_by_some_act_with_the_way_out_that_is_due(house: House, mails: list[EmailMessage]) -> None:
    """Samples promise what these mails are like: they are the same mails, of the same kinds, and one click stops each."""
    assert {mail[MAIL_HEADER] for mail in mails} == set(SAMPLES)
    for mail in mails:
        kind, header = SAMPLES[mail[MAIL_HEADER]].kind, mail["List-Unsubscribe"]
        assert (kind is None) == (header is None) == (mail["List-Unsubscribe-Post"] is None), mail[MAIL_HEADER]
        if kind is not None:
            token = str(header).rpartition("/")[2].rstrip(">")
            with house.app.app_context():
                stopped = unseal("unsubscribe", token)
            assert stopped is not None
            assert stopped[1] == kind, mail[MAIL_HEADER]
            assert f"/mail/stop/{token}" in text_of(mail)
            assert house.client("anonymous").get(f"/mail/stop/{token}").status_code == 200


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
        if path.name == "htmx.min.js":
            continue  # not ours, and what it says goes to the console only
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


# The last of this house: it presses every button that a mail leads to.
def test_no_mail_has_a_link_that_needs_a_session_to_be_undone(house: House, mails: list[EmailMessage]) -> None:
    """Every page that a mail leads to opens without a session, and so does every button on it; but for the pages where one
    only reads, or works as one of the staff. What tells of one's promise has the link that takes it back."""
    asked_for_session, taken_back = set(), set()
    for mail in mails:
        for link in re.findall(r"http://localhost(/\S*)", text_of(mail)):
            client = house.client("anonymous")
            page = client.get(link, headers=HEBREW)
            if "/sign-in?" in page.headers.get("Location", ""):
                asked_for_session.add(urlsplit(link).path.split("/")[1])
                continue
            closed = () if link.startswith(("/places/", "/promises/", "/mail/")) else (404, 410)
            assert page.status_code in (200, 303, *closed), (mail[MAIL_HEADER], link)
            for action in re.findall(r'<form[^>]* method="post"(?: action="(/[^"]*)")?', page.get_data(as_text=True)):
                if link.startswith(("/places/", "/promises/", "/mail/stop/")):
                    taken_back.add(mail[MAIL_HEADER])
                    answer = client.post(html.unescape(action) or link, data={}, headers=HEBREW)
                    assert answer.status_code in (200, 303, 409, 410, 422), (mail[MAIL_HEADER], link)
                    assert "/sign-in" not in answer.headers.get("Location", ""), (mail[MAIL_HEADER], link)
    # One claims an organization as somebody who is known.
    assert asked_for_session <= {"my-help", "my-clearances", "my-guardian", "manage", "fundraisers", "organizations"}
    assert taken_back >= {name for name, sample in SAMPLES.items() if sample.kind is not None}
    leads_back = {mail[MAIL_HEADER] for mail in mails if re.search(r"/(places|promises)/", text_of(mail))}
    assert leads_back == {
        "signups/confirmed", "signups/changed_for", "signups/moved", "signups/reminder", "signups/waitlisted",
        "signups/cancelled", "signups/offered", "signups/first_come", "signups/passed_over", "pledges/cancelled",
        "pledges/made", "pledges/changed", "pledges/moved", "pledges/reminder", "pledges/overdue",
        "signups/unowned", "pledges/unowned",
    }  # fmt: skip
