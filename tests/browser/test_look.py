"""The sheet of components and the first page in a real browser: both themes, wide and narrow, both directions."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from app import create_app
from tests.browsers import SOME_WAYS, faults_of
from tests.conftest import close, make_settings, migrate

pytestmark = pytest.mark.browser
PATHS = ("/design", "/", "/needs", "/register", "/nothing-here")


@contextlib.contextmanager
def served(directory: Path, **changes: object) -> Iterator[str]:
    """The address of the application on an empty SQLite database."""
    app = create_app(make_settings(directory, f"sqlite:///{directory / 'look.db'}", **changes))
    migrate(app)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
    close(app)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(tmp_path_factory.mktemp("look")) as address:
        yield address


@pytest.fixture(scope="module")
def mirrored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The same site in a language that is written from right to left."""
    with served(tmp_path_factory.mktemp("mirrored"), supported_locales=("ar",)) as address:
        yield address


@contextlib.contextmanager
def opened(browser: Browser, theme: str, width: int, script: bool = True) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if theme == "dark" else "light",
        bypass_csp=True,
        java_script_enabled=script,
    )
    yield context.new_page()
    context.close()


@pytest.mark.parametrize(("theme", "width"), SOME_WAYS)
def test_pages_are_accessible_and_never_scroll_sideways(browser: Browser, site: str, theme: str, width: int) -> None:
    with opened(browser, theme, width) as page:
        for path in PATHS:
            page.goto(site + path)
            assert faults_of(page) == [], path


@pytest.mark.parametrize("width", [1280, 320])
def test_pages_work_from_right_to_left(browser: Browser, mirrored: str, width: int) -> None:
    with opened(browser, "light", width) as page:
        for path in PATHS:
            page.goto(mirrored + path)
            assert page.locator("html").get_attribute("dir") == "rtl"
            assert faults_of(page) == [], path


def test_the_policy_blocks_nothing_of_ours(browser: Browser, site: str) -> None:
    context = browser.new_context()
    page, said = context.new_page(), []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    for path in ("/design", "/", "/needs", "/register"):
        page.goto(site + path, wait_until="networkidle")
    context.close()
    assert said == []


def test_the_menu_of_a_phone_opens_without_javascript(browser: Browser, site: str) -> None:
    with opened(browser, "light", 390, script=False) as page:
        page.goto(site + "/")
        link = page.get_by_role("navigation", name="Main").get_by_role("link", name="Organizations")
        assert not link.is_visible()
        page.get_by_role("button", name="Menu").click()
        link.click()
        expect(page).to_have_url(site + "/organizations")


def test_the_filters_of_a_phone_open_without_javascript_and_are_open_elsewhere(browser: Browser, site: str) -> None:
    for width, folded in ((390, True), (1280, False)):
        with opened(browser, "light", width, script=False) as page:
            page.goto(site + "/needs?wants=time&near=Newark, NJ")
            chip, button = page.get_by_role("link", name="Remove the filter Time"), page.get_by_text("Filters: 1 on")
            assert chip.is_visible() is not folded
            assert button.is_visible() is folded
            if folded:
                button.click()
            chip.click()
            expect(page).to_have_url(f"{site}/needs?near=Newark%2C+NJ")


def test_an_error_summary_takes_the_focus_and_leads_into_the_field(browser: Browser, site: str) -> None:
    with opened(browser, "light", 1280) as page:
        page.goto(site + "/register")
        page.get_by_role("button", name="Register").click()
        expect(page).to_have_title(re.compile("^Error: "))
        expect(page.locator(".summary")).to_be_focused()
        page.locator(".summary a").first.click()
        expect(page.locator("[name=name]")).to_be_focused()


def test_every_control_is_large_enough_for_a_thumb(browser: Browser, site: str) -> None:
    """WCAG 2.2 asks for 24 px (2.5.8); links in a sentence are exempt."""
    with opened(browser, "light", 320) as page:
        page.goto(site + "/design")
        small = page.evaluate(
            """() => [...document.querySelectorAll("a, button, input, select, textarea, summary")]
                .filter((element) => {
                    const box = element.getBoundingClientRect();
                    const inText = element.tagName === "A" && element.closest("p, li, h3, h4") && !element.className;
                    return box.width && !inText && (box.height < 24 || box.width < 24) && !element.closest(".skip");
                })
                .map((element) => element.outerHTML.slice(0, 100))"""
        )
        assert small == []
