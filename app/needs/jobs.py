"""Work about needs that is promised by a row or due by the clock."""

from __future__ import annotations

from app.core.jobs import Sweep
from app.core.outbox import Handler
from app.needs import index

HANDLERS: dict[str, Handler] = {}
SWEEPS = (Sweep("needs.reindex_stale", 60, index.reindex_stale),)
