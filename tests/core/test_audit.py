"""The audit trail is found out when it was tampered with (A2)."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core import audit
from app.core.clock import now
from app.core.db import db, transaction, uses_sqlite
from tests.factories import make_person

TABLES = ("audit_event", "audit_seal")


def write_events(count: int) -> None:
    person = make_person()
    for number in range(count):
        with transaction():
            audit.record("test.done", subject=person, by=person, data={"number": number})
    with transaction():
        audit.seal()


def tamper(*statements: str) -> None:
    """Change rows as somebody with the database's password could: append-only triggers off first."""
    with transaction():
        for table in TABLES:
            if uses_sqlite():
                for act in ("update", "delete"):
                    db.session.execute(sa.text(f"DROP TRIGGER IF EXISTS {table}_no_{act}"))
            else:
                db.session.execute(sa.text(f"ALTER TABLE {table} DISABLE TRIGGER ALL"))
        for statement in statements:
            db.session.execute(sa.text(statement))
        if not uses_sqlite():
            for table in TABLES:
                db.session.execute(sa.text(f"ALTER TABLE {table} ENABLE TRIGGER ALL"))
    db.session.expire_all()


@pytest.mark.rule("A2")
def test_an_untouched_trail_has_no_problems(app: Flask) -> None:
    write_events(5)
    assert audit.problems() == []


@pytest.mark.rule("A2")
@pytest.mark.parametrize(
    "statements",
    [
        pytest.param(["UPDATE audit_event SET action = 'test.forged' WHERE id = 2"], id="changed"),
        pytest.param(["UPDATE audit_event SET actor_id = NULL WHERE id = 5"], id="the last changed"),
        pytest.param(["DELETE FROM audit_event WHERE id = 3"], id="removed"),
        pytest.param(["DELETE FROM audit_event WHERE id = 5"], id="the last removed"),
        pytest.param(
            ["DELETE FROM audit_event WHERE id = 5", "DELETE FROM audit_seal WHERE event_id = 5"],
            id="the last removed with its seal",
        ),
        pytest.param(
            [
                "DELETE FROM audit_event WHERE id = 5",
                "DELETE FROM audit_seal WHERE event_id = 5",
                "UPDATE audit_head SET sequence = 4, digest = (SELECT digest FROM audit_seal WHERE sequence = 4)",
            ],
            id="the last removed with its seal and the head moved",
        ),
        pytest.param(["DELETE FROM audit_seal WHERE sequence = 2"], id="a seal removed"),
        pytest.param(
            [
                "UPDATE audit_event SET id = 99 WHERE id = 2",
                "UPDATE audit_event SET id = 2 WHERE id = 3",
                "UPDATE audit_event SET id = 3 WHERE id = 99",
            ],
            id="reordered",
        ),
        pytest.param(["DELETE FROM audit_head", "DELETE FROM audit_seal", "DELETE FROM audit_event"], id="not empty"),
    ],
)
def test_tampering_is_found(app: Flask, statements: list[str], request: pytest.FixtureRequest) -> None:
    write_events(5)
    tamper(*statements)
    if "not empty" in request.node.callspec.id:
        assert audit.problems() == []  # the control: a trail that never was has nothing to find
    else:
        assert audit.problems() != []


@pytest.mark.rule("A2")
def test_an_inserted_event_is_found_once_it_should_have_been_sealed(app: Flask) -> None:
    write_events(3)
    with transaction():
        db.session.add(
            audit.AuditEvent(
                at=now() - dt.timedelta(hours=1), action="test.forged", subject_type="person", subject_id=1, data={}
            )
        )
    assert audit.problems() != []


@pytest.mark.rule("A2")
@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("act", ["UPDATE {} SET {} = 'x'", "DELETE FROM {}"])
def test_the_database_refuses_to_change_the_trail(app: Flask, table: str, act: str) -> None:
    write_events(1)
    column = {"audit_event": "action", "audit_seal": "digest"}[table]
    with pytest.raises(sa.exc.DatabaseError), transaction():
        db.session.execute(sa.text(act.format(table, column)))


def test_an_event_needs_a_transaction(app: Flask) -> None:
    person = make_person()
    with pytest.raises(RuntimeError):
        audit.record("test.done", subject=person, by=None)
