"""A crowd of two hundred people, and the place they all want at the same moment."""

from __future__ import annotations

import collections
import dataclasses
import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from flask import Flask

from app.accounts.models import ApiToken, Person
from app.core.clock import now
from app.core.db import db, transaction
from app.core.ids import encode_id
from app.core.tokens import hash_token
from tests.factories import make_person

CLIENT = Path(__file__).parent / "client.py"
PEOPLE = 200
PROCESSES = 20
SCOPES = ["signups:read", "signups:write", "pledges:read", "pledges:write", "needs:write"]


@dataclasses.dataclass(frozen=True)
class Supporter:
    """Somebody who can act by page (a session) and by API (a token)."""

    cookie: str
    token: str


def make_crowd(app: Flask, count: int = PEOPLE) -> list[Supporter]:
    """People with a session and a token each."""
    with app.app_context():
        return equip(app, [make_person() for _number in range(count)])


def equip(app: Flask, people: Iterable[Person]) -> list[Supporter]:
    """A session and a token for each."""
    people = list(people)
    with transaction():
        for person in people:
            token = hash_token(f"t{person.id}")
            db.session.add(ApiToken(person_id=person.id, token_hash=token, scopes=SCOPES, created_at=now()))
    return [Supporter(_session_of(app, person), f"t{person.id}") for person in people]


def _session_of(app: Flask, person: Person) -> str:
    interface = app.session_interface
    serializer = interface.get_signing_serializer(app)  # type: ignore[attr-defined]  # Flask's own interface has it
    return str(serializer.dumps({"_user_id": person.get_id(), "_fresh": True}))


def rush(port: int, crowd: Iterable[Supporter], via: str, kind: str, key: int) -> collections.Counter[int]:
    """Everybody asks for the shift ("signups") or the item ("pledges") at once, from separate processes; the answers."""
    target = encode_id(key)
    if via == "api":
        path = f"/api/v1/{'shifts' if kind == 'signups' else 'items'}/{target}/{kind}"
    else:
        path = f"/shifts/{target}/sign-up" if kind == "signups" else f"/items/{target}/pledge"
    fields: dict[str, Any] = {"quantity": "2"} if kind == "pledges" else {}
    if via == "pages":
        fields = {"note": "", **(fields or {"party_size": "1"})}
    people = [
        {"path": path, "fields": fields, **({"token": one.token} if via == "api" else {"cookie": one.cookie})}
        for one in crowd
    ]
    return collections.Counter(status for status, _told in all_at_once(port, people))


def repeat(
    port: int, one: Supporter, path: str, bodies: list[dict[str, Any]], *, key: str | None, processes: int = PROCESSES
) -> list[tuple[int, str]]:
    """The POSTs to the API at once, under one Idempotency-Key or without: status and body of each answer."""
    headers = {"Idempotency-Key": key} if key else {}
    people = [{"path": path, "fields": fields, "token": one.token, "headers": headers} for fields in bodies]
    return all_at_once(port, people, processes)


def all_at_once(port: int, people: list[dict[str, Any]], count: int = PROCESSES) -> list[tuple[int, str]]:
    """Everybody gets ready in `count` processes, then all act at the same word: status and (of the API) body of each."""
    processes = [
        subprocess.Popen([sys.executable, "-S", str(CLIENT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _number in range(count)
    ]
    try:
        return _run(processes, people, port)
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def _run(processes: list[subprocess.Popen[str]], people: list[Any], port: int) -> list[tuple[int, str]]:
    for number, process in enumerate(processes):
        _write(process, json.dumps({"port": port, "people": people[number :: len(processes)]}))
    for process in processes:
        if _read(process) != "ready":
            raise RuntimeError("somebody in the crowd could not open the form")
    for process in processes:
        _write(process, "go")
    answers: list[tuple[int, str]] = []
    for process in processes:
        answers += [(status, told) for status, told in json.loads(_read(process))]
    return answers


def _write(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()


def _read(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()
