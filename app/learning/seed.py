"""Brings what is written in `data/` into the database: topics, facts, questions, articles.

Run again it changes only what the files say otherwise by now and no person has changed: whatever a moderator edited,
renewed or withdrew stays theirs.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from app.core.db import db
from app.core.errors import InvalidInput
from app.learning.models import Article, Fact, Question, Revision
from app.learning.operations.inputs import ArticleInput, FactInput, QuestionInput, SourceInput, values_of
from app.learning.operations.topics import save_topic
from app.learning.operations.writing import (
    add_article,
    add_fact,
    add_question,
    edit_article,
    edit_fact,
    edit_question,
)

FOLDER = Path(__file__).parent / "data"
LEFT_OUT = "## What we left out, and why"


def read_topics(folder: Path = FOLDER) -> list[dict[str, Any]]:
    """The topics in their order, or none where there is no file."""
    return _tables(folder / "topics.toml", "topic")


def read_facts(folder: Path = FOLDER) -> list[FactInput]:
    """The facts as written. Raises TypeError for a row with a field that no fact has, or without one that each has."""
    rows = []
    for row in _tables(folder / "facts.toml", "fact"):
        sources = tuple(SourceInput(**source) for source in row.pop("source", ()))
        rows.append(FactInput(**row, sources=sources))
    return rows


def read_questions(folder: Path = FOLDER) -> list[QuestionInput]:
    """The questions as written. Raises TypeError as `read_facts`."""
    return [QuestionInput(**row) for row in _tables(folder / "questions.toml", "question")]


def read_articles(folder: Path = FOLDER) -> list[ArticleInput]:
    """The articles, one a file: TOML between two lines `+++`, then the body; what follows the heading "What we left out,
    and why" at its end is kept apart. Raises ValueError for a file without its head, TypeError as `read_facts`."""
    found = []
    for path in sorted((folder / "articles").glob("*.md")):
        before, mark, rest = path.read_text().partition("+++\n")
        head, end, body = rest.partition("\n+++\n")
        if before or not mark or not end:
            raise ValueError(f"an article begins with its head between two lines of +++: {path.name}")
        body, _heading, left_out = body.partition(f"\n{LEFT_OUT}\n")
        values = {"left_out": left_out.strip(), **tomllib.loads(head)}
        found.append(ArticleInput(slug=path.stem, body=body.strip(), **values))
    return found


def _tables(path: Path, name: str) -> list[dict[str, Any]]:
    return tomllib.loads(path.read_text()).get(name, []) if path.is_file() else []


def load(folder: Path = FOLDER) -> dict[str, int]:
    """Bring all of it in, inside the caller's transaction: {"topics", "facts", "questions", "articles", "added",
    "changed", "kept"}; kept are those that a person has changed and the files say otherwise. Raises InvalidInput, which
    names the row, when one breaks a rule."""
    topics, facts = read_topics(folder), read_facts(folder)
    questions, articles = read_questions(folder), read_articles(folder)
    counts = {"topics": len(topics), "facts": len(facts), "questions": len(questions), "articles": len(articles)}
    for position, topic in enumerate(topics, 1):
        save_topic(topic["slug"], title=topic["title"], summary=topic["summary"], position=position)
    outcomes = [
        *_bring(Fact, facts, add_fact, edit_fact),
        *_bring(Question, questions, add_question, edit_question),
        *_bring(Article, articles, add_article, edit_article),
    ]
    return counts | {outcome: outcomes.count(outcome) for outcome in ("added", "changed", "kept")}


def _bring(model: type[Any], rows: Iterable[Any], add: Callable[..., Any], edit: Callable[..., Any]) -> Iterable[str]:
    """Add or change each row; gives what happened: "added", "changed", "kept" or "same"."""
    for values in rows:
        try:
            yield _bring_one(model, values.tidied(), add, edit)
        except InvalidInput as invalid:
            named = {f"{model.__tablename__} {values.slug}: {name}": text for name, text in invalid.errors.items()}
            raise InvalidInput(named) from invalid


def _bring_one(model: type[Any], values: Any, add: Callable[..., Any], edit: Callable[..., Any]) -> str:
    row = db.session.scalar(sa.select(model).where(model.slug == values.slug))
    if row is None:
        add(values, by=None)
        return "added"
    if values_of(row) == values:
        return "same"
    changed_by_somebody = sa.exists().where(Revision.subject_id == row.id, Revision.by_id.is_not(None))
    if db.session.scalar(sa.select(changed_by_somebody)):
        return "kept"
    edit(row.id, values, by=None, reason="")
    return "changed"
