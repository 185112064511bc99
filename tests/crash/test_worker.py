"""Killing the worker at every moment of a promise: nothing is lost, and what comes twice is known to be the same.

The worker is a process of its own, in the ordinary case the real command; the mail server is at its wire and decides when the
worker dies.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from app import create_app
from app.core.db import db, transaction
from app.core.jobs import GRACE_SECONDS
from app.core.outbox import MAXIMUM_ATTEMPTS, Outbox
from app.needs.models import Position
from app.signups.models import Signup
from app.signups.operations import sign_up
from deploy import supervise
from tests import forks
from tests.conftest import ENGINES, close, create_database, make_settings, migrate
from tests.factories import make_person, make_shift
from tests.servers import ROOT, environment
from tests.smtp import Mailbox, mail_server

pytestmark = pytest.mark.crash
PATIENCE = 30
# A machine that does other things, too, may need more than the worker gives itself.
IN_TIME = GRACE_SECONDS + 10


class Worker:
    """What `flask worker` does, in a process of its own."""

    def __init__(self, app: Flask, tmp: Path, mail_url: str, *what: str) -> None:
        settings = app.config["SETTINGS"]
        app.config["SETTINGS"] = dataclasses.replace(settings, mail_url=mail_url)
        arguments = [str(tmp / "worker.log"), *(what or ("work",))]
        self.process = forks.start(app, tmp, "tests.crash.worker", arguments)
        app.config["SETTINGS"] = settings

    def kill(self) -> None:
        """As the kernel does it: no handler, no finally."""
        self.process.kill()
        self.process.wait(PATIENCE)
        self.process.close()


class Stage:
    """An application on a database of its own, a mail server, and whichever worker runs."""

    def __init__(self, app: Flask, tmp: Path, url: str, box: Mailbox) -> None:
        self.app, self.tmp, self.url, self.box = app, tmp, url, box
        self.workers: list[Worker] = []

    def start(self) -> Worker:
        self.workers.append(Worker(self.app, self.tmp, self.box.url))
        return self.workers[-1]

    def wait(self, happened: Callable[[], bool]) -> None:
        """Until `happened`; fails after half a minute, or when the last worker has ended by itself."""
        deadline = time.monotonic() + PATIENCE
        pause = threading.Event()
        while not happened():
            assert time.monotonic() < deadline, (self.tmp / "worker.log").read_text()[-2000:]
            pause.wait(0.05)

    def rows(self) -> list[Outbox]:
        db.session.rollback()
        query = sa.select(Outbox).where(Outbox.kind == "signup_confirmed").order_by(Outbox.id)
        return list(db.session.scalars(query.execution_options(populate_existing=True)))

    def all_done(self) -> bool:
        return all(row.done_at is not None for row in self.rows())

    def promise(self, count: int = 1) -> list[str]:
        """Places taken and their mails promised; the addresses."""
        shift = make_shift(capacity=None, flexible=True)
        people = [make_person() for _number in range(count)]
        for person in people:
            with transaction():
                sign_up(shift.id, by=person)
        addresses = [person.email for person in people]
        db.session.rollback()
        return addresses


@pytest.fixture(scope="module", params=ENGINES)
def database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Flask, Path, str]]:
    tmp = tmp_path_factory.mktemp("crash")
    if request.param == "postgresql":
        url = create_database(request.getfixturevalue("postgresql_server"), f"crash_{secrets.token_hex(4)}")
    else:
        url = f"sqlite:///{tmp / 'crash.db'}"
    app = create_app(make_settings(tmp, url))
    migrate(app)
    yield app, tmp, url
    close(app)


@pytest.fixture
def stage(database: tuple[Flask, Path, str]) -> Iterator[Stage]:
    app, tmp, url = database
    with mail_server() as box, app.app_context():
        with transaction():
            db.session.execute(sa.delete(Outbox))
        made = Stage(app, tmp, url, box)
        yield made
        for worker in made.workers:
            worker.kill()
        db.session.rollback()


@contextlib.contextmanager
def the_command(stage: Stage) -> Iterator[None]:
    """Meanwhile `flask worker` runs as its operator starts it; it ends well when it is told to."""
    with (stage.tmp / "worker.log").open("a") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "flask", "--app", "wsgi", "worker"],
            cwd=ROOT, env=environment(stage.tmp, stage.url, MAIL_URL=stage.box.url), stdout=log, stderr=log,
        )  # fmt: skip
        try:
            yield
            process.terminate()
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()
            process.wait()


def copies(box: Mailbox) -> dict[str, list[str]]:
    """The Message-ID of every copy, by address."""
    found = collections.defaultdict(list)
    for message in box.messages:
        found[message["To"]].append(message["Message-ID"])
    return dict(found)


@contextlib.contextmanager
def locked_out(app: Flask) -> Iterator[None]:
    """While this holds, nobody can write the outbox."""
    with db.engine.connect() as connection:
        if db.engine.dialect.name == "sqlite":
            connection.exec_driver_sql("ROLLBACK")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.exec_driver_sql("LOCK TABLE outbox IN EXCLUSIVE MODE")
        yield
        connection.rollback()


@pytest.mark.rule("M1")
def test_in_the_ordinary_case_every_mail_comes_once(stage: Stage) -> None:
    addresses = stage.promise(20)
    with the_command(stage):
        stage.wait(stage.all_done)
    assert {address: len(ids) for address, ids in copies(stage.box).items()} == dict.fromkeys(addresses, 1)


@pytest.mark.rule("M1")
def test_killed_between_acceptance_and_the_rows_update_it_comes_again_as_the_same_message(stage: Stage) -> None:
    [address] = stage.promise()
    accepted, lock = threading.Event(), contextlib.ExitStack()

    def shut_the_table(_message: EmailMessage) -> None:
        if not accepted.is_set():
            with stage.app.app_context():
                lock.enter_context(locked_out(stage.app))

    def said_goodbye() -> str:
        accepted.set()
        return "221 Bye"

    stage.box.before_answer = shut_the_table
    stage.box.on_quit = said_goodbye
    with lock:
        worker = stage.start()
        # The worker says QUIT only after it has read "250 OK", and cannot write its row before the lock is gone.
        assert accepted.wait(PATIENCE)
        worker.kill()
    [row] = stage.rows()
    assert row.done_at is None
    assert copies(stage.box)[address][1:] == []
    stage.start()
    stage.wait(stage.all_done)
    first, second = copies(stage.box)[address]
    assert first == second


@pytest.mark.rule("M1")
def test_killed_before_the_mail_was_accepted_it_comes_once(stage: Stage) -> None:
    [address] = stage.promise()
    worker = stage.start()
    killed = threading.Event()

    def kill(_message: EmailMessage) -> str | None:
        if killed.is_set():
            return None
        os.kill(worker.process.pid, signal.SIGKILL)
        killed.set()
        return "451 nobody listens any more"

    stage.box.before_answer = kill
    assert killed.wait(PATIENCE)
    worker.kill()
    stage.start()
    stage.wait(stage.all_done)
    assert len(copies(stage.box)[address]) == 1


@pytest.mark.rule("M1")
def test_killed_right_after_the_claim_it_comes_once(stage: Stage) -> None:
    [address] = stage.promise()
    run_and_die(stage, "claim")
    [row] = stage.rows()
    assert (row.attempts, row.done_at) == (1, None)
    assert row.leased_by is not None
    stage.start()
    stage.wait(stage.all_done)
    assert len(copies(stage.box)[address]) == 1


@pytest.mark.rule("M1")
def test_killed_inside_the_transaction_neither_fact_nor_mail_remains(stage: Stage) -> None:
    shift, person = make_shift(capacity=3), make_person()
    position_id, shift_id, person_id = shift.positions[0].id, shift.id, person.id
    db.session.rollback()
    run_and_die(stage, "sign-up", str(shift_id), str(person_id))
    assert stage.rows() == []
    assert db.session.scalars(sa.select(Signup).where(Signup.shift_id == shift_id)).all() == []
    assert db.session.get_one(Position, position_id, populate_existing=True).taken == 0
    with transaction():
        sign_up(shift_id, by=person)
    stage.start()
    stage.wait(stage.all_done)
    assert len(copies(stage.box)[person.email]) == 1


def run_and_die(stage: Stage, *what: str) -> None:
    """Do it in a process that kills itself afterwards, as -9 does."""
    died = Worker(stage.app, stage.tmp, stage.box.url, *what).process
    assert died.wait(PATIENCE) == -signal.SIGKILL, (stage.tmp / "worker.log").read_text()[-2000:]
    died.close()


@pytest.mark.rule("M1")
def test_killed_again_and_again_nothing_is_lost(stage: Stage) -> None:
    addresses = stage.promise(24)
    deaths: list[str] = []
    seen = 0
    died = threading.Event()

    def sometimes_kill(message: EmailMessage) -> None:
        nonlocal seen
        seen += 1
        if seen % 6 == 0 and len(deaths) < 4:
            deaths.append(message["To"])
            os.kill(stage.workers[-1].process.pid, signal.SIGKILL)
            died.set()

    stage.box.before_answer = sometimes_kill
    for _death in range(4):
        worker = stage.start()
        assert died.wait(PATIENCE)
        worker.kill()
        died.clear()
    stage.start()
    stage.wait(stage.all_done)
    got = copies(stage.box)
    assert set(got) == set(addresses)
    assert all(len(set(ids)) == 1 for ids in got.values())
    assert {address for address, ids in got.items() if len(ids) > 1} <= set(deaths)
    assert max(row.attempts for row in stage.rows()) < MAXIMUM_ATTEMPTS


@pytest.mark.rule("M1")
def test_told_to_stop_while_the_mail_server_hangs_the_row_goes_back_in_time(stage: Stage) -> None:
    # It gives back what it holds before `make run`, which must be gone after five seconds, kills it.
    assert GRACE_SECONDS + 1 <= supervise.FIRST_GRACE_SECONDS
    [address] = stage.promise()
    holding, release = threading.Event(), threading.Event()

    def hang(_message: EmailMessage) -> str | None:
        if release.is_set():
            return None
        holding.set()
        release.wait(PATIENCE)
        return "451 too late"

    stage.box.before_answer = hang
    worker = stage.start()
    assert holding.wait(PATIENCE)
    worker.process.kill(signal.SIGTERM)
    assert worker.process.wait(IN_TIME) == 0
    [row] = stage.rows()
    assert (row.leased_by, row.leased_until, row.attempts, row.done_at) == (None, None, 0, None)
    release.set()
    stage.start()
    stage.wait(stage.all_done)
    assert len(copies(stage.box)[address]) == 1


@pytest.mark.rule("M1")
def test_told_to_stop_it_finishes_what_it_holds(stage: Stage) -> None:
    stage.promise(5)
    worker = stage.start()
    asked = threading.Event()

    def ask_to_stop(_message: EmailMessage) -> None:
        if not asked.is_set():
            asked.set()
            worker.process.kill(signal.SIGTERM)

    stage.box.before_answer = ask_to_stop
    assert asked.wait(PATIENCE)
    assert worker.process.wait(IN_TIME) == 0
    rows = stage.rows()
    assert sum(row.done_at is not None for row in rows) == len(stage.box.messages) >= 1
    assert all(row.leased_by is None for row in rows)
    stage.start()
    stage.wait(stage.all_done)
    assert len(stage.box.messages) == 5
