"""Importing by page: a file is uploaded, its columns are said, its rows are looked at, taken, and may be taken back.

What is long is done in steps of STEP rows, each a transaction of its own; the first in the request that asks for it, the
others as promised work. `batch.step` counts them, so that a step is promised once and an old promise does nothing.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json

import sqlalchemy as sa

from app.accounts.models import Person
from app.core import audit, outbox
from app.core.clock import now
from app.core.db import db, lock, new_id, uses_sqlite
from app.core.errors import InvalidInput, Refused, refuse
from app.core.i18n import _
from app.imports.models import ImportBatch, ImportRow
from app.imports.policy import can_manage_batch
from app.imports.taking import cells_of, check_rows, take_rows
from app.imports.undo import hold, take_back
from app.imports.uploads import Upload

STEP = 50
MOST_WAITING = 20
KEPT_FOR = dt.timedelta(days=30)
# What is under way: the rows still to do are of this stage; when none is left, the batch is that.
_UNDER_WAY = {"checking": ("waiting", "ready"), "importing": ("checked", "done"), "undoing": ("taken", "undone")}


def _not_now() -> Refused:
    return refuse(
        "not_now", _("This import is further on, or was taken back meanwhile."), _("Look at where it stands.")
    )


def _locked(batch_id: int, *statuses: str) -> ImportBatch:
    """The batch, held until the transaction ends. Raises Refused (`not_now`) when it is in another state."""
    batch = lock(ImportBatch, batch_id)
    if batch is None or batch.status not in statuses:
        raise _not_now()
    return batch


def _one_at_a_time(batch: ImportBatch) -> None:
    """Two files of one organization are taken one after the other: the same row of both is one need."""
    if not uses_sqlite():
        db.session.execute(sa.select(sa.func.pg_advisory_xact_lock(batch.organization_id)))


def _record(action: str, batch: ImportBatch, by: Person | None, **data: int) -> None:
    audit.record(action, subject=batch, by=by, organization_id=batch.organization_id, data=data)


def upload_file(organization_id: int, upload: Upload, *, by: Person) -> ImportBatch:
    """Keep a file that was read. Nothing of it is a need yet. Of the files that were never imported the latest are kept."""
    header = sorted(column.casefold() for column in upload.header)
    batch = ImportBatch(
        organization_id=organization_id,
        by_id=by.id,
        name=upload.name,
        encoding=upload.encoding,
        status="uploaded",
        header=upload.header,
        header_key=hashlib.blake2b(json.dumps(header).encode(), digest_size=20).hexdigest(),
        rows=len(upload.rows),
        made_at=now(),
    )
    db.session.add(batch)
    db.session.flush()
    rows = [
        {
            "id": new_id(),
            "batch_id": batch.id,
            "line": row.line,
            "cells": row.cells,
            "mended": {},
            "fault": row.fault[:200],
        }
        for row in upload.rows
    ]
    db.session.execute(sa.insert(ImportRow), rows)
    _record("import.uploaded", batch, by, rows=len(rows))
    waiting = sa.select(ImportBatch.id).where(
        ImportBatch.organization_id == organization_id, ImportBatch.status.in_(("uploaded", "checking", "ready"))
    )
    newest_first = waiting.order_by(ImportBatch.made_at.desc(), ImportBatch.id.desc())
    for batch_id in db.session.scalars(newest_first.offset(MOST_WAITING)).all():
        discard(batch_id, by=None)
    return batch


def set_columns(batch_id: int, *, columns: dict[str, str], constants: dict[str, str], by: Person) -> ImportBatch:
    """Say which column of the file is which of ours, and begin to look at its rows.

    Raises Refused (`not_now`) once the import has begun, InvalidInput (`title`) when nothing would name a need.
    """
    batch = _locked(batch_id, "uploaded", "checking", "ready")
    if "title" not in columns and "site" not in columns:
        raise InvalidInput({"title": _("Say which column is the title: every need has one")})
    batch.columns, batch.constants = columns, constants
    batch.status = "checking"
    db.session.execute(
        sa.update(ImportRow)
        .where(ImportRow.batch_id == batch.id)
        .values(stage="waiting", outcome="", column="", reason="", became="", note="", key="", need_id=None)
    )
    _record("import.columns_said", batch, by)
    _do_step(batch)
    return batch


def start_import(batch_id: int, *, publish: bool, by: Person) -> ImportBatch:
    """Take the rows into the organization: as drafts, or `publish` what is complete where the organization is verified.

    Whoever says yes is who the needs are made by. Raises Refused (`not_now`).
    """
    batch = _locked(batch_id, "ready")
    batch.status, batch.by_id = "importing", by.id
    batch.publish = publish and batch.organization.is_public
    db.session.flush()
    db.session.expire(batch, ["by"])
    _record("import.started", batch, by, rows=batch.rows)
    _do_step(batch)
    return batch


def start_undo(batch_id: int, *, by: Person) -> ImportBatch:
    """Begin to take an import back. Raises Refused (`not_now`), and (`purged`) when what it did is not known any more."""
    batch = _locked(batch_id, "done")
    if batch.purged_at is not None:
        raise refuse(
            "purged", _("What the file did is kept for 30 days only."), _("Close or change the needs one by one.")
        )
    batch.status, batch.by_id, batch.undone_at = "undoing", by.id, now()
    db.session.flush()
    db.session.expire(batch, ["by"])
    _record("import.undo_started", batch, by)
    _do_step(batch)
    return batch


def go_on(batch_id: int, *, by: Person) -> None:
    """Do the next step of what is under way; from now on it is done in the name of whoever asks."""
    batch = lock(ImportBatch, batch_id)
    if batch is not None and batch.status in _UNDER_WAY:
        batch.by_id = by.id
        db.session.flush()
        db.session.expire(batch, ["by"])
        _do_step(batch)


def go_on_as_promised(batch_id: int, step: int) -> None:
    """Do this step, unless somebody did it meanwhile, or whoever began may no longer: then it waits for somebody who may."""
    batch = lock(ImportBatch, batch_id)
    if batch is None or batch.status not in _UNDER_WAY or batch.step != step:
        return
    if can_manage_batch(batch.by, batch):
        _do_step(batch)


def _do_step(batch: ImportBatch) -> None:
    """The next rows; promise the ones after them, or end."""
    _one_at_a_time(batch)
    stage, then = _UNDER_WAY[batch.status]
    mine = sa.select(ImportRow).where(ImportRow.batch_id == batch.id, ImportRow.stage == stage)
    rows = list(
        db.session.scalars(mine.order_by(ImportRow.line).limit(STEP + 1).execution_options(populate_existing=True))
    )
    more, rows = len(rows) > STEP, rows[:STEP]
    if batch.status == "checking":
        check_rows(batch, rows)
    elif batch.status == "importing":
        take_rows(batch, rows, publish=batch.publish)
    else:
        _take_back_rows(batch, rows)
    db.session.flush()
    batch.step += 1
    if more:
        key = f"import_go_on:{batch.id}:{batch.step}"
        outbox.enqueue("import_go_on", {"batch_id": batch.id, "step": batch.step}, key=key)
        return
    if batch.status == "importing":
        batch.finished_at = now()
        _record("import.finished", batch, batch.by, rows=batch.rows)
    elif batch.status == "undoing":
        _record("import.undone", batch, batch.by)
    batch.status = then
    db.session.flush()


def _take_back_rows(batch: ImportBatch, rows: list[ImportRow]) -> None:
    hold([row.need_id for row in rows if row.need_id is not None])
    for row in rows:
        row.stage = "undone"
        if row.outcome in ("created", "updated"):
            fate = take_back(row, by=batch.by)
            row.undone, row.note = fate.kind, fate.reason
            if fate.kind == "removed":
                row.need_id = None
        db.session.flush()


def mend_row(batch_id: int, line: int, values: dict[str, str], *, by: Person) -> ImportRow:
    """Write other values into a reject and look at it again; when the file is in already, take it.

    What was typed is kept whatever comes of it; the row tells. Raises Refused (`not_now`) for a row that is no reject.
    """
    batch = _locked(batch_id, "ready", "done")
    row = db.session.scalar(
        sa.select(ImportRow)
        .where(ImportRow.batch_id == batch.id, ImportRow.line == line, ImportRow.outcome == "rejected")
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if row is None or batch.purged_at is not None:
        raise _not_now()
    _one_at_a_time(batch)
    was = cells_of(batch, row)
    row.mended = row.mended | {name: value for name, value in values.items() if value != was.get(name, "")}
    row.fault = ""
    if batch.status == "ready":
        check_rows(batch, [row])
    else:
        batch.by_id = by.id
        db.session.flush()
        db.session.expire(batch, ["by"])
        take_rows(batch, [row], publish=batch.publish and batch.organization.is_public)
    _record("import.row_mended", batch, by, line=line)
    db.session.flush()
    return row


def discard(batch_id: int, *, by: Person | None) -> None:
    """Forget a file of which nothing was imported. Raises Refused (`not_now`)."""
    batch = _locked(batch_id, "uploaded", "checking", "ready")
    _record("import.discarded", batch, by)
    db.session.flush()
    db.session.execute(sa.delete(ImportRow).where(ImportRow.batch_id == batch.id))
    db.session.delete(batch)
    db.session.flush()


def purge(batch_id: int) -> None:
    """Forget what was uploaded thirty days ago: a file that was never imported whole; else its text, and what was there
    before. What became of each row stays."""
    batch = lock(ImportBatch, batch_id)
    if batch is None or batch.purged_at is not None:
        return
    if batch.status in ("uploaded", "checking", "ready"):
        discard(batch.id, by=None)
        return
    db.session.execute(
        sa.update(ImportRow)
        .where(ImportRow.batch_id == batch.id)
        .values(cells={}, mended={}, fault="", reason="", before=None, key="")
    )
    batch.purged_at = now()
    _record("import.purged", batch, None)


def list_to_purge() -> list[int]:
    """The batches whose text has been kept for long enough."""
    query = sa.select(ImportBatch.id).where(ImportBatch.purged_at.is_(None), ImportBatch.made_at < now() - KEPT_FOR)
    return list(db.session.scalars(query))
