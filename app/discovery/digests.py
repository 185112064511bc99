"""The digest: who is due is promised a mail in batches, and what it says is read at the moment of sending."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from app.accounts.models import Person
from app.core import outbox
from app.core.clock import local_date, now
from app.core.db import db
from app.discovery import news
from app.discovery.models import Follow, Follower
from app.discovery.news import Line
from app.discovery.operations import clock_of, join_account, next_morning
from app.discovery.queries import list_due_followers
from app.discovery.subjects import Subject, subject_of
from app.fundraisers.policy import is_visible

BATCH = 500
# So many lines of one subject are in a mail; for the rest it leads to the page.
MOST_LINES = 15


@dataclasses.dataclass(frozen=True)
class Part:
    """What a digest says of one subject: its lines, how many more there are, and which organization it took in."""

    follow: Follow
    subject: Subject
    lines: Sequence[Line]
    more: int
    carried_from: str


def promise_batch(limit: int = BATCH) -> int:
    """Promise a digest to each of up to `limit` followers whose morning it is and who has news, and say when the next one of
    each is due. Returns how many were due; in a transaction, a constant number of statements.

    Whoever runs this at the same moment waits for the rows or passes them over; the promise is keyed by follower and day
    besides, so that it is made once.
    """
    at = now()
    due_ids = list_due_followers(at, limit)
    if not due_ids:
        return 0
    followers = _hold(due_ids)
    follows = db.session.scalars(
        sa.select(Follow).where(
            Follow.follower_id.in_([follower.id for follower in followers]),
            Follow.status == "following",
            Follow.next_at <= at,
        )
    ).all()
    latest = _latest_news(follows)
    by_follower = {follower.id: follower for follower in followers}
    with_news: dict[int, list[int]] = {}
    for row in follows:
        row.next_at = next_morning(row.frequency, clock_of(by_follower[row.follower_id]), at)
        newest = latest.get(row.organization_id or row.topic_id or row.fundraiser_id or 0)
        if row.handed_from_id is not None or (newest is not None and newest > row.told_until):
            with_news.setdefault(row.follower_id, []).append(row.id)
    db.session.flush()
    promises = []
    for follower_id, follow_ids in sorted(with_news.items()):
        day = local_date(at, clock_of(by_follower[follower_id])).isoformat()
        payload = {"follower_id": follower_id, "follow_ids": sorted(follow_ids)}
        promises.append((payload, f"follow_digest:{follower_id}:{day}"))
    outbox.enqueue_all("mail_follow_digest", promises)
    return len(due_ids)


def _hold(follower_ids: Iterable[int]) -> list[Follower]:
    """These followers, held, with their accounts; addresses that an account has proved by now are joined to it first."""
    query = (
        sa.select(Follower)
        .options(joinedload(Follower.person))
        .where(Follower.id.in_(follower_ids))
        .order_by(Follower.id)
        .with_for_update(of=Follower, skip_locked=True)
    )
    held = list(db.session.scalars(query))
    alone = [follower.email for follower in held if follower.email is not None]
    proved = sa.select(Person).where(Person.email.in_(alone), Person.email_verified_at.is_not(None))
    people = list(db.session.scalars(proved.with_for_update(skip_locked=True))) if alone else []
    if not people:
        return held
    for person in people:
        join_account(person)
    return list(db.session.scalars(query))


def _latest_news(follows: Sequence[Follow]) -> dict[int, dt.datetime]:
    """When the latest news of each subject came about, by its id (ids are random: an organization's is no topic's)."""
    if not follows:
        return {}
    since = min(row.told_until for row in follows)
    organizations = {row.organization_id for row in follows if row.organization_id is not None}
    topics = {row.topic_id for row in follows if row.topic_id is not None}
    fundraisers = {row.fundraiser_id for row in follows if row.fundraiser_id is not None}
    return (
        news.latest_of_organizations(organizations, since)
        | news.latest_of_topics(topics, since)
        | news.latest_of_fundraisers(fundraisers, since)
    )


def compile_digest(follows: Sequence[Follow], until: dt.datetime) -> list[Part]:
    """What there is to tell of these follows up to `until`, as the public may see it now; organizations first, by name. In
    the language spoken. A constant number of statements."""
    shown = [(row, subject_of(row)) for row in follows]
    shown = [(row, subject) for row, subject in shown if subject.is_public]
    told = {row.organization_id: row.told_until for row, _subject in shown if row.organization_id is not None}
    learned = {row.topic_id: row.told_until for row, _subject in shown if row.topic_id is not None}
    raising = {row.fundraiser_id: row.told_until for row, _subject in shown if row.fundraiser_id is not None}
    lines = {
        **news.list_of_organizations(told, until),
        **news.list_of_topics(learned, until),
        **news.list_of_fundraisers(raising, until),
    }
    for row, subject in shown:
        if row.handed_from is not None and is_visible(row.handed_from):
            lines[subject.id] = [news.of_ended(row.handed_from), *lines.get(subject.id, [])]
    parts = [
        Part(
            row,
            subject,
            found[:MOST_LINES],
            max(0, len(found) - MOST_LINES),
            row.carried_from.name if row.carried_from is not None else "",
        )
        for row, subject in shown
        if (found := lines.get(subject.id))
    ]
    return sorted(parts, key=lambda part: (part.subject.kind != "organization", part.subject.name.casefold()))


def note_told(follow_ids: Sequence[int], until: dt.datetime) -> None:
    """What happened up to `until` was told of these follows: those whose subject was in sight when it was read. Of what was
    out of sight it is told once it is in sight again."""
    db.session.execute(
        sa.update(Follow)
        .where(Follow.id.in_(follow_ids), Follow.told_until < until)
        .values(told_until=until, carried_from_id=None, handed_from_id=None),
        execution_options={"synchronize_session": False},
    )
