"""Every page there is, as the browser shows it: axe finds nothing and nothing scrolls sideways, in light and dark, wide and
narrow, in English and in longer words from right to left.

Here each page is opened in one of the eight ways, in turn; with MANYHANDS_EXAMPLES above 1, as `make nightly` sets it, in
all of them.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, BrowserContext
from werkzeug.serving import make_server

from app.accounts.models import Person
from app.core.db import db, transaction
from tests.browsers import THEMES_AND_WIDTHS, faults_of
from tests.house import pseudo
from tests.house.test_translation import House, house, read

pytestmark = pytest.mark.browser
__all__ = ["house"]
CALLERS = ("anonymous", "supporter", "coordinator", "owner", "moderator", "administrator")
WAYS = [(*way, locale) for way in THEMES_AND_WIDTHS for locale in ("en", pseudo.LOCALE)]


@pytest.fixture(scope="module")
def address(house: House) -> Iterator[str]:
    """Where the house is served."""
    server = make_server("127.0.0.1", 0, house.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def pages_by_caller(house: House) -> dict[str, list[str]]:
    """An address of every route that has a page, with whom it is shown to; each route once."""
    met: set[str] = set()
    found: dict[str, list[str]] = {caller: [] for caller in CALLERS}
    for caller in CALLERS:
        for page in read(house, caller):
            if page.status == 200 and page.text and page.endpoint not in met:
                met.add(page.endpoint)
                found[caller].append(page.address)
    return found


def speak(house: House, locale: str) -> None:
    """Let everybody who has an account read `locale`; the others read what their browser asks for."""
    with house.app.app_context(), transaction():
        db.session.execute(sa.update(Person).values(locale=locale))


@contextlib.contextmanager
def opened(
    browser: Browser, address: str, house: House, caller: str, way: tuple[str, int, str]
) -> Iterator[BrowserContext]:
    theme, width, locale = way
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if theme == "dark" else "light",
        locale=locale,
        bypass_csp=True,
    )
    cookie = house.client(caller).get_cookie("session")
    if cookie is not None:
        context.add_cookies([{"name": "session", "value": cookie.value, "url": address}])
    yield context
    context.close()


def test_every_page_is_accessible_and_fits(browser: Browser, house: House, address: str) -> None:
    pages = pages_by_caller(house)
    assert sum(map(len, pages.values())) > 75
    thorough = int(os.environ.get("MANYHANDS_EXAMPLES", "1")) > 1
    turn = itertools.cycle(range(len(WAYS)))
    planned = {path: set(WAYS) if thorough else {WAYS[next(turn)]} for paths in pages.values() for path in paths}
    faults = []
    for way in WAYS:
        speak(house, way[2])
        for caller, paths in pages.items():
            due = [path for path in paths if way in planned[path]]
            if not due:
                continue
            with opened(browser, address, house, caller, way) as context:
                page = context.new_page()
                for path in due:
                    answer = page.goto(address + path)
                    assert answer is not None
                    assert answer.status == 200, path
                    assert (page.locator("html").get_attribute("dir") == "rtl") == (way[2] == pseudo.LOCALE), path
                    faults += [f"{path} ({caller}, {way}): {fault}" for fault in faults_of(page)]
    assert not faults, "\n" + "\n".join(faults)
