"""The digest: what was public at the moment of sending, each thing once, one mail for all that an address follows."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from app.accounts.models import Person
from app.core.clock import now, today
from app.core.db import db, transaction
from app.core.outbox import Outbox, Postponed
from app.discovery import digests, jobs, news, operations, queries
from app.discovery.models import Follow, Follower
from app.fundraisers.models import Fundraiser
from app.learning.models import Article, Fact
from app.learning.operations import ArticleInput, FactInput, SourceInput, add_article, add_fact, renew, withdraw
from app.messages.kinds import NEVER
from app.messages.operations import choose_mail
from app.moderation.merging import merge_organizations
from app.moderation.operations import resume_organization, suspend_organization, withdraw_verification
from app.needs.models import Need, PrivateAddress
from app.needs.operations.closing import close_need, reopen_need
from app.needs.operations.needs import pause_need
from app.organizations.models import Organization
from tests.conftest import CheckingClient
from tests.discovery.common import (
    A_WHILE,
    address_follows,
    both,
    links,
    make_due,
    make_topic,
    open_need,
    person_follows,
    since_yesterday,
    subject,
)
from tests.factories import make_fundraiser, make_organization, make_person
from tests.hostile import tries
from tests.smtp import Mailbox, html_of, text_of

Work = Callable[[], dict[str, int]]
GAIL = "gail@example.org"


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has just happened is told: its own test says that it waits."""
    monkeypatch.setattr(news, "SETTLED", dt.timedelta(0))


@pytest.fixture
def morning(app: Flask, mailbox: Mailbox, work_off: Work) -> Callable[[], list[Any]]:
    """It is everybody's morning: the mails of it."""

    def comes() -> list[Any]:
        before = len(mailbox.messages)
        forget_days()
        make_due()
        outcome = work_off()
        assert not outcome["failed"], outcome
        return [
            mail for mail in mailbox.messages[before:] if "follow" in str(mail["Subject"]) or "News" in mail["Subject"]
        ]

    return comes


def forget_days() -> None:
    """Every morning of a test is another day: what was promised is kept long ago."""
    with transaction():
        db.session.execute(sa.delete(Outbox).where(Outbox.kind == "mail_follow_digest", Outbox.done_at.is_not(None)))


def moderator() -> Person:
    return make_person(platform_role="moderator")


def fact(topic: str, slug: str, claim: str, **values: Any) -> Fact:
    source = SourceInput("Polaris", "Report", "https://example.org/r", today("UTC"), 2020, "p. 3", primary=True)
    given = FactInput(slug, topic, claim, "Well known.", today("UTC"), "The editors", (source,))
    with transaction():
        return add_fact(dataclasses.replace(given, **values), by=None)


def article(topic: str, slug: str, title: str, **values: Any) -> Article:
    given = ArticleInput(slug, topic, title, "In short.", "The text.", today("UTC"), "The editors", **values)
    with transaction():
        return add_article(given, by=None)


def test_one_mail_tells_everything_once(app: Flask, morning: Callable[[], list[Any]], mailbox: Mailbox) -> None:
    owner = make_person()
    pantry, lantern = make_organization(owner, name="Pantry"), make_organization(name="Lantern House")
    topic, other = make_topic(), make_topic("other", "Other")
    open_need(pantry, "Old shelves", ago=dt.timedelta(days=3))
    again = open_need(pantry, "Open the boxes", ago=dt.timedelta(days=3))
    open_need(pantry, "Sort coats", urgency="critical")
    open_need(lantern, "Read aloud", remote=True, city=None, region=None)
    open_need(pantry, "A draft", status="draft", published_at=None)
    open_need(pantry, "Paused again", status="paused")
    make_fundraiser(pantry, title="Forty beds", decided_at=now() - A_WHILE)
    make_fundraiser(pantry, title="Not approved", status="awaiting_approval")
    fact(topic.slug, "well-known", "Most claims can be checked.")
    article(topic.slug, "how-to-check", "How to check a claim")
    article(topic.slug, "a-draft", "Not written yet", status="draft")
    fact(other.slug, "not-followed", "Nobody follows this.")
    with transaction():
        pause_need(again.id, by=owner)
        reopen_need(again.id, by=owner)
    person = make_person(name="Ana")
    person_follows(person, pantry, topic)
    person_follows(person, lantern, frequency="weekly")
    address_follows(GAIL, lantern)
    mails = morning()
    assert sorted(mail["To"] for mail in mails) == sorted([person.email, GAIL])
    [mine] = mailbox.to(person.email)
    assert mine["Subject"] == "News of what you follow: Lantern House and more"
    for text in (text_of(mine), html_of(mine)):
        assert text.count("Sort coats") == text.count("Read aloud") == text.count("Forty beds") == 1
        assert re.search("Open again: .*Open the boxes", text)
        assert text.index("Sort coats") < text.index("Open the boxes")
        assert text.count("Most claims can be checked.") == text.count("How to check a claim") == 1
        for hidden in ("Old shelves", "A draft", "Paused again", "Not approved", "Not written", "Nobody follows"):
            assert hidden not in text
        assert "Critical" in text
    [hers] = [mail for mail in mailbox.to(GAIL) if "News" in mail["Subject"]]
    assert hers["Subject"] == "News of Lantern House"
    assert "Read aloud" in both(hers)
    assert "Sort coats" not in both(hers)
    # The next morning there is nothing new, and so no mail; then there is one thing.
    assert morning() == []
    open_need(pantry, "Carry tables", ago=dt.timedelta(0))
    [next_day] = morning()
    assert "Carry tables" in both(next_day)
    assert "Sort coats" not in both(next_day)


@pytest.mark.rule("N1")
@pytest.mark.parametrize("what", ["suspended", "unverified", "closed", "paused", "merged away"])
def test_what_goes_out_of_sight_between_the_promise_and_the_sending_is_not_told(
    app: Flask, mailbox: Mailbox, work_off: Work, what: str
) -> None:
    owner, judge = make_person(), moderator()
    organization = make_organization(owner)
    need = open_need(organization, "Sort coats")
    fundraiser = make_fundraiser(organization, title="Forty beds", decided_at=now() - A_WHILE)
    address_follows(GAIL, organization)
    work_off()
    make_due()
    jobs.promise_digests()
    assert count_promised() == 1
    with transaction():
        if what == "suspended":
            suspend_organization(organization.id, by=judge, reason="asked")
        elif what == "unverified":
            withdraw_verification(organization.id, by=judge, checked="register")
        elif what in ("closed", "paused"):
            close_need(need.id, by=owner) if what == "closed" else pause_need(need.id, by=owner)
            db.session.get_one(Fundraiser, fundraiser.id).status = "declined"
        else:
            organization = db.session.get_one(Organization, organization.id)
            organization.status, organization.merged_into_id = "merged", make_other_id()
    work_off()
    assert [mail for mail in mailbox.to(GAIL) if "News" in mail["Subject"]] == []
    if what == "suspended":
        # It was not told, so it is once the organization is in sight again.
        with transaction():
            resume_organization(organization.id, by=judge, reason="asked")
        forget_days()
        make_due()
        work_off()
        [told] = [mail for mail in mailbox.to(GAIL) if "News" in mail["Subject"]]
        assert "Sort coats" in both(told)


def make_other_id() -> int:
    return db.session.scalars(sa.insert(Organization).values(
        id=77, slug="other", name="Other", name_key="other", country="US", currency="USD", time_zone="UTC",
        description="", causes=[], status="active", created_at=now(),
    ).returning(Organization.id)).one()  # fmt: skip


def count_promised() -> int:
    db.session.rollback()
    waiting = (Outbox.kind == "mail_follow_digest", Outbox.done_at.is_(None))
    return db.session.scalar(sa.select(sa.func.count()).select_from(Outbox).where(*waiting)) or 0


@pytest.mark.rule("N6")
def test_of_a_private_place_only_the_area_is_told(app: Flask, morning: Callable[[], list[Any]]) -> None:
    organization = make_organization()
    need = open_need(organization, "Come to the shelter", private_address=True)
    with transaction():
        db.session.add(PrivateAddress(need_id=need.id, address="12 Hidden Lane", postal_code="07199"))
    address_follows(GAIL, organization)
    [mail] = morning()
    assert "Newark, NJ" in both(mail)
    assert "Hidden" not in both(mail)
    assert "07199" not in both(mail)


@pytest.mark.rule("G13")
def test_withdrawn_facts_say_so_and_sensitive_words_stay_on_their_pages(
    app: Flask, morning: Callable[[], list[Any]]
) -> None:
    topic, judge = make_topic(), moderator()
    kept = fact(topic.slug, "kept", "Nine of ten claims.")
    renewed = fact(topic.slug, "renewed", "Checked again.")
    fact(topic.slug, "hard", "A claim of abuse.", sensitive=True)
    article(topic.slug, "hard-to-read", "What it is", sensitive=True)
    address_follows(GAIL, topic)
    [first] = morning()
    assert "A claim of abuse." not in both(first)
    assert "A fact that speaks of abuse or disaster" in both(first)
    assert "Speaks of abuse or disaster" in both(first)
    assert "In short." not in both(first)
    with transaction():
        withdraw(Fact, kept.id, by=judge, because="The count was wrong.")
        renew(Fact, renewed.id, by=judge, checked_by="The editors")
    [second] = morning()
    assert "Withdrawn: \N{FIRST STRONG ISOLATE}" in text_of(second) or "Withdrawn: Nine of ten claims." in text_of(
        second
    )
    assert "The count was wrong." in both(second)
    # That somebody looked and found it as it was is no news.
    assert "Checked again." not in both(second)


@pytest.mark.rule("M2")
def test_one_click_without_an_account_ends_it_and_each_link_ends_its_own(
    app: Flask, client: CheckingClient, morning: Callable[[], list[Any]]
) -> None:
    pantry, lantern = make_organization(name="Pantry"), make_organization(name="Lantern House")
    open_need(pantry, "Sort coats")
    open_need(lantern, "Read aloud")
    address_follows(GAIL, pantry, lantern)
    [mail] = morning()
    header = re.fullmatch(r"<http://localhost(/follow/stop/[^>]+)>", str(mail["List-Unsubscribe"]))
    assert header is not None
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert header.group(1) in text_of(mail)
    assert header.group(1) in html_of(mail)
    ones = links(mail, "/follow/stop-one/")
    assert len(ones) == 2
    # Opening a link changes nothing; the button does, and so does its undo. No session anywhere.
    assert "Stop hearing of Lantern House?" in client.get(ones[0]).text
    assert still_followed() == 2
    stopped = client.post(ones[0], csrf=False)
    assert "You hear no more of Lantern House." in stopped.text
    assert stopped.headers["Cache-Control"] == "no-store"
    assert still_followed() == 1
    client.post(ones[0] + "/undo", csrf=False)
    assert still_followed() == 2
    # RFC 8058, 3.2: the body of the POST; no cookie, no token of ours, no page before it.
    answer = client.post(header.group(1), data={"List-Unsubscribe": "One-Click"}, csrf=False)
    assert answer.status_code == 200
    assert still_followed() == 0
    assert client.post(header.group(1), data={"List-Unsubscribe": "One-Click"}, csrf=False).status_code == 200
    assert "Undo" in client.get(header.group(1)).text
    client.post(header.group(1) + "/undo", csrf=False)
    assert still_followed() == 2
    client.post(header.group(1), csrf=False)
    open_need(pantry, "Carry tables", ago=dt.timedelta(0))
    assert morning() == []
    # Long afterwards nothing of the address is kept, and the link in an old mail still answers.
    with time_machine.travel(now() + dt.timedelta(days=31)):
        jobs.forget_old()
        assert db.session.query(Follower).count() == 0
        assert client.post(header.group(1), csrf=False).status_code == 200
        assert client.post(ones[0], csrf=False).status_code == 200
        assert client.get(ones[0]).status_code == 200
    assert client.get("/follow/stop/nonsense").status_code == 404
    assert client.post("/follow/stop-one/nonsense", csrf=False).status_code == 404


def still_followed() -> int:
    db.session.rollback()
    query = sa.select(sa.func.count()).select_from(Follow).where(Follow.status == "following")
    return db.session.scalar(query) or 0


@pytest.mark.rule("M2")
@pytest.mark.parametrize("why", ["no such mail", "held", "a minor", "not proved"])
def test_who_may_not_or_does_not_want_to_be_written_to_is_not(
    app: Flask, client: CheckingClient, morning: Callable[[], list[Any]], why: str
) -> None:
    organization, person = make_organization(), make_person()
    open_need(organization, "Sort coats")
    person_follows(person, organization)
    with transaction():
        mine = db.session.get_one(Person, person.id)
        if why == "no such mail":
            choose_mail(person.id, by=person, choices={operations.KIND: NEVER})
        elif why == "held":
            mine.status = "held"
        elif why == "a minor":
            mine.birth_date = today("UTC") - dt.timedelta(days=15 * 366)
        else:
            mine.email_verified_at = None
    assert morning() == []


@pytest.mark.rule("M2")
def test_the_mail_of_somebody_with_an_account_ends_by_their_choice_of_kinds(
    app: Flask, client: CheckingClient, morning: Callable[[], list[Any]], sign_in: Callable[..., CheckingClient]
) -> None:
    organization, person = make_organization(), make_person()
    open_need(organization, "Sort coats")
    person_follows(person, organization)
    [mail] = morning()
    link = str(mail["List-Unsubscribe"]).removeprefix("<http://localhost").removesuffix(">")
    assert link.startswith("/mail/stop/")
    assert client.post(link, data={"List-Unsubscribe": "One-Click"}, csrf=False).status_code == 200
    open_need(organization, "Carry tables", ago=dt.timedelta(0))
    assert morning() == []
    sign_in(person)
    assert "You chose to get no mail about it." in client.get("/my-help").text
    # Wanted again it begins that day; and links of mails to an address that one has no more are dead.
    person_follows_again(person, organization)
    assert morning() == []
    [one] = links(mail, "/follow/stop-one/")
    with transaction():
        db.session.get_one(Person, person.id).email = "moved@example.org"
    assert client.get(one).status_code == 410
    assert client.post(one, csrf=False).status_code == 410
    assert still_followed() == 1


def person_follows_again(person: Person, organization: Organization) -> None:
    with transaction():
        operations.follow(person.id, subject(organization), frequency="daily", zone="UTC")


@pytest.mark.rule("M1")
def test_an_address_that_does_not_exist_is_given_up_after_three(
    app: Flask, mailbox: Mailbox, work_off: Work, client: CheckingClient, sign_in: Callable[..., CheckingClient]
) -> None:
    organization, person = make_organization(name="Pantry"), make_person()
    address_follows(GAIL, organization)
    person_follows(person, organization)
    work_off()
    mailbox.refused = {GAIL: "550 no such user", person.email: "550 no such user"}
    for number in range(operations.MOST_FAILURES):
        assert still_followed() == 2, number
        open_need(organization, f"Need {number}", ago=dt.timedelta(0))
        with transaction():
            db.session.execute(sa.delete(Outbox).where(Outbox.kind == "mail_follow_digest"))
        make_due()
        work_off()
    assert still_followed() == 0
    assert set(db.session.scalars(sa.select(Follow.ended_by))) == {"delivery"}
    sign_in(person)
    page = client.get("/my-help").text
    assert "our mail to you did not arrive three times" in page
    resume = re.search(r'action="(/my-help/follows/\w+/resume)"', page)
    assert resume is not None
    client.post(resume.group(1))
    assert still_followed() == 1
    # What arrives again is forgiven.
    mailbox.refused = {}
    open_need(organization, "Carry tables", ago=dt.timedelta(0))
    with transaction():
        db.session.execute(sa.delete(Outbox).where(Outbox.kind == "mail_follow_digest"))
    make_due()
    work_off()
    assert set(db.session.scalars(sa.select(Follower.failures))) == {0}


@pytest.mark.rule("M1")
def test_a_mail_that_was_sent_before_the_worker_died_is_known_by_its_id(
    app: Flask, mailbox: Mailbox, work_off: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    organization = make_organization()
    address_follows(GAIL, organization)
    work_off()
    open_need(organization, "Sort coats")
    make_due()
    jobs.promise_digests()
    note = digests.note_told
    monkeypatch.setattr(digests, "note_told", lambda *_a: (_ for _ in ()).throw(RuntimeError("died")))
    assert work_off()["failed"] == 1
    monkeypatch.setattr(digests, "note_told", note)
    work_off()
    first, second = [mail for mail in mailbox.to(GAIL) if "News" in mail["Subject"]]
    assert first["Message-ID"] == second["Message-ID"]


@pytest.mark.rule("M1")
def test_what_is_still_being_committed_is_told_the_next_time(
    app: Flask, morning: Callable[[], list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(news, "SETTLED", dt.timedelta(minutes=1))
    organization = make_organization()
    address_follows(GAIL, organization)
    open_need(organization, "Sort coats", ago=dt.timedelta(seconds=5))
    assert morning() == []
    with time_machine.travel(now() + dt.timedelta(minutes=2), tick=True):
        [mail] = morning()
    assert "Sort coats" in both(mail)


def test_a_digest_that_comes_late_waits_for_the_morning_of_whoever_has_no_account_too(app: Flask) -> None:
    with time_machine.travel("2026-11-24T04:00:00+00:00", tick=False):  # 11 in the evening in Newark
        organization, person = make_organization(), make_person(time_zone="America/New_York")
        [hers], [his] = address_follows(GAIL, organization), person_follows(person, organization)
        open_need(organization, "Sort coats")
        for one in (hers, his):
            with pytest.raises(Postponed) as waits:
                jobs.mail_follow_digest({"follower_id": one.follower_id, "follow_ids": [one.id], "outbox_key": "k"})
            assert waits.value.delay == dt.timedelta(hours=9)


def test_a_merged_organization_takes_its_followers_along_and_says_so(
    app: Flask, morning: Callable[[], list[Any]]
) -> None:
    judge = moderator()
    duplicate, remaining = make_organization(name="Pantry Inc."), make_organization(name="Pantry")
    moved_id = address_follows(GAIL, duplicate)[0].id
    twice_id = address_follows("both@example.org", duplicate, remaining)[0].id
    with transaction():
        waiting = operations.ask_to_follow(subject(duplicate), email="late@example.org", frequency="daily", locale=None)
    with transaction():
        merge_organizations(duplicate.id, remaining.id, by=judge, typed_name="Pantry Inc.", with_members=True)
    assert still_followed() == 2
    assert db.session.get_one(Follow, moved_id).organization_id == remaining.id
    assert db.session.get(Follow, twice_id) is None
    with transaction():
        assert operations.confirm(waiting.id, zone="UTC").organization_id == remaining.id
    since_yesterday()
    open_need(db.session.get_one(Organization, remaining.id), "Sort coats")
    mails = {mail["To"]: both(mail) for mail in morning()}
    assert set(mails) == {GAIL, "both@example.org", "late@example.org"}
    assert "You followed Pantry Inc., which is part of this organization now." in mails[GAIL]
    assert "which is part of" not in mails["both@example.org"]
    open_need(db.session.get_one(Organization, remaining.id), "Carry tables", ago=dt.timedelta(0))
    assert "which is part of" not in {mail["To"]: both(mail) for mail in morning()}[GAIL]


def test_a_batch_of_followers_takes_a_constant_number_of_statements(
    app: Flask, count_queries: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    organizations, topic = [make_organization() for _one in range(3)], make_topic()
    for one in organizations:
        open_need(one, "Sort coats")
    fact(topic.slug, "kept", "Nine of ten claims.")
    counts = []
    for size in (3, 30):
        with transaction():
            db.session.execute(sa.delete(Follower))
        with transaction():
            for number in range(size):
                email = f"follower{number}@example.org"
                follower = Follower(email=email, time_zone="UTC", created_at=now())
                db.session.add(follower)
                db.session.flush()
                for one in organizations:
                    db.session.add(row_of(follower, organization_id=one.id))
                db.session.add(row_of(follower, topic_id=topic.id))
        forget_promises()
        count_queries.clear()
        jobs.promise_digests()
        counts.append(len(count_queries))
        assert count_promised() == size
    assert counts[0] == counts[1] <= 12, counts
    monkeypatch.setattr(digests, "BATCH", 7)
    # What one mail says takes the same for one thing followed or for many.
    hers = queries.list_follows(list(db.session.scalars(sa.select(Follow.id).where(Follow.follower_id == follower.id))))
    for mine in (hers[:1], hers):
        count_queries.clear()
        assert len(digests.compile_digest(mine, now())) == len(mine)
        assert len(count_queries) <= 9, count_queries
    # In batches it reaches everybody.
    forget_promises()
    with transaction():
        db.session.execute(sa.update(Follow).values(next_at=now() - A_WHILE))
    jobs.promise_digests()
    assert count_promised() == 30


def row_of(follower: Follower, **subject: int) -> Follow:
    yesterday = now() - dt.timedelta(days=1)
    return Follow(
        follower_id=follower.id, frequency="daily", status="following", followed_at=yesterday, told_until=yesterday,
        next_at=now() - A_WHILE, **subject,
    )  # fmt: skip


def forget_promises() -> None:
    with transaction():
        db.session.execute(sa.delete(Outbox).where(Outbox.kind == "mail_follow_digest"))


@pytest.mark.rule("M1")
def test_whatever_happens_between_mornings_each_thing_is_told_once_and_only_in_sight(
    app: Flask, mailbox: Mailbox, work_off: Work
) -> None:
    """A property: needs open, pause, open again and close in any order between mornings."""
    owner = make_person()
    organization = make_organization(owner)
    address_follows(GAIL, organization)
    work_off()

    @tries(6)
    @given(acts=st.lists(st.sampled_from(["open", "pause", "reopen", "close", "morning"]), min_size=3, max_size=9))
    def happens(acts: list[str]) -> None:
        with transaction():
            db.session.execute(sa.update(Need).values(status="closed", closed_at=now()))
            db.session.execute(sa.update(Follow).values(told_until=now()))
        needs: list[int] = []
        expected: set[str] = set()
        for number, act in enumerate([*acts, "morning"]):
            if act == "open":
                needs.append(open_need(organization, f"Need {number} of it", ago=dt.timedelta(0)).id)
                expected.add(title_of(needs[-1]))
            elif act == "morning":
                before = len(mailbox.messages)
                forget_days()
                make_due()
                work_off()
                told = [re.findall(r"Need \d+ of it", text_of(mail)) for mail in mailbox.messages[before:]]
                told = [titles for titles in told if titles]
                visible = {title_of(key) for key in needs if status_of(key) == "open"}
                assert [sorted(titles) for titles in told] == (
                    [sorted(expected & visible)] if expected & visible else []
                )
                # What was out of sight is told when it opens again.
                expected = set()
            elif needs:
                key = needs[number % len(needs)]
                status = status_of(key)
                with transaction():
                    if act == "pause" and status == "open":
                        pause_need(key, by=owner)
                    elif act == "reopen" and status in ("paused", "closed"):
                        reopen_need(key, by=owner)
                        expected.add(title_of(key))
                    elif act == "close" and status != "closed":
                        close_need(key, by=owner)
        db.session.rollback()

    happens()


def title_of(need_id: int) -> str:
    return db.session.get_one(Need, need_id, populate_existing=True).title


def status_of(need_id: int) -> str:
    found = db.session.get_one(Need, need_id, populate_existing=True).status
    db.session.rollback()
    return found
