"""What a promise said before it was changed: kept for a quarter of an hour, as the way back."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from app.core.clock import now
from app.core.errors import InvalidInput
from app.core.i18n import _
from app.core.text import block
from app.pledges.models import LIVE_STATUSES, Pledge
from app.pledges.quantities import format_quantity

MAXIMUM_NOTE = 500
# Undo is for a slip of the finger; later one promises again.
UNDO_WITHIN = dt.timedelta(minutes=15)


def can_undo_change(found: Pledge) -> bool:
    """True for a quarter of an hour after a promise was changed, while nothing else has happened to it."""
    if found.before is None or found.changed_at is None or found.status not in LIVE_STATUSES:
        return False
    return now() - found.changed_at < UNDO_WITHIN


def remember(found: Pledge) -> None:
    """Keep what the promise says, for the way back from what is changed now."""
    found.changed_at = now()
    found.before = {
        "quantity": format_quantity(found.quantity),
        "deliver_by": found.deliver_by.isoformat() if found.deliver_by else None,
        "way": found.way,
        "note": found.note,
        "status": found.status,
    }


def note_of(current: Pledge, note: str, mode: Literal["add", "replace"]) -> str:
    """What the staff read once `note` (maybe "") comes with what is added, or with what replaces the promise."""
    new = block(note) or ""
    if not new or new == current.note:
        return current.note
    both = f"{current.note}\n{new}" if mode == "add" and current.note else new
    if len(both) > MAXIMUM_NOTE:
        raise InvalidInput({"note": _("Write less: with what you wrote before it is more than 500 characters")})
    return both
