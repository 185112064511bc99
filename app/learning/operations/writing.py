"""Adding and changing articles, facts and questions: all three begin and end alike, and each is filled in its own way."""

from __future__ import annotations

import dataclasses
from typing import Any

from app.accounts.models import Person
from app.core.clock import now
from app.core.db import db
from app.core.errors import InvalidInput
from app.learning.models import Article, Fact, FactSource, Question
from app.learning.operations.inputs import ArticleInput, FactInput, QuestionInput
from app.learning.operations.shared import (
    Subject,
    cite,
    common_errors,
    find_topic_id,
    keep_revision,
    lock_subject,
    require_in_sight,
    require_open,
    require_reason,
)


def add_article(values: ArticleInput, *, by: Person | None, reason: str = "") -> Article:
    """A new article. `by` None: it came with the application. Raises InvalidInput, at "body" when it refers to a fact that
    is not there."""
    return _add(Article, values, by, reason)


def edit_article(
    article_id: int, values: ArticleInput, *, by: Person | None, reason: str = "", version: int | None = None
) -> Article:
    """Change what an article says; its slug stays. Raises InvalidInput as `add_article`, at "reason" without one, at
    "status" when it would be a draft again; Refused (`not_found`, `changed`, `withdrawn`)."""
    return _edit(Article, article_id, values, by, reason, version)


def add_fact(values: FactInput, *, by: Person | None, reason: str = "") -> Fact:
    """A new fact. `by` None: it came with the application. Raises InvalidInput: among others at "sources", when it is
    verified without two sources of different publishers or one primary document with its page (L1)."""
    return _add(Fact, values, by, reason)


def edit_fact(
    fact_id: int, values: FactInput, *, by: Person | None, reason: str = "", version: int | None = None
) -> Fact:
    """Change what a fact says; its slug stays. Raises InvalidInput as `add_fact`, at "reason" without one; Refused
    (`not_found`, `changed`, `withdrawn`)."""
    return _edit(Fact, fact_id, values, by, reason, version)


def add_question(values: QuestionInput, *, by: Person | None, reason: str = "") -> Question:
    """A new question with its answer. `by` None: it came with the application. Raises InvalidInput, at "answer" when it
    refers to a fact that is not there."""
    return _add(Question, values, by, reason)


def edit_question(
    question_id: int, values: QuestionInput, *, by: Person | None, reason: str = "", version: int | None = None
) -> Question:
    """Change what a question says; its slug stays. Raises InvalidInput as `add_question`, at "reason" without one, at
    "status" when it would be a draft again; Refused (`not_found`, `changed`, `withdrawn`)."""
    return _edit(Question, question_id, values, by, reason, version)


# --- what all of them do --------------------------------------------------------------------------------------------


def _add(model: type[Subject], given: Any, by: Person | None, reason: str) -> Subject:
    values = given.tidied()
    _require_sound(model, values, new=True)
    row = model(slug=values.slug)
    _fill(row, values)
    db.session.add(row)
    _cite(row)
    keep_revision(row, by=by, reason=reason, action="added")
    return row


def _edit(model: type[Subject], key: int, given: Any, by: Person | None, reason: str, version: int | None) -> Subject:
    values = given.tidied()
    row = lock_subject(model, key, version=version)
    require_open(row)
    require_in_sight(row, values.status)
    kept = require_reason(reason, by=by)
    _require_sound(model, values, new=False)
    _fill(row, values)
    _cite(row)
    keep_revision(row, by=by, reason=kept, action="edited")
    return row


def _require_sound(model: type[Subject], values: Any, *, new: bool) -> None:
    if errors := common_errors(model, values.slug, values.topic, new=new) | values.errors():
        raise InvalidInput(errors)


def _fill(row: Article | Fact | Question, values: Any) -> None:
    topic_id = find_topic_id(values.topic)
    if topic_id is None:
        raise ValueError("the topic was asked for before")
    row.topic_id, row.status, row.sensitive = topic_id, values.status, values.sensitive
    row.checked_on, row.checked_by = values.checked_on, values.checked_by
    row.updated_at = now()
    if isinstance(row, Article):
        row.title, row.summary, row.audience = values.title, values.summary, values.audience
        row.body, row.left_out = values.body, values.left_out
        if values.status == "published" and row.published_at is None:
            row.published_at = row.updated_at
    elif isinstance(row, Question):
        row.question, row.answer = values.question, values.answer
    else:
        row.claim, row.note = values.claim, values.note
        _fill_sources(row, values)


def _fill_sources(fact: Fact, values: FactInput) -> None:
    if fact.sources:
        fact.sources = []
        db.session.flush()  # their places are free before others take them
    fact.sources = [
        FactSource(position=position, **dataclasses.asdict(source)) for position, source in enumerate(values.sources, 1)
    ]


def _cite(row: Article | Fact | Question) -> None:
    if isinstance(row, Article):
        cite(row, (row.body, row.left_out), "body")
    elif isinstance(row, Question):
        cite(row, (row.answer,), "answer")
