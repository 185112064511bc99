"""What every write about what can be learned begins and ends with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import sqlalchemy as sa

from app.accounts.models import Person
from app.core import audit
from app.core.clock import now
from app.core.db import db, lock
from app.core.errors import InvalidInput, refuse
from app.core.i18n import _
from app.core.text import line
from app.learning import index
from app.learning.marks import cited_slugs
from app.learning.models import Article, Citation, Fact, Kept, Question, Revision, Topic
from app.learning.operations.inputs import slug_error

Subject = TypeVar("Subject", Article, Fact, Question)
_LISTED = ("status", "withdrawn_because", "sensitive", "checked_by")
_SAID: dict[str, tuple[str, ...]] = {
    "article": ("title", "summary", "body", "left_out", "audience"),
    "fact": ("claim", "note"),
    "question": ("question", "answer"),
}
_OF_A_SOURCE = ("publisher", "title", "year", "url", "page", "primary")


def kind_of(row: Kept) -> str:
    """One of models.KINDS."""
    return type(row).__name__.lower()


def snapshot_of(row: Article | Fact | Question) -> dict[str, Any]:
    """Everything the row says now, as a revision keeps it."""
    kind = kind_of(row)
    topic = db.session.get_one(Topic, row.topic_id)
    said = {name: getattr(row, name) for name in (*_SAID[kind], *_LISTED)}
    said |= {"topic": topic.slug, "checked_on": row.checked_on.isoformat()}
    model: type[Kept] = type(row)
    said["replaced_by"] = db.session.scalar(sa.select(model.slug).where(model.id == row.replaced_by_id)) or ""
    if isinstance(row, Fact):
        said["sources"] = [
            {name: getattr(source, name) for name in _OF_A_SOURCE} | {"checked_on": source.checked_on.isoformat()}
            for source in row.sources
        ]
    return said


def keep_revision(row: Article | Fact | Question, *, by: Person | None, reason: str, action: str) -> None:
    """Write what the row says now as its newest version, index its words, and record the act (A2). The row's `version` is
    raised here, except for the first."""
    db.session.flush()
    first = not db.session.scalar(sa.select(sa.exists().where(Revision.subject_id == row.id)))
    if not first:
        row.version += 1
    row.updated_at = now()
    db.session.flush()
    db.session.add(
        Revision(
            subject_type=kind_of(row),
            subject_id=row.id,
            version=row.version,
            snapshot=snapshot_of(row),
            by_id=None if by is None else by.id,
            at=row.updated_at,
            reason=reason,
        )
    )
    index.reindex(row)
    audit.record(f"{kind_of(row)}.{action}", subject=row, by=by, data={"version": row.version})


def lock_subject(model: type[Subject], key: int, *, version: int | None = None) -> Subject:
    """The row, held until the transaction ends. Raises Refused (`not_found`; `changed` when it is at another version than
    the one that was looked at)."""
    row = lock(model, key)
    if row is None:
        raise refuse("not_found", _("This is not there any more."))
    if version is not None and row.version != version:
        raise refuse(
            "changed", _("Somebody else changed this meanwhile."), _("Look at what it says now, then change it.")
        )
    return row


def require_open(row: Kept) -> None:
    """Raise Refused (`withdrawn`) when the row was withdrawn."""
    if row.status == "withdrawn":
        raise refuse("withdrawn", _("This was withdrawn."), _("Restore it first."))


def require_in_sight(row: Kept, status: str) -> None:
    """Raise InvalidInput at "status" when what the public sees would be a draft again: it says that it does not hold where it
    stood, and is not just gone (`standing.withdraw`)."""
    if row.status == "published" and status == "draft":
        raise InvalidInput({"status": _("The public has seen it: withdraw it, so that it says why")})


def require_reason(reason: str, *, by: Person | None) -> str:
    """The reason as it is kept. Raises InvalidInput at "reason" when a person gives none."""
    kept = line(reason) or ""
    if by is not None and not kept:
        raise InvalidInput({"reason": _("Say why, for whoever looks at this later")})
    if len(kept) > 500:
        raise InvalidInput({"reason": _("Write %(max)d characters or fewer", max=500)})
    return kept


def find_topic_id(slug: str) -> int | None:
    """The id of a topic, or None."""
    return db.session.scalar(sa.select(Topic.id).where(Topic.slug == slug))


def hold_topic(topic_id: int) -> None:
    """Nobody else adds to the topic until the transaction ends."""
    lock(Topic, topic_id)


def common_errors(model: type[Kept], slug: str, topic: str, *, new: bool) -> dict[str, str]:
    """What is wrong with the address of a new row, and with its topic. Whoever adds to a topic holds it, so that of two
    who give one address at the same time the second is told, and not the database's refusal."""
    found = {}
    topic_id = find_topic_id(topic)
    if topic_id is None:
        found["topic"] = _("Choose one of the list")
    elif new:
        hold_topic(topic_id)
    if new:
        if error := slug_error(slug, reserved=model is Article):
            found["slug"] = error
        elif db.session.scalar(sa.select(sa.exists().where(model.slug == slug))):
            found["slug"] = _("This address is taken")
    return found


def cite(row: Article | Question, texts: Sequence[str], field: str) -> None:
    """Note which facts the row's texts rest on. Raises InvalidInput at `field` when one of them is not there."""
    slugs = cited_slugs(*texts)
    known = {slug: key for key, slug in db.session.execute(sa.select(Fact.id, Fact.slug).where(Fact.slug.in_(slugs)))}
    if missing := [slug for slug in slugs if slug not in known]:
        raise InvalidInput({field: _("There is no fact “%(slug)s”", slug=missing[0])})
    db.session.flush()
    db.session.execute(sa.delete(Citation).where(Citation.subject_id == row.id))
    db.session.add_all(Citation(fact_id=known[slug], subject_id=row.id) for slug in slugs)
    db.session.flush()
