"""Ending a need with what came of it, and taking that back.

Whoever helped is told by promised work, whose handlers live above: `need_closed_signups` and `need_closed_pledges` find the
people and promise each one `mail_need_thanks`. Its key names need and person, so that nobody gets it twice, however they
helped and however often the need is closed. `need_closed_waitlists` tells those who still wait for a place.
"""

from __future__ import annotations

import datetime as dt

from app.accounts.models import Person
from app.core import outbox
from app.core.clock import now
from app.core.errors import InvalidInput, refuse
from app.core.i18n import _
from app.core.text import block
from app.needs.models import Need, Shift
from app.needs.operations.needs import move, open_again, reasons_not_to_publish
from app.needs.operations.shared import locked_need
from app.needs.operations.shifts import call_off

MAXIMUM_OUTCOME = 2000
MAXIMUM_THANKS = 500
MOST_HELPED = 1_000_000
# Undo is for a slip of the finger; so long nobody is thanked.
UNDO_CLOSE_WITHIN = dt.timedelta(minutes=15)
# One row for each handler that has to hear of it.
CLOSED = ("need_closed_signups", "need_closed_pledges")
# Whoever waits for a place hears that it is over, thanked or not (S5).
CLOSED_IN_ANY_CASE = ("need_closed_waitlists",)


def close_need(
    need_id: int,
    *,
    by: Person | None,
    outcome: str = "",
    people_helped: int | None = None,
    thanks: str = "",
    tell: bool = False,
) -> Need:
    """End a need with what came of it. Its record stays; nothing more can be promised.

    Shifts ahead that somebody has a place on are cancelled, and everybody on them is told at once (S6). With `tell`,
    everybody who helped is thanked with the outcome and the staff's own line `thanks`, a quarter of an hour later, so that
    undo comes first. Raises
    InvalidInput, naming the field.
    """
    errors = {}
    if len(outcome) > MAXIMUM_OUTCOME:
        errors["outcome"] = _("Write 2,000 characters or fewer")
    if len(thanks) > MAXIMUM_THANKS:
        errors["thanks"] = _("Write 500 characters or fewer")
    if people_helped is not None and not 0 <= people_helped <= MOST_HELPED:
        errors["people_helped"] = _("Enter a number between 0 and 1,000,000")
    if errors:
        raise InvalidInput(errors)
    need = locked_need(need_id)
    if need.status == "closed":
        return need
    for shift in to_call_off(need):
        call_off(shift, by=by)
    need.outcome, need.thanks, need.people_helped = block(outcome) or "", block(thanks) or "", people_helped
    need.closed_from, need.closed_at = need.status, now()
    move(need, "closed", "need.closed", by)
    for kind in (*CLOSED, *CLOSED_IN_ANY_CASE) if tell else CLOSED_IN_ANY_CASE:
        due_at = need.closed_at + UNDO_CLOSE_WITHIN
        outbox.enqueue(kind, {"need_id": need.id}, key=_key(kind, need), due_at=due_at)
    return need


def to_call_off(need: Need) -> list[Shift]:
    """The shifts of `need` that closing it cancels: their time has not come and somebody has a place. Where nobody has one
    there is nobody to tell, and a reopened need has them as before. One that cannot run (G2) might have run again: whoever
    has a place on it is told as well. Flexible roles end with the need, and whoever took one
    is thanked for it."""
    at = now()
    return [
        shift
        for shift in need.shifts
        if shift.status in ("scheduled", "cannot_run")
        and shift.starts_at is not None
        and shift.starts_at > at
        and any(position.taken for position in shift.positions)
    ]


def can_undo_close(need: Need) -> bool:
    """True for a quarter of an hour after it was closed, as long as nobody was thanked."""
    return need.status == "closed" and need.closed_at is not None and now() - need.closed_at < UNDO_CLOSE_WITHIN


def undo_close(need_id: int, *, by: Person) -> Need:
    """It is what it was before it was closed a moment ago, and nobody is thanked. Shifts that were cancelled stay cancelled:
    people were told. Raises Refused (`undo_too_late`)."""
    need = locked_need(need_id)
    if not can_undo_close(need):
        raise refuse(
            "undo_too_late", _("It is too late to undo this: that goes for 15 minutes."), _("Reopen the need.")
        )
    for kind in (*CLOSED, *CLOSED_IN_ANY_CASE):
        outbox.withdraw(_key(kind, need))
    status = need.closed_from or "paused"
    need.closed_at = need.closed_from = None
    move(need, status, "need.reopened", by)
    return need


def reopen_need(need_id: int, *, by: Person | None) -> Need:
    """Open a paused or closed need again. A closed one that lacks something is paused (a draft when nobody ever saw it), so
    that it can be changed. Raises Refused with every reason against opening a paused one."""
    need = locked_need(need_id)
    if need.status == "draft":
        raise refuse("draft", _("A draft is published, not reopened."), _("Publish it when it is ready."))
    if need.status == "open":
        return need
    if need.status != "closed" or not reasons_not_to_publish(need):
        open_again(need, by)
        return need
    is_placed = need.remote or need.latitude is not None
    need.closed_at = need.closed_from = None
    move(need, "paused" if need.published_at is not None and is_placed else "draft", "need.reopened", by)
    return need


def promise_thanks(need: Need, person_ids: list[int]) -> None:
    """Promise each of those who helped their one mail. Not when it was opened again."""
    if need.status != "closed":
        return
    for person_id in person_ids:
        outbox.enqueue(
            "mail_need_thanks",
            {"need_id": need.id, "person_id": person_id},
            key=f"mail_need_thanks:{need.id}:{person_id}",
        )


def _key(kind: str, need: Need) -> str:
    closed_at = need.closed_at or need.updated_at
    return f"{kind}:{need.id}:{closed_at.timestamp():.0f}"
