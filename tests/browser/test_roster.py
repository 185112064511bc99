"""The roster in the coordinator's hand and on paper, and several shifts in one go: in a real browser, with JavaScript and
without."""

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
from app.core.db import db, transaction
from app.core.ids import encode_id
from app.needs.models import Position
from app.needs.operations import PositionInput, ShiftInput
from app.organizations.models import Membership
from app.signups.operations import sign_up
from app.signups.waitlist import edit_shift_moving_latest
from tests.browsers import faults_of
from tests.conftest import close, make_settings, migrate
from tests.factories import ADULT, make_item, make_need, make_organization, make_person, make_shift

pytestmark = pytest.mark.browser
PASSWORD = "seven green bicycles"
NAMES = ("Amara Osei", "Wolfeschlegelsteinhausenbergerdorff-Featherstonehaugh", "Zoe Lindqvist")
LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[str, str, str]]:
    """The address of the application, of a roster whose last two wait, and of a need with two more shifts."""
    app = create_app(make_settings(tmp_path, f"sqlite:///{tmp_path / 'roster.db'}", supported_locales=("en",)))
    migrate(app)
    with app.app_context():
        roster, need = _fill(app)
        db.session.remove()
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", roster, need
    server.shutdown()
    thread.join()
    server.server_close()
    close(app)


def _fill(app: Flask) -> tuple[str, str]:
    organization = make_organization(slug="pantry", name="Riverside Pantry")
    with transaction():
        keeper = create_person(email="kim@example.org", name="Kim", password=PASSWORD, birth_date=ADULT)
        db.session.add(
            Membership(
                organization_id=organization.id, person_id=keeper.id, role="coordinator", created_at=keeper.created_at
            )
        )
    need = make_need(organization, title="Set up beds and rooms")
    shift = make_shift(need, capacity=6, days=1 / 24)
    make_item(need, name=LONG)
    for name, size in zip(NAMES, (2, 1, 1), strict=True):
        person = make_person(name=name)
        with transaction():
            sign_up(shift.id, by=person, party_size=size)
    with transaction():
        position = shift.positions[0]
        values = ShiftInput(
            positions=(PositionInput(name="", capacity=3, id=position.id),),
            starts_at=shift.starts_at, ends_at=shift.ends_at, contact="none", time_zone=shift.time_zone,
        )  # fmt: skip
        edit_shift_moving_latest(shift.id, values, by=keeper)
    with transaction():
        db.session.get_one(Position, position.id).capacity = 4
    more = [make_shift(need, days=days, name="Driver") for days in (3, 4)]
    with transaction():
        db.session.add(Position(shift_id=more[0].id, name="Packer", capacity=2, sort=1))
    return f"/manage/pantry/shifts/{encode_id(shift.id)}/roster", f"/needs/{encode_id(need.id)}"


@contextlib.contextmanager
def keeper(browser: Browser, address: str, path: str, *, width: int, theme: str, script: bool) -> Iterator[Page]:
    """The coordinator, signed in, on `path`."""
    context = browser.new_context(
        viewport={"width": width, "height": 844},
        color_scheme="dark" if theme == "dark" else "light",
        bypass_csp=True,
        java_script_enabled=script,
    )
    page = context.new_page()
    page.goto(f"{address}/sign-in?next={path}")
    page.get_by_label("Email").fill("kim@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    with page.expect_event("load"):
        page.get_by_role("main").get_by_role("button", name="Sign in").click()
    yield page
    context.close()


@pytest.mark.parametrize(
    ("width", "theme", "script"),
    [(1280, "light", True), (390, "dark", True), (320, "light", True), (390, "light", False)],
    ids=["screen", "phone in the dark", "small phone", "phone without javascript"],
)
def test_everything_on_the_roster_is_within_reach(
    browser: Browser, site: tuple[str, str, str], width: int, theme: str, script: bool
) -> None:
    address, path, need = site
    with keeper(browser, address, path, width=width, theme=theme, script=script) as page:

        def look() -> None:
            if script:
                assert faults_of(page) == []

        button = page.get_by_role("button", name="Check in Amara Osei")
        box = button.bounding_box()
        assert box is not None
        assert box["height"] >= 48
        assert 0 <= box["x"] <= width - box["width"], "on screen without a swipe"
        expect(page.locator(".panel")).to_contain_text("0 here, 3 expected, 1 place open")
        look()
        button.click()
        expect(page.locator(".panel")).to_contain_text("2 here, 1 expected, 1 place open")
        look()
        page.get_by_role("button", name="Give a place Zoe Lindqvist").click()
        expect(page.get_by_role("status")).to_contain_text("Zoe Lindqvist has a place, and is told.")
        look()
        page.get_by_role("button", name="Undo", exact=True).click()
        expect(page.get_by_role("status")).to_contain_text("Zoe Lindqvist is on the waitlist again")
        page.get_by_text(f"More {NAMES[1]}").click()
        look()
        page.get_by_role("link", name=f"Cancel the place {NAMES[1]}").click()
        expect(page.get_by_label("They asked for it")).to_be_visible()
        look()
        page.get_by_label("They asked for it").check()
        page.get_by_role("button", name="Cancel the place").click()
        expect(page.locator(".panel")).to_contain_text("2 here, 0 expected, 2 places open")
        page.get_by_role("button", name="Undo", exact=True).click()
        expect(page.locator(".panel")).to_contain_text("2 here, 1 expected, 1 place open")
        # A word wider than its place breaks, on the pages that name the need and its items too.
        for other in (str(page.locator(".crumbs a").last.get_attribute("href")), need, "/manage/pantry/"):
            page.goto(address + other)
            expect(page.get_by_text(LONG).first).to_be_visible()
            look()


def test_the_paper_has_names_boxes_and_lines_and_nothing_else(browser: Browser, site: tuple[str, str, str]) -> None:
    address, path, _need = site
    with keeper(browser, address, path, width=800, theme="light", script=True) as page:
        page.emulate_media(media="print")
        shown = page.locator("body").inner_text()
        for name in NAMES[:2]:
            assert name in shown
        for word in ("Menu", "Overview", "Add somebody", "Check in", "Check-in", "More", "Cancel", "Waitlist", "Undo"):
            assert word not in shown, word
        # A box for each name, and one with a line for the place that is open.
        assert page.locator(".tick:visible").count() == 3
        assert page.locator(".roster .rule:visible").count() == 1
        assert page.locator("form:visible, nav:visible, .notice:visible, button:visible").count() == 0
        # The need's own page is narrower on paper than on a screen: who comes has the width, not the column of the day.
        page.set_viewport_size({"width": 700, "height": 900})
        page.goto(address + str(page.locator(".crumbs a").last.get_attribute("href")))
        box = page.locator(".row .table").first.bounding_box()
        assert box is not None
        assert box["width"] > 500


@pytest.mark.parametrize("script", [True, False], ids=["javascript", "no javascript"])
def test_several_shifts_are_taken_and_given_back_in_one_step(
    browser: Browser, site: tuple[str, str, str], script: bool
) -> None:
    address, _path, need = site
    with keeper(browser, address, f"{need}/sign-up", width=390, theme="light", script=script) as page:
        boxes = page.get_by_role("group", name="Shifts").get_by_role("checkbox")
        expect(boxes).to_have_count(3)
        boxes.nth(1).check()
        boxes.nth(2).check()
        page.get_by_label("What would you do?").select_option(label="Packer: 2 of 2 open")
        if script:
            assert faults_of(page) == []
        page.get_by_label("How many people").fill("3")
        page.get_by_role("main").get_by_role("button", name="Sign up").click()
        expect(page.get_by_role("main")).to_contain_text("Choose 2 people or fewer: 2 places are open.")
        expect(page.get_by_role("main")).to_contain_text("Fewer of you can come, or choose another time.")
        if script:
            assert faults_of(page) == []
        page.get_by_label("How many people").fill("1")
        page.get_by_role("main").get_by_role("button", name="Sign up").click()
        expect(page.get_by_role("status")).to_contain_text("2 places on “Set up beds and rooms” are confirmed.")
        expect(page.get_by_role("main")).to_contain_text("Packer")
        page.get_by_role("button", name="Undo").click()
        expect(page.get_by_role("status")).to_contain_text("Undone: 2 places are free again.")
        page.goto(f"{address}/my-help")
        expect(page.get_by_role("main")).to_contain_text("You have promised nothing yet.")
