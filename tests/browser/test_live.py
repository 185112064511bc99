"""Pages that answer while they are used, with scripts, and do the same without: search as one types, messages at a field
that was left, undo, and a form that nobody leaves by accident."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, Dialog, Page, expect

from app.core.db import db, transaction
from app.core.ids import encode_id
from app.needs import index
from app.organizations.operations import add_location
from tests.browser.sites import add_manager, served, sign_in, visit
from tests.factories import make_member, make_need, make_organization, make_shift

pytestmark = pytest.mark.browser
NEW = "/manage/pantry/needs/new"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Flask, str]]:
    with served(tmp_path_factory.mktemp("live")) as (app, address):
        with app.app_context():
            organization = make_organization(slug="pantry", name="Riverside Pantry")
            owner = make_member(organization, "owner")
            add_manager(organization)
            needs = [make_need(organization, title=title) for title in ("Blankets", "Canned soup", "Soup kitchen")]
            for need in needs:
                make_shift(need)
            with transaction():
                index.reindex([need.id for need in needs])
                for name, street in (("House", "1 Broad Street"), ("Annex", "2 Elm Street")):
                    add_location(
                        organization.id,
                        by=owner,
                        name=name,
                        address=street,
                        place="Newark, NJ",
                        private=name == "House",
                    )
            db.session.remove()
        yield app, address


def mark(page: Page) -> None:
    """Leave a mark that a page that is loaded anew does not have."""
    page.evaluate("window.unmoved = true")


def stayed(page: Page) -> bool:
    return bool(page.evaluate("window.unmoved === true"))


def test_the_list_follows_what_is_typed(browser: Browser, site: tuple[Flask, str]) -> None:
    with visit(browser) as page:
        page.goto(site[1] + "/needs")
        expect(page.get_by_role("article")).to_have_count(3)
        mark(page)
        field = page.get_by_label("What", exact=True)
        field.press_sequentially("soup", delay=30)
        expect(page.get_by_role("article")).to_have_count(2)
        expect(page.get_by_role("status").first).to_have_text("2 needs")
        expect(field).to_be_focused()
        expect(field).to_have_value("soup")
        assert "q=soup" in page.url
        assert "near=" not in page.url
        assert stayed(page)
        # The links of the list ask for the same; the address opens the same list again.
        assert "q=soup" in str(page.get_by_role("link", name="From home").get_attribute("href"))
        page.reload()
        expect(page.get_by_role("article")).to_have_count(2)
        # A place that nobody knows is not complained about while it is typed, only when the field was left.
        near = page.get_by_label("Near")
        near.press_sequentially("Atlantis-on-Sea", delay=5)
        page.wait_for_url("**near=Atlantis**")
        expect(page.locator(".field.wrong")).to_have_count(0)
        near.press("Tab")
        expect(page.locator("#near-error")).to_contain_text("We do not know")
        expect(near).to_have_attribute("aria-describedby", "near-error")
        near.fill("Newark, NJ")
        expect(page.get_by_role("heading", level=1)).to_have_text("Needs near Newark, NJ")
        expect(page.locator("#near-error")).to_have_count(0)


def test_the_list_is_asked_for_by_a_button_without_scripts(browser: Browser, site: tuple[Flask, str]) -> None:
    with visit(browser, script=False) as page:
        page.goto(site[1] + "/needs")
        page.get_by_label("What", exact=True).fill("soup")
        page.get_by_role("button", name="Show needs").click()
        expect(page.get_by_role("article")).to_have_count(2)


def test_registering_says_at_a_field_that_was_left_what_sending_would_say(
    browser: Browser, site: tuple[Flask, str]
) -> None:
    messages = ("Enter an email address like name@example.org", "Use 10 characters or more")
    with visit(browser) as page:
        page.goto(site[1] + "/register")
        mark(page)
        for label, typed, message in zip(("Email", "Password"), ("olive", "short"), messages, strict=True):
            page.get_by_label(label).fill(typed)
            page.keyboard.press("Tab")
            expect(page.locator(".error", has_text=message)).to_have_count(1)
        # A field that nobody was in yet says nothing, and what was typed is there.
        expect(page.get_by_label("Name")).not_to_have_attribute("aria-invalid", "true")
        expect(page.get_by_label("Password")).to_have_value("short")
        expect(page.get_by_role("status").first).to_contain_text("Use 10 characters or more")
        page.get_by_label("Email").fill("olive@example.org")
        page.keyboard.press("Tab")
        expect(page.locator(".error", has_text=messages[0])).to_have_count(0)
        assert stayed(page)
    with visit(browser, script=False) as page:
        page.goto(site[1] + "/register")
        page.get_by_label("Name").fill("Olive")
        page.get_by_label("Email").fill("olive")
        page.get_by_label("Password").fill("short")
        page.get_by_role("main").get_by_role("button", name="Register").click()
        expect(page.locator(".error", has_text=messages[0])).to_have_count(1)


def test_the_editor_answers_and_is_not_left_by_accident(browser: Browser, site: tuple[Flask, str]) -> None:
    with visit(browser) as page:
        sign_in(page, site[1], NEW)
        mark(page)
        page.get_by_label("Title").fill("Night watch")
        page.get_by_label("How many people").fill("5")
        page.get_by_label("Quantity").fill("lots")
        page.keyboard.press("Tab")
        expect(page.locator("#items-0-quantity-error")).to_have_text("Enter a number, like 2 or 1.5, or leave it empty")
        expect(page.locator("#beside")).to_contain_text("Night watch")
        expect(page.locator("#beside")).to_contain_text("5 places open")
        page.get_by_label("Place", exact=True).select_option("House, Newark")
        expect(page.get_by_label("Street and number")).to_have_value("1 Broad Street")
        expect(page.get_by_label("The street is private")).to_be_checked()
        expect(page.get_by_label("Quantity")).to_have_value("lots")
        assert stayed(page)
        asked: list[str] = []

        def stay(dialog: Dialog) -> None:
            asked.append(dialog.type)
            dialog.dismiss()

        page.once("dialog", stay)
        with page.expect_event("dialog"):
            page.get_by_role("link", name="Overview").click()
        assert asked == ["beforeunload"]
        expect(page.get_by_label("Title")).to_have_value("Night watch")
        page.get_by_label("Quantity").fill("2")
        page.get_by_role("button", name="Preview").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Night watch")
        page.get_by_role("link", name="Go on working on it").click()
        expect(page.get_by_label("How many people")).to_have_value("5")
        expect(page.get_by_label("Place", exact=True)).to_have_value(page.locator("#located").input_value())


def test_the_editor_does_the_same_without_scripts(browser: Browser, site: tuple[Flask, str]) -> None:
    with visit(browser, script=False) as page:
        sign_in(page, site[1], NEW)
        page.get_by_label("How many people").fill("5")
        page.get_by_label("Place", exact=True).select_option("House, Newark")
        page.get_by_role("button", name="Preview").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Untitled need")
        expect(page.get_by_text("1 shift or item is not complete")).to_be_visible()
        page.get_by_role("link", name="Go on working on it").click()
        expect(page.get_by_label("How many people")).to_have_value("5")
        expect(page.get_by_label("Street and number")).to_have_value("1 Broad Street")
        page.get_by_role("button", name="Publish").click()
        summary = page.get_by_role("alert")
        expect(summary.get_by_role("heading")).to_have_text("Before it can be published")
        summary.get_by_role("link", name="Enter the day").click()
        expect(page).to_have_url(re.compile("#shifts-0-day$"))


@pytest.mark.parametrize("script", [True, False], ids=["javascript", "no javascript"])
def test_a_slip_is_taken_back_where_one_is(browser: Browser, site: tuple[Flask, str], script: bool) -> None:
    app, address = site
    with app.app_context():
        organization = make_organization(slug=f"shelter-{script}".lower())
        add = make_need(organization, title="Cots")
        path = f"/manage/{organization.slug}/needs/{encode_id(add.id)}"
        owner = make_member(organization, "owner", email=f"owner-{script}@example.org".lower())
        cookie = app.session_interface.get_signing_serializer(app).dumps(  # type: ignore[union-attr]  # there is a key
            {"_user_id": owner.get_id(), "_fresh": True}
        )
        db.session.remove()
    with visit(browser, script=script) as page:
        page.context.add_cookies([{"name": "session", "value": cookie, "url": address}])
        page.goto(f"{address}{path}/close")
        page.get_by_role("main").get_by_role("button", name="Close").click()
        expect(page.locator("#toasts")).to_contain_text("It is closed")
        if script:
            page.wait_for_load_state()  # the button is answered in the page once the script runs
            mark(page)
        page.locator("#toasts").get_by_role("button", name="Undo").click()
        expect(page.locator("#toasts")).to_contain_text("It is not closed any more")
        expect(page.get_by_role("main").get_by_role("button", name="Pause")).to_be_visible()
        expect(page.locator("#toasts")).not_to_contain_text("It is closed")
        assert page.url == address + path
        if script:
            assert stayed(page)
            expect(page.locator("#main")).to_be_focused()
            page.locator("#toasts").get_by_role("button", name="Close").click()
            expect(page.locator(".toast")).to_have_count(0)
