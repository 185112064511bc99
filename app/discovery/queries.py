"""Reads of who follows what."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import contains_eager, joinedload

from app.accounts.models import Person
from app.core.clock import now
from app.core.db import db
from app.core.tokens import unseal
from app.discovery.models import Follow, Follower, FollowRequest
from app.discovery.policy import followed_by
from app.discovery.subjects import Subject, of_fundraiser, of_organization, of_topic
from app.fundraisers.models import Fundraiser
from app.fundraisers.policy import is_visible
from app.fundraisers.queries import find_fundraiser, find_fundraiser_by_id
from app.learning.models import Topic
from app.learning.queries import find_topic
from app.organizations.models import Organization
from app.organizations.queries import find_public_organization

_WHOLE = (
    joinedload(Follow.organization),
    joinedload(Follow.topic),
    joinedload(Follow.carried_from),
    joinedload(Follow.fundraiser).joinedload(Fundraiser.organization),
    joinedload(Follow.handed_from),
)


def find_public_subject(kind: str, slug: str) -> Subject | None:
    """The organization while the public may see it (N1), or the topic; None when there is no such."""
    if kind == "organization":
        organization = find_public_organization(slug)
        return None if organization is None else of_organization(organization)
    if kind == "fundraiser":
        fundraiser = find_fundraiser(slug)
        return None if fundraiser is None or not is_visible(fundraiser) else of_fundraiser(fundraiser)
    topic = find_topic(slug)
    return None if topic is None else of_topic(topic)


def find_subject(
    *, organization_id: int | None, topic_id: int | None, fundraiser_id: int | None = None
) -> Subject | None:
    """What a row points at, in any state; None when it is gone."""
    if fundraiser_id is not None:
        fundraiser = find_fundraiser_by_id(fundraiser_id)
        return None if fundraiser is None else of_fundraiser(fundraiser)
    if organization_id is not None:
        organization = db.session.get(Organization, organization_id)
        return None if organization is None else of_organization(organization)
    topic = None if topic_id is None else db.session.get(Topic, topic_id)
    return None if topic is None else of_topic(topic)


def find_follow(follow_id: int) -> Follow | None:
    """The follow in any state with follower and subject, or None."""
    query = sa.select(Follow).options(*_WHOLE, joinedload(Follow.follower).joinedload(Follower.person))
    return db.session.scalar(query.where(Follow.id == follow_id))


def find_follower(follower_id: int) -> Follower | None:
    """The follower with their account, if they have one, or None."""
    query = sa.select(Follower).options(joinedload(Follower.person)).where(Follower.id == follower_id)
    return db.session.scalar(query)


def list_follows_of(person: Person) -> list[Follow]:
    """What the person follows, by account or by the address they proved, and what ended because their mail did not arrive;
    the first followed first. Once for each subject, whichever way they followed it."""
    query = (
        sa.select(Follow)
        .join(Follow.follower)
        .options(*_WHOLE, contains_eager(Follow.follower))
        .where(followed_by(person), sa.or_(Follow.status == "following", Follow.ended_by == "delivery"))
        .order_by(Follower.person_id.is_(None), Follow.followed_at, Follow.id)
    )
    found: dict[tuple[int | None, int | None, int | None], Follow] = {}
    for row in db.session.scalars(query):
        found.setdefault((row.organization_id, row.topic_id, row.fundraiser_id), row)
    return list(found.values())


def find_follow_of(person: Person, subject: Subject) -> Follow | None:
    """How the person follows the subject now, or None."""
    wanted = subject.columns
    return next(
        (
            follow
            for follow in list_follows_of(person)
            if follow.status == "following" and all(getattr(follow, name) == value for name, value in wanted.items())
        ),
        None,
    )


def list_follows(follow_ids: list[int]) -> list[Follow]:
    """Those of these follows that are not stopped, with their subject."""
    query = sa.select(Follow).options(*_WHOLE).where(Follow.id.in_(follow_ids), Follow.status == "following")
    return list(db.session.scalars(query.order_by(Follow.followed_at, Follow.id)))


def count_following(follower_id: int) -> int:
    """How much the follower follows now."""
    query = sa.select(sa.func.count()).select_from(Follow)
    return db.session.scalar(query.where(Follow.follower_id == follower_id, Follow.status == "following")) or 0


def list_due_followers(at: dt.datetime, limit: int) -> list[int]:
    """Ids of followers whose morning it is at `at`, the longest waiting first."""
    query = (
        sa.select(Follow.follower_id)
        .where(Follow.status == "following", Follow.next_at <= at)
        .group_by(Follow.follower_id)
        .order_by(sa.func.min(Follow.next_at), Follow.follower_id)
        .limit(limit)
    )
    return list(db.session.scalars(query))


def find_request(token: str, purpose: str) -> FollowRequest | None:
    """The request that a token of operations.page_token ("follow-asked") or confirm_token ("follow-confirm") is about, in
    any state, or None."""
    values = unseal(purpose, token)
    if not values or not isinstance(values[0], int):
        return None
    return db.session.get(FollowRequest, values[0])


def is_waiting(request: FollowRequest) -> bool:
    """True while the request can be confirmed."""
    return request.status == "waiting" and request.expires_at > now()
