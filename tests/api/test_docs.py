"""Every request that docs/api.md shows is made as it stands there."""

from __future__ import annotations

import concurrent.futures
import contextlib
import json
import re
import shlex
import threading
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.accounts.operations import create_token
from app.accounts.scopes import SCOPES
from app.api.frame import Specification
from app.core.db import transaction
from app.core.limits import API_LIMIT
from app.imports.uploads import MAXIMUM_BYTES, MAXIMUM_ROWS
from app.pages.demo_logos import draw_logo
from tests.conftest import CheckingClient
from tests.factories import make_need, make_organization, make_person

PAGE = Path(__file__).parent.parent.parent / "docs" / "api.md"
# What the examples call what they made, by the last word of its address.
MADE = {"needs": "NEED", "shifts": "SHIFT", "signups": "SIGNUP", "imports": "IMPORT", "fundraisers": "FUNDRAISER"}
FILES = {"@needs.csv": b"title,remote\nRead to children,yes\n,yes\n", "@lantern.png": draw_logo("lantern")}


def examples() -> list[str]:
    """The curl commands of the page, in order."""
    return [block for block in re.findall(r"```\n(.*?)```", PAGE.read_text(), re.DOTALL) if block.startswith("curl")]


def read_document(app: Flask) -> dict[str, Any]:
    """The OpenAPI document."""
    document = app.test_client().get("/api/v1/openapi.json").json
    assert isinstance(document, dict)
    return document


@pytest.mark.parametrize(
    ("lock", "written"), [(threading.Lock(), 1), (contextlib.nullcontext(), 2)], ids=["held", "not held"]
)
def test_of_many_who_read_the_document_first_one_writes_it(lock: Any, written: int) -> None:
    """And the others wait until it is whole; without the lock each would write it."""
    app = Flask("nothing")
    app.config.update(API_TITLE="Nothing", API_VERSION="v1", OPENAPI_VERSION="3.1.0")
    specification = Specification(app)
    specification._writing = lock
    both, times = threading.Barrier(2), []

    def write() -> None:
        times.append(1)
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait(0.1 if written == 1 else 20)
        specification.spec.tag({"name": "needs"})

    specification.write_later(write)
    with concurrent.futures.ThreadPoolExecutor(2) as readers:
        read = [readers.submit(specification.document) for _reader in range(2)]
    assert len(times) == written
    if written == 1:
        assert [each.result()["tags"] for each in read] == [[{"name": "needs"}]] * 2


def run(app: Flask, command: str, values: dict[str, str]) -> TestResponse:
    """What the command would get."""
    for name, value in values.items():
        command = command.replace(f"${name}", value)
    words = iter(shlex.split(command.replace("\\\n", " "))[1:])
    method, headers, body, address = "GET", {}, None, ""
    for word in words:
        if word == "-H":
            name, _sign, value = next(words).partition(": ")
            headers[name] = value
        elif word == "-X":
            method = next(words)
        elif word in ("-d", "--data-binary"):
            sent = next(words)
            method, body = "POST" if method == "GET" else method, FILES.get(sent, sent)
        else:
            address = word
    return app.test_client().open(address, method=method, headers=headers, data=body)


def test_the_examples_work_in_their_order(app: Flask) -> None:
    owner = make_person()
    make_organization(owner, slug="riverside")
    with transaction():
        token = create_token(owner, scopes=list(SCOPES))
    for _number in range(2):
        make_need(make_organization(owner))
    values = {"SITE": "", "TOKEN": token}
    statuses = []
    for command in examples():
        if "$CURSOR" in command:
            values["CURSOR"] = run(app, 'curl "/api/v1/needs?sort=newest&limit=1"', values).json["next_cursor"]  # type: ignore[index]  # it is JSON
        if "$ETAG" in command:
            etag = run(app, 'curl -H "Authorization: Bearer $TOKEN" "/api/v1/needs/$NEED"', values).headers["ETag"]
            values["ETAG"] = etag.replace('"', '\\"')
        answer: Any = run(app, command, values)
        statuses.append(answer.status_code)
        made = MADE.get(answer.request.path.rpartition("/")[2])
        if answer.status_code == 201 and made is not None:
            body = answer.json["data"][0] if "data" in answer.json else answer.json
            values.setdefault(made, body["id"] if "id" in body else body["slug"])
    assert statuses == [
        200, 200, 201, 201, 200,  # a need
        201, 200, 201,  # places
        200,  # what is expected
        201, 200, 200,  # a file
        200, 201, 200, 201,  # settings
        201, 201, 200, 200,  # a fundraiser, its picture, with what it can begin, and what it cost
        200,  # what can be learned
        200, 200, 422,
    ]  # fmt: skip
    [changes] = [command for command in examples() if "If-Match" in command]
    assert run(app, changes, values).status_code == 412


def test_the_table_of_errors_has_each_that_the_document_tells(app: Flask) -> None:
    told = {
        status
        for operations in read_document(app)["paths"].values()
        for method in operations.keys() & {"get", "post", "patch"}
        for status in operations[method]["responses"]
        if status >= "400"
    }
    named = set(re.findall(r"\b[45]\d\d\b", PAGE.read_text().partition("## Errors")[2]))
    # 413 is under limits; 405 and 500 belong to no operation.
    assert named == told - {"413"} | {"405", "500"}


def test_the_limits_of_the_page_are_the_limits(app: Flask) -> None:
    limits = PAGE.read_text().partition("## Limits")[2]
    assert API_LIMIT.replace(" per ", " requests a ") in limits
    assert f"{app.config['MAX_CONTENT_LENGTH'] // 2**20} MiB" in limits
    assert f"{MAXIMUM_BYTES // 2**20} MB and {MAXIMUM_ROWS:,} rows" in limits


def test_the_scopes_of_the_page_are_scopes() -> None:
    named = re.search(r"--scopes (\S+)", PAGE.read_text())
    assert named is not None
    assert set(named.group(1).split(",")) <= set(SCOPES)
    listed = re.search(r"Scopes are `([^`]+)`", PAGE.read_text())
    assert listed is not None
    assert listed.group(1).split() == list(SCOPES)


def test_what_the_page_sends_is_json() -> None:
    bodies = re.findall(r"-d '(.*?)'", PAGE.read_text())
    assert len([json.loads(body) for body in bodies]) == 11


def test_what_callers_read_names_no_rules_by_number_and_no_exception_of_ours(client: CheckingClient) -> None:
    page = client.get("/api/v1/docs").text
    assert "409 with every reason against it." in page
    assert not re.findall(r"Raises|Refused|InvalidInput|\([A-Z]\d{1,2}[,)]", page)
    document = client.get("/api/v1/openapi.json").get_json()
    said = [
        f"{operation.get('summary', '')} {operation.get('description', '')}"
        for operations in document["paths"].values()
        for operation in operations.values()
        if isinstance(operation, dict)
    ]
    assert len(said) > 50
    assert not [text for text in said if re.search(r"Raises|Refused|\([A-Z]\d{1,2}[,)]", text)]
