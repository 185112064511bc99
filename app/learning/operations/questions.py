"""Questions and their answers."""

from __future__ import annotations

from app.accounts.models import Person
from app.core.clock import now
from app.core.db import db
from app.core.errors import InvalidInput
from app.learning.models import Question
from app.learning.operations.inputs import QuestionInput
from app.learning.operations.shared import (
    cite,
    common_errors,
    find_topic_id,
    keep_revision,
    lock_subject,
    require_in_sight,
    require_open,
    require_reason,
)


def add_question(values: QuestionInput, *, by: Person | None, reason: str = "") -> Question:
    """A new question with its answer. `by` None: it came with the application. Raises InvalidInput, at "answer" when it
    refers to a fact that is not there."""
    values = values.tidied()
    _require_sound(values, new=True)
    question = Question(slug=values.slug)
    _fill(question, values)
    db.session.add(question)
    cite(question, (question.answer,), "answer")
    keep_revision(question, by=by, reason=reason, action="added")
    return question


def edit_question(
    question_id: int, values: QuestionInput, *, by: Person | None, reason: str = "", version: int | None = None
) -> Question:
    """Change what a question says; its slug stays. Raises InvalidInput as `add_question`, at "reason" without one, at
    "status" when it would be a draft again; Refused (`not_found`, `changed`, `withdrawn`)."""
    values = values.tidied()
    question = lock_subject(Question, question_id, version=version)
    require_open(question)
    require_in_sight(question, values.status)
    kept = require_reason(reason, by=by)
    _require_sound(values, new=False)
    _fill(question, values)
    cite(question, (question.answer,), "answer")
    keep_revision(question, by=by, reason=kept, action="edited")
    return question


def _require_sound(values: QuestionInput, *, new: bool) -> None:
    if errors := common_errors(Question, values.slug, values.topic, new=new) | values.errors():
        raise InvalidInput(errors)


def _fill(question: Question, values: QuestionInput) -> None:
    topic_id = find_topic_id(values.topic)
    if topic_id is None:
        raise ValueError("the topic was asked for before")
    question.topic_id, question.status, question.sensitive = topic_id, values.status, values.sensitive
    question.question, question.answer = values.question, values.answer
    question.checked_on, question.checked_by = values.checked_on, values.checked_by
    question.updated_at = now()
