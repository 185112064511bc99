"""The sweep of answers that are kept for a repeated request."""

from __future__ import annotations

from app.api import frame
from app.core import outbox
from app.core.db import transaction
from app.core.jobs import Sweep


def forget_answers() -> None:
    """Answers hold names and addresses: they are there to be repeated for a day, and not for ever."""
    with transaction():
        frame.forget_old_answers()


HANDLERS: dict[str, outbox.Handler] = {}
SWEEPS = (Sweep("api.forget_answers", 3600, forget_answers),)
