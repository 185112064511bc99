"""How the API says no, at every address: one shape of problem, the method that would do, and no trouble with odd headers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from app import create_app
from tests.conftest import close, make_settings, migrate
from tests.house.test_routes import METHODS, address_of
from tests.house.world import World, build

ODD = (
    "", "\xff", "a" * 5000, "Bearer", "Bearer ", "Bearer a b c", "Basic eA==", ",,,,", '"', 'W/"1.x"', '"1.x", "2.y"', "*",
    "9" * 400,    "bytes=0-,-1", "text/html;q=NaN", "de;q=1e999", "x-" * 300, "Thu, 99 Foo 0000", "[::1", "-1",
)  # fmt: skip
HEADERS = (
    "Authorization", "Idempotency-Key", "If-Match", "If-None-Match", "If-Modified-Since", "If-Range", "Range", "Accept",
    "Accept-Language", "Accept-Encoding", "Cookie", "Content-Type", "Origin", "Referer", "X-Forwarded-For", "X-Forwarded-Proto",
)  # fmt: skip


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Flask, World]]:
    """An application with one of everything."""
    directory = tmp_path_factory.mktemp("refusals")
    app = create_app(make_settings(directory, f"sqlite:///{directory / 'refusals.db'}"))
    migrate(app)
    with app.app_context():
        world = build()
    yield app, world
    close(app)


def addresses(app: Flask, world: World) -> dict[str, set[str]]:
    """Every address of the API, about something that is there, and the methods it takes."""
    found: dict[str, set[str]] = {}
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/api/v1/"):
            found.setdefault(address_of(world, rule), set()).update(rule.methods or ())
    return found


@pytest.mark.rule("A4")
def test_another_method_is_told_which_would_do(served: tuple[Flask, World]) -> None:
    app, world = served
    asked = 0
    for address, methods in addresses(app, world).items():
        for method in {*METHODS, "TRACE", "MKCOL"} - methods:
            answer = app.test_client().open(address, method=method, json={})
            assert (answer.status_code, answer.content_type) == (405, "application/problem+json"), (method, address)
            assert {word.strip() for word in answer.headers["Allow"].split(",")} == methods, (method, address)
            assert answer.json is not None
            assert (answer.json["status"], answer.json["code"]) == (405, "method_not_allowed")
            asked += 1
    assert asked > 100


@pytest.mark.rule("A4")
def test_values_that_cannot_be_are_told_field_by_field(served: tuple[Flask, World]) -> None:
    app, world = served
    headers = {"Authorization": f"Bearer {world.tokens['owner']}"}
    body = {
        "organization": 1,
        "title": "",
        "urgency": "soon",
        "place": {"latitude": 91},
        "colour": "red",
        "causes": ["x" * 41],
    }
    answer = app.test_client().post("/api/v1/needs", json=body, headers=headers)
    assert answer.json is not None
    assert {"type", "title", "status", "code", "detail", "errors"} == set(answer.json)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid")
    assert {entry["field"] for entry in answer.json["errors"]} == {
        "organization", "title", "description", "urgency", "place.latitude", "colour", "causes.0",
    }  # fmt: skip
    for entry in answer.json["errors"]:
        assert entry.keys() == {"field", "code", "message"}
        assert all(entry.values())


@pytest.mark.rule("A4")
def test_what_is_written_is_cleaned_as_in_a_form(served: tuple[Flask, World]) -> None:
    """Spaces are no title, and what no database keeps is left out."""
    app, world = served
    headers = {"Authorization": f"Bearer {world.tokens['owner']}"}
    path = f"/api/v1/needs/{world.values['need_id']}"
    nothing = app.test_client().patch(path, json={"title": " \x00\n "}, headers=headers)
    assert (nothing.status_code, nothing.json and nothing.json["errors"][0]["field"]) == (422, "title")
    body = {"title": " Sort\x00 \n books ", "description": "One\r\n\x07two "}
    cleaned = app.test_client().patch(path, json=body, headers=headers)
    assert cleaned.json is not None
    assert (cleaned.json["title"], cleaned.json["description"]) == ("Sort books", "One\ntwo")


@pytest.mark.rule("A4")
@pytest.mark.parametrize("header", HEADERS)
def test_a_header_may_be_anything(served: tuple[Flask, World], header: str) -> None:
    app, world = served
    need = f"/api/v1/needs/{world.values['need_id']}"
    for value in ODD:
        for path in ("/", "/needs", need, "/api/v1/me", "/api/v1/needs", "/static/site.css", "/healthz"):
            answer = app.test_client().get(
                path, headers={"Authorization": f"Bearer {world.tokens['owner']}", header: value}
            )
            assert answer.status_code < 500, (path, value)
        for method, path, body in (("PATCH", need, {"urgency": "high"}), ("POST", "/api/v1/needs", {"title": ""})):
            headers = {
                "Authorization": f"Bearer {world.tokens['owner']}",
                "Content-Type": "application/json",
                header: value,
            }
            answer = app.test_client().open(path, method=method, json=body, headers=headers)
            assert answer.status_code < 500, (method, value)
