"""What `flask verify` recomputes of what can be learned: sources by L1, versions against what the rows say, citations and the
words of full text against the texts."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from app.core import search
from app.core.db import db, uses_sqlite
from app.learning.index import WORDS, words_of
from app.learning.marks import cited_slugs
from app.learning.models import Article, Fact, Question, Revision
from app.learning.operations.inputs import missing_sources, sources_of
from app.learning.operations.shared import snapshot_of
from app.learning.queries import cited_by


def _rows() -> list[Any]:
    query = sa.select(Fact).options(selectinload(Fact.sources))
    others = [row for model in (Article, Question) for row in db.session.scalars(sa.select(model))]
    return [*others, *db.session.scalars(query)]


def check_sources() -> tuple[int, list[str]]:
    """A verified fact has two sources of different publishers, or a primary document with its page (L1)."""
    facts = list(db.session.scalars(sa.select(Fact).options(selectinload(Fact.sources))))
    found = [
        f"learning: fact {fact.slug} has too few sources"
        for fact in facts
        if fact.status != "withdrawn" and missing_sources(fact.status, sources_of(fact))
    ]
    return len(facts), found


def check_history() -> tuple[int, list[str]]:
    """The newest version of each says what the row says, and no version is missing."""
    rows, found = _rows(), []
    for row in rows:
        versions = db.session.scalars(
            sa.select(Revision).where(Revision.subject_id == row.id).order_by(Revision.version)
        ).all()
        kind = type(row).__name__.lower()
        if [revision.version for revision in versions] != list(range(1, row.version + 1)):
            found.append(f"learning: versions of {kind} {row.slug} are missing")
        elif versions[-1].snapshot != snapshot_of(row):
            found.append(f"learning: {kind} {row.slug} does not say what its newest version says")
    return len(rows), found


def check_texts() -> tuple[int, list[str]]:
    """Citations are those of the texts, and full text has the words of each."""
    rows = _rows()
    cited = cited_by(row.id for row in rows)
    table, key = WORDS.table, "rowid" if uses_sqlite() else "number"
    column = "words" if uses_sqlite() else "CAST(lexemes AS text)"
    stored = {
        row[0]: set(row[1].replace("'", "").split())
        for row in search.run(f"SELECT {key}, {column} FROM {table}", {})  # noqa: S608  # names are ours
    }
    found = []
    for row in rows:
        texts = {Article: ("body", "left_out"), Question: ("answer",), Fact: ()}[type(row)]
        if sorted(cited_slugs(*(getattr(row, name) for name in texts))) != cited[row.id]:
            found.append(f"learning: the citations of {row.slug} are not those of its text")
        if stored.get(row.id) != set(words_of(row)[: search.MAXIMUM_WORDS]):
            found.append(f"learning: full text has other words for {row.slug}")
    if len(stored) != len(rows):
        found.append(f"learning: full text has {len(stored)} rows, not {len(rows)}")
    return len(rows), found


CHECKS = {"fact_sources": check_sources, "learning_history": check_history, "learning_texts": check_texts}
