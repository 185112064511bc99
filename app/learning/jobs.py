"""Promised work: what moderators checked of the services is written beside the database, for a page that must not ask it."""

from __future__ import annotations

from typing import Any

from app.core import web
from app.core.jobs import Sweep
from app.learning.queries import find_signpost_checks
from app.learning.signposts import write_checks


def write_signpost_checks(_payload: dict[str, Any]) -> None:
    """Write the days on which services were last checked into DATA_DIR."""
    write_checks(web.settings().data_dir, find_signpost_checks())


HANDLERS = {"write_signpost_checks": write_signpost_checks}
SWEEPS: tuple[Sweep, ...] = ()
