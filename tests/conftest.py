"""Fixtures: the application on real databases, a client that checks every page and fails on uncommitted writes."""

from __future__ import annotations

import contextvars
import dataclasses
import gc
import os
import re
import secrets
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import flask_migrate
import pytest
import sqlalchemy as sa
import stripe
from _pytest.nodeid import NodeId
from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer
from playwright.sync_api import Browser
from werkzeug.test import TestResponse

from app import create_app
from app.accounts.models import Person
from app.core import jobs
from app.core.db import db, in_transaction
from config import Settings
from tests import databases
from tests.browsers import chromium
from tests.ci import pytest_make_collect_report, pytest_runtest_makereport  # noqa: F401  # hooks
from tests.page_rules import check_page
from tests.smtp import Mailbox, mail_server

ENGINES = ("sqlite", "postgresql")
ROOT = Path(__file__).parent.parent
WRITE = re.compile(r"\s*(insert|update|delete|replace)\b", re.IGNORECASE)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests that share a fixture of their module or package run in one process: it is made once, and not in each.

    xdist 3.8 writes a marked group where pytest 9.2 does not look for it, and says nothing: it is written here, into the id.
    """
    for item in items:
        group = group_of(item)
        if group and config.getoption("loadgroup", False):
            item._id = NodeId.parse(f"{item.nodeid}@{group}")


def group_of(item: pytest.Item) -> str:
    """Where the fixtures that `item` shares belong and what they are made with, as `sqlite:tests/races`; "" where none is."""
    assert isinstance(item, pytest.Function)
    chosen = item.callspec.params if hasattr(item, "callspec") else {}
    shared: set[str] = set()
    for name, definitions in item._fixtureinfo.name2fixturedefs.items():
        scope = definitions[-1].scope
        if scope in ("module", "package"):
            shared.add((item.path if scope == "module" else item.path.parent).relative_to(ROOT).as_posix())
            shared.add(str(chosen.get(name, "")))
    # Who shares something of the package stays with it, whatever its module shares besides.
    return ":".join(sorted(one for one in shared if one and not any(one.startswith(f"{other}/") for other in shared)))


def pytest_collection_finish() -> None:
    """What is loaded by now stays until the end: the collector need not walk it again and again, an eighth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@sa.event.listens_for(sa.Pool, "checkout")
def wait_for_no_disk(connection: Any, record: Any, _proxy: Any) -> None:
    """What a test writes in its own process need not survive the machine: a commit that reaches the disk takes milliseconds,
    and there are a hundred thousand. Servers that tests start keep every promise of theirs."""
    if isinstance(connection, sqlite3.Connection) and "no_disk" not in record.info:
        connection.execute("PRAGMA synchronous=OFF")
        record.info["no_disk"] = True


@pytest.fixture(scope="session", autouse=True)
def _short_breath() -> Iterator[None]:
    """The package of Stripe tries again as often as it does, but at once: nobody gains by a test waiting."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stripe.HTTPClient, "INITIAL_DELAY", 0.01)
        patch.setattr(stripe.HTTPClient, "MAX_DELAY", 0.02)
        yield


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One headless Chromium for every test of a process; each opens a context of its own."""
    with chromium() as started:
        yield started


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The URL of a private cluster, up to the database's name; skips where PostgreSQL cannot be had."""
    if databases.find_postgresql() is None:
        pytest.skip(f"PostgreSQL is not installed; enable with: {databases.ENABLE_POSTGRESQL}")
    with databases.postgresql_cluster() as url:
        yield url


@pytest.fixture(scope="session")
def shared_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory that all processes of this test run share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session", autouse=True)
def _gazetteer(shared_directory: Path) -> None:
    """Every data directory of the tests borrows one gazetteer."""
    databases.GAZETTEER = shared_directory / "gazetteer"


def make_settings(tmp: Path, database_url: str, **changes: Any) -> Settings:
    """Settings of a test installation in `tmp`."""
    databases.lend_gazetteer(tmp)
    values: dict[str, Any] = {
        "secret_key": "tests-" + "k" * 40,
        "database_url": database_url,
        "data_dir": tmp,
        "base_url": "http://localhost",
        "mail_url": "smtp://127.0.0.1:9",
        "testing": True,
    }
    return Settings(**{**values, **changes})


def create_database(server: str, name: str) -> str:
    """A new PostgreSQL database; its URL."""
    engine = sa.create_engine(server + "postgres", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return server + name


_migrated: dict[str, Any] = {}  # what the first migration on an engine left: a file's bytes, a database's name


def migrate(app: Flask) -> None:
    """Bring the empty database of `app` to the head; after the first of a process, by copying what that became."""
    with app.app_context():
        url, name = db.engine.url, db.engine.dialect.name
        copied = _migrated.get(name)
        if copied is None:
            flask_migrate.upgrade()
            db.session.remove()
        if name == "sqlite":
            _migrated[name] = _copy_sqlite(Path(str(url.database)), copied)
        else:
            db.engine.dispose()
            _migrated[name] = _copy_postgresql(url, copied)
        db.engine.dispose()


def _copy_sqlite(path: Path, copied: bytes | None) -> bytes:
    if copied is not None:
        path.write_bytes(copied)
        return copied
    with db.engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.exec_driver_sql("BEGIN")
    return path.read_bytes()


def _copy_postgresql(url: sa.URL, copied: str | None) -> str:
    name, template = url.database, copied or f"template_{secrets.token_hex(4)}"
    engine = sa.create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        if copied is None:
            connection.exec_driver_sql(f"CREATE DATABASE {template} TEMPLATE {name}")
        else:
            connection.exec_driver_sql(f"DROP DATABASE {name}")
            connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE {template}")
    engine.dispose()
    return template


@pytest.fixture(scope="session")
def sqlite_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Flask, Path]]:
    """One application on SQLite and a pristine copy of its migrated database."""
    directory = tmp_path_factory.mktemp("sqlite")
    app = create_app(make_settings(directory, f"sqlite:///{directory / 'test.db'}"))
    migrate(app)
    shutil.copy(directory / "test.db", directory / "pristine.db")
    watch_writes(app)
    yield app, directory
    close(app)


@pytest.fixture(scope="session")
def postgresql_app(postgresql_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """One application on PostgreSQL."""
    url = create_database(postgresql_server, f"test_{secrets.token_hex(4)}")
    app = create_app(make_settings(tmp_path_factory.mktemp("postgresql"), url))
    migrate(app)
    watch_writes(app)
    yield app
    close(app)


def close(app: Flask) -> None:
    """Give the connections of `app` back."""
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


def watch_writes(app: Flask) -> None:
    """Note every write outside `with transaction():`; the client fails on them."""
    app.extensions["stray_writes"] = []
    with app.app_context():

        @sa.event.listens_for(db.engine, "before_cursor_execute")
        def note(_connection: sa.Connection, _cursor: Any, statement: str, *_rest: Any) -> None:
            if WRITE.match(statement) and not in_transaction():
                app.extensions["stray_writes"].append(statement)

    @app.after_request
    def nothing_is_left(response: Any) -> Any:
        session = db.session()
        left = [*session.new, *session.dirty, *session.deleted]
        if left:
            app.extensions["stray_writes"].append(f"left in the session: {left!r}")
        return response


def _empty_sqlite(app: Flask, directory: Path) -> None:
    with app.app_context():
        db.engine.dispose()
    for suffix in ("-wal", "-shm"):
        (directory / f"test.db{suffix}").unlink(missing_ok=True)
    shutil.copy(directory / "pristine.db", directory / "test.db")


def empty_postgresql(connection: sa.Connection) -> None:
    """Delete every row of every table. TRUNCATE of all tables takes fifteen times as long, as most are empty.

    As a replica's session (of a superuser), foreign keys and the triggers that guard the ledger stay silent, and nothing
    cascades: the database itself says which tables there are, as those of full text belong to no model.
    """
    there = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
    names = list(connection.exec_driver_sql(there).scalars())
    filled = connection.exec_driver_sql("SELECT " + ", ".join(f'EXISTS (SELECT 1 FROM "{name}")' for name in names))
    used = [name for name, is_used in zip(names, filled.one(), strict=True) if is_used]
    deletes = "; ".join(f'DELETE FROM "{name}"' for name in used)  # the models' own names
    connection.exec_driver_sql(f"SET LOCAL session_replication_role = replica; {deletes}")
    connection.exec_driver_sql("SELECT setval(oid, 1, false) FROM pg_class WHERE relkind = 'S'")


def _empty_postgresql(app: Flask) -> None:
    with app.app_context(), db.engine.begin() as connection:
        empty_postgresql(connection)


@pytest.fixture(params=ENGINES)
def engine_name(request: pytest.FixtureRequest) -> str:
    """The database engine this run of the test is on."""
    return str(request.param)


@pytest.fixture
def app(engine_name: str, request: pytest.FixtureRequest) -> Iterator[Flask]:
    """The application on an empty, migrated database of `engine_name`, with an application context for the test."""
    if engine_name == "sqlite":
        application, directory = request.getfixturevalue("sqlite_app")
        _empty_sqlite(application, directory)
    else:
        application = request.getfixturevalue("postgresql_app")
        _empty_postgresql(application)
    application.extensions["stray_writes"].clear()
    application.test_client_class = CheckingClient
    with application.app_context():
        yield application
        db.session.rollback()
        db.session.remove()


class CheckingClient(FlaskClient):
    """A browser's part: keeps cookies, sends the CSRF token, checks every page, fails on uncommitted writes."""

    def open(self, *args: Any, csrf: bool = True, **kwargs: Any) -> TestResponse:
        """Like FlaskClient.open; `csrf=False` leaves the token out of a POST."""
        db.session.rollback()
        if kwargs.get("method") == "POST" and csrf and "json" not in kwargs:
            data = kwargs.get("data") or {}
            if (
                isinstance(data, dict)
                and "csrf_token" not in data
                and not str(args[0]).startswith(("/api/", "/stripe/"))
            ):
                kwargs["data"] = {**data, "csrf_token": self.csrf_token()}
        # Flask reuses an application context that is open already, and with it the test's `g` and session: a request
        # of its own runs where none is open.
        response: TestResponse = contextvars.Context().run(super().open, *args, **kwargs)
        stray = self.application.extensions["stray_writes"]
        assert not stray, f"written outside a transaction: {stray}"
        check_page(response)
        # What the request committed is what the test reads next.
        db.session.rollback()
        db.session.expire_all()
        return response

    def csrf_token(self) -> str:
        """A token that belongs to this client's session."""
        with self.session_transaction() as session:
            session.setdefault("csrf_token", secrets.token_hex(20))
            raw = session["csrf_token"]
        return URLSafeTimedSerializer(self.application.secret_key or "", salt="wtf-csrf-token").dumps(raw)


@pytest.fixture
def client(app: Flask) -> CheckingClient:
    """A browser that nobody is signed in on."""
    made = app.test_client()
    assert isinstance(made, CheckingClient)
    return made


@pytest.fixture
def new_client(app: Flask) -> Callable[[], CheckingClient]:
    """Makes further browsers."""
    return app.test_client


@pytest.fixture
def sign_in(client: CheckingClient) -> Callable[..., CheckingClient]:
    """Sign a person in on `client` (or another) without the form; gives the client."""

    def opened(person: Person, browser: CheckingClient | None = None) -> CheckingClient:
        browser = browser or client
        session_id = person.get_id()
        with browser.session_transaction() as session:
            session["_user_id"] = session_id
            session["_fresh"] = True
        return browser

    return opened


@pytest.fixture
def sweeps(app: Flask) -> tuple[jobs.Sweep, ...]:
    """What `work_off` does besides keeping promises: everything that is due by the clock."""
    return tuple(app.extensions["sweeps"])


@pytest.fixture
def work_off(app: Flask, sweeps: tuple[jobs.Sweep, ...]) -> Callable[[], dict[str, int]]:
    """Keep every due promise, as `flask work-off` does."""

    def worked() -> dict[str, int]:
        db.session.rollback()
        outcome = jobs.work_off(app.extensions["outbox_handlers"], sweeps)
        db.session.rollback()
        db.session.expire_all()
        return outcome

    return worked


@pytest.fixture
def mailbox(app: Flask) -> Iterator[Mailbox]:
    """A real mail server on loopback that the application's promises are kept through."""
    before = app.config["SETTINGS"]
    with mail_server() as box:
        app.config["SETTINGS"] = dataclasses.replace(before, mail_url=box.url)
        yield box
    app.config["SETTINGS"] = before


@pytest.fixture
def count_queries(app: Flask) -> Iterator[list[str]]:
    """Every statement sent to the database, in order; clear it before the part that is counted. Left out is what asks
    whether a kept page may still be given (app/core/cache.py): it is asked only where one is kept, which other tests decide."""
    statements: list[str] = []
    left_out = ("BEGIN", "PRAGMA", "SAVEPOINT", "SELECT CAST(pg_current_snapshot()")

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith(left_out):
            statements.append(statement)

    sa.event.listen(db.engine, "before_cursor_execute", note)
    yield statements
    sa.event.remove(db.engine, "before_cursor_execute", note)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real files that MANYHANDS_DATA names; skips where it is not set."""
    folder = os.environ.get("MANYHANDS_DATA")
    if not folder:
        pytest.skip("MANYHANDS_DATA names no folder; enable with: MANYHANDS_DATA=/path/to/data make test")
    return Path(folder)
