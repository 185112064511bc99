"""Leaving the page of services in a real browser: gone from the screen at once, and not behind the back button (L2)."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, Route, expect
from werkzeug.serving import make_server

from tests.factories import make_article

pytestmark = pytest.mark.browser
ELSEWHERE = "https://www.wikipedia.org/"


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(locale="en-US")

    def elsewhere(route: Route) -> None:
        route.fulfill(body="<title>Elsewhere</title><h1>Elsewhere</h1>", content_type="text/html")

    context.route(ELSEWHERE + "**", elsewhere)
    yield context.new_page()
    context.close()


@pytest.mark.rule("L2")
@pytest.mark.parametrize("way", ["button", "keys"])
def test_the_back_button_shows_nothing_of_it(page: Page, address: str, way: str) -> None:
    page.goto(address + "/needs")
    page.get_by_role("navigation").get_by_role("link", name="Where to report").click()
    page.get_by_label("Country").select_option("GB")
    page.get_by_role("button", name="Show services").click()
    page.get_by_text("NSPCC Helpline").wait_for()
    page.wait_for_load_state()  # the keys are heard once the script runs
    assert page.get_by_text("takes this page out of this tab's history").is_visible()
    assert not page.get_by_text("Back returns to this page").is_visible()
    if way == "button":
        page.get_by_role("link", name="Leave this page").click()
    else:
        for _time in range(3):
            page.keyboard.press("Shift")
    page.wait_for_url(ELSEWHERE)
    page.go_back()
    assert page.url == address + "/needs"
    page.go_forward()
    assert page.url == ELSEWHERE


@pytest.mark.rule("L2")
def test_back_leaves_other_pages_like_it_too_and_an_address_opens_them_again(page: Page, address: str) -> None:
    """Who read about it before they looked for a service is not given away by a second press of Back."""
    article = make_article(title="A hard page", sensitive=True)
    page.goto(address + "/learn")
    page.get_by_role("link", name="A hard page").click()
    page.wait_for_url(f"{address}/learn/{article.slug}")
    page.get_by_role("complementary").get_by_role("link", name="Where to report").click()
    page.get_by_role("heading", name="Where to report").wait_for()
    page.wait_for_load_state()
    page.get_by_role("link", name="Leave this page").click()
    page.wait_for_url(ELSEWHERE)
    with page.expect_request(ELSEWHERE):  # the article leaves by itself
        page.evaluate("history.back()")
    page.wait_for_url(ELSEWHERE)
    page.go_back()
    page.wait_for_url(address + "/learn")
    # Whoever wants to read it again does.
    page.goto(f"{address}/learn/{article.slug}")
    page.wait_for_load_state("networkidle")
    assert page.url == f"{address}/learn/{article.slug}"
    assert page.evaluate("sessionStorage.length") == 0


@pytest.mark.rule("L2")
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_a_number_is_in_one_line_and_paper_has_the_services_alone(page: Page, address: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(address + "/report?country=US")
    broken = "found => found.filter(one => one.getClientRects().length > 1).map(one => one.textContent)"
    for what in ("bdi", ".leave > *"):
        assert page.locator(what).evaluate_all(broken) == [], what
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.get_by_text("1-800-843-5678").is_visible()
    ink = "one => [getComputedStyle(one).color, getComputedStyle(one).backgroundColor]"
    for what in (".danger", ".rules p"):
        assert page.locator(what).first.evaluate(ink) == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"], "black on white"
    for what in (
        "Leave this page",
        "or press Shift",
        "Show services",
        "Back returns to this page",
        "this tab's history",
    ):
        assert not page.get_by_text(what).is_visible(), what


@pytest.mark.rule("L2")
def test_two_presses_or_another_key_between_do_not_leave(page: Page, address: str) -> None:
    page.goto(address + "/report")
    for key in ("Shift", "Shift", "a", "Shift", "Shift"):
        page.keyboard.press(key)
    page.wait_for_timeout(200)
    assert page.url == address + "/report"


@pytest.mark.rule("L2")
def test_without_script_the_link_leads_away_and_the_choice_works(browser: Browser, address: str) -> None:
    context = browser.new_context(locale="en-AU", java_script_enabled=False)
    context.route(ELSEWHERE + "**", lambda route: route.fulfill(body="Elsewhere", content_type="text/html"))
    page = context.new_page()
    page.goto(address + "/report")
    assert page.get_by_text("131 237").count() == 1
    assert page.get_by_text("Back returns to this page").is_visible()
    assert not page.get_by_text("takes this page out of this tab's history").is_visible()
    page.get_by_label("Country").select_option("CA")
    page.get_by_role("button", name="Show services").click()
    expect(page.get_by_text("1-833-900-1010")).to_have_count(1)
    assert context.cookies() == []
    page.get_by_role("link", name="Leave this page").click()
    expect(page).to_have_url(ELSEWHERE)
    context.close()


@pytest.mark.rule("G13")
@pytest.mark.parametrize("way", ["button", "keys"])
def test_a_sensitive_page_to_learn_from_is_left_like_it_and_its_fold_opens_by_keyboard(
    page: Page, address: str, way: str
) -> None:
    folded = ":::sensitive What it is about\nHard words.\n:::"
    article = make_article(title="A hard page", sensitive=True, body=f"Ask first.\n\n{folded}")
    page.goto(address + "/learn")
    page.get_by_role("link", name="A hard page").click()
    page.wait_for_url(f"{address}/learn/{article.slug}")
    page.wait_for_load_state()
    assert not page.get_by_text("Hard words.").is_visible()
    page.get_by_text("What it is about").focus()
    page.locator("details.fold > summary").press("Enter")
    page.get_by_text("Hard words.").wait_for()
    if way == "button":
        page.get_by_role("link", name="Leave this page").click()
    else:
        for _time in range(3):
            page.keyboard.press("Shift")
    page.wait_for_url(ELSEWHERE)
    page.go_back()
    assert page.url == address + "/learn"
