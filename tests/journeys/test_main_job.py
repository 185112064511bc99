"""The main job from an empty installation to a gift, through the browser alone, with JavaScript and without."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import icalendar
import pytest
from playwright.sync_api import Browser

from app.core.clock import now
from tests.journeys.installation import MODERATOR, Installation, Visitor, installation
from tests.smtp import text_of

pytestmark = pytest.mark.browser
OWNER, SUPPORTER, DONOR = "olive@example.org", "sam@example.org", "dana@example.org"
ORGANIZATION, NEED = "Riverside Family Pantry", "Pack Thursday's boxes"
STORY = "Our fridge is twenty years old.\n\n**Help us buy a new one.**"


@pytest.fixture
def site(tmp_path: Path, shared_directory: Path) -> Iterator[Installation]:
    (tmp_path / "data").mkdir()
    with installation(tmp_path / "data", shared_directory) as running:
        yield running


@contextlib.contextmanager
def visitor(browser: Browser, site: Installation, script: bool) -> Iterator[Visitor]:
    somebody = Visitor(browser, site, script)
    try:
        yield somebody
    finally:
        somebody.close()


@pytest.mark.rule("N1")
@pytest.mark.rule("P2")
@pytest.mark.rule("F8")
@pytest.mark.rule("F9")
@pytest.mark.rule("A4")
def test_the_main_job(browser: Browser, site: Installation, script: bool) -> None:
    with contextlib.ExitStack() as doors:
        owner, moderator, supporter, donor, passer_by = (
            doors.enter_context(visitor(browser, site, script)) for _somebody in range(5)
        )
        an_organization_prepares_a_need(owner)
        nobody_finds(passer_by)
        a_moderator_verifies(moderator)
        the_owner_publishes(owner)
        found = somebody_finds_it_nearby(passer_by)
        a_supporter_signs_up(supporter, found)
        and_pledges(supporter, found)
        and_starts_a_fundraiser(supporter, found)
        page = the_owner_approves(owner)
        a_donor_gives(donor, page)
        the_organization_sees_it_all(owner)


def an_organization_prepares_a_need(owner: Visitor) -> None:
    owner.register("Olive Brandt", OWNER)
    owner.menu("Account")
    owner.follow("Register an organization")
    owner.look()
    owner.fill("Name", ORGANIZATION)
    owner.fill("Town or postal code", "Newark, NJ")
    owner.press("Register")
    owner.look()
    owner.follow("Post a need")
    owner.look()
    owner.press("Save draft")  # nothing was typed
    assert owner.page.title().startswith("Error: ")
    owner.look()
    day = now().date() + dt.timedelta(days=9)
    owner.fill("Title", NEED)
    owner.fill("Description", "Two hours at the long table, with tea.")
    owner.fill("How many people", "3")
    owner.fill("Day", day.isoformat())
    owner.fill("From", "10:00")
    owner.fill("To", "12:00")
    owner.field("Nobody who needs protection").check()
    owner.fill("Item", "Canned tomatoes")
    owner.fill("Quantity", "40")
    owner.fill("Unit", "can")
    owner.press("Publish")
    assert owner.reads("verif"), "an unverified organization publishes nothing, and is told why"
    owner.look()
    if owner.page.get_by_role("button", name="Save draft").count():
        owner.press("Save draft")
    owner.look()


def nobody_finds(passer_by: Visitor) -> None:
    passer_by.start()
    passer_by.menu("Needs")
    passer_by.fill("What", "boxes")
    passer_by.press("Show needs")
    assert passer_by.page.get_by_role("article").count() == 0
    passer_by.look()


def a_moderator_verifies(moderator: Visitor) -> None:
    moderator.sign_in(MODERATOR)
    moderator.menu("Moderation")
    moderator.look()
    moderator.follow(ORGANIZATION)
    moderator.look()
    moderator.fill("What was checked", "Register of charities 12-3456; the number there answered.")
    moderator.page.get_by_label("Decision").select_option("verify")
    moderator.press("Record")
    moderator.look()


def the_owner_publishes(owner: Visitor) -> None:
    owner.site.mail_to(OWNER, f"{ORGANIZATION} is verified")
    owner.to_staff(ORGANIZATION, "Needs")
    owner.look()
    owner.follow(NEED)
    owner.look()
    owner.press("Publish")
    assert owner.reads("Open")


def somebody_finds_it_nearby(passer_by: Visitor) -> str:
    passer_by.start()
    passer_by.look()
    passer_by.menu("Needs")
    passer_by.fill("Near", "Jersey City, NJ")
    passer_by.press("Show needs")
    assert passer_by.page.get_by_role("article").count() == 1
    passer_by.look()
    passer_by.follow(NEED)
    assert passer_by.reads("3 places open")
    passer_by.look()
    passer_by.follow(ORGANIZATION)
    assert passer_by.reads("Verified")
    passer_by.look()
    passer_by.page.go_back()
    assert passer_by.context.cookies() == [], "public pages set no cookie"
    return passer_by.page.url


def a_supporter_signs_up(supporter: Visitor, need: str) -> None:
    supporter.go(need)
    supporter.follow("Sign up", -1)
    supporter.look()
    supporter.fill("How many people, with you?", "3")
    supporter.press("Register")
    supporter.register("Sam Whitfield", SUPPORTER)  # and from there back to the act, with what was typed
    assert "/shifts/" in supporter.page.url
    assert supporter.field("How many people, with you?").input_value() == "3"
    supporter.look()
    supporter.fill("How many people, with you?", "9")
    supporter.press("Sign up")
    assert supporter.page.get_by_label("How many people, with you?").input_value() == "9"
    supporter.look()
    supporter.fill("How many people, with you?", "2")
    supporter.page.get_by_role("button", name="Sign up").focus()
    with supporter.page.expect_event("load"):
        supporter.page.keyboard.press("Enter")
    assert supporter.page.url.endswith("/my-help")
    assert supporter.reads("Confirmed")
    supporter.look()
    mail = supporter.site.mail_to(SUPPORTER, f"Your place: {NEED}")
    [attached] = [part for part in mail.walk() if part.get_content_type() == "text/calendar"]
    text = attached.get_payload(decode=True)
    assert isinstance(text, bytes)
    [event] = icalendar.Calendar.from_ical(text).walk("VEVENT")
    assert event.decoded("dtend") - event.decoded("dtstart") == dt.timedelta(hours=2)
    supporter.page.get_by_role("main").get_by_role("link", name="Cancel").first.click()
    supporter.page.get_by_role("button", name="Cancel my place", exact=True).wait_for()
    supporter.look()
    supporter.press("Cancel my place")
    supporter.go(need)
    assert supporter.reads("3 places open")
    supporter.follow("Sign up", -1)
    supporter.press("Sign up")
    supporter.go(need)
    assert supporter.reads("2 places open")


def and_pledges(supporter: Visitor, need: str) -> None:
    supporter.go(need)
    supporter.page.get_by_label("Quantity of Canned tomatoes").fill("-4")
    supporter.press("Pledge")
    if not supporter.page.title().startswith("Error: "):
        supporter.press("Pledge")
    assert supporter.page.title().startswith("Error: ")
    assert supporter.page.get_by_label("Quantity", exact=True).input_value() == "-4"
    supporter.look()
    supporter.fill("Quantity", "12")
    supporter.press("Pledge")
    assert supporter.reads("Promised")
    supporter.look()
    supporter.site.mail_to(SUPPORTER, "Your promise: Canned tomatoes")
    supporter.go(need)
    assert supporter.reads("28 wanted of 40")
    supporter.press("Pledge")
    supporter.fill("Quantity", "3")
    supporter.press("Pledge")  # a second promise asks: add or replace
    supporter.look()
    supporter.press("Add it: 15 × can altogether")
    supporter.go(need)
    assert supporter.reads("25 wanted of 40")


def and_starts_a_fundraiser(supporter: Visitor, need: str) -> None:
    supporter.go(need)
    supporter.follow("Start a fundraiser")
    supporter.look()
    supporter.fill("Title", "A fridge for the pantry")
    supporter.fill("Story", STORY)
    supporter.fill("Goal", "600")
    supporter.press("Start a fundraiser")
    supporter.look()


def the_owner_approves(owner: Visitor) -> str:
    owner.start()
    owner.menu("Fundraisers")
    assert not owner.reads("A fridge for the pantry"), "nobody sees it before it is approved"
    owner.look()
    owner.to_staff(ORGANIZATION, "Fundraisers")
    owner.look()
    owner.follow("A fridge for the pantry")
    owner.look()
    owner.press("Approve")
    owner.start()
    owner.menu("Fundraisers")
    owner.follow("A fridge for the pantry")
    return owner.page.url


def a_donor_gives(donor: Visitor, fundraiser: str) -> None:
    donor.go(fundraiser)
    donor.look()
    donor.press("Donate")
    donor.look()
    fill_in(donor)
    donor.press("Donate")
    donor.follow("Cancel")  # on the page of the card
    assert donor.page.url.startswith(donor.site.url)
    donor.look()
    donor.go(fundraiser)
    assert donor.reads("$0")
    donor.press("Donate")
    fill_in(donor)
    donor.press("Donate")
    donor.press("Decline the card")
    donor.press("Pay")
    if donor.page.get_by_role("link", name="Return to the site").count():
        donor.follow("Return to the site")
    assert donor.page.url.startswith(donor.site.url)
    donor.look()
    thanks = donor.site.mail_to(DONOR, "Demonstration: thank you for your gift of $25")
    assert "$25" in text_of(thanks)
    donor.go(fundraiser)
    assert donor.reads("$25")
    assert "Dana Lopez" not in donor.page.content()
    donor.look()


def fill_in(donor: Visitor) -> None:
    donor.fill("Amount", "25")
    donor.fill("Name", "Dana Lopez")
    donor.fill("Email", DONOR)


def the_organization_sees_it_all(owner: Visitor) -> None:
    owner.to_staff(ORGANIZATION)
    owner.look()
    owner.menu("Needs", "Staff")
    owner.follow(NEED)
    assert owner.reads("Sam Whitfield")
    assert owner.reads("15 × can")
    owner.look()
    owner.menu("Fundraisers", "Staff")
    owner.follow("A fridge for the pantry")
    assert owner.reads("Dana Lopez")
    assert owner.reads("$25")
    owner.look()
