"""The moderators' desk: what has to be looked at again is found, renewed in one step, changed, withdrawn and restored; each
of that is audited and kept in the history."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from app.accounts.models import Person
from app.core.audit import AuditEvent
from app.core.clock import now, today
from app.core.db import db, transaction
from app.learning import operations
from app.learning.models import Article, Fact, Question, Revision
from app.learning.operations import inputs
from app.learning.signposts import divide_signposts, list_signposts
from tests.conftest import CheckingClient
from tests.factories import CHECKED, make_article, make_fact, make_person, make_question, make_source

# Ahead of whoever signed in before: nobody's session begins in the future.
AT = (now() + dt.timedelta(days=2)).replace(hour=12, minute=0, second=0, microsecond=0)


def days_ago(days: int) -> dt.date:
    return AT.date() - dt.timedelta(days=days)


@pytest.fixture
def moderator(sign_in: Callable[..., CheckingClient]) -> Person:
    person = make_person(platform_role="moderator", name="Mara Moderator")
    sign_in(person)
    return person


def events() -> list[tuple[str, Any]]:
    query = sa.select(AuditEvent).where(AuditEvent.action.like("fact.%") | AuditEvent.action.like("signpost.%"))
    return [(event.action, event.data) for event in db.session.scalars(query.order_by(AuditEvent.id))]


def fields(fact: Fact, **changes: str) -> dict[str, str]:
    """What the form of a fact sends."""
    values = {
        "topic": fact.topic.slug, "claim": fact.claim, "note": fact.note, "status": fact.status,
        "checked_on": "2026-11-20", "checked_by": "the moderators", "reason": "Clearer", "version": str(fact.version),
    }  # fmt: skip
    for at, source in enumerate(fact.sources):
        for name in ("publisher", "title", "url", "page"):
            values[f"sources-{at}-{name}"] = getattr(source, name)
        values[f"sources-{at}-year"] = str(source.year or "")
        values[f"sources-{at}-checked_on"] = source.checked_on.isoformat()
    return {**values, **changes}


@pytest.mark.rule("L1")
def test_what_grows_old_is_found_before_its_page_has_to_say_so_and_renewed_in_one_step(
    client: CheckingClient, moderator: Person
) -> None:
    with time_machine.travel(AT, tick=False):
        lagging = make_fact(
            claim="One source lags.", sources=(make_source(1), make_source(2, checked_on=days_ago(301)))
        )
        over = make_article(title="Old article", checked_on=days_ago(366))
        make_fact(claim="All of it is fresh.", checked_on=days_ago(300), sources=(make_source(1), make_source(2)))
        make_question(question="Old draft?", checked_on=dt.date(2025, 1, 1), status="draft")
        due = client.get("/moderation/learning").text.partition('id="due"')[2].partition('id="services"')[0]
        assert due.index("Old article") < due.index("One source lags.")
        assert "All of it is fresh." not in due
        assert "Old draft?" not in due
        assert due.count("over a year ago") == 1
        assert f'name="version" value="{lagging.version}"' in due
        stale = client.post(f"/moderation/learning/facts/{lagging.slug}/renew", data={"version": "7"})
        assert stale.status_code == 409, "somebody else changed it, and nobody looked at that"
        answer = client.post(f"/moderation/learning/facts/{lagging.slug}/renew", data={"version": "1"})
        assert answer.status_code == 303
        assert client.post(f"/moderation/learning/articles/{over.slug}/renew", data={"version": "1"}).status_code == 303
        page = client.get("/moderation/learning").text
        assert 'id="due"' not in page
        assert "Everything was checked within 300 days" in page
        assert {source.checked_on for source in lagging.sources} == {AT.date()}
        assert (lagging.checked_on, lagging.version) == (AT.date(), 2)
        assert lagging.checked_by == "Moderators of Manyhands"
    renewed = db.session.scalars(
        sa.select(Revision).where(Revision.subject_id == lagging.id, Revision.version == 2)
    ).one()
    assert renewed.by_id == moderator.id
    assert ("fact.renewed", {"version": 2}) in events()
    assert "Moderators of Manyhands" in client.get(f"/learn/facts/{lagging.slug}").text


def test_contested_and_drafts_are_listed(client: CheckingClient, moderator: Person) -> None:
    make_fact(claim="Nobody agrees.", status="contested", sources=(make_source(1),))
    make_article(title="Half written", status="draft")
    page = client.get("/moderation/learning").text
    assert "Nobody agrees." in page.partition('id="contested"')[2].partition('class="head"')[0]
    assert "Half written" in page.partition('id="drafts"')[2]
    assert 'href="/moderation/learning"' in client.get("/moderation/").text


def test_each_of_them_is_found_in_any_state_and_changed_from_there(
    client: CheckingClient, moderator: Person, count_queries: list[str]
) -> None:
    fact = make_fact(claim="Zebras were counted.")
    make_article(title="Zebra care", status="draft")
    gone = make_question(question="Are zebras sold?")
    with transaction():
        operations.withdraw(Question, gone.id, by=moderator, because="Nobody knows.")
    for number in range(21):
        make_fact(fact.topic, slug=f"gadget-{number:02}", claim="Gadgets were counted.", status="contested")
    assert 'href="/moderation/learning/all"' in client.get("/moderation/learning").text

    def rows(query: str) -> list[str]:
        found = re.findall(r'<th scope="row"><a href="([^"]+)"', client.get(f"/moderation/learning/all{query}").text)
        return [path.removeprefix("/moderation/learning/") for path in found]

    assert sorted(rows("?q=zebra")) == sorted(
        [f"facts/{fact.slug}", "articles/" + slug_of("Zebra care"), f"questions/{gone.slug}"]
    )
    assert rows("?q=zebra&status=draft") == ["articles/" + slug_of("Zebra care")]
    assert rows("?q=zebras&kind=fact") == [f"facts/{fact.slug}"]
    assert len(rows("?q=zebbra")) == 3, "a slip of the finger is mended"
    assert rows("?q=zebra&status=contested") == []
    first = client.get("/moderation/learning/all?kind=fact&status=contested").text
    following = re.search(r'rel="next" href="/moderation/learning/all([^"]+)"', first)
    assert following is not None
    assert rows(following[1].replace("&amp;", "&")) == ["facts/gadget-20"]
    assert (
        f'action="/moderation/learning/facts/{fact.slug}/renew"' in client.get("/moderation/learning/all?q=zebra").text
    )
    assert client.get("/moderation/learning/all?status=nonsense&cursor=broken").status_code == 302
    count_queries.clear()
    client.get("/moderation/learning/all")
    assert len(count_queries) <= 8, count_queries


def slug_of(title: str) -> str:
    return db.session.scalars(sa.select(Article.slug).where(Article.title == title)).one()


@pytest.mark.rule("L1")
def test_a_verified_fact_needs_its_sources_and_keeps_what_was_typed(client: CheckingClient, moderator: Person) -> None:
    fact = make_fact(claim="Some were counted.")
    path = f"/moderation/learning/facts/{fact.slug}"
    sent = fields(fact, claim="Most were counted.")
    for name in [name for name in sent if name.startswith("sources-1-")]:
        del sent[name]
    answer = client.post(path, data=sent)
    assert answer.status_code == 422
    assert "two sources of different publishers, or one primary document with its page" in answer.text
    assert "Most were counted." in answer.text
    # The same publisher twice is one; the document itself needs its page.
    same = fields(fact) | {"sources-1-publisher": "PUBLISHER 1"}
    assert client.post(path, data=same).status_code == 422
    assert client.post(path, data=fields(fact) | {"sources-1-url": fact.sources[0].url}).status_code == 422, "one page"
    assert client.post(path, data=sent | {"sources-0-primary": "y"}).status_code == 422
    assert db.session.get_one(Fact, fact.id).version == 1
    answer = client.post(path, data=sent | {"sources-0-primary": "y", "sources-0-page": "page 4"})
    assert answer.status_code == 303
    assert client.post(path, data=sent | {"status": "contested", "version": "2"}).status_code == 303
    assert db.session.get_one(Fact, fact.id).version == 3


@pytest.mark.rule("L1")
def test_without_the_check_it_would_be_saved(
    client: CheckingClient, moderator: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The positive control of the one above."""
    monkeypatch.setattr(inputs, "missing_sources", lambda _status, _sources: "")
    fact = make_fact()
    sent = {name: value for name, value in fields(fact).items() if not name.startswith("sources-1-")}
    assert client.post(f"/moderation/learning/facts/{fact.slug}", data=sent).status_code == 303


def test_rows_of_sources_come_and_go_without_a_script(client: CheckingClient, moderator: Person) -> None:
    fact = make_fact()
    path = f"/moderation/learning/facts/{fact.slug}"
    more = client.post(path, data=fields(fact, row="add", claim="Typed, not saved"))
    assert more.status_code == 200
    assert 'name="sources-2-publisher"' in more.text
    assert "Typed, not saved" in more.text
    assert "There is a problem" not in more.text
    fewer = client.post(path, data=fields(fact, row="remove:0"))
    assert 'value="Publisher 2"' in fewer.text
    assert 'value="Publisher 1"' not in fewer.text
    assert 'name="sources-1-publisher"' not in fewer.text
    assert db.session.get_one(Fact, fact.id).version == 1


def test_wrong_values_are_told_at_their_fields(client: CheckingClient, moderator: Person) -> None:
    fact = make_fact()
    path = f"/moderation/learning/facts/{fact.slug}"
    tomorrow = (today("Pacific/Kiritimati") + dt.timedelta(days=2)).isoformat()
    for name, value, message in (
        ("sources-1-url", "javascript:alert(1)", "Enter the whole address"),
        ("sources-1-year", "20255", "Enter the year"),
        ("sources-1-checked_on", tomorrow, "still to come"),
        ("checked_on", tomorrow, "still to come"),
        ("reason", "", "Say why"),
        ("topic", "no-such-topic", "Choose one of the list"),
    ):
        answer = client.post(path, data=fields(fact) | {name: value})
        assert answer.status_code == 422, name
        wrong = re.search(rf'id="{name}-error">.*?</p>', answer.text, re.DOTALL)
        assert wrong is not None, name
        assert message in wrong[0], name
    for slug, message in (("Not One", "small letters"), (fact.slug, "taken")):
        answer = client.post("/moderation/learning/facts/new", data=fields(fact) | {"slug": slug})
        assert answer.status_code == 422
        assert message in answer.text
    article = {"topic": fact.topic.slug, "slug": "topics", "title": "T", "summary": "S", "body": "B", "status": "draft",
               "audience": "everyone", "checked_on": "2026-11-20", "checked_by": "us"}  # fmt: skip
    assert "taken by a page of ours" in client.post("/moderation/learning/articles/new", data=article).text
    for body, message in (
        ("Ask.[^no-such]", "There is no fact “no-such”"),
        (":::sensitive\nx", "ends it"),
        ("4 of 5.", "a number"),
    ):
        answer = client.post(
            "/moderation/learning/articles/new", data=article | {"slug": "x", "body": body, "status": "published"}
        )
        assert answer.status_code == 422
        assert message in answer.text


def test_two_moderators_do_not_overwrite_each_other(client: CheckingClient, moderator: Person) -> None:
    fact = make_fact()
    path = f"/moderation/learning/facts/{fact.slug}"
    sent = fields(fact)
    assert client.post(path, data=sent | {"claim": "The first."}).status_code == 303
    second = client.post(path, data=sent | {"claim": "The second."})
    assert second.status_code == 422
    assert "Somebody else changed this meanwhile." in second.text
    assert "The second." in second.text
    assert db.session.get_one(Fact, fact.id).claim == "The first."


def test_a_preview_saves_nothing(client: CheckingClient, moderator: Person) -> None:
    fact = make_fact(claim="Some were counted.")
    seen = client.post(
        f"/moderation/learning/facts/{fact.slug}", data=fields(fact, claim="Others were.", act="preview")
    )
    assert seen.status_code == 200
    assert "Nothing is saved yet." in seen.text
    assert seen.text.count("Others were.") == 2
    article, fold = make_article(fact.topic), ":::sensitive Careful\nWords.\n:::"
    sent = {
        "topic": fact.topic.slug, "title": "T", "summary": "S", "body": f"## Part\n\nMany did.[^{fact.slug}]\n\n{fold}",
        "audience": "parents", "status": "published", "checked_on": "2026-11-20", "checked_by": "us", "reason": "Why not",
        "version": "1", "act": "preview",
    }  # fmt: skip
    page = client.post(f"/moderation/learning/articles/{article.slug}", data=sent)
    assert page.status_code == 200
    assert "Many did.<sup>" in page.text
    assert '<details class="fold">' in page.text
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Revision)) == 2
    del sent["act"]
    assert client.post(f"/moderation/learning/articles/{article.slug}", data=sent).status_code == 303
    assert db.session.get_one(Article, article.id).audience == "parents"


def test_withdrawing_takes_two_steps_and_can_be_taken_back(client: CheckingClient, moderator: Person) -> None:
    fact = make_fact(claim="Some were counted.", sensitive=True)
    other = make_fact(fact.topic, claim="Nobody was counted.")
    article = make_article(fact.topic, title="It cites", body=f"Ask.[^{fact.slug}]")
    path = f"/moderation/learning/facts/{fact.slug}/withdraw"
    assert article.title in client.get(path).text
    assert client.post(path, data={"reason": "", "version": "1"}).status_code == 422
    wrong = client.post(path, data={"reason": "Wrong", "replaced_by": "no-such", "version": "1"})
    assert wrong.status_code == 422
    asked = client.post(path, data={"reason": "It was wrong.", "replaced_by": other.slug, "version": "1"})
    assert asked.status_code == 200
    assert "Withdraw it</button>" in asked.text
    assert db.session.get_one(Fact, fact.id).status == "verified"
    sure = {"reason": "It was wrong.", "replaced_by": other.slug, "version": "1", "act": "withdraw"}
    assert client.post(path, data=sure).status_code == 303
    gone = db.session.get_one(Fact, fact.id)
    assert (gone.status, gone.withdrawn_because, gone.replaced_by_id) == ("withdrawn", "It was wrong.", other.id)
    assert client.post(path, data=sure | {"version": "2"}).status_code == 422, "it is withdrawn already"
    edit = f"/moderation/learning/facts/{fact.slug}"
    assert "Restore it before you change it." in client.get(edit).text
    assert client.post(edit, data=fields(gone) | {"status": "verified"}).status_code == 422
    assert client.post(f"{edit}/renew", data={"version": "2"}).status_code == 409
    back = f"/moderation/learning/facts/{fact.slug}/restore"
    assert "Restore it</button>" in client.get(back).text
    assert client.post(back, data={"reason": ""}).status_code == 422
    assert client.post(back, data={"reason": "It was right."}).status_code == 303
    restored = db.session.get_one(Fact, fact.id)
    assert (restored.status, restored.withdrawn_because, restored.replaced_by_id, restored.version) == (
        "verified",
        "",
        None,
        3,
    )
    refused = client.post(back, data={"reason": "Again"})
    assert refused.status_code == 422
    for page in (refused.text, client.get(back).text):  # said before anything is written, too
        assert "This was not withdrawn" in page
        assert "Restore it</button>" not in page
    assert events()[-2:] == [("fact.withdrawn", {"version": 2}), ("fact.restored", {"version": 3})]
    history = client.get(f"/learn/facts/{fact.slug}/history").text
    assert "It was right." in history
    assert "Mara" not in history


def test_audit_events_hold_no_words(client: CheckingClient, moderator: Person) -> None:
    fact = make_fact(by=moderator)
    client.post(f"/moderation/learning/facts/{fact.slug}", data=fields(fact))
    assert events() == [("fact.added", {"version": 1}), ("fact.edited", {"version": 2})]
    assert all(event.actor_id == moderator.id for event in db.session.scalars(sa.select(AuditEvent)))


@pytest.mark.rule("L2")
def test_a_service_that_nobody_looked_at_is_a_task_and_looking_counts(
    app: Flask, client: CheckingClient, sign_in: Callable[..., CheckingClient], work_off: Callable[[], dict[str, int]]
) -> None:
    """A row older than 180 days is a task and a note on the page; a check moves both, without the page asking the database."""
    key, name = "us-cybertipline", "NCMEC CyberTipline"
    moderator = make_person(platform_role="moderator")
    assert "Each was looked at within 180 days." in sign_in(moderator).get("/moderation/learning").text
    at = dt.datetime.combine(list_signposts()[1].checked_on, dt.time(12), dt.UTC)
    with time_machine.travel(at + dt.timedelta(days=181), tick=False):
        sign_in(moderator)
        assert name in client.get("/moderation/learning").text.partition('id="services"')[2]
        before = client.get("/report?country=US").text
        assert before.count("Not checked since") == len(divide_signposts("US")[0]) - 2
        assert client.post(f"/moderation/learning/signposts/{key}/checked").status_code == 303
        assert client.post("/moderation/learning/signposts/no-such/checked").status_code == 404
        work_off()
        desk = client.get("/moderation/learning").text.partition('id="services"')[2]
        assert f">{name}<" not in desk
        after = client.get("/report?country=US").text
        assert after.count("Not checked since") == before.count("Not checked since") - 1
        services = client.get("/report.json?country=US").get_json()["services"]
        assert {row["checked_on"] for row in services if row["name"] == name} == {today("UTC").isoformat()}
    assert events() == [("signpost.checked", {})]
    (app.config["SETTINGS"].data_dir / "signposts-checked.json").unlink()


def test_whoever_does_not_moderate_finds_no_desk(
    client: CheckingClient, sign_in: Callable[..., CheckingClient]
) -> None:
    fact = make_fact(**CHECKED)
    sign_in(make_person())
    assert client.get("/moderation/learning").status_code == 404
    assert "Change it" not in client.get(f"/learn/facts/{fact.slug}").text
