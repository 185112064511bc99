"""Every request that docs/api.md shows is made as it stands there."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from app.accounts.operations import create_token
from app.accounts.scopes import SCOPES
from app.core.db import transaction
from tests.factories import make_organization, make_person

PAGE = Path(__file__).parent.parent.parent / "docs" / "api.md"


def examples() -> list[str]:
    """The curl commands of the page, in order."""
    return [block for block in re.findall(r"```\n(.*?)```", PAGE.read_text(), re.DOTALL) if block.startswith("curl")]


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
        elif word == "-d":
            method, body = "POST", next(words)
        else:
            address = word
    return app.test_client().open(address, method=method, headers=headers, data=body)


def test_the_examples_work_in_their_order(app: Flask) -> None:
    owner = make_person()
    make_organization(owner, slug="riverside")
    with transaction():
        token = create_token(owner, scopes=list(SCOPES))
    values = {"SITE": "", "TOKEN": token}
    statuses = []
    for command in examples():
        answer: Any = run(app, command, values)
        statuses.append(answer.status_code)
        if answer.status_code == 201 and "NEED" not in values:
            values["NEED"] = answer.json["id"]
    assert statuses == [200, 200, 201, 201, 200]


def test_the_scopes_of_the_page_are_scopes() -> None:
    named = re.search(r"--scopes (\S+)", PAGE.read_text())
    assert named is not None
    assert set(named.group(1).split(",")) <= set(SCOPES)


def test_what_the_page_sends_is_json() -> None:
    bodies = re.findall(r"-d '(.*?)'", PAGE.read_text())
    assert len([json.loads(body) for body in bodies]) == 2
