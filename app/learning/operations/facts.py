"""Facts: a claim with its sources, by L1."""

from __future__ import annotations

import dataclasses

from app.accounts.models import Person
from app.core.clock import now
from app.core.db import db
from app.core.errors import InvalidInput
from app.learning.models import Fact, FactSource
from app.learning.operations.inputs import FactInput
from app.learning.operations.shared import (
    common_errors,
    find_topic_id,
    keep_revision,
    lock_subject,
    require_open,
    require_reason,
)


def add_fact(values: FactInput, *, by: Person | None, reason: str = "") -> Fact:
    """A new fact. `by` None: it came with the application. Raises InvalidInput: among others at "sources", when it is
    verified without two sources of different publishers or one primary document with its page (L1)."""
    values = values.tidied()
    _require_sound(values, new=True)
    fact = Fact(slug=values.slug)
    _fill(fact, values)
    db.session.add(fact)
    keep_revision(fact, by=by, reason=reason, action="added")
    return fact


def edit_fact(
    fact_id: int, values: FactInput, *, by: Person | None, reason: str = "", version: int | None = None
) -> Fact:
    """Change what a fact says; its slug stays. Raises InvalidInput as `add_fact`, at "reason" without one; Refused
    (`not_found`, `changed`, `withdrawn`)."""
    values = values.tidied()
    fact = lock_subject(Fact, fact_id, version=version)
    require_open(fact)
    kept = require_reason(reason, by=by)
    _require_sound(values, new=False)
    _fill(fact, values)
    keep_revision(fact, by=by, reason=kept, action="edited")
    return fact


def _require_sound(values: FactInput, *, new: bool) -> None:
    if errors := common_errors(Fact, values.slug, values.topic, new=new) | values.errors():
        raise InvalidInput(errors)


def _fill(fact: Fact, values: FactInput) -> None:
    topic_id = find_topic_id(values.topic)
    if topic_id is None:
        raise ValueError("the topic was asked for before")
    if fact.sources:
        fact.sources = []
        db.session.flush()  # their places are free before others take them
    fact.topic_id, fact.status, fact.sensitive = topic_id, values.status, values.sensitive
    fact.claim, fact.note = values.claim, values.note
    fact.checked_on, fact.checked_by = values.checked_on, values.checked_by
    fact.updated_at = now()
    fact.sources = [
        FactSource(position=position, **dataclasses.asdict(source)) for position, source in enumerate(values.sources, 1)
    ]
