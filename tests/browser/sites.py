"""A served application with a little of everything, for tests in a real browser."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

from flask import Flask
from playwright.sync_api import Browser, Page
from werkzeug.serving import make_server

from app import create_app
from app.accounts.operations import create_person
from app.core.db import db, transaction
from app.organizations.models import Membership, Organization
from tests.browsers import REPLACED
from tests.conftest import close, make_settings, migrate

PASSWORD = "seven green bicycles"
MANAGER = "mara@example.org"


@contextlib.contextmanager
def served(directory: Path) -> Iterator[tuple[Flask, str]]:
    """The application on an empty database, and its address."""
    app = create_app(make_settings(directory, f"sqlite:///{directory / 'site.db'}", supported_locales=("en",)))
    migrate(app)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield app, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        close(app)


def add_manager(organization: Organization) -> None:
    """Mara, who can sign in with PASSWORD, manages it."""
    with transaction():
        person = create_person(email=MANAGER, name="Mara", password=PASSWORD, birth_date=None)
        db.session.add(
            Membership(
                organization_id=organization.id, person_id=person.id, role="manager", created_at=person.created_at
            )
        )


@contextlib.contextmanager
def visit(browser: Browser, *, script: bool = True, **options: object) -> Iterator[Page]:
    """A page under our own policy. What the browser says of scripts and policy must be nothing."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, java_script_enabled=script, **options)  # type: ignore[arg-type]  # Playwright's names
    page, said = context.new_page(), []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    yield page
    context.close()
    assert [line for line in said if not line.startswith("Failed to load resource") and not REPLACED.match(line)] == []


def sign_in(page: Page, address: str, path: str) -> None:
    """Mara signs in on her way to `path`."""
    page.goto(f"{address}/sign-in?next={path}")
    page.get_by_label("Email").fill(MANAGER)
    page.get_by_label("Password").fill(PASSWORD)
    with page.expect_event("load"):
        page.get_by_role("main").get_by_role("button", name="Sign in").click()
