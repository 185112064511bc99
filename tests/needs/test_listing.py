"""The public list: what it shows, what its links do, how it is cached, what it costs."""

from __future__ import annotations

import datetime as dt
import gzip
import re
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import html5lib
import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from app.core.clock import now
from app.core.db import db, transaction
from app.needs import index
from app.needs.models import Item, Need
from tests.conftest import CheckingClient
from tests.factories import make_item, make_need, make_organization, make_person, make_shift

NEWARK = "near=40.7357,-74.1724"


def articles(text: str) -> list[str]:
    """The titles of the listing cards, which are heading links in <article> elements."""
    tree = html5lib.parse(text, namespaceHTMLElements=False)
    titles = []
    for article in tree.iter("article"):
        (link,) = [link for level in ("h2", "h3") for heading in article.iter(level) for link in heading.iter("a")]
        titles.append("".join(link.itertext()))
    return titles


def links(text: str, words: str) -> list[str]:
    """The addresses of links whose text begins with `words`."""
    tree = html5lib.parse(text, namespaceHTMLElements=False)
    return [a.get("href") or "" for a in tree.iter("a") if "".join(a.itertext()).strip().startswith(words)]


def test_it_lists_needs_with_what_a_reader_decides_by(client: CheckingClient) -> None:
    need = make_need(make_organization(name="Open Door"), title="Pack food parcels", urgency="high")
    make_shift(need, days=3, capacity=8)
    make_item(need, quantity="40", name="Rice", unit="kg")
    text = client.get(f"/needs?{NEWARK}").get_data(as_text=True)
    assert articles(text) == ["Pack food parcels"]
    for words in ("Open Door", "Verified", "8 places open", "40 still wanted", "Rice (kg)", "Newark, NJ"):
        assert words in text
    assert "less than 1 km away" in text
    assert "starts in 3 days" in text  # why it is here (N3)


@pytest.mark.rule("N1")
def test_what_is_not_public_is_neither_listed_nor_counted(client: CheckingClient) -> None:
    make_need(title="Seen", causes=["food"])
    make_need(title="Draft", status="draft", causes=["food"])
    make_need(make_organization(verified_at=None), title="Unverified", causes=["food"])
    make_need(make_organization(status="suspended"), title="Suspended", causes=["food"])
    for url in ("/needs", f"/needs?{NEWARK}", "/needs?causes=food", "/needs?q=need"):
        text = client.get(url).get_data(as_text=True)
        assert "Draft" not in text
        assert "Unverified" not in text
        assert "Suspended" not in text
    assert re.search(r">Food <span>1</span>", client.get("/needs").get_data(as_text=True))


def test_filters_are_links_that_switch_them(client: CheckingClient) -> None:
    make_shift(make_need(title="Soup", causes=["food"]))
    make_need(title="Beds", causes=["housing"])
    text = client.get(f"/needs?{NEWARK}&q=need").get_data(as_text=True)
    (food,) = links(text, "Food")
    asked = parse_qs(urlsplit(food).query)
    assert asked == {"near": ["40.7357,-74.1724"], "q": ["need"], "causes": ["food"]}
    text = client.get(f"/needs?causes=food&{NEWARK}").get_data(as_text=True)
    assert articles(text) == ["Soup"]
    for remove in links(text, "Food"):
        assert "causes" not in parse_qs(urlsplit(remove).query)
    assert articles(client.get("/needs?causes=food,housing&wants=time").get_data(as_text=True)) == ["Soup"]


def test_pages_follow_one_another_and_lead_back(client: CheckingClient) -> None:
    organization = make_organization()
    for number in range(23):
        make_need(organization, title=f"Need {number}")
    first = client.get("/needs?sort=newest").get_data(as_text=True)
    (more,) = links(first, "Show 20 more")
    second = client.get(more).get_data(as_text=True)
    assert len(articles(first)) == 20
    assert len(articles(second)) == 3
    assert not set(articles(first)) & set(articles(second))
    assert links(second, "Back to the start") == ["/needs?sort=newest"]
    assert links(second, "Show 20 more") == []


def test_an_unknown_place_is_said_and_what_was_typed_stays(client: CheckingClient) -> None:
    make_need(title="Anywhere")
    response = client.get("/needs?near=Qwertyuiop&q=need&radius_km=abc")
    text = response.get_data(as_text=True)
    assert response.status_code == 200
    assert "<title>Error:" in text
    assert 'value="Qwertyuiop"' in text
    assert 'id="near-error"' in text
    assert 'id="radius_km-error"' in text


def test_an_old_cursor_leads_to_the_start(client: CheckingClient) -> None:
    make_need(title="Still here")
    text = client.get("/needs?cursor=W10").get_data(as_text=True)
    assert articles(text) == ["Still here"]
    assert "This is its beginning" in text


def test_nothing_found_offers_one_next_step(client: CheckingClient) -> None:
    assert links(client.get(f"/needs?{NEWARK}&radius_km=10").get_data(as_text=True), "Look within 25") == [
        "/needs?near=40.7357%2C-74.1724&radius_km=25"
    ]
    assert "Clear all filters" in client.get("/needs?causes=food").get_data(as_text=True)
    assert links(client.get("/needs").get_data(as_text=True), "See the organizations") == ["/organizations"]


def test_a_large_set_is_not_counted_to_the_last(app: Flask, client: CheckingClient) -> None:
    organization = make_organization()
    at = now()
    with transaction():
        needs = [
            Need(
                organization_id=organization.id, title="Soup", status="open", time_zone="UTC", latitude=40.7357,
                longitude=-74.1724, causes=["food"], skills=[], published_at=at, created_at=at, updated_at=at,
            )
            for _number in range(1005)
        ]  # fmt: skip
        db.session.add_all(needs)
        db.session.flush()
        index.add_new([need.id for need in needs])
    for url in ("/needs", f"/needs?{NEWARK}"):
        text = client.get(url).get_data(as_text=True)
        assert ("<b>1,000+ needs</b>" if url == "/needs" else "<b>1,000+ needs in this area</b>") in text
        assert ">Food <span>1,000+</span>" in text
    # A part of them is never said to be all.
    assert "<b>Some of 1,000+ needs</b>" in client.get("/needs?causes=food").get_data(as_text=True)
    assert index.compare() == (1005, [])


def fill(count: int) -> None:
    organization = make_organization(name="A Fairly Long Name of an Organization")
    for number in range(count):
        need = make_need(
            organization,
            title=f"Sort and pack boxes for forty families before the holiday {number}",
            causes=["food", "community"],
            skills=["driving"],
            urgency=("normal", "critical")[number % 2],
        )
        make_shift(need, capacity=12 + number % 30, days=1 + number / 7)
        if number % 2:
            make_item(need)


@pytest.mark.parametrize(
    "url", ["/needs", f"/needs?{NEWARK}", f"/needs?q=boxes&{NEWARK}", f"/needs?{NEWARK}&sort=nearest"]
)
def test_it_costs_at_most_four_queries_however_many_rows(
    client: CheckingClient, count_queries: list[str], url: str
) -> None:
    counts = []
    client.get("/needs?q=warm")  # what an application reads once
    fill(5)
    for _size in range(2):
        count_queries.clear()
        client.get(url)
        counts.append(len([statement for statement in count_queries if "pg_current_snapshot" not in statement]))
        fill(45)
    assert counts[0] == counts[1] <= 4


def test_twenty_listings_stay_within_the_budget(client: CheckingClient) -> None:
    fill(25)
    body = client.get(f"/needs?{NEWARK}").data
    assert len(articles(body.decode())) == 20
    assert len(body) <= 28_000
    assert len(gzip.compress(body, 6)) <= 7_500


@pytest.mark.rule("N1")
def test_an_anonymous_page_is_kept_only_while_nothing_changes(client: CheckingClient, count_queries: list[str]) -> None:
    need = make_need(title="Here today")
    first = client.get("/needs")
    assert first.headers.get("Set-Cookie") is None
    assert "Cookie" in first.headers["Vary"]
    again = client.get("/needs", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    count_queries.clear()
    assert client.get("/needs").data == first.data
    assert len(count_queries) <= 1  # one look at the database's state
    with transaction():
        db.session.get_one(Need, need.id).status = "paused"
        index.reindex([need.id])
    gone = client.get("/needs", headers={"If-None-Match": first.headers["ETag"]})
    assert gone.status_code == 200
    assert "Here today" not in gone.get_data(as_text=True)


@pytest.mark.rule("N1")
def test_another_process_s_commit_is_heard(client: CheckingClient) -> None:
    need = make_need(title="Here today")
    assert b"Here today" in client.get("/needs").data
    # Straight at the database, past every hook of this process's sessions.
    other = sa.create_engine(db.engine.url)
    with other.begin() as connection:
        connection.exec_driver_sql(f"UPDATE need SET status = 'closed' WHERE id = {need.id}")
    other.dispose()
    assert b"Here today" not in client.get("/needs").data


def test_a_signed_in_reader_s_page_is_nobody_else_s(client: CheckingClient, sign_in: object) -> None:
    make_need(title="Soup")
    anonymous = client.get("/needs").data
    sign_in(make_person())  # type: ignore[operator]  # the fixture's callable
    mine = client.get("/needs")
    assert mine.headers["Cache-Control"] == "no-store"
    assert "ETag" not in mine.headers
    assert b"Sign out" in mine.data
    assert b"Sign out" not in anonymous


def test_what_is_urgent_says_by_when(client: CheckingClient) -> None:
    at = dt.datetime(2031, 5, 12, 14, tzinfo=dt.UTC)
    cases = {
        ("high", 2): "Needed in 2 days", ("high", 1): "Needed in 1 day", ("high", 0): "Needed today",
        ("high", 60): "Needed soon", ("high", None): "Needed soon", ("critical", 0): "Critical: today",
        ("critical", 3): "Critical: in 3 days", ("critical", None): "Critical", ("normal", 2): "",
    }  # fmt: skip
    with time_machine.travel(at, tick=False):
        for number, (urgency, days) in enumerate(cases):
            need = make_need(title=f"Case {number}.", urgency=urgency)
            if days is not None:
                make_shift(need, days=days + 1 / 24, hours=2)
        make_shift(make_need(title="Role", urgency="high"), flexible=True, due_on=dt.date(2031, 5, 16))
        cards = client.get("/needs").text.split("<article")[1:]
    expected = {f"Case {number}.": words for number, words in enumerate(cases.values())} | {"Role": "Needed in 4 days"}
    for title, words in expected.items():
        (card,) = [card for card in cards if f">{title}</a>" in card]
        assert re.findall(r'<p class="badge urgent">(.*?)</p>', card) == ([words] if words else []), title


def test_why_a_need_is_listed_is_told_to_whoever_asked_for_something_of_their_own(client: CheckingClient) -> None:
    make_shift(make_need(title="Soup", skills=["cooking"], causes=["food"]))
    for url in ("/", "/needs", "/needs?causes=food", f"/needs?{NEWARK}&sort=soonest"):
        assert "Why you see this" not in client.get(url).text
    for url in (f"/needs?{NEWARK}", "/needs?q=soup", "/needs?skills=cooking"):
        assert "Why you see this" in client.get(url).text


def test_an_item_that_nobody_has_to_bring_any_more_says_so(client: CheckingClient) -> None:
    need = make_need(title="Repaint")
    make_shift(need)
    item = make_item(need, quantity="8", name="Dust sheets", unit="")
    with transaction():
        db.session.get_one(Item, item.id).reserved = Decimal(8)
    assert "<b>All 8 promised</b>: Dust sheets" in client.get("/needs").text
    with transaction():
        changed = db.session.get_one(Item, item.id)
        changed.reserved, changed.received = Decimal(0), Decimal(8)
    assert "<b>All 8 arrived</b>: Dust sheets" in client.get("/needs").text
    make_item(need, quantity="5", name="Brushes", unit="")
    text = client.get("/needs").text
    assert "<b>5 still wanted</b>: Brushes" in text
    assert "Dust sheets" not in text


def test_a_need_without_date_says_so(client: CheckingClient) -> None:
    make_need(title="Whenever")
    flexible = make_need(title="By Friday")
    make_shift(flexible, flexible=True, due_on=now().date() + dt.timedelta(days=4))
    text = client.get("/needs").get_data(as_text=True)
    assert "<b>Any time</b>" in text
    assert "Flexible role" in text
