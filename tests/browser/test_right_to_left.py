"""Every main page in a language that runs from right to left and is longer than English: nothing overflows, all is mirrored."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, Page
from werkzeug.serving import make_server

from app import create_app
from app.accounts.models import Person
from app.core.db import db, transaction
from tests.browsers import faults_of
from tests.conftest import close, make_settings
from tests.house import pseudo
from tests.house.world import World, build
from tests.journeys.installation import DATABASE, prepare

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def site(
    tmp_path_factory: pytest.TempPathFactory, shared_directory: Path
) -> Iterator[tuple[str, World, dict[str, str]]]:
    """The address of the demonstration in the made language, its world and the cookies of its people."""
    directory = tmp_path_factory.mktemp("right_to_left")
    prepare(directory, shared_directory, demonstration=True)
    app = create_app(
        make_settings(
            directory,
            f"sqlite:///{directory / DATABASE}",
            supported_locales=(pseudo.LOCALE, "en"),
            rate_limits=False,
            **pseudo.PAYMENTS,
        )
    )
    pseudo.speak(app, directory / "translations")
    with app.app_context():
        world = build()
        with transaction():
            db.session.execute(sa.update(Person).values(locale=pseudo.LOCALE))
        db.session.remove()
    cookies = {}
    for caller in ("supporter", "owner", "moderator"):
        client = app.test_client()
        with client.session_transaction() as session:
            session["_user_id"], session["_fresh"] = world.sessions[caller], True
        cookie = client.get_cookie("session")
        assert cookie is not None
        cookies[caller] = cookie.value
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", world, cookies
    server.shutdown()
    thread.join()
    server.server_close()
    close(app)


PAGES = (
    ("anonymous", "/"),
    ("anonymous", "/needs?near=Newark%2C+NJ"),
    ("anonymous", "/needs/{need_id}"),
    ("anonymous", "/fundraisers/{fundraiser}"),
    ("anonymous", "/organizations/{slug}"),
    ("anonymous", "/register"),
    ("anonymous", "/fundraisers/{fundraiser}/donate"),
    ("owner", "/shifts/{shift_id}/sign-up"),
    ("owner", "/items/{item_id}/pledge"),
    ("supporter", "/my-help"),
    ("owner", "/manage/{slug}/"),
    ("owner", "/manage/{slug}/needs/{need_id}"),
    ("owner", "/manage/{slug}/needs/{need_id}/edit"),
    ("owner", "/manage/{slug}/members"),
    ("anonymous", "/design"),
)


@contextlib.contextmanager
def opened(
    browser: Browser, site: tuple[str, World, dict[str, str]], width: int, caller: str = "anonymous"
) -> Iterator[Page]:
    address, _world, cookies = site
    context = browser.new_context(viewport={"width": width, "height": 900}, bypass_csp=True, locale=pseudo.LOCALE)
    if caller in cookies:
        context.add_cookies([{"name": "session", "value": cookies[caller], "url": address}])
    yield context.new_page()
    context.close()


def test_longer_words_from_right_to_left_fit_and_are_accessible(
    browser: Browser, site: tuple[str, World, dict[str, str]]
) -> None:
    address, world, _cookies = site
    found = []
    for caller in ("anonymous", "supporter", "owner"):
        with opened(browser, site, 320, caller) as page:
            for path in (path for who, path in PAGES if who == caller):
                answer = page.goto(address + path.format(**world.values))
                assert answer is not None
                assert answer.status == 200, path
                assert page.locator("html").get_attribute("dir") == "rtl"
                found += [f"{path} {fault}" for fault in faults_of(page)]
    assert not found, "\n" + "\n".join(found)


def edges(page: Page, selector: str) -> tuple[float, float]:
    """Where the first element of `selector` begins and ends, from the left of the page, in CSS pixels."""
    box = page.locator(selector).first.bounding_box()
    assert box is not None, selector
    return box["x"], box["x"] + box["width"]


def test_the_page_is_mirrored_as_a_whole(browser: Browser, site: tuple[str, World, dict[str, str]]) -> None:
    """Held beside the same pages from left to right: what comes first stands at the start, and what fills begins there."""
    address, world, _cookies = site
    need = f"/needs/{world.values['need_id']}"
    rtl = browser.new_context(viewport={"width": 1280, "height": 900}, locale=pseudo.LOCALE)
    ltr = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en")
    for context, starts_right in ((rtl, True), (ltr, False)):
        page = context.new_page()

        def stands_before(first: str, second: str, page: Page = page, starts_right: bool = starts_right) -> bool:
            one, other = edges(page, first), edges(page, second)
            return one[0] >= other[1] - 1 if starts_right else one[1] <= other[0] + 1

        page.goto(address + "/needs")
        assert page.locator("html").get_attribute("dir") == ("rtl" if starts_right else "ltr")
        assert stands_before(".top .brand", ".top .nav")
        assert stands_before(".top .nav li:nth-child(1)", ".top .nav li:nth-child(2)")
        assert stands_before(".card .day", ".card .about")
        assert stands_before(".card .about", ".card .measures")
        assert stands_before(".card .badges bdi", ".card .badges .badge")
        flipped = page.locator(".measures svg").first.evaluate("element => getComputedStyle(element).transform")
        assert flipped == ("matrix(-1, 0, 0, 1, 0, 0)" if starts_right else "none")
        page.goto(address + need)
        start = page.locator("h1").evaluate("element => getComputedStyle(element).textAlign")
        assert start in ("start", "right" if starts_right else "left")
        assert page.locator(".prose").first.get_attribute("dir") == "auto"
        page.goto(address + "/register")
        label, field = edges(page, ".field label"), edges(page, ".field input")
        assert abs(label[1] - field[1]) < 2 if starts_right else abs(label[0] - field[0]) < 2
        page.goto(address + "/design")
        assert stands_before("td:first-of-type, tbody th", "thead th:last-child")
        assert stands_before(".thermometer svg", ".thermometer dl")
    rtl.close()
    ltr.close()


def test_what_people_wrote_keeps_its_own_direction(browser: Browser, site: tuple[str, World, dict[str, str]]) -> None:
    """An English story on a Hebrew page ends with its full stop at the right, and a Hebrew one the other way round."""
    address, world, _cookies = site
    with opened(browser, site, 1280) as page:
        for path in ("/needs", "/needs/{need_id}", "/fundraisers/{fundraiser}", "/organizations/{slug}"):
            page.goto(address + path.format(**world.values))
            loose = page.evaluate(
                """() => [...document.querySelectorAll("main h1, main .card :is(h2, h3, h4), main .row h3, main .prose")]
                    .flatMap((element) => {
                        const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT), found = [];
                        while (walker.nextNode()) {
                            const text = walker.currentNode.data.trim();
                            if (/^[A-Z][a-z]/.test(text) && !walker.currentNode.parentElement.closest("bdi, [dir=auto]"))
                                found.push(text);
                        }
                        return found;
                    })"""
            )
            assert loose == [], path
    with opened(browser, site, 1280, "owner") as page:
        page.goto(address + f"/shifts/{world.values['shift_id']}/sign-up")
        note = page.locator("textarea").first
        note.fill("I bring a van.")
        assert note.evaluate("element => getComputedStyle(element).direction") == "ltr"
        note.fill("אני")
        assert note.evaluate("element => getComputedStyle(element).direction") == "rtl"
