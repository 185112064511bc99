"""Reads of imports by page."""

from __future__ import annotations

import collections

import sqlalchemy as sa
from sqlalchemy.orm import contains_eager, defer, joinedload

from app.accounts.models import Person
from app.core.db import db
from app.imports.models import ImportBatch, ImportRow
from app.organizations.models import Organization

EARLIER = 100


def find_batch_of(slug: str, batch_id: int) -> ImportBatch | None:
    """A batch of the organization of that slug, or None."""
    query = sa.select(ImportBatch).join(Organization).where(Organization.slug == slug, ImportBatch.id == batch_id)
    return db.session.scalar(query)


def list_batches(organization_id: int) -> list[ImportBatch]:
    """The latest batches of an organization, newest first."""
    query = (
        sa.select(ImportBatch)
        .where(ImportBatch.organization_id == organization_id)
        .options(joinedload(ImportBatch.by))
        .order_by(ImportBatch.made_at.desc(), ImportBatch.id.desc())
        .limit(EARLIER)
    )
    return list(db.session.scalars(query))


def find_remembered(batch: ImportBatch) -> ImportBatch | None:
    """The organization's latest other batch with the same header whose columns somebody has said."""
    query = (
        sa.select(ImportBatch)
        .where(
            ImportBatch.organization_id == batch.organization_id,
            ImportBatch.header_key == batch.header_key,
            ImportBatch.id != batch.id,
            ImportBatch.status != "uploaded",
        )
        .order_by(ImportBatch.made_at.desc(), ImportBatch.id.desc())
        .limit(1)
    )
    return db.session.scalar(query)


def count_outcomes(batch_ids: list[int]) -> dict[int, dict[str, int]]:
    """What became (or would become) of the rows of each batch: outcome -> rows."""
    query = (
        sa.select(ImportRow.batch_id, ImportRow.outcome, sa.func.count())
        .where(ImportRow.batch_id.in_(batch_ids))
        .group_by(ImportRow.batch_id, ImportRow.outcome)
    )
    found: dict[int, dict[str, int]] = {batch_id: {} for batch_id in batch_ids}
    for batch_id, outcome, count in db.session.execute(query):
        found[batch_id][outcome] = count
    return found


def count_by(batch_id: int, what: str) -> dict[str, int]:
    """Rows of a batch by `stage`, `became` or `undone`."""
    column = getattr(ImportRow, what)
    query = sa.select(column, sa.func.count()).where(ImportRow.batch_id == batch_id).group_by(column)
    return {str(value): count for value, count in db.session.execute(query)}


def list_rows(batch_id: int, outcome: str | None = None, *, after: int = 0, limit: int = 50) -> list[ImportRow]:
    """Rows in the order of the file, after the line `after`; only those of `outcome` when it is given, "taken" being every
    one but the rejects."""
    query = sa.select(ImportRow).where(ImportRow.batch_id == batch_id, ImportRow.line > after)
    if outcome == "taken":
        query = query.where(ImportRow.outcome != "rejected")
    elif outcome is not None:
        query = query.where(ImportRow.outcome == outcome)
    return list(db.session.scalars(query.options(defer(ImportRow.before)).order_by(ImportRow.line).limit(limit)))


def find_row_of(slug: str, batch_id: int, line: int) -> ImportRow | None:
    """The row that began on this line of the file, of a batch of the organization of that slug; or None."""
    if line >= 2**31:
        return None
    mine = sa.select(ImportRow).join(ImportBatch).join(Organization).options(contains_eager(ImportRow.batch))
    return db.session.scalar(
        mine.where(Organization.slug == slug, ImportRow.batch_id == batch_id, ImportRow.line == line)
    )


def next_reject(batch_id: int, line: int) -> int | None:
    """The line of the next reject after `line`, or of the first; None when there is none."""
    query = sa.select(ImportRow.line).where(ImportRow.batch_id == batch_id, ImportRow.outcome == "rejected")
    later = db.session.scalar(query.where(ImportRow.line > line).order_by(ImportRow.line).limit(1))
    return later or db.session.scalar(query.where(ImportRow.line < line).order_by(ImportRow.line).limit(1))


def count_rejects(batch_id: int) -> list[tuple[str, int]]:
    """How many rows are rejected for each of our columns ("" for their shape), the most first."""
    query = (
        sa.select(ImportRow.column, sa.func.count())
        .where(ImportRow.batch_id == batch_id, ImportRow.outcome == "rejected")
        .group_by(ImportRow.column)
        .order_by(sa.func.count().desc(), ImportRow.column)
    )
    return [(column, count) for column, count in db.session.execute(query)]


def list_kept(batch_id: int, limit: int = 200) -> list[ImportRow]:
    """Rows whose needs were kept when the batch was taken back, with the reason in `note`."""
    query = sa.select(ImportRow).where(ImportRow.batch_id == batch_id, ImportRow.undone == "kept")
    return list(db.session.scalars(query.options(defer(ImportRow.before)).order_by(ImportRow.line).limit(limit)))


def find_language(batch_id: int) -> str | None:
    """The language of whoever imports."""
    return db.session.scalar(
        sa.select(Person.locale).join(ImportBatch, ImportBatch.by_id == Person.id).where(ImportBatch.id == batch_id)
    )


def count_notes(batch_id: int) -> list[tuple[str, int]]:
    """What drafts lack, the most frequent first: (reason, needs). A need may lack several things."""
    query = (
        sa.select(ImportRow.note, sa.func.count())
        .where(ImportRow.batch_id == batch_id, ImportRow.became == "draft", ImportRow.note != "")
        .group_by(ImportRow.note)
    )
    found: collections.Counter[str] = collections.Counter()
    for note, count in db.session.execute(query):
        for reason in note.split("\n"):
            found[reason] += count
    return sorted(found.items(), key=lambda one: (-one[1], one[0]))
