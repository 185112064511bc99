"""Reads of what can be learned."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload

from app.core import search as full_text
from app.core.cache import facts
from app.core.db import db
from app.core.paging import Page, decode_cursor, encode_cursor
from app.learning.index import WORDS
from app.learning.models import KINDS, Article, Citation, Fact, FactSource, Question, Revision, SignpostCheck, Topic

PAGE_SIZE = 20
REVISIONS = 10
# A search looks at no more than so many matches.
MOST_MATCHES = 1000
# Of each list of the moderators' desk: what is done leaves it, and the next ones come.
MOST_TASKS = 50


@dataclasses.dataclass(frozen=True)
class Found:
    """An article, a fact or a question in a list."""

    kind: str
    id: int
    slug: str
    title: str
    summary: str
    status: str
    sensitive: bool
    topic: str
    checked_on: dt.date
    version: int


@dataclasses.dataclass(frozen=True)
class Search:
    """What is looked for: words, one kind only, one topic only, one state only."""

    q: str = ""
    kind: str = ""
    topic: str = ""
    status: str = ""


def list_topics() -> list[Topic]:
    """Every topic, in the order in which they are shown."""
    return list(db.session.scalars(sa.select(Topic).order_by(Topic.position, Topic.slug)))


def find_topic(slug: str) -> Topic | None:
    """The topic, or None."""
    return db.session.scalar(sa.select(Topic).where(Topic.slug == slug))


def find_article(slug: str) -> Article | None:
    """The article in any state, or None."""
    query = sa.select(Article).options(joinedload(Article.topic), joinedload(Article.replaced_by))
    return db.session.scalar(query.where(Article.slug == slug))


def find_question(slug: str) -> Question | None:
    """The question in any state, or None."""
    query = sa.select(Question).options(joinedload(Question.topic), joinedload(Question.replaced_by))
    return db.session.scalar(query.where(Question.slug == slug))


def find_fact(slug: str) -> Fact | None:
    """The fact in any state with its sources, or None."""
    query = sa.select(Fact).options(joinedload(Fact.topic), joinedload(Fact.replaced_by), selectinload(Fact.sources))
    return db.session.scalar(query.where(Fact.slug == slug))


def find_facts(slugs: Iterable[str]) -> dict[str, Fact]:
    """Facts in any state with their sources, by slug."""
    wanted = list(slugs)
    if not wanted:
        return {}
    query = sa.select(Fact).options(selectinload(Fact.sources), joinedload(Fact.replaced_by))
    return {fact.slug: fact for fact in db.session.scalars(query.where(Fact.slug.in_(wanted)))}


def list_articles() -> list[Article]:
    """Every published article, by topic and title."""
    query = sa.select(Article).join(Article.topic).options(joinedload(Article.topic))
    return list(
        db.session.scalars(
            query.where(Article.status == "published").order_by(Topic.position, Article.published_at, Article.slug)
        )
    )


def list_citing(fact_id: int) -> list[Found]:
    """The articles and questions in sight that rest on a fact."""
    rows = _everything().subquery()
    query = sa.select(rows).join(Citation, Citation.subject_id == rows.c.id)
    query = query.where(Citation.fact_id == fact_id, rows.c.status == "published")
    return [_found(row) for row in db.session.execute(query.order_by(rows.c.kind, rows.c.slug))]


def _everything() -> sa.CompoundSelect[Any]:
    """Articles, facts and questions as rows alike. Drafts are in it: whoever reads it says which they want."""

    def of(kind: str, model: Any, title: Any, summary: Any, checked_on: Any) -> sa.Select[Any]:
        return sa.select(
            sa.literal(kind).label("kind"), model.id.label("id"), model.slug.label("slug"), title.label("title"),
            summary.label("summary"), model.status.label("status"), model.sensitive.label("sensitive"),
            Topic.slug.label("topic"), Topic.title.label("topic_title"), checked_on.label("checked_on"),
            model.updated_at.label("updated_at"), model.withdrawn_because.label("withdrawn_because"),
            model.version.label("version"),
        ).join(Topic, Topic.id == model.topic_id)  # fmt: skip

    # Of a fact's sources the one that was looked at least lately counts.
    oldest = sa.select(sa.func.min(FactSource.checked_on)).where(FactSource.fact_id == Fact.id).scalar_subquery()
    of_fact = sa.func.coalesce(oldest, Fact.checked_on)
    nothing = sa.literal("")
    return sa.union_all(
        of("article", Article, Article.title, Article.summary, Article.checked_on),
        of("fact", Fact, Fact.claim, Fact.note, of_fact),
        of("question", Question, Question.question, nothing, Question.checked_on),
    )


def _found(row: Any) -> Found:
    return Found(**{field.name: getattr(row, field.name) for field in dataclasses.fields(Found)})


def search(asked: Search, cursor: str | None = None, *, drafts: bool = False, limit: int = PAGE_SIZE) -> Page[Found]:
    """What the public may find (with `drafts`, what moderators may), in at most two statements; what was withdrawn is found,
    too, and shown as withdrawn. With words (or the beginnings of words) those come first that have more of them in their
    title; without, in the order of their addresses. Raises BadCursor."""
    terms = full_text.query_words(asked.q)
    rows = _everything().subquery()
    query = sa.select(rows) if drafts else sa.select(rows).where(rows.c.status != "draft")
    if asked.status:
        query = query.where(rows.c.status == asked.status)
    if asked.kind in KINDS:
        query = query.where(rows.c.kind == asked.kind)
    if asked.topic:
        query = query.where(rows.c.topic == asked.topic)
    if asked.q.strip():
        return _best(query, rows, terms, cursor, limit)
    if cursor:
        slug, kind = decode_cursor(cursor, str, str)
        query = query.where(sa.tuple_(rows.c.slug, rows.c.kind) > sa.tuple_(sa.literal(slug), sa.literal(kind)))
    found = [_found(row) for row in db.session.execute(query.order_by(rows.c.slug, rows.c.kind).limit(limit + 1))]
    following = encode_cursor(found[limit - 1].slug, found[limit - 1].kind) if len(found) > limit else None
    return Page(found[:limit], following)


def _best(query: sa.Select[Any], rows: sa.Subquery, terms: list[str], cursor: str | None, limit: int) -> Page[Found]:
    after = decode_cursor(cursor, int, str, str) if cursor else None
    numbers = _matching(terms)
    if not numbers:
        return Page([], None)
    scored = []
    for row in db.session.execute(query.where(rows.c.id.in_(numbers))):
        title = set(full_text.words(row.title))
        scored.append((-sum(full_text.is_among(term, title) for term in terms), row.slug, row.kind, _found(row)))
    scored.sort(key=lambda entry: entry[:3])
    left = [entry for entry in scored if after is None or entry[:3] > after]
    following = encode_cursor(*left[limit - 1][:3]) if len(left) > limit else None
    return Page([entry[3] for entry in left[:limit]], following)


def search_mended(asked: Search, cursor: str | None = None, *, drafts: bool = False) -> tuple[Search, Page[Found]]:
    """As `search`, with what was asked; where that finds nothing, the same with slips of the finger mended, if that finds
    anything. Raises BadCursor."""
    page = search(asked, cursor, drafts=drafts)
    if asked.q and not page.rows and not cursor and (words := _spell(asked.q)):
        other = dataclasses.replace(asked, q=words)
        found = search(other, drafts=drafts)
        return (other, found) if found.rows else (asked, page)
    return asked, page


def _spell(q: str) -> str:
    """The words searched for with each that nothing has as the likest one that something has; "" when there is no such
    word, or nothing to mend. Whether anything has all of them together is another question."""
    terms = full_text.query_words(q)
    kept = facts("learn_vocabulary")
    if "words" not in kept:
        kept["words"] = WORDS.vocabulary()
    known: dict[str, int] = kept["words"]
    mended = [term if full_text.is_among(term, known) else full_text.closest(term, known) for term in terms]
    return " ".join(mended) if mended != terms and all(mended) else ""


def _matching(terms: list[str]) -> list[int]:
    if not terms:
        return []
    source, condition, number = WORDS.source()
    statement = f"SELECT {number} FROM {source} WHERE {condition} LIMIT {MOST_MATCHES}"  # noqa: S608  # names are ours
    return [row[0] for row in full_text.run(statement, {"match": WORDS.match(terms, (), begins=True)})]


def list_revisions(
    subject_id: int, cursor: str | None = None, *, drafts: bool = False, limit: int = REVISIONS
) -> Page[Revision]:
    """Versions, the latest first; the row after the last one is in `rows` too when there is one, to be compared with. What
    was written before it was published is among them with `drafts` only: its writers' own. Raises BadCursor."""
    query = sa.select(Revision).where(Revision.subject_id == subject_id).order_by(Revision.version.desc())
    if not drafts:
        query = query.where(Revision.snapshot["status"].as_string() != "draft")
    if cursor:
        query = query.where(Revision.version < decode_cursor(cursor, int)[0])
    found = list(db.session.scalars(query.limit(limit + 1)))
    following = encode_cursor(found[limit - 1].version) if len(found) > limit else None
    return Page(found, following)


@dataclasses.dataclass(frozen=True)
class Changed(Found):
    """The same for a feed: when it last changed."""

    updated_at: dt.datetime
    withdrawn_because: str
    topic_title: str


def last_change() -> dt.datetime | None:
    """When anything that can be learned last changed, drafts included; None when there is nothing. It never falls, whatever
    moves from one topic to another."""
    latest = [sa.select(sa.func.max(model.updated_at)) for model in (Article, Fact, Question)]
    return max((at for at in (db.session.scalar(query) for query in latest) if at is not None), default=None)


def list_changed(limit: int = 50, *, topic: str = "") -> list[Changed]:
    """What the public may see (of the topic with that slug only, when one is given), what changed last first."""
    rows = _everything().subquery()
    query = sa.select(rows).where(rows.c.status != "draft").order_by(rows.c.updated_at.desc(), rows.c.id)
    if topic:
        query = query.where(rows.c.topic == topic)
    names = [field.name for field in dataclasses.fields(Changed)]
    return [Changed(**{name: getattr(row, name) for name in names}) for row in db.session.execute(query.limit(limit))]


def page_articles(cursor: str | None, *, limit: int, topic: str = "") -> Page[Article]:
    """Articles in sight (published or withdrawn) in the order of their addresses. Raises BadCursor."""
    query = sa.select(Article).join(Article.topic).options(joinedload(Article.topic), joinedload(Article.replaced_by))
    return _by_address(query.where(Article.status != "draft"), Article, cursor, limit, topic)


def page_facts(cursor: str | None, *, limit: int, topic: str = "", status: str = "") -> Page[Fact]:
    """Facts in any state with their sources, in the order of their addresses. Raises BadCursor."""
    query = sa.select(Fact).join(Fact.topic)
    query = query.options(joinedload(Fact.topic), joinedload(Fact.replaced_by), selectinload(Fact.sources))
    return _by_address(query.where(Fact.status == status) if status else query, Fact, cursor, limit, topic)


def _by_address(query: sa.Select[Any], model: Any, cursor: str | None, limit: int, topic: str) -> Page[Any]:
    if topic:
        query = query.where(Topic.slug == topic)
    if cursor:
        query = query.where(model.slug > decode_cursor(cursor, str)[0])
    rows = list(db.session.scalars(query.order_by(model.slug).limit(limit + 1)))
    return Page(rows[:limit], encode_cursor(rows[limit - 1].slug) if len(rows) > limit else None)


def cited_by(subject_ids: Iterable[int]) -> dict[int, list[str]]:
    """The slugs of the facts that each article or question rests on."""
    found: dict[int, list[str]] = {key: [] for key in subject_ids}
    query = sa.select(Citation.subject_id, Fact.slug).join(Fact, Fact.id == Citation.fact_id).order_by(Fact.slug)
    for row in db.session.execute(query.where(Citation.subject_id.in_(list(found)))):
        found[row[0]].append(row[1])
    return found


# --- the moderators' desk -------------------------------------------------------------------------------------------


def list_due(before: dt.date, limit: int = MOST_TASKS) -> list[Found]:
    """Facts, articles and questions in sight with a source that was last checked before that day, the oldest first."""
    rows = _everything().subquery()
    query = sa.select(rows).where(rows.c.status.not_in(("draft", "withdrawn")), rows.c.checked_on < before)
    query = query.order_by(rows.c.checked_on, rows.c.slug).limit(limit)
    return [_found(row) for row in db.session.execute(query)]


def list_in_state(*statuses: str, limit: int = MOST_TASKS) -> list[Found]:
    """Facts, articles and questions in one of these states, the longest unchecked first."""
    rows = _everything().subquery()
    query = sa.select(rows).where(rows.c.status.in_(statuses)).order_by(rows.c.checked_on, rows.c.slug)
    return [_found(row) for row in db.session.execute(query.limit(limit))]


def find_signpost_checks() -> dict[str, dt.date]:
    """When a moderator last looked at the page of each service, by the signpost's key."""
    query = sa.select(SignpostCheck.key, sa.func.max(SignpostCheck.checked_on)).group_by(SignpostCheck.key)
    return {row[0]: row[1] for row in db.session.execute(query)}
