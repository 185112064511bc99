"""Promised work, piece by piece; tests/crash kills whole workers."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from app.core import outbox
from app.core.clock import now
from app.core.db import db, transaction
from app.core.mail import Mail, deliver
from app.core.outbox import Outbox
from tests.factories import make_person
from tests.smtp import Mailbox

Work = Callable[[], dict[str, int]]


def promise(key: str = "k", **values: Any) -> None:
    with transaction():
        outbox.enqueue("try", {}, key=key, **values)


def only_row() -> Outbox:
    db.session.rollback()
    return db.session.scalars(sa.select(Outbox)).one()


def dead_worker() -> str:
    """The name of a worker of this host that has ended."""
    code = "from app.core.outbox import this_worker; print(this_worker())"
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def lease_to(worker: str, attempts: int) -> None:
    with transaction():
        db.session.execute(
            sa.update(Outbox).values(leased_by=worker, leased_until=now() + outbox.LEASE, attempts=attempts)
        )


@pytest.mark.rule("M1")
def test_the_same_promise_is_made_once(app: Flask) -> None:
    promise()
    promise()
    assert only_row().key == "k"


def test_a_promise_needs_the_transaction_of_its_cause(app: Flask) -> None:
    with pytest.raises(RuntimeError, match="commits with"):
        outbox.enqueue("try", {}, key="k")


def test_a_claimed_row_is_nobody_elses_until_its_lease_ends(app: Flask) -> None:
    promise()
    held = outbox.claim()
    assert held is not None
    assert outbox.claim() is None
    with time_machine.travel(now() + outbox.LEASE + dt.timedelta(seconds=1), tick=False):
        taken_over = outbox.claim()
        assert taken_over is not None
        # The first worker was only slow: what it says now changes nothing.
        outbox.complete(held)
        assert only_row().done_at is None
        outbox.complete(taken_over)
        assert only_row().done_at is not None


@pytest.mark.rule("M1")
def test_failures_back_off_and_stop_where_staff_can_see_it(app: Flask) -> None:
    def fail(_payload: dict[str, Any]) -> None:
        raise OSError

    promise()
    start = now()
    waits = []
    for _attempt in range(outbox.MAXIMUM_ATTEMPTS):
        with time_machine.travel(start + dt.timedelta(days=30), tick=False):
            held = outbox.claim(ignore_backoff=True)
            assert held is not None
            assert not outbox.run(held, {"try": fail})
            waits.append(only_row().due_at - now())
    assert waits == sorted(waits)
    assert waits[0] == dt.timedelta(seconds=10)
    row = only_row()
    assert row.given_up_at is not None
    assert row.last_error == "OSError"
    assert outbox.claim(ignore_backoff=True) is None
    assert outbox.count_due() == 0


@pytest.mark.rule("M1")
def test_the_row_of_a_dead_worker_is_free_at_once(app: Flask) -> None:
    promise()
    lease_to(dead_worker(), attempts=1)
    assert outbox.claim() is None
    assert outbox.free_dead_leases() == 1
    assert outbox.claim() is not None


@pytest.mark.rule("M1")
def test_a_row_that_kills_every_worker_is_given_up_at_last(app: Flask) -> None:
    promise()
    lease_to(dead_worker(), attempts=outbox.MAXIMUM_ATTEMPTS)
    outbox.free_dead_leases()
    row = only_row()
    assert row.given_up_at is not None
    assert row.last_error == "worker died"
    assert outbox.claim(ignore_backoff=True) is None


def test_a_row_that_killed_a_worker_lets_others_go_first(app: Flask) -> None:
    promise("deadly")
    lease_to(dead_worker(), attempts=3)
    promise("innocent")
    outbox.free_dead_leases()
    held = outbox.claim()
    assert held is not None
    assert held.key == "innocent"
    assert outbox.claim() is None


def test_a_worker_that_goes_gives_back_all_it_holds(app: Flask) -> None:
    promise()
    outbox.claim()
    outbox.give_back_all()
    row = only_row()
    assert (row.leased_by, row.leased_until, row.attempts) == (None, None, 0)


def test_mail_waits_for_no_transaction_and_holds_none(app: Flask, mailbox: Mailbox) -> None:
    mail = Mail("a@example.org", "Subject", "Text")
    with pytest.raises(RuntimeError, match="transaction"), transaction():
        deliver(mail, key="k")
    assert mailbox.messages == []
    make_person()
    db.session.execute(sa.select(Outbox)).all()
    assert db.session().in_transaction()
    deliver(mail, key="k")
    assert len(mailbox.messages) == 1
    assert not db.session().in_transaction()


@pytest.mark.rule("M1")
@pytest.mark.parametrize("answer", ["500 what?", "421 closing"])
def test_what_the_server_accepted_is_sent_however_it_says_goodbye(app: Flask, mailbox: Mailbox, answer: str) -> None:
    mailbox.on_quit = lambda: answer
    deliver(Mail("a@example.org", "Subject", "Text"), key="k")
    assert len(mailbox.messages) == 1


@pytest.mark.rule("M1")
@pytest.mark.parametrize("engine_name", ["postgresql"])
def test_a_promise_kept_while_the_database_restarts_is_still_marked(app: Flask) -> None:
    calls = []

    def kept_while_connections_die(_payload: dict[str, Any]) -> None:
        calls.append(1)
        with db.engine.connect() as other:
            others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            other.execute(sa.text(f"{others} WHERE pid <> pg_backend_pid() AND datname = current_database()"))

    promise()
    held = outbox.claim()
    assert held is not None
    db.session.execute(sa.select(Outbox)).all()
    assert outbox.run(held, {"try": kept_while_connections_die})
    assert only_row().done_at is not None
    assert outbox.claim() is None
    assert calls == [1]


def test_promises_of_a_past_that_was_made_up_count_as_kept(app: Flask, work_off: Work) -> None:
    past = now() - dt.timedelta(days=3)
    promise("old", due_at=past)
    promise("older", due_at=past - dt.timedelta(days=1))
    promise("ahead", due_at=now() + dt.timedelta(days=1))
    with transaction():
        outbox.note_kept(now(), key="old")
    kept = sa.select(Outbox.key).where(Outbox.done_at.is_not(None))
    assert db.session.scalars(kept).all() == ["old"]
    db.session.rollback()
    with transaction():
        outbox.note_kept(now())
    assert set(db.session.scalars(kept)) == {"old", "older"}
    assert all(row.done_at == row.due_at for row in db.session.scalars(sa.select(Outbox)) if row.done_at)


@pytest.mark.rule("M1")
def test_many_promises_of_one_kind_are_made_at_once_and_each_only_once(app: Flask, count_queries: list[str]) -> None:
    promises: list[tuple[dict[str, Any], str]] = [({"n": number}, f"many:{number}") for number in range(1500)]
    with pytest.raises(RuntimeError), app.app_context():
        outbox.enqueue_all("many", promises[:1])
    count_queries.clear()
    with transaction():
        outbox.enqueue("many", {"n": 0}, key="many:0")
        outbox.enqueue_all("many", promises)
        outbox.enqueue_all("many", [])
    assert len(count_queries) == 3
    found = dict(list(db.session.execute(sa.select(Outbox.key, Outbox.payload).where(Outbox.kind == "many"))))
    assert (len(found), found["many:1499"]) == (1500, {"n": 1499})
