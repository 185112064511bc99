"""Reads of what people asked to have checked."""

from __future__ import annotations

import dataclasses
import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import aliased, joinedload

from app.core import search as full_text
from app.core.db import db
from app.core.paging import EPOCH, BadCursor, Page, decode_cursor, encode_cursor
from app.learning.asked_models import AskedClaim
from app.learning.models import Fact, Question

PAGE_SIZE = 20
MOST_ALIKE = 6
# Short words tell nothing of what a sentence is about, nor do these longer ones.
SHORTEST_TELLING = 4
_COMMON = frozenset(
    full_text.words(
        "about after also because been before being does each from have here into just know like made make many more most"
        " much must only other over says should some such than that their them then there these they this those very were"
        " what when where which while will with would your every said saying true claim"
    )
)
# Among so many of the latest it is looked for one that asks the same.
MOST_COMPARED = 400


@dataclasses.dataclass(frozen=True)
class Answered:
    """A question of the learn pages that answers what somebody asked; `times` how often that was."""

    id: int
    slug: str
    question: str
    answered_at: dt.datetime
    times: int


@dataclasses.dataclass(frozen=True)
class Likely:
    """A fact or a question that may answer what somebody asks."""

    kind: str
    slug: str
    title: str


def list_answered(cursor: str | None = None, *, limit: int = PAGE_SIZE) -> Page[Answered]:
    """Published questions that answer what was asked, the latest answered first: their own words, never those of whoever
    asked. Raises BadCursor."""
    merged = aliased(AskedClaim)
    times = sa.func.count(sa.distinct(AskedClaim.id)) + sa.func.count(sa.distinct(merged.id))
    latest = sa.func.max(AskedClaim.decided_at)
    query = (
        sa.select(Question.id, Question.slug, Question.question, latest.label("answered_at"), times.label("times"))
        .join(AskedClaim, AskedClaim.question_id == Question.id)
        .outerjoin(merged, merged.merged_into_id == AskedClaim.id)
        .where(Question.status == "published")
        .group_by(Question.id, Question.slug, Question.question)
    )
    if cursor:
        micros, key = decode_cursor(cursor, int, int)
        try:
            at = EPOCH + dt.timedelta(microseconds=micros)
        except OverflowError as error:
            raise BadCursor(cursor[:20]) from error
        query = query.having(sa.or_(latest < at, sa.and_(latest == at, Question.id < key)))
    rows = db.session.execute(query.order_by(latest.desc(), Question.id.desc()).limit(limit + 1)).all()
    found = [Answered(**row._mapping) for row in rows[:limit]]
    if len(rows) <= limit:
        return Page(found, None)
    last = found[-1]
    return Page(found, encode_cursor((last.answered_at - EPOCH) // dt.timedelta(microseconds=1), last.id))


def count_waiting() -> int:
    """How many claims wait for an answer."""
    query = sa.select(sa.func.count()).where(AskedClaim.status.in_(("open", "taken")))
    return db.session.scalar(query) or 0


def list_waiting(limit: int = 200) -> list[AskedClaim]:
    """Claims that nobody has decided about, the longest waiting first."""
    query = sa.select(AskedClaim).options(joinedload(AskedClaim.taken_by))
    query = query.where(AskedClaim.status.in_(("open", "taken")))
    return list(db.session.scalars(query.order_by(AskedClaim.created_at, AskedClaim.id).limit(limit)))


def list_decided(limit: int = 30) -> list[AskedClaim]:
    """The claims that were decided last."""
    query = sa.select(AskedClaim).options(joinedload(AskedClaim.question)).where(AskedClaim.decided_at.is_not(None))
    return list(db.session.scalars(query.order_by(AskedClaim.decided_at.desc(), AskedClaim.id).limit(limit)))


def find_asked(asked_id: int) -> AskedClaim | None:
    """The claim in any state, or None."""
    query = sa.select(AskedClaim).options(
        joinedload(AskedClaim.taken_by), joinedload(AskedClaim.question), joinedload(AskedClaim.merged_into)
    )
    return db.session.scalar(query.where(AskedClaim.id == asked_id))


def _telling(text: str) -> set[str]:
    """The words that tell what a text is about."""
    return {word for word in full_text.words(text) if len(word) >= SHORTEST_TELLING and word not in _COMMON}


def list_alike(asked: AskedClaim) -> list[AskedClaim]:
    """Claims that wait or are answered and share words with this one, the likest first."""
    own = _telling(asked.text)
    query = sa.select(AskedClaim).where(
        AskedClaim.id != asked.id, AskedClaim.status.in_(("open", "taken", "answered")), AskedClaim.text != ""
    )
    scored = []
    for other in db.session.scalars(query.order_by(AskedClaim.created_at.desc()).limit(MOST_COMPARED)):
        theirs = _telling(other.text)
        scored.append((len(own & theirs) / (len(own | theirs) or 1), other))
    scored.sort(key=lambda pair: (-pair[0], pair[1].created_at))
    return [other for share, other in scored[:MOST_ALIKE] if share > 0]


def list_likely(asked: AskedClaim) -> list[Likely]:
    """Facts and published questions that share words with what was asked, the likest first: what may answer it."""
    own = _telling(asked.text)
    rows = [
        *db.session.execute(sa.select(sa.literal("fact"), Fact.slug, Fact.claim).where(Fact.status != "withdrawn")),
        *db.session.execute(
            sa.select(sa.literal("question"), Question.slug, Question.question).where(Question.status == "published")
        ),
    ]
    scored = []
    for kind, slug, title in rows:
        theirs = _telling(title)
        scored.append((-len(own & theirs) / (len(own | theirs) or 1), kind, slug, title))
    return [Likely(kind, slug, title) for share, kind, slug, title in sorted(scored)[:MOST_ALIKE] if share < 0]
