"""What `flask verify` recomputes of imports: a batch that is over has every row it came with, and each is over too."""

from __future__ import annotations

import collections

import sqlalchemy as sa

from app.core.db import db
from app.imports.models import ImportBatch, ImportRow

_OVER = {"ready": "checked", "done": "taken", "undone": "undone"}


def check_batches() -> tuple[int, list[str]]:
    """How many batches there are, and those whose rows do not add up."""
    counted = sa.select(ImportRow.batch_id, ImportRow.stage, sa.func.count()).group_by(
        ImportRow.batch_id, ImportRow.stage
    )
    stages: dict[int, dict[str, int]] = collections.defaultdict(dict)
    for batch_id, stage, count in db.session.execute(counted):
        stages[batch_id][stage] = count
    problems: list[str] = []
    batches = db.session.execute(sa.select(ImportBatch.id, ImportBatch.status, ImportBatch.rows)).all()
    for batch_id, status, rows in batches:
        found = stages[batch_id]
        if sum(found.values()) != rows:
            problems.append(f"import {batch_id}: {sum(found.values())} rows of {rows}")
        elif status in _OVER and found.get(_OVER[status], 0) != rows:
            problems.append(f"import {batch_id} is {status}, but not each of its rows")
    return len(batches), problems


CHECKS = {"imports": check_batches}
