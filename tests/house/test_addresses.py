"""Personal data stays out of addresses: no link, no form that is sent by its address, and no redirect carries whom it is
about. Addresses are kept by browsers, proxies and the logs of both; and ours log the route's pattern, never the address."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

import html5lib
import pytest
from flask import Flask

from app import create_app
from app.core.db import db
from tests.conftest import close, make_settings, migrate
from tests.house.bodies import BODIES
from tests.house.test_routes import filled_body, send
from tests.house.world import World, build

# Somebody with everything of their own, somebody who runs an organization, those who decide, and a visitor.
READERS = ("anonymous", "supporter", "owner", "moderator", "administrator")
# Fields that ask for somebody. What a page filters by (q, near) is not about a person.
PERSONAL = re.compile(r"e-?mail|phone|birth|^(first_|last_)?name$|^person")


def personal_data_in(page: str) -> list[str]:
    """What is wrong with the links and forms of a page."""
    found = []
    for element in html5lib.parse(page, namespaceHTMLElements=False).iter():
        for attribute in ("href", "src", "action", "formaction", "hx-get", "hx-post"):
            found += personal_data_of(element.get(attribute) or "")
        if element.tag == "form" and (element.get("method") or "get").lower() == "get":
            found += [
                f"asked for in the address of {element.get('action')}: {field.get('name')}"
                for field in element.iter()
                if field.get("type") in ("email", "tel") or PERSONAL.search(field.get("name") or "")
            ]
    return found


def personal_data_of(address: str) -> list[str]:
    """What is wrong with one address. Letters that somebody may write (mailto:) are no page of ours."""
    parts = urlsplit(address)
    if parts.scheme == "mailto":
        return []
    named = [name for name, _value in parse_qsl(parts.query) if PERSONAL.search(name)]
    return [address] if named or "@" in unquote(parts.path + "?" + parts.query) else []


@pytest.fixture(scope="module")
def lived_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Flask, World]]:
    """An application with one of everything."""
    directory: Path = tmp_path_factory.mktemp("addresses")
    app = create_app(make_settings(directory, f"sqlite:///{directory / 'addresses.db'}"))
    migrate(app)
    with app.app_context():
        world = build()
        db.session.remove()
    yield app, world
    close(app)


def test_no_page_leads_to_an_address_with_personal_data(lived_in: tuple[Flask, World]) -> None:
    app, world = lived_in
    faults, pages = [], 0
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.endpoint == "static":
            continue
        for reader in READERS if not rule.rule.startswith("/api/") else ():
            answer = send(app, world, "GET", rule.endpoint, reader, None)
            faults += [(rule.endpoint, reader, fault) for fault in personal_data_of(answer.headers.get("Location", ""))]
            if answer.mimetype == "text/html" and answer.status_code == 200:
                pages += 1
                faults += [(rule.endpoint, reader, fault) for fault in personal_data_in(answer.text)]
    assert pages > 150
    assert faults == []


def test_the_address_of_a_failed_request_is_in_no_log(
    lived_in: tuple[Flask, World], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    """The API finds a clearance by `?email=` (it is called by programs): that stays between the two."""
    app, world = lived_in
    endpoint, query = "api_clearances.index", {"email": "quixote@example.org"}
    with caplog.at_level(logging.DEBUG):
        assert send(app, world, "GET", endpoint, "owner", None, query=query).status_code == 200

        def fail(*_args: object, **_values: object) -> None:
            raise ZeroDivisionError(query["email"])

        monkeypatch.setattr("app.safeguarding.queries.list_clearances_for", fail)
        monkeypatch.setitem(app.config, "TESTING", False)
        monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)
        assert send(app, world, "GET", endpoint, "owner", None, query=query).status_code == 500
    written = "".join(capfd.readouterr()) + caplog.text
    assert "/organizations/<slug>/clearances" in written
    assert "quixote" not in written


def test_no_act_leads_to_an_address_with_personal_data(lived_in: tuple[Flask, World]) -> None:
    app, world = lived_in
    faults, acts = [], 0
    for method, endpoint in sorted(BODIES):
        for reader in ("anonymous", "owner", "supporter"):
            if endpoint.startswith("api_") or endpoint == "accounts.sign_out":
                continue
            answer = send(app, world, method, endpoint, reader, filled_body(world, method, endpoint))
            acts += answer.status_code == 303
            faults += [(endpoint, reader, fault) for fault in personal_data_of(answer.headers.get("Location", ""))]
            if answer.mimetype == "text/html":
                faults += [(endpoint, reader, fault) for fault in personal_data_in(answer.text)]
    assert acts > 100
    assert faults == []


@pytest.mark.parametrize(
    "page",
    [
        '<a href="/manage/lantern/clearances?email=hana@example.org">Record it anew</a>',
        '<a href="/people/hana%40example.org">Hana</a>',
        '<a href="/manage/lantern/people?name=Hana">Hana</a>',
        '<form action="/find"><input name="email" type="email"></form>',
        '<form method="GET"><input name="who" type="tel"></form>',
        '<form method="post"><button formaction="/x?phone=5550100">Call</button></form>',
    ],
)
def test_the_look_finds_what_it_looks_for(page: str) -> None:
    assert len(personal_data_in(page)) == 1
