"""Somebody who is about to share a claim, by the browser and within a number of acts, with JavaScript and without: they look
it up, are asked to pause, and pass on what carries its sources, or think better of it. What does not hold any more says so
to whoever follows the link they passed on."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser

from app.core.db import db, transaction
from app.learning import seed
from app.learning.asked_models import AskedClaim
from app.learning.models import Fact
from app.learning.operations import withdraw
from app.learning.queries import find_fact
from tests.browser.sites import served
from tests.factories import make_need, make_organization, make_person
from tests.journeys.installation import Visitor
from tests.journeys.test_errands import Errand

pytestmark = pytest.mark.browser
FACT, CLAIM = "abduction-by-strangers-is-rare", "strangers"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Flask, str]]:
    """What comes with the application, and a need after a flood; no worker and no mail: nothing here promises any."""
    with served(tmp_path_factory.mktemp("site")) as (app, url):
        with app.app_context():
            with transaction():
                seed.load()
            make_need(make_organization(), title="Cots for the school", description="The flood took forty houses.")
        yield app, url


@pytest.fixture
def visitor(browser: Browser, site: tuple[Flask, str], script: bool) -> Iterator[Visitor]:
    place: Any = types.SimpleNamespace(url=site[1])
    somebody = Visitor(browser, place, script)
    yield somebody
    somebody.close()


def test_somebody_about_to_share_a_claim(visitor: Visitor, site: tuple[Flask, str]) -> None:
    app, url = site
    with app.app_context():
        fact = find_fact(FACT)
        assert fact is not None
        claim, key = fact.claim, fact.id
    visitor.start()
    with Errand(visitor, 5):
        visitor.menu("Learn")
        visitor.fill("What do you want to know?", CLAIM)
        visitor.press("Search")
        visitor.follow(claim)
        visitor.follow("Share")
    assert visitor.reads("Is it true, and is it still true?")
    assert visitor.page.get_by_role("main").get_by_role("listitem").filter(has_text="checked on").count() >= 1
    visitor.look()
    # Thinking better of it is as easy as going on: one act each.
    with Errand(visitor, 2):
        visitor.follow("Not now")
        assert visitor.page.url == f"{url}/learn/facts/{FACT}"
        visitor.follow("Share")
    with Errand(visitor, 1):
        visitor.follow("Go on to the link")
    link = visitor.field("Link").input_value()
    text = visitor.field("Text with its sources").input_value()
    assert link.endswith(f"/learn/facts/{FACT}")
    assert text.startswith(claim)
    assert "Sources:" in text
    assert text.endswith(link)
    visitor.look()
    assert visitor.context.cookies() == [], "nobody is kept"
    # Weeks later it does not hold any more. Whoever follows the link reads so first, and the picture says it, too.
    picture = visitor.context.request.get(f"{url}/learn/facts/{FACT}/card.png")
    with app.app_context():
        moderator = make_person(platform_role="moderator")
        with transaction():
            withdraw(Fact, key, by=moderator, because="The count was wrong")
    try:
        visitor.go(f"{url}/learn/facts/{FACT}")
        assert visitor.reads("Withdrawn on")
        assert visitor.reads("The count was wrong")
        visitor.look()
        later = visitor.context.request.get(f"{url}/learn/facts/{FACT}/card.png")
        assert later.headers["etag"] != picture.headers["etag"]
        visitor.follow("Share")
        assert visitor.reads("Sharing the page tells others that it does not hold any more.")
    finally:
        with app.app_context(), transaction():
            db.session.get_one(Fact, key).status = "verified"
            db.session.get_one(Fact, key).withdrawn_at = None


def test_somebody_who_finds_nothing_asks(visitor: Visitor, site: tuple[Flask, str]) -> None:
    asked = f"A flyer says that every third van has no window. ({'script' if visitor.script else 'plain'})"
    visitor.start()
    with Errand(visitor, 5):
        visitor.menu("Learn")
        visitor.follow("I saw a claim")
        visitor.follow("Ask about a claim")
        visitor.fill("The claim", asked)
        visitor.press("Ask")
    assert visitor.reads("A person looks for its sources.")
    visitor.look()
    with site[0].app_context():
        assert db.session.query(AskedClaim).filter_by(text=asked).count() == 1
        db.session.rollback()


def test_a_need_after_a_flood_asks_first(visitor: Visitor) -> None:
    visitor.find_need("Cots for the school")
    with Errand(visitor, 2):
        visitor.follow("Share")
        assert visitor.reads("We ask because of what this page speaks of: flood")
        visitor.look()
        visitor.follow("Go on to the link")
    assert "last confirmed" not in visitor.field("Text that says who asks").input_value(), "nobody did"
    assert "verified on" in visitor.field("Text that says who asks").input_value()


def test_the_ways_to_help_lead_on_near_a_place(visitor: Visitor) -> None:
    visitor.start()
    with Errand(visitor, 4):
        visitor.click(visitor.page.get_by_role("contentinfo").get_by_role("link", name="Ways to help"))
        visitor.fill("Near", "Newark, NJ")
        visitor.press("Show what is near")
        assert visitor.reads("0 needs open near Newark, NJ"), "the need asks for nothing that is counted"
        visitor.look()
        visitor.follow("Check a claim")
    assert visitor.reads("I saw a claim")
