"""Feeds: Atom and JSON Feed of the same entries, of what the public may see at this request."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from email.utils import format_datetime
from typing import Any
from xml.etree import ElementTree

import icalendar
import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from app.core.clock import now, today
from app.core.db import db, transaction
from app.core.ids import encode_id
from app.learning.models import Fact
from app.learning.operations import ArticleInput, FactInput, SourceInput, add_article, add_fact, edit_fact, withdraw
from app.moderation.merging import merge_organizations
from app.moderation.operations import suspend_organization
from app.needs.index import reindex
from app.needs.models import Need, PrivateAddress, Shift
from app.needs.operations.needs import pause_need
from app.needs.operations.shifts import cancel_shift
from app.safeguarding.models import Clearance
from app.signups.operations import sign_up
from tests.conftest import CheckingClient
from tests.discovery.common import make_topic, open_need
from tests.factories import (
    allow_contact,
    make_clearance,
    make_fact,
    make_need,
    make_organization,
    make_person,
    make_shift,
)

ATOM = "{http://www.w3.org/2005/Atom}"


def atom(client: CheckingClient, path: str) -> dict[str, dict[str, str]]:
    """The entries by title: their plain elements."""
    answer = client.get(path + ".atom")
    assert answer.status_code == 200
    assert answer.content_type == "application/atom+xml; charset=utf-8"
    feed = ElementTree.fromstring(answer.data)
    # RFC 4287, 4.1.1: exactly one id, title and updated; a link to itself; an author.
    for name in ("id", "title", "updated", "author"):
        assert len(feed.findall(ATOM + name)) == 1, name
    rels = {link.get("rel"): link.get("href") for link in feed.findall(ATOM + "link")}
    assert rels["self"] == f"http://localhost{path}.atom"
    found = {}
    for entry in feed.findall(ATOM + "entry"):
        values = {child.tag.removeprefix(ATOM): child.text or "" for child in entry}
        assert {"id", "title", "updated"} <= set(values)
        dt.datetime.fromisoformat(values["updated"])
        found[values["title"]] = values
    return found


def json_feed(client: CheckingClient, path: str) -> dict[str, Any]:
    answer = client.get(path + ".json")
    assert answer.status_code == 200
    assert answer.content_type == "application/feed+json"
    feed: dict[str, Any] = json.loads(answer.data)
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert feed["feed_url"] == f"http://localhost{path}.json"
    return feed


@pytest.mark.rule("N1")
@pytest.mark.rule("N6")
def test_an_organization_s_feeds_have_its_open_needs_and_forget_them_at_once(
    app: Flask, client: CheckingClient
) -> None:
    owner, judge = make_person(), make_person(platform_role="moderator")
    organization = make_organization(owner, name="Pantry & Co", slug="pantry")
    open_need(organization, "Sort <coats>", causes=["food"], description="**Bring** gloves.")
    private = open_need(organization, "Come to the shelter", private_address=True)
    with transaction():
        db.session.add(PrivateAddress(need_id=private.id, address="12 Hidden Lane", postal_code="07199"))
    open_need(organization, "A draft", status="draft", published_at=None)
    path = "/organizations/pantry/needs"
    entries = atom(client, path)
    assert set(entries) == {"Sort <coats>", "Come to the shelter"}
    assert entries["Sort <coats>"]["summary"] == "Newark, NJ\n\nBring gloves."
    feed = json_feed(client, path)
    assert feed["title"] == "Needs of Pantry & Co"
    items = {item["title"]: item for item in feed["items"]}
    assert set(items) == set(entries)
    assert items["Sort <coats>"]["id"] == entries["Sort <coats>"]["id"]
    assert items["Sort <coats>"]["tags"] == ["food"]
    for ending in (".atom", ".json"):
        assert "Hidden" not in client.get(path + ending).text
        assert "07199" not in client.get(path + ending).text
    page = client.get("/organizations/pantry").text
    assert f'type="application/atom+xml" title="Needs of Pantry &amp; Co" href="{path}.atom"' in page
    assert f'type="application/feed+json" title="Needs of Pantry &amp; Co" href="{path}.json"' in page
    with transaction():
        pause_need(private.id, by=owner)
    assert set(atom(client, path)) == {"Sort <coats>"}
    with transaction():
        suspend_organization(organization.id, by=judge, reason="asked")
    assert client.get(path + ".atom").status_code == 404
    assert client.get(path + ".json").status_code == 404
    assert client.get("/organizations/no-such/needs.atom").status_code == 404


@pytest.mark.rule("N1")
@pytest.mark.parametrize("ending", [".atom", ".json"])
def test_a_reader_that_has_it_fetches_it_again_only_when_it_changed(
    app: Flask, client: CheckingClient, ending: str
) -> None:
    owner = make_person()
    organization = make_organization(owner, slug="pantry")
    an_hour_ago = now() - dt.timedelta(hours=1)
    need = open_need(organization, "Sort coats", updated_at=an_hour_ago)
    path = "/organizations/pantry/needs" + ending
    first = client.get(path)
    assert "Set-Cookie" not in first.headers
    assert first.headers["Cache-Control"] == "public, max-age=0, s-maxage=1"
    assert first.last_modified == an_hour_ago.replace(microsecond=0)
    tag = {"If-None-Match": first.headers["ETag"]}
    since = {"If-Modified-Since": format_datetime(first.last_modified, usegmt=True)}
    assert client.get(path, headers=tag).status_code == 304
    assert client.get(path, headers=since).status_code == 304
    with time_machine.travel(now(), tick=False):
        with transaction():
            pause_need(need.id, by=owner)
        # What went out of sight is gone for a program that knows no tags, too.
        for headers in (tag, since):
            again = client.get(path, headers=headers)
            assert again.status_code == 200
            assert "Sort coats" not in again.text
        # Within the second of a change there is no date: something else may still happen in it.
        assert client.get(path).last_modified is None


@pytest.mark.rule("L1")
def test_a_withdrawn_fact_says_so_in_the_feeds_of_its_topic_at_the_next_request(
    app: Flask, client: CheckingClient
) -> None:
    topic, judge = make_topic(), make_person(platform_role="moderator")
    source = SourceInput("Polaris", "Report", "https://example.org/r", today("UTC"), 2020, "p. 3", primary=True)
    with transaction():
        wrong, hard = (
            add_fact(
                FactInput(slug, topic.slug, claim, "Well known.", today("UTC"), "We", (source,), sensitive=hard),
                by=None,
            )
            for slug, claim, hard in (
                ("wrong", "Nine of ten claims.", False),
                ("hard", "A claim with hard words.", True),
            )
        )
        for slug, status in (("how-to", "published"), ("not-yet", "draft")):
            given = ArticleInput(
                slug, topic.slug, slug.title(), "In short.", "Text.", today("UTC"), "We", status=status
            )
            add_article(given, by=None)
    path = "/learn/topics/checking"
    before = atom(client, path)
    # The claim of what speaks of abuse or disaster is on its page only, as with mails: a feed folds nothing (G13).
    hidden = "A fact that speaks of abuse or disaster (Checking claims)"
    assert set(before) == {"Nine of ten claims.", hidden, "How-To"}
    assert before[hidden]["summary"] == "Verified"
    assert before[hidden]["id"] == "http://localhost/learn/facts/hard"
    assert before["Nine of ten claims."]["summary"] == "Verified. Well known."
    for address in (path + ".atom", path + ".json", "/learn.atom"):
        answer = client.get(address)
        assert "hard words" not in answer.text, address
        assert answer.headers["Cache-Control"] == "public, no-cache", "no proxy keeps what may be withdrawn"
    with transaction():
        for one in (wrong, hard):
            withdraw(Fact, one.id, by=judge, because="The count was wrong.")
    after = atom(client, path)
    assert after["Withdrawn: Nine of ten claims."]["summary"] == "Withdrawn. The count was wrong."
    assert after["Withdrawn: Nine of ten claims."]["id"] == before["Nine of ten claims."]["id"]
    assert after[f"Withdrawn: {hidden}"]["summary"] == "Withdrawn. Why is said on its page"
    items = {item["title"]: item for item in json_feed(client, path)["items"]}
    assert set(items) == set(after)
    page = client.get(path).text
    assert f'href="{path}.atom"' in page
    assert f'href="{path}.json"' in page
    assert 'href="/follow/topics/checking"' in page
    assert 'href="/follow/topics/checking"' in client.get("/learn/how-to").text
    assert client.get("/learn/topics/no-such.atom").status_code == 404


@pytest.mark.rule("L1")
def test_what_moves_to_another_topic_is_gone_for_a_reader_that_knows_days_alone(
    app: Flask, client: CheckingClient
) -> None:
    topic, other = make_topic(), make_topic("others", "Others")
    source = SourceInput("Polaris", "Report", "https://example.org/r", today("UTC"), 2020, "p. 3", primary=True)
    values = FactInput("moves", topic.slug, "It moves.", "", today("UTC"), "We", (source,))
    with time_machine.travel(now() - dt.timedelta(hours=2), tick=False):
        make_fact(topic)
    with time_machine.travel(now() - dt.timedelta(hours=1), tick=False), transaction():
        fact = add_fact(values, by=None)
    path = f"/learn/topics/{topic.slug}.json"
    first = client.get(path)
    since = {"If-Modified-Since": format_datetime(first.last_modified, usegmt=True)}
    assert client.get(path, headers=since).status_code == 304
    with time_machine.travel(now() - dt.timedelta(minutes=30), tick=False), transaction():
        edit_fact(fact.id, dataclasses.replace(values, topic=other.slug), by=None)
    again = client.get(path, headers=since)
    assert again.status_code == 200
    assert "It moves." not in again.text


@pytest.mark.rule("N1")
@pytest.mark.rule("N6")
def test_the_list_of_needs_is_a_feed_with_the_same_filters(app: Flask, client: CheckingClient) -> None:
    owner = make_person()
    organization = make_organization(owner, name="Pantry & Co", slug="pantry")
    old = open_need(organization, "Sort coats", causes=["food"], published_at=now() - dt.timedelta(days=2))
    private = open_need(organization, "Come to the shelter", private_address=True)
    with transaction():
        db.session.add(PrivateAddress(need_id=private.id, address="12 Hidden Lane", postal_code="07199"))
        reindex([old.id, private.id])
    entries = atom(client, "/needs")
    assert list(entries) == ["Come to the shelter", "Sort coats"], "the newest first"
    assert entries["Sort coats"]["summary"].startswith("Pantry & Co · Newark, NJ")
    assert entries["Sort coats"]["id"] == f"http://localhost/needs/{encode_id(old.id)}"
    assert "Hidden" not in client.get("/needs.atom").text
    answer = client.get("/needs.atom?causes=food&q=coats&near=Newark%2C+NJ")
    assert "Come to the shelter" not in answer.text
    assert "Sort coats" in answer.text
    link = "/needs.atom?causes=food&amp;q=coats&amp;near=Newark%2C+NJ"
    assert f'href="http://localhost{link}"' in answer.text, "a link to itself"
    assert f'href="{link}"' in client.get("/needs?causes=food&q=coats&near=Newark%2C+NJ").text
    assert (
        client.get("/needs.atom", headers={"If-None-Match": client.get("/needs.atom").headers["ETag"]}).status_code
        == 304
    )
    # A filter that cannot be read is told: a program would take everything for what it asked for.
    for ending in (".atom", ".ics"):
        refused = client.get(f"/needs{ending}?near=Nowhere+at+all&causes=food")
        assert refused.status_code == 422
        assert refused.text.startswith("near: We do not know")
    with transaction():
        pause_need(old.id, by=owner)
    assert list(atom(client, "/needs")) == ["Come to the shelter"]


def events(client: CheckingClient, query: str = "") -> dict[str, icalendar.Event]:
    """The events of the public calendar, by what they are called."""
    answer = client.get(f"/needs.ics{query}")
    assert answer.status_code == 200
    assert answer.content_type == "text/calendar; charset=utf-8"
    assert "Hidden" not in answer.text
    assert "07199" not in answer.text
    calendar = icalendar.Calendar.from_ical(answer.data)
    assert calendar["METHOD"] == "PUBLISH"
    return {str(event["SUMMARY"]): event for event in calendar.walk("VEVENT")}


@pytest.mark.rule("M3")
@pytest.mark.rule("N1")
@pytest.mark.rule("N6")
def test_the_shifts_of_the_list_are_a_calendar_to_subscribe_to(app: Flask, client: CheckingClient) -> None:
    owner = make_person()
    organization = make_organization(owner, name="Pantry & Co")
    coats, shelter, draft = (
        make_need(organization, title=title, **values)
        for title, values in (
            ("Sort coats", {"causes": ["food"]}),
            ("Come to the shelter", {"private_address": True}),
            ("A draft", {"status": "draft"}),
        )
    )
    begins = (now() + dt.timedelta(days=3)).replace(microsecond=0)
    shifts = [
        make_shift(need, starts_at=begins, ends_at=begins + dt.timedelta(hours=2)) for need in (coats, shelter, draft)
    ]
    make_shift(coats, starts_at=begins - dt.timedelta(days=5), ends_at=begins - dt.timedelta(days=4))
    with transaction():
        db.session.add(PrivateAddress(need_id=shelter.id, address="12 Hidden Lane", postal_code="07199"))
        reindex([coats.id, shelter.id])
    found = events(client)
    assert set(found) == {"Sort coats", "Come to the shelter"}, "what is over and what nobody may see are not in it"
    event = found["Sort coats"]
    assert event["DTSTART"].dt == begins
    assert event["DTEND"].dt - event["DTSTART"].dt == dt.timedelta(hours=2)
    assert (event["LOCATION"], event["DESCRIPTION"], event["STATUS"]) == ("Newark, NJ", "Pantry & Co", "CONFIRMED")
    assert event["URL"] == f"http://localhost/needs/{encode_id(coats.id)}"
    assert set(events(client, "?causes=food")) == {"Sort coats"}
    day = begins.date()
    assert set(events(client, f"?from={day + dt.timedelta(days=2)}")) == set()
    # Once cancelled it stays, under the same UID with a higher SEQUENCE, so that calendars take it out.
    with transaction():
        cancel_shift(shifts[0].id, by=owner)
    cancelled = events(client)["Sort coats"]
    assert (cancelled["UID"], cancelled["STATUS"]) == (event["UID"], "CANCELLED")
    assert cancelled["SEQUENCE"] > event["SEQUENCE"]
    with transaction():
        pause_need(shelter.id, by=owner)
    assert set(events(client)) == {"Sort coats"}


@pytest.mark.rule("G2")
@pytest.mark.rule("M3")
def test_a_shift_that_cannot_run_is_tentative_in_the_public_calendar_from_that_moment(
    app: Flask, client: CheckingClient
) -> None:
    organization = make_organization(name="Lantern House")
    allow_contact(organization)
    need = make_need(organization, title="Dinner with families")
    begins = (now() + dt.timedelta(hours=20)).replace(microsecond=0)
    shift = make_shift(need, starts_at=begins, ends_at=begins + dt.timedelta(hours=2), contact="children")
    places = []
    for _number in range(2):
        person = make_person()
        make_clearance(person, organization)
        with transaction():
            places.append(sign_up(shift.id, by=person))
    with transaction():
        reindex([need.id])
    assert events(client)["Dinner with families"]["STATUS"] == "CONFIRMED"
    # Nobody's act, and no worker: the check of one of two ends meanwhile.
    with transaction():
        ended = sa.update(Clearance).where(Clearance.person_id == places[0].person_id)
        db.session.execute(ended.values(expires_on=today("Etc/GMT+12")))
    assert events(client)["Dinner with families"]["STATUS"] == "TENTATIVE"
    assert db.session.get_one(Shift, shift.id).status == "scheduled", "before anything is written"


def test_a_duplicate_s_feed_is_that_of_what_it_is_part_of(app: Flask, client: CheckingClient) -> None:
    judge = make_person(platform_role="moderator")
    duplicate, remaining = make_organization(name="Pantry Inc.", slug="pantry-inc"), make_organization(slug="pantry")
    open_need(duplicate, "Sort coats")
    assert client.get("/organizations/pantry/needs.json").json["items"] == []  # type: ignore[index]  # it is a feed
    with transaction():
        merge_organizations(duplicate.id, remaining.id, by=judge, typed_name="Pantry Inc.", with_members=True)
    feed = json.loads(client.get("/organizations/pantry-inc/needs.json").data)
    assert [item["title"] for item in feed["items"]] == ["Sort coats"]
    assert feed["home_page_url"] == "http://localhost/organizations/pantry"


def test_a_feed_takes_few_statements_however_much_is_in_it(
    app: Flask, client: CheckingClient, count_queries: list[str]
) -> None:
    organization = make_organization(slug="pantry")
    counts = []
    # Another address each time: whether the answer before is still kept depends on how fast this machine is.
    for again in range(2):
        for number in range(3):
            open_need(organization, f"Need {number}")
        count_queries.clear()
        client.get(f"/organizations/pantry/needs.atom?again={again}")
        counts.append(len(count_queries))
        count_queries.clear()
        client.get(f"/needs.atom?again={again}")
        client.get(f"/needs.ics?again={again}")
        counts.append(len(count_queries))
    assert counts[0] == counts[2] <= 8, counts
    assert counts[1] == counts[3] <= 8, counts
    assert db.session.query(Need).count() == 6
