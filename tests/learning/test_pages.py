"""What everybody may read of what can be learned: how well it is known, its sources, and what it said before."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Callable
from xml.etree import ElementTree

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from app.core.db import db, transaction
from app.learning import operations
from app.learning.models import Article, Fact
from app.learning.operations.inputs import ArticleInput, FactInput, values_of
from tests.conftest import CheckingClient
from tests.factories import make_article, make_fact, make_person, make_question, make_source, make_topic
from tests.learning.test_seed import load


@pytest.fixture(autouse=True)
def _sample(app: Flask) -> None:
    load()


def fact_of(slug: str = "paid-pages") -> Fact:
    return db.session.scalars(sa.select(Fact).where(Fact.slug == slug)).one()


def article_of(slug: str = "how-to-check") -> Article:
    return db.session.scalars(sa.select(Article).where(Article.slug == slug)).one()


def test_every_page_opens(client: CheckingClient) -> None:
    for path in (
        "/learn", "/learn/topics/checking", "/learn/how-to-check", "/learn/facts/paid-pages",
        "/learn/questions/is-it-sold", "/learn/how-to-check/history", "/learn/facts/paid-pages/history",
        "/learn/questions/is-it-sold/history", "/learn?q=sold", "/learn?kind=fact", "/learn?topic=words", "/learn?q=zebra",
    ):  # fmt: skip
        assert client.get(path).status_code == 200, path
    for path in ("/learn/nothing", "/learn/facts/nothing", "/learn/topics/nothing", "/learn/questions/nothing"):
        assert client.get(path).status_code == 404, path


def test_a_page_asks_the_database_a_few_times_however_much_it_shows(
    client: CheckingClient, count_queries: list[str]
) -> None:
    topic = fact_of().topic
    facts = [make_fact(topic) for _number in range(12)]
    make_article(
        topic, slug="long", body="\n\n".join(f"{{{{fact {fact.slug}}}}}\n\nMany.[^{fact.slug}]" for fact in facts)
    )
    for path, most in (
        ("/learn", 2), ("/learn/long", 4), ("/learn/facts/paid-pages", 3), ("/learn/topics/checking", 4),
        ("/learn/long/history", 3), ("/learn.atom", 1), ("/api/v1/learn/facts", 2), ("/api/v1/learn/articles", 2),
    ):  # fmt: skip
        count_queries.clear()
        assert client.get(path).status_code == 200
        asked = [statement for statement in count_queries if "pg_current_snapshot" not in statement]
        assert len(asked) <= most, (path, asked)


@pytest.mark.rule("L1")
def test_a_number_shows_its_sources_where_it_is_said(client: CheckingClient) -> None:
    """In the text as a card, after the sentence as a number that leads to the list, on the fact's own page."""
    page = client.get("/learn/how-to-check").text
    assert page.count("Annual report 2024") == 2
    assert "Commercial content" in page
    assert "Checked on Nov 20, 2026." in page
    assert 'Most of it is not sold.<sup><a href="#source-1" aria-label="Source 1">1</a></sup>' in page
    assert '<li id="source-1">' in page
    assert '<li id="source-2">' in page
    assert "What we left out, and why" in page
    assert "A number that we could not find in any document." in page
    alone = client.get("/learn/facts/paid-pages").text
    for said in ("Verified", "Internet Watch Foundation", "The document itself.", "How to check a claim", "Is such"):
        assert said in alone, said
    assert "Contested" in client.get("/learn/facts/child-welfare-share").text


@pytest.mark.rule("L1")
def test_a_page_whose_sources_were_not_checked_within_a_year_says_so(client: CheckingClient) -> None:
    paths = ("/learn/how-to-check", "/learn/facts/paid-pages", "/learn/questions/is-it-sold")
    note = "The sources of this page were not checked within a year."
    with time_machine.travel(dt.datetime(2027, 11, 20, 23, tzinfo=dt.UTC), tick=False):
        assert [note in client.get(path).text for path in paths] == [False] * 3
    make_person()  # pages are kept until something is committed, or for five seconds
    with time_machine.travel(dt.datetime(2027, 11, 21, 1, tzinfo=dt.UTC), tick=False):
        assert [note in client.get(path).text for path in paths] == [True] * 3
        # The article itself was looked at again, but not what it rests on.
        article, person = article_of(), make_person()
        with transaction():
            operations.renew(Article, article.id, by=person, checked_by="a moderator")
        assert note in client.get(paths[0]).text
        with transaction():
            for slug in ("paid-pages", "child-welfare-share"):
                operations.renew(Fact, fact_of(slug).id, by=person, checked_by="a moderator")
        assert [note in client.get(path).text for path in paths] == [False, False, True]


@pytest.mark.rule("L1")
def test_a_fact_was_checked_when_the_oldest_of_its_sources_was(client: CheckingClient) -> None:
    """The same day on its page, in lists and where it is passed on, whatever was typed as the fact's own."""
    later = (make_source(1, checked_on=dt.date(2026, 11, 24)), make_source(2, checked_on=dt.date(2026, 11, 26)))
    make_fact(slug="looked-at", claim="Quaggas are gone.", checked_on=dt.date(2026, 11, 14), sources=later)
    page = client.get("/learn/facts/looked-at").text
    assert "<dt>Sources checked</dt><dd>Nov 24, 2026</dd>" in page
    for path in ("/learn?q=quaggas", "/share/fact/looked-at"):
        assert "ources checked on Nov 24, 2026" in client.get(path).text, path
    assert "Nov 14" not in page


@pytest.mark.rule("G13")
def test_sensitive_passages_are_folded_and_such_pages_have_a_way_out(client: CheckingClient) -> None:
    answer = client.get("/learn/how-to-check")
    folded = answer.text.partition('<details class="fold">')[2].partition("</details>")[0]
    assert "This part says what such pages show" in folded
    assert "It says no more than it must." in folded
    assert answer.text.count("It says no more than it must.") == 1
    assert "<details open" not in answer.text
    for path in ("/learn/how-to-check", "/learn/facts/paid-pages", "/learn/questions/is-it-sold",
                 "/learn/how-to-check/history"):  # fmt: skip
        sensitive = client.get(path)
        assert 'rel="noreferrer" data-leave>Leave this page</a>' in sensitive.text, path
        assert "js/leave.js" in sensitive.text
        assert 'href="/report"' in sensitive.text
        assert sensitive.headers["Cache-Control"] == "no-store"
    # Lists fold what is sensitive as well, and what only a fold rests on is not said in the open at the page's end.
    topic = client.get("/learn/topics/checking").text
    claim = "two in a hundred of the pages"
    assert claim in topic.partition('<details class="fold">')[2].partition("</details>")[0]
    assert topic.count(claim) == 1
    behind = ":::sensitive Careful\nMany did.[^paid-pages]\n:::"
    make_article(fact_of().topic, slug="behind", body=f"Ask first.\n\n{behind}", sensitive=True)
    page = client.get("/learn/behind").text
    assert claim not in page
    assert "What is said behind the warning, number 1<" in page, "two of them are told apart"
    assert "Annual report 2024" in page, "its sources are there"
    # Nothing plays or shows by itself: there is no element here that could.
    assert not re.search(r"<(?:video|audio|img|iframe|object|embed)\b", answer.text)


def test_a_fact_withdrawn_says_so_at_the_next_request(
    client: CheckingClient, new_client: Callable[[], CheckingClient]
) -> None:
    paths = (
        "/learn/facts/paid-pages", "/learn/how-to-check", "/learn/questions/is-it-sold", "/learn?q=commercial",
        "/learn?kind=fact", "/learn/topics/checking", "/learn.atom", "/api/v1/learn/facts/paid-pages",
    )  # fmt: skip
    assert client.get("/learn/check").headers["Cache-Control"] == "public, no-cache", "it lists answers"
    reason, person = "The report was corrected.", make_person()
    before = {path: client.get(path) for path in paths}  # all of them are in the cache of pages now
    for path, answer in before.items():
        assert "ithdrawn" not in answer.text.replace('"withdrawn": null', ""), path
        if answer.headers.get("Cache-Control") != "no-store":
            assert "no-cache" in answer.headers["Cache-Control"], path
            assert path.startswith("/api/v1/learn/facts?") or answer.headers.get("ETag"), path
    with transaction():
        operations.withdraw(Fact, fact_of().id, by=person, because=reason, replaced_by="child-welfare-share")
    for path in paths:
        kept = {"If-None-Match": before[path].headers["ETag"]} if before[path].headers.get("ETag") else {}
        answer = new_client().get(path, headers=kept)
        assert answer.status_code == 200, path
        assert "ithdrawn" in answer.text, path
    own = client.get("/learn/facts/paid-pages").text
    assert reason in own
    assert "Read this instead:" in own
    assert "/learn/facts/child-welfare-share" in own
    assert "<s>In 2024, two in a hundred" in own
    told = client.get("/learn/how-to-check").text
    assert told.count("<s>In 2024") == 2
    assert 'aria-label="Source 1, withdrawn">1, withdrawn</a>' in told
    assert "Annual report 2024" not in told, "nobody cites what was withdrawn any more"
    body = client.get("/api/v1/learn/facts/paid-pages").get_json()
    assert body["status"] == "withdrawn"
    assert body["withdrawn"]["because"] == reason
    assert body["withdrawn"]["replaced_by"] == "child-welfare-share"


def test_the_cache_of_pages_would_show_the_older_state_if_it_did_not_ask(
    app: Flask, client: CheckingClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The positive control: without asking what the database is at, an older page comes."""
    person = make_person()
    monkeypatch.setattr(type(app.extensions["page_cache"]), "stamp", lambda _cache: 1)
    assert "ithdrawn" not in client.get("/learn/facts/paid-pages").text
    with transaction():
        operations.withdraw(Fact, fact_of().id, by=person, because="Wrong.")
    assert "ithdrawn" not in client.get("/learn/facts/paid-pages").text.replace("/withdrawn", "")


def test_an_article_withdrawn_says_so_and_is_listed_no_more(client: CheckingClient) -> None:
    person = make_person()
    assert "How to check a claim" in client.get("/learn").text
    with transaction():
        operations.withdraw(Article, article_of().id, by=person, because="It was out of date.")
    page = client.get("/learn/how-to-check")
    assert page.status_code == 200
    assert "It was out of date." in page.text
    assert "Please do not pass it on any more." in page.text
    assert "How to check a claim" not in client.get("/learn").text
    assert "Withdrawn" in client.get("/learn?q=check").text
    assert client.get("/api/v1/learn/articles/how-to-check").get_json()["withdrawn"]["replaced_by"] is None


def test_a_draft_is_nowhere_for_outsiders(client: CheckingClient, sign_in: Callable[..., CheckingClient]) -> None:
    make_article(title="Zebras in a draft", slug="zebras", status="draft")
    make_question(question="Zebras?", slug="zebras-too", status="draft")
    for path in (
        "/learn/zebras",
        "/learn/zebras/history",
        "/learn/questions/zebras-too",
        "/api/v1/learn/articles/zebras",
    ):
        assert client.get(path).status_code == 404, path
    for path in ("/learn", "/learn?kind=article", "/learn?kind=question", "/learn.atom", "/api/v1/learn/articles"):
        assert "ebras" not in client.get(path).text, path
    assert "Zebras in a draft" not in client.get("/learn?q=zebras").text
    sign_in(make_person())
    assert client.get("/learn/zebras").status_code == 404
    sign_in(make_person(platform_role="moderator"))
    assert "A draft: only moderators see it." in client.get("/learn/zebras").text
    assert client.get("/learn/questions/zebras-too").status_code == 200


def test_history_shows_what_changed_in_words(client: CheckingClient) -> None:
    article, person = article_of(), make_person(name="Mara Moderator")
    values = values_of(article)
    assert isinstance(values, ArticleInput)
    changed = dataclasses.replace(values, body=values.body.replace("Ask who says so.", "First ask who said so."))
    with transaction():
        operations.edit_article(article.id, changed, by=person, reason="Clearer")
    page = client.get("/learn/how-to-check/history").text
    assert re.search(r"<del><span[^>]*>removed: </span>Ask<", page)
    assert re.search(r"<ins><span[^>]*>added: </span>First ask<", page)
    assert 'By a moderator: <span dir="auto">Clearer</span>' in page
    assert "Mara" not in page
    assert "Came with the platform" in page
    fact = fact_of()
    facts = values_of(fact)
    assert isinstance(facts, FactInput)
    with transaction():
        more = dataclasses.replace(facts, sources=(*facts.sources, make_source(2)), status="contested")
        operations.edit_fact(fact.id, more, by=person, reason="Another source")
    page = client.get("/learn/facts/paid-pages/history").text
    assert "Source 2" in page
    assert "Publisher 2" in page
    assert '<del><span class="visually-hidden">removed: </span>verified<' in page


@pytest.mark.rule("L2")
def test_whoever_searches_in_need_is_shown_the_services_first(client: CheckingClient) -> None:
    """Before anything else where nothing was found, and always for words of distress; those are kept by no browser."""
    first = "Call the emergency number of the country you are in."
    make_question(question="What helps against threats?", slug="threats")
    for words in ("suicide", "I am being threatened", "he hurts me", "threats", "trafficked"):
        page = client.get("/learn", query_string={"q": words})
        assert first in page.text, words
        assert page.text.index(first) < page.text.index('<div class="rows' if words == "threats" else 'class="empty"')
        assert page.text.index('<a href="/report">', page.text.index(first)) < page.text.index("Search the needs for")
        assert "or ask us" not in page.text, "nobody here answers whoever is in need"
        assert page.headers["Cache-Control"] == "no-store"
        assert "data-leave>Leave this page" in page.text
    nothing = client.get("/learn?q=xylophone").text
    assert nothing.index(first) < nothing.index("We have nothing on that yet") < nothing.index("or ask us")
    assert first not in client.get("/learn?q=material").text


def test_the_beginning_of_a_word_finds_it(client: CheckingClient) -> None:
    make_question(question="Are most kidnapped by strangers?", slug="strangers")
    for words in ("kidnap", "Kidnapped", "kidn stran", "kidnappers"):
        assert "/learn/questions/strangers" in client.get("/learn", query_string={"q": words}).text, words
    for words in ("kid", "napped"):  # too short, not the beginning
        assert "/learn/questions/strangers" not in client.get("/learn", query_string={"q": words}).text, words


def test_a_slip_of_the_finger_finds_what_was_meant_and_says_so(
    client: CheckingClient, count_queries: list[str]
) -> None:
    make_question(question="Are most kidnapped by strangers?", slug="strangers")
    make_article(title="A zeppelin nobody sees", status="draft")
    found = client.get("/learn?q=kidnaped+by+strnagers")
    assert "/learn/questions/strangers" in found.text
    assert "Nothing has “kidnaped by strnagers”. This is what has “kidnapped by stranger”." in found.text
    assert 'value="kidnaped by strnagers"' in found.text, "what was typed stays in its field"
    assert "Call the emergency number" in found.text, "as on every page that finds nothing of what was typed"
    assert "Leave this page" in found.text, "what it speaks of counts, not how it was typed"
    # What has its words found as they are is not second-guessed; what is near nothing, or near a draft only, finds nothing.
    make_fact(claim="Look for the child in the trunk.")
    for words in ("strangers", "qwertyuiop", "zepelin", "book", "drunk"):
        page = client.get("/learn", query_string={"q": words}).text
        assert "Nothing has" not in page, words
        assert ("We have nothing on that yet" in page) is (words != "strangers"), words
        assert "zeppelin" not in page
    assert "/learn/questions/strangers" in client.get("/learn?q=ikdnapped").text, "the first two changed places"
    count_queries.clear()
    client.get("/learn?q=kidnaped")
    assert len(count_queries) <= 9, count_queries


def test_a_list_of_facts_that_nobody_searched_folds_what_speaks_of_abuse(client: CheckingClient) -> None:
    fact = make_fact(claim="A claim with hard words.", sensitive=True)
    make_fact(claim="A mild claim.")
    listed = client.get("/learn?kind=fact").text
    assert (
        listed.index("A mild claim.")
        < listed.index('<details class="fold">')
        < listed.index("A claim with hard words.")
    )
    assert f"/learn/facts/{fact.slug}" in listed
    searched = client.get("/learn?q=hard+words").text
    assert '<details class="fold">' not in searched
    assert "A claim with hard words." in searched


def test_what_was_written_before_it_was_published_stays_its_writers_own(
    client: CheckingClient, sign_in: Callable[..., CheckingClient]
) -> None:
    draft, person = make_article(status="draft", body="Half a thought."), make_person()
    values = dataclasses.replace(values_of(draft), status="published", body="A whole thought.")
    for _time in range(2):
        with transaction():
            operations.edit_article(draft.id, values, by=person, reason="Done")
        values = dataclasses.replace(values, body="A whole thought, said better.")
    path = f"/learn/{draft.slug}/history"
    page = client.get(path).text
    assert "Half a" not in page
    assert page.count("<li>\n<h2") == 2
    assert "The first version that was published." in page
    assert "Version 2," in page
    sign_in(make_person(platform_role="moderator"))
    assert "Half a" in client.get(path).text


def test_a_long_history_is_read_page_by_page(client: CheckingClient) -> None:
    fact = fact_of()
    values = values_of(fact)
    assert isinstance(values, FactInput)
    person = make_person()
    for number in range(1, 14):
        with transaction():
            operations.edit_fact(
                fact.id, dataclasses.replace(values, note=f"Note {number}."), by=person, reason="Again"
            )
    first = client.get("/learn/facts/paid-pages/history").text
    following = re.search(r'rel="next" href="([^"]+)"', first)
    assert following is not None
    second = client.get(following[1]).text
    versions = [int(number) for page in (first, second) for number in re.findall(r"Version (\d+),", page)]
    assert versions == list(range(14, 0, -1))
    assert client.get("/learn/facts/paid-pages/history?cursor=broken").status_code == 302


def test_search_finds_all_three_and_pages_steadily(client: CheckingClient, count_queries: list[str]) -> None:
    topic = make_topic(slug="many")
    for number in range(25):
        make_fact(topic, slug=f"gadget-{number:02}", claim="Gadgets were counted.")
    make_article(topic, title="Gadget care", slug="zz-care")
    seen: list[str] = []
    address: str | None = "/learn?q=gadgets"
    while address:
        count_queries.clear()
        page = client.get(address).text
        assert len(count_queries) <= 5, count_queries  # the two of a search, topics, and what the cache asks
        seen += re.findall(r'<h2><a href="/learn/([^"]+)"', page)
        following = re.search(r'rel="next" href="([^"]+)"', page)
        address = following[1].replace("&amp;", "&") if following else None
    assert sorted(seen) == [*(f"facts/gadget-{number:02}" for number in range(25)), "zz-care"]
    everything: list[str] = []
    address = "/learn?kind=fact&topic=many"
    while address:
        page = client.get(address).text
        everything += re.findall(r'<h2><a href="/learn/([^"]+)"', page)
        following = re.search(r'rel="next" href="([^"]+)"', page)
        address = following[1].replace("&amp;", "&") if following else None
    assert everything == [f"facts/gadget-{number:02}" for number in range(25)]
    # Words of a source, of a question and with an accent or a plural are found, too.
    assert "paid-pages" in client.get("/learn?q=internet+watch").text
    assert "is-it-sold" in client.get("/learn?q=MATERIAL+S%C3%B3ld").text
    assert "We have nothing on that yet" in client.get("/learn?q=xylophone").text
    assert "We have nothing on that yet" in client.get("/learn?q=%22%27%3B--").text


def test_who_searches_the_needs_is_led_here_and_back(client: CheckingClient, count_queries: list[str]) -> None:
    plain = client.get("/needs?q=books")
    assert '<a href="/learn?q=books" rel="nofollow">Search Learn for “books”</a>' in plain.text
    assert "/learn?q=" not in client.get("/needs").text
    assert '<a href="/needs?q=books%20%26%20more"' in client.get("/learn?q=books+%26+more").text


def test_the_feed_is_atom(client: CheckingClient) -> None:
    answer = client.get("/learn.atom")
    assert answer.content_type.startswith("application/atom+xml")
    feed = ElementTree.fromstring(answer.data)
    space = {"a": "http://www.w3.org/2005/Atom"}
    entries = feed.findall("a:entry", space)
    assert len(entries) == 4
    for entry in [feed, *entries]:
        for name in ("id", "title", "updated"):
            assert entry.findtext(f"a:{name}", None, space), name
    assert {entry.findtext("a:id", None, space) for entry in entries} >= {"http://localhost/learn/facts/paid-pages"}
    assert feed.find("a:link[@rel='self']", space) is not None
    kept = client.get("/learn.atom", headers={"If-None-Match": answer.headers["ETag"]})
    assert kept.status_code == 304


def test_programs_read_facts_with_their_sources(client: CheckingClient) -> None:
    listed = client.get("/api/v1/learn/facts?limit=1").get_json()
    assert [fact["slug"] for fact in listed["data"]] == ["child-welfare-share"]
    rest = client.get(f"/api/v1/learn/facts?limit=1&cursor={listed['next_cursor']}").get_json()
    assert [fact["slug"] for fact in rest["data"]] == ["paid-pages"]
    assert rest["next_cursor"] is None
    fact = client.get("/api/v1/learn/facts/paid-pages").get_json()
    assert fact == rest["data"][0]
    assert fact["sources"][0]["publisher"] == "Internet Watch Foundation"
    assert fact["stale"] is False
    assert client.get("/api/v1/learn/facts?status=contested").get_json()["data"][0]["slug"] == "child-welfare-share"
    nonsense = client.get("/api/v1/learn/facts?status=nonsense")
    assert nonsense.status_code == 422
    assert "Must be one of: verified, contested, withdrawn." in nonsense.text
    for kind in ("facts", "articles"):
        unknown = client.get(f"/api/v1/learn/{kind}?topic=nope")
        assert unknown.status_code == 422, kind
        assert "There is no such topic." in unknown.text
    article = client.get("/api/v1/learn/articles").get_json()["data"][0]
    assert article["facts"] == ["child-welfare-share", "paid-pages"]
    assert client.get("/api/v1/learn/articles?topic=words").get_json()["data"] == []
