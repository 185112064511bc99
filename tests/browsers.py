"""Headless Chromium for tests: the system's, driven by Playwright; and axe's verdict on a page."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Error, Page, sync_playwright

from tests.hostile import TIMES

ENABLE_CHROMIUM = "apt-get install chromium libatomic1"
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
# What htmx writes of a request that a newer one of its form took the place of: a busy machine still answers the field before
# when the next is left. One that failed says `sendError` besides.
REPLACED = re.compile(r"htmx:(afterRequest|sendAbort), ")
THEMES_AND_WIDTHS = [(theme, width) for theme in ("light", "dark") for width in (1280, 320)]
# axe leaves target-size (WCAG 2.2, 2.5.8: 24 px) off unless it is asked for.
AXE_OPTIONS = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}
# Each theme and each width once; with MANYHANDS_EXAMPLES above 1, as `make nightly` sets it, all four.
SOME_WAYS = THEMES_AND_WIDTHS[:: 1 if TIMES > 1 else 3]


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """A running browser; skips the test where there is none. The shell without windows does the same pages in half the time."""
    path = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if path is None:
        pytest.skip(f"Chromium is not installed; enable with: {ENABLE_CHROMIUM}")
    try:
        playwright = sync_playwright().start()
    except Error as error:
        pytest.skip(f"Playwright does not start ({error}); enable with: {ENABLE_CHROMIUM}")
    browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
    try:
        yield browser
    finally:
        browser.close()
        playwright.stop()


def faults_of(page: Page) -> list[str]:
    """What is wrong with an open page: axe's violations (its context must bypass the policy), and sideways scroll.

    After a click that leads elsewhere wait for something of the new page first: while one page goes and the next comes there
    is no document to look at.
    """
    page.wait_for_load_state("load")
    verdict = Axe().run(page, options=AXE_OPTIONS).response
    found = [f"{violation['id']}: {violation['nodes'][0]['html'][:120]}" for violation in verdict["violations"]]
    if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
        found.append("scrolls sideways")
    return found
