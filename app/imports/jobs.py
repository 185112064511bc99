"""Promised work of imports by page: the next step of one that is long; and forgetting what was uploaded long ago."""

from __future__ import annotations

from typing import Any

from app.core.db import db, transaction
from app.core.jobs import Sweep
from app.core.letters import speaking
from app.core.outbox import Handler
from app.imports import operations
from app.imports.queries import find_language


def import_go_on(payload: dict[str, Any]) -> None:
    """The next step, in the language of whoever imports: reasons are written for them."""
    locale = find_language(payload["batch_id"])
    db.session.rollback()
    with speaking(locale), transaction():
        operations.go_on_as_promised(payload["batch_id"], payload["step"])


def purge_uploads() -> None:
    """Sweep: forget files that are older than thirty days."""
    for batch_id in operations.list_to_purge():
        with transaction():
            operations.purge(batch_id)


HANDLERS: dict[str, Handler] = {"import_go_on": import_go_on}
SWEEPS = (Sweep("imports.purge_uploads", 3600, purge_uploads),)
