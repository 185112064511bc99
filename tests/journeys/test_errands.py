"""Errands of people in the demonstration, each by the browser and within a number of acts: a field filled in, a button
pressed, a link followed is one. With JavaScript and without. Nobody knows an address but the first page's and those in their
mail: everybody finds their way by what a page shows."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import zoneinfo
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator

from app.core.clock import now
from tests.journeys.installation import Installation, Visitor, installation
from tests.smtp import text_of

pytestmark = pytest.mark.browser
PASSWORD = "many hands, light work"
NEED = "Fold the winter blankets"
ORGANIZATION = "Lantern House Family Shelter"
FUNDRAISER = "Running the bridge for Lantern House"
KEPT, DUPLICATE = "Maple Row Lunch Club", "The Maple Row Lunch Club, Inc."


@pytest.fixture
def site(tmp_path: Path, shared_directory: Path) -> Iterator[Installation]:
    (tmp_path / "data").mkdir()
    with installation(tmp_path / "data", shared_directory, demonstration=True) as running:
        yield running


class Errand:
    """The acts of one visitor from here on are no more than `most`."""

    def __init__(self, visitor: Visitor, most: int) -> None:
        self.visitor, self.most = visitor, most

    def __enter__(self) -> Visitor:
        self.before = self.visitor.acts
        return self.visitor

    def __exit__(self, kind: object, *_rest: object) -> None:
        if kind is None:
            assert self.visitor.acts - self.before <= self.most, self.visitor.acts - self.before


def test_ten_people_do_what_they_came_for(browser: Browser, site: Installation, script: bool) -> None:
    with contextlib.ExitStack() as doors:

        def somebody(address: str = "") -> Visitor:
            made = Visitor(browser, site, script)
            doors.callback(made.close)
            if address:
                made.sign_in(address, PASSWORD)
            return made

        owner, coordinator = somebody("olive@example.org"), somebody("kofi@example.org")
        supporter, guest, stranger = somebody("sam@example.org"), somebody(), somebody()
        an_owner_posts_a_complete_need(owner)
        a_supporter_signs_up_and_changes_the_place(supporter)
        a_guest_signs_up_without_an_account(guest)
        a_guest_on_the_way_gives_the_place_back_and_takes_it_again(guest)
        a_coordinator_writes_down_who_telephones(coordinator)
        a_coordinator_checks_in_by_name_and_takes_it_back(coordinator)
        a_supporter_pledges_changes_and_takes_back(supporter)
        staff_receive_in_part_and_undo(coordinator, supporter)
        somebody_stops_a_kind_of_mail(stranger, supporter)
        a_supporter_subscribes_to_the_calendar(supporter)


def test_five_more_who_come_once_in_a_while(browser: Browser, site: Installation, script: bool) -> None:
    with contextlib.ExitStack() as doors:

        def somebody(address: str = "") -> Visitor:
            made = Visitor(browser, site, script)
            doors.callback(made.close)
            if address:
                made.sign_in(address, PASSWORD)
            return made

        a_supporter_cancels_on_the_way_and_thinks_better_of_it(somebody("jun@example.org"), somebody())
        a_waitlisted_supporter_takes_the_place_that_came_free(somebody("sam@example.org"), somebody())
        a_donor_whose_card_fails_pays_with_the_next(somebody())
        a_moderator_makes_one_of_two(somebody("moderator@example.org"))
        an_owner_hands_over_and_leaves(somebody("olive@example.org"), somebody("marta@example.org"))
        a_visitor_follows_by_mail_and_stops_again(somebody())


def link(visitor: Visitor, says: str, about: str) -> Locator:
    """The link that says so, of several: what it is about is there for those who hear the page."""
    return visitor.page.get_by_role("main").get_by_role("link", name=re.compile(rf"^{says}\W+{re.escape(about)}"))


def an_owner_posts_a_complete_need(owner: Visitor) -> None:
    assert owner.page.url.endswith("/my-help"), "signing in leads there"
    owner.look()
    with Errand(owner, 12):
        owner.follow(ORGANIZATION)
        owner.follow("Post a need")
        owner.fill("Title", NEED)
        owner.fill("Description", "Two hours in the store room, with tea.")
        owner.fill("How many people", "5")
        # An hour from now: check-in is open already.
        start = (now() + dt.timedelta(hours=1)).astimezone(zoneinfo.ZoneInfo("America/New_York"))
        owner.fill("Day", start.date().isoformat())
        owner.fill("From", start.strftime("%H:%M"))
        owner.fill("To", (start + dt.timedelta(minutes=30)).strftime("%H:%M"))
        owner.field("Nobody who needs protection").check()
        owner.acts += 1
        owner.fill("Item", "Laundry baskets")
        owner.fill("Quantity", "10")
        owner.press("Publish")
    owner.look()


def a_supporter_signs_up_and_changes_the_place(supporter: Visitor) -> None:
    supporter.find_need(NEED)
    with Errand(supporter, 3):
        supporter.follow("Sign up", -1)
        supporter.press("Sign up")
    assert supporter.page.url.endswith("/my-help"), supporter.page.inner_text("main")
    assert supporter.reads(NEED), supporter.page.inner_text("main")
    with Errand(supporter, 3):
        supporter.click(link(supporter, "Change", NEED))
        supporter.fill("How many people, with you?", "2")
        supporter.look()
        supporter.press("Change my place")
    assert supporter.reads("you and 1 guest")
    supporter.look()


def a_guest_signs_up_without_an_account(guest: Visitor) -> None:
    guest.find_need(NEED)
    with Errand(guest, 5):
        guest.follow("Sign up", -1)
        guest.fill("Name", "Gail Weber")
        guest.fill("Email", "gail@example.org")
        guest.fill("Birth date", "1990-05-17")
        guest.press("Sign up")
    assert guest.reads("Your place is held until")
    guest.look()
    guest.go(
        guest.site.link_in(guest.site.mail_to("gail@example.org", f"Confirm your place: {NEED}"), "/guests/confirm/")
    )
    guest.look()
    guest.press("Yes, I come")
    assert guest.reads("Your place is confirmed")
    guest.look()


def a_guest_on_the_way_gives_the_place_back_and_takes_it_again(guest: Visitor) -> None:
    guest.go(guest.site.link_in(guest.site.mail_to("gail@example.org", f"Your place: {NEED}"), "/places/"))
    with Errand(guest, 2):
        guest.press("Cancel my place")
        assert guest.reads("This place is cancelled")
        guest.look()
        guest.press("Undo")
    assert guest.reads("Your place is confirmed")


def a_coordinator_writes_down_who_telephones(coordinator: Visitor) -> None:
    coordinator.to_staff(ORGANIZATION, "Needs")
    coordinator.follow(NEED)
    coordinator.look()
    with Errand(coordinator, 6):
        coordinator.click(coordinator.page.get_by_role("link", name="Roster and check-in").first)
        coordinator.follow("Add somebody")
        coordinator.look()
        coordinator.fill("Name", "Walt Ferris")
        coordinator.fill("Birth date", "1955-02-03")
        coordinator.fill("Telephone", "555 0100")
        coordinator.press("Add to the roster")
    assert coordinator.reads("Walt Ferris")
    coordinator.look()


def a_coordinator_checks_in_by_name_and_takes_it_back(coordinator: Visitor) -> None:
    with Errand(coordinator, 2):
        for button, said in (
            ("Check in Walt Ferris", "Walt Ferris is checked in"),
            ("Undo Walt Ferris", "expected again"),
        ):
            coordinator.click(coordinator.page.get_by_role("button", name=button))
            assert said in coordinator.page.content()
    coordinator.look()


def a_supporter_pledges_changes_and_takes_back(supporter: Visitor) -> None:
    supporter.find_need(NEED)
    with Errand(supporter, 3):
        supporter.page.get_by_label("Quantity of Laundry baskets").fill("4")
        supporter.acts += 1
        supporter.press("Pledge")
        supporter.look()
        supporter.press("Pledge")
    assert supporter.reads("4 of Laundry baskets")
    with Errand(supporter, 3):
        supporter.click(link(supporter, "Change", "4 of Laundry baskets"))
        supporter.fill("Quantity", "6")
        supporter.look()
        supporter.press("Change my promise")
    assert supporter.reads("6 of Laundry baskets")


def staff_receive_in_part_and_undo(coordinator: Visitor, supporter: Visitor) -> None:
    coordinator.to_staff(ORGANIZATION, "Needs")
    coordinator.follow(NEED)
    with Errand(coordinator, 4):
        coordinator.click(coordinator.page.get_by_role("link", name="Mark received").first)
        coordinator.look()
        coordinator.fill("Received", "2")
        coordinator.press("Mark received")
        assert coordinator.reads("Came lately")
        coordinator.click(coordinator.page.get_by_role("button", name="Undo Laundry baskets"))
    coordinator.look()
    supporter.menu("My help")
    assert supporter.reads("6 of Laundry baskets")


def somebody_stops_a_kind_of_mail(stranger: Visitor, supporter: Visitor) -> None:
    supporter.menu("My help")
    supporter.follow("Your mail")
    supporter.look()
    mail = stranger.site.mail_to("gail@example.org", f"Your place: {NEED}")
    assert mail["List-Unsubscribe"] is None, "what answers one's own act cannot be stopped"


def a_supporter_subscribes_to_the_calendar(supporter: Visitor) -> None:
    supporter.menu("My help")
    with Errand(supporter, 2):
        supporter.follow("Your calendar")
        supporter.press("Make the address")
    supporter.look()
    address = supporter.page.get_by_label("Address").input_value()
    feed = supporter.context.request.get(address)
    assert "BEGIN:VEVENT" in feed.text()
    assert NEED in feed.text()


def a_supporter_cancels_on_the_way_and_thinks_better_of_it(supporter: Visitor, telephone: Visitor) -> None:
    """By the links in the mail, on a telephone where nobody is signed in."""
    supporter.find_need("Repaint the playroom")
    supporter.follow("Sign up", -1)
    supporter.press("Sign up")
    site, address = supporter.site, "jun@example.org"
    telephone.go(site.link_in(site.mail_to(address, "Your place: Repaint the playroom"), "/places/"))
    telephone.look()
    with Errand(telephone, 1):
        telephone.press("Cancel my place")
    assert telephone.reads("This place is cancelled")
    supporter.menu("My help")
    assert supporter.reads("You gave this place back.")
    assert link(supporter, "Cancel", "Repaint the playroom").count() == 0
    supporter.look()
    telephone.go(site.link_in(site.mail_to(address, "Your place is cancelled: Repaint the playroom"), "/places/"))
    with Errand(telephone, 1):
        telephone.press("Undo")
    assert telephone.reads("Your place is confirmed")
    telephone.look()
    supporter.menu("My help")
    assert link(supporter, "Cancel", "Repaint the playroom").count() == 1


def a_waitlisted_supporter_takes_the_place_that_came_free(first: Visitor, second: Visitor) -> None:
    """The first in line declines; the next takes it by the link in the mail, where nobody is signed in."""
    need = "Keep the welcome desk"
    first.menu("My help")
    assert first.reads("Yours until")
    first.look()
    with Errand(first, 2):
        first.click(link(first, "Decline it", need))
        first.look()
        first.press("Decline it")
    assert first.reads("You declined this place, and the next person was asked."), first.page.inner_text("main")
    offered = re.compile(rf"A place is yours until .+: {need}")
    second.go(second.site.link_in(second.site.mail_to("priya@example.org", offered), "/places/"))
    assert second.reads("Then the next person is asked.")
    second.look()
    with Errand(second, 1):
        second.press("Take the place")
    assert second.reads("Your place is confirmed")
    second.look()


def a_donor_whose_card_fails_pays_with_the_next(donor: Visitor) -> None:
    donor.start()
    with Errand(donor, 9):
        donor.menu("Fundraisers")
        donor.follow(FUNDRAISER)
        donor.press("Donate")
        donor.look()
        donor.fill("Name", "Dana Lopez")
        donor.fill("Email", "dana.lopez@example.org")
        donor.press("Donate")
        donor.press("Decline the card")
        donor.press("Pay")
        if donor.page.get_by_role("link", name="Return to the site").count():
            donor.follow("Return to the site")
    assert donor.reads("Thank you")
    donor.look()
    thanks = donor.site.mail_to("dana.lopez@example.org", "Demonstration: thank you for your gift of $50")
    assert "$50" in text_of(thanks)


def a_moderator_makes_one_of_two(moderator: Visitor) -> None:
    moderator.start()
    with Errand(moderator, 6):
        moderator.menu("Moderation")
        moderator.follow("Duplicates")
        moderator.look()
        moderator.click(link(moderator, "Compare", f"{KEPT}, {DUPLICATE}"))
        moderator.look()
        moderator.field(KEPT).check()
        moderator.acts += 1
        moderator.fill("Name of the one that goes", DUPLICATE)
        moderator.press("Merge")
    assert moderator.page.get_by_role("heading", level=1).inner_text() == KEPT
    moderator.look()
    moderator.start()
    moderator.menu("Organizations")
    assert moderator.page.get_by_role("link", name=DUPLICATE, exact=True).count() == 0


def an_owner_hands_over_and_leaves(owner: Visitor, manager: Visitor) -> None:
    owner.to_staff(ORGANIZATION)
    with Errand(owner, 4):
        owner.menu("People", "Staff")
        owner.follow("Leave")
        owner.look()
        choice = owner.field("Who owns it then?")
        choice.select_option(choice.locator("option", has_text="Marta Reyes").get_attribute("value"))
        owner.acts += 1
        owner.press("Hand over and leave")
    owner.look()
    owner.menu("Account")
    assert not owner.reads(ORGANIZATION), "who left has no way in any more"
    told = manager.site.mail_to("marta@example.org", f"Your role at {ORGANIZATION}")
    assert "owner" in text_of(told).casefold()
    manager.to_staff(ORGANIZATION, "People")
    assert manager.reads("Marta Reyes Owner")
    assert manager.page.get_by_role("rowheader", name="Olive Brandt").count() == 0
    manager.look()


def a_visitor_follows_by_mail_and_stops_again(visitor: Visitor) -> None:
    visitor.start()
    visitor.menu("Organizations")
    visitor.follow(ORGANIZATION)
    with Errand(visitor, 4):
        visitor.follow("Follow")
        visitor.look()
        visitor.fill("Email", "fran@example.org")
        visitor.field("I am 18 or older").check()
        visitor.acts += 1
        visitor.press("Follow")
    assert visitor.reads("We sent a link to fran@example.org")
    visitor.look()
    visitor.go(
        visitor.site.link_in(
            visitor.site.mail_to("fran@example.org", f"Confirm: follow {ORGANIZATION}"), "/follow/confirm/"
        )
    )
    visitor.look()
    visitor.press("Yes, follow")
    assert visitor.reads(f"You follow {ORGANIZATION}.")
    visitor.look()
    with Errand(visitor, 2):
        visitor.follow("Stop it again")
        visitor.press("No more of these mails")
    assert visitor.reads(f"You hear no more of {ORGANIZATION}.")
    visitor.look()
