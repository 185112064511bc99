"""Keeping needs fresh (N4): an open need is asked about again after a while, and pauses itself when nobody answers."""

from __future__ import annotations

import datetime as dt
import zoneinfo

from app.accounts.models import Person
from app.core import outbox
from app.core.clock import today
from app.needs.models import Need
from app.needs.operations.shared import changed, locked_need, record, require_not_closed
from app.organizations.queries import list_deciders

CONFIRMED_FOR = dt.timedelta(days=30)
ASKED_BEFORE = dt.timedelta(days=5)


def keep_fresh(need: Need, until: dt.date | None = None) -> None:
    """Set when it is asked about again, on the calendar of the place: in thirty days when no date is given. The question
    some days before is promised with it."""
    need.confirm_by = until or today(need.time_zone) + CONFIRMED_FOR
    asked_on = need.confirm_by - ASKED_BEFORE
    outbox.enqueue(
        "need_confirm_due",
        {"need_id": need.id, "confirm_by": need.confirm_by.isoformat()},
        key=f"need_confirm_due:{need.id}:{need.confirm_by.isoformat()}",
        due_at=dt.datetime.combine(asked_on, dt.time(9), zoneinfo.ZoneInfo(need.time_zone)),
    )


def confirm_need(need_id: int, *, by: Person, until: dt.date | None = None) -> Need:
    """Say that it is still needed, until the date when it is asked again: thirty days when none is given (N4)."""
    need = locked_need(need_id)
    require_not_closed(need)
    keep_fresh(need, until)
    changed(need)
    record("need.confirmed", need, by, need)
    return need


def ask_to_confirm(need_id: int, confirm_by: dt.date) -> None:
    """Promise owners and managers of today a mail each that asks; nothing when it was confirmed or closed meanwhile."""
    need = locked_need(need_id)
    if need.status == "open" and need.confirm_by == confirm_by:
        _tell(need, confirm_by, "mail_need_confirm")


def pause_unconfirmed(need_id: int) -> None:
    """Pause an open need whose date is over, and tell owners and managers. Looked at again under the lock."""
    need = locked_need(need_id)
    if need.status == "open" and need.confirm_by is not None and need.confirm_by < today(need.time_zone):
        need.status = "paused"
        changed(need)
        record("need.unconfirmed", need, None, need)
        _tell(need, need.confirm_by, "mail_need_unconfirmed")


def _tell(need: Need, confirm_by: dt.date, kind: str) -> None:
    asked_on = confirm_by.isoformat()
    for person_id in list_deciders(need.organization_id):
        outbox.enqueue(
            kind,
            {"need_id": need.id, "person_id": person_id, "confirm_by": asked_on},
            key=f"{kind}:{need.id}:{asked_on}:{person_id}",
        )
