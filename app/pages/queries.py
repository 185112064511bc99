"""Reads across features for pages."""

from __future__ import annotations

import functools
from pathlib import Path

import sqlalchemy as sa

from app.core.db import db

HEAD = Path(__file__).parent.parent.parent / "migrations" / "HEAD"


@functools.cache
def _expected_revision() -> str:
    return HEAD.read_text().split("_")[0]


def is_migrated() -> bool:
    """True when the database stands at the revision pinned in migrations/HEAD."""
    try:
        revision = db.session.scalar(sa.text("SELECT version_num FROM alembic_version"))
    except sa.exc.DatabaseError:
        db.session.rollback()
        return False
    return bool(revision == _expected_revision())
