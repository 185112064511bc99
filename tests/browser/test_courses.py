"""A lesson and its questions in a real browser, without JavaScript and by keyboard alone, wide and narrow."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from flask import Flask
from playwright.sync_api import Browser
from werkzeug.serving import make_server

from app.core.db import db
from app.learning.courses.models import CourseAnswer
from tests.browsers import THEMES_AND_WIDTHS, faults_of
from tests.factories import make_course, make_person

pytestmark = pytest.mark.browser
HOME = "/learn/courses/safeguarding-basics"


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_lesson_by_keyboard_without_javascript(app: Flask, browser: Browser, address: str) -> None:
    make_course()
    client = app.test_client()
    with client.session_transaction() as session:
        session["_user_id"], session["_fresh"] = make_person().get_id(), True
    cookie = client.get_cookie("session")
    assert cookie is not None
    context = browser.new_context(locale="en-US", java_script_enabled=False)
    context.add_cookies([{"name": "session", "value": cookie.value, "url": address}])
    page = context.new_page()

    def press(name: str, role: str = "link") -> None:
        page.get_by_role(role, name=name, exact=True).focus()  # type: ignore[arg-type]  # two of playwright's roles
        with page.expect_navigation():
            page.keyboard.press("Enter")

    page.goto(address + HOME)
    press("Begin the course", "button")
    assert page.url == f"{address}{HOME}/lessons/1"
    press("On to the questions")
    press("Answer", "button")
    assert page.title().startswith("Error: ")
    # Each group of answers is one stop of the keyboard, its arrows choose.
    for group in page.get_by_role("group").all():
        group.get_by_role("radio").first.focus()
        page.keyboard.press("ArrowDown")
    press("Answer", "button")
    assert "Your answers" in page.title()
    press("Next lesson")
    assert page.url == f"{address}{HOME}/lessons/2"
    assert db.session.scalar(sa.select(sa.func.count()).select_from(CourseAnswer)) == 2
    context.close()


def test_a_lesson_its_questions_and_what_is_told_are_accessible(app: Flask, browser: Browser, address: str) -> None:
    make_course()
    client = app.test_client()
    with client.session_transaction() as session:
        session["_user_id"], session["_fresh"] = make_person().get_id(), True
    cookie = client.get_cookie("session")
    assert cookie is not None
    faults = []
    for lesson, (theme, width) in enumerate(THEMES_AND_WIDTHS, start=1):
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if theme == "dark" else "light",
            locale="en-US",
            bypass_csp=True,
        )
        context.add_cookies([{"name": "session", "value": cookie.value, "url": address}])
        page = context.new_page()
        if lesson == 1:
            page.goto(address + HOME)
            with page.expect_event("load"):
                page.get_by_role("button", name="Begin the course").click()
        page.goto(f"{address}{HOME}/lessons/{lesson}")
        faults += faults_of(page)
        page.goto(f"{address}{HOME}/lessons/{lesson}/questions")
        page.get_by_role("button", name="Answer").click()
        page.get_by_role("alert").wait_for()
        faults += faults_of(page)
        for group in page.get_by_role("group").all():
            group.get_by_role("radio").last.check()
        page.get_by_role("button", name="Answer").click()
        page.get_by_role("heading", name="Your answers").wait_for()
        faults += faults_of(page)
        context.close()
    assert faults == []
