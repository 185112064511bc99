"""Every route × method × caller answers as tests/house/routes.txt says, each with a valid body to a real object (A1)."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from app import create_app
from app.accounts.models import Person
from app.core.db import db, transaction
from tests.conftest import close, make_settings, migrate
from tests.house.bodies import BODIES
from tests.house.world import CALLERS, World, build

TABLE = Path(__file__).parent / "routes.txt"
# What a page of a team does, and none that is a team itself.
LEAVES = ("fundraising.leave", "api_fundraiser_pages.leave")
METHODS = ("GET", "POST", "PATCH", "PUT", "DELETE")


@functools.cache
def read_table() -> dict[tuple[str, str], dict[str, int]]:
    """(method, endpoint) -> caller -> status, as written by hand."""
    table: dict[tuple[str, str], dict[str, int]] = {}
    for line in TABLE.read_text().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        method, endpoint, *answers = line.split()
        assert len(answers) == len(CALLERS), line
        assert (method, endpoint) not in table, line
        table[method, endpoint] = {caller: int(status) for caller, status in zip(CALLERS, answers, strict=True)}
    return table


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Flask, World, Path]]:
    """An application with one of everything, and the file to begin each call with."""
    directory = tmp_path_factory.mktemp("walk")
    settings = make_settings(directory, f"sqlite:///{directory / 'walk.db'}")
    app = create_app(settings)
    migrate(app)
    with app.app_context():
        world = build()
        db.session.remove()
        with db.engine.connect() as connection:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.exec_driver_sql("BEGIN")
        db.engine.dispose()
    shutil.copy2(directory / "walk.db", directory / "pristine.db")
    yield app, world, directory
    close(app)


def reset(app: Flask, directory: Path) -> None:
    """Back to the world as it was built. A file that nobody wrote to stays: most of what is asked here is refused."""
    file, log = directory / "walk.db", directory / "walk.db-wal"
    if file.stat().st_mtime_ns == (directory / "pristine.db").stat().st_mtime_ns and not (
        log.exists() and log.stat().st_size
    ):
        return
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
    for suffix in ("-wal", "-shm"):
        (directory / f"walk.db{suffix}").unlink(missing_ok=True)
    shutil.copy2(directory / "pristine.db", file)


def call(app: Flask, world: World, method: str, endpoint: str, caller: str) -> int:
    """The status that `caller` gets, with a valid body."""
    return send(app, world, method, endpoint, caller, filled_body(world, method, endpoint)).status_code


def filled_body(world: World, method: str, endpoint: str) -> dict[str, Any] | None:
    """The valid body of a route with what it names from the world, or None when it takes none."""
    body = BODIES.get((method, endpoint))
    if body is None:
        return None
    return {name: _filled(world, value) for name, value in body.items()}


def _filled(world: World, value: Any) -> Any:
    if isinstance(value, list):
        return [_filled(world, one) for one in value]
    return value.format(**world.values) if isinstance(value, str) else value


def address_of(world: World, rule: Rule) -> str:
    """The address of a route, naming things of the world."""
    endpoint = rule.endpoint
    values = dict(world.values)
    of_page = (
        "fundraisers.",
        "fundraising.",
        "amounts.",
        "donations.new",
        "sharing.fundraiser",
        "follows.fundraiser",
    )
    is_frame = endpoint.startswith("embedding.") and "/fundraisers/" in rule.rule
    is_api = rule.rule.startswith("/api/v1/fundraisers/<slug>")
    if (endpoint.startswith(of_page) or is_frame or is_api) and "/manage/" not in rule.rule:
        values["slug"] = values["of_team_slug" if endpoint in LEAVES else "fundraiser_slug"]
    for kind in ("topic", "fact", "article", "question"):
        if endpoint in (
            f"learning.{kind}", f"learning.{kind}_history", f"learning.edit_{kind}", f"api_learning.{kind}",
            f"sharing.{kind}", f"sharing.{kind}_card", f"embedding.{kind}",
        ):  # fmt: skip
            values["slug"] = values[f"{kind}_slug"]
    if endpoint in ("learning.renew", "learning.withdraw", "learning.restore"):
        values["slug"] = values["withdrawn_slug" if endpoint == "learning.restore" else "fact_slug"]
    if endpoint.startswith(("follows.topic", "feeds.topic")):
        values["slug"] = values["topic_slug"]
    if endpoint in ("organizations.claim", "api_organizations.claim"):
        values["slug"] = values["unclaimed_slug"]
    if endpoint in ("imports.undo", "api_imports.undo"):
        values["batch_id"] = values["done_batch_id"]
    if rule.rule.startswith("/monthly/"):
        values["token"] = values["monthly_token"]
    if endpoint.startswith("by_guardian."):
        values["signup_id"] = values["minors_signup_id"]
    if endpoint in ("donations.receipt", "donations.receipt_pdf", "donations.send_receipt", "donations.send_statement"):
        values["token"] = values["paid_token"]
    if endpoint in ("donations.statement", "donations.statement_pdf"):
        values["token"] = values["statement_token"]
    if endpoint.startswith(("courses.", "api_courses.")):
        values["slug"] = values["course_slug"]
    address = rule.rule
    for argument in rule.arguments:
        for shape in (f"<{argument}>", f"<id:{argument}>", f"<int:{argument}>"):
            address = address.replace(shape, values[argument])
    return address


def send(
    app: Flask,
    world: World,
    method: str,
    endpoint: str,
    caller: str,
    body: Any,
    query: dict[str, Any] | None = None,
    content_type: str | None = None,
) -> TestResponse:
    """The answer that `caller` gets to `body`: a form's fields, JSON for the API, or bytes of `content_type`."""
    app.config["WTF_CSRF_ENABLED"] = False  # the walk asks who may; tokens against forgery have tests of their own
    rule = next(
        rule for rule in app.url_map.iter_rules() if rule.endpoint == endpoint and method in (rule.methods or ())
    )
    address = address_of(world, rule)
    if endpoint == "fundraisers.new":
        address += f"?organization={world.values['slug']}"
    client = app.test_client()
    options: dict[str, Any] = {}
    is_api = address.startswith("/api/")
    if content_type is not None:
        options.update(data=body, content_type=content_type)
    elif body is not None:
        options["json" if is_api else "data"] = body
    if query is not None:
        address += ("&" if "?" in address else "?") + urlencode(query, doseq=True, errors="surrogatepass")
    if caller != "anonymous" and is_api:
        options["headers"] = {"Authorization": f"Bearer {world.tokens[caller]}"}
    elif caller != "anonymous":
        with client.session_transaction() as session:
            session["_user_id"], session["_fresh"] = world.sessions[caller], True
    return client.open(address, method=method, **options)


def routes(app: Flask) -> set[tuple[str, str]]:
    return {
        (method, rule.endpoint)
        for rule in app.url_map.iter_rules()
        for method in METHODS
        if method in (rule.methods or ())
    }


@pytest.mark.rule("A1")
def test_every_route_is_in_the_table_and_nothing_else(walk: tuple[Flask, World, Path]) -> None:
    app, _world, _directory = walk
    assert set(read_table()) == routes(app)


@pytest.mark.parametrize("is_open", [True, False])
def test_what_one_wrote_is_gone_for_the_next(walk: tuple[Flask, World, Path], is_open: bool) -> None:
    app, _world, directory = walk
    reset(app, directory)
    with app.app_context():
        with transaction():
            db.session.execute(sa.update(Person).values(name="Somebody else"))
        if not is_open:
            db.session.remove()
            db.engine.dispose()  # what was in the log is in the file now
    reset(app, directory)
    with app.app_context():
        assert "Somebody else" not in db.session.scalars(sa.select(Person.name)).all()


@pytest.mark.rule("A1")
@pytest.mark.parametrize(("method", "endpoint"), sorted(read_table()), ids=lambda value: str(value))
def test_who_may_call(walk: tuple[Flask, World, Path], method: str, endpoint: str) -> None:
    app, world, directory = walk
    expected = read_table()[method, endpoint]
    answers = {}
    for caller in CALLERS:
        if method != "GET" or not answers:
            reset(app, directory)  # an act leaves nothing for the next caller
        answers[caller] = call(app, world, method, endpoint, caller)
    assert answers == expected
