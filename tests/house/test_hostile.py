"""Random and hostile input to every form, address and API route: never an error of ours, and nothing typed is lost (A4)."""

from __future__ import annotations

import html
import secrets
from collections.abc import Iterator
from typing import Any

import html5lib
import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from app import create_app
from tests.conftest import ENGINES, close, create_database, make_settings, migrate, watch_writes
from tests.hostile import JSON, NASTY, NOT_FORMS, NOT_JSON, TYPED, WORDS, encoded, in_turn, tries
from tests.house.bodies import BODIES, FOLLOW, GUEST
from tests.house.test_routes import filled_body, read_table, send
from tests.house.world import World, build

TABLE = read_table()
# Sent in the name of somebody who may: what they send is what is asked about here. (Anonymous is sent to sign in.)
ASKERS = ("supporter", "owner", "moderator", "administrator", "anonymous")
MAY_NOT = (401, 403, 404)
CALLER = {
    key: next(
        (who for who in ASKERS if answers[who] < 400),
        next((who for who in ASKERS if answers[who] not in MAY_NOT), "owner"),  # whom a rule of the domain refuses
    )
    for key, answers in TABLE.items()
}
FORMS = sorted(key for key in BODIES if key[0] == "POST" and not key[1].startswith(("api_", "stripe.")))
RESOURCES = sorted(key for key in BODIES if key[1].startswith("api_"))
READS = sorted(key for key in TABLE if key[0] == "GET" and key[1] != "static")
ASKED = (
    "cursor", "status", "next", "q", "near", "radius_km", "skills", "causes", "wants", "from", "to", "urgency", "remote",
    "sort", "limit", "quantity", "organization", "need", "missing", "session_id", "country", "of",
    "place", "people", "party_size", "for", "ready",
)  # fmt: skip
# What may be decided about an organization changes with each decision.
NEVER_SHOWN_AGAIN = {"password", "current", "version", "act", "decision"}


@pytest.fixture(scope="module", params=ENGINES)
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Flask, World]]:
    """An application with one of everything."""
    directory = tmp_path_factory.mktemp("hostile")
    if request.param == "sqlite":
        url = f"sqlite:///{directory / 'hostile.db'}"
    else:
        url = create_database(request.getfixturevalue("postgresql_server"), f"hostile_{secrets.token_hex(4)}")
    app = create_app(make_settings(directory, url))
    migrate(app)
    with app.app_context():
        world = build()
    watch_writes(app)
    yield app, world
    close(app)


@pytest.fixture(scope="module")
def untouched(filled: tuple[Flask, World]) -> tuple[Flask, World]:
    """The same application with a second world that no other test here acts on."""
    app, _world = filled
    with app.app_context():
        return app, build()


def is_sound(app: Flask, answer: TestResponse, sent: object) -> None:
    """No error of ours, nothing written but in an act's transaction, and bad input to the API is told as a problem."""
    assert answer.status_code < 500, sent
    assert not app.extensions["stray_writes"], sent
    if answer.status_code >= 400 and answer.request.path.startswith("/api/"):
        assert answer.content_type == "application/problem+json", sent
        assert answer.json is not None
        assert {"type", "title", "status", "code", "detail"} <= set(answer.json)
        assert answer.json["status"] == answer.status_code


def fields_of(page: str) -> dict[str, list[str]]:
    """What stands in the fields of a page, by name."""
    found: dict[str, list[str]] = {}
    for element in html5lib.parse(page, namespaceHTMLElements=False).iter():
        name = element.get("name")
        if name is None or element.tag not in ("input", "textarea", "select"):
            continue
        if element.tag == "textarea":
            values = [(element.text or "").removeprefix("\n")]
        elif element.tag == "select":
            chosen = [option for option in element.iter("option") if option.get("selected") is not None]
            values = [option.get("value") or "" for option in chosen]
        elif element.get("type") in ("radio", "checkbox"):
            values = [element.get("value") or "on"] if element.get("checked") is not None else []
        else:
            values = [element.get("value") or ""]
        found.setdefault(name, []).extend(values)
    return found


def texts_of(page: str) -> set[str]:
    """The names of the fields that take any text."""
    return {
        element.get("name")
        for element in html5lib.parse(page, namespaceHTMLElements=False).iter()
        if element.tag == "textarea"
        or (element.tag == "input" and element.get("type", "text") in ("text", "email", "search"))
    }


@pytest.mark.rule("A4")
@pytest.mark.parametrize(("method", "endpoint"), FORMS)
def test_a_form_takes_anything_and_loses_nothing(filled: tuple[Flask, World], method: str, endpoint: str) -> None:
    app, world = filled
    valid = filled_body(world, method, endpoint) or {}
    takes_anything(app, world, method, endpoint, CALLER[method, endpoint], valid)


@pytest.mark.rule("A4")
@pytest.mark.rule("S10")
def test_the_form_of_a_guest_takes_anything_and_loses_nothing(filled: tuple[Flask, World]) -> None:
    app, world = filled
    takes_anything(app, world, "POST", "signups.new", "anonymous", GUEST)


@pytest.mark.rule("A4")
def test_the_form_of_whoever_follows_by_an_address_takes_anything_and_loses_nothing(
    filled: tuple[Flask, World],
) -> None:
    app, world = filled
    takes_anything(app, world, "POST", "follows.organization", "anonymous", FOLLOW)


def is_asked_no_more(app: Flask, world: World, endpoint: str, caller: str, name: str, value: str) -> bool:
    """Whether the page of the form, opened now, has no such field or offers no such choice: what was tried before changed
    what it asks for."""
    page = send(app, world, "GET", endpoint, caller, None)
    if page.status_code != 200 or "<form" not in page.text:
        return False
    choices = choices_of(page.text, name)
    return name not in fields_of(page.text) or (bool(choices) and value not in choices)


def choices_of(page: str, name: str) -> list[str]:
    """The values that the fields of that name let one choose from; none when they take any text."""
    found: list[str] = []
    for element in html5lib.parse(page, namespaceHTMLElements=False).iter():
        if element.get("name") == name and element.tag == "select":
            found += [option.get("value") or "" for option in element.iter("option")]
        elif element.get("name") == name and element.get("type") == "radio":
            found.append(element.get("value") or "on")
    return found


def takes_anything(app: Flask, world: World, method: str, endpoint: str, caller: str, valid: dict[str, Any]) -> None:
    names = [*valid, "csrf_token", "next", "unheard-of"]

    @tries(6)
    @given(sent=st.dictionaries(st.sampled_from(names), TYPED, min_size=1, max_size=2))
    def send_it(sent: dict[str, Any]) -> None:
        answer = send(app, world, method, endpoint, caller, encoded({**valid, **sent}))
        is_sound(app, answer, sent)
        if answer.status_code == 422 and "<form" in answer.text:
            assert "<title>Error: " in answer.text, sent
            kept = fields_of(answer.text)
            for name, value in {**valid, **sent}.items():
                if name in NEVER_SHOWN_AGAIN or not isinstance(value, str) or not value.strip():
                    continue
                if name not in sent or (value.isprintable() and name in texts_of(answer.text)):
                    is_kept = " ".join(value.split()) in kept.get(name, [])
                    assert is_kept or is_asked_no_more(app, world, endpoint, caller, name, value), (name, sent)

    send_it()


@pytest.mark.rule("A4")
@pytest.mark.parametrize(("method", "endpoint"), FORMS)
def test_a_form_takes_any_body(filled: tuple[Flask, World], method: str, endpoint: str) -> None:
    app, world = filled
    for body, content_type in in_turn(NOT_FORMS, FORMS.index((method, endpoint)), 3):
        answer = send(app, world, method, endpoint, CALLER[method, endpoint], body, content_type=content_type)
        is_sound(app, answer, (body[:40], content_type))


@pytest.mark.rule("A4")
@pytest.mark.parametrize(("method", "endpoint"), RESOURCES)
def test_a_body_that_is_no_json_is_malformed(untouched: tuple[Flask, World], method: str, endpoint: str) -> None:
    app, world = untouched
    for body in NOT_JSON:
        answer = send(app, world, method, endpoint, CALLER[method, endpoint], body, content_type="application/json")
        is_sound(app, answer, body[:40])
        assert answer.json is not None
        assert (answer.status_code, answer.json["code"]) == (400, "malformed"), body[:40]


@pytest.mark.rule("A4")
@pytest.mark.parametrize(("method", "endpoint"), RESOURCES)
def test_a_resource_takes_anything(filled: tuple[Flask, World], method: str, endpoint: str) -> None:
    app, world = filled
    valid = filled_body(world, method, endpoint) or {}
    names = st.sampled_from([*valid, "unheard_of"]) if valid else st.text(max_size=8)

    @tries(10)
    @given(body=st.dictionaries(names, JSON, min_size=1, max_size=2).map(lambda sent: {**valid, **sent}) | JSON)
    def send_it(body: Any) -> None:
        is_sound(app, send(app, world, method, endpoint, CALLER[method, endpoint], body), body)

    send_it()


@pytest.mark.rule("A4")
@pytest.mark.parametrize(("method", "endpoint"), READS)
def test_an_address_takes_anything(filled: tuple[Flask, World], method: str, endpoint: str) -> None:
    app, world = filled

    @tries(4)
    @given(query=st.dictionaries(st.sampled_from(ASKED), st.lists(WORDS, min_size=1, max_size=2), max_size=4))
    def send_it(query: dict[str, list[str]]) -> None:
        short = {name: [value[:2000] for value in values] for name, values in query.items()}
        is_sound(app, send(app, world, method, endpoint, CALLER[method, endpoint], None, short), query)

    send_it()


@pytest.mark.rule("A4")
@pytest.mark.parametrize("word", [word for word in NASTY if 0 < len(word) < 500])
def test_an_id_may_be_anything(filled: tuple[Flask, World], word: str) -> None:
    app, _world = filled
    client = app.test_client()
    encoded = "".join(f"%{byte:02X}" for byte in word.encode("utf-8", "surrogatepass"))
    for path in ("/needs/{}", "/organizations/{}", "/fundraisers/{}", "/manage/{}/", "/verify-email/{}", "/api/v1/needs/{}",
                 "/api/v1/fundraisers/{}", "/static/{}"):  # fmt: skip
        assert client.get(path.format(encoded)).status_code < 500


def test_a_page_that_lost_what_was_typed_would_be_found() -> None:
    page = '<form><input name="title" value="Beds &amp; more"><textarea name="story">\nWhy</textarea></form>'
    assert fields_of(page) == {"title": ["Beds & more"], "story": ["Why"]}
    assert "Beds" not in fields_of(page)["title"]
    assert html.unescape("&amp;") == "&"
