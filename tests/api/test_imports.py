"""Imports by API: a file is looked at or taken in, says what became of each row, and is taken back."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from app.accounts.models import Person
from app.core.db import db, transaction
from app.core.ids import decode_id, encode_id
from app.imports.models import ImportBatch
from app.imports.uploads import MAXIMUM_BYTES, MAXIMUM_ROWS
from app.needs.models import Need
from app.organizations.models import Organization
from app.signups.operations import sign_up
from tests.api.test_main_job import Caller
from tests.factories import make_member, make_organization, make_person
from tests.imports.sample import OWN
from tests.imports.walk import FILE, needs

Work = Callable[[], dict[str, int]]


@pytest.fixture
def organization(app: Flask) -> Organization:
    """One that is verified and brings its needs in a file."""
    return make_organization(slug="pantry", name="Pantry", name_key="pantry")


@pytest.fixture
def manager(app: Flask, organization: Organization) -> Person:
    """Whoever may post its needs."""
    return make_member(organization, "manager")


@pytest.fixture
def staff(app: Flask, manager: Person) -> Caller:
    """Their program."""
    return Caller(app, manager)


def send(caller: Caller, content: bytes | str, query: str = "", **headers: str) -> TestResponse:
    """Send a file as it is."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return caller.client.post(
        f"/api/v1/organizations/pantry/imports{query}",
        data=content,
        content_type="text/csv; charset=utf-8",
        headers={**caller.headers, **named},
    )


def file_of(rows: int) -> str:
    """A file of so many needs."""
    return "title,remote\n" + "".join(f"Read to children {number},yes\n" for number in range(rows))


def test_a_file_is_taken_in_as_it_is_and_its_rejects_are_told(app: Flask, staff: Caller) -> None:
    made = send(staff, FILE, "?name=needs.csv&contact=none&publish=yes")
    assert made.status_code == 201
    assert {name: made.json[name] for name in ("organization", "name", "status", "rows", "publish")} == {
        "organization": "pantry", "name": "needs.csv", "status": "done", "rows": 4, "publish": True,
    }  # fmt: skip
    assert made.json["counts"] == {"created": 2, "updated": 0, "unchanged": 0, "rejected": 2}
    assert made.json["columns"]["title"] == "Titel"
    late, untitled = made.json["rejects"]
    assert (late["line"], late["title"], late["column"], late["value"]) == (3, "Cook", "starts_at", "tomorrow")
    assert (untitled["column"], untitled["reason"]) == ("title", "Fill this in")
    assert untitled["faults"] == [{"column": "title", "value": "", "reason": "Fill this in"}]
    assert late["faults"][0] == {"column": "starts_at", "value": "tomorrow", "reason": late["reason"]}
    assert {title: need.status for title, need in needs().items()} == {"Sort food": "open", "Just an idea": "draft"}
    path = f"/imports/{made.json['id']}"
    tag = staff("GET", path)
    assert tag.json == made.json
    assert staff("GET", path, If_None_Match=tag.headers["ETag"]).status_code == 304
    rows = staff("GET", f"{path}/rows").json["data"]
    assert [(row["line"], row["outcome"], row["need_status"]) for row in rows] == [
        (2, "created", "open"), (3, "rejected", ""), (4, "rejected", ""), (5, "created", "draft"),
    ]  # fmt: skip
    assert rows[0]["need"] == encode_id(needs()["Sort food"].id)
    assert "Nobody knows where it is." in rows[3]["note"]
    assert staff("GET", f"{path}/rows?outcome=rejected").json["data"] == [late, untitled]
    first = staff("GET", f"{path}/rows?limit=3").json
    rest = staff("GET", f"{path}/rows?limit=3&cursor={first['next_cursor']}").json
    assert ([*first["data"], *rest["data"]], rest["next_cursor"]) == (rows, None)
    assert staff("GET", f"{path}/rows?cursor=nonsense").status_code == 422


def test_the_same_file_again_changes_nothing_and_the_same_request_is_not_even_read(staff: Caller) -> None:
    first = send(staff, OWN, "?publish=yes", Idempotency_Key="monday")
    assert first.json["counts"]["created"] == 2
    assert send(staff, OWN, "?publish=yes", Idempotency_Key="monday").json == first.json
    assert db.session.scalar(sa.select(sa.func.count()).select_from(ImportBatch)) == 1
    otherwise = send(staff, OWN, "?dry_run=yes", Idempotency_Key="monday")
    assert (otherwise.status_code, otherwise.json["code"]) == (409, "idempotency_key_reused")
    again = send(staff, OWN)
    assert again.json["counts"] == {"created": 0, "updated": 0, "unchanged": 2, "rejected": 0}


def test_a_dry_run_makes_nothing_until_it_is_started(staff: Caller) -> None:
    body = {"text": FILE, "name": "needs.csv", "dry_run": True, "contact": "none"}
    looked = staff("POST", "/organizations/pantry/imports", body)
    assert (looked.status_code, looked.json["status"], needs()) == (201, "ready", {})
    assert looked.json["counts"] == {"created": 2, "updated": 0, "unchanged": 0, "rejected": 2}
    path = f"/imports/{looked.json['id']}"
    assert staff("POST", f"{path}/undo").json["code"] == "not_now"
    started = staff("POST", f"{path}/start", {"publish": True}, Idempotency_Key="go")
    assert (started.status_code, started.json["status"], len(needs())) == (200, "done", 2)
    assert staff("POST", f"{path}/start", {"publish": True}, Idempotency_Key="go").json == started.json
    assert staff("POST", f"{path}/start").json["code"] == "not_now"


def test_columns_are_said_remembered_or_guessed(staff: Caller) -> None:
    text = "Aufruf,fern,Wann\nRead to children,yes,3/4/2031 10:00\n"
    path = "/organizations/pantry/imports"
    nameless = staff("POST", path, {"text": text})
    assert (nameless.status_code, nameless.json["errors"][0]["field"]) == (422, "title")
    columns = {"title": "Aufruf", "remote": "fern", "starts_at": "Wann"}
    said = staff("POST", path, {"text": text, "columns": columns, "dates": "day_first", "dry_run": True})
    assert said.json["columns"] == columns
    remembered = staff("POST", path, {"text": text, "dry_run": True}).json
    assert (remembered["columns"], remembered["counts"]["rejected"]) == (columns, 1)  # a start without an end
    batch = db.session.get_one(ImportBatch, decode_id(remembered["id"]))
    assert batch.constants == {"dates": "day_first"}
    for wrong, field in (
        ({"columns": {"title": "Nothing"}}, "columns"),
        ({"columns": {"colour": "fern"}}, "columns.colour.key"),
        ({"dates": "soon"}, "dates"),
        ({"contact": "everybody"}, "contact"),
        ({"text": ""}, "text"),
        ({"rows": 1}, "rows"),
    ):
        answer = staff("POST", path, {"text": text, **wrong})
        assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, field)
    assert staff("POST", path).json["errors"][0]["field"] == "text"


def test_a_long_file_is_looked_at_first_and_goes_on_by_itself(staff: Caller, work_off: Work) -> None:
    refused = send(staff, file_of(51))
    assert (refused.status_code, refused.json["code"]) == (409, "look_first")
    assert db.session.scalar(sa.select(sa.func.count()).select_from(ImportBatch)) == 0
    looked = send(staff, file_of(51), "?dry_run=true").json
    path = f"/imports/{looked['id']}"
    assert (looked["status"], looked["counts"]["created"]) == ("checking", 50)
    assert staff("POST", f"{path}/start").json["code"] == "not_now"
    work_off()
    assert staff("GET", path).json["status"] == "ready"
    assert staff("POST", f"{path}/start").json["status"] == "importing"
    work_off()
    assert (staff("GET", path).json["counts"]["created"], len(needs())) == (51, 51)


def test_an_import_is_taken_back_but_for_what_people_rely_on(staff: Caller) -> None:
    made = send(staff, OWN, "?publish=yes&contact=none").json
    shift, person = needs()["Sort food"].shifts[0], make_person()
    with transaction():
        sign_up(shift.id, by=person)
    path = f"/imports/{made['id']}"
    back = staff("POST", f"{path}/undo", {}, Idempotency_Key="back")
    assert (back.status_code, back.json["status"]) == (200, "undone")
    assert (back.json["undone"]["kept"], sum(back.json["undone"].values())) == (1, 2)
    assert staff("POST", f"{path}/undo", {}, Idempotency_Key="back").json == back.json
    assert staff("POST", f"{path}/undo").json["code"] == "not_now"
    notes = {row["title"]: row["note"] for row in staff("GET", f"{path}/rows").json["data"]}
    assert "People have promised something here." in notes["Sort food"]
    assert "Sort food" in needs()


@pytest.mark.rule("A4")
@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b"title,remote\n", "no_rows"),
        (b"PK\x03\x04 a workbook", "workbook"),
        (b"\x00\x01\x02", "binary"),
        (file_of(MAXIMUM_ROWS + 1).encode(), "too_many"),
        (b"title,remote\n" + b"a" * MAXIMUM_BYTES, "too_large"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_why(staff: Caller, content: bytes, code: str) -> None:
    answer = send(staff, content)
    assert (answer.status_code, answer.json["code"]) == (409, code)


@pytest.mark.rule("A4")
def test_a_file_may_be_larger_than_other_requests_and_no_larger_than_on_the_page(staff: Caller) -> None:
    large = "title,remote,description\n" + f"Read,yes,{'a' * 9_000}\n" * 400
    assert send(staff, large, "?dry_run=yes").status_code == 201
    as_json = json.dumps({"text": large, "dry_run": True})
    headers = {**staff.headers, "Content-Type": "application/json"}
    assert staff.client.post("/api/v1/organizations/pantry/imports", data=as_json, headers=headers).status_code == 201
    for kind in ("text/csv", "application/json"):
        content: Any = b"a" * (MAXIMUM_BYTES + 1024 * 1024 + 1)
        sent = staff.client.post(
            "/api/v1/organizations/pantry/imports", data=content, content_type=kind, headers=staff.headers
        )
        assert (sent.status_code, sent.json and sent.json["code"]) == (413, "too_large")
    other = staff.client.post("/api/v1/needs", data=b"a" * (2 * 1024 * 1024 + 1), headers=headers)
    assert other.status_code == 413


@pytest.mark.rule("A1")
def test_only_whoever_posts_its_needs_imports_for_an_organization(
    app: Flask, organization: Organization, staff: Caller, manager: Person
) -> None:
    made = send(staff, OWN, "?dry_run=yes").json
    path = f"/imports/{made['id']}"
    stranger = make_person()
    make_organization(stranger)
    for person in (make_member(organization, "coordinator"), stranger):
        other = Caller(app, person)
        assert send(other, OWN).status_code == 404
        for method, where in (
            ("GET", path),
            ("GET", f"{path}/rows"),
            ("POST", f"{path}/start"),
            ("POST", f"{path}/undo"),
        ):
            assert other(method, where).status_code == 404
    assert send(Caller(app, manager, ["me:read"]), OWN).status_code == 403
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Need)) == 0
