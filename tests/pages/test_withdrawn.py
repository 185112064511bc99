"""What was withdrawn says so at the next request, wherever its link was shared: page, share step, picture, text, lists, feed
and search, with answers that are kept for everybody (app/core/cache.py) and without."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Callable

import pytest
from flask import Flask
from PIL import Image, ImageChops

from app.core import cache
from app.core.cards import Statement
from app.core.db import transaction
from app.learning.models import Article, Fact, Question
from app.learning.operations import restore, withdraw
from app.pages import shared
from tests.conftest import CheckingClient
from tests.factories import make_article, make_fact, make_person, make_question, make_source

WHY = "It was counted twice"


def offered(page: str) -> list[str]:
    found = re.search(r'<textarea id="text"[^>]*>(.*?)</textarea>', page, re.DOTALL)
    assert found
    return html.unescape(found[1]).splitlines()


def a_fact_and_what_cites_it() -> tuple[Fact, Article, Question]:
    sources = (make_source(1, page="page 3"), make_source(2, publisher="Statistics Office", year=None))
    fact = make_fact(claim="Most zebras are counted.", sources=sources, slug="zebras")
    body = f"{{{{fact {fact.slug}}}}}\n\nIt is so.[^{fact.slug}]"
    article = make_article(fact.topic, title="About zebras", body=body, slug="about-zebras")
    return fact, article, make_question(fact.topic, question="Are zebras counted?", answer=body, slug="are-zebras")


@pytest.mark.rule("L1")
@pytest.mark.rule("G13")
def test_what_can_be_learned_is_shared_after_the_questions_with_its_sources(client: CheckingClient) -> None:
    a_fact_and_what_cites_it()
    for kind, slug, page in (
        ("fact", "zebras", "/learn/facts/zebras"),
        ("article", "about-zebras", "/learn/about-zebras"),
        ("question", "are-zebras", "/learn/questions/are-zebras"),
    ):
        step = f"/share/{kind}/{slug}"
        assert f'href="{step}"' in client.get(page).text, "from the page itself"
        asking = client.get(step)
        assert asking.text.count('<li><h2 class="h3">') == 3
        assert "Set-Cookie" not in asking.headers
        for words in ("Publisher 1", "Report 1, 2025, page 3", "Statistics Office", "checked on Nov 20, 2026"):
            assert words in asking.text, (kind, words)
        assert f'href="{page}">Not now<' in asking.text
        text = offered(client.get(f"{step}?ready=yes").text)
        assert text[-1] == f"http://localhost{page}"
        assert "- Publisher 1, Report 1, 2025, page 3, checked on Nov 20, 2026" in text
    assert offered(client.get("/share/fact/zebras?ready=yes").text)[:2] == [
        "Most zebras are counted.",
        "Verified · sources checked on Nov 20, 2026",
    ]
    # From within an article the fact itself is one step away.
    assert 'href="/share/fact/zebras"' in client.get("/learn/about-zebras").text
    for path in ("/share/fact/none", "/share/article/none", "/share/question/none", "/learn/none/card.png"):
        assert client.get(path).status_code == 404
    draft = make_article(status="draft")
    for path in (f"/share/article/{draft.slug}", f"/learn/{draft.slug}/card.png"):
        assert client.get(path).status_code == 404, "nobody but moderators knows of a draft"


def test_a_card_carries_claim_state_publishers_and_years(app: Flask) -> None:
    a_fact_and_what_cites_it()
    with app.test_request_context("/"):
        assert shared.card_of_fact("zebras") == Statement(
            "Manyhands",
            "Most zebras are counted.",
            "Verified · sources checked on Nov 20, 2026",
            ("Sources: Publisher 1 2025 · Statistics Office", "localhost/learn/facts/zebras"),
        )
        contested = make_fact(status="contested", sources=(make_source(),))
        card = shared.card_of_fact(contested.slug)
        assert card is not None
        assert card.state.startswith("Contested · ")


def test_previews_of_other_sites_are_told_the_same(client: CheckingClient) -> None:
    a_fact_and_what_cites_it()
    for page in ("/learn/facts/zebras", "/learn/about-zebras", "/learn/questions/are-zebras"):
        said = dict(
            re.findall(r'<meta (?:property|name)="((?:og|twitter):[^"]+)" content="([^"]*)">', client.get(page).text)
        )
        assert said["og:url"] == f"http://localhost{page}"
        assert said["og:image"] == f"http://localhost{page}/card.png"
        assert "sources checked on Nov 20, 2026" in said["og:image:alt"]
        assert said["twitter:card"] == "summary_large_image"
        assert said["og:description"]
        picture = client.get(f"{page}/card.png")
        assert Image.open(io.BytesIO(picture.data)).size == (1200, 630)


def everywhere(read: Callable[[str], str]) -> dict[str, bool]:
    """For each place where the fact's link or claim may be met: whether it says there that it was withdrawn."""
    return {
        "its page": "Withdrawn on" in read("/learn/facts/zebras") and WHY in read("/learn/facts/zebras"),
        "an article": WHY in read("/learn/about-zebras"),
        "an answer": WHY in read("/learn/questions/are-zebras"),
        "the share step": f": {WHY}" in read("/share/fact/zebras"),
        "the text to paste": f": {WHY}" in "".join(offered(read("/share/fact/zebras?ready=yes"))),
        "previews": 'content="Withdrawn: Most zebras' in read("/learn/facts/zebras"),
        "search": "Withdrawn" in read("/learn?q=zebras"),
        "the list of facts": "Withdrawn" in read("/learn?kind=fact"),
        "the feed": WHY in read("/learn.atom"),
        "a frame on another site": WHY in read("/embed/facts/zebras")
        and "<s>Most zebras" in read("/embed/facts/zebras"),
    }


@pytest.mark.rule("G13")
def test_a_fact_is_shown_on_any_site_with_its_sources_and_folded_where_it_is_hard(client: CheckingClient) -> None:
    a_fact_and_what_cites_it()
    hard, judge = make_fact(claim="A claim with hard words.", sensitive=True), make_person(platform_role="moderator")
    frame = client.get("/embed/facts/zebras")
    assert "frame-ancestors *" in frame.headers["Content-Security-Policy"]
    assert frame.headers["Cache-Control"] == "public, no-cache", "no proxy keeps what may be withdrawn"
    assert "Set-Cookie" not in frame.headers
    assert "<script" not in frame.text
    assert "Publisher 1" in frame.text
    folded = client.get(f"/embed/facts/{hard.slug}").text
    assert folded.index('<details class="fold">') < folded.index("A claim with hard words.")
    with transaction():
        withdraw(Fact, hard.id, by=judge, because=WHY)
    told = client.get(f"/embed/facts/{hard.slug}").text
    assert told.index("Please do not pass it on any more.") < told.index('<details class="fold">'), (
        "not behind the warning"
    )
    assert client.get("/embed/facts/nothing").status_code == 404
    offer = html.unescape(client.get("/share/fact/zebras?ready=yes").text)
    assert '<iframe src="http://localhost/embed/facts/zebras" title="A fact with its sources"' in offer
    assert "<iframe" not in html.unescape(client.get("/share/article/about-zebras?ready=yes").text)


def withdraw_the_fact() -> None:
    person, fact = make_person(platform_role="moderator"), shared.learning.find_fact("zebras")
    assert fact is not None
    with transaction():
        withdraw(Fact, fact.id, by=person, because=WHY)


@pytest.mark.rule("L1")
def test_a_fact_withdrawn_says_so_everywhere_at_the_next_request(client: CheckingClient) -> None:
    a_fact_and_what_cites_it()

    def read(path: str) -> str:
        return client.get(path).text

    assert not any(everywhere(read).values()), "and every answer is kept now"
    card = client.get("/learn/facts/zebras/card.png")
    withdraw_the_fact()
    assert all(everywhere(read).values()), everywhere(read)
    # The picture at the same address is another one for whoever asks again, and it says so.
    changed = client.get("/learn/facts/zebras/card.png", headers={"If-None-Match": card.headers["ETag"]})
    assert changed.status_code == 200
    assert changed.headers["Cache-Control"] == "public, no-cache"
    assert changed.headers["ETag"] != card.headers["ETag"]
    before, after = (Image.open(io.BytesIO(answer.data)).convert("RGB") for answer in (card, changed))
    assert ImageChops.difference(before, after).getbbox() is not None
    said = shared.card_of_fact("zebras")
    assert said is not None
    assert said.withdrawn
    assert said.state.startswith("Withdrawn on ")
    assert said.notes[0] == f"Why: {WHY}"
    # What cites it rests on nothing of it any more.
    article = shared.card_of_article("about-zebras")
    assert article is not None
    assert not any("Publisher" in note for note in article.notes)
    # Taken back, it stands again everywhere.
    person, fact = make_person(), shared.learning.find_fact("zebras")
    assert fact is not None
    with transaction():
        restore(Fact, fact.id, by=person, reason="It was right after all")
    assert not any(everywhere(read).values())


def test_the_guard_is_what_keeps_it_true(client: CheckingClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: answers that outlive a commit would go on saying what was withdrawn."""
    a_fact_and_what_cites_it()
    monkeypatch.setattr(cache.PageCache, "stamp", lambda _self: 0)

    def read(path: str) -> str:
        return client.get(path).text

    everywhere(read)
    withdraw_the_fact()
    stale = {place for place, says in everywhere(read).items() if not says}
    assert {"its page", "an article", "search"} <= stale


@pytest.mark.rule("L1")
def test_the_share_step_says_of_what_was_withdrawn_nothing_else(client: CheckingClient) -> None:
    """Neither how well it is known nor that it names no source; and what rests on it says so, where it is passed on."""
    a_fact_and_what_cites_it()
    assert "withdrawn" not in client.get("/share/article/about-zebras").text
    withdraw_the_fact()
    for step in ("/share/fact/zebras", "/share/fact/zebras?ready=yes"):
        page = client.get(step).text
        assert "Verified" not in page, step
        assert "No source is named" not in page, step
    for step in ("/share/article/about-zebras", "/share/question/are-zebras"):
        said = f"Rests on a claim that was withdrawn: {WHY}"
        assert f"<b>{said}</b>" in client.get(step).text, step
        going_on = client.get(f"{step}?ready=yes").text
        assert f"<b>{said}</b>" in going_on, step
        assert said in offered(going_on)
        assert "Publisher 1" not in client.get(step).text, "what was withdrawn supports nothing"


@pytest.mark.rule("G13")
def test_what_is_sensitive_is_passed_on_as_unseen_as_it_is_read(client: CheckingClient) -> None:
    fact = make_fact(slug="hard", sensitive=True)
    make_article(fact.topic, slug="hard-to-read", sensitive=True)
    make_question(fact.topic, slug="hard-to-ask", sensitive=True)
    make_fact(slug="easy")
    for step in ("fact/hard", "article/hard-to-read", "question/hard-to-ask"):
        for path in (f"/share/{step}", f"/share/{step}?ready=yes"):
            page = client.get(path)
            assert "data-leave>Leave this page</a>" in page.text, path
            assert "js/leave.js" in page.text, path
            assert page.headers["Cache-Control"] == "no-store", path
            assert page.headers["Referrer-Policy"] == "no-referrer", path
    easy = client.get("/share/fact/easy")
    assert "data-leave" not in easy.text
    assert easy.headers["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize("kind", ["article", "question"])
def test_articles_and_answers_are_withdrawn_alike(client: CheckingClient, kind: str) -> None:
    a_fact_and_what_cites_it()
    model, slug, page = {
        "article": (Article, "about-zebras", "/learn/about-zebras"),
        "question": (Question, "are-zebras", "/learn/questions/are-zebras"),
    }[kind]
    first = client.get(f"{page}/card.png")
    assert "Withdrawn on" not in client.get(page).text
    row, person = getattr(shared.learning, f"find_{kind}")(slug), make_person()
    with transaction():
        withdraw(model, row.id, by=person, because=WHY)
    assert WHY in client.get(page).text
    assert WHY in client.get(f"/share/{kind}/{slug}").text
    assert WHY in client.get(f"/share/{kind}/{slug}?ready=yes").text
    assert client.get(f"{page}/card.png").headers["ETag"] != first.headers["ETag"]
