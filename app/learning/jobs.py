"""Promised work: what moderators checked of the services is written beside the database, for a page that must not ask it;
mails to whoever asked about a claim."""

from __future__ import annotations

from typing import Any

from app.core import web
from app.core.jobs import Sweep
from app.learning.asked_jobs import forget_old_claims, mail_asked_confirm, mail_asked_decided
from app.learning.queries import find_signpost_checks
from app.learning.signposts import write_checks


def write_signpost_checks(_payload: dict[str, Any]) -> None:
    """Write the days on which services were last checked into DATA_DIR."""
    write_checks(web.settings().data_dir, find_signpost_checks())


HANDLERS = {
    "mail_asked_confirm": mail_asked_confirm,
    "mail_asked_decided": mail_asked_decided,
    "write_signpost_checks": write_signpost_checks,
}
SWEEPS: tuple[Sweep, ...] = (Sweep("learning.forget_old_claims", 86_400, forget_old_claims),)
