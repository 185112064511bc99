"""A coordinator's list becomes needs, in a real browser: with JavaScript and without, on a screen and on a phone."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from app import create_app
from app.accounts.operations import create_person
from app.core import jobs
from app.core.db import db, transaction
from app.imports.operations import STEP
from app.organizations.models import Membership
from tests.browsers import faults_of
from tests.conftest import close, make_settings, migrate
from tests.factories import make_member, make_organization

pytestmark = pytest.mark.browser
PASSWORD = "seven green bicycles"
LIST = """Aufgabe;Datum;Beginn;Ende;Personen;PLZ;Stadt;Bemerkung
Sort food on Tuesday evenings;11.03.2031;18:00;20:00;5;07102;Newark;ring twice
Cook for forty;soon;18:00;20:00;4;07102;Newark;
;13.03.2031;18:00;20:00;4;07102;Newark;
""".encode("cp1252")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Flask, str]]:
    """The application with one organization, its manager, and nobody who keeps promises."""
    app = create_app(make_settings(tmp_path, f"sqlite:///{tmp_path / 'imports.db'}", supported_locales=("en",)))
    migrate(app)
    with app.app_context():
        organization = make_organization(slug="pantry", name="Riverside Pantry")
        make_member(organization, "owner")
        with transaction():
            manager = create_person(email="mara@example.org", name="Mara", password=PASSWORD, birth_date=None)
            db.session.add(
                Membership(
                    organization_id=organization.id, person_id=manager.id, role="manager", created_at=manager.created_at
                )
            )
        db.session.remove()
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield app, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
    close(app)


@contextlib.contextmanager
def manager(browser: Browser, address: str, *, width: int, theme: str, script: bool) -> Iterator[Page]:
    """The manager, signed in, on the page of her organization's needs."""
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if theme == "dark" else "light",
        bypass_csp=True,
        java_script_enabled=script,
    )
    page = context.new_page()
    page.goto(f"{address}/sign-in?next=/manage/pantry/needs")
    page.get_by_label("Email").fill("mara@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    with page.expect_event("load"):
        page.get_by_role("main").get_by_role("button", name="Sign in").click()
    yield page
    context.close()


@pytest.mark.parametrize(
    ("width", "theme", "script"),
    [(1280, "light", True), (390, "dark", True), (320, "light", False)],
    ids=["screen", "phone in the dark", "small phone without javascript"],
)
@pytest.mark.rule("A4")
def test_a_list_becomes_needs_and_goes_again(
    browser: Browser, site: tuple[Flask, str], width: int, theme: str, script: bool
) -> None:
    with manager(browser, site[1], width=width, theme=theme, script=script) as page:

        def look(title: str) -> None:
            expect(page).to_have_title(f"{title} – Manyhands")
            if script:
                assert faults_of(page) == [], title

        page.get_by_role("link", name="Import needs from a file").click()
        look("Import needs from a file – Riverside Pantry")
        page.get_by_role("button", name="Go on").click()
        look("Error: Import needs from a file – Riverside Pantry")
        page.get_by_label("CSV file").set_input_files({"name": "Liste.csv", "mimeType": "text/csv", "buffer": LIST})
        page.get_by_role("button", name="Go on").click()
        look("What are the columns? – Riverside Pantry")
        expect(page.get_by_label("Aufgabe")).to_have_value("title")
        expect(page.get_by_label("Datum")).to_have_value("day")
        expect(page.get_by_label("How are days written?")).to_have_value("day_first")
        page.get_by_label("Bemerkung").select_option("Description")
        page.get_by_label("Whom do people meet?").select_option("none")
        page.get_by_role("button", name="Look at the rows").click()
        look("Look at the rows – Riverside Pantry")
        expect(page.get_by_role("row", name="Cook for forty").first).to_contain_text("soon")

        page.get_by_role("link", name="Mend them here").click()
        look("Error: Mend line 3 – Riverside Pantry")
        page.get_by_label("Day of the shift").fill("12.03.2031")
        page.get_by_role("button", name="Save and go on").click()
        look("Error: Mend line 4 – Riverside Pantry")
        page.get_by_role("link", name="All rows of the file").click()
        page.get_by_label("Publish at once what is complete").check()
        page.get_by_role("button", name="Import 2 needs").click()
        look("Imported: Liste.csv – Riverside Pantry")
        expect(page.get_by_role("main")).to_contain_text("The description is empty.")

        page.get_by_role("link", name="Take this import back").click()
        look("Take this import back? – Riverside Pantry")
        page.get_by_role("button", name="Take this import back").click()
        look("Taken back: Liste.csv – Riverside Pantry")
        page.get_by_role("link", name="Import another file").click()
        look("Import needs from a file – Riverside Pantry")
        expect(page.get_by_role("row", name="Liste.csv")).to_contain_text("Taken back")


@pytest.mark.parametrize("script", [True, False], ids=["javascript", "no javascript"])
def test_what_is_long_tells_how_far_it_is(browser: Browser, site: tuple[Flask, str], script: bool) -> None:
    app, address = site
    with manager(browser, address, width=390, theme="light", script=script) as page:
        page.goto(f"{address}/manage/pantry/import")
        rows = "".join(f"Help {number},yes\n" for number in range(STEP * 3))
        page.get_by_label("Or paste rows").fill(f"title,remote\n{rows}")
        page.get_by_role("button", name="Go on").click()
        page.get_by_role("button", name="Look at the rows").click()
        expect(page.get_by_role("main")).to_contain_text(f"{STEP} of {STEP * 3} rows")
        if script:
            assert faults_of(page) == []
        page.get_by_role("button", name="Do the next rows now").click()
        expect(page.get_by_role("main")).to_contain_text(f"{STEP * 2} of {STEP * 3} rows")
        with app.app_context():
            jobs.work_off(app.extensions["outbox_handlers"], app.extensions["sweeps"])
            db.session.remove()
        if not script:
            page.get_by_role("link", name="Look again").click()
        expect(page.get_by_role("button", name=f"Import {STEP * 3} needs")).to_be_visible(timeout=20_000)
